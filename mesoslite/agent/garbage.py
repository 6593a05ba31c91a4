"""Garbage: sandboxes of what is over are removed after a time, and sooner when the disk is full."""

# Who calls: agent.py, inside the agent actor, which also lends the timer; the disk is read and cleared in a thread.
# What is over is due a delay after its end, or, if an earlier life has left it, after it was last changed. At each look
#   that is cut by the share of the disk that is in use, and by the headroom: delay * max(0, 1 - headroom - use).
# The last change is by st_mtime, which a task can set at will, and so bounded by st_ctime, which none can.
# Directories in which nothing is left go with the last sandbox below them, in the actor, where launches make them.
# Invariant: a sandbox that is in use is not known here: its path bears the id of its container, which none has twice.
#   A standalone one's has a name that can be taken again, once it was removed: ``remove`` and ``spare`` see to that.
# Source: Mesos src/slave/gc.cpp, src/slave/slave.cpp (checkDiskUsage, _checkDiskUsage, age).

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mesoslite.model import InvalidRequest
from mesoslite.model.removal import remove_tree

from .sandbox import LATEST

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    import libactor as la

log = logging.getLogger("mesoslite")


@dataclass(frozen=True, slots=True)
class GarbageOptions:
    """When sandboxes go: after ``delay_seconds``, looked at each ``watch_seconds``; the defaults are Mesos's.

    ``disk_headroom`` is the part of the disk that is to stay free. Raises: InvalidRequest.
    """

    delay_seconds: float = 7 * 24 * 60 * 60
    disk_headroom: float = 0.1
    watch_seconds: float = 60

    def __post_init__(self) -> None:
        if not 0 <= self.disk_headroom <= 1:
            raise InvalidRequest(f"gc_disk_headroom: got {self.disk_headroom}, expected a part from 0 to 1")
        if not 0 <= self.delay_seconds < float("inf"):
            raise InvalidRequest(f"gc_delay: got {self.delay_seconds} seconds, expected a number from 0")
        if not 0 < self.watch_seconds < float("inf"):
            raise InvalidRequest(f"disk_watch_interval: got {self.watch_seconds} seconds, expected a number above 0")


class Garbage:
    """The sandboxes below ``work_directory`` that are over; None: they stay.

    ``now`` reads the clock, ``look_later(seconds)`` has ``look`` called then. ``do(function, then)`` has a function
    called in a thread, and ``then`` in the actor, with what it returns. ``use`` is the share of a disk that is in use.
    """

    def __init__(
        self,
        options: GarbageOptions | None,
        work_directory: str,
        *,
        now: Callable[[], float],
        look_later: Callable[[float], la.Timer],
        do: Callable[[Callable[[], object], Callable[[object], None]], None],
        use: Callable[[str], float],
    ) -> None:
        self._options = options
        self._directory = work_directory
        self._now = now
        self._look_later = look_later
        self._do = do
        self._use = use
        self._since: dict[str, float] = {}  # of each sandbox, the oldest first; but for what was found at the start
        self._asked: set[str] = set()  # what somebody is having removed
        self.age_max_seconds = options.delay_seconds if options is not None else 0.0
        self.removed = self.failed = 0

    @property
    def waiting(self) -> int:
        """How many sandboxes are to be removed at some time."""
        return len(self._since)

    def begin(self, in_use: Collection[str]) -> None:
        """Look for what earlier lives have left; that is what is not ``in_use``, and older than this life."""
        if self._options is None:
            return
        began, kept = self._now(), frozenset(in_use)

        def find() -> list[tuple[str, float]]:
            found = [(path, os.stat(path)) for path in _sandboxes(self._directory) if path not in kept]
            return [(path, min(status.st_mtime, status.st_ctime)) for path, status in found if status.st_ctime < began]

        self._do(find, self._found)
        self._look_later(self._options.watch_seconds)

    def schedule(self, sandbox: str) -> None:
        """What used it is over."""
        if self._options is not None:
            self._since[sandbox] = self._now()

    def spare(self, sandbox: str) -> None:
        """It is in use, again."""
        self._since.pop(sandbox, None)

    def remove(self, sandboxes: Sequence[str], then: Callable[[OSError | None], None]) -> None:
        """Remove directories now, as far as they are there, and call ``then`` with what stood in the way."""
        self._asked.update(sandboxes)

        def removed(outcomes: object) -> None:
            assert isinstance(outcomes, list)
            for path, problem in outcomes:
                self._asked.discard(path)
                if problem is None:
                    self._since.pop(path, None)
            then(next((problem for _, problem in outcomes if problem is not None), None))

        self._do(lambda: [_remove(sandbox) for sandbox in sandboxes], removed)

    def look(self) -> None:
        """Remove what is old enough, as full as the disk is."""
        assert self._options is not None
        spare = 1.0 - self._options.disk_headroom - self._use(self._directory)
        self.age_max_seconds = self._options.delay_seconds * max(0.0, spare)
        before = self._now() - self.age_max_seconds
        for sandbox in [path for path, since in self._since.items() if since <= before and path not in self._asked]:
            del self._since[sandbox]
            self._do(lambda path=sandbox: _remove(path), self._removed)  # type: ignore[misc]
        self._look_later(self._options.watch_seconds)

    def _found(self, found: object) -> None:
        assert isinstance(found, list)
        self._since = {**dict(found), **self._since}

    def _removed(self, outcome: object) -> None:
        assert isinstance(outcome, tuple)
        sandbox, problem = outcome
        if problem is not None:
            self.failed += 1
            log.warning("garbage: sandbox %s was not removed: %s", sandbox, problem)
            return
        self.removed += 1
        runs = os.path.dirname(sandbox)
        latest = Path(runs, LATEST)
        if latest.is_symlink() and not latest.exists():
            latest.unlink()
        for directory in Path(sandbox).parents:
            if str(directory) == self._directory or not _remove_empty(directory):
                break


def disk_use(path: str) -> float:
    """The share of the disk of ``path`` that is in use, 0 to 1."""
    disk = os.statvfs(path)
    return 1.0 - disk.f_bavail / disk.f_blocks if disk.f_blocks else 0.0


def _sandboxes(work_directory: str) -> Iterator[str]:
    """Each sandbox there is, but for those within others, in the order of their names."""
    standalone = [path for path in [Path(work_directory, "containers")] if path.is_dir()]
    for runs in [*sorted(Path(work_directory).glob("slaves/*/frameworks/*/executors/*/runs")), *standalone]:
        for path in sorted(runs.iterdir()):
            if not path.is_symlink() and path.is_dir():
                yield str(path)


def _remove(sandbox: str) -> tuple[str, OSError | None]:
    """Remove a directory with all that is in it, and nothing that a link there leads to."""
    try:
        remove_tree(sandbox)
    except FileNotFoundError:
        return sandbox, None  # somebody else has
    except OSError as error:
        return sandbox, error
    return sandbox, None


def _remove_empty(directory: Path) -> bool:
    try:
        directory.rmdir()
    except OSError:
        return False
    return True
