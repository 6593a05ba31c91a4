"""The other process of a measurement: the side that answers over a socket, wherever the line says it is to run."""

# Who calls: peers start one for each measurement of a remote or http line (bench/peers/), and tests. The process runs
#   `python -m bench.partner <module>:<function> [cpus]`; the function serves for ever and gets `announce`, which it
#   calls once with the address that it serves. First and only line out: JSON, {"address", "cpus"}.
# Invariants: 1. it runs on the CPUs of this process, or those of BENCH_PARTNER_CPUS; elsewhere is an error, whichever
#   peer it is.    2. it ends with its standard input, so also with a process that was killed.

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

ROOT = Path(__file__).resolve().parent.parent
PLACE = "BENCH_PARTNER_CPUS"  # in the environment of a child: where its partners run, such as 0,1

# CPUCLOCK_SCHED: Linux makes the clock of a process from its number and this; man 3 clock_getcpuclockid
PROCESS_CLOCK = 2

Announce = Callable[[str], None]


class PartnerFailed(Exception):
    """The other process ended or runs in the wrong place; its own error stands above on standard error."""


def host_and_port(address: str) -> tuple[str, int]:
    """Return the parts of ``host:port``, as sockets take them."""
    host, _, port = address.rpartition(":")
    return host, int(port)


class Partner:
    """A process that serves ``role``, such as ``bench.peers.sockets:serve``, at ``address``, as a context manager."""

    def __init__(self, role: str) -> None:
        wanted = os.environ.get(PLACE) or ",".join(map(str, sorted(os.sched_getaffinity(0))))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.partner", role, wanted],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._end()
            raise PartnerFailed(f"the process that is to serve {role} ended; see its error above")
        said = json.loads(line)
        self.address: str = said["address"]
        if ",".join(map(str, said["cpus"])) != wanted:
            self._end()
            raise PartnerFailed(f"{role} is served on CPUs {said['cpus']}, expected {wanted}; ratios would mislead")

    def processor_seconds(self) -> float:
        """Return how long the process has been on a CPU so far, all threads together, to the nanosecond."""
        return time.clock_gettime((~self._process.pid << 3) | PROCESS_CLOCK)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._process.wait()


def main() -> None:
    """Serve until standard input ends."""
    role, cpus = sys.argv[1:]
    os.sched_setaffinity(0, [int(cpu) for cpu in cpus.split(",")])
    threading.Thread(target=_end_with_input, daemon=True).start()
    module, _, function = role.partition(":")
    getattr(importlib.import_module(module), function)(_announce)


def _announce(address: str) -> None:
    print(json.dumps({"address": address, "cpus": sorted(os.sched_getaffinity(0))}), flush=True)


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
