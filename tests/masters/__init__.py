"""Tests of mesoslite.master."""
