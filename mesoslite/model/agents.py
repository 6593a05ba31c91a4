"""Agents: what a machine says of itself when it registers."""

# Who calls: the agent builds AgentInfo; the master returns it with the id set.
# Source: Mesos include/mesos/v1/mesos.proto (AgentInfo, Attribute).

import math
import re
from typing import TypeAlias

import msgspec

from .domains import FaultDomain
from .ids import AgentID
from .masters import AGENT_DRAINING
from .ranges import Ranges
from .resource_text import items_text, parse_items, parse_ranges, ranges_text
from .resources import Resources

_DIGITS = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)

# Capabilities of agents that are acted on here; an agent may name others.
AGENT_MULTI_ROLE = "MULTI_ROLE"  # it runs tasks of frameworks with several roles
AGENT_HIERARCHICAL_ROLE = "HIERARCHICAL_ROLE"  # it knows roles such as ads/batch
AGENT_TASK_RESOURCE_LIMITS = "TASK_RESOURCE_LIMITS"  # it keeps tasks within limits, or refuses those it cannot
AGENT_RESERVATION_REFINEMENT = "RESERVATION_REFINEMENT"  # it knows reservations within reservations
AGENT_RESIZE_VOLUME = "RESIZE_VOLUME"  # it grows and shrinks volumes
AGENT_OPERATION_FEEDBACK = "AGENT_OPERATION_FEEDBACK"  # it tells how operations with an id went
AGENT_CAPABILITIES = (  # what every agent of ours has
    AGENT_MULTI_ROLE,
    AGENT_HIERARCHICAL_ROLE,
    AGENT_RESERVATION_REFINEMENT,
    AGENT_RESIZE_VOLUME,
    AGENT_OPERATION_FEEDBACK,
    AGENT_DRAINING,
    AGENT_TASK_RESOURCE_LIMITS,
)


class AttributeRanges(msgspec.Struct, frozen=True, gc=False, tag="RANGES"):
    """Whole numbers as the value of an attribute, in canonical form (ranges.py)."""

    ranges: Ranges

    def __str__(self) -> str:
        return ranges_text(self.ranges)


class AttributeItems(msgspec.Struct, frozen=True, gc=False, tag="SET"):
    """Words as the value of an attribute, sorted."""

    items: tuple[str, ...]

    def __str__(self) -> str:
        return items_text(self.items)


AttributeValue: TypeAlias = str | float | AttributeRanges | AttributeItems


class Attribute(msgspec.Struct, frozen=True, gc=False):
    """A property of a machine that frameworks choose by, such as its rack; numbers are floats."""

    name: str
    value: AttributeValue


def parse_attribute(name: str, text: str) -> Attribute:
    """Return the attribute of that name that ``text`` says: [1-3, 7-9], {a, b}, a number in digits, else the text.

    Raises: InvalidResources, for ranges and sets that are none.
    """
    what = f"attribute {name[:80]!r}"
    if text[:1] == "[":
        return Attribute(name, AttributeRanges(parse_ranges(what, text)))
    if text[:1] == "{":
        return Attribute(name, AttributeItems(parse_items(what, text)))
    is_number = _DIGITS.fullmatch(text) and math.isfinite(float(text))  # a rack may be called nan, or 1_0
    return Attribute(name, float(text) if is_number else text)


class AgentInfo(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An agent's description of itself; ``id`` is None until the master has given one."""

    hostname: str
    port: int
    resources: Resources
    attributes: tuple[Attribute, ...] = ()
    id: AgentID | None = None
    domain: FaultDomain | None = None
