"""Lookup: which framework or agent somebody means who writes an id, the last part of one, or a name."""

# Who calls: master.py, for people who ask (the command line, the API). Calls of frameworks and agents name whole ids.
# An id, whole or its last part, is unique; a name need not be, then all that bear it are found.

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mesoslite.model import AgentID, AgentInfo, FrameworkID, FrameworkInfo

if TYPE_CHECKING:
    from .agent_entry import AgentEntry
    from .framework_entry import FrameworkEntry


def frameworks_called(
    text: str, master_id: str, frameworks: "Mapping[FrameworkID, FrameworkEntry]"
) -> tuple[FrameworkInfo, ...]:
    """Return those with that id, ``<master>-`` before it or not, else those with that name. Cost: O(frameworks)."""
    for framework_id in (FrameworkID(text), FrameworkID(f"{master_id}-{text}")):
        if framework_id in frameworks:
            return (frameworks[framework_id].info,)
    return tuple([entry.info for entry in frameworks.values() if entry.info.name == text])


def agents_called(text: str, master_id: str, agents: "Mapping[AgentID, AgentEntry]") -> tuple[AgentInfo, ...]:
    """Return the one with that id, else those on that host, all for an empty text. Cost: O(agents)."""
    for agent_id in (AgentID(text), AgentID(f"{master_id}-{text}")):
        if agent_id in agents:
            return (agents[agent_id].info,)
    return tuple([entry.info for entry in agents.values() if not text or entry.info.hostname == text])
