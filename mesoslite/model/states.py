"""Task states, and who reports them and why; names and numbers are Mesos's own."""

# Who calls: agents and the master when they make or receive a status; the API, which writes the names.
# Invariant: a task in a terminal state never leaves it (``can_follow``).
# TASK_UNREACHABLE is not terminal: the agent may come back. TASK_UNKNOWN is only ever an answer, never a
#   task's state.
# Source: Mesos include/mesos/v1/mesos.proto (TaskState, TaskStatus), src/common/protobuf_utils.cpp
#   (isTerminalState).

from enum import Enum


class TaskState(Enum):
    """Where a task is in its life."""

    TASK_STARTING = 0
    TASK_RUNNING = 1
    TASK_FINISHED = 2
    TASK_FAILED = 3
    TASK_KILLED = 4
    TASK_LOST = 5
    TASK_STAGING = 6
    TASK_ERROR = 7
    TASK_KILLING = 8
    TASK_DROPPED = 9
    TASK_UNREACHABLE = 10
    TASK_GONE = 11
    TASK_GONE_BY_OPERATOR = 12
    TASK_UNKNOWN = 13

    __hash__ = (
        object.__hash__
    )  # of a member, which is one object; that of Enum is a function, and asked many times a task

    is_terminal: bool  # whether the task is over: its resources are free and no other state follows


_TERMINAL = frozenset(
    {
        TaskState.TASK_FINISHED,
        TaskState.TASK_FAILED,
        TaskState.TASK_KILLED,
        TaskState.TASK_ERROR,
        TaskState.TASK_LOST,
        TaskState.TASK_DROPPED,
        TaskState.TASK_GONE,
        TaskState.TASK_GONE_BY_OPERATOR,
    }
)
for _state in TaskState:  # once: to look a member up in a set costs more, and this is asked some thirty times a launch
    _state.is_terminal = _state in _TERMINAL
# Once as well: an attribute of an enumeration takes ten times as long as a global name.
_STAGING, _UNKNOWN = TaskState.TASK_STAGING, TaskState.TASK_UNKNOWN
# A task is staged once, by the master; an agent that was out of reach may bring it back as it was.
_BEFORE_STAGING = frozenset({TaskState.TASK_STAGING, TaskState.TASK_UNREACHABLE})


def can_follow(old: TaskState, new: TaskState) -> bool:
    """Return whether a task in state ``old`` may be put in state ``new``; staying as it is always may.

    The order among live states is left to executors, as Mesos leaves it.
    """
    if old is new:
        return True
    if old.is_terminal or old is _UNKNOWN or new is _UNKNOWN:
        return False
    return new is not _STAGING or old in _BEFORE_STAGING


class Source(Enum):
    """Who made a task status."""

    SOURCE_MASTER = 0
    SOURCE_AGENT = 1
    SOURCE_EXECUTOR = 2


class Reason(Enum):
    """Why a task status was made, beyond what its state says."""

    REASON_COMMAND_EXECUTOR_FAILED = 0
    REASON_EXECUTOR_TERMINATED = 1
    REASON_FRAMEWORK_REMOVED = 3
    REASON_INVALID_FRAMEWORKID = 5
    REASON_INVALID_OFFERS = 6
    REASON_MASTER_DISCONNECTED = 7
    REASON_CONTAINER_LIMITATION_MEMORY = 8
    REASON_RECONCILIATION = 9
    REASON_AGENT_DISCONNECTED = 10
    REASON_AGENT_REMOVED = 11
    REASON_AGENT_RESTARTED = 12
    REASON_AGENT_UNKNOWN = 13
    REASON_TASK_INVALID = 14
    REASON_TASK_UNAUTHORIZED = 15
    REASON_TASK_UNKNOWN = 16
    REASON_CONTAINER_PREEMPTED = 17
    REASON_RESOURCES_UNKNOWN = 18
    REASON_CONTAINER_LIMITATION = 19
    REASON_CONTAINER_LIMITATION_DISK = 20
    REASON_CONTAINER_LAUNCH_FAILED = 21
    REASON_CONTAINER_UPDATE_FAILED = 22
    REASON_EXECUTOR_REGISTRATION_TIMEOUT = 23
    REASON_EXECUTOR_REREGISTRATION_TIMEOUT = 24
    REASON_TASK_GROUP_INVALID = 25
    REASON_TASK_GROUP_UNAUTHORIZED = 26
    REASON_TASK_CHECK_STATUS_UPDATED = 28
    REASON_TASK_HEALTH_CHECK_STATUS_UPDATED = 29
    REASON_TASK_KILLED_DURING_LAUNCH = 30
    REASON_AGENT_REMOVED_BY_OPERATOR = 31
    REASON_AGENT_REREGISTERED = 32
    REASON_MAX_COMPLETION_TIME_REACHED = 33
    REASON_AGENT_DRAINING = 34
