"""Tests of mesoslite.model."""
