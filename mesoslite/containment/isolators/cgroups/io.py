"""cgroups/blkio: what a container has read and written of block devices."""

# Nothing is bounded, as in Mesos.
# Source: Mesos isolators/cgroups/subsystems/blkio.cpp, src/linux/cgroups.cpp (blkio::throttle),
#   isolators/cgroups2/controllers/io.cpp; Linux Documentation/admin-guide/cgroup-v1/blkio-controller.rst.

from typing import Any

from mesoslite.model import ContainerID, FrozenDocument

from .controller import Controller

_V1_FILES = {"io_serviced": "blkio.throttle.io_serviced", "io_service_bytes": "blkio.throttle.io_service_bytes"}
_V2_FIELDS = {
    "io_serviced": {"READ": "rios", "WRITE": "wios", "DISCARD": "dios"},
    "io_service_bytes": {"READ": "rbytes", "WRITE": "wbytes", "DISCARD": "dbytes"},
}
_OPERATIONS = ("TOTAL", "READ", "WRITE", "SYNC", "ASYNC", "DISCARD")


class BlkioV1(Controller):
    """Of version 1."""

    name = "cgroups/blkio"
    needs = ("blkio",)

    def usage(self, container_id: ContainerID) -> dict[str, Any]:
        """By device and operation, and of all devices."""
        tree = self.trees[0]
        counts = {what: _parse_v1(tree.read(container_id, file)) for what, file in _V1_FILES.items()}
        return _statistics(counts)


class IoV2(Controller):
    """Of version 2."""

    name = "cgroups/blkio"
    needs = ("io",)

    def usage(self, container_id: ContainerID) -> dict[str, Any]:
        """By device and operation."""
        text = self.trees[0].read(container_id, "io.stat").decode()
        return _statistics({what: _parse_v2(text, names) for what, names in _V2_FIELDS.items()})


_Counts = dict[str, dict[str, int]]  # by device, such as "8:0", "" for all; then by operation


def _parse_v1(text: bytes) -> _Counts:
    counts: _Counts = {}
    for line in text.decode().splitlines():
        device, operation, number = ["", *line.split()][-3:]
        if operation.upper() in _OPERATIONS:
            counts.setdefault(device, {})[operation.upper()] = int(number)
    return counts


def _parse_v2(text: str, names: dict[str, str]) -> _Counts:
    counts: _Counts = {}
    for line in text.splitlines():
        device, *entries = line.split()
        values = dict(entry.split("=") for entry in entries if "=" in entry)
        counts[device] = {operation: int(values[name]) for operation, name in names.items() if name in values}
    return counts


def _statistics(counts: dict[str, _Counts]) -> dict[str, Any]:
    """As Mesos's CgroupInfo.Blkio: one entry a device, that of all devices without one."""
    devices = sorted({device for each in counts.values() for device in each})
    throttling = []
    for device in devices:
        entry: dict[str, Any] = {}
        if device:
            major, _, minor = device.partition(":")
            entry["device"] = {"major": int(major), "minor": int(minor)}
        for what, each in counts.items():
            entry[what] = [{"op": operation, "value": number} for operation, number in each.get(device, {}).items()]
        throttling.append(entry)
    return {"blkio_statistics": FrozenDocument.of({"throttling": throttling})}
