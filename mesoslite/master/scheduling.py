"""Scheduling: what the master does on the calls of a subscribed framework."""

# Who calls: master.py, once it knows that the call comes from the framework it names.
# Every call is answered by events: a framework's mistake is its own business, and the cluster carries on. An exception
#   means that the call was no such call (a text where a number belongs); the master removes the framework for it.
# Accept, the largest of them, is in accept.py.
# Source: Mesos src/master/master.cpp (decline, kill, acknowledge, reconcile).

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeAlias, assert_never

from mesoslite.model import (
    Accept,
    AcceptInverseOffers,
    AcknowledgeOperationStatus,
    Decline,
    DeclineInverseOffers,
    Kill,
    KillTask,
    Reconcile,
    ReconcileOperations,
    Revive,
    Shutdown,
    Suppress,
    TellExecutor,
    happenings,
)

from .accept import Acceptance
from .reconciliation import Reconciliation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .accounts import Accounts
    from .executors import Executors
    from .feedback import Feedback
    from .framework_entry import FrameworkEntry
    from .ledger import Ledger
    from .offering import Offering
    from .options import MasterOptions
    from .updates import Updates

log = logging.getLogger("mesoslite.master")

OFFERS_IN_STEP = 64  # that are declined

SchedulingCall: TypeAlias = (
    Accept
    | Decline
    | AcceptInverseOffers
    | DeclineInverseOffers
    | Kill
    | Reconcile
    | AcknowledgeOperationStatus
    | ReconcileOperations
    | Suppress
    | Revive
    | TellExecutor
    | Shutdown
)


class Scheduling:
    """The scheduler's calls, over the ledger and the accounts of one master; ``now`` reads the master's clock.

    ``acknowledge`` is that of a status, of which there are most: by itself, or it would pass through a choice of all.
    """

    def __init__(
        self,
        ledger: Ledger,
        accounts: Accounts,
        offering: Offering,
        updates: Updates,
        feedback: Feedback,
        executors: Executors,
        now: Callable[[], float],
        options: MasterOptions,
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._inverse = offering.inverse
        self.acknowledge = updates.acknowledge
        self._feedback = feedback
        self._executors = executors
        self._reconciliation = Reconciliation(ledger, now)
        self._acceptance = Acceptance(ledger, accounts, offering, now, options)

    def serve(self, framework: FrameworkEntry, call: SchedulingCall) -> Iterator[None] | None:
        """Do what ``call`` asks for; what is returned is still to be done, in slices."""
        match call:  # most first: of structs, a case that is not met takes a sixth of a microsecond
            case Accept():
                return self._acceptance.accept(framework, call)
            case Decline():
                return self.decline(framework, call)
            case AcceptInverseOffers() | DeclineInverseOffers():
                return self._inverse.answer(framework, call)
            case Kill():
                self.kill(framework, call)
            case Reconcile():
                return self._reconciliation.answer(framework, call)
            case AcknowledgeOperationStatus():
                self._feedback.acknowledge(framework, call)
            case ReconcileOperations():
                return self._feedback.reconcile(framework, call)
            case TellExecutor() | Shutdown():
                self._executors.serve(framework, call)
            case Suppress():
                self.suppress(framework, call.roles)
            case Revive():
                self.revive(framework, call.roles)
            case _:
                assert_never(call)
        return None

    def decline(self, framework: FrameworkEntry, call: Decline) -> Iterator[None]:
        """Take offers back, some in a step; those that do not stand any more are passed over."""
        for first in range(0, len(call.offer_ids), OFFERS_IN_STEP):
            offers = framework.standing(call.offer_ids[first : first + OFFERS_IN_STEP])
            self._accounts.decline(framework.id, offers, call.filters)
            yield

    def kill(self, framework: FrameworkEntry, call: Kill) -> None:
        """Have the agent kill a task; an unknown one is answered as a reconciliation of it would be."""
        task = framework.tasks.get(call.task_id)
        if task is None:
            self._reconciliation.tell(framework, call.task_id, call.agent_id)
        elif call.agent_id is not None and call.agent_id != task.agent_id:
            log.warning("kill: task %s runs on %s, not on %.80s; ignored", call.task_id, task.agent_id, call.agent_id)
        elif not task.state.is_terminal:
            message = KillTask(framework_id=framework.id, task_id=call.task_id, grace_seconds=call.grace_seconds)
            agent = self._ledger.agents[task.agent_id]
            agent.kills[framework.id, call.task_id] = message
            agent.send(message)
            self._ledger.chronicle.tell(happenings.TaskKillAsked, framework.id, agent.id, call.task_id)

    def suppress(self, framework: FrameworkEntry, roles: tuple[str, ...]) -> None:
        """Make no more offers to these roles, or to all of the framework's."""
        if self._subscribed(framework, roles, "suppress"):
            self._accounts.suppress(framework.id, tuple(dict.fromkeys(roles)))

    def revive(self, framework: FrameworkEntry, roles: tuple[str, ...]) -> None:
        """Make offers to these roles, or to all of the framework's, again."""
        if self._subscribed(framework, roles, "revive"):
            self._accounts.revive(framework.id, tuple(dict.fromkeys(roles)))

    def _subscribed(self, framework: FrameworkEntry, roles: tuple[str, ...], operation: str) -> bool:
        own = frozenset(framework.info.roles)
        stranger = next((role for role in roles if role not in own), None)
        if stranger is not None:
            log.warning("%s: framework %s is not in role %.80s; ignored", operation, framework.id, stranger)
        return stranger is None
