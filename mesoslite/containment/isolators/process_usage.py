"""ProcessUsage: what containers use, by a look at the processes of the machine; it bounds nothing."""

# Who calls: SupervisedContainerizer, as an isolator: see isolator.py. Cost of ``usage``: a file for each process that
#   there is, however many containers are asked for.
# All that a container has started descends from its supervisor, whatever it does to leave its parent.
# Source: Mesos src/slave/containerizer/mesos/isolators/posix.hpp (posix/cpu, posix/mem).

import threading
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from mesoslite.containment.processes import ProcessTable
from mesoslite.containment.script import Script
from mesoslite.containment.usage import usage_of
from mesoslite.model import ContainerConfig, ContainerID

from .plain import PlainIsolator


class ProcessUsage(PlainIsolator):
    """See Isolator."""

    name = "posix/cpu,posix/mem"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._supervisors: dict[ContainerID, int] = {}

    def recover(self, supervisors: Mapping[ContainerID, int]) -> None:
        """Measure them too."""
        with self._lock:
            self._supervisors.update(supervisors)

    def prepare(self, config: ContainerConfig, script: Script) -> None:
        """Nothing is needed."""

    def attach(self, container_id: ContainerID, supervisor: int) -> None:
        """Measure it from now on."""
        with self._lock:
            self._supervisors[container_id] = supervisor

    def usage(self, container_ids: Collection[ContainerID]) -> Mapping[ContainerID, Mapping[str, Any]]:
        """All fields that a look at processes shows."""
        with self._lock:
            supervisors = [(each, self._supervisors[each]) for each in container_ids if each in self._supervisors]
        if not supervisors:
            return {}
        table = ProcessTable()
        found = {}
        for container_id, supervisor in supervisors:
            members = [entry for entry in table.find_members(supervisor) if entry.name.pid != supervisor]
            used = msgspec.structs.asdict(usage_of(members))
            found[container_id] = {name: value for name, value in used.items() if value is not None}
        with self._lock:  # the pid of one that has ended meanwhile may have been another's
            return {container_id: used for container_id, used in found.items() if container_id in self._supervisors}

    def cleanup(self, container_id: ContainerID) -> None:
        """Measure it no more."""
        with self._lock:
            self._supervisors.pop(container_id, None)
