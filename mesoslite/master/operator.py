"""Operator calls: what operators may ask of a master, as methods of its actor."""

# Who calls: whoever serves operators dispatches them to the master's PID; master.py inherits them.
# Invariant: each answer comes once what was asked is durable; what is refused has changed nothing.
# Before the master leads and has read the registry, each raises NotLeader.
# Source: Mesos src/master/http.cpp (the operator API).

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import libactor as la
from mesoslite.model import Error, InvalidRequest, NotFound, RegistrarPort

from .candidate import Candidate, led

if TYPE_CHECKING:
    from mesoslite.model import AgentID, FrameworkID, MasterTenure, ResourceOperation
    from mesoslite.model.maintenance import MaintenanceStatus
    from mesoslite.model.registry import Machine, MachineID, QuotaConfig, RegistryState, Schedule, Weight

    from .agents import Agents
    from .departures import Departures
    from .ledger import Ledger

AGENT = "the id of an agent"

T = TypeVar("T", bound=str)


class OperatorCalls(Candidate):
    """The part of a master that serves operators."""

    _agents: Agents
    _departures: Departures
    _ledger: Ledger

    @led
    def tenure(self) -> MasterTenure:
        """What this master says of itself, and since when it leads."""
        return self._tenure()

    @led
    def teardown_framework(self, framework_id: FrameworkID) -> None:
        """Remove a framework, connected or not: its tasks are ended everywhere, and its scheduler hears Error.

        NotFound for an unknown one.
        """
        framework = self._ledger.frameworks.get(_text(framework_id, "the id of a framework"))
        if framework is None or framework.is_ending:
            raise NotFound(f"teardown: framework {str(framework_id)[:80]} is not known, or removed; look its id up")
        if framework.connected:
            framework.send(Error("Framework has been removed"))
        self._departures.remove(framework)

    @led
    def mark_agent_gone(self, agent_id: AgentID) -> la.Future[None]:
        """Declare an agent gone for good: ready once that is durable.

        NotFound for an unknown one, InTransition for one that something else is under way with.
        """
        return self._agents.removal.mark_gone(_text(agent_id, AGENT))

    @led
    def deactivate_agent(self, agent_id: AgentID) -> la.Future[None]:
        """Offer an agent no more, and rescind its offers; its tasks go on.

        NotFound for an unknown one, Conflict for one that has gone meanwhile.
        """
        return self._agents.draining.deactivate(_text(agent_id, AGENT))

    @led
    def reactivate_agent(self, agent_id: AgentID) -> la.Future[None]:
        """Offer a deactivated agent again, and drain it no more.

        NotFound for an unknown one, InvalidRequest for one that is not deactivated, or still draining, Conflict for one
        that has gone meanwhile.
        """
        return self._agents.draining.reactivate(_text(agent_id, AGENT))

    @led
    def drain_agent(
        self, agent_id: AgentID, max_grace_seconds: float | None = None, mark_gone: bool = False
    ) -> la.Future[None]:
        """Deactivate an agent and have it end its tasks, each in at most that time; then it may be declared gone.

        NotFound for an unknown one, InvalidRequest for a grace that is no time, Conflict for one that has gone
        meanwhile.
        """
        return self._agents.draining.drain(_text(agent_id, AGENT), max_grace_seconds, mark_gone)

    def settle_draining(self, agent_id: AgentID) -> None:
        """Look whether a draining agent is empty; the master tells this to itself."""
        self._agents.draining.settle(agent_id)

    def _settle_later(self, agent_id: AgentID) -> None:
        la.tell(self.pid, OperatorCalls.settle_draining, agent_id)

    # ---- machines: InTransition, while another change of them is being stored ----

    @led
    def apply_operation(self, agent_id: AgentID, operation: ResourceOperation, principal: str | None = None) -> None:
        """Reserve what nobody uses of an agent, make volumes of it, or undo that; offers in the way are rescinded.

        It is done in the books and sent to the agent, which may refuse it all the same. ``principal`` is who asks.
        InvalidRequest, for what cannot be; NotFound, for an agent that is not registered; Conflict, for one that is
        not there, or has not that much which nobody uses.
        """
        self._agents.free_operations.apply(_text(agent_id, AGENT), operation, principal)

    @led
    def schedule(self) -> Schedule:
        """What is to be serviced."""
        return self._agents.maintenance.schedule

    @led
    def machines(self) -> tuple[Machine, ...]:
        """The machines of the schedule, and whether they are down."""
        return self._agents.maintenance.machines

    @led
    def maintenance_status(self) -> MaintenanceStatus:
        """The machines of the schedule, and what frameworks have said to leaving those that are still in use."""
        return self._agents.maintenance.status()

    @led
    def update_schedule(self, schedule: Schedule) -> la.Future[None]:
        """Service these machines and no others. InvalidRequest for what no schedule can be, and without one down."""
        return self._agents.maintenance.update_schedule(schedule)

    @led
    def start_maintenance(self, machines: tuple[MachineID, ...]) -> la.Future[None]:
        """Take machines of the schedule down, and end their agents. InvalidRequest, unless all are draining."""
        return self._agents.maintenance.start(machines)

    @led
    def stop_maintenance(self, machines: tuple[MachineID, ...]) -> la.Future[None]:
        """Bring machines up, and take them out of the schedule. InvalidRequest, unless all are down."""
        return self._agents.maintenance.stop(machines)

    # ---- roles ----

    @led
    def registry(self) -> la.Future[RegistryState]:
        """What outlives this master, as its registrar has it."""
        return la.dispatch(self._registrar, RegistrarPort.state)

    @led
    def quotas(self) -> tuple[QuotaConfig, ...]:
        """The quotas that roles have."""
        return tuple(self._agents.entitlements.quotas.values())

    @led
    def weights(self) -> tuple[Weight, ...]:
        """The weights that roles were given."""
        return tuple(self._agents.entitlements.weights.values())

    @led
    def update_quota(self, configs: tuple[QuotaConfig, ...], force: bool = False) -> la.Future[None]:
        """Give each role its quota, or, without guarantees and limits, none; all of it or nothing.

        InvalidRequest, for what no quota can be, and, without ``force``, for more guarantees than the cluster has.
        """
        return self._agents.entitlements.update_quotas(configs, force)

    @led
    def set_quota(self, config: QuotaConfig, force: bool = False) -> la.Future[None]:
        """Give a role that has no quota one.

        As ``update_quota``; InvalidRequest, if it has one, and Conflict, unless forced, for too many guarantees.
        """
        return self._agents.entitlements.set_quota(config, force)

    @led
    def remove_quota(self, role: str) -> la.Future[None]:
        """Take a role its quota. InvalidRequest, if it has none."""
        return self._agents.entitlements.remove_quota(_text(role, "a role"))

    @led
    def update_weights(self, weights: tuple[Weight, ...]) -> la.Future[None]:
        """Give each role its weight, all of it or nothing. InvalidRequest, for what cannot be."""
        return self._agents.entitlements.update_weights(weights)

    def go_on_rescinding(self) -> None:
        """Rescind some of the offers that stand against quotas or weights; the master tells this to itself."""
        self._agents.entitlements.go_on()

    def _rescind_later(self) -> None:
        la.tell(self.pid, OperatorCalls.go_on_rescinding)


def _text(given: T, what: str) -> T:
    """``given``, if it is a text: nobody has compared what is dispatched. Raises: InvalidRequest."""
    if not isinstance(given, str):
        raise InvalidRequest(f"got {given!r:.80} as {what}, expected a text")
    return given
