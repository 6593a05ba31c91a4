"""Detection: a connection is told who leads, each time that it changes."""

# Who calls: local.py and remote.py, inside the framework's actor, where ``detected`` is called too.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import Error

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesoslite.model import Detector, Leader


class Detection:
    """Asks ``detector``, and has ``detected`` called with the leader; if it fails, the framework hears an Error."""

    def __init__(self, detector: Detector, framework: la.PID[Any], detected: Callable[[Leader | None], None]) -> None:
        self._detector = detector
        self._framework = framework
        self._detected = detected
        self._detecting: la.Future[Leader | None] | None = None

    def begin(self) -> None:
        """Ask who leads, and from then on who comes next."""
        self._go_on(None)

    def close(self) -> None:
        """Ask no more."""
        if self._detecting is not None:
            self._detecting.discard()

    def _go_on(self, previous: Leader | None) -> None:
        self._detecting = self._detector.detect(previous)
        self._detecting.on_ready(la.defer(self._found))
        self._detecting.on_failed(la.defer(self._over))

    def _found(self, leader: Leader | None) -> None:
        self._detected(leader)
        self._go_on(leader)

    def _over(self, error: BaseException) -> None:
        la.post(self._framework, Error(str(error)))  # from the framework itself, which heeds that
