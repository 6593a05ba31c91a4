"""Verdicts: why the agent ends an executor, which is written down before, for its tasks are told when it is gone."""

# Who calls: life.py, inside the agent actor; the verdict of an earlier life comes from recovery.
# Source: Mesos src/slave/slave.cpp (registerExecutorTimeout, reregisterExecutorTimeout).

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import Reason, TaskState
from mesoslite.model.durations import duration_text

from ..checkpoints import Verdict
from ..statuses import gone_state, refusal

if TYPE_CHECKING:
    from mesoslite.model import FrameworkInfo

    from ..statuses import Report
    from .execution import Execution


def lateness(execution: Execution, framework: FrameworkInfo, seconds: float) -> Verdict:
    """Of an executor that has not subscribed in time, which was so many ``seconds``, or not again."""
    if execution.is_returning:
        text = "Executor did not register again with its agent, which was restarted"
        return Verdict(gone_state(framework), Reason.REASON_EXECUTOR_REREGISTRATION_TIMEOUT, text)
    text = f"Executor did not register within {duration_text(seconds)}"
    return Verdict(TaskState.TASK_FAILED, Reason.REASON_EXECUTOR_REGISTRATION_TIMEOUT, text)


def verdict_report(verdict: Verdict) -> Report:
    """What its tasks are told."""
    return refusal(verdict.state, verdict.reason, verdict.message)
