"""Agents: the document of ``/slaves``, with resources in full."""

# Source: Mesos src/master/readonly_handler.cpp (slaves).

from __future__ import annotations

from typing import TYPE_CHECKING

from ..columns import chosen
from ..projections_v0 import AGENT_FULL_V0, RECOVERED_AGENT_V0
from ..serving import Items

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mesoslite.model.view import View

    from ..serving import Part


def agents_parts(view: View, agent_id: str | None) -> Iterator[Part]:
    """The agents, or the one of that id."""
    shown = {"slaves": (AGENT_FULL_V0, view.agents), "recovered_slaves": (RECOVERED_AGENT_V0, view.recovered_agents)}
    before = b"{"
    for name, (projection, agents) in shown.items():
        yield before + b'"%s":[' % name.encode()
        if agent_id is None:
            yield Items(projection, agents)
        else:
            yield projection.render_all(chosen([agents], "id", agent_id))
        before = b"],"
    yield b"]}"
