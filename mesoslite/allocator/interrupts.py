"""Interrupts: Ctrl-C waits until no booking is half done."""

# Who calls: hierarchical.py, around a whole run made at once, which people do in notebooks and scripts.
# Only the main thread is ever interrupted, and only it may say what Ctrl-C does; elsewhere this does nothing.
# The first one waits for a slice to end, the second does what it always did, should a sorter never end.

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType
    from typing import Self


class HeldInterrupt:
    """Holds Ctrl-C back within a ``with``; ``deliver`` does, between two slices, what it would have done."""

    def __init__(self) -> None:
        self._handler: object = None
        self._held: tuple[int, FrameType | None] | None = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            handler = signal.getsignal(signal.SIGINT)
            if callable(handler):  # neither ignored nor the system's own
                self._handler = handler
                signal.signal(signal.SIGINT, self._hold)
        return self

    def __exit__(self, *error: object) -> None:
        self._restore()
        self.deliver()

    def deliver(self) -> None:
        """Interrupt now, if that was held back."""
        held, self._held = self._held, None
        if held is not None and callable(self._handler):
            self._handler(*held)

    def _hold(self, number: int, frame: FrameType | None) -> None:
        self._held = (number, frame)
        self._restore()

    def _restore(self) -> None:
        if callable(self._handler):
            signal.signal(signal.SIGINT, self._handler)
