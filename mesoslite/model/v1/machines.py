"""Machines and their maintenance as v1 JSON documents: the schedule, how far it is, and machines by their names."""

# Who calls: api/, for the operator calls and for the endpoints /maintenance and /machine, whose JSON is the same.
# What no machine and no schedule can be is for the master to say.
# Source: Mesos include/mesos/v1/maintenance/maintenance.proto, include/mesos/v1/mesos.proto (MachineID).

from ..fields import Fields
from ..maintenance import InverseAnswer, MaintenanceStatus
from ..registry import MachineID, Schedule, Window
from .parts import Document, decode_unavailability, encode_unavailability, wrap_id

_NANOSECONDS = 1_000_000_000


def decode_machines(fields: Fields, name: str) -> tuple[MachineID, ...]:
    """Return a list of MachineIDs. Raises: InvalidRequest."""
    return tuple([MachineID(each.text("hostname", ""), each.text("ip", "")) for each in fields.messages(name)])


def decode_schedule(fields: Fields) -> Schedule:
    """Return a Schedule. Raises: InvalidRequest."""
    return Schedule(tuple([_decode_window(window) for window in fields.messages("windows")]))


def encode_schedule(schedule: Schedule) -> Document:
    """Return a Schedule; an empty object if there is none."""
    windows = [
        {
            "machine_ids": [encode_machine(machine_id) for machine_id in window.machines],
            "unavailability": encode_unavailability(window.unavailability),
        }
        for window in schedule.windows
    ]
    return {"windows": windows} if windows else {}


def encode_maintenance_status(status: MaintenanceStatus) -> Document:
    """Return a ClusterStatus."""
    document: Document = {}
    if status.draining:
        document["draining_machines"] = []
        for machine in status.draining:
            entry: Document = {"id": encode_machine(machine.id)}
            if machine.answers:
                entry["statuses"] = [_encode_answer(answer) for answer in machine.answers]
            document["draining_machines"].append(entry)
    if status.down:
        document["down_machines"] = [encode_machine(machine_id) for machine_id in status.down]
    return document


def _decode_window(fields: Fields) -> Window:
    unavailability = decode_unavailability(fields, "unavailability")
    if unavailability is None:
        raise fields.invalid("unavailability", "is missing, expected when the machines are to be serviced")
    return Window(decode_machines(fields, "machine_ids"), unavailability)


def encode_machine(machine_id: MachineID) -> Document:
    """Return a MachineID."""
    names = {"hostname": machine_id.hostname, "ip": machine_id.ip}
    return {name: value for name, value in names.items() if value}


def _encode_answer(answer: InverseAnswer) -> Document:
    return {
        "status": "ACCEPT" if answer.accepted else "DECLINE",
        "framework_id": wrap_id(answer.framework_id),
        "timestamp": {"nanoseconds": round(answer.time * _NANOSECONDS)},
    }
