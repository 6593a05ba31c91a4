"""Resource records: amounts as they are sent and kept in great numbers (records.Resource), and back."""

# Who calls: the other ..._records.py, of which each has some; brought.py of the master, for the columns of tasks.
# Source: Mesos include/mesos/v1/mesos.proto (Resource).

from collections.abc import Iterable, Iterator
from functools import lru_cache

import msgspec

from .fields import Fields
from .kinds import Kind, ValueType, plain_kind
from .portions import Portion
from .records import Range, Resource
from .resource_json import decode_disk, encode_disk
from .resource_text import checked_name
from .resources import Resources
from .roles import DEFAULT_ROLE

SCALAR = ValueType.SCALAR
_CACHED_BYTES = 512  # of resources, at most

_decode_resources = msgspec.msgpack.Decoder(tuple[Resource, ...]).decode


@lru_cache(maxsize=8_192)
def packed_resources(resources: Resources, role: str | None = None) -> tuple[Resource, ...]:
    """Return amounts in canonical order; ``role`` is whom they are allocated to, if anyone."""
    if not resources.others:
        plain = resources.quantities
        return tuple([Resource(name, SCALAR, scalar=milli, allocation_role=role) for name, milli in plain])
    return tuple([entry for portion in resources.portions for entry in _packed_portion(portion, role)])


def _packed_portion(portion: Portion, role: str | None) -> Iterator[Resource]:
    kind = portion.kind
    entry = Resource(
        name=kind.name,
        type=kind.type,
        scalar=portion.scalar or None,
        ranges=tuple([Range(begin, end) for begin, end in portion.ranges]),
        items=portion.items,
        role=kind.role,
        allocation_role=role,
        revocable=kind.revocable,
        shared=kind.shared,
        reservations=kind.reservations,
        provider_id=kind.provider_id,
        disk=encode_disk(kind.disk) if kind.disk is not None else None,
    )
    for _ in range(portion.copies):
        yield entry


def unpacked_resources(entries: Iterable[Resource]) -> Resources:
    """Return what records say. Raises: InvalidResources, InvalidRequest."""
    return Resources.from_portions(
        [
            Portion(
                _kind(entry),
                scalar=entry.scalar or 0,
                ranges=tuple([(part.begin, part.end) for part in entry.ranges]),
                items=entry.items,
            )
            for entry in entries
        ]
    )


def _kind(entry: Resource) -> Kind:
    name = checked_name(entry.name)
    is_special = entry.reservations or entry.disk is not None or entry.revocable or entry.shared
    if not is_special and entry.provider_id is None and entry.role == DEFAULT_ROLE:
        kind = plain_kind(name)
        return kind if kind.type is entry.type else Kind(name, entry.type)
    return Kind(
        name,
        entry.type,
        reservations=entry.reservations,
        disk=decode_disk(Fields(entry.disk)) if entry.disk is not None else None,
        revocable=entry.revocable,
        shared=entry.shared,
        provider_id=entry.provider_id,
    )


def resources_of(packed: bytes) -> Resources:
    """Return the resources of a record from their bytes; tasks of a kind share them.

    Raises: InvalidResources, InvalidRequest, msgspec.ValidationError.
    """
    return _shared_resources(packed) if len(packed) <= _CACHED_BYTES else unpacked_resources(_decode_resources(packed))


@lru_cache(maxsize=4_096)
def _shared_resources(packed: bytes) -> Resources:
    return unpacked_resources(_decode_resources(packed))
