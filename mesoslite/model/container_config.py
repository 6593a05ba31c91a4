"""ContainerConfig and Termination: what a container is to be, and how it has ended."""

# Who calls: agents make a config for each launch, and keep it on disk where the container is to outlive them;
#   containment makes it so, and tells how it ended.
# Source: Mesos include/mesos/slave/containerizer.proto (ContainerConfig, ContainerTermination).

import msgspec

from .commands import CommandInfo
from .documents import FrozenDocument
from .ids import ContainerID
from .resources import NOTHING, Resources
from .states import Reason


class PersistentVolume(msgspec.Struct, frozen=True, gc=False):
    """The directory ``source`` of an agent, which a container sees at ``container_path``, relative to its sandbox.

    One that ``is_shared`` may be in other containers at the same time.
    """

    source: str
    container_path: str
    is_read_only: bool = False
    is_shared: bool = False


class ContainerConfig(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a container is to be: ``command`` in the directory ``sandbox``, an absolute path, which exists.

    It runs as ``user``, who gets the sandbox, if this process may become somebody else, and ``user`` is not "".
    Shapes: ``environment`` is ((name, value), ...); ``limits`` as those of a TaskInfo. ``container`` is Mesos's
    ContainerInfo. ``parent`` is the container in which this one is nested, or the executor whose task it is.
    ``is_debug`` (Mesos's class DEBUG): it enters the container ``parent``, with the rights and limits of that, its user
    and its environment, as far as it says nothing else, and begins in its sandbox; its own has but its output.
    ``volumes`` are those among its resources, and are given to whoever owns the sandbox; a shared one, if nobody had it
    before. ``has_streams``: its input and output can be attached to, as those of a container with ``tty_info``.
    ``is_checkpointed``: it is to outlive its agent, which will look for it when it begins anew.
    Its environment is the agent's own, then HOME, USER and LOGNAME of another user, then ``environment``, then what the
    command sets, then MESOS_CONTAINER_ID; the later wins.
    """

    container_id: ContainerID
    user: str
    command: CommandInfo
    sandbox: str
    environment: tuple[tuple[str, str], ...] = ()
    resources: Resources = NOTHING
    limits: tuple[tuple[str, float], ...] = ()
    container: FrozenDocument | None = None
    parent: ContainerID | None = None
    is_debug: bool = False
    has_streams: bool = False
    volumes: tuple[PersistentVolume, ...] = ()
    is_checkpointed: bool = False


class Termination(msgspec.Struct, frozen=True, gc=False):
    """How a container has ended, when none of its processes is left.

    ``exit_status`` is in the form of ``TaskStatus.exit_status``, so None if it was lost, or nothing was ever started.
    ``reason`` is set where not the command decided: it could not be started (REASON_CONTAINER_LAUNCH_FAILED), or was
    ended for what it used (REASON_CONTAINER_LIMITATION_...), of which ``limited`` says how much; ``message`` says it in
    words.
    """

    exit_status: int | None
    reason: Reason | None = None
    message: str = ""
    limited: Resources = NOTHING
