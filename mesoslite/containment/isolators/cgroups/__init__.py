"""Isolators by control groups: one controller a file, all of them composed by one isolator."""
