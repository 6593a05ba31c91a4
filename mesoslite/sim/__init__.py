"""The simulator: production master, allocator, agents and schedulers on virtual time, with faults drawn from a seed."""
