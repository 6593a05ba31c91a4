"""Agent records: agents as readers see them (records.Agent), made from what a master knows of each."""

# Who calls: the master, for registered agents and for those that it waits for.
# Source: Mesos include/mesos/v1/master/master.proto (Response.GetAgents.Agent), src/common/http.cpp.

import math
from collections.abc import Iterable

from .agents import AGENT_CAPABILITIES, AgentInfo, AttributeItems, AttributeRanges
from .agents import Attribute as AgentAttribute
from .domains import FaultDomain
from .ids import AgentID
from .kinds import ValueType
from .records import Agent, Attribute, Domain, Drain, DrainState, Range
from .registry import DrainInfo
from .resource_records import packed_resources
from .resource_text import MILLI
from .resources import NOTHING, Resources

_NANOSECONDS = 1_000_000_000
_MOST = 9e18  # thousandths that a record holds


def nanoseconds(seconds: float) -> int:
    """Return a time or duration as a record has it; to read it back in seconds gives the same number."""
    whole = math.floor(seconds)
    return whole * _NANOSECONDS + round((seconds - whole) * _NANOSECONDS)


def packed_agent(
    info: AgentInfo,
    agent_id: AgentID,
    *,
    process: str = "",
    version: str = "",
    registered_time: float = 0.0,
    reregistered_time: float | None = None,
    total: Resources,
    used: Resources = NOTHING,
    offered: Resources = NOTHING,
    active: bool,
    deactivated: bool,
    drain: DrainInfo | None,
    drain_time: float | None = None,
) -> Agent:
    """Return an agent as it is kept; times in seconds since the epoch.

    ``process`` is the id of its actor, empty if it has not registered; ``total`` all that it has now.
    """
    host = f"[{info.hostname}]" if ":" in info.hostname else info.hostname
    return Agent(
        id=agent_id,
        hostname=info.hostname,
        port=info.port,
        pid=f"{process}@{host}:{info.port}" if process else "",
        version=version,
        registered_time=nanoseconds(registered_time),
        resources=packed_resources(total),
        used=packed_resources(used),
        offered=packed_resources(offered),
        attributes=packed_attributes(info.attributes),
        capabilities=AGENT_CAPABILITIES if process else (),
        active=active,
        deactivated=deactivated,
        reregistered_time=nanoseconds(reregistered_time) if reregistered_time is not None else None,
        domain=packed_domain(info.domain),
        drain=_packed_drain(drain) if drain is not None else None,
        estimated_drain_start_time=nanoseconds(drain_time) if drain_time is not None else None,
    )


def packed_domain(domain: FaultDomain | None) -> Domain | None:
    """Return where a machine is, if anybody knows."""
    return Domain(domain.region, domain.zone) if domain is not None else None


def packed_attributes(attributes: Iterable[AgentAttribute]) -> tuple[Attribute, ...]:
    """Return attributes in the agent's order."""
    return tuple(map(_packed_attribute, attributes))


def _packed_drain(drain: DrainInfo) -> Drain:
    grace = drain.max_grace_seconds
    return Drain(
        state=DrainState[drain.state.name],
        max_grace_period=nanoseconds(grace) if grace is not None else None,
        mark_gone=drain.mark_gone,
    )


def _packed_attribute(attribute: AgentAttribute) -> Attribute:
    name, value = attribute.name, attribute.value
    if isinstance(value, str):
        return Attribute(name, ValueType.TEXT, text=value)
    if isinstance(value, AttributeRanges):
        return Attribute(name, ValueType.RANGES, ranges=tuple([Range(*part) for part in value.ranges]))
    if isinstance(value, AttributeItems):
        return Attribute(name, ValueType.SET, items=value.items)
    if not math.isfinite(value):  # which no record holds
        return Attribute(name, ValueType.TEXT, text=str(value))
    return Attribute(name, ValueType.SCALAR, scalar=round(max(-_MOST, min(value * MILLI, _MOST))))
