"""Resource JSON: the Resource message of Mesos's v1 API, read into portions and written from them."""

# Who calls: resources.py for texts that are JSON, v1/decoding.py and v1/encoding.py; task_records.py for disks.
# A reservation is written in two ways: as ``role`` and ``reservation``, which hold one, or as ``reservations``, the
#   stack. Either is read, and both together if they agree.
# ``allocation_info`` is read over: whose an amount is stands in the offer or the task that it is part of.
# Invariant: malformed is InvalidRequest, with the path of the field; what is well-formed and breaks a rule, or is of a
#   sort that is not known here, is InvalidResources, also with its path.
# Source: Mesos include/mesos/v1/mesos.proto (Resource), src/common/resources.cpp (validate, upgradeResource).

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

import msgspec

from .errors import InvalidRequest, InvalidResources
from .fields import Fields
from .kinds import (
    Disk,
    DiskSource,
    DiskType,
    Kind,
    Persistence,
    Reservation,
    ReservationType,
    ValueType,
    Volume,
    VolumeMode,
    plain_kind,
)
from .labels import decode_labels, encode_labels
from .portions import Portion
from .resource_text import MILLI, checked_items, checked_name, checked_ranges, to_milli
from .roles import DEFAULT_ROLE

Document: TypeAlias = dict[str, Any]
Form: TypeAlias = Literal["old", "new", "both"]

_SPECIAL = frozenset({"reservation", "reservations", "disk", "revocable", "shared", "provider_id"})
_VALUES = {
    "SCALAR": (ValueType.SCALAR, "scalar", ("ranges", "set")),
    "RANGES": (ValueType.RANGES, "ranges", ("scalar", "set")),
    "SET": (ValueType.SET, "set", ("scalar", "ranges")),
}
_ROOTS = {DiskType.PATH: "path", DiskType.MOUNT: "mount"}


def parse_json(text: str) -> list[Portion]:
    """Return the portions that a JSON array of resources says. Raises: InvalidResources."""
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
        raise InvalidResources(f"resources {text[:80]!r} begin like JSON and are none: {error}") from error
    try:
        return decode_portions(Fields({"resources": document}).messages("resources"))
    except InvalidResources:
        raise
    except InvalidRequest as error:
        raise InvalidResources(str(error)) from error


def decode_portions(entries: Iterable[Fields], *, lenient: bool = False) -> list[Portion]:
    """Return the portions that Resource messages say; what is there none of is left out.

    With ``lenient`` what breaks a rule, or is of an unknown sort, is left out as well.
    Raises: InvalidRequest, and without ``lenient`` InvalidResources.
    """
    portions = []
    for entry in entries:
        try:
            portion = _decode(entry)
        except InvalidResources:
            if lenient:
                continue
            raise
        if portion is not None:
            portions.append(portion)
    return portions


def _decode(entry: Fields) -> Portion | None:
    name, sort = entry.text("name"), entry.text("type")
    if sort not in _VALUES:
        raise _broken(entry, "type", f"got {sort[:80]!r}, expected one of {', '.join(_VALUES)}")
    type_, field, others = _VALUES[sort]
    for other in others:
        if entry.has(other):
            raise _broken(entry, other, f"is set beside the type {sort}; set {field} alone")
    if not entry.has(field):
        raise _broken(entry, field, f"is missing; the type {sort} requires it")
    try:
        value = _decode_value(entry.message(field), name, field)
    except InvalidResources as error:
        raise _broken(entry, field, str(error)) from error
    kind = _decode_kind(entry, name, type_)
    if not value:
        return None
    if field == "scalar":
        return Portion(kind, value)
    return Portion(kind, ranges=value) if field == "ranges" else Portion(kind, items=value)


def _decode_value(body: Fields, name: str, field: str) -> Any:
    if field == "scalar":
        return to_milli(name, body.number("value"))
    what = f"resource {name[:80]!r}"
    if field == "set":
        return checked_items(what, body.texts("item"))
    return checked_ranges(what, [(part.unsigned("begin"), part.unsigned("end")) for part in body.messages("range")])


def _decode_kind(entry: Fields, name: str, type_: ValueType) -> Kind:
    special: dict[str, Any] = {}
    if entry.text("role", DEFAULT_ROLE) != DEFAULT_ROLE or not _SPECIAL.isdisjoint(entry.names()):
        special = {
            "reservations": _decode_stack(entry),
            "disk": decode_disk(entry.message("disk")) if entry.has("disk") else None,
            "revocable": entry.has("revocable"),
            "shared": entry.has("shared"),
            "provider_id": entry.identifier_or_none("provider_id"),
        }
    try:
        if special or type_ is not ValueType.SCALAR:
            return Kind(checked_name(name), type_, **special)
        return plain_kind(checked_name(name))
    except InvalidResources as error:
        raise _broken(entry, "name", str(error)) from error


def _decode_stack(entry: Fields) -> tuple[Reservation, ...]:
    role = entry.text("role", DEFAULT_ROLE)
    stack = tuple([_decode_reservation(layer, layer.text("role")) for layer in entry.messages("reservations")])
    if stack:
        if role not in (DEFAULT_ROLE, stack[-1].role):
            raise _broken(
                entry, "role", f"got {role[:80]!r} beside reservations for {stack[-1].role!r}; set only those"
            )
        return stack
    if entry.has("reservation"):
        if role == DEFAULT_ROLE:
            raise _broken(entry, "reservation", "is set for the role '*'; set the role that it is for")
        return (_decode_reservation(entry.message("reservation"), role, ReservationType.DYNAMIC),)
    return (Reservation(ReservationType.STATIC, role),) if role != DEFAULT_ROLE else ()


def _decode_reservation(layer: Fields, role: str, kind: ReservationType | None = None) -> Reservation:
    return Reservation(
        type=kind or _decode_enum(layer, "type", ReservationType),
        role=role,
        principal=_text_or_none(layer, "principal"),
        labels=decode_labels(layer, "labels"),
    )


def decode_disk(fields: Fields) -> Disk:
    """Return what a DiskInfo says. Raises: InvalidRequest, InvalidResources."""
    persistence = volume = source = None
    if fields.has("persistence"):
        body = fields.message("persistence")
        persistence = Persistence(body.text("id"), _text_or_none(body, "principal"))
    if fields.has("volume"):
        body = fields.message("volume")
        mode = _decode_enum(body, "mode", VolumeMode) if body.has("mode") else VolumeMode.RW
        volume = Volume(body.text("container_path"), mode, _text_or_none(body, "host_path"))
    if fields.has("source"):
        source = _decode_source(fields.message("source"))
    return Disk(source, persistence, volume)


def _decode_source(fields: Fields) -> DiskSource:
    kind = _decode_enum(fields, "type", DiskType)
    root = _text_or_none(fields.message_or_empty(_ROOTS[kind]), "root") if kind in _ROOTS else None
    return DiskSource(
        type=kind,
        root=root,
        id=_text_or_none(fields, "id"),
        profile=_text_or_none(fields, "profile"),
        vendor=_text_or_none(fields, "vendor"),
        metadata=decode_labels(fields, "metadata"),
    )


def _decode_enum(fields: Fields, name: str, kind: Any) -> Any:
    member = kind.__members__.get(fields.text(name))
    if member is None:
        known = ", ".join(kind.__members__)
        raise _broken(fields, name, f"got {fields.text(name)[:80]!r}, expected one of {known}")
    return member


def _text_or_none(fields: Fields, name: str) -> str | None:
    return fields.text(name) if fields.has(name) else None


def _broken(fields: Fields, name: str, problem: str) -> InvalidResources:
    return InvalidResources(str(fields.invalid(name, problem)))


# ---- writing ----


def encode_portion(portion: Portion, form: Form = "old") -> Document:
    """Return one copy of a portion as a Resource message.

    ``form`` is how its reservation is written: as ``role`` and ``reservation`` ("old"), as ``reservations`` ("new",
    for readers with the capability RESERVATION_REFINEMENT), or as "both", which is what endpoints show. The old form
    has no words for a reservation within a reservation: such a one is always new.
    """
    kind = portion.kind
    document: Document = {"name": kind.name, "type": kind.type.name, **_encode_value(portion)}
    new = form == "new" or (form == "old" and len(kind.reservations) > 1)
    if not new:
        document["role"] = kind.reservations[-1].role if kind.reservations else DEFAULT_ROLE
    if kind.reservations:
        last = kind.reservations[-1]
        if not new and last.type is ReservationType.DYNAMIC:
            document["reservation"] = _encode_principal(last)
        if new or form == "both":
            document["reservations"] = [_encode_reservation(layer) for layer in kind.reservations]
    if kind.disk is not None:
        document["disk"] = encode_disk(kind.disk)
    if kind.revocable:
        document["revocable"] = {}
    if kind.shared:
        document["shared"] = {}
    if kind.provider_id is not None:
        document["provider_id"] = {"value": kind.provider_id}
    return document


def _encode_value(portion: Portion) -> Document:
    if portion.kind.type is ValueType.RANGES:
        return {"ranges": {"range": [{"begin": first, "end": last} for first, last in portion.ranges]}}
    if portion.kind.type is ValueType.SET:
        return {"set": {"item": list(portion.items)}}
    return {"scalar": {"value": portion.scalar / MILLI}}


def _encode_reservation(layer: Reservation) -> Document:
    return {"type": layer.type.name, "role": layer.role, **_encode_principal(layer)}


def _encode_principal(layer: Reservation) -> Document:
    document: Document = {"principal": layer.principal} if layer.principal is not None else {}
    if layer.labels:
        document["labels"] = encode_labels(layer.labels)
    return document


def encode_disk(disk: Disk) -> Document:
    """Return a DiskInfo."""
    document: Document = {}
    if disk.persistence is not None:
        document["persistence"] = _without_none(id=disk.persistence.id, principal=disk.persistence.principal)
    if disk.volume is not None:
        volume = disk.volume
        document["volume"] = _without_none(
            mode=volume.mode.name, container_path=volume.container_path, host_path=volume.host_path
        )
    if disk.source is not None:
        document["source"] = _encode_source(disk.source)
    return document


def _encode_source(source: DiskSource) -> Document:
    document = _without_none(type=source.type.name, id=source.id, profile=source.profile, vendor=source.vendor)
    if source.root is not None:
        document[_ROOTS[source.type]] = {"root": source.root}
    if source.metadata:
        document["metadata"] = encode_labels(source.metadata)
    return document


def _without_none(**fields: str | None) -> Document:
    return {name: value for name, value in fields.items() if value is not None}
