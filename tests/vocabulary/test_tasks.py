"""Task statuses: the exit status that travels in a label."""

import msgspec
import pytest

from mesoslite.model import AgentID, Label, Source, TaskID, TaskState, TaskStatus, append_status
from mesoslite.model.tasks import STATUSES_MAX


def status(*labels: Label) -> TaskStatus:
    return TaskStatus(
        task_id=TaskID("t"),
        state=TaskState.TASK_FAILED,
        source=Source.SOURCE_EXECUTOR,
        timestamp=1.5,
        agent_id=AgentID("a"),
        labels=labels,
    )


@pytest.mark.parametrize("exit_status", [0, 1, 255, -9])
def test_exit_status_comes_back_as_it_was_set(exit_status: int) -> None:
    assert status().with_exit_status(exit_status).exit_status == exit_status


def test_exit_status_is_not_known_without_its_label() -> None:
    assert status(Label("rack", "7")).exit_status is None


@pytest.mark.parametrize("text", ["", "256", "1000", "x", "1.0", "--1", "²", " 1"])
def test_label_that_is_no_exit_status_counts_as_not_known(text: str) -> None:
    assert status(Label("exit_status", text)).exit_status is None


def test_setting_the_exit_status_replaces_the_old_one_and_keeps_other_labels() -> None:
    changed = status(Label("rack", "7")).with_exit_status(1).with_exit_status(2)

    assert changed.labels == (Label("rack", "7"), Label("exit_status", "2"))


def test_a_history_keeps_the_newest_of_each_run_of_equal_states() -> None:
    running, again, failed = (
        msgspec.structs.replace(status(), state=state, timestamp=timestamp)
        for timestamp, state in enumerate([TaskState.TASK_RUNNING, TaskState.TASK_RUNNING, TaskState.TASK_FAILED])
    )
    history: list[TaskStatus] = []

    for one in (running, again, failed, running):
        append_status(history, one)

    assert history == [again, failed, running]


def test_a_history_of_states_without_end_keeps_the_first_and_the_newest() -> None:
    states = (TaskState.TASK_STARTING, TaskState.TASK_RUNNING)
    told = [msgspec.structs.replace(status(), state=states[n % 2], timestamp=n) for n in range(STATUSES_MAX + 50)]
    history: list[TaskStatus] = []

    for one in told:
        append_status(history, one)

    assert history == [told[0], *told[-STATUSES_MAX + 1 :]]
