"""Returns: what an agent that comes back has brought along, and what the master makes of it."""

# Who calls: registration.py, inside the master actor, once the registry knows of the return.
# An agent comes back to a master that has it in its books (``reconcile``), or to one that has not (``enter``), since it
#   leads only now, or has given the agent up.
# Tasks of frameworks that were removed are not entered: the agent is told to end them. Tasks that the agent does not
#   name, and the master has, may have been launched while its message was under way; so the agent is asked about them.
# Executors are in returning_executors.py, forgotten ends in forgotten_ends.py; about operations it is asked. If it does
#   not count as over what is acknowledged as that, it is told so again; in Mesos it repeats its last status for ever.
# Source: Mesos src/master/master.cpp (__reregisterSlave, reconcileKnownSlave, updateSlaveFrameworks).

from __future__ import annotations

import logging
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import libactor as la
from mesoslite.model import (
    AgentReregistered,
    KillTask,
    OperationsExpected,
    Reason,
    StatusUpdateAcknowledgement,
    TaskState,
    UnconfirmedTask,
    Update,
)

from .alike import alike, by_kind
from .forgotten_ends import conclude_ends
from .named import Named
from .removal import CAUSES
from .returning_executors import ReturningExecutors, unconfirmed_executors
from .slices import in_steps
from .statuses import master_status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from mesoslite.model import AgentID, FrameworkID, ReregisterAgent, TaskID, UnconfirmedExecutor

    from .accounts import Accounts
    from .agent_entry import AgentEntry
    from .alike import Alike, ByKind
    from .brought import Brought
    from .draining import Draining
    from .framework_entry import FrameworkEntry
    from .ledger import Ledger
    from .offering import Offering
    from .removal import Removal
    from .subscription import Subscriptions
    from .tasks import TaskEntry

log = logging.getLogger("mesoslite.master")

TASKS_IN_STEP = 128
KILLS_IN_STEP = 16


class _Found(NamedTuple):
    """What an agent has brought that the master did not have."""

    tasks: list[TaskEntry]  # to be entered
    duplicates: list[TaskEntry]  # whose id their framework uses on another agent
    doubtful: dict[tuple[FrameworkID, TaskID], UnconfirmedTask]  # to be entered untold, and asked about: it may be late
    known: list[tuple[FrameworkEntry, Mapping[TaskID, TaskEntry]]]  # to be entered, and something of whose id was known


class Returns:
    """Enters what agents bring in the books of one master; ``now`` reads its clock, ``watch`` has an agent pinged."""

    def __init__(
        self,
        ledger: Ledger,
        accounts: Accounts,
        offering: Offering,
        subscriptions: Subscriptions,
        removal: Removal,
        draining: Draining,
        *,
        now: Callable[[], float],
        watch: Callable[[AgentEntry | AgentID], None],
        ping_timeout: float,
    ) -> None:
        self._ledger = ledger
        self._roster = ledger.roster
        self._accounts = accounts
        self._offering = offering
        self._subscriptions = subscriptions
        self._removal = removal
        self._draining = draining
        self._now = now
        self._watch = watch
        self._ping_timeout = ping_timeout
        self._executors = ReturningExecutors(ledger)

    def enter(self, agent: AgentEntry, message: ReregisterAgent, brought: Brought) -> Iterator[None]:
        """Take an agent into the books, with its tasks; frameworks hear of those that were given up."""
        roster, named = self._roster, Named(brought.frameworks, self._ledger, self._subscriptions)
        yield from named.enter()
        was_given_up = not roster.await_no_more(agent.id)
        roster.unreachable.pop(agent.id, None)
        roster.removed.pop(agent.id, None)
        roster.entering.add(agent.id)
        agent.reregistered_time, launches = self._now(), self._ledger.launches
        agent.active = roster.may_be_offered(agent.id)  # from now on it is found by who says otherwise
        self._forget_lost(agent.id, brought)
        self._accounts.agents.begin_entry(agent)
        self._accounts.agents.enter_executors(agent, self._executors.missing(agent, message))
        found = _Found([], [], {}, [])
        for number, portion in enumerate(brought.portions):
            if number:
                yield
                if not self._goes_on(agent):
                    return
            groups = self._sort(agent, by_kind(portion.tasks), named, found)
            while found.known:
                self._ledger.forget_tasks(*found.known.pop())
            self._enter_tasks(agent, groups, found if was_given_up else None)
        la.link(agent.pid, reconnect=was_given_up)
        self._accounts.agents.end_entry(agent, connected=True)
        self.welcome(agent, tuple(found.doubtful.values()), launches)
        log.info("agent %s at %s is back; tasks of it: %d", agent.id, agent.pid, len(found.tasks))
        yield from named.tell(agent)
        yield from self._end_duplicates(agent, found)
        if brought.completed:
            yield from in_steps(brought.completed, self._remember, TASKS_IN_STEP)

    def reconcile(
        self, agent: AgentEntry, message: ReregisterAgent, brought: Brought, pid: la.PID[Any]
    ) -> Iterator[None]:
        """Compare what an agent says that it runs with the books."""
        if pid != agent.pid:
            self._ledger.move_agent(agent, pid)
        la.link(pid, reconnect=True)  # the connection that there was may be dead, and its end be told late
        found, named = _Found([], [], {}, []), Named(brought.frameworks, self._ledger, self._subscriptions)
        yield from named.enter()
        unconfirmed, ids = list[UnconfirmedTask](), brought.ids()
        launches = self._ledger.launches  # what is launched from here on, it is not asked about
        absent = unconfirmed_executors(agent, message)
        for number, known in enumerate(_portions(list(agent.tasks))):
            if number:
                yield
            unconfirmed += [self._unconfirmed(task) for task in known if not task.is_in(ids) and task in agent.tasks]
        for number, brought_together in enumerate(brought.portions):
            if number:
                yield
            self._sort(agent, by_kind(brought_together.tasks), named, found)
        yield from conclude_ends(self._ledger, agent, ids, self._now)
        if not self._goes_on(agent):
            return
        under_way = _under_way(agent)
        total = agent.total if under_way else message.total or message.info.resources
        has_changed = message.info != agent.info or total != agent.total
        missing = self._executors.missing(agent, message)
        if found.tasks or missing or has_changed:
            self._offering.rescind_all(agent)
        if has_changed:
            self._accounts.agents.update(agent, message.info, total)
        agent.reregistered_time, agent.version = self._now(), message.version
        if found.tasks or missing:
            self._accounts.agents.begin_reentry(agent)
            self._accounts.agents.enter_executors(agent, missing)
            for number, portion in enumerate(_portions(found.tasks)):
                if number:
                    yield
                    if not self._goes_on(agent):
                        return
                self._enter_tasks(agent, self._still_missing(agent, portion, found), found)
            self._accounts.agents.end_entry(agent, connected=True)
        self._accounts.agents.connect(agent)
        self.welcome(agent, (*unconfirmed, *found.doubtful.values()), launches, absent)
        if under_way:
            agent.send(OperationsExpected(under_way))
        for kill in agent.kills.values():
            agent.send(kill)
        log.info("agent %s at %s has registered again; tasks it is asked about: %d", agent.id, pid, len(unconfirmed))
        yield from named.tell(agent)
        yield from self._end_duplicates(agent, found)

    def refused(self, agent_id: AgentID) -> None:
        """An agent does not come back after all: what was left undone since it would is done now."""
        self._removal.not_returned(agent_id)
        self._draining.look_again(agent_id)

    def ask(self, agent: AgentEntry) -> None:
        """Ask an agent about all that was sent to it: it did not know yet that it is in, and may have ignored it."""
        unconfirmed = tuple([self._unconfirmed(task) for task in agent.tasks])
        absent = unconfirmed_executors(agent, None)
        if unconfirmed or absent:
            self._confirm(agent, unconfirmed, self._ledger.launches, absent)
        under_way = _under_way(agent)
        if under_way:
            agent.send(OperationsExpected(under_way))

    def _goes_on(self, agent: AgentEntry) -> bool:
        """Whether an agent is still to come back: it may be given up meanwhile; then the books are left as they are."""
        is_here = self._ledger.agents.get(agent.id) is agent
        if is_here and not self._roster.is_leaving(agent.id):
            return True
        self._over(agent)
        if is_here and self._accounts.agents.is_untold(agent):
            self._accounts.agents.end_entry(agent, connected=False)
        log.info("agent %s is given up while it is coming back", agent.id)
        return False

    def _over(self, agent: AgentEntry) -> None:
        self._roster.entering.discard(agent.id)
        self._roster.reregistering.discard(agent.id)

    # ---- tasks ----

    def _sort(
        self,
        agent: AgentEntry,
        kinds: ByKind,
        named: Named,
        found: _Found,
    ) -> list[Alike]:
        """Tell apart what to enter, what to end, and what is over; frameworks that nobody knew are entered.

        What is to be entered is returned, and noted in ``found``.
        """
        groups: list[Alike] = []
        for (framework_id, role, state), tasks in kinds.items():
            framework = named.find(framework_id)
            if framework is None:
                continue
            if not framework.knows_none(tasks.keys()):
                tasks = {key: one for key, one in tasks.items() if self._is_missing(agent, framework, one, found)}
                found.known.append((framework, tasks))
            if not role:
                role = framework.info.roles[0]
                for task in tasks.values():
                    task.role = role
            found.tasks.extend(tasks.values())
            groups.append(alike(framework, role, state, tasks))
        return groups

    def _is_missing(self, agent: AgentEntry, framework: FrameworkEntry, task: TaskEntry, found: _Found) -> bool:
        """Whether a task is to be entered, of whose id the master may know something."""
        if self._is_listed(agent, framework, task, found) or self._acknowledge_again(agent, framework, task):
            return False
        self._doubt(agent, framework, task, found)
        return True

    def _is_listed(self, agent: AgentEntry, framework: FrameworkEntry, task: TaskEntry, found: _Found) -> bool:
        """Whether the framework has a task of that id; if that is on another agent, this one is not to go on."""
        known = framework.tasks.get(task.task_id)
        if known is not None and known.agent_id != agent.id and not task.state.is_terminal:
            found.duplicates.append(task)
        return known is not None

    def _still_missing(self, agent: AgentEntry, tasks: list[TaskEntry], found: _Found) -> list[Alike]:
        """Those of frameworks that have not ended since they were compared, and under whose id nothing was launched."""
        groups: list[Alike] = []
        for (framework_id, role, state), several in by_kind(tasks).items():
            framework = self._ledger.frameworks.get(framework_id)
            if framework is not None and not framework.is_ending:
                still = {key: one for key, one in several.items() if not self._is_listed(agent, framework, one, found)}
                self._ledger.forget_tasks(framework, still)
                groups.append(alike(framework, role, state, still))
        return groups

    def _acknowledge_again(self, agent: AgentEntry, framework: FrameworkEntry, task: TaskEntry) -> bool:
        """Whether the last status of a task was acknowledged; then the agent is told so once more."""
        if not task.state.is_terminal or not task.statuses:
            return False
        last = task.statuses[-1].uuid
        known = framework.completed.newest(task.task_id, agent.id)
        if known is None or not known.is_acknowledged or last is None or known.update_uuid != last:
            return False
        agent.send(
            StatusUpdateAcknowledgement(agent_id=agent.id, framework_id=framework.id, task_id=task.task_id, uuid=last)
        )
        return True

    def _doubt(self, agent: AgentEntry, framework: FrameworkEntry, task: TaskEntry, found: _Found) -> None:
        """Have the agent asked about a task that is said to live, and whose end was acknowledged: that may be late.

        If it does not live, it has ended as is known. One that is out of reach was launched after that.
        """
        if task.state.is_terminal or task.task_id in framework.unreachable:
            return
        known = framework.completed.newest(task.task_id, agent.id)
        if known is not None and known.is_acknowledged:
            found.doubtful[framework.id, task.task_id] = UnconfirmedTask(framework.id, task.task_id, known.state)

    def _enter_tasks(self, agent: AgentEntry, groups: list[Alike], told: _Found | None) -> None:
        """Enter tasks of an agent.

        ``told``: frameworks took these for lost, and hear that they live, but for what is doubtful.
        """
        self._accounts.agents.enter_tasks(agent, groups)
        if told is None:
            return
        for framework, _, _, tasks, _ in groups:
            for task in tasks.values() if framework.connected else ():
                if (framework.id, task.task_id) not in told.doubtful:
                    self._tell_return(framework, task)

    def _unconfirmed(self, task: TaskEntry) -> UnconfirmedTask:
        framework = self._ledger.frameworks[task.framework_id]
        state = TaskState.TASK_DROPPED if framework.partition_aware else TaskState.TASK_LOST
        return UnconfirmedTask(task.framework_id, task.task_id, state)

    def _forget_lost(self, agent_id: AgentID, brought: Brought) -> None:
        """Tasks that were out of reach, and that their agent does not have, never got there: they are over."""
        ids = brought.ids()
        for task in [one for one in self._ledger.out_of_reach.of(agent_id) if not one.is_in(ids)]:
            status = master_status(
                task.task_id,
                TaskState.TASK_GONE,
                now=self._now(),
                reason=Reason.REASON_RECONCILIATION,
                message=f"Agent {agent_id} came back without it",
                agent_id=agent_id,
            )
            self._accounts.record(task, status, TaskState.TASK_GONE)
            self._ledger.complete_unreachable(task)

    def room(self, framework_id: FrameworkID, is_named: bool) -> int:
        """How many of a framework's tasks that are over an agent may tell of: none, if that is not there, as in Mesos.

        ``is_named``: by the agent, so it will be there. What the master knows itself is not forgotten for it.
        """
        framework = self._ledger.frameworks.get(framework_id)
        if framework is None:
            return self._subscriptions.completed_max if is_named else 0
        return framework.completed.room

    def _remember(self, task: TaskEntry) -> None:
        framework = self._ledger.frameworks.get(task.framework_id)
        if framework is None or framework.completed.room <= 0 or task.task_id in framework.tasks:
            return
        if task.task_id not in framework.completed:
            task.role = task.role or framework.info.roles[0]
            framework.completed.add(task)
            self._ledger.changes.frameworks[framework.id] = None

    # ---- what is said ----

    def welcome(
        self,
        agent: AgentEntry,
        unconfirmed: tuple[UnconfirmedTask, ...],
        launches: int,
        executors: tuple[UnconfirmedExecutor, ...] = (),
    ) -> None:
        """An agent whose tasks are all in the books is told so, and what it is to do."""
        self._over(agent)
        self._removal.cancel(agent.id, *CAUSES)
        self._watch(agent)
        self._confirm(agent, unconfirmed, launches, executors)
        self._draining.resume(agent)

    def _confirm(
        self,
        agent: AgentEntry,
        unconfirmed: tuple[UnconfirmedTask, ...],
        launches: int,
        executors: tuple[UnconfirmedExecutor, ...] = (),
    ) -> None:
        told: dict[str, Any] = {"unconfirmed": unconfirmed, "executors": executors, "launches": launches}
        agent.send(AgentReregistered(agent_id=agent.id, ping_timeout_seconds=self._ping_timeout, **told))

    def _end_duplicates(self, agent: AgentEntry, found: _Found) -> Iterator[None]:
        if found.duplicates:
            yield from in_steps(found.duplicates, partial(self._kill, agent), KILLS_IN_STEP)

    def _kill(self, agent: AgentEntry, task: TaskEntry) -> None:
        log.warning("agent %s: task %s runs elsewhere as well; it is killed", agent.id, task.task_id)
        agent.send(KillTask(framework_id=task.framework_id, task_id=task.task_id))

    def _tell_return(self, framework: FrameworkEntry, task: TaskEntry) -> None:
        """Tell a framework that a task lives that it took for lost; of the end of one it hears from the agent."""
        if not task.state.is_terminal:
            status = master_status(
                task.task_id,
                task.state,
                now=self._now(),
                reason=Reason.REASON_AGENT_REREGISTERED,
                message=f"Agent {task.agent_id} has registered again",
                agent_id=task.agent_id,
            )
            framework.send(Update(status))


def _portions(items: Iterable[TaskEntry]) -> Iterator[list[TaskEntry]]:
    """What is done in one step each; ``items`` stay as they are in between."""
    waiting = iter(items)
    while portion := list(islice(waiting, TASKS_IN_STEP)):
        yield portion


def _under_way(agent: AgentEntry) -> tuple[tuple[FrameworkID, bytes], ...]:
    """The operations of which an agent has yet to say how they went."""
    return tuple([(one.framework_id, one.uuid) for one in agent.operations.values() if not one.latest.is_terminal])
