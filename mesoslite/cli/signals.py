"""Signals: from the handler of a signal to the main thread, which decides what to do about it."""

# Who calls: the commands that run until they are told to stop.
# A handler may interrupt anything, so it only puts the number into a queue that is made for that; nothing is ever
#   interrupted half-way, neither the start of a cluster nor its end.
# Rejected: KeyboardInterrupt (it leaves whatever it hits half done); signal masks (tasks would inherit them).

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stop_signals(put: Callable[[int], object]) -> Iterator[None]:
    """Hand the number of each signal that asks for the end to ``put``, which must be safe to interrupt itself."""

    def handle(number: int, frame: FrameType | None) -> None:
        put(number)

    before = {number: signal.signal(number, handle) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
