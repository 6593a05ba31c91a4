"""Tests of the benchmarks: that they measure what they say, and that the report computes what it says."""
