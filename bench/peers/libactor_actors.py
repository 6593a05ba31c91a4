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


def stop_all(pids: Sequence[la.PID[Any]]) -> None:
    """Stop actors all at once; a runtime that closes stops one after the other, which many idle ones need not."""
    for pid in pids:
        la.terminate(pid)
    for pid in pids:
        la.wait(pid)
