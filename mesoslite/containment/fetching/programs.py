"""Programs: fetchers are started, and heard of when they have ended."""

# Who calls: cache.py and fetch.py. Twin: containment/fetcher, which is what is started.
# A job goes by a file in memory, which takes any number of URIs and which nobody else sees; how it went comes by a
#   pipe, by which a fetcher also knows that its agent lives.
# Invariants: 1. no more than so many run at once, as each takes memory that no task accounts for; the others begin in
#   the order in which they came.    2. ``done`` of each is called once, without a lock of this file.

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from libactor.subprocess import DEVNULL, Reaper

from ..environment import inherited_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import libactor as la
    from libactor.subprocess import Identity, Subprocess

_BEGIN = "import sys; sys.path.append(sys.argv[1]); from fetcher.main import main; main()"
COMMAND = (sys.executable, "-I", "-S", "-c", _BEGIN, str(Path(__file__).parent.parent))
_OUTCOME_BYTES_MAX = 1 << 16


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went: well, if there is no ``problem``; ``is_too_large`` if there was no room for it."""

    problem: str | None = None
    is_too_large: bool = False


KILLED = Outcome("Failed to fetch: it is not wanted any more")


@dataclass(slots=True, eq=False)
class Program:
    """One fetcher, which has no ``process`` as long as it waits for others to end."""

    job: Mapping[str, Any]
    log: int | None
    done: Callable[[Outcome], None]
    process: Subprocess | None = field(default=None, init=False)
    is_killed: bool = field(default=False, init=False)


class Programs:
    """The fetchers of one agent, of which ``at_once`` run at a time; from any thread."""

    def __init__(self, at_once: int) -> None:
        self._reaper = Reaper("fetchers")
        self._at_once = at_once
        self._lock = threading.Lock()  # of what follows
        self._running = 0
        self._waiting: deque[Program] = deque()
        self._is_closed = False

    def start(self, job: Mapping[str, Any], log: int | None, done: Callable[[Outcome], None]) -> Program:
        """Start one with ``job`` (fetcher/main.py), that writes what it does to the descriptor ``log``, in its turn.

        ``done`` is called when it has ended. Raises: OSError; RuntimeError after ``close``.
        """
        program = Program(job, log, done)
        with self._lock:
            if self._is_closed:
                raise RuntimeError("the agent ends")
            if self._waiting or self._running >= self._at_once:
                self._waiting.append(program)
                return program
            self._running += 1
        self._begin(program)
        return program

    def kill(self, program: Program) -> None:
        """End one; one that waits has ended when this returns."""
        with self._lock:
            program.is_killed = True
            process, waits = program.process, program in self._waiting
            if waits:
                self._waiting.remove(program)
        if process is not None:
            process.send_signal(signal.SIGKILL)
        if waits:
            program.done(KILLED)

    def close(self) -> None:
        """Kill all that run or wait, and wait until they have ended, and were told of."""
        with self._lock:
            self._is_closed = True
            waiting = tuple(self._waiting)
        for program in waiting:
            self.kill(program)
        self._reaper.close()

    def _begin(self, program: Program) -> None:
        try:
            process, reads = self._launch(program)
        except BaseException:
            self._leave()
            raise
        with self._lock:
            program.process = process
            is_killed = program.is_killed
        if is_killed:
            process.send_signal(signal.SIGKILL)
        process.status.on_any(lambda status: self._ended(program, _outcome(reads, status)))

    def _ended(self, program: Program, outcome: Outcome) -> None:
        self._leave()
        program.done(outcome)

    def _leave(self) -> None:
        """One does not run any more: the next begins, in the thread of the reaper, as callers may have locks."""
        with self._lock:
            self._running -= 1
            if not self._waiting:
                return
        self._reaper.call(self._begin_waiting)

    def _begin_waiting(self) -> None:
        while True:
            with self._lock:
                if self._running >= self._at_once or not self._waiting:
                    return
                self._running += 1
                program = self._waiting.popleft()
            try:
                self._begin(program)
            except (OSError, RuntimeError) as error:
                program.done(Outcome(f"Failed to fetch: {error}"))

    def _launch(self, program: Program) -> tuple[Subprocess, int]:
        """A fetcher, and the descriptor by which it says how it went."""
        given = os.memfd_create("fetch", os.MFD_CLOEXEC)
        reads, writes = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            with open(given, "wb", closefd=False) as file:
                file.write(json.dumps(program.job).encode())
            os.lseek(given, 0, os.SEEK_SET)
            process = self._reaper.launch(
                COMMAND,
                environment=inherited_environment(),
                stdin=given,
                stdout=writes,
                stderr=program.log if program.log is not None else DEVNULL,
            )
        except BaseException:
            os.close(reads)
            raise
        finally:
            os.close(given)
            os.close(writes)
        return process, reads


def job_of(
    items: list[dict[str, Any]],
    identity: Identity | None,
    *,
    directory: str = "",
    file: str = "",
    bytes_max: int,
    stall_seconds: float,
    frameworks_home: str,
) -> dict[str, Any]:
    """What a fetcher is told: to fetch ``items`` into a directory, or the one there is into a new file."""
    return {
        "items": items,
        "identity": (identity.user, identity.group, identity.groups) if identity is not None else None,
        "directory": directory,
        "file": file,
        "bytes_max": bytes_max,
        "stall_seconds": stall_seconds,
        "frameworks_home": frameworks_home,
    }


def _outcome(reads: int, status: la.Future[int]) -> Outcome:
    try:
        text = os.read(reads, _OUTCOME_BYTES_MAX)
    except BlockingIOError:
        text = b""
    finally:
        os.close(reads)
    try:
        return Outcome(**json.loads(text))
    except (ValueError, TypeError):  # it was ended by somebody
        lost = status.exception()
        how = str(lost) if lost is not None else f"it ended with status {status.get(0)}"
        return Outcome(f"Failed to fetch: the fetcher did not say how it went: {how}")
