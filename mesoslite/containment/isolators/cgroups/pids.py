"""cgroups/pids: how many processes and threads a container may have, so that a fork bomb meets an end."""

# Mesos only counts them; here they are bounded as well, or one container could leave a machine without process ids.
# Source: Mesos isolators/cgroups/subsystems/pids.cpp; Linux Documentation/admin-guide/cgroup-v1/pids.rst.

from collections.abc import Sequence
from typing import Any

from mesoslite.containment.cgroups.tree import Tree
from mesoslite.model import ContainerID

from .controller import Controller

PIDS_MAX = 4096


class Pids(Controller):
    """Of both versions, which have the same files; ``bound`` 0 is none."""

    name = "cgroups/pids"
    needs = ("pids",)

    def __init__(self, trees: Sequence[Tree], bound: int = PIDS_MAX) -> None:
        super().__init__(trees)
        self._bound = bound

    def prepare(self, container_id: ContainerID) -> None:
        """Bound them."""
        if self._bound:
            self.trees[0].write(container_id, "pids.max", self._bound)

    def usage(self, container_id: ContainerID) -> dict[str, Any]:
        """The kernel counts threads."""
        return {"threads": self.trees[0].read_number(container_id, "pids.current")}
