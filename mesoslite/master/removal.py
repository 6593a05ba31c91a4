"""Removal: agents get lost, are waited for, and are struck off, with all that it means for tasks and offers."""

# Who calls: master.py and registration.py, inside the master actor, which also lends the timers.
# An agent whose connection breaks is waited for; one that does not answer pings, or does not come back in time, is
#   marked unreachable, and may come back all the same; one that leaves, or that an operator declares gone, will not.
# Invariants: 1. an agent is struck off only once the registry says so, durably, and nothing else is begun about it
#   meanwhile (roster.py).    2. of those that are to be marked unreachable, as many are in a time as the limit lets
#   through; an answer to a ping takes back what pings began, a return takes back all.
# Source: Mesos src/master/master.cpp (exited, disconnect, markUnreachable, _markGone, removeSlave).

from __future__ import annotations

import logging
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

import libactor as la
from mesoslite.model import Failure, OperationState, Reason, ShutdownAgent, TaskState, Update, happenings
from mesoslite.model.errors import InTransition, NotFound
from mesoslite.model.registry import MarkAgentGone, MarkAgentUnreachable, RemoveAgent

from .slices import in_steps
from .statuses import master_status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mesoslite.model import AgentID

    from .accounts import Accounts
    from .agent_entry import AgentEntry
    from .durability import Durability
    from .feedback import Feedback
    from .framework_entry import FrameworkEntry
    from .ledger import Ledger
    from .metrics import MasterMetrics
    from .offering import Offering
    from .operations import ExecutorEntry, OperationEntry
    from .slices import Slices
    from .tasks import TaskEntry

log = logging.getLogger("mesoslite.master")

SECOND = 1_000_000_000
ENTRIES_IN_STEP = 32
WHY_DOWN = "Operator initiated 'Machine DOWN'"


class Cause(Enum):
    """Why an agent is to be marked unreachable."""

    PINGS = "it does not answer pings"
    RETURN = "it has not come back in time"


CAUSES = tuple(Cause)


class _Fate(NamedTuple):
    """What becomes of the tasks of an agent; ``aware`` is the state for frameworks that know it."""

    aware: TaskState
    reason: Reason
    message: str
    since_ns: int | None = None  # that it cannot be reached
    operations: OperationState = OperationState.OPERATION_UNKNOWN  # what becomes of those


class Removal:
    """Strikes agents off the books of one master; ``now`` reads the master's clock.

    ``wait(agent_id, disconnections)`` has ``overdue`` called with these when the time for a return is over.
    ``limiter`` bounds how fast agents are marked unreachable; None does not.
    """

    def __init__(
        self,
        ledger: Ledger,
        accounts: Accounts,
        offering: Offering,
        feedback: Feedback,
        durability: Durability,
        metrics: MasterMetrics,
        slices: Slices,
        *,
        now: Callable[[], float],
        wait: Callable[[AgentID, int], la.Timer],
        watch: Callable[[AgentEntry | AgentID], None],
        limiter: la.RateLimiter | None = None,
    ) -> None:
        self._ledger = ledger
        self._roster = ledger.roster
        self._accounts = accounts
        self._offering = offering
        self._feedback = feedback
        self._durability = durability
        self._metrics = metrics
        self._slices = slices
        self._now = now
        self._wait = wait
        self._watch = watch
        self.limiter = limiter
        self._scheduled: dict[tuple[AgentID, Cause], la.Future[None]] = {}
        self._timers: dict[AgentID, la.Timer] = {}  # of those that are waited for
        self._postponed: dict[AgentID, Cause] = {}  # since they were just returning

    # ---- an agent that is not there ----

    def disconnect(self, agent: AgentEntry, why: str) -> None:
        """Its connection is broken: nothing of it is offered, and it has some time to come back.

        Tasks of frameworks that do not checkpoint would not survive its restart: they count as lost at once.
        """
        if not agent.connected or agent.id in self._roster.removing:
            return
        self._offering.rescind_all(agent)
        self._accounts.agents.disconnect(agent, why)
        fate = _Fate(TaskState.TASK_LOST, Reason.REASON_AGENT_DISCONNECTED, f"Agent {agent.id} is disconnected: {why}")
        self._slices.take(agent.id, self._lose_unsaved(agent, fate))
        self._watch(agent)
        self._timers[agent.id] = self._wait(agent.id, agent.disconnections)
        log.info("agent %s is disconnected: %s", agent.id, why)

    def _lose_unsaved(self, agent: AgentEntry, fate: _Fate) -> Iterator[None]:
        """Lose what would not survive a restart of the agent, unless it says before that what it has."""
        number = agent.disconnections

        def is_gone(holder: TaskEntry | ExecutorEntry) -> bool:
            is_away = not agent.connected and agent.disconnections == number
            return is_away and not self._ledger.frameworks[holder.framework_id].info.checkpoint

        def lose(task: TaskEntry) -> None:
            if task in agent.tasks and is_gone(task):
                self._lose_task(task, fate)

        def release(executor: ExecutorEntry) -> None:
            key = (executor.framework_id, executor.info.executor_id)
            if agent.executors.get(key) is executor and is_gone(executor):
                self._accounts.release_executor(executor)

        yield from in_steps(agent.tasks, lose, ENTRIES_IN_STEP)
        yield from in_steps(agent.executors.values(), release, ENTRIES_IN_STEP)

    def overdue(self, agent_id: AgentID, disconnections: int) -> None:
        """The time that an agent had to come back, since its so many-th loss, is over."""
        agent = self._ledger.agents.get(agent_id)
        if agent is not None and not agent.connected and agent.disconnections == disconnections:
            self.schedule(agent_id, Cause.RETURN)

    def schedule(self, agent_id: AgentID, cause: Cause) -> None:
        """Mark an agent unreachable as soon as the limit permits."""
        if (agent_id, cause) in self._scheduled:
            return
        self._metrics.unreachable_scheduled.value += 1
        if self.limiter is None:
            self.mark_unreachable(agent_id, cause)
            return
        permit = self._scheduled[agent_id, cause] = self.limiter.acquire()
        permit.on_ready(la.defer(lambda _: self._permitted(agent_id, cause, permit)))

    def cancel(self, agent_id: AgentID, *causes: Cause) -> None:
        """It is there after all: do not mark it unreachable for these causes."""
        if Cause.RETURN in causes:
            self._postponed.pop(agent_id, None)
            timer = self._timers.pop(agent_id, None)
            if timer is not None:
                timer.cancel()
        for cause in causes if self._scheduled else ():
            permit = self._scheduled.pop((agent_id, cause), None)
            if permit is not None:
                self._metrics.unreachable_canceled.value += 1
                permit.discard()

    def not_returned(self, agent_id: AgentID) -> None:
        """The registry has refused its return: if its time was over meanwhile, give it up now."""
        cause = self._postponed.pop(agent_id, None)
        if cause is not None:
            self.schedule(agent_id, cause)

    def _permitted(self, agent_id: AgentID, cause: Cause, permit: la.Future[None]) -> None:
        if self._scheduled.get((agent_id, cause)) is permit:
            del self._scheduled[agent_id, cause]
            self.mark_unreachable(agent_id, cause)

    def mark_unreachable(self, agent_id: AgentID, cause: Cause) -> None:
        """Give an agent up for now, unless something else is under way with it."""
        roster = self._roster
        is_known = agent_id in self._ledger.agents or agent_id in roster.recovered
        if not is_known or agent_id in roster.reregistering or roster.is_leaving(agent_id):
            if agent_id in roster.reregistering:
                self._postponed[agent_id] = cause
            self._metrics.unreachable_canceled.value += 1
            log.info("agent %s is not marked unreachable: something else is under way with it", agent_id)
            return
        roster.marking_unreachable.add(agent_id)
        since_ns = int(self._now() * SECOND)
        self._durability.apply(
            MarkAgentUnreachable(agent_id, since_ns),
            lambda: self._marked_unreachable(agent_id, cause, since_ns),
        )

    def _marked_unreachable(self, agent_id: AgentID, cause: Cause, since_ns: int) -> None:
        roster = self._roster
        roster.unreachable[agent_id] = since_ns
        self.cancel(agent_id, *CAUSES)
        self._metrics.unreachable_completed.value += 1
        if roster.await_no_more(agent_id):
            roster.marking_unreachable.discard(agent_id)
            self._metrics.recovery_removals.value += 1
            self._slices.take(agent_id, self._tell_failure(agent_id))
            self._ledger.chronicle.tell(happenings.AgentUnreachable, agent_id, cause.value)
            log.info("agent %s is unreachable: %s since the last master", agent_id, cause.value)
            return
        fate = _Fate(
            TaskState.TASK_UNREACHABLE,
            Reason.REASON_AGENT_REMOVED,
            f"Agent {agent_id} is unreachable: {cause.value}",
            since_ns,
            OperationState.OPERATION_UNREACHABLE,
        )

        def unreachable() -> None:
            roster.marking_unreachable.discard(agent_id)
            self._metrics.removed("unhealthy")
            self._ledger.chronicle.tell(happenings.AgentUnreachable, agent_id, cause.value)

        self._strike_off(agent_id, fate, unreachable)

    # ---- an agent that will not be back ----

    def remove(self, agent: AgentEntry, why: str, kind: str) -> None:
        """Let go of an agent for good, once the registry has; it has left, or something new has its address."""
        agent_id = agent.id
        if self._roster.is_leaving(agent_id):
            log.info("agent %s is not removed: something else is under way with it", agent_id)
            return
        self._roster.removing.add(agent_id)
        self._durability.apply(
            RemoveAgent(agent_id),
            lambda: self._removed(agent_id, why, kind),
        )

    def end_if_down(self, agent: AgentEntry) -> None:
        """Tell an agent to stop, and let go of it, if its machine is being serviced."""
        if self._roster.is_down(agent.info, agent.pid.address):
            agent.send(ShutdownAgent(WHY_DOWN))
            self.remove(agent, WHY_DOWN, "unregistered")

    def _removed(self, agent_id: AgentID, why: str, kind: str) -> None:
        self._roster.left(agent_id)
        self.cancel(agent_id, *CAUSES)  # nobody waits for the turn of one that is gone
        fate = _Fate(TaskState.TASK_LOST, Reason.REASON_AGENT_REMOVED, f"Agent {agent_id} is lost: {why}")

        def removed() -> None:
            self._roster.removing.discard(agent_id)
            self._metrics.removed(kind)
            self._ledger.chronicle.tell(happenings.AgentRemoved, agent_id, why)

        self._strike_off(agent_id, fate, removed)

    def mark_gone(self, agent_id: AgentID) -> la.Future[None]:
        """Declare an agent gone, for an operator; ready once that is durable.

        Raises: through the future NotFound, for one that nobody knows, and InTransition, for one that is just being
        removed or registered.
        """
        roster, promise = self._roster, la.Promise[None]()
        if agent_id in roster.gone:
            promise.set(None)
            return promise.future
        is_known = agent_id in self._ledger.agents or agent_id in roster.recovered or agent_id in roster.unreachable
        is_busy = roster.is_leaving(agent_id) or agent_id in roster.reregistering
        if not is_known or is_busy:
            busy = InTransition(f"gone: agent {agent_id} is just being removed or registered; ask again")
            promise.fail(busy if is_known else NotFound(f"gone: agent {agent_id} is not known; look its id up"))
            return promise.future
        roster.marking_gone.add(agent_id)
        since_ns = int(self._now() * SECOND)

        def refused(error: Exception) -> None:
            roster.marking_gone.discard(agent_id)
            promise.fail(error)

        def durable() -> None:
            self._marked_gone(agent_id, since_ns)
            promise.set(None)

        self._durability.apply(MarkAgentGone(agent_id, since_ns), durable, refused)
        return promise.future

    def _marked_gone(self, agent_id: AgentID, since_ns: int) -> None:
        roster = self._roster
        roster.gone[agent_id] = since_ns
        self.cancel(agent_id, *CAUSES)
        roster.await_no_more(agent_id)
        roster.forget(agent_id)
        fate = _Fate(
            TaskState.TASK_GONE_BY_OPERATOR,
            Reason.REASON_AGENT_REMOVED_BY_OPERATOR,
            f"Agent {agent_id} was declared gone by an operator",
            operations=OperationState.OPERATION_GONE_BY_OPERATOR,
        )
        was_unreachable = roster.unreachable.pop(agent_id, None) is not None
        agent = self._ledger.agents.get(agent_id)

        def gone() -> None:
            roster.marking_gone.discard(agent_id)
            self._ledger.chronicle.tell(happenings.AgentGone, agent_id)
            if agent is not None:
                self._metrics.removed("unregistered")

        if agent is not None:
            agent.send(ShutdownAgent("Agent has been marked gone"))
            self._strike_off(agent_id, fate, gone)
        elif was_unreachable:
            self._slices.take(agent_id, self._give_up_unreachable(agent_id, fate, gone))
        else:
            gone()

    # ---- what becomes of its offers and tasks ----

    def _strike_off(self, agent_id: AgentID, fate: _Fate, then: Callable[[], None]) -> None:
        """Its offers are rescinded, its tasks lost, its resources struck off; frameworks hear of all of it.

        It is offered no more at once; the rest goes in slices, and ``then`` is called when it is out of the books.
        """
        agent = self._ledger.agents[agent_id]
        self._watch(agent_id)
        self._offering.rescind_all(agent)
        self._accounts.agents.withdraw(agent)
        self._slices.take(agent_id, self._lose_all(agent, fate, then))

    def _lose_all(self, agent: AgentEntry, fate: _Fate, then: Callable[[], None]) -> Iterator[None]:
        def lose(task: TaskEntry) -> None:
            if task in agent.tasks:  # it has not ended meanwhile
                self._lose_task(task, fate)

        def forget(operation: OperationEntry) -> None:
            if operation.uuid in agent.operations:
                self._feedback.lose(operation, fate.operations, fate.message)

        def complete(task: TaskEntry) -> None:
            if task in agent.ended:
                self._ledger.complete_task(task)  # nobody can acknowledge it any more

        yield from in_steps(agent.tasks, lose, ENTRIES_IN_STEP)
        yield from in_steps(agent.operations.values(), forget, ENTRIES_IN_STEP)
        yield from in_steps(agent.executors.values(), self._release, ENTRIES_IN_STEP)
        yield from in_steps(agent.ended, complete, ENTRIES_IN_STEP)
        self._accounts.agents.remove(agent)
        then()
        log.info("agent %s is struck off: %s", agent.id, fate.message)
        yield from self._tell_failure(agent.id)

    def _tell_failure(self, agent_id: AgentID) -> Iterator[None]:
        def tell(framework: FrameworkEntry) -> None:
            if framework.connected:
                framework.send(Failure(agent_id))

        return in_steps(self._ledger.connected_frameworks(), tell, ENTRIES_IN_STEP)

    def _release(self, executor: ExecutorEntry) -> None:
        agent = self._ledger.agents[executor.agent_id]
        if agent.executors.get((executor.framework_id, executor.info.executor_id)) is executor:
            self._accounts.release_executor(executor)

    def _lose_task(self, task: TaskEntry, fate: _Fate) -> None:
        framework = self._ledger.frameworks[task.framework_id]
        self._conclude(framework, task, fate)
        if fate.since_ns is None:
            self._ledger.complete_task(task)
        else:
            self._ledger.lose_sight_of(task)

    def _give_up_unreachable(self, agent_id: AgentID, fate: _Fate, then: Callable[[], None]) -> Iterator[None]:
        """Tasks of an agent that was out of reach are over."""

        def give_up(task: TaskEntry) -> None:
            framework = self._ledger.frameworks.get(task.framework_id)
            if framework is not None and framework.unreachable.get(task.task_id) is task:
                self._conclude(framework, task, fate)
                self._ledger.complete_unreachable(task)

        yield from in_steps(self._ledger.out_of_reach.of(agent_id), give_up, ENTRIES_IN_STEP)
        then()

    def _conclude(self, framework: FrameworkEntry, task: TaskEntry, fate: _Fate) -> None:
        state = fate.aware if framework.partition_aware else TaskState.TASK_LOST
        status = master_status(
            task.task_id,
            state,
            now=self._now(),
            reason=fate.reason,
            message=fate.message,
            agent_id=task.agent_id,
            unreachable_ns=fate.since_ns,
        )
        self._accounts.record(task, status, state, lost=True)
        if framework.connected:
            framework.send(Update(status))
