"""cgroups/pressure: for how much of the time the processes of a container wait for processors, memory and disks."""

# Mesos tells of pressure by counters of memory only; this is pressure stall information (PSI), which any group of
#   version 2 has, also where controllers are in hierarchies of version 1.
# Source: Linux Documentation/accounting/psi.rst.

from typing import Any

from mesoslite.model import ContainerID, FrozenDocument

from .controller import Controller

RESOURCES = ("cpu", "memory", "io")


class Pressure(Controller):
    """Averages in percent over 10, 60 and 300 seconds, and the time in all in microseconds."""

    name = "cgroups/pressure"

    def usage(self, container_id: ContainerID) -> dict[str, Any]:
        """Those of each resource."""
        told = {each: parse_pressure(self.trees[0].read(container_id, f"{each}.pressure")) for each in RESOURCES}
        return {"pressure": FrozenDocument.of(told)}


def parse_pressure(text: bytes) -> dict[str, dict[str, float]]:
    """``some`` and ``full`` with what each says."""
    told = {}
    for line in text.decode().splitlines():
        kind, *entries = line.split()
        told[kind] = {name: float(value) for name, value in (entry.split("=") for entry in entries)}
    return told
