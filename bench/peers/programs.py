"""The programs that the subprocess lines start, and the same work by Python's own module, which blocks."""

# Who calls: every peer of subprocess lines; ThreadQueues derives from Popen, AsyncioTasks from AsyncioPrograms.

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Coroutine
from time import perf_counter
from typing import Any

from bench.benchmarks import expect

NOTHING = ("/bin/true",)


def writes(megabytes: int) -> tuple[str, ...]:
    """Return a program that writes so many megabytes and ends."""
    return ("head", "-c", str(megabytes * 1_000_000), "/dev/zero")


class Popen:
    """By ``subprocess``: who waits for a program, or for what it writes, has a thread to block."""

    def program(self, count: int) -> float:
        """``Popen`` and ``wait``, one program after the other."""
        start = perf_counter()
        ended = [subprocess.Popen(NOTHING, start_new_session=True).wait() for _ in range(count)]
        seconds = perf_counter() - start
        expect(ended, [0] * count, "statuses")
        return seconds

    def program_output(self, count: int) -> float:
        """All that a program writes, by ``communicate``."""
        start = perf_counter()
        with subprocess.Popen(writes(count), stdout=subprocess.PIPE) as child:
            data, _ = child.communicate()
        seconds = perf_counter() - start
        expect((child.returncode, len(data)), (0, count * 1_000_000), "status and bytes read")
        return seconds


class AsyncioPrograms:
    """By ``asyncio``."""

    _run: Callable[[Coroutine[Any, Any, float]], float]

    def program(self, count: int) -> float:
        """``create_subprocess_exec`` and ``wait``, one program after the other."""
        return self._run(_program(count))

    def program_output(self, count: int) -> float:
        """All that a program writes, by ``communicate``."""
        return self._run(_program_output(count))


async def _program(count: int) -> float:
    ended = []
    start = perf_counter()
    for _ in range(count):
        child = await asyncio.create_subprocess_exec(*NOTHING, start_new_session=True)
        ended.append(await child.wait())
    seconds = perf_counter() - start
    expect(ended, [0] * count, "statuses")
    return seconds


async def _program_output(count: int) -> float:
    start = perf_counter()
    child = await asyncio.create_subprocess_exec(*writes(count), stdout=asyncio.subprocess.PIPE)
    data, _ = await child.communicate()
    seconds = perf_counter() - start
    expect((child.returncode, len(data)), (0, count * 1_000_000), "status and bytes read")
    return seconds
