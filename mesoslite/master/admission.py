"""Admission: which agents a master has in its cluster at all: by its ACLs, and by the domains that they are in."""

# Who calls: registration.py, with whoever registers. What is refused is dropped and counted, and hears nothing, as in
#   Mesos: it repeats itself, and is let in once the master is another one.
# Agents are not authenticated, so the ACLs know none by name: `register_agents` is for all of them, or for none.
# Source: Mesos src/master/master.cpp (authorizeSlave, registerSlave).

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mesoslite.model import AgentInfo

    from .options import MasterOptions


class Admission:
    """Who may come, by the options of one master."""

    def __init__(self, options: MasterOptions) -> None:
        self._is_allowed = options.acls.allow("register_agents", None)
        self._has_domain = options.domain is not None
        self._requires_domain = options.require_agent_domain

    def problem(self, info: AgentInfo) -> str | None:
        """Why an agent is not let in, None if it is."""
        if not self._is_allowed:
            return "the ACLs allow nobody who is not known to register_agents"
        if info.domain is not None and not self._has_domain:
            return "it has a domain, and this master has none"
        if info.domain is None and self._requires_domain:
            return "it has no domain, and this master requires one"
        return None
