"""Findings: every status of a task that is checked says what was found last, lest a later one hide it."""

# Who calls: reports.py, for each status that the agent makes as the executor of a task.
# Invariant: what was found is in the last status of the run, and nowhere else; so it outlives an agent with that.
# Source: Mesos src/launcher/executor.cpp (createTaskStatus).

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mesoslite.model import Source

from .results import check_status, kind_of

if TYPE_CHECKING:
    from ..runs import Run
    from ..statuses import Report


def with_findings(report: Report, run: Run) -> Report:
    """Return ``report`` with what was found of its run, as far as it does not say that itself."""
    task = run.task
    if (task.check is None and task.health_check is None) or report.source is not Source.SOURCE_EXECUTOR:
        return report
    healthy, found = report.healthy, report.check_status
    if run.statuses:
        last = run.statuses[-1]
        healthy = last.healthy if healthy is None else healthy
        found = found or last.check_status
    if found is None and task.check is not None:
        found = check_status(kind_of(task.check), None)
    return replace(report, healthy=healthy, check_status=found)
