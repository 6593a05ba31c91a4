"""Hops: from one future of a chain to the next, without a deep stack."""

# Who calls: all that makes one future complete, discard or abandon another (libactor/future.py, combinators.py,
#   iteration.py); a thread that is about to wait (libactor/waiting.py).
# Invariant: a thread leaves no hop behind: those put off are made at the bottom of its stack, or before it waits. Only
#   what ends a program (SystemExit in a callback) can leave some; they are made with the thread's next hop.

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

HOPS_MAX = 16  # each takes up to ten frames of the thousand that Python allows


class _Hops(threading.local):
    """How far the calling thread is along chains of futures, one of which completes the next."""

    def __init__(self) -> None:
        self.depth = 0  # hops that stand on one another on the stack
        self.waiting: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()  # hops put off until it unwinds


_hops = _Hops()


def hop(function: Callable[..., object], *arguments: Any) -> None:
    """Go on to the next future of a chain; when HOPS_MAX stand on the stack, as soon as it has unwound.

    A chain may be long (a loop of continuations is one), and a stack that overflows would break it: those at its end
    would wait for ever.
    """
    if _hops.depth == HOPS_MAX:
        _hops.waiting.append((function, arguments))
        return
    _hops.depth += 1
    try:
        function(*arguments)
        if _hops.depth == 1:
            hop_on()
    finally:
        _hops.depth -= 1


def hop_on() -> None:
    """Make the hops that were put off: at the bottom of the stack, or before the calling thread waits for one."""
    while _hops.waiting:
        function, arguments = _hops.waiting.popleft()
        function(*arguments)
