"""Memory: what this process has, and the most that it has had since somebody asked."""

# Who calls: bench/failover.py, bench/abuse.py. Source: proc_pid_clear_refs(5), proc_pid_status(5).

from __future__ import annotations

from pathlib import Path


def reset_peak() -> int:
    """Begin to look for the peak anew; what memory the process has now, in bytes."""
    Path("/proc/self/clear_refs").write_text("5")
    return _memory("VmRSS")


def peak() -> int:
    """The most that it has had since then, in bytes."""
    return _memory("VmHWM")


def _memory(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1_024
    raise KeyError(field)
