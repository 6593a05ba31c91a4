"""Seen agents: agents as they are shown to who may see some roles only, without what tells of others."""

# Who calls: v0/agents.py, v0/state.py, v0/summary.py and v1/state.py, in the thread that renders.
# v1 leaves out amounts one by one. v0 shows sums, in which what is reserved to anybody counts, and then what is
#   reserved by role, which is left out: so such an agent is shown twice, as it is and without, and put together.
# Invariant: an agent of which all is seen is shown as to anybody; so are all, by what was rendered before, if each is.
# Amounts come in few kinds of bytes: each is judged once.
# Source: Mesos src/master/http.cpp (SlaveWriter), src/master/readonly_handler.cpp (SlavesWriter),
#   src/common/protobuf_utils.cpp (createAgentResponse).

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from libactor.records import Collection
from mesoslite.model import DEFAULT_ROLE
from mesoslite.model.record_types import AGENT
from mesoslite.model.records import Resource

from .columns import columns
from .resources_seen import sees_resource
from .serving import Items

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from libactor.records import Projection, Record, Snapshot
    from mesoslite.model import Rights
    from mesoslite.model.records import Agent

    from .serving import Part
    from .sight import Sight

AT_ONCE = 64
# What of an agent in v0 tells of roles.
_TELLING = ("reserved_resources", "reserved_resources_full", "used_resources_full", "offered_resources_full")

_decode = msgspec.msgpack.Decoder(tuple[Resource, ...]).decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def seen_agents(agents: Snapshot[Agent], sight: Sight) -> Snapshot[Agent]:
    """The agents with the amounts that are seen, for v1."""
    if sight.roles.is_all:
        return agents
    sees = partial(sees_resource, sight.roles)
    return _with(agents, {"resources": sees, "used": sees, "offered": sees})


def agents_v0(projection: Projection[Agent], agents: Snapshot[Agent], sight: Sight) -> Iterator[Part]:
    """The agents as ``projection``, one of v0, shows them, commas between them."""
    less = _for_v0(agents, sight)
    if less is agents:
        yield Items(projection, agents)
        return
    texts: list[bytes] = []
    for number, text in enumerate(_texts(projection, agents, less), 1):
        texts.append(text)
        if len(texts) == AT_ONCE or number == len(agents):
            yield b"," * (number > len(texts)) + b",".join(texts)
            texts = []


def agent_texts_v0(projection: Projection[Agent], agents: Snapshot[Agent], sight: Sight) -> Iterator[bytes]:
    """The text of each agent, as ``projection``, one of v0, shows it."""
    return _texts(projection, agents, _for_v0(agents, sight))


def _for_v0(agents: Snapshot[Agent], sight: Sight) -> Snapshot[Agent]:
    if sight.roles.is_all:
        return agents
    sees = partial(sees_resource, sight.roles)
    return _with(agents, {"resources": partial(_sees_role, sight.roles), "used": sees, "offered": sees})


def _sees_role(roles: Rights, resource: Resource) -> bool:
    """Whether an amount is shown among those of the role that it is reserved for."""
    return resource.role == DEFAULT_ROLE or roles.allow(resource.role)


def _texts(projection: Projection[Agent], agents: Snapshot[Agent], less: Snapshot[Agent]) -> Iterator[bytes]:
    for whole, seen in zip(agents, less, strict=True):
        text = projection.render(whole)
        if seen is not whole:
            told = _members(projection.render(seen))
            text = msgspec.json.encode({**_members(text), **{name: told[name] for name in _TELLING if name in told}})
        yield text


def _with(agents: Snapshot[Agent], judges: Mapping[str, Callable[[Resource], bool]]) -> Snapshot[Agent]:
    """The agents, in their order, with those amounts in each field that pass; the very snapshot, if all do."""
    known: list[dict[bytes, tuple[Resource, ...] | None]] = [{} for _ in judges]  # None: all pass
    changes: list[dict[str, tuple[Resource, ...]]] = []
    for values in columns(agents, *judges):
        for row in zip(*values, strict=True):
            change = {}
            for name, judge, found, packed in zip(judges, judges.values(), known, row, strict=True):
                passed = _passed(judge, found, packed) if packed is not None else None
                if passed is not None:
                    change[name] = passed
            changes.append(change)
    if not any(changes):
        return agents
    seen: Collection[Agent] = Collection(AGENT, "id")
    for record, change in zip(agents, changes, strict=True):
        seen.put(_changed(record, change))
    return seen.snapshot()


def _changed(record: Record[Agent], change: Mapping[str, tuple[Resource, ...]]) -> Record[Agent]:
    return record.replace(**change) if change else record


def _passed(
    judge: Callable[[Resource], bool], found: dict[bytes, tuple[Resource, ...] | None], packed: bytes
) -> tuple[Resource, ...] | None:
    if packed not in found:
        whole = _decode(packed)
        passed = tuple(filter(judge, whole))
        found[packed] = passed if len(passed) < len(whole) else None
    return found[packed]
