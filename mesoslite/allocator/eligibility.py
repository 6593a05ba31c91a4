"""Eligibility: which clients may be offered an agent at all, and which of its resources."""

# Who calls: books.py computes ``needs`` and ``has`` when an agent or a framework changes; cycle.py compares them.
# A client is capable of an agent exactly if ``agent.needs & ~client.has`` is zero.
# Source: Mesos src/master/allocator/mesos/hierarchical.cpp (isCapableOfReceivingAgent, stripIncapableResources,
#   isRemoteSlave, __allocate).

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import (
    AGENT_HIERARCHICAL_ROLE,
    AGENT_MULTI_ROLE,
    GPU_RESOURCES,
    MULTI_ROLE,
    REGION_AWARE,
    RESERVATION_REFINEMENT,
    REVOCABLE_RESOURCES,
    SHARED_RESOURCES,
    Resources,
)

if TYPE_CHECKING:
    from .agents import AgentBook
    from .clients import ClientBook

# What an agent may need of a client.
GPUS = 1  # it has gpus: the framework must know how to leave them to others
REMOTE = 2  # it is in another region than the master
SINGLE_ROLE = 4  # it does not know frameworks of several roles
FLAT_ROLE = 8  # it does not know roles with roles above them
# What a client may take, so that nothing need be taken out of an offer.
REVOCABLE = 16
SHARED = 32
REFINED = 64
ALL_KINDS = REVOCABLE | SHARED | REFINED

_OF_FRAMEWORKS = {
    GPU_RESOURCES: GPUS,
    REGION_AWARE: REMOTE,
    REVOCABLE_RESOURCES: REVOCABLE,
    SHARED_RESOURCES: SHARED,
    RESERVATION_REFINEMENT: REFINED,
}


def needs(agent: AgentBook, region: str | None, filter_gpus: bool) -> int:
    """Return what an agent asks of clients; ``region`` is the master's, None if it has none."""
    bits = 0
    if filter_gpus and "gpus" in agent.total.scalars():
        bits |= GPUS
    if region is not None and agent.region is not None and agent.region != region:
        bits |= REMOTE
    if AGENT_MULTI_ROLE not in agent.capabilities:
        bits |= SINGLE_ROLE
    if AGENT_HIERARCHICAL_ROLE not in agent.capabilities:
        bits |= FLAT_ROLE
    return bits


def has(capabilities: frozenset[str], role: str) -> int:
    """Return what a framework with these capabilities can do under a role."""
    bits = sum([bit for name, bit in _OF_FRAMEWORKS.items() if name in capabilities])
    if MULTI_ROLE not in capabilities:
        bits |= SINGLE_ROLE
    if "/" not in role:
        bits |= FLAT_ROLE
    return bits


def reserved_for(client: ClientBook, resources: Resources) -> Resources:
    """Return what of an agent a client may have: what its role may use, without the kinds it does not know."""
    mine = resources.allocatable_to(client.role.path)
    if client.has & ALL_KINDS == ALL_KINDS:
        return mine
    if not client.has & REVOCABLE:
        mine = mine.not_revocable()
    if not client.has & SHARED:
        mine = mine.not_shared()
    return mine if client.has & REFINED else mine.not_refined()
