"""Wait: somebody who waits for a future in a simulation, and how that ends."""

# Who calls: the simulation, one for each handler in get() or wait() and one for the program; leftovers.py words.
# Invariant: it is over once; what comes later changes nothing.

from __future__ import annotations

import threading
from typing import Any

from libactor._core._impl import ON_ABANDONED, ON_ANY, FutureCell
from libactor.context import running_process, serving


class Wait:
    """Somebody who waits: inside, a handler; outside, the program."""

    __slots__ = ("error", "frozen", "future", "gate", "life", "limit_ns", "over", "pid", "ready")

    # gate: held until it may go on.    over: what it waits for has come, or it is to stop waiting.
    # frozen: it is over, but the handler is not to go on: its host is gone.
    # error: what to raise then.    limit_ns: when it stops waiting; None: never.    pid: of the handler's actor.
    # life: of the host, where no actor waits, but what a timer was set for.
    # ready: where a handler stands once its wait is over; None outside.

    def __init__(self, future: FutureCell | None, gate: threading.Lock, limit_ns: int | None) -> None:
        self.future = future
        self.gate = gate
        self.limit_ns = limit_ns
        self.over = self.frozen = False
        self.error: BaseException | None = None
        self.ready: list[Wait] | None = None
        process = running_process()
        self.pid: Any = None if process is None else process.pid
        self.life = serving.life

    def arrive(self, _: object = None) -> None:
        """The wait is over; once."""
        if not self.over:
            self.over = True
            if self.ready is not None:
                self.ready.append(self)

    def subscribe(self) -> None:
        """Have it end with the future."""
        if self.future is not None:
            self.future._subscribe(ON_ANY, self.arrive)
            self.future._subscribe(ON_ABANDONED, self.arrive)

    def unsubscribe(self) -> None:
        """Leave nothing behind in the future."""
        if self.future is not None:
            self.future._unsubscribe(ON_ANY, self.arrive)
            self.future._unsubscribe(ON_ABANDONED, self.arrive)

    def describe(self) -> str:
        """What is waited for."""
        return say_awaited(self.future)


def say_awaited(future: FutureCell | None) -> str:
    """What somebody waits for."""
    target = None if future is None else future._find_target()
    return "a future" if target is None else f"an answer of {target.pid}"
