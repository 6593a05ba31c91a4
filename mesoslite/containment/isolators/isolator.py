"""Isolator: the Protocol of what bounds, parts or measures containers in one respect, such as their memory."""

# Who calls: SupervisedContainerizer (supervised.py), for each of its isolators in the order of its list; `cleanup` in
#   the reverse order. `prepare`, `attach` and `update` are called in the thread of whoever launches, an agent's
#   handler; `usage` in that of whoever measures; `limitation`, `end_rest` and `cleanup` in the containerizer's own
#   thread, or if the launch fails in that of who launches. So what is shared between these takes a lock.
# Source: Mesos include/mesos/slave/isolator.hpp.

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from mesoslite.containment.script import Script
from mesoslite.model import NOTHING, ContainerConfig, ContainerID, Reason, Resources


@dataclass(frozen=True, slots=True)
class Limitation:
    """Why a container has to be ended, or was: ``reason`` is one of REASON_CONTAINER_LIMITATION_...

    ``limited`` is how much it has used of what was limited.
    """

    reason: Reason
    message: str
    limited: Resources = NOTHING


class Isolator(Protocol):
    """One respect in which containers are kept apart. It raises nothing but what is said here."""

    @property
    def name(self) -> str:
        """As in the flag --isolation, such as "cgroups/mem"; several are parted by commas."""
        ...

    @property
    def is_for_debug(self) -> bool:
        """Whether a debug container is prepared by it, which enters what others have made for its parent."""
        ...

    def watch(self, exceeded: Callable[[ContainerID, Limitation], None]) -> None:
        """Have ``exceeded`` called, from any thread, when a container is to be ended; first of all, and once."""
        ...

    def recover(self, supervisors: Mapping[ContainerID, int]) -> None:
        """Take over the containers of an earlier life, with the pid of the supervisor of each, and remove the traces of
        all others; before anything is prepared, and once.
        """
        ...

    def resume(self, config: ContainerConfig) -> None:
        """After ``recover``: that is what one of those was prepared for, by an earlier life."""
        ...

    def prepare(self, config: ContainerConfig, script: Script) -> None:
        """Make ready for a container, and state in ``script`` what is to be done for it.

        ``cleanup`` follows, also if this raises, or another isolator does.
        Raises: InvalidRequest, if this machine has not what it asks for; OSError that says what to do.
        """
        ...

    def attach(self, container_id: ContainerID, supervisor: int) -> None:
        """It was started; all its processes descend from that of the pid ``supervisor``, which is not one of them."""
        ...

    def update(self, container_id: ContainerID, resources: Resources, limits: tuple[tuple[str, float], ...]) -> None:
        """What it may use from now on."""
        ...

    def usage(self, container_ids: Collection[ContainerID]) -> Mapping[ContainerID, Mapping[str, Any]]:
        """Fields of ContainerUsage for each container, as far as this isolator knows them and it has not ended."""
        ...

    def limitation(self, container_id: ContainerID) -> Limitation | None:
        """Why it was ended, if for what this isolator limits; asked when none of its processes is left."""
        ...

    def end_rest(self, container_id: ContainerID) -> None:
        """End whatever process is left of it: its supervisor, which would have, was killed by somebody."""
        ...

    def cleanup(self, container_id: ContainerID) -> None:
        """Remove all traces of a container, none of whose processes is left; nothing happens if there are none.

        What nobody else sees may be removed later, before ``close``, and ``prepare`` for the same id, return.
        """
        ...

    def close(self) -> None:
        """Let go of what is held for all containers; last of all. Those that still run keep their bounds."""
        ...
