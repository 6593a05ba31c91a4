"""Feedback: what agents report of operations, and what frameworks are told and ask of them."""

# Who calls: master.py, scheduling.py and removal.py, inside the master actor.
# An operation is told to its framework if it has an id, and acknowledged by it; the master acknowledges the others, and
#   those whose framework is gone. The master keeps no status: its agent repeats it until it is acknowledged. So the
#   next master hears of it as well, and enters what it did not know of.
# What the master itself says of operations bears no uuid: nobody repeats it, nobody acknowledges it.
# Invariant: a message of an agent changes everything or nothing: it is judged before the books are touched, and all
#   in it is of its type (intake.py). What is passed on bears the id that the framework gave the operation, whatever
#   the agent calls it.
# Source: Mesos src/master/master.cpp (updateOperationStatus, updateOperation, acknowledgeOperationStatus,
#   reconcileOperations, sendBulkOperationFeedback).

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

import libactor as la
from mesoslite.model import (
    NOTHING,
    Conversion,
    OperationAcknowledgement,
    OperationState,
    OperationStatus,
    Reserve,
    UpdateOperationStatus,
    happenings,
)

from .metrics import OPERATION_ACKNOWLEDGEMENTS, OPERATIONS
from .operations import OperationEntry
from .slices import in_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Set

    from mesoslite.model import (
        AcknowledgeOperationStatus,
        OperationID,
        OperationReference,
        OperationUpdate,
        ReconcileOperations,
        Resources,
    )

    from .accounts import Accounts
    from .agent_entry import AgentEntry
    from .framework_entry import FrameworkEntry
    from .ledger import Ledger
    from .metrics import MasterMetrics
    from .offering import Offering

log = logging.getLogger("mesoslite.master")

UUID_BYTES = 16
ANSWERS_IN_STEP = 64


class Feedback:
    """Operations under way, over the ledger and the accounts of one master; ``now`` reads its clock."""

    def __init__(
        self,
        ledger: Ledger,
        accounts: Accounts,
        offering: Offering,
        metrics: MasterMetrics,
        now: Callable[[], float],
    ) -> None:
        self._metrics = metrics
        self._now = now
        self._ledger = ledger
        self._accounts = accounts
        self._offering = offering

    # ---- what agents report ----

    def take(self, update: OperationUpdate, sender: la.PID[Any] | None) -> None:
        """Record how an operation went, enter what it has made, and pass it on."""
        agent = self._ledger.agent_at(sender)
        if agent is None:
            self._drop(update, sender, "it is no agent of this master")
            return
        operation = agent.operations.get(update.operation_uuid)
        problem = _problem(update, operation)
        if problem is not None:
            self._drop(update, agent.id, problem)
        elif operation is None:
            self._take_unknown(update, agent)
        else:
            self._metrics.judge(OPERATIONS, valid=True)
            self._take(update, agent, operation)

    def _drop(self, message: OperationUpdate, sender: object, why: str) -> None:
        self._metrics.judge(OPERATIONS, valid=False)
        self._metrics.drop(message, sender, why)

    def _take_unknown(self, update: OperationUpdate, agent: AgentEntry) -> None:
        """Deal with an operation of an earlier master, or of before its agent was lost; or with a repetition."""
        operation_id, framework_id = update.status.operation_id, update.framework_id
        framework = self._ledger.frameworks.get(framework_id)
        if operation_id is None or self._ledger.is_over(framework_id, self._now()):
            self._acknowledge_to(agent, update.operation_uuid, update.status.uuid)
        elif framework is None or self._ledger.roster.is_leaving(agent.id):
            log.info(
                "operation: framework %s is yet to come, or agent %s goes; it is told again", framework_id, agent.id
            )
        elif update.operation_uuid in framework.operations:
            self._drop(update, agent.id, f"{update.operation_uuid.hex()} is an operation on another agent")
        elif operation_id in framework.operation_uuids:  # it has used the id again, so it knows of this one
            self._acknowledge_to(agent, update.operation_uuid, update.status.uuid)
        else:
            self._take(update, agent, self._adopt(update.operation_uuid, operation_id, agent, framework))

    def _adopt(
        self, uuid: bytes, operation_id: OperationID, agent: AgentEntry, framework: FrameworkEntry
    ) -> OperationEntry:
        """Enter an operation, so that its framework can acknowledge it.

        It stands there as one that makes nothing of nothing: what it has made, its agent came with.
        """
        operation = OperationEntry(
            uuid=uuid,
            operation=Reserve(NOTHING, id=operation_id),
            conversion=Conversion(NOTHING, NOTHING),
            framework_id=framework.id,
            role="",
            agent_id=agent.id,
            status=OperationStatus(state=OperationState.OPERATION_PENDING, operation_id=operation_id),
        )
        self._ledger.add_operation(operation)
        return operation

    def _take(self, update: OperationUpdate, agent: AgentEntry, operation: OperationEntry) -> None:
        status = replace(update.status, operation_id=operation.operation.id, agent_id=agent.id)
        old, is_repeated = operation.latest, operation.status.uuid == status.uuid is not None
        self._ledger.changes.operations[operation.uuid] = agent.id
        if operation.record(status, update.latest_state):
            self._end(agent, operation)
            if update.total is not None:
                self._follow(agent, update.total, frozenset(update.decided))
        if not is_repeated:
            self._tell(operation, old, operation.latest, status)
        framework = self._ledger.frameworks.get(operation.framework_id)
        is_told = framework is not None and not operation.is_orphan and operation.operation.id is not None
        if not is_told:
            self._acknowledge_to(agent, operation.uuid, status.uuid)
        elif framework is not None and framework.connected:
            self._send(framework, status)
        if status.state.is_terminal and (not is_told or status.uuid is None):  # no framework will acknowledge it
            self._ledger.remove_operation(operation)

    def _end(self, agent: AgentEntry, operation: OperationEntry) -> None:
        """Enter what an operation that is over has made, unless that was done when it was accepted."""
        if operation.is_speculative:
            return
        before, after = operation.conversion.before, operation.conversion.after
        has_made = operation.latest is OperationState.OPERATION_FINISHED and agent.total.contains(before)
        if operation.is_orphan:
            if has_made:
                self._resize(agent, agent.total - before + after)
        elif has_made:
            self._accounts.finish_operation(operation)
        else:
            self._accounts.fail_operation(operation)

    def _follow(self, agent: AgentEntry, total: Resources, decided: Set[bytes]) -> None:
        """Take the agent's word for what it has; it will go on from there with what it has not ``decided`` yet.

        A volume that has grown, and is in ``total``, is found not to be as it was when the agent tells of that.
        """
        for operation in agent.operations.values():
            done = operation.conversion
            is_under_way = operation.is_speculative and not operation.latest.is_terminal
            if is_under_way and operation.uuid not in decided and total.contains(done.before):
                total = total - done.before + done.after
        if total != agent.total:
            log.warning("agent %s has %s, %s was expected", agent.id, total.brief, agent.total.brief)
            self._resize(agent, total)

    def _resize(self, agent: AgentEntry, total: Resources) -> None:
        self._offering.rescind_offers(agent)
        self._accounts.agents.resize(agent, total)

    def _acknowledge_to(self, agent: AgentEntry, operation_uuid: bytes, status_uuid: bytes | None) -> None:
        if status_uuid is not None:
            agent.send(OperationAcknowledgement(operation_uuid=operation_uuid, status_uuid=status_uuid))

    # ---- what frameworks ask ----

    def acknowledge(self, framework: FrameworkEntry, call: AcknowledgeOperationStatus) -> None:
        """Pass an acknowledgement on to the agent; that of a terminal status ends what is kept of the operation."""
        operation = self._named(framework, call.operation_id)
        if operation is None or operation.status.uuid is None or operation.status.uuid != call.uuid:
            why = f"no such status of operation {str(call.operation_id)[:80]} is under way"
            self._metrics.judge(OPERATION_ACKNOWLEDGEMENTS, valid=False)
            self._metrics.drop(call, framework.id, why)
            return
        agent = self._ledger.agents[operation.agent_id]
        if not agent.connected:  # it repeats the status when it is back
            self._metrics.judge(OPERATION_ACKNOWLEDGEMENTS, valid=False)
            self._metrics.drop(call, framework.id, f"agent {agent.id} is not connected")
            return
        self._metrics.judge(OPERATION_ACKNOWLEDGEMENTS, valid=True)
        self._acknowledge_to(agent, operation.uuid, call.uuid)
        if operation.status.state.is_terminal:
            self._ledger.remove_operation(operation)

    def reconcile(self, framework: FrameworkEntry, call: ReconcileOperations) -> Iterator[None]:
        """Tell how the operations are that are named, or all that have an id."""
        scheduler = framework.pid

        def tell(operation_id: OperationID, reference: OperationReference | None = None) -> None:
            known = self._named(framework, operation_id)
            if not framework.connected or framework.pid != scheduler:
                return
            if known is not None:
                self._send(framework, _known_status(known))
            elif reference is not None:  # else it was acknowledged meanwhile
                self._send(framework, self._unknown_status(reference))

        if call.operations:
            return in_steps(call.operations, lambda one: tell(one.operation_id, one), ANSWERS_IN_STEP)
        return in_steps(framework.operation_uuids, tell, ANSWERS_IN_STEP)

    def _unknown_status(self, reference: OperationReference) -> OperationStatus:
        agent_id, roster = reference.agent_id, self._ledger.roster
        state, where = OperationState.OPERATION_UNKNOWN, "it never was, or is over and was acknowledged"
        if roster.may_return(agent_id):
            which = f"agent {agent_id} is" if agent_id is not None else "agents are"
            state, where = OperationState.OPERATION_RECOVERING, f"{which} yet to come back to this master"
        elif agent_id is not None and agent_id in roster.unreachable:
            state, where = OperationState.OPERATION_UNREACHABLE, f"agent {agent_id} cannot be reached"
        elif agent_id is not None and agent_id in roster.gone:
            state, where = OperationState.OPERATION_GONE_BY_OPERATOR, f"agent {agent_id} was declared gone"
        return OperationStatus(
            state=state,
            operation_id=reference.operation_id,
            message=f"Reconciliation: operation is unknown to the master; {where}",
            agent_id=agent_id,
        )

    def _named(self, framework: FrameworkEntry, operation_id: OperationID) -> OperationEntry | None:
        uuid = framework.operation_uuids.get(operation_id)
        return framework.operations[uuid] if uuid is not None else None

    def _send(self, framework: FrameworkEntry, status: OperationStatus) -> None:
        framework.send(UpdateOperationStatus(status))

    # ---- losses ----

    def lose(self, operation: OperationEntry, state: OperationState, why: str) -> None:
        """Forget an operation on an agent that is about to be struck off; its framework hears if it was under way."""
        if not operation.latest.is_terminal:
            status = OperationStatus(
                state=state,
                operation_id=operation.operation.id,
                message=f"Agent {operation.agent_id} is lost: {why}",
                agent_id=operation.agent_id,
            )
            framework = self._ledger.frameworks.get(operation.framework_id)
            is_told = operation.operation.id is not None and not operation.is_orphan
            if framework is not None and framework.connected and is_told:
                self._send(framework, status)
            self._tell(operation, operation.latest, state, status)
        self._accounts.lose_operation(operation)

    def _tell(
        self, operation: OperationEntry, old: OperationState, new: OperationState, status: OperationStatus
    ) -> None:
        who = (operation.framework_id, operation.agent_id, operation.uuid, operation.operation.id)
        self._ledger.chronicle.tell(happenings.OperationUpdated, *who, old, new, status)


def _known_status(operation: OperationEntry) -> OperationStatus:
    """The answer to a reconciliation of an operation that the master has."""
    return OperationStatus(
        state=operation.status.state,
        operation_id=operation.operation.id,
        message="Reconciliation: latest operation state",
        converted=operation.status.converted,
        agent_id=operation.agent_id,
    )


def _problem(update: OperationUpdate, operation: OperationEntry | None) -> str | None:
    """Why an update cannot be; ``operation`` is what is known of what it is about."""
    status, latest = update.status, update.latest_state
    for uuid in (update.operation_uuid, status.uuid):
        if uuid is not None and len(uuid) != UUID_BYTES:
            return f"a uuid of {len(uuid)} bytes; expected {UUID_BYTES}"
    name = update.operation_uuid.hex()
    if status.state.is_terminal and latest is not status.state:
        return f"{name} has ended in {status.state.name} and goes on in {latest.name}"
    if operation is not None and operation.latest.is_terminal and latest is not operation.latest:
        return f"{name} is {latest.name} and had ended in {operation.latest.name}"
    return None
