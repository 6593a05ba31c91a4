"""Metrics: what an agent counts, and has, under Mesos's names."""

# Who calls: parts.py makes it, begins and ends it; whoever does something that is counted, inside the agent actor.
# Of several agents in one program the first tells; the others count, and are not told of.
# A command counts as an executor too, as everywhere that Mesos shows one for it; it is never TERMINATING.
# Source: Mesos src/slave/metrics.cpp, src/slave/gc.cpp (GarbageCollectorProcess::Metrics).

from __future__ import annotations

import logging
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import MILLI, Reason, TaskState

from .executors.execution import Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from libactor.metrics import Registry
    from mesoslite.model import Resources, TaskStatus

    from .runs import Frameworks

log = logging.getLogger("mesoslite")

PREFIX = "slave/"
ENDS = {
    TaskState.TASK_FINISHED: "tasks_finished",
    TaskState.TASK_FAILED: "tasks_failed",
    TaskState.TASK_KILLED: "tasks_killed",
    TaskState.TASK_LOST: "tasks_lost",
    TaskState.TASK_GONE: "tasks_gone",
}
UNDER_WAY = {
    TaskState.TASK_STAGING: "tasks_staging",
    TaskState.TASK_STARTING: "tasks_starting",
    TaskState.TASK_RUNNING: "tasks_running",
    TaskState.TASK_KILLING: "tasks_killing",
}
PHASES = {
    Phase.REGISTERING: "executors_registering",
    Phase.RUNNING: "executors_running",
    Phase.TERMINATING: "executors_terminating",
}
SCALARS = ("cpus", "gpus", "mem", "disk")


class AgentMetrics:
    """The counters of one agent."""

    def __init__(self) -> None:
        self._metrics: list[la.metrics.SingleWriterCounter | la.metrics.Gauge] = []
        self._told: list[la.metrics.SingleWriterCounter | la.metrics.Gauge] = []
        self.valid_updates = self._counter("valid_status_updates")
        self.invalid_updates = self._counter("invalid_status_updates")
        self.valid_messages = self._counter("valid_framework_messages")
        self.invalid_messages = self._counter("invalid_framework_messages")
        self.launch_errors = self._counter("container_launch_errors")
        self.ended_executors = self._counter("executors_terminated")
        self._counter("executors_preempted")  # nobody corrects, and it stays zero
        self._ends = {state: self._counter(name) for state, name in ENDS.items()}

    def _counter(self, name: str) -> la.metrics.SingleWriterCounter:
        counter = la.metrics.SingleWriterCounter(PREFIX + name)
        self._metrics.append(counter)
        return counter

    def status(self, status: TaskStatus) -> None:
        """Count a status that is told to the framework."""
        self.valid_updates.value += 1
        ended = self._ends.get(status.state)
        if ended is not None:
            ended.value += 1

    def ended(self, reason: Reason | None) -> None:
        """Count the end of a container of a task or an executor."""
        self.ended_executors.value += 1
        if reason is Reason.REASON_CONTAINER_LAUNCH_FAILED:
            self.launch_errors.value += 1

    def begin(self, registry: Registry, figures: Mapping[str, Callable[[], Any]]) -> None:
        """Let all be read from now on, and ``figures``, each by its name, which are asked when somebody looks."""
        self._metrics += [la.metrics.Gauge(name, ask) for name, ask in figures.items()]
        for metric in self._metrics:
            try:
                registry.add(metric)
            except ValueError as error:
                log.info("metric %s is not told: %s", metric.name, error)
            else:
                self._told.append(metric)

    def end(self, registry: Registry) -> None:
        """Let nothing be read any more."""
        while self._told:
            with suppress(ValueError):
                registry.remove(self._told.pop())


def figures_of(
    frameworks: Frameworks, total: Callable[[], Resources], own: Mapping[str, Callable[[], float]]
) -> dict[str, Callable[[], float]]:
    """What there is, by name, counted in the agent actor when it is asked for; ``own`` are further figures."""
    figures: dict[str, Callable[[], float]] = {
        "frameworks_active": lambda: len(frameworks.active),
        **{name: partial(_tasks, frameworks, state) for state, name in UNDER_WAY.items()},
        **{name: partial(_executors, frameworks, phase) for phase, name in PHASES.items()},
    }
    for infix, is_revocable in (("", False), ("revocable_", True)):
        for name in SCALARS:
            of = partial(_units, name, is_revocable)
            figures[f"{name}_{infix}total"] = lambda of=of: of(total())  # type: ignore[misc]
            figures[f"{name}_{infix}used"] = lambda of=of: of(frameworks.used())  # type: ignore[misc]
            figures[f"{name}_{infix}percent"] = lambda of=of: _part(of(frameworks.used()), of(total()))  # type: ignore[misc]
    return {**{PREFIX + name: count for name, count in figures.items()}, **own}


def _tasks(frameworks: Frameworks, state: TaskState) -> int:
    return sum([run.state is state for entry in frameworks.active.values() for run in entry.runs.values()])


def _executors(frameworks: Frameworks, phase: Phase) -> int:
    entries = list(frameworks.active.values())
    runs = [run for entry in entries for run in entry.runs.values() if run.execution is None]
    commands = [run.container for run in runs if run.container is not None]
    phases = [Phase.RUNNING if container.has_started else Phase.REGISTERING for container in commands]
    phases += [one.phase for entry in entries for one in entry.executors.values()]
    return phases.count(phase)


def _units(name: str, is_revocable: bool, resources: Resources) -> float:
    return (resources.revocable() if is_revocable else resources.not_revocable()).milli(name) / MILLI


def _part(used: float, total: float) -> float:
    return used / total if total else 0.0
