"""Gather: what joins several futures in one, for ``collect`` and ``await_all``."""

# Who calls: libactor/combinators.py.
# A Gather stands among the callbacks of every member, as a step does, and of the result, for discards.
# Twin: csrc/gather.c. Source: libprocess collect.hpp.

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from libactor._core._future import DISCARDED, FAILED, ON_DISCARD, ON_STEP, PENDING, READY, FutureCell, run_all
from libactor._core._hops import hop
from libactor._core._policy import policy


def gather(members: Iterable[Any], collects: bool, /) -> FutureCell:
    """The future of the values of all members, if ``collects``; else of the members, whatever comes of them."""
    joined = list(members)
    for number, member in enumerate(joined, 1):
        if not isinstance(member, FutureCell):
            raise TypeError(f"got {member!r} as number {number} of the futures to join, expected a future")
    result: FutureCell = policy.future_type()
    if not joined:
        result._complete(READY, joined)
        return result
    join = Gather(joined, result, collects)
    result._subscribe(ON_DISCARD, join)
    run_all([(join.begin, (member,)) for member in joined])
    return result


class Gather:
    """What joins ``members`` in ``result``; called, it hands a discard on to them."""

    __slots__ = ("arrivals", "collects", "members", "result")

    def __init__(self, members: list[FutureCell], result: FutureCell, collects: bool) -> None:
        self.members = members
        self.result = result
        self.collects = collects
        self.arrivals = itertools.count(1)  # next() on it is one step, whichever threads the members complete in

    def begin(self, member: FutureCell) -> None:
        """Hear of ``member``."""
        if not member._add(ON_STEP, self):
            hop(self.arrive, member)
        elif member._abandoned:
            hop(self.lose, member)

    def arrive(self, member: FutureCell) -> None:
        """``member`` is complete."""
        if self.collects and member._state != READY:
            self._fail(member)
        elif next(self.arrivals) == len(self.members):
            self._finish()

    def lose(self, member: FutureCell) -> None:
        """``member`` is abandoned."""
        if member._state == PENDING:
            self.result._abandon(member._value)

    def __call__(self) -> None:
        """Hand a discard on to every member, and honour it."""
        asks = [(hop, (member.discard,)) for member in self.members]
        run_all([*asks, (self.result._complete, (DISCARDED, None))])

    def _fail(self, member: FutureCell) -> None:
        if member._state == FAILED:
            self.result._complete(FAILED, member._value)
        elif not self.result._discard:
            self.result._complete(FAILED, RuntimeError("collect: a future was discarded"))

    def _finish(self) -> None:
        if not self.collects:
            if not self.result._discard:
                self.result._complete(READY, self.members)
            return
        try:
            values = [member._read() for member in self.members]
        except BaseException as error:
            self.result._complete(FAILED, error)
        else:
            self.result._complete(READY, values)
