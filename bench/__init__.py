"""Benchmarks of libactor beside its peers, and of the allocator: ``python -m bench``; docs/benchmarks.md explains."""
