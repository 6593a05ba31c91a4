"""Fetch: the URIs of one container, from the first look at the cache until all are in its sandbox, or one cannot be."""

# Who calls: fetched_container.py; the cache and the fetcher call back, in any thread.
# What is to be kept is fetched first, all of it at once; then one fetcher puts everything where it belongs, in order.
# Invariant: ``done`` is called once, when no fetcher works for it any more and the cache is left.
# Source: Mesos src/slave/containerizer/fetcher.cpp (FetcherProcess::fetch).

from __future__ import annotations

import os
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from .programs import Outcome, Programs, job_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from libactor.subprocess import Identity
    from mesoslite.model import ContainerConfig

    from .cache import Cache, Entry, Waiter
    from .options import FetcherOptions
    from .programs import Program

ABORTED = Outcome("it is not wanted any more")
UNBOUNDED = 1 << 62


class Fetch:
    """``log`` is a descriptor of where the fetcher writes what it does, and is closed here."""

    def __init__(
        self,
        config: ContainerConfig,
        identity: Identity | None,
        log: int,
        *,
        options: FetcherOptions,
        programs: Programs,
        cache: Cache,
        done: Callable[[Outcome], None],
    ) -> None:
        self._config, self._identity, self._log = config, identity, log
        self._options, self._programs, self._cache = options, programs, cache
        self._done = done
        self._lock = threading.Lock()
        self._to_come = 0  # of what is asked of the cache
        self._waiters: list[Waiter] = []
        self._kept: dict[int, Entry] = {}  # by the place among the URIs
        self._problem: Outcome | None = None
        self._program: Program | None = None

    def begin(self) -> None:
        """Have it done, or say that it cannot be."""
        asked = [(at, uri.value) for at, uri in enumerate(self._config.command.uris) if uri.cache]
        self._to_come = len(asked) + 1
        for at, uri in asked:
            ready = partial(self._cached, at)
            try:
                waiter = self._cache.acquire(self._config.user, uri, self._identity, ready)
            except (OSError, RuntimeError) as error:
                ready(None, _failure(error))
                continue
            with self._lock:
                self._waiters.append(waiter)
                is_aborted = self._problem is ABORTED
            if is_aborted:
                self._cache.leave(waiter, ABORTED)
        self._step(None)

    def abort(self) -> None:
        """End it, as far as it is not done."""
        with self._lock:
            self._problem = self._problem or ABORTED
            program, waiters = self._program, tuple(self._waiters)
        if program is not None:
            self._programs.kill(program)
        for waiter in waiters:
            self._cache.leave(waiter, ABORTED)

    def _cached(self, at: int, entry: Entry | None, outcome: Outcome) -> None:
        if entry is not None:
            with self._lock:
                self._kept[at] = entry
        self._step(None if entry is not None or outcome.is_too_large else outcome)  # what is too large is not kept

    def _step(self, problem: Outcome | None) -> None:
        with self._lock:
            self._to_come -= 1
            self._problem = self._problem or problem
            if self._to_come:
                return
            if self._problem is None:
                try:
                    self._program = self._programs.start(self._job(), self._log, self._finish)
                    return
                except (OSError, RuntimeError) as error:
                    self._problem = _failure(error)
        self._finish(self._problem, is_logged=False)

    def _job(self) -> dict[str, Any]:
        items = [
            {
                "uri": uri.value,
                "name": uri.output_file,
                "executable": uri.executable,
                "extract": uri.extract,
                "kept": self._kept[at].path if at in self._kept else None,
            }
            for at, uri in enumerate(self._config.command.uris)
        ]
        return job_of(
            items,
            self._identity,
            directory=self._config.sandbox,
            bytes_max=UNBOUNDED,
            stall_seconds=self._options.stall_seconds,
            frameworks_home=self._options.frameworks_home,
        )

    def _finish(self, outcome: Outcome, *, is_logged: bool = True) -> None:
        for entry in self._kept.values():
            self._cache.release(entry)
        if outcome.problem is not None and not is_logged:
            with suppress(OSError):  # the disk is full, say; whoever waits is told all the same
                os.write(self._log, f"{outcome.problem}\n".encode())
        os.close(self._log)
        self._done(outcome)


def _failure(error: Exception) -> Outcome:
    return Outcome(f"Failed to fetch: {error}")
