"""Controller: the base of what bounds or measures containers by the files of one control group each."""

# Who calls: isolator.py of this folder, which makes and removes the groups.

from collections.abc import Callable, Sequence
from typing import Any

from mesoslite.containment.cgroups.tree import Tree
from mesoslite.model import ContainerID, Resources

from ..isolator import Limitation

Limits = tuple[tuple[str, float], ...]
Exceeded = Callable[[ContainerID, Limitation], None]


class Controller:
    """What one entry of --isolation does in the groups of ``trees``; nothing, where a subclass does not say more.

    ``needs`` are the kernel's controllers that it uses, none for what every group of version 2 has.
    """

    name = ""
    needs: tuple[str, ...] = ()

    def __init__(self, trees: Sequence[Tree]) -> None:
        self.trees = tuple(trees)

    def open(self) -> None:
        """The roots of the trees have been made. Raises: CgroupError."""

    def watch(self, exceeded: Exceeded) -> None:
        """Have ``exceeded`` called when a container is to be ended."""

    def prepare(self, container_id: ContainerID) -> None:
        """The group has just been made. Raises: CgroupError."""

    def recover(self, container_id: ContainerID) -> None:
        """The group is of an earlier life, and goes on."""

    def update(self, container_id: ContainerID, resources: Resources, limits: Limits) -> None:
        """Bound what the container may use; also just after ``prepare``. Raises: CgroupError."""

    def usage(self, container_id: ContainerID) -> dict[str, Any]:
        """Fields of ContainerUsage. Raises: OSError, if the group has gone."""
        return {}

    def limitation(self, container_id: ContainerID) -> Limitation | None:
        """Why a container has been ended, if by what is limited here."""
        return None

    def forget(self, container_id: ContainerID) -> None:
        """The container has ended, and its group is removed now."""

    def close(self) -> None:
        """No more is watched."""
