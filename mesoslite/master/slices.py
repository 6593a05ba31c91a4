"""Slices: work that would keep the master's thread for long goes a piece at a time, everybody else's messages between.

for reference in call.tasks:        # a generator; what stands between two yields is short
    ...
    yield
"""

# Who calls: master.py, departures.py and removal.py, inside the master actor: `take` with what a message entails;
#   master.py `advance` when it is told to, and `drop` when it ends.
# Invariants: 1. what one sender asks for is done in the order it asked: while work of it waits, more of it waits too.
#   Others are served meanwhile.    2. a slice ends SLICE_SECONDS after it began, and one step later at most.
# Work looks itself, after each yield, whether what it is for still stands. It raises nothing.
# Rejected: turns for each sender; who asks for 100,000 answers while another has to wait for as many waits once, not
#   twice. To do what completes a return ahead of what begins one: the registry is asked for fewer at a time, and agents
#   that all come back at once take a twentieth more of the processor's time.

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SLICE_SECONDS = 0.0007  # shorter than the turn of an actor, so that what waits behind a slice is served in the same
STEPS_MAX = 64  # in a slice: a clock that stands still must not make it endless
THROUGH = object()

T = TypeVar("T")


def in_steps(items: Iterable[T], do: Callable[[T], object], most: int) -> Iterator[None]:
    """Do something with each of many, with ``most`` of them in a step."""
    waiting = deque(items)
    del items
    while waiting:
        for _ in range(min(most, len(waiting))):
            do(waiting.popleft())  # which may be the last that knows it: what is over goes a step at a time as well
        if waiting:
            yield


class Slices:
    """The work of one master that waits; ``want`` has ``advance`` called soon, after what waits in the mailbox."""

    def __init__(self, now: Callable[[], float], want: Callable[[], object]) -> None:
        self._now = now
        self._want = want
        self._waiting: deque[tuple[tuple[Any, ...], Iterator[None]]] = deque()  # with the senders
        self._counts: dict[Any, int] = {}  # by sender; no Counter, which takes longer to forget one than all of a step

    def waits(self, sender: Any) -> bool:
        """Whether work of ``sender`` waits."""
        return sender in self._counts

    def has_more(self, sender: Any) -> bool:
        """Whether, while work of ``sender`` is done, more of it waits."""
        return self._counts.get(sender, 0) > 1

    def hold(self, sender: Any) -> None:
        """Let what is still to come of ``sender`` wait, as behind work of it, until ``release``."""
        self._counts[sender] = self._counts.get(sender, 0) + 1

    @property
    def is_idle(self) -> bool:
        """Whether no work waits."""
        return not self._waiting

    def take(self, sender: Any, work: Iterator[None]) -> None:
        """Do the first step of ``work`` now and the rest in slices; all of it later if work of ``sender`` waits."""
        if sender in self._counts or next(work, THROUGH) is not THROUGH:
            self.put(sender, work)

    def put(self, sender: Any, work: Iterator[None]) -> None:
        """Do all of ``work`` in slices: so much of it may come at once that others would wait for all first steps."""
        self.put_all((sender,), work)

    def put_all(self, senders: tuple[Any, ...], work: Iterator[None]) -> None:
        """As ``put``, of work that several senders have asked for."""
        self._waiting.append((senders, work))
        for sender in senders:
            self.hold(sender)
        if len(self._waiting) == 1:
            self._want()

    def drop(self) -> None:
        """Forget what waits, which nobody will do any more."""
        self._waiting.clear()
        self._counts.clear()

    def advance(self) -> None:
        """Do a slice."""
        end = self._now() + SLICE_SECONDS
        for _ in range(STEPS_MAX):
            senders, work = self._waiting[0]
            if next(work, THROUGH) is THROUGH:
                self._waiting.popleft()
                for sender in senders:
                    self.release(sender)
                if not self._waiting:
                    return
            if self._now() >= end:
                break
        self._want()

    def release(self, sender: Any) -> None:
        """Let what is still to come of ``sender`` wait no longer, unless for something else."""
        if self._counts[sender] > 1:
            self._counts[sender] -= 1
        else:
            del self._counts[sender]
