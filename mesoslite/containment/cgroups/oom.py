"""How the kernel tells that a group has no more memory: by an eventfd in version 1, by a changed file in version 2."""

# Who calls: cgroups/mem (isolators/cgroups/memory.py), once for each container.
# Source: Linux Documentation/admin-guide/cgroup-v1/memory.rst (OOM Control), cgroup-v2.rst (memory.events); Mesos
#   src/linux/cgroups.cpp (event::Listener).

import os
import select
from collections.abc import Callable
from contextlib import suppress

from .tree import Tree
from .watch import Watch


class Registration:
    """That somebody hears of one group, until ``close``; it holds ``descriptors``."""

    def __init__(self, watch: Watch, descriptors: tuple[int, ...]) -> None:
        self._watch = watch
        self._descriptors = descriptors

    def close(self) -> None:
        """No more is heard."""
        for descriptor in self._descriptors:
            self._watch.remove(descriptor)
            os.close(descriptor)


def watch_oom_v1(watch: Watch, tree: Tree, name: str, told: Callable[[], None]) -> Registration:
    """Have ``told`` called when the group has no more memory, and when it is removed. Raises: OSError."""
    event = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
    try:
        control = os.open(tree.path(name, "memory.oom_control"), os.O_RDONLY | os.O_CLOEXEC)
        try:
            tree.write(name, "cgroup.event_control", f"{event} {control}")
        finally:
            os.close(control)  # the kernel has taken note of the file

        def read() -> None:
            with suppress(BlockingIOError):
                os.eventfd_read(event)
            told()

        watch.add(event, select.EPOLLIN, read)
    except BaseException:
        os.close(event)
        raise
    return Registration(watch, (event,))


def watch_oom_v2(watch: Watch, tree: Tree, name: str, told: Callable[[], None]) -> Registration:
    """Have ``told`` called when memory.events of the group changes. Raises: OSError."""
    return watch_file(watch, tree.path(name, "memory.events"), told)


def watch_file(watch: Watch, path: str, told: Callable[[], None]) -> Registration:
    """Have ``told`` called when a file of a group of version 2 changes that tells of changes. Raises: OSError."""
    events = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.read(events, 4096)  # changes are told from what was last read on

        def read() -> None:
            with suppress(OSError):  # the group may just have gone
                os.pread(events, 4096, 0)
            told()

        watch.add(events, select.EPOLLPRI, read)
    except BaseException:
        os.close(events)
        raise
    return Registration(watch, (events,))
