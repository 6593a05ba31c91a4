"""What a master and its allocator tell each other, one frozen struct each."""

# Who calls: allocator_line.py posts the first group, in the order things happened; allocation.py answers by Granted.
# Nobody but these two is believed: allocation.py and master.py drop what others send.

from __future__ import annotations

import msgspec

from mesoslite.model import AgentAdded, AgentID, Delta, FrameworkID, Grant, InverseGrant, Resources


class Applied(msgspec.Struct, frozen=True, gc=False):
    """Something has happened in the cluster."""

    delta: Delta


class AgentsCame(msgspec.Struct, frozen=True, gc=False):
    """Several agents have come at once, in this order."""

    agents: tuple[AgentAdded, ...]


class Recovered(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A framework has given resources back, and wants none of the like for that long; 0.0 seconds filters nothing.

    ``declined``: they are an offer of which it used nothing.
    """

    framework_id: FrameworkID
    role: str
    agent_id: AgentID
    resources: Resources
    refuse_seconds: float = 0.0
    declined: bool = False


class InverseAnswered(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A framework has answered an inverse offer, and wants no other about that agent for that long."""

    framework_id: FrameworkID
    agent_id: AgentID
    accepted: bool | None
    refuse_seconds: float = 0.0


class Granted(msgspec.Struct, frozen=True, gc=False):
    """What the master is to offer, which counts as allocated already, and whom to ask to leave which agent.

    ``seen`` is how many of the master's deltas were known when it was decided, ``begun`` when that began; None: nobody
    has counted.
    """

    grants: tuple[Grant, ...]
    inverse: tuple[InverseGrant, ...] = ()
    policy: str = ""  # whose grants they are, for errors
    seen: int | None = None
    begun: int | None = None
