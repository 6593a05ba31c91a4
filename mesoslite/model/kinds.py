"""Kinds: what sort of thing an amount is: its name, who it is reserved for, which disk it is on, who may share it."""

# Who calls: portions.py and resources.py; whoever reserves, makes volumes or asks what an agent has for a role.
# Invariants: 1. a kind keeps Mesos's rules (``Kind``, below), however it was made: by hand, from JSON or from a wire.
#   2. equal kinds are equal structs. Its hash is computed once, so that finding one among hundreds costs no walk over
#      their labels.
# Unlike in Mesos, the volume of a disk (where a task sees it) is part of the kind; what a task says otherwise of it is
#   kept beside (volume_places.py).
# Rejected: the kind as one canonical text (every question would have to take it apart); numbering kinds in a table
#   (it would have to be told what is no longer in use).
# Source: Mesos src/common/resources.cpp (validate, operator==), include/mesos/v1/mesos.proto (Resource).

from enum import Enum
from functools import lru_cache

import msgspec

from .errors import InvalidRequest, InvalidResources
from .ids import validate_id
from .labels import Label
from .roles import DEFAULT_ROLE, validate_role


class ValueType(Enum):
    """What an amount or an attribute is."""

    SCALAR = 0
    RANGES = 1
    SET = 2
    TEXT = 3


class ReservationType(Enum):
    """How a reservation came about: by the agent's own configuration, or by a call."""

    UNKNOWN = 0
    STATIC = 1
    DYNAMIC = 2


class DiskType(Enum):
    """How a disk is cut: PATH as one likes, the others only as a whole; RAW has no file system yet."""

    UNKNOWN = 0
    PATH = 1
    MOUNT = 2
    BLOCK = 3
    RAW = 4


class VolumeMode(Enum):
    """Whether a volume may be written to."""

    RW = 1
    RO = 2


class Reservation(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One of the reservations that lie on an amount."""

    type: ReservationType
    role: str
    principal: str | None = None
    labels: tuple[Label, ...] = ()


class DiskSource(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Which disk of an agent an amount is on; ``root`` is its directory, if it has one."""

    type: DiskType
    root: str | None = None
    id: str | None = None
    profile: str | None = None
    vendor: str | None = None
    metadata: tuple[Label, ...] = ()


class Persistence(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """That a disk amount is a volume which outlives its tasks; ids are unique per role and agent."""

    id: str
    principal: str | None = None


class Volume(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Where a task sees a persistent volume."""

    container_path: str
    mode: VolumeMode = VolumeMode.RW
    host_path: str | None = None


class Disk(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What sets an amount of disk apart from the rest of it."""

    source: DiskSource | None = None
    persistence: Persistence | None = None
    volume: Volume | None = None


class Kind(msgspec.Struct, array_like=True, frozen=True, gc=False, cache_hash=True):
    """A sort of resource. ``reservations`` is a stack: the outermost first, the one that counts now last.

    Rules: amounts are SCALAR, RANGES or SET. A refined reservation is dynamic and for a proper descendant of the role
    before it. Only disk has a Disk; a persistent volume is scalar and not revocable; only those are shared.
    Raises: InvalidResources, naming the rule that is broken.
    """

    name: str
    type: ValueType = ValueType.SCALAR
    reservations: tuple[Reservation, ...] = ()
    disk: Disk | None = None
    revocable: bool = False
    shared: bool = False
    provider_id: str | None = None

    def __post_init__(self) -> None:
        problem = _problem(self)
        if problem is not None:
            raise InvalidResources(f"resource {self.name[:80]!r} {problem}")

    @property
    def role(self) -> str:
        """The role it is reserved for now, ``*`` if for none."""
        return self.reservations[-1].role if self.reservations else DEFAULT_ROLE

    @property
    def persistence(self) -> Persistence | None:
        """Set exactly for a persistent volume."""
        return self.disk.persistence if self.disk is not None else None

    @property
    def is_plain(self) -> bool:
        """Whether it is a scalar like cpus or mem, unreserved and with nothing special to it."""
        return (
            self.type is ValueType.SCALAR
            and not self.reservations
            and self.disk is None
            and not self.revocable
            and self.provider_id is None
        )

    @property
    def is_indivisible(self) -> bool:
        """Whether amounts of it are given away whole or not at all: volumes, and disks other than PATH."""
        disk = self.disk
        if disk is None:
            return False
        return disk.persistence is not None or (disk.source is not None and disk.source.type in _WHOLE_DISKS)


def plain_kind(name: str) -> Kind:
    """Return the kind of plain scalars with that name. Raises: InvalidResources."""
    return _shared_kind(name) if len(name) <= _SHARED_LENGTH_MAX else Kind(name)


_SHARED_LENGTH_MAX = 64  # of names


@lru_cache(256)
def _shared_kind(name: str) -> Kind:
    return Kind(name)


_encode = msgspec.json.Encoder().encode
_WHOLE_DISKS = frozenset({DiskType.MOUNT, DiskType.BLOCK, DiskType.RAW})


def sort_key(kind: Kind) -> tuple[str, bytes]:
    """Return what kinds are sorted by: the name, then all the rest. Cost: a quarter of a microsecond."""
    return kind.name, _encode(kind)


def _problem(kind: Kind) -> str | None:
    try:
        sort_key(kind)
    except UnicodeEncodeError:
        return "holds a lone surrogate, which is no text; send valid Unicode"
    if not kind.name:
        return "has no name; give it a plain word such as cpus"
    if kind.type is ValueType.TEXT:
        return "is a text; only scalars, ranges and sets are resources"
    return _reservation_problem(kind.reservations) or (
        _disk_problem(kind) if kind.disk is not None or kind.shared else None
    )


def _reservation_problem(reservations: tuple[Reservation, ...]) -> str | None:
    outer = ""
    for reservation in reservations:
        role = reservation.role
        if role == DEFAULT_ROLE:
            return "is reserved for the role '*', which is everybody; name another role, or leave it unreserved"
        try:
            validate_role(role)
        except InvalidRequest as error:
            return f"is reserved wrongly: {error}"
        if reservation.type is ReservationType.UNKNOWN:
            return f"has a reservation for {role!r} of no known type; say STATIC or DYNAMIC"
        if outer and not role.startswith(f"{outer}/"):
            return f"has a reservation for {role!r} within one for {outer!r}; a refined one is for a role below it"
        if outer and reservation.type is not ReservationType.DYNAMIC:
            return f"has a static reservation for {role!r} within another; a refined one is DYNAMIC"
        outer = role
    return None


def _disk_problem(kind: Kind) -> str | None:
    persistence = kind.persistence
    if kind.shared and persistence is None:
        return "is shared; only persistent volumes are"
    if kind.name != "disk" or kind.type is not ValueType.SCALAR:
        return "carries a disk; only scalars with the name disk do"
    source = kind.disk.source if kind.disk is not None else None
    if source is not None and source.type is DiskType.UNKNOWN:
        return "is on a disk of no known type; say PATH, MOUNT, BLOCK or RAW"
    if source is not None and source.root is not None and source.type in (DiskType.BLOCK, DiskType.RAW):
        return f"is on a {source.type.name} disk with the root {source.root!r}; only PATH and MOUNT disks have one"
    if persistence is not None and kind.revocable:
        return f"is the persistent volume {persistence.id!r} and revocable; make volumes of what is not revocable"
    if persistence is not None:
        try:
            validate_id("persistence", persistence.id)
        except InvalidRequest as error:
            return f"is a volume that is named wrongly: {error}"
    return None
