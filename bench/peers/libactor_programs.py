"""libactor's programs: their ends and what they write, by futures."""

# Who calls: the peer derives from Programs (bench/peers/libactor_runtime.py).

from __future__ import annotations

from time import perf_counter

import libactor as la
from bench.benchmarks import expect
from bench.peers.programs import NOTHING, writes
from libactor.subprocess import PIPE, start


class Programs:
    """The lines of subprocess."""

    def program(self, count: int) -> float:
        """``start(...).status.get()``, one program after the other."""
        with la.Runtime():
            begin = perf_counter()
            ended = [start(NOTHING).status.get() for _ in range(count)]
            seconds = perf_counter() - begin
        expect(ended, [0] * count, "statuses")
        return seconds

    def program_output(self, count: int) -> float:
        """All that a program writes, by ``read_all`` of its pipe."""
        with la.Runtime():
            begin = perf_counter()
            child = start(writes(count), stdout=PIPE)
            assert child.stdout is not None
            data = child.stdout.read_all().get()
            status = child.status.get()
            seconds = perf_counter() - begin
        expect((status, len(data)), (0, count * 1_000_000), "status and bytes read")
        return seconds
