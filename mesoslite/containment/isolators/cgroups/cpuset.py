"""cgroups/cpuset: groups in which containers can be kept to some processors; each starts with all of its agent's."""

# In version 1 a group has neither processors nor memory nodes at first, and takes no process: it gets those above it.
# Source: Mesos src/linux/cgroups.cpp (cloneCpusetCpusMems).

from mesoslite.model import ContainerID

from .controller import Controller

_FILES = ("cpuset.cpus", "cpuset.mems")


class CpusetV1(Controller):
    """Of version 1."""

    name = "cgroups/cpuset"
    needs = ("cpuset",)

    def open(self) -> None:
        """Give the group of all what the one above it has."""
        for file in _FILES:
            self.trees[0].inherit(file)

    def prepare(self, container_id: ContainerID) -> None:
        """Give it what the group of all has."""
        tree = self.trees[0]
        for file in _FILES:
            tree.write(container_id, file, tree.read("", file).decode().strip())


class CpusetV2(Controller):
    """Of version 2, where a group has what is above it until it is told otherwise."""

    name = "cgroups/cpuset"
    needs = ("cpuset",)
