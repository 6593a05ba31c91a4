"""Registration: how agents join the cluster, come back to it, and leave it of themselves."""

# Who calls: master.py, inside the master actor, with what agents post.
# An agent is believed only from the actor it registered from last. There is no authentication: whoever names the id of
#   an agent from the same host is taken for it, as in Mesos.
# Invariants: 1. an agent is told that it is in only once the registry has it, durably; what it repeats meanwhile is
#   passed over.    2. what is to be looked up when the answer has come is looked up then: things may have changed.
#   3. a task that an agent brings is in the books before the allocator plans with that agent.
# Source: Mesos src/master/master.cpp (registerSlave, reregisterSlave, reconcileKnownSlave, unregisterSlave).

from __future__ import annotations

import itertools
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

import libactor as la
from mesoslite.model import AgentRegistered, InvalidRequest, ShutdownAgent, format_agent_id, once
from mesoslite.model.registry import AdmitAgent, MarkAgentReachable, UpdateAgent
from mesoslite.model.sums import one_of_equal, total_of

from .agent_checks import registration_problem, reregistration_problem
from .agent_entry import AgentEntry
from .arrivals import AGENTS_IN_STEP, Arrival, Arrivals, in_steps_of
from .brought import reading
from .descriptions import Descriptions
from .portions import Portions
from .roster import host_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mesoslite.model import AgentID, AgentInfo, RegisterAgent, ReregisterAgent, UnregisterAgent
    from mesoslite.model.registry import RegistryOperation

    from .accounts import Accounts
    from .admission import Admission
    from .durability import Durability
    from .ledger import Ledger
    from .metrics import MasterMetrics
    from .removal import Removal
    from .returns import Returns
    from .slices import Slices

log = logging.getLogger("mesoslite.master")


class Registration:
    """The agents' coming and going, over the books of one master; ``now`` reads the master's clock.

    ``watch`` has an agent pinged from now on; ``admission`` says who may come at all.
    """

    def __init__(
        self,
        ledger: Ledger,
        accounts: Accounts,
        removal: Removal,
        returns: Returns,
        durability: Durability,
        metrics: MasterMetrics,
        slices: Slices,
        *,
        master_id: str,
        admission: Admission,
        now: Callable[[], float],
        watch: Callable[[AgentEntry | AgentID], None],
        ping_timeout: float,
    ) -> None:
        self._ledger = ledger
        self._roster = ledger.roster
        self._accounts = accounts
        self._removal = removal
        self._returns = returns
        self._descriptions, self._portions = Descriptions(), Portions()
        self._arrivals = Arrivals(ledger, accounts, returns, removal, self._portions, now)
        self._durability = durability
        self._have_back = durability.together(self._durable, self._refused)
        self._metrics = metrics
        self._slices = slices
        self._master_id = master_id
        self._admission = admission
        self._now = now
        self._watch = watch
        self._ping_timeout = ping_timeout
        self._numbers = itertools.count()
        self._ready: list[Arrival] = []  # that need not be stored
        self.epoch = 0  # set once this master leads

    # ---- new agents ----

    def register(self, message: RegisterAgent, sender: la.PID[Any] | None) -> None:
        """Admit an agent; one that repeats itself, because the answer was late, is answered again."""
        problem = registration_problem(message) or self._admission.problem(message.info)
        if sender is None or problem is not None:
            self._metrics.drop(message, sender, problem or "it has no address")
            return
        if sender in self._roster.registering:
            log.info("register: %s is being registered already", sender)
            return
        if not self._may_come(message.info, sender):
            return
        here = self._ledger.agent_at(sender)
        if here is not None and self._roster.is_leaving(here.id):
            log.info("register: agent %s is still at %s, and is being given up", here.id, sender)
            return
        if here is not None and here.connected and not self._roster.is_restarted(here.id, message.incarnation):
            here.send(AgentRegistered(here.id, self._ping_timeout))
            self._returns.ask(here)
            return
        self._make_way(sender, None)
        agent_id = format_agent_id(self._master_id, next(self._numbers))
        info = replace(message.info, id=agent_id)
        self._roster.registering.add(sender)
        self._durability.apply(
            AdmitAgent(info),
            lambda: self._admitted(info, agent_id, sender, message),
            partial(self._not_admitted, sender),
        )

    def _admitted(self, info: AgentInfo, agent_id: AgentID, pid: la.PID[Any], message: RegisterAgent) -> None:
        self._roster.registering.discard(pid)
        self._make_way(pid, agent_id)
        self._roster.serve(agent_id, message.incarnation)
        agent = AgentEntry(
            id=agent_id,
            info=info,
            pid=pid,
            registered_time=self._now(),
            total=message.total,
            version=message.version,
            epoch=self.epoch,
        )
        la.link(pid)
        self._accounts.agents.admit(agent)
        self._watch(agent)
        self._metrics.registrations.value += 1
        agent.send(AgentRegistered(agent_id, self._ping_timeout))
        log.info("agent %s at %s has joined with %s", agent_id, pid, info.resources)
        self._removal.end_if_down(agent)

    def _not_admitted(self, pid: la.PID[Any], error: Exception) -> None:
        self._roster.registering.discard(pid)
        self._shut_down(pid, f"Agent was not admitted: {error}", None)

    # ---- agents that come back ----

    def reregister(self, message: ReregisterAgent, sender: la.PID[Any] | None) -> Iterator[None]:
        """Let an agent go on under the id that it has."""
        problem = reregistration_problem(message) or self._admission.problem(message.info)
        if sender is None or problem is not None:
            self._metrics.drop(message, sender, problem or "it has no address")
            return
        agent_id, roster = message.info.id, self._roster
        assert agent_id is not None
        if roster.is_stale(agent_id, message.incarnation, message.number):
            self._metrics.drop(message, sender, "it has registered again since")
            return
        if agent_id in roster.reregistering or roster.is_leaving(agent_id):
            log.info("register again: something is under way with agent %s already", agent_id)
            return
        if agent_id in roster.gone:
            self._shut_down(sender, "Agent has been marked gone", agent_id)
            return
        roster.reregistering.add(agent_id)
        try:
            frameworks = yield from self._descriptions.reading(message.frameworks)
            brought = yield from reading(message, frameworks, self._portions, self._returns.room)
        except InvalidRequest as error:
            self._metrics.drop(message, sender, str(error))
            self._not_returned(agent_id)
            return
        if not self._may_come(message.info, sender) or not self._may_be(agent_id, message, sender):
            self._not_returned(agent_id)
            return
        message = _kept(message)
        operation = self._needed(agent_id, message.info)
        if operation is None:
            yield from self._go_on(Arrival(message, brought, sender, was_known=True))
            return
        arrival = Arrival(message, brought, sender, isinstance(operation, UpdateAgent))
        self._have_back(operation, arrival)

    def _go_on(self, arrival: Arrival) -> Iterator[None]:
        """Let an agent go on that the registry knows as it is: to a new master, together with others."""
        if arrival.agent_id in self._ledger.agents or not arrival.is_simple or self._slices.has_more(arrival.pid):
            yield from self._return(arrival)
            return
        self._slices.hold(arrival.pid)
        self._ready.append(arrival)
        if len(self._ready) == 1:
            self._slices.put_all((), self._return_ready())
        if len(self._ready) == AGENTS_IN_STEP:
            yield
            yield from self._return_ready()

    def _return_ready(self) -> Iterator[None]:
        ready, self._ready = self._ready, []
        yield from self._return_all(ready)
        for arrival in ready:
            self._slices.release(arrival.pid)

    def _durable(self, arrivals: list[Arrival]) -> None:
        pids = tuple([arrival.pid for arrival in arrivals])
        self._slices.put_all(pids, self._return_all(arrivals))  # thousands are durable at once

    def _refused(self, arrival: Arrival, error: Exception) -> None:
        self._not_returned(arrival.agent_id, error)

    def _return_all(self, arrivals: list[Arrival]) -> Iterator[None]:
        """Let agents go on, several in a step, and by themselves those that cannot be together."""
        for number, several in enumerate(in_steps_of(arrivals)):
            if number:
                yield
            for arrival in self._arrivals.enter(several, self._entry):
                yield from self._return_unless_removed(arrival)

    def _return_unless_removed(self, arrival: Arrival) -> Iterator[None]:
        """Let an agent go on, unless it was known, and has left, or made way for another one, while that was stored."""
        agent_id = arrival.agent_id
        if not arrival.was_known or agent_id in self._ledger.agents or agent_id in self._roster.recovered:
            yield from self._return(arrival)
            return
        log.info("register again: agent %s has left meanwhile", agent_id)
        self._not_returned(agent_id)

    def _not_returned(self, agent_id: AgentID, error: Exception | None = None) -> None:
        self._roster.reregistering.discard(agent_id)
        self._returns.refused(agent_id)

    def _may_be(self, agent_id: AgentID, message: ReregisterAgent, sender: la.PID[Any]) -> bool:
        """Whether it can be that agent, as far as the master knows."""
        here = self._ledger.agent_at(sender)
        is_other = here is not None and here.id != agent_id
        if here is not None and is_other and here.connected:
            self._metrics.drop(message, sender, f"it says to be {agent_id}, and is agent {here.id}")
            return False
        problem = self._contradiction(agent_id, message, sender)
        if problem is not None:
            self._shut_down(sender, problem, agent_id)
            return False
        self._make_way(sender, agent_id)
        return True

    def _contradiction(self, agent_id: AgentID, message: ReregisterAgent, sender: la.PID[Any]) -> str | None:
        """What of it cannot be so of the agent of that id, by the books or by the registry."""
        agent = self._ledger.agents.get(agent_id)
        known = agent or self._roster.recovered.get(agent_id)
        if known is None:
            return None
        if message.info.hostname != known.info.hostname or (
            agent is not None and host_of(sender.address) != agent.host
        ):
            return "Agent attempted to re-register with different IP / hostname"
        if known.info.domain not in (None, message.info.domain):
            return "Agent attempted to re-register with a different domain"
        if agent is None or agent.operations or not agent.tasks:
            return None
        total = message.total or message.info.resources
        if not total.contains(once(agent.used - total_of([one.info.resources for one in agent.executors.values()]))):
            return f"Agent has {total.brief} now, but its tasks use more"
        return None

    def _needed(self, agent_id: AgentID, info: AgentInfo) -> RegistryOperation | None:
        """What the registry must know before that agent is back."""
        agent = self._ledger.agents.get(agent_id)
        if agent is not None:
            return UpdateAgent(info) if info != agent.info else None
        recovered = self._roster.recovered.get(agent_id)
        if recovered is not None:
            return UpdateAgent(info) if info != recovered.info else None
        return MarkAgentReachable(info)

    def _return(self, arrival: Arrival) -> Iterator[None]:
        message, brought, pid, agent_id = arrival.message, arrival.brought, arrival.pid, arrival.agent_id
        self._make_way(pid, agent_id)
        agent = self._ledger.agents.get(agent_id)
        if agent is not None:
            self._count(arrival)
            yield from self._returns.reconcile(agent, message, brought, pid)
        else:
            agent = self._entry(arrival)
            yield from self._returns.enter(agent, message, brought)
        if self._ledger.agents.get(agent_id) is agent:
            self._removal.end_if_down(agent)

    def _entry(self, arrival: Arrival) -> AgentEntry:
        """What is to be entered of an agent that is back."""
        self._count(arrival)
        message = arrival.message
        return AgentEntry(
            id=arrival.agent_id,
            info=message.info,
            pid=arrival.pid,
            registered_time=self._now(),
            total=message.total,
            version=message.version,
            epoch=self.epoch,
        )

    def _count(self, arrival: Arrival) -> None:
        self._roster.serve(arrival.agent_id, arrival.message.incarnation, arrival.message.number)
        self._metrics.reregistrations.value += 1

    # ---- agents that leave ----

    def unregister(self, message: UnregisterAgent, sender: la.PID[Any] | None) -> None:
        """Let go of an agent that leaves."""
        agent = self._ledger.agent_at(sender)
        if agent is None or agent.id != message.agent_id:
            self._metrics.drop(message, sender, f"it is not agent {str(message.agent_id)[:80]}")
            return
        self._removal.remove(agent, "it has left", "unregistered")

    # ---- who may come ----

    def _make_way(self, pid: la.PID[Any], agent_id: AgentID | None) -> None:
        """Let go of another agent at that address, if there is one; it may have come while the registry was asked."""
        here = self._ledger.agent_at(pid)
        if here is not None and here.id != agent_id:
            why = "another agent registered at the same address"
            self._removal.disconnect(here, why)
            self._removal.remove(here, why, "registered")

    def _may_come(self, info: AgentInfo, sender: la.PID[Any]) -> bool:
        """Whether its machine is not being serviced; else it is told to stop."""
        if not self._roster.is_down(info, sender.address):
            return True
        self._shut_down(sender, "Machine is `DOWN`", info.id)
        return False

    def _shut_down(self, pid: la.PID[Any], why: str, agent_id: AgentID | None) -> None:
        log.warning("%s is told to shut down: %s", pid, why)
        la.post(pid, ShutdownAgent(why, self.epoch, agent_id))


def _kept(message: ReregisterAgent) -> ReregisterAgent:
    """What is kept of a message: not what was read of it, and once what many agents have alike."""
    info = replace(message.info, resources=one_of_equal(message.info.resources))
    total = one_of_equal(message.total)
    return replace(message, info=info, total=total, tasks=(), frameworks=(), completed_tasks=())
