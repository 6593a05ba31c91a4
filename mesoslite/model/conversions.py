"""Conversions: what an operation makes of resources: so much of one kind before, as much of another after."""

# Who calls: validation_accept.py, for valid operations; the master hands the result to its allocator and its agents.
# Invariant: before and after hold the same amounts under the same names; only the kinds differ.
# Source: Mesos src/common/resources_utils.cpp (getResourceConversions).

from typing import assert_never

import msgspec
from msgspec.structs import replace

from .kinds import Disk, Kind
from .operations import Create, Destroy, GrowVolume, Reserve, ResourceOperation, ShrinkVolume, Unreserve
from .portions import Portion
from .resources import Resources


class Conversion(msgspec.Struct, frozen=True, gc=False):
    """``before`` becomes ``after``; ``reusable``: what follows in the same call may use it."""

    before: Resources
    after: Resources
    reusable: bool = True


def conversion(operation: ResourceOperation) -> Conversion:
    """Return what a valid operation does."""
    match operation:
        case Reserve():
            return Conversion(operation.source or operation.resources.popped(), operation.resources)
        case Unreserve():
            return Conversion(operation.resources, operation.resources.popped())
        case Create():
            return Conversion(without_volumes(operation.volumes), operation.volumes)
        case Destroy():
            return Conversion(operation.volumes, without_volumes(operation.volumes))
        case GrowVolume():
            larger = _resized(operation.volume, operation.addition.portions[0].scalar)
            return Conversion(operation.volume + operation.addition, larger, reusable=False)
        case ShrinkVolume():
            return Conversion(operation.volume, _shrunk(operation.volume, operation.subtract), reusable=False)
        case _:
            assert_never(operation)


def plain_disk(kind: Kind) -> Kind:
    """Return the kind of disk that a volume is on, as it is when nobody has made a volume of it."""
    source = kind.disk.source if kind.disk is not None else None
    return replace(kind, disk=Disk(source) if source is not None else None, shared=False)


def without_volumes(volumes: Resources) -> Resources:
    """Return the disk that volumes are on."""
    return Resources.from_portions([replace(portion, kind=plain_disk(portion.kind)) for portion in volumes.portions])


def _resized(volume: Resources, milli: int) -> Resources:
    [portion] = volume.portions
    return Resources.from_portions([replace(portion, scalar=portion.scalar + milli)])


def _shrunk(volume: Resources, milli: int) -> Resources:
    [portion] = volume.portions
    return _resized(volume, -milli) + Resources.from_portions([Portion(plain_disk(portion.kind), milli)])
