"""Cache: files that were fetched once, for whoever asks for them again."""

# Who calls: fetch.py, in any thread.
# A file is one user's, for what one may read another may not. Who asks for what is being fetched waits for that; it
#   goes on as long as somebody does.
# Invariants: 1. the files are the agent's own, in a directory that nobody else can enter.    2. what is in use is not
#   removed; the rest is kept in ``capacity`` bytes, that which was asked for last.    3. what could not be fetched is
#   not remembered.
# Source: Mesos src/slave/containerizer/fetcher.cpp (FetcherProcess::Cache).

from __future__ import annotations

import logging
import os
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from .programs import Outcome, Programs, job_of

if TYPE_CHECKING:
    from libactor.subprocess import Identity

    from .options import FetcherOptions
    from .programs import Program

log = logging.getLogger("mesoslite")

_NAME = re.compile(r"c\d+", re.ASCII)


@dataclass(slots=True, eq=False)
class Entry:
    """One file; ``size`` is None as long as it is fetched, for those ``waiting``."""

    key: tuple[str, str]
    path: str
    size: int | None = None
    uses: int = 0
    waiting: list[Waiter] = field(default_factory=list)
    program: Program | None = None


class Ready(Protocol):
    """Who is told once what he asked for is there, with an Entry, or that it cannot be, with None."""

    def __call__(self, entry: Entry | None, outcome: Outcome) -> None:
        """In whatever thread."""


@dataclass(slots=True, eq=False)
class Waiter:
    """One who has asked for a file."""

    entry: Entry
    ready: Ready


class Cache:
    """The files of one agent, in ``directory``, which is its alone."""

    def __init__(self, directory: str, options: FetcherOptions, programs: Programs) -> None:
        self._directory = directory
        self._options = options
        self._programs = programs
        self._lock = threading.RLock()
        self._entries: OrderedDict[tuple[str, str], Entry] = OrderedDict()  # the least recently used first
        self._is_clear = False
        self._number = 0
        self.used_bytes = 0

    def clear(self) -> None:
        """Remove what an earlier life has left; the first use does so as well. Raises: OSError."""
        with self._lock:
            if not self._is_clear and os.path.isdir(self._directory):
                for name in os.listdir(self._directory):
                    if _NAME.fullmatch(name):
                        os.unlink(f"{self._directory}/{name}")
            self._is_clear = True

    def acquire(self, user: str, uri: str, identity: Identity | None, ready: Ready) -> Waiter:
        """Ask for a file; ``ready`` is told once. Raises: OSError, RuntimeError, if no fetcher can be started."""
        key = (user, uri)
        with self._lock:
            known = self._entries.get(key)
            entry = known or self._new_entry(key)
            waiter = Waiter(entry, ready)
            if entry.size is None:
                entry.waiting.append(waiter)
                if known is None:
                    self._begin(entry, identity)
                return waiter
            self._entries.move_to_end(key)
            entry.uses += 1
        ready(entry, Outcome())
        return waiter

    def leave(self, waiter: Waiter, why: Outcome) -> None:
        """One does not want it any more; if he still waited he is told ``why``."""
        entry = waiter.entry
        with self._lock:
            if waiter not in entry.waiting:
                return
            entry.waiting.remove(waiter)
            if not entry.waiting:
                del self._entries[entry.key]
                assert entry.program is not None
                self._programs.kill(entry.program)
        waiter.ready(None, why)

    def release(self, entry: Entry) -> None:
        """One who was told of a file does not read it any more."""
        with self._lock:
            entry.uses -= 1
            self._evict()

    def _new_entry(self, key: tuple[str, str]) -> Entry:
        self.clear()
        os.makedirs(self._directory, exist_ok=True)
        os.chmod(self._directory, 0o700)
        self._number += 1
        return Entry(key, f"{self._directory}/c{self._number}")

    def _begin(self, entry: Entry, identity: Identity | None) -> None:
        """Have it fetched, for who waits already: the fetcher may have ended before its start returns."""
        job = job_of(
            [{"uri": entry.key[1], "name": "", "executable": False, "extract": False, "kept": None}],
            identity,
            file=entry.path,
            bytes_max=self._options.cache_bytes,
            stall_seconds=self._options.stall_seconds,
            frameworks_home=self._options.frameworks_home,
        )
        self._entries[entry.key] = entry
        try:
            entry.program = self._programs.start(job, None, partial(self._fetched, entry))
        except BaseException:
            del self._entries[entry.key]
            raise

    def _fetched(self, entry: Entry, outcome: Outcome) -> None:
        with self._lock:
            waiting, entry.waiting = entry.waiting, []
            is_kept = outcome.problem is None and self._entries.get(entry.key) is entry
            if is_kept:
                entry.size, entry.uses = os.stat(entry.path).st_size, len(waiting)
                self.used_bytes += entry.size
                self._evict()
            else:
                self._remove(entry)
        for waiter in waiting:
            waiter.ready(entry if is_kept else None, outcome)

    def _evict(self) -> None:
        while self.used_bytes > self._options.cache_bytes:
            unused = next((each for each in self._entries.values() if each.size is not None and not each.uses), None)
            if unused is None:
                return
            assert unused.size is not None
            self.used_bytes -= unused.size
            self._remove(unused)

    def _remove(self, entry: Entry) -> None:
        if self._entries.get(entry.key) is entry:
            del self._entries[entry.key]
        try:
            os.unlink(entry.path)
        except FileNotFoundError:
            return
        except OSError as error:
            log.warning("fetcher: %s stays in the cache: %s", entry.path, error)
