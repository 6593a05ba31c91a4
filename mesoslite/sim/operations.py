"""Operations: what a scheduler of the simulator does with an offer, beyond launching tasks on it."""

# Who calls: scheduler.py, for each offer that it answers. Drawn from the scheduler's stream; 0 drawn does nothing.

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import (
    DEFAULT_ROLE,
    Create,
    Destroy,
    Disk,
    GrowVolume,
    Kind,
    Operation,
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
    from mesoslite.model import Offer

RESERVED = "cpus:0.5"
DISK_MIB = 100
GROWTH_MIB = 20
LIKELY = 0.3  # that an offer is used so


def draw_operations(
    stream: Stream, offer: Offer, number: int, *, reserves: bool, makes_volumes: bool
) -> list[Operation]:
    """Some operations on an offer; ``number`` makes their ids, and those of volumes, their own."""
    if offer.role == DEFAULT_ROLE:
        return []
    operations: list[Operation] = []
    name = OperationID(f"{offer.role.replace('/', '-')}-{number}")
    if reserves and stream.chance(LIKELY):
        operations += _reservation(stream, offer, name)
    if makes_volumes and stream.chance(LIKELY):
        operations += _volume(stream, offer, OperationID(f"{name}-v"))
    return operations


def _reservation(stream: Stream, offer: Offer, name: OperationID) -> list[Operation]:
    """Reserve some cpus, or give back what is reserved of them."""
    reserved = [one for one in offer.resources.others if one.kind.reservations and one.kind.name == "cpus"]
    if reserved and stream.chance(0.5):
        return [Unreserve(Resources.from_portions([reserved[0]]), id=name)]
    plain = Resources.parse(RESERVED)
    if not offer.resources.contains(plain):
        return []
    return [Reserve(plain.pushed(_by(offer)), id=name if stream.chance(0.5) else None)]


def _volume(stream: Stream, offer: Offer, name: OperationID) -> list[Operation]:
    """Make a volume, destroy one, or change its size."""
    volumes = [one for one in offer.resources.others if one.kind.persistence is not None]
    plain = Resources.of(disk=DISK_MIB)
    if not volumes:
        if not offer.resources.contains(plain):
            return []
        disk = Disk(persistence=Persistence(f"volume-{name}"), volume=Volume("data"))
        made = Portion(Kind("disk", reservations=(_by(offer),), disk=disk), DISK_MIB * 1000)
        return [Reserve(plain.pushed(_by(offer))), Create(Resources.from_portions([made]), id=name)]
    volume = Resources.from_portions([volumes[0]])
    growth = Resources.of(disk=GROWTH_MIB)
    match stream.choose(3):
        case 0:
            return [Destroy(volume, id=name)]
        case 1 if volumes[0].scalar > GROWTH_MIB * 1000:
            return [ShrinkVolume(volume, GROWTH_MIB * 1000, id=name)]
        case _ if offer.resources.contains(growth):
            owner = volumes[0].kind.reservations[-1]
            return [Reserve(growth.pushed(owner)), GrowVolume(volume, growth.pushed(owner), id=name)]
    return []


def _by(offer: Offer) -> Reservation:
    return Reservation(ReservationType.DYNAMIC, offer.role)
