"""PlainIsolator: the base of isolators that only state instructions when a container is made ready."""

# Who calls: as any Isolator (isolator.py); a subclass says what it honours in ``prepare``.

from collections.abc import Callable, Collection, Mapping
from typing import Any

from mesoslite.containment.script import Script
from mesoslite.model import ContainerConfig, ContainerID, Resources

from .isolator import Limitation


class PlainIsolator:
    """Keeps nothing, measures nothing and ends nothing."""

    name = ""
    is_for_debug = False

    def watch(self, exceeded: Callable[[ContainerID, Limitation], None]) -> None:
        """See Isolator: nothing is limited."""

    def recover(self, supervisors: Mapping[ContainerID, int]) -> None:
        """See Isolator: there are no traces."""

    def resume(self, config: ContainerConfig) -> None:
        """See Isolator: nothing of it was known."""

    def prepare(self, config: ContainerConfig, script: Script) -> None:
        """See Isolator."""
        raise NotImplementedError

    def attach(self, container_id: ContainerID, supervisor: int) -> None:
        """See Isolator: all was said in the script."""

    def update(self, container_id: ContainerID, resources: Resources, limits: tuple[tuple[str, float], ...]) -> None:
        """See Isolator: nothing is limited."""

    def usage(self, container_ids: Collection[ContainerID]) -> Mapping[ContainerID, Mapping[str, Any]]:
        """See Isolator: nothing is measured."""
        return {}

    def limitation(self, container_id: ContainerID) -> Limitation | None:
        """See Isolator: nothing is limited."""
        return None

    def end_rest(self, container_id: ContainerID) -> None:
        """See Isolator: it knows of no process."""

    def cleanup(self, container_id: ContainerID) -> None:
        """See Isolator: there are no traces."""

    def close(self) -> None:
        """See Isolator: nothing is held."""
