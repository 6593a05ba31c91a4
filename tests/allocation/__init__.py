"""Tests of mesoslite.allocator."""
