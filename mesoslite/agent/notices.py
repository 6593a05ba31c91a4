"""Notices: what becomes of a container is handed on, from whatever thread, to the agent that launched it."""

# Who calls: agent.py makes them; a Containerizer gives notice.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libactor as la

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesoslite.model import ContainerID, Termination


class Notices:
    """Those of one container: has ``on_start(container)`` or ``on_end(container, how)`` of the actor called."""

    __slots__ = ("_container_id", "_on_end", "_on_start", "_pid")

    def __init__(
        self,
        pid: la.PID[Any],
        container_id: ContainerID,
        on_start: Callable[[Any, ContainerID], None],
        on_end: Callable[[Any, ContainerID, Termination], None],
    ) -> None:
        self._pid = pid
        self._container_id = container_id
        self._on_start = on_start
        self._on_end = on_end

    def started(self) -> None:
        """See ContainerNotices."""
        la.tell(self._pid, self._on_start, self._container_id)

    def ended(self, termination: Termination) -> None:
        """See ContainerNotices."""
        la.tell(self._pid, self._on_end, self._container_id, termination)
