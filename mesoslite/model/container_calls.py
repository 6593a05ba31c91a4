"""Container calls: what is asked of an agent about containers in containers, and standalone ones, each a struct."""

# Who calls: api/ reads them, agent/ acts on them; each says what the agent answers, as a future.
# A container is named by its id with those of its parents, ``executor.child.grandchild``; that of a task which its
#   agent runs for an executor may be named below the executor's, or by itself. One that is nested in nothing is that
#   of a task or an executor, or it is standalone: of no framework, and named as whoever launches it likes.
# Errors: NotFound for a container that is not known, and those that are named below.
# Source: Mesos include/mesos/v1/agent/agent.proto (Call).

import signal
from typing import TypeAlias

import msgspec

from .commands import CommandInfo
from .documents import FrozenDocument
from .ids import ContainerID, ExecutorID, FrameworkID
from .resources import NOTHING, Resources


class LaunchContainer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Start a container, in the one that is its parent if it has one: whether that is new; False: it runs already.

    ``resources`` and ``limits`` bound a standalone one; nested ones are bounded by what they are in. A session sees
    what its parent sees, and its streams are held to be followed; it does not outlive its agent.
    Fails with InvalidRequest for what cannot be, a parent that does not run included; Conflict, if one of that id has
    ended. Whether its command could be started is told by AwaitStart.
    """

    container_id: ContainerID
    command: CommandInfo
    container: FrozenDocument | None = None
    resources: Resources = NOTHING
    limits: tuple[tuple[str, float], ...] = ()
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
    """None: of a container that has ended nothing is left, its sandbox included; nor is it of an unknown nested one.

    Fails with Conflict, if it runs; InvalidRequest, if its sandbox cannot be removed.
    """

    container_id: ContainerID


class AttachContainer(msgspec.Struct, frozen=True, gc=False):
    """The Attachment of a container that runs, in a Shared. Fails with Conflict, if its streams are not held."""

    container_id: ContainerID


class FindContainer(msgspec.Struct, frozen=True, gc=False):
    """The ContainerOwner of a container, or of the one below which it is, or would be; None: there is none."""

    container_id: ContainerID


class ContainerOwner(msgspec.Struct, frozen=True, gc=False):
    """An executor that lives, also one shown for a command, with the user that it runs as.

    A standalone container has no ids; its user is "" if that is the agent's.
    """

    framework_id: FrameworkID | None
    executor_id: ExecutorID | None
    user: str


ContainerCall: TypeAlias = (
    LaunchContainer | AwaitStart | AwaitEnd | SignalContainer | RemoveContainer | AttachContainer | FindContainer
)
