"""Compatibility: whether an agent that is configured otherwise than it was may go on as the same one."""

# Who calls: recovery.py, with what was written and what is configured now; pure.
# Under another hostname its executors would not find it, nor on another port: that may be one that nobody chose, for
#   whoever wants any port rather has an agent that goes on, with its commands, than none.
# Source: Mesos src/slave/compatibility.cpp (equal, additive).

from __future__ import annotations

from typing import TYPE_CHECKING

import libactor as la
from mesoslite.model import MesosliteError

from .options import ADDITIVE

if TYPE_CHECKING:
    from mesoslite.model import AgentInfo


@la.foreseen
class Incompatible(MesosliteError):
    """An agent cannot go on as the one that was here; the text says why, and what to do."""


def incompatibility(old: AgentInfo, new: AgentInfo, policy: str, *, has_any_port: bool = False) -> str | None:
    """Return what of an agent is otherwise than ``policy`` allows; None if nothing is. Ids are not looked at."""
    for name in ("hostname",) if has_any_port else ("hostname", "port"):
        before, now = getattr(old, name), getattr(new, name)
        if before != now:
            return f"its {name} was {before} and is {now}"
    if old.domain != new.domain and not (policy == ADDITIVE and old.domain is None):
        return f"its domain was {_place(old)} and is {_place(new)}"
    if policy == ADDITIVE:
        if not new.resources.contains(old.resources):
            return f"it had {old.resources.brief}, of which some is missing in {new.resources.brief}"
        missing = [attribute for attribute in old.attributes if attribute not in new.attributes]
        if missing:
            return f"its attribute {missing[0].name}:{missing[0].value} is gone, or has another value"
        return None
    if old.resources != new.resources:
        return f"it had {old.resources.brief} and has {new.resources.brief}"
    if old.attributes != new.attributes:
        return f"it had {_text(old)} and has {_text(new)}"
    return None


def _place(info: AgentInfo) -> str:
    return f"{info.domain.region}/{info.domain.zone}" if info.domain is not None else "none"


def _text(info: AgentInfo) -> str:
    if not info.attributes:
        return "no attributes"
    return "the attributes " + ";".join([f"{one.name}:{one.value}" for one in info.attributes])
