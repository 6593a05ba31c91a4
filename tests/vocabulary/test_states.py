"""Task states: which end a task, and which may follow which."""

import itertools

import pytest

from mesoslite.model import Reason, Source, TaskState, can_follow

TERMINAL = {"FINISHED", "FAILED", "KILLED", "ERROR", "LOST", "DROPPED", "GONE", "GONE_BY_OPERATOR"}


def test_terminal_states_are_those_of_mesos() -> None:
    terminal = {state.name.removeprefix("TASK_") for state in TaskState if state.is_terminal}

    assert terminal == TERMINAL


def test_terminal_states_are_never_left() -> None:
    left = [
        (old, new)
        for old, new in itertools.product(TaskState, TaskState)
        if old.is_terminal and new is not old and can_follow(old, new)
    ]

    assert left == []


@pytest.mark.parametrize("old", [state for state in TaskState if not state.is_terminal])
def test_every_state_of_a_live_task_may_end(old: TaskState) -> None:
    assert can_follow(old, TaskState.TASK_FINISHED) == (old is not TaskState.TASK_UNKNOWN)


def test_task_is_staged_anew_only_when_its_agent_comes_back() -> None:
    before_staging = {old for old in TaskState if can_follow(old, TaskState.TASK_STAGING)}

    assert before_staging == {TaskState.TASK_STAGING, TaskState.TASK_UNREACHABLE}


def test_no_task_becomes_unknown() -> None:
    before = {old for old in TaskState if can_follow(old, TaskState.TASK_UNKNOWN)}

    assert before == {TaskState.TASK_UNKNOWN}


def test_numbers_are_those_of_mesos() -> None:
    numbers = {
        TaskState.TASK_STARTING: 0,
        TaskState.TASK_STAGING: 6,
        TaskState.TASK_UNKNOWN: 13,
        Source.SOURCE_EXECUTOR: 2,
        Reason.REASON_COMMAND_EXECUTOR_FAILED: 0,
        Reason.REASON_RECONCILIATION: 9,
        Reason.REASON_CONTAINER_LAUNCH_FAILED: 21,
        Reason.REASON_TASK_KILLED_DURING_LAUNCH: 30,
    }

    assert {member: member.value for member in numbers} == numbers
    assert sorted(state.value for state in TaskState) == list(range(14))
