"""Deadlines: when each of many things is due, with one timer for all of them."""

# Who calls: status_updates.py, inside the agent actor: every status that goes out gets a deadline, and nearly all lose
#   it within milliseconds, when they are acknowledged. A timer of its own for each would cost more than all else there.
# Few waits differ, so there is a queue for each: what comes later into it is due later, and its first is due first.
# Invariants: 1. a key has one deadline at most; the last one that was set counts.    2. while any stands, the timer is
#   set for the earliest, or earlier: then nothing is due when it rings, and it is set anew.
# Deadlines are whole nanoseconds, as those of the clock are, so that at a ring at its time they are over.
# Rejected: a heap, in which what is dropped stays until there is so much of it that it is made anew: that was a
#   twentieth of all that a launch costs.

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    import libactor as la

NANOSECONDS = 1_000_000_000

K = TypeVar("K", bound="Hashable")


class _Queue(dict[K, int]):
    """When keys are due that all wait for so many nanoseconds, in their order."""

    __slots__ = ("wait_ns",)

    def __init__(self, wait_ns: int) -> None:
        super().__init__()
        self.wait_ns = wait_ns


class Deadlines(Generic[K]):
    """Deadlines by key. ``now_ns`` reads a clock, ``ring_later(seconds)`` has ``take_due`` called then."""

    def __init__(self, now_ns: Callable[[], int], ring_later: Callable[[float], la.Timer]) -> None:
        self._now_ns = now_ns
        self._ring_later = ring_later
        self._queues: dict[float, _Queue[K]] = {}  # by seconds
        self._timer: la.Timer | None = None
        self._ring_ns = 0  # when it rings

    def set(self, key: K, seconds: float) -> None:
        """Let ``key`` be due in so many seconds, and not before."""
        queue = self._queues.get(seconds)
        if queue is None:
            queue = self._queues[seconds] = _Queue(round(seconds * NANOSECONDS))
        if len(self._queues) > 1 or key in queue:  # else it cannot stand
            self.drop(key)
        due_ns = queue[key] = self._now_ns() + queue.wait_ns
        if self._timer is None or due_ns < self._ring_ns:
            self._arm(due_ns)

    def drop(self, key: K) -> None:
        """Let ``key`` not be due, if it is to be."""
        for queue in self._queues.values():
            if queue.pop(key, None) is not None:
                return

    def clear(self) -> None:
        """Let nothing be due."""
        self._queues.clear()
        self._disarm()

    def take_due(self) -> list[K]:
        """What is due by now, earliest first, and is not from now on."""
        self._disarm()  # a ring that was late may find another timer
        now_ns, due = self._now_ns(), list[tuple[int, K]]()
        for queue in self._queues.values():
            for key, due_ns in queue.items():
                if due_ns > now_ns:
                    break
                due.append((due_ns, key))
        due.sort(key=_due_ns)
        for _, key in due:
            self.drop(key)
        if any(self._queues.values()):
            self._arm(min([next(iter(queue.values())) for queue in self._queues.values() if queue]))
        return [key for _, key in due]

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, due_ns: int) -> None:
        self._disarm()
        self._ring_ns = due_ns
        self._timer = self._ring_later(max(0, due_ns - self._now_ns()) / NANOSECONDS)


def _due_ns(entry: tuple[int, object]) -> int:
    return entry[0]
