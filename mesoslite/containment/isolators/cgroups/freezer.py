"""cgroups/freezer: a group that can be stopped and killed as one, whatever its processes do meanwhile."""

# By cgroup.kill of version 2 (Linux 5.14) where there is a tree of it, with or without controllers; else by the freezer
#   of version 1: what is frozen cannot fork while it is killed.
# Source: Mesos src/slave/containerizer/mesos/linux_launcher.cpp; Linux Documentation/admin-guide/cgroup-v2.rst.

from .controller import Controller


class Freezer(Controller):
    """The supervisor does the killing; this gives it the group: see isolator.py."""

    name = "cgroups/freezer"


class FreezerV1(Freezer):
    """Of version 1."""

    needs = ("freezer",)
