"""Hops: from one future of a chain to the next, without a deep stack."""

# Who calls: all that makes one future complete, discard or abandon another (_steps.py, libactor/combinators.py,
#   iteration.py); a thread that is about to wait (libactor/waiting.py).
# Invariant: a thread leaves no hop behind: those put off are made at the bottom of its stack, or before it waits; all
#   of them, whatever one raises. The first exception comes out when the last is made.
# Twin: csrc/hops.c.

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


def hop(function: Callable[..., object], /, *arguments: Any) -> None:
    """Go on to the next future of a chain; when HOPS_MAX stand on the stack, as soon as it has unwound.

    A chain may be long (a loop of continuations is one), and a stack that overflows would break it: those at its end
    would wait for ever.
    """
    if _hops.depth >= HOPS_MAX:
        _hops.waiting.append((function, arguments))
        return
    _hops.depth += 1
    try:
        if _hops.depth > 1:
            function(*arguments)
        else:
            _make_all(function, arguments)
    finally:
        _hops.depth -= 1


def hop_on() -> None:
    """Make the hops that were put off: before the calling thread waits for one."""
    if _hops.waiting:
        _make_all(*_hops.waiting.popleft())


def _make_all(function: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    """This hop, and all that are put off until the last of them is made."""
    interrupt: BaseException | None = None
    while True:
        try:
            function(*arguments)
        except BaseException as error:
            if interrupt is None:
                interrupt = error
        if not _hops.waiting:
            break
        function, arguments = _hops.waiting.popleft()
    if interrupt is not None:
        raise interrupt
