"""Operations: what a scheduler of the simulator does with an offer, or an operator with an agent, beyond tasks."""

# Who calls: scheduler.py, for each offer that it answers, and operator.py. Drawn from a stream; 0 drawn does nothing.

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import (
    DEFAULT_ROLE,
    Create,
    Destroy,
    Disk,
    GrowVolume,
    Kind,
    OperationID,
    Persistence,
    Portion,
    Reservation,
    ReservationType,
    Reserve,
    Resources,
    ShrinkVolume,
    Unreserve,
    Volume,
)

if TYPE_CHECKING:
    from libactor.testing import Stream
    from mesoslite.model import ResourceOperation

RESERVED = "cpus:0.5"
DISK_MIB = 100
GROWTH_MIB = 20
LIKELY = 0.3  # that an offer is used so


def draw_operations(
    stream: Stream, role: str, resources: Resources, number: str, *, reserves: bool, makes_volumes: bool
) -> list[ResourceOperation]:
    """Some operations for a role on what there is; ``number`` makes their ids, and those of volumes, their own."""
    if role == DEFAULT_ROLE:
        return []
    operations: list[ResourceOperation] = []
    name = OperationID(f"{role.replace('/', '-')}-{number}")
    if reserves and stream.chance(LIKELY):
        operations += _reservation(stream, role, resources, name)
    if makes_volumes and stream.chance(LIKELY):
        operations += _volume(stream, role, resources, OperationID(f"{name}-v"))
    return operations


def _reservation(stream: Stream, role: str, resources: Resources, name: OperationID) -> list[ResourceOperation]:
    """Reserve some cpus, or give back what is reserved of them."""
    reserved = [one for one in resources.others if one.kind.reservations and one.kind.name == "cpus"]
    if reserved and stream.chance(0.5):
        return [Unreserve(Resources.from_portions([reserved[0]]), id=name)]
    plain = Resources.parse(RESERVED)
    if not resources.contains(plain):
        return []
    return [Reserve(plain.pushed(_by(role)), id=name if stream.chance(0.5) else None)]


def _volume(stream: Stream, role: str, resources: Resources, name: OperationID) -> list[ResourceOperation]:
    """Make a volume, destroy one, or change its size."""
    volumes = [one for one in resources.others if one.kind.persistence is not None]
    plain = Resources.of(disk=DISK_MIB)
    if not volumes:
        if not resources.contains(plain):
            return []
        disk = Disk(persistence=Persistence(f"volume-{name}"), volume=Volume("data"))
        made = Portion(Kind("disk", reservations=(_by(role),), disk=disk), DISK_MIB * 1000)
        return [Reserve(plain.pushed(_by(role))), Create(Resources.from_portions([made]), id=name)]
    volume = Resources.from_portions([volumes[0]])
    growth = Resources.of(disk=GROWTH_MIB)
    match stream.choose(3):
        case 0:
            return [Destroy(volume, id=name)]
        case 1 if volumes[0].scalar > GROWTH_MIB * 1000:
            return [ShrinkVolume(volume, GROWTH_MIB * 1000, id=name)]
        case _ if resources.contains(growth):
            owner = volumes[0].kind.reservations[-1]
            return [Reserve(growth.pushed(owner)), GrowVolume(volume, growth.pushed(owner), id=name)]
    return []


def _by(role: str) -> Reservation:
    return Reservation(ReservationType.DYNAMIC, role)
