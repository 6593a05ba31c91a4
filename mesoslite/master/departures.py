"""Departures: frameworks are lost, waited for, and removed."""

# Who calls: master.py, inside the master actor, which also lends the timers.
# Source: Mesos src/master/master.cpp (_exited, frameworkFailoverTimeout, removeFramework).

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mesoslite.model import Reason, ShutdownFramework, TaskState

from .slices import in_steps
from .statuses import master_status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import libactor as la
    from mesoslite.model import AgentID, ExecutorID, FrameworkID, Offer

    from .accounts import Accounts
    from .agent_entry import AgentEntry
    from .framework_entry import FrameworkEntry
    from .ledger import Ledger
    from .offering import Offering
    from .operations import ExecutorEntry, OperationEntry
    from .slices import Slices
    from .tasks import TaskEntry

log = logging.getLogger("mesoslite.master")

AGENTS_IN_STEP = 64  # that are told
ENTRIES_IN_STEP = 32


class Departures:
    """The ends of frameworks, over the ledger and the accounts of one master; ``now`` reads the master's clock.

    A framework ends at once for whoever asks for it, and in slices for its agents and the books.

    ``later(seconds, framework_id, disconnections)`` has ``failover_expired`` called with these in so many seconds.
    """

    def __init__(
        self,
        ledger: Ledger,
        accounts: Accounts,
        now: Callable[[], float],
        later: Callable[[float, FrameworkID, int], la.Timer],
        offering: Offering,
        slices: Slices,
    ) -> None:
        self._offering = offering
        self._slices = slices
        self._ledger = ledger
        self._accounts = accounts
        self._now = now
        self._later = later
        self._timers: dict[FrameworkID, la.Timer] = {}  # of those that were lost; one each, however often

    def disconnect(self, framework: FrameworkEntry) -> None:
        """Its scheduler is gone: it keeps its tasks for the failover timeout."""
        self._offering.take_back_all(framework)
        self._accounts.deactivate_framework(framework)
        seconds = framework.info.failover_timeout
        log.info("framework %s is disconnected; it has %s s to come back", framework.id, seconds)
        if seconds:
            self._forget_timer(framework.id)
            self._timers[framework.id] = self._later(seconds, framework.id, framework.disconnections)
        else:
            self.remove(framework)

    def failover_expired(self, framework_id: FrameworkID, disconnections: int) -> None:
        """Remove a framework that has not come back since its so many-th loss."""
        framework = self._ledger.frameworks.get(framework_id)
        if framework is not None and not framework.connected and framework.disconnections == disconnections:
            self.remove(framework)

    def remove(self, framework: FrameworkEntry) -> None:
        """Every agent ends its tasks; here they count as killed, and nobody is told."""
        if framework.is_ending:
            return
        self._forget_timer(framework.id)
        self._accounts.end_framework(framework)
        self._offering.holdings.void_all(framework)
        self._slices.take(framework.id, self._remove(framework))

    def _forget_timer(self, framework_id: FrameworkID) -> None:
        timer = self._timers.pop(framework_id, None)
        if timer is not None:
            timer.cancel()

    def _remove(self, framework: FrameworkEntry) -> Iterator[None]:
        yield from in_steps(self._ledger.agents.values(), lambda agent: self._leave(framework, agent), AGENTS_IN_STEP)
        yield from in_steps(framework.offers.values(), self._take_back, ENTRIES_IN_STEP)
        yield from in_steps(framework.inverse_offers.values(), self._offering.inverse.take_back, ENTRIES_IN_STEP)
        yield from in_steps(framework.tasks.values(), lambda task: self._end_task(framework, task), ENTRIES_IN_STEP)
        yield from in_steps(framework.executors.items(), lambda one: self._end(framework, *one), ENTRIES_IN_STEP)
        yield from in_steps(framework.operations.values(), lambda one: self._orphan(framework, one), ENTRIES_IN_STEP)
        framework.unregistered_time = self._now()
        self._accounts.remove_framework(framework)
        log.info("framework %s (%s) is removed", framework.id, framework.info.name)

    def _leave(self, framework: FrameworkEntry, agent: AgentEntry) -> None:
        agent.send(ShutdownFramework(framework.id))
        agent.answers.pop(framework.id, None)

    # ---- what may have gone since it was listed ----

    def _take_back(self, offer: Offer) -> None:
        if offer.id in self._ledger.offers:
            self._accounts.take_back(offer)

    def _end_task(self, framework: FrameworkEntry, task: TaskEntry) -> None:
        if framework.tasks.get(task.task_id) is not task:
            return
        if not task.state.is_terminal:
            status = master_status(
                task.task_id,
                TaskState.TASK_KILLED,
                now=self._now(),
                reason=Reason.REASON_FRAMEWORK_REMOVED,
                message=f"Framework {framework.id} was removed",
                agent_id=task.agent_id,
            )
            self._accounts.record(task, status, TaskState.TASK_KILLED)
        self._ledger.complete_task(task)

    def _end(self, framework: FrameworkEntry, key: tuple[AgentID, ExecutorID], executor: ExecutorEntry) -> None:
        if framework.executors.get(key) is executor:
            self._accounts.release_executor(executor)

    def _orphan(self, framework: FrameworkEntry, operation: OperationEntry) -> None:
        if operation.uuid in framework.operations:
            self._accounts.orphan_operation(operation)
