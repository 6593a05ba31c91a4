"""Resource text: Mesos's text form of resources, read and written, and the limits of scalars."""

# Who calls: resources.py; resource_json.py for names and scalars.
# The form: entries parted by semicolons, each name:value or name(role):value; a value is a number, [1-5, 8-9] or {a,b}.
# What that cannot say (dynamic reservations, disks, revocable and shared ones) is written as Mesos prints it, for
#   people, and read from JSON only.
# Source: Mesos src/common/resources.cpp (parse, operator<<), src/common/values.cpp (three decimals, half away from
#   zero).

import itertools
import math
import re
from collections.abc import Iterable

from .errors import InvalidResources
from .kinds import Disk, Kind, Reservation, ReservationType, ValueType
from .portions import Portion
from .ranges import NUMBER_MAX, Range, Ranges, coalesced
from .roles import DEFAULT_ROLE

MILLI = 1_000  # units in one cpu, in one MiB
MEGABYTES_MAX = 1 << 40  # one exabyte in MiB, the most mem or disk of one entry
QUANTITY_MAX = 10**12  # the most of any other resource in one entry

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NAME = re.compile(r"[^\s:;(){}\[\]\x00-\x1f\x7f]+")
_ITEM = re.compile(r"[^\s:;,(){}\[\]\x00-\x1f\x7f]+")
_RANGE = re.compile(r"\s*(\d{1,20})\s*-\s*(\d{1,20})\s*", re.ASCII)
_HEAD = re.compile(r"(?P<name>[^(]*)(\((?P<role>[^()]*)\)\s*)?")


def parse_text(text: str) -> list[Portion]:
    """Return what each entry of a text says, in order; what is there none of is left out.

    Raises: InvalidResources.
    """
    return [portion for entry in text.split(";") if entry.strip() for portion in _parse_entry(entry.strip())]


def _parse_entry(entry: str) -> list[Portion]:
    head, colon, value = entry.partition(":")
    head, value = head.strip(), value.strip()
    if not colon:
        raise _invalid(entry, "has no colon; write name:quantity, such as cpus:2")
    if "{" in head:
        raise _invalid(entry, "carries a property; text says name:value or name(role):value, JSON says the rest")
    match = _HEAD.fullmatch(head)
    if match is None:
        raise _invalid(entry, "has brackets that do not go with a role; write it as cpus(role):2")
    name, role = checked_name(match["name"].strip()), match["role"]
    stack = () if role in (None, DEFAULT_ROLE) else (Reservation(ReservationType.STATIC, role.strip()),)
    if value[:1] == "[":
        ranges = parse_ranges(f"resources entry {entry[:80]!r}", value)
        return [Portion(Kind(name, ValueType.RANGES, stack), ranges=ranges)] if ranges else []
    if value[:1] == "{":
        items = parse_items(f"resources entry {entry[:80]!r}", value)
        return [Portion(Kind(name, ValueType.SET, stack), items=items)] if items else []
    if not _NUMBER.fullmatch(value):
        raise _invalid(entry, "has no number after its colon; write it as 2 or 0.5")
    milli = to_milli(name, float(value))
    return [Portion(Kind(name, reservations=stack), milli)] if milli else []


def parse_ranges(what: str, text: str) -> Ranges:
    """Return the ranges of a text that begins with a bracket; ``what`` has them. Raises: InvalidResources."""
    if text[-1] != "]":
        raise InvalidResources(f"{what} has ranges without an end; write them as [31000-32000, 33000-33999]")
    ranges: list[Range] = []
    for part in text[1:-1].split(",") if text[1:-1].strip() else []:
        match = _RANGE.fullmatch(part)
        if match is None:
            raise InvalidResources(f"{what} has {part.strip()[:80]!r} among its ranges; write each as first-last")
        ranges.append((int(match[1]), int(match[2])))
    return checked_ranges(what, ranges)


def parse_items(what: str, text: str) -> tuple[str, ...]:
    """Return the items of a text that begins with a brace, sorted; ``what`` has them. Raises: InvalidResources."""
    if text[-1] != "}":
        raise InvalidResources(f"{what} has a set without an end; write it as {{a, b}}")
    items = [item.strip() for item in text[1:-1].split(",")] if text[1:-1].strip() else []
    return checked_items(what, items)


def checked_ranges(what: str, ranges: list[Range]) -> Ranges:
    """Return ranges in canonical form, overlapping ones merged. Raises: InvalidResources."""
    for first, last in ranges:
        if not 0 <= first <= last <= NUMBER_MAX:
            raise InvalidResources(
                f"{what} has the range {first}-{last}; a range goes from a number up to the same or a larger one, "
                f"of 0 to {NUMBER_MAX}"
            )
    return coalesced(ranges)


def checked_items(what: str, items: Iterable[str]) -> tuple[str, ...]:
    """Return the items of a set, sorted. Raises: InvalidResources."""
    ordered = tuple(sorted(items))
    if "" in ordered:
        raise InvalidResources(f"{what} has an empty item in its set; name each item")
    for item, following in itertools.pairwise(ordered):
        if item == following:
            raise InvalidResources(f"{what} has the item {item[:80]!r} twice in its set; name each item once")
    try:
        "".join(ordered).encode()
    except UnicodeEncodeError as error:
        raise InvalidResources(f"{what} has a lone surrogate in its set; send valid Unicode") from error
    return ordered


def checked_name(name: str) -> str:
    """Return the name of a resource, if it can be written in text form. Raises: InvalidResources."""
    if not _NAME.fullmatch(name):
        raise InvalidResources(
            f"resource name {name[:80]!r} is empty or holds spaces, brackets, colons or semicolons; choose a plain word"
        )
    return name


def to_milli(name: str, units: float) -> int:
    """Round to the nearest thousandth, half away from zero as Mesos does; ``round`` would go to even."""
    if math.isnan(units) or units < 0:
        raise InvalidResources(f"resource {name[:80]} of {units} is not a quantity; give a number of zero or more")
    limit = MEGABYTES_MAX if name in ("mem", "disk") else QUANTITY_MAX
    if units > limit:
        raise InvalidResources(f"resource {name[:80]} of {units} is too large; the most that counts is {limit}")
    scaled = units * MILLI
    whole = math.floor(scaled)
    return whole + 1 if scaled - whole >= 0.5 else whole


def _invalid(entry: str, problem: str) -> InvalidResources:
    return InvalidResources(f"resources entry {entry[:80]!r} {problem}")


# ---- writing ----


def scalar_text(name: str, milli: int) -> str:
    """Return a plain scalar as text."""
    return f"{name}:{_milli_text(milli)}"


def portion_text(portion: Portion) -> str:
    """Return a portion as text, in the form that is read wherever that can say it (``has_text``)."""
    kind = portion.kind
    head = kind.name + _reservations_text(kind.reservations) + _disk_text(kind.disk)
    head += ("{REV}" if kind.revocable else "") + ("<SHARED>" if kind.shared else "")
    head += f"@{kind.provider_id}" if kind.provider_id is not None else ""
    times = f" x {portion.copies}" if portion.copies > 1 else ""
    return f"{head}:{_value_text(portion)}{times}"


def has_text(portion: Portion) -> bool:
    """Return whether the text of a portion reads back as the same portion."""
    kind = portion.kind
    role = "" if kind.role == DEFAULT_ROLE else kind.role
    stack = (Reservation(ReservationType.STATIC, role),) if role else ()
    return (
        portion.copies == 1
        and kind == Kind(kind.name, kind.type, stack)
        and _NAME.fullmatch(kind.name) is not None
        and all(_ITEM.fullmatch(word) is not None for word in (*portion.items, *([role] if role else [])))
    )


def ranges_text(ranges: Ranges) -> str:
    """Return ranges as Mesos prints them."""
    return f"[{', '.join([f'{first}-{last}' for first, last in ranges])}]"


def items_text(items: tuple[str, ...]) -> str:
    """Return a set as Mesos prints it."""
    return f"{{{', '.join(items)}}}"


def _value_text(portion: Portion) -> str:
    if portion.kind.type is ValueType.RANGES:
        return ranges_text(portion.ranges)
    return items_text(portion.items) if portion.kind.type is ValueType.SET else _milli_text(portion.scalar)


def _reservations_text(reservations: tuple[Reservation, ...]) -> str:
    if not reservations:
        return ""
    last = reservations[-1]
    if len(reservations) == 1 and last == Reservation(ReservationType.STATIC, last.role):
        return f"({last.role})"
    return f"(reservations: [{','.join([_reservation_text(reservation) for reservation in reservations])}])"


def _reservation_text(reservation: Reservation) -> str:
    parts = [reservation.type.name, reservation.role]
    if reservation.principal is not None:
        parts.append(reservation.principal)
    if reservation.labels:
        labels = [f"{label.key}: {label.value}" for label in reservation.labels]
        parts.append(f"{{{', '.join(labels)}}}")
    return f"({','.join(parts)})"


def _disk_text(disk: Disk | None) -> str:
    if disk is None:
        return ""
    parts = []
    if disk.source is not None:
        source = disk.source
        parts.append(source.type.name + "".join([f":{text}" for text in (source.id, source.root) if text is not None]))
    if disk.persistence is not None:
        path = f":{disk.volume.container_path}" if disk.volume is not None else ""
        parts.append(f"{disk.persistence.id}{path}")
    return f"[{','.join(parts)}]"


def _milli_text(milli: int) -> str:
    whole, rest = divmod(milli, MILLI)
    return f"{whole}.{rest:03d}".rstrip("0") if rest else str(whole)
