"""Deadlines: when each of many things is due, with one timer for all of them."""

# Who calls: status_updates.py, inside the agent actor: every status that goes out gets a deadline, and nearly all lose
#   it within milliseconds, when they are acknowledged. A timer of its own for each would cost more than all else there.
# Invariants: 1. a key has one deadline at most; the last one that was set counts.    2. while any stands, the timer is
#   set for the earliest, or earlier: then nothing is due when it rings, and it is set anew.
# Deadlines are whole nanoseconds, as those of the clock are, so that at a ring at its time they are over.

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    import libactor as la

NANOSECONDS = 1_000_000_000
VOID_MAX = 64  # entries that do not count any more, and may stay however few do

K = TypeVar("K", bound="Hashable")


class Deadlines(Generic[K]):
    """Deadlines by key. ``now_ns`` reads a clock, ``ring_later(seconds)`` has ``take_due`` called then."""

    def __init__(self, now_ns: Callable[[], int], ring_later: Callable[[float], la.Timer]) -> None:
        self._now_ns = now_ns
        self._ring_later = ring_later
        self._standing: dict[K, int] = {}
        self._entries: list[tuple[int, int, K]] = []  # a heap; those that are not in _standing so are void
        self._numbers = itertools.count()  # of what is due at the same time, first come first
        self._timer: la.Timer | None = None
        self._ring_ns = 0  # when it rings

    def set(self, key: K, seconds: float) -> None:
        """Let ``key`` be due in so many seconds, and not before."""
        due_ns = self._now_ns() + round(seconds * NANOSECONDS)
        self._standing[key] = due_ns
        heapq.heappush(self._entries, (due_ns, next(self._numbers), key))
        if self._timer is None or due_ns < self._ring_ns:
            self._arm()
        elif len(self._entries) > 2 * len(self._standing) + VOID_MAX:
            self._entries = [entry for entry in self._entries if self._standing.get(entry[2]) == entry[0]]
            heapq.heapify(self._entries)

    def drop(self, key: K) -> None:
        """Let ``key`` not be due, if it is to be."""
        self._standing.pop(key, None)

    def clear(self) -> None:
        """Let nothing be due."""
        self._standing.clear()
        self._entries.clear()
        self._disarm()

    def take_due(self) -> list[K]:
        """What is due by now, earliest first, and is not from now on."""
        self._disarm()  # a ring that was late may find another timer
        now_ns, due = self._now_ns(), []
        while self._entries:
            due_ns, _, key = self._entries[0]
            stands = self._standing.get(key) == due_ns
            if stands and due_ns > now_ns:
                break
            heapq.heappop(self._entries)
            if stands:
                del self._standing[key]
                due.append(key)
        if self._entries:
            self._arm()
        return due

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self._disarm()
        self._ring_ns = self._entries[0][0]
        self._timer = self._ring_later(max(0, self._ring_ns - self._now_ns()) / NANOSECONDS)
