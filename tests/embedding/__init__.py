"""Tests of whole clusters inside a program: mesoslite.Cluster, mesoslite.Framework and the examples."""
