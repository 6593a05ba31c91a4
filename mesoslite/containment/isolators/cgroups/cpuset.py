"""cgroups/cpuset: groups in which containers can be kept to some processors; each starts with all of its agent's."""

# In version 1 a group has neither processors nor memory nodes at first, and takes no process. The kernel can give each
#   new one those above it, which takes four system calls less than to copy them.
# Source: Mesos src/linux/cgroups.cpp (cloneCpusetCpusMems); Linux Documentation/admin-guide/cgroup-v1/cgroups.rst
#   (clone_children).

from .controller import Controller

_FILES = ("cpuset.cpus", "cpuset.mems")


class CpusetV1(Controller):
    """Of version 1."""

    name = "cgroups/cpuset"
    needs = ("cpuset",)

    def open(self) -> None:
        """Give the group of all what the one above it has, and have each container's get that."""
        for file in _FILES:
            self.trees[0].inherit(file)
        self.trees[0].write("", "cgroup.clone_children", 1)


class CpusetV2(Controller):
    """Of version 2, where a group has what is above it until it is told otherwise."""

    name = "cgroups/cpuset"
    needs = ("cpuset",)
