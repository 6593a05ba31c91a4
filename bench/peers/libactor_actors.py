"""Actors that several benchmarks of libactor use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import libactor as la


class Counter(la.Actor):
    """Adds up what it is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sum = 0

    def add(self, number: int) -> int:
        """Add, and answer the sum so far."""
        self.sum += number
        return self.sum


class Node(la.Actor):
    """Passes a token on until it has no hops left; then says so."""

    def __init__(self, arrived: la.Promise[None]) -> None:
        super().__init__()
        self.arrived = arrived
        self.successor: la.PID[Node] | None = None
        self.seen = 0

    def join(self, successor: la.PID[Node]) -> None:
        """Close the ring."""
        self.successor = successor

    def receive(self, hops_left: int) -> None:
        """Take the token."""
        self.seen += 1
        if hops_left == 0:
            self.arrived.set(None)
        elif self.successor is not None:
            la.tell(self.successor, Node.receive, hops_left - 1)

    def count(self) -> int:
        """Answer how often the token was here."""
        return self.seen


class Asker(la.Actor):
    """Asks a counter from inside the runtime, again and again: the next question when it has the answer."""

    def __init__(self, counter: la.PID[Counter], count: int) -> None:
        super().__init__()
        self.counter = counter
        self.left = count
        self.sum = 0
        self.done: la.Promise[int] = la.Promise()

    def ask(self) -> None:
        """Ask once."""
        la.dispatch(self.counter, Counter.add, 1).then(la.defer(self.pid, Asker.take))

    def take(self, answer: int) -> None:
        """Take the answer, and ask again until enough was asked."""
        self.sum += answer
        self.left -= 1
        if self.left:
            self.ask()
        else:
            self.done.set(self.sum)


def stop_all(pids: Sequence[la.PID[Any]]) -> None:
    """Stop actors all at once; a runtime that closes stops one after the other, which many idle ones need not."""
    for pid in pids:
        la.terminate(pid)
    for pid in pids:
        la.wait(pid)
