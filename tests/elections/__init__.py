"""Tests of elections: who leads, who hears of it, and what becomes of members that are cut off."""
