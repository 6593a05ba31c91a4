"""Tests of actors on several hosts: real processes, each in a network namespace of its own, and cables to cut."""
