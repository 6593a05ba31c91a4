"""Container calls: what is asked of an agent about containers in containers, one frozen struct each."""

# Who calls: api/ reads them, agent/ acts on them; each says what the agent answers, as a future.
# A container is named by its id with those of its parents, ``executor.child.grandchild``; that of a task which its
#   agent runs for an executor may be named below the executor's, or by itself.
# Errors: NotFound for a container that is not known, and those that are named below.
# Source: Mesos include/mesos/v1/agent/agent.proto (Call).

import signal
from typing import TypeAlias

import msgspec

from .commands import CommandInfo
from .documents import FrozenDocument
from .ids import ContainerID, ExecutorID, FrameworkID


class LaunchContainer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Start a container in the one that is its parent: whether that is new; False: it runs already.

    A session sees what its parent sees, and its streams are held to be followed; it does not outlive its agent.
    Fails with InvalidRequest for what cannot be, a parent that does not run included; Conflict, if one of that id has
    ended. Whether its command could be started is told by AwaitStart.
    """

    container_id: ContainerID
    command: CommandInfo
    container: FrozenDocument | None = None
    is_session: bool = False


class AwaitStart(msgspec.Struct, frozen=True, gc=False):
    """None, once the command of a container runs, or has. Fails with InvalidRequest, if it could not be started."""

    container_id: ContainerID


class AwaitEnd(msgspec.Struct, frozen=True, gc=False):
    """How a container has ended, a Termination, once it has."""

    container_id: ContainerID


class SignalContainer(msgspec.Struct, frozen=True, gc=False):
    """None: the first process of a container that has not ended was sent a signal; SIGKILL ends all of it."""

    container_id: ContainerID
    signal: int = int(signal.SIGKILL)


class RemoveContainer(msgspec.Struct, frozen=True, gc=False):
    """None: of a container that has ended nothing is left, its sandbox included; nor is it of an unknown one.

    Fails with Conflict, if it runs.
    """

    container_id: ContainerID


class AttachContainer(msgspec.Struct, frozen=True, gc=False):
    """The Attachment of a container that runs, in a Shared. Fails with Conflict, if its streams are not held."""

    container_id: ContainerID


class FindContainer(msgspec.Struct, frozen=True, gc=False):
    """The ContainerOwner below whose container one is, or would be; None: below nobody's."""

    container_id: ContainerID


class ContainerOwner(msgspec.Struct, frozen=True, gc=False):
    """An executor that lives, also one shown for a command, with the user that it runs as."""

    framework_id: FrameworkID
    executor_id: ExecutorID
    user: str


ContainerCall: TypeAlias = (
    LaunchContainer | AwaitStart | AwaitEnd | SignalContainer | RemoveContainer | AttachContainer | FindContainer
)
