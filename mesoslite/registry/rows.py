"""Rows: what a registry is made of, each with a kind, a key and its bytes, and how a state is put together again."""

# Who calls: the registrar encodes what an operation changed; each storage hands what it has read to ``assemble`` before
#   it takes a registry over, so that all of them refuse the same.
# Invariants: 1. what ``encode`` returns, ``decode`` reads: it was tried. One agent whose host name is no text would
#   otherwise keep every later master from starting. Of agents the resources are tried apart, once for equal ones: that
#   takes four times as long as all the rest, and most agents have what others have.
#   2. an older release never drops what it does not know: what one has stored gains fields only with a higher FORMAT.
# Rejected: JSON, which one could read by eye (it turns a NaN into null, which cannot be read back).

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import msgspec

from mesoslite.model import (
    AgentInfo,
    InvalidRequest,
    MasterInfo,
    RegistryCorrupt,
    RegistryTooNew,
    Resources,
)
from mesoslite.model.registry import (
    DrainInfo,
    Entry,
    GoneAgent,
    Machine,
    MachineID,
    MinimumCapability,
    QuotaConfig,
    RegistryAgent,
    RegistryRow,
    RegistryState,
    Schedule,
    UnreachableAgent,
    Weight,
)

FORMAT = 1  # of all that is stored


def machine_key(machine: MachineID) -> str:
    """The key of a machine: the case of its host name does not count."""
    return json.dumps([machine.hostname.lower(), machine.ip])


def _agent_key(row: RegistryAgent) -> str:
    if not row.info.id:
        raise InvalidRequest(f"registry: the agent on {row.info.hostname!r} has no id; give it one before it is stored")
    return row.info.id


_Key = Callable[[Any], str]
_KINDS: dict[type[RegistryRow], tuple[str, _Key]] = {
    RegistryAgent: ("agent", _agent_key),
    UnreachableAgent: ("unreachable", lambda row: row.id),
    GoneAgent: ("gone", lambda row: row.id),
    Machine: ("machine", lambda row: machine_key(row.id)),
    Schedule: ("schedule", lambda row: ""),
    QuotaConfig: ("quota", lambda row: row.role),
    Weight: ("weight", lambda row: row.role),
    MinimumCapability: ("capability", lambda row: row.name),
}
KINDS = {row_type: kind for row_type, (kind, _) in _KINDS.items()}
_encode = msgspec.msgpack.Encoder().encode
_try_resources = lru_cache(4_096)(msgspec.msgpack.Decoder(Resources).decode)


def _try_agent() -> Callable[[bytes], Any]:
    """What reads an admitted agent, but not its resources, which stay bytes."""
    fields: list[Any] = []
    for field in msgspec.structs.fields(AgentInfo):
        kind = msgspec.Raw if field.name == "resources" else field.type
        fields.append((field.name, kind) if field.required else (field.name, kind, field.default))
    info = msgspec.defstruct("AgentInfo", fields, kw_only=True, gc=False)
    return msgspec.msgpack.Decoder(
        msgspec.defstruct(
            "RegistryAgent", [("info", info), ("drain", DrainInfo | None, None), ("deactivated", bool, False)]
        )
    ).decode


_read_around = _try_agent()
_decoders = {kind: msgspec.msgpack.Decoder(row_type).decode for row_type, kind in KINDS.items()}


def place_of(row: RegistryRow) -> tuple[str, str]:
    """Kind and key of a row."""
    kind, key = _KINDS[type(row)]
    return kind, key(row)


def encode(place: tuple[str, str], row: RegistryRow) -> Entry:
    """Return what to store of a row. Raises: InvalidRequest, if it could not be read back."""
    kind, key = place
    try:
        key.encode()
        data = _encode(row)
        if kind == KINDS[RegistryAgent]:
            _try_resources(bytes(_read_around(data).info.resources))
        else:
            _decoders[kind](data)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:  # what msgspec and texts raise
        raise InvalidRequest(
            f"registry: the {kind} {key[:80]!r} cannot be stored: {error}; correct what it says of itself"
        ) from error
    return Entry(kind, key, data)


def decode(kind: str, key: str, data: bytes) -> RegistryRow:
    """Return the row that was stored. Raises: RegistryTooNew for a kind that we do not know; RegistryCorrupt."""
    read = _decoders.get(kind)
    if read is None:
        raise RegistryTooNew(
            f"registry: it holds {key[:80]!r} of the kind {kind[:80]!r}, known are {', '.join(_decoders)}; "
            f"start a later release, or restore a registry of this one"
        )
    try:
        row: RegistryRow = read(data)
        place = place_of(row)
    except (ValueError, TypeError) as error:
        raise RegistryCorrupt(
            f"registry: the {kind} {key[:80]!r} is stored as what is none: {error}; restore the registry from a copy"
        ) from error
    if place != (kind, key):
        raise RegistryCorrupt(
            f"registry: under {key[:80]!r} the {kind} {place[1][:80]!r} is stored; restore the registry from a copy"
        )
    return row


def assemble(rows: Iterable[tuple[str, str, bytes]], previous: MasterInfo | None, master: MasterInfo) -> RegistryState:
    """Return the state that is stored as ``rows``, if ``master`` may use it; ``previous`` wrote it.

    Raises: RegistryTooNew, if the master lacks a capability, or we know a kind of row not; RegistryCorrupt.
    """
    found: dict[str, list[Any]] = {kind: [] for kind in _decoders}
    for kind, key, data in rows:
        found.setdefault(kind, []).append(decode(kind, key, data))
    required = tuple([row.name for row in found["capability"]])
    missing = [name for name in required if name not in master.capabilities]
    if missing:
        raise RegistryTooNew(
            f"registry: it takes a master that knows {', '.join(missing)[:200]}, this one knows "
            f"{', '.join(master.capabilities)}; start one that does, or let the one that wrote it undo what needs it"
        )
    return RegistryState(
        master=previous,
        agents=tuple(found["agent"]),
        unreachable=tuple(found["unreachable"]),
        gone=tuple(found["gone"]),
        machines=tuple(found["machine"]),
        schedule=found["schedule"][0] if found["schedule"] else Schedule(),
        quotas=tuple(found["quota"]),
        weights=tuple(found["weight"]),
        minimum_capabilities=required,
    )
