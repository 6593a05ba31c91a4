"""Completion: a task that may run only so long is ended when that is over."""

# Who calls: running.py, inside the agent actor, which also lends the timers.
# Source: Mesos src/launcher/executor.cpp (taskCompletionTimeout).

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import libactor as la
    from mesoslite.model import ContainerID

    from .runs import FrameworkEntry, Frameworks, Run

log = logging.getLogger("mesoslite")


class Completion:
    """The times of one agent's tasks.

    ``later(seconds, container)`` has ``due(container)`` called then. ``kill`` asks a task to end.
    """

    def __init__(
        self,
        frameworks: Frameworks,
        *,
        now: Callable[[], float],
        later: Callable[[float, ContainerID], la.Timer],
        kill: Callable[[Run, FrameworkEntry, float | None], None],
    ) -> None:
        self._frameworks = frameworks
        self._now = now
        self._later = later
        self._kill = kill
        self._running: dict[ContainerID, tuple[Run, la.Timer]] = {}

    def begin(self, run: Run) -> None:
        """A task runs; what it ran in an earlier life of the agent counts."""
        longest = run.task.max_completion_seconds
        if longest is not None:
            left = max(0.0, longest - (self._now() - run.begun))
            self._running[run.container_id] = (run, self._later(left, run.container_id))

    def end(self, run: Run) -> None:
        """A task has ended."""
        _, timer = self._running.pop(run.container_id, (None, None))
        if timer is not None:
            timer.cancel()

    def due(self, container_id: ContainerID) -> None:
        """The time of a task is over; of one that is asked to end already, nothing is said of that."""
        run, _ = self._running.pop(container_id, (None, None))
        if run is None or run.is_asked_to_end:
            return
        text = "task %s of framework %s has run for %s s, as long as it may, and is ended"
        log.info(text, run.task.task_id, run.framework_id, run.task.max_completion_seconds)
        run.has_overrun = True
        self._kill(run, self._frameworks.active[run.framework_id], None)
