"""Kills: a task, or each, is asked to end, and killed when its grace is over."""

# Who calls: agent.py, inside the agent actor, which also lends the timers.
# Invariants: 1. a later kill may only shorten the grace.    2. a task that is to outlive its agent is asked to end once
#   that is written down: whoever goes on with it then knows, and lets no grace begin anew.
# Source: Mesos src/slave/slave.cpp (killTask), src/launcher/executor.cpp (kill).

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mesoslite.model import TASK_KILLING_STATE, Drain, Reason

from .checkpoints import AskedToEnd
from .runs import kill_grace
from .statuses import KILLING, Report, drained_report, dropped_state, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    import libactor as la
    from mesoslite.model import ContainerID, FrameworkID, KillTask, TaskID

    from .runs import FrameworkEntry, Frameworks, Run
    from .status_updates import StatusUpdateManager

log = logging.getLogger("mesoslite")


class Kills:
    """Ends tasks of one agent.

    ``report`` makes a status of a task. ``later(seconds, container)`` has that container ended in so many seconds.
    ``tell_executor(run, framework, grace)`` has the executor of a task end it; the grace is then its business.
    """

    def __init__(
        self,
        frameworks: Frameworks,
        updates: StatusUpdateManager,
        *,
        report: Callable[[FrameworkID, TaskID, Report], None],
        later: Callable[[float, ContainerID], la.Timer],
        now: Callable[[], float],
        tell_executor: Callable[[Run, FrameworkEntry, float | None], None],
    ) -> None:
        self._frameworks = frameworks
        self._updates = updates
        self._report = report
        self._later = later
        self._now = now
        self._tell_executor = tell_executor

    def take(self, message: KillTask | Drain) -> None:
        """Do what the master asks for."""
        if isinstance(message, Drain):
            self.drain(message)
        else:
            self.kill_task(message)

    def drain(self, message: Drain) -> None:
        """End all tasks; one that is to end already may have less time for it now."""
        for entry in self._frameworks.active.values():
            alive = [run for run in entry.runs.values() if run.is_alive]
            for run in alive:  # first of all: with a task that never was sent ends all of its group
                if not run.is_asked_to_end:
                    run.drain = message
            for run in alive:
                grace = kill_grace(run.task.kill_grace_seconds)
                if message.max_grace_seconds is not None:
                    grace = min(grace, kill_grace(message.max_grace_seconds))
                self.kill(run, entry, grace)

    def kill_task(self, message: KillTask) -> None:
        """End a task that is named by its framework; one that never was here is reported as dropped."""
        entry = self._frameworks.active.get(message.framework_id)
        if entry is None:
            log.warning(
                "ignored the kill of task %s: framework %s has no tasks here", message.task_id, message.framework_id
            )
            return
        run = entry.runs.get(message.task_id)
        if run is not None and run.is_alive:
            self.kill(run, entry, message.grace_seconds)
        elif self._updates.latest_state(message.framework_id, message.task_id) is None:
            text = f"Task {message.task_id} is not known to the agent, so there is nothing to kill"
            report = refusal(dropped_state(entry.info), Reason.REASON_EXECUTOR_TERMINATED, text)
            self._report(message.framework_id, message.task_id, report)
        else:
            log.info("task %s to be killed has ended; its last status is under way", message.task_id)

    def kill(self, run: Run, entry: FrameworkEntry, grace_seconds: float | None) -> None:
        """Ask a run to end, and have it killed after its grace; None leaves that to the task."""
        was_asked, run.is_asked_to_end = run.is_asked_to_end, True
        if run.container is None:
            if not was_asked and run.log is not None:
                run.log.append(AskedToEnd(self._now(), drain=run.drain))
            self._tell_executor(run, entry, grace_seconds)
            return
        grace = kill_grace(grace_seconds, run.task.kill_grace_seconds)
        timer = self._later(grace, run.container_id)
        is_sooner = run.kill_timer is None or timer.deadline_ns < run.kill_timer.deadline_ns
        if is_sooner and run.log is not None:
            run.log.append(AskedToEnd(self._now(), grace, run.drain, run.has_overrun))
        if run.kill_timer is None:
            run.kill_timer = timer
            if TASK_KILLING_STATE in entry.info.capabilities:
                report = KILLING if run.drain is None else drained_report(KILLING, run.drain, entry.info)
                self._report(run.framework_id, run.task.task_id, report)
            run.container.terminate(grace)
        elif is_sooner:
            run.kill_timer.cancel()
            run.kill_timer = timer
        else:
            timer.cancel()

    def end(self, entry: FrameworkEntry, complete: Callable[[FrameworkID, TaskID], None]) -> None:
        """End what a framework runs beside its executors; ``complete`` what has ended, for nobody acknowledges it."""
        for run in [run for run in entry.runs.values() if run.execution is None or not run.is_alive]:
            if run.container is None:
                complete(run.framework_id, run.task.task_id)
            else:
                self.kill(run, entry, None)

    def resume(self, run: Run, kill: AskedToEnd) -> None:
        """Go on with a kill of an earlier life: what was left of its grace is left but for the time since then.

        The task is asked to end once more, for it may not have been; times are as good as the clock of the machine.
        """
        run.is_asked_to_end, run.drain, run.has_overrun = True, kill.drain, kill.has_overrun
        if run.container is not None and kill.grace_seconds is not None:
            left = min(max(0.0, kill.time + kill.grace_seconds - self._now()), kill.grace_seconds)
            run.kill_timer = self._later(left, run.container_id)
            run.container.terminate(left)
