"""Parts: what documents of several messages have in common, written and read."""

# Who calls: the other modules of this package.
# Mesos's rules: ids wrapped as {"value": ...}, durations as {"nanoseconds": ...}, scalars as doubles. A number that
#   JSON has no literal for is written as the text "Infinity", which Mesos reads; it writes the bare token.

import math
from collections.abc import Iterable
from typing import Any, TypeAlias

from ..documents import FrozenDocument
from ..fields import Fields
from ..offers import Unavailability
from ..resource_json import Form, encode_portion
from ..resource_text import MILLI
from ..resources import Resources
from ..roles import DEFAULT_ROLE

Document: TypeAlias = dict[str, Any]

_NANOSECONDS = 1_000_000_000
_UUID_BYTES = 16


def wrap_id(value: str) -> Document:
    """Return an id."""
    return {"value": value}


def wrap_ids(values: Iterable[str]) -> list[Document]:
    """Return a list of ids."""
    return [wrap_id(value) for value in values]


def encode_number(value: float) -> float | str:
    """Return a double."""
    if math.isfinite(value):
        return float(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def encode_duration(seconds: float) -> Document:
    """Return a DurationInfo."""
    return {"nanoseconds": round(seconds * _NANOSECONDS)}


def decode_duration(fields: Fields, name: str) -> float | None:
    """Return the seconds of a DurationInfo, below zero too; None if it is unset."""
    duration = fields.message_or_empty(name)
    return duration.whole("nanoseconds") / _NANOSECONDS if duration.has("nanoseconds") else None


def decode_protobuf_duration(fields: Fields, name: str) -> float | None:
    """Return the seconds of a Duration, protobuf's own, of ``seconds`` and ``nanos``; None if it is unset."""
    if not fields.has(name):
        return None
    duration = fields.message(name)
    return duration.whole("seconds", 0) + duration.whole("nanos", 0) / _NANOSECONDS


def encode_wait_status(exit_status: int) -> int:
    """Return how a process has ended in the form of wait(2); ``exit_status`` is as in ``TaskStatus``."""
    return exit_status << 8 if exit_status >= 0 else -exit_status


def decode_wait_status(status: int) -> int:
    """Return the exit status that is in a status of wait(2), whether or not there was a core dump."""
    signal = status & 0x7F
    return -signal if signal else status >> 8 & 0xFF


def encode_unavailability(unavailability: Unavailability) -> Document:
    """Return an Unavailability."""
    document: Document = {"start": {"nanoseconds": unavailability.start}}
    if unavailability.duration is not None:
        document["duration"] = {"nanoseconds": unavailability.duration}
    return document


def decode_unavailability(fields: Fields, name: str) -> Unavailability | None:
    """Return an Unavailability; None if it is unset."""
    if not fields.has(name):
        return None
    body = fields.message(name)
    duration = body.message("duration").whole("nanoseconds") if body.has("duration") else None
    return Unavailability(body.message("start").whole("nanoseconds"), duration)


def encode_resources(resources: Resources, role: str | None = None, form: Form = "old") -> list[Document]:
    """Return a list of Resources in canonical order; ``role`` is whom they are allocated to, if anyone.

    ``form`` is that of their reservations, see ``encode_portion``.
    """
    allocation = {"allocation_info": {"role": role}} if role is not None else {}
    whose = {**({"role": DEFAULT_ROLE} if form != "new" else {}), **allocation}
    plain = [
        {"name": name, "type": "SCALAR", "scalar": {"value": milli / MILLI}, **whose}
        for name, milli in resources.quantities
    ]
    others = [
        {**encode_portion(portion, form), **allocation} for portion in resources.others for _ in range(portion.copies)
    ]
    return plain + others


def decode_allocation_roles(fields: Fields, *names: str) -> tuple[str, ...]:
    """Return the roles that resources in these fields are said to be allocated to, each once, in order of the text."""
    infos = [entry.message_or_empty("allocation_info") for name in names for entry in fields.messages(name)]
    return tuple(sorted({info.text("role") for info in infos if info.has("role")}))


def decode_document(fields: Fields, name: str) -> FrozenDocument | None:
    """Return a message that is kept as it came; None if it is unset. Raises: InvalidRequest, if it is no message."""
    return FrozenDocument.of(fields.message(name).values()) if fields.has(name) else None


def decode_limits(fields: Fields) -> tuple[tuple[str, float], ...]:
    """Return the limits of a task, or of a container, by the names of resources. Raises: InvalidRequest."""
    limits = fields.message_or_empty("limits")
    return tuple([(name, limits.message(name).number("value")) for name in sorted(limits.names())])


def decode_uuid(fields: Fields, name: str = "uuid") -> bytes:
    """Return the uuid of a status. Raises: InvalidRequest, if it is no 16 bytes."""
    uuid = fields.data(name)
    if len(uuid) != _UUID_BYTES:
        raise fields.invalid(name, f"got {len(uuid)} bytes, expected {_UUID_BYTES}; send back the uuid of the status")
    return uuid


def decode_grace(fields: Fields) -> float | None:
    """Return the grace of a KillPolicy; None if it is unset. Raises: InvalidRequest, if it is below zero."""
    policy = fields.message_or_empty("kill_policy")
    seconds = decode_duration(policy, "grace_period")
    if seconds is not None and seconds < 0:
        raise policy.invalid("grace_period", f"got {seconds} s, expected zero or more")
    return seconds
