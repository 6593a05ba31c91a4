"""Roster: where each agent that the master has ever heard of stands, beside those that are registered now."""

# Who calls: registration.py and removal.py change it; reconciliation reads it. Registered agents are in the ledger.
# Invariants: 1. an agent is registered, recovered, unreachable, gone, or forgotten: one of these.
#   2. an id is in one of the sets of what is under way from the moment the registry is asked until its answer has been
#   dealt with; meanwhile nothing else is begun about that agent.
# Source: Mesos src/master/master.hpp (struct Slaves).

from __future__ import annotations

from collections import OrderedDict
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import msgspec

from mesoslite.model import constants
from mesoslite.model.registry import MachineMode, Schedule

if TYPE_CHECKING:
    import libactor as la
    from mesoslite.model import AgentID, AgentInfo, Unavailability
    from mesoslite.model.registry import DrainInfo, Machine, MachineID, RegistryAgent, RegistryState

    from .shown.changes import Changes


class _Served(msgspec.Struct, frozen=True, gc=False):
    """What was taken last of what an agent has said of itself; ``number`` counts what it says after one start."""

    incarnation: bytes
    number: int


NEVER = _Served(b"", 0)


class Roster:
    """Agents that are not in the ledger, and what is under way about agents."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        # Settled. Times are nanoseconds since the epoch.
        self.recovered: dict[AgentID, RegistryAgent] = {}  # known to the registry, and not back since this master leads
        self.unreachable: dict[AgentID, int] = {}  # since when, oldest first
        self.gone: dict[AgentID, int] = {}
        self.removed: OrderedDict[AgentID, None] = OrderedDict()  # that have left, the newest of them
        self._served: OrderedDict[AgentID, _Served] = OrderedDict()  # the newest of them
        self.draining: dict[AgentID, DrainInfo] = {}
        self.drain_times: dict[AgentID, float] = {}  # when this master was asked for it, seconds since the epoch
        self.deactivated: set[AgentID] = set()
        self.schedule = Schedule()
        self.machines: dict[tuple[str, str], Machine] = {}  # of the schedule: host name in lower case, address
        # Under way.
        self.registering: set[la.PID[Any]] = set()
        self.reregistering: set[AgentID] = set()
        self.entering: set[AgentID] = set()  # those of them that are in the ledger, and all of whose tasks are not yet
        self.removing: set[AgentID] = set()
        self.marking_unreachable: set[AgentID] = set()
        self.marking_gone: set[AgentID] = set()

    def recover(self, state: RegistryState) -> None:
        """Begin with what the registry knows."""
        for agent in state.agents:
            assert agent.info.id is not None
            self.recovered[agent.info.id] = agent
            self._changes.agents[agent.info.id] = None
            self._note(agent.info.id, agent.drain, agent.deactivated)
        for lost in sorted(state.unreachable, key=lambda lost: lost.since_ns):
            self.unreachable[lost.id] = lost.since_ns
            self._note(lost.id, lost.drain, lost.deactivated)
        self.gone = {one.id: one.since_ns for one in sorted(state.gone, key=lambda one: one.since_ns)}
        self.schedule = state.schedule
        self.machines = {machine_key(machine.id): machine for machine in state.machines}

    def await_no_more(self, agent_id: AgentID) -> bool:
        """An agent is back, or given up; whether it was awaited until now."""
        self._changes.agents[agent_id] = None
        return self.recovered.pop(agent_id, None) is not None

    def drain(self, agent_id: AgentID, drain: DrainInfo) -> None:
        """Take note of how far the draining of an agent is."""
        self.draining[agent_id] = drain
        self._changes.agents[agent_id] = None

    def deactivate(self, agent_id: AgentID) -> None:
        """Take note that an agent is not to be offered."""
        self.deactivated.add(agent_id)
        self._changes.agents[agent_id] = None

    def serve(self, agent_id: AgentID, incarnation: bytes, number: int = 0) -> None:
        """Remember what was taken last of what an agent has said of itself; also of those that are lost, the newest."""
        self._served[agent_id] = _Served(incarnation, number)
        self._served.move_to_end(agent_id)
        if len(self._served) > constants.REMOVED_AGENTS_MAX:
            self._served.popitem(last=False)

    def is_stale(self, agent_id: AgentID, incarnation: bytes, number: int) -> bool:
        """Whether that, or something newer, was taken already of what the agent has said of itself."""
        last = self._served.get(agent_id, NEVER)
        return number > 0 and incarnation == last.incarnation and number <= last.number

    def is_restarted(self, agent_id: AgentID, incarnation: bytes) -> bool:
        """Whether that is another start of the agent than the one that registered."""
        last = self._served.get(agent_id, NEVER)
        return last.incarnation not in (b"", incarnation)

    def may_return(self, agent_id: AgentID | None) -> bool:
        """Whether an agent, any if None, is still to come back to this master, or what it runs is not known yet."""
        if agent_id is None:
            return bool(self.recovered) or bool(self.entering)
        return agent_id in self.recovered or agent_id in self.entering

    def is_leaving(self, agent_id: AgentID) -> bool:
        """Whether it is being struck off, for whatever reason."""
        return agent_id in self.removing or agent_id in self.marking_unreachable or agent_id in self.marking_gone

    def has_left(self, agent_id: AgentID) -> bool:
        """Whether it will not be back under what it was: the registry has forgotten it, the books perhaps not yet."""
        return agent_id in self.removed or agent_id in self.gone

    def is_down(self, info: AgentInfo, address: str) -> bool:
        """Whether the machine of that agent, whose actor is at ``address``, is being serviced."""
        machine = self.machine_of(info, address)
        return machine is not None and machine.mode is MachineMode.DOWN

    def unavailability(self, info: AgentInfo, address: str) -> Unavailability | None:
        """When that agent's machine is to be serviced; None: it is not."""
        machine = self.machine_of(info, address)
        return machine.unavailability if machine is not None else None

    def machine_of(self, info: AgentInfo, address: str) -> Machine | None:
        """The machine of the schedule that an agent, whose actor is at ``address``, is on; None: it is on none.

        Of one that is in the schedule under several of its names, one that is down counts, else the fullest name.
        """
        if not self.machines:
            return None
        host, ip = info.hostname.lower(), host_of(address)
        named = [self.machines.get(key) for key in ((host, ip), (host, ""), ("", ip))]
        found = [machine for machine in named if machine is not None]
        down = [machine for machine in found if machine.mode is MachineMode.DOWN]
        return next(iter(down or found), None)

    def may_be_offered(self, agent_id: AgentID) -> bool:
        """Whether nobody has said that an agent is not to be offered."""
        return agent_id not in self.deactivated

    def left(self, agent_id: AgentID) -> None:
        """Remember that an agent has left."""
        self.forget(agent_id)
        self.removed[agent_id] = None
        if len(self.removed) > constants.REMOVED_AGENTS_MAX:
            self.removed.popitem(last=False)

    def forget(self, agent_id: AgentID) -> None:
        """It will not be back, so what was to be done with it is done."""
        self._changes.agents[agent_id] = None
        self.draining.pop(agent_id, None)
        self.drain_times.pop(agent_id, None)
        self.deactivated.discard(agent_id)

    def _note(self, agent_id: AgentID, drain: DrainInfo | None, deactivated: bool) -> None:
        if drain is not None:
            self.draining[agent_id] = drain
        if deactivated:
            self.deactivated.add(agent_id)


def host_of(address: str) -> str:
    """The machine of an actor's address, as machines are named: an IPv6 one as short as it gets."""
    host = address.rpartition(":")[0]
    return str(ip_address(host[1:-1])) if host.startswith("[") else host


def machine_key(machine: MachineID) -> tuple[str, str]:
    """What a machine goes by: the case of its host name does not count."""
    return machine.hostname.lower(), machine.ip
