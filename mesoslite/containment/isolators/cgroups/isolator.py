"""CgroupsIsolator: a group for each container in every hierarchy that its controllers need."""

# Who calls: as any Isolator (isolator.py of the folder above). In the list it comes first, so that what others start
#   for a container is within its groups.
# Invariants: 1. a group is made before its container starts and removed after it has ended.    2. groups below the root
#   that no known container has were left by a dead agent: what runs in them is killed, and they are removed.
#   3. what is nested is bounded with what it is in, and ended with it at the latest.
# One isolator, not one for each controller: in version 2 they share a group.
# Source: Mesos src/slave/containerizer/mesos/isolators/cgroups/cgroups.cpp.

import errno
import logging
import os
import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from mesoslite.containment.cgroups.tree import Tree
from mesoslite.containment.script import Script
from mesoslite.model import ContainerConfig, ContainerID, Resources, parent_of

from ..isolator import Limitation
from .controller import Controller, Exceeded, Limits
from .freezer import Freezer, FreezerV1

log = logging.getLogger("mesoslite")

_GONE = (errno.ENOENT, errno.ENODEV)


class CgroupsIsolator:
    """Composes ``controllers``, in that order."""

    is_for_debug = True

    def __init__(self, controllers: Sequence[Controller]) -> None:
        self.name = ",".join([controller.name for controller in controllers])
        self._controllers = tuple(controllers)
        self._trees: list[Tree] = []
        needs: dict[str, set[str]] = {}
        for controller in controllers:
            for tree in controller.trees:
                needs.setdefault(tree.root, set()).update(controller.needs)
                if tree not in self._trees:
                    self._trees.append(tree)
        self._claims = []
        for tree in self._trees:
            tree.make_root(needs[tree.root])
            self._claims.append(tree.claim())
        for controller in controllers:
            controller.open()
        self._lock = threading.Lock()
        self._known: set[ContainerID] = set()  # that have groups

    def watch(self, exceeded: Exceeded) -> None:
        """See Isolator."""
        for controller in self._controllers:
            controller.watch(exceeded)

    def recover(self, supervisors: Mapping[ContainerID, int]) -> None:
        """See Isolator."""
        names: set[str] = set()
        for tree in self._trees:
            found = set(tree.names())
            orphans = found - supervisors.keys()
            if orphans:
                log.warning(
                    "cgroups: %d groups below %s were left by another life, and are ended", len(orphans), tree.root
                )
            tree.destroy(sorted(orphans))
            names |= found - orphans
        for name in sorted(names):
            container_id = ContainerID(name)
            for controller in self._controllers:
                try:
                    controller.recover(container_id)
                except OSError as error:
                    log.warning("%s: container %s is not watched: %s", controller.name, name, error)
        with self._lock:
            self._known |= {ContainerID(name) for name in names}

    def resume(self, config: ContainerConfig) -> None:
        """See Isolator: its groups say what it may use."""

    def prepare(self, config: ContainerConfig, script: Script) -> None:
        """Make its groups, bound it, and have it start within them; what is nested is in those of what it is in."""
        container_id = config.container_id
        with self._lock:
            owner = config.parent
            while owner is not None and owner not in self._known:
                owner = parent_of(owner)
            if owner is None:
                self._known.add(container_id)
        if owner is not None:
            self._join(owner, script)
            return
        for tree in self._trees:
            tree.create(container_id)
        for controller in self._controllers:
            controller.prepare(container_id)
            controller.update(container_id, config.resources, config.limits)
        self._join(container_id, script)
        self._state_killing(container_id, script)

    def _join(self, container_id: ContainerID, script: Script) -> None:
        for tree in self._trees:
            script.join(tree.path(container_id, "cgroup.procs"))

    def _state_killing(self, container_id: ContainerID, script: Script) -> None:
        """Which group tells the supervisor all of a container, and how it is stopped or killed as one."""
        freezers = [each for each in self._controllers if isinstance(each, Freezer)]
        tree = freezers[0].trees[0] if freezers else self._trees[0]
        script.members(tree.path(container_id, "cgroup.procs"))
        for freezer in freezers:
            if isinstance(freezer, FreezerV1):
                script.freezer(tree.path(container_id, "freezer.state"), "FROZEN", "THAWED")
            else:
                script.kill_switch(tree.path(container_id, "cgroup.kill"))

    def attach(self, container_id: ContainerID, supervisor: int) -> None:
        """See Isolator: its processes have entered the groups by themselves."""

    def update(self, container_id: ContainerID, resources: Resources, limits: Limits) -> None:
        """Bound it anew."""
        for controller in self._controllers:
            try:
                controller.update(container_id, resources, limits)
            except OSError as error:
                if error.errno not in _GONE:
                    log.warning("%s: container %s keeps its old bounds: %s", controller.name, container_id, error)

    def usage(self, container_ids: Collection[ContainerID]) -> Mapping[ContainerID, Mapping[str, Any]]:
        """See Isolator; those that have ended are left out."""
        used = {}
        with self._lock:
            known = self._known.intersection(container_ids)
        for container_id in known:
            try:
                used[container_id] = self._usage(container_id)
            except OSError as error:
                if error.errno not in _GONE:
                    log.warning("cgroups: container %s is not measured: %s", container_id, error)
        return used

    def _usage(self, container_id: ContainerID) -> dict[str, Any]:
        tree = self._trees[0]
        used: dict[str, Any] = {"processes": tree.read(container_id, "cgroup.procs").count(b"\n")}
        for controller in self._controllers:
            used.update(controller.usage(container_id))
        if "threads" not in used:
            file = "tasks" if tree.version == 1 else "cgroup.threads"
            used["threads"] = tree.read(container_id, file).count(b"\n")
        return used

    def limitation(self, container_id: ContainerID) -> Limitation | None:
        """The first that a controller knows."""
        for controller in self._controllers:
            limitation = controller.limitation(container_id)
            if limitation is not None:
                return limitation
        return None

    def close(self) -> None:
        """Watch none any more, and give the roots free for another agent."""
        for controller in self._controllers:
            controller.close()
        while self._claims:
            os.close(self._claims.pop())

    def end_rest(self, container_id: ContainerID) -> None:
        """Kill what is in its groups."""
        for tree in self._trees:
            tree.destroy([container_id])

    def cleanup(self, container_id: ContainerID) -> None:
        """Remove its groups."""
        with self._lock:
            if container_id not in self._known:
                return
            self._known.discard(container_id)
        for controller in self._controllers:
            controller.forget(container_id)
        for tree in self._trees:
            tree.remove(container_id)
