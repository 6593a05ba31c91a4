"""Signals: from the moment one arrives to whoever decides what to do about it, without interrupting anything."""

# Who calls: the commands that run until they are told to stop.
# How: C code writes the number of the signal into a pipe, in whichever thread the system picked; a thread of ours reads
#   it there. So nothing is ever left half done, neither the start of a cluster nor its end.
# Rejected: KeyboardInterrupt (it leaves whatever it hits half done); signal masks (tasks would inherit them); a handler
#   that puts into the queue the main thread waits for (Python runs handlers between bytecodes, so a signal that comes
#   just before the wait begins is noticed only after it).

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stop_signals(put: Callable[[int], object], also: tuple[int, ...] = ()) -> Iterator[None]:
    """Call ``put`` with the number of each signal that asks for the end, and of ``also``, from a thread.

    In the main thread only.
    """
    heeded = (*STOPPING, *also)
    source, sink = os.pipe()
    os.set_blocking(sink, False)
    reader = threading.Thread(target=_pass_on, args=(source, put, heeded), name="stop-signals", daemon=True)
    handlers_before = {number: signal.signal(number, _keep_running) for number in heeded}
    sink_before = signal.set_wakeup_fd(sink, warn_on_full_buffer=False)
    reader.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(sink_before)
        for number, handler in handlers_before.items():
            signal.signal(number, handler)
        os.close(sink)
        reader.join()
        os.close(source)


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the program as an exception does, with status 143: for what only computes and leaves files."""
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _keep_running(number: int, frame: FrameType | None) -> None:
    """Instead of the default action; what counts is the number in the pipe."""


def _pass_on(source: int, put: Callable[[int], object], heeded: tuple[int, ...]) -> None:
    while numbers := os.read(source, 64):
        for number in numbers:
            if number in heeded:
                put(number)
