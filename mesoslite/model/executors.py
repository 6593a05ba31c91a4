"""ExecutorInfo: a program that runs tasks of a framework on an agent, its own or the one that agents have."""

# Who calls: TaskInfo and LaunchGroup name one; the master keeps one for each that runs.
# Invariant: executors of one id on one agent are described alike, or they are not the same (validation_executors.py).
# Source: Mesos include/mesos/v1/mesos.proto (ExecutorInfo).

from enum import Enum

import msgspec

from .commands import CommandInfo
from .documents import FrozenDocument
from .ids import ExecutorID, FrameworkID
from .labels import Label
from .resources import NOTHING, Resources


class ExecutorType(Enum):
    """Whose program an executor is: the agent's own, or one that the framework brings."""

    UNKNOWN = 0
    DEFAULT = 1
    CUSTOM = 2


class ExecutorInfo(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An executor; None for ``type`` is one of the framework's.

    ``framework_id`` may be left out, the master fills it in. ``allocation_roles`` are those that its resources were
    said to be allocated to; none said is the role of the offer.
    """

    executor_id: ExecutorID
    type: ExecutorType | None = None
    framework_id: FrameworkID | None = None
    command: CommandInfo | None = None
    resources: Resources = NOTHING
    name: str = ""
    source: str | None = None
    data: bytes | None = None
    shutdown_grace_seconds: float | None = None
    labels: tuple[Label, ...] = ()
    container: FrozenDocument | None = None
    discovery: FrozenDocument | None = None
    allocation_roles: tuple[str, ...] = ()
