"""Agents: the document of ``/slaves``, with resources in full."""

# Source: Mesos src/master/readonly_handler.cpp (slaves).

from __future__ import annotations

from typing import TYPE_CHECKING

from libactor.records import Collection
from mesoslite.model.record_types import AGENT

from ..columns import chosen
from ..projections_v0 import AGENT_FULL_V0, RECOVERED_AGENT_V0
from ..seen_agents import agents_v0
from ..serving import Items

if TYPE_CHECKING:
    from collections.abc import Iterator

    from libactor.records import Snapshot
    from mesoslite.model.records import Agent
    from mesoslite.model.view import View

    from ..serving import Part
    from ..sight import Sight


def agents_parts(view: View, sight: Sight, agent_id: str | None) -> Iterator[Part]:
    """The agents, or the one of that id."""
    yield b'{"slaves":['
    yield from agents_v0(AGENT_FULL_V0, _chosen(view.agents, agent_id), sight)
    yield b'],"recovered_slaves":['
    yield Items(RECOVERED_AGENT_V0, _chosen(view.recovered_agents, agent_id))
    yield b"]}"


def _chosen(agents: Snapshot[Agent], agent_id: str | None) -> Snapshot[Agent]:
    if agent_id is None:
        return agents
    found: Collection[Agent] = Collection(AGENT, "id")
    for record in chosen([agents], "id", agent_id):
        found.put(record)
    return found.snapshot()
