"""Accept: what a framework does with offers: each operation is done or answered, and the rest goes back."""

# Who calls: scheduling.py, once it is known that the call comes from the framework it names.
# In order: the offers, then each operation on what those before it have left and made (validation_accept.py), then each
#   accepted one in the same order: the books, then the message to the agent. What was held by a refused call goes back
#   to the allocator in the same step.
# Invariant: what the offers held is, at the end, held by tasks, executors and operations, or has gone back: what
#   nothing touched under the filters of the call, what an operation made without one.
# Whether the agent is able to run a task is the agent's to say, which knows; here is what rules forbid.
# Source: Mesos src/master/master.cpp (accept, _accept); the order of the checks is in mesoslite/model/validation_*.py.

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING, assert_never

import libactor as la
from mesoslite.model import (
    NOTHING,
    Accept,
    AcceptCourse,
    ApplyOperation,
    Destroy,
    GroupVerdict,
    Launch,
    LaunchGroup,
    LaunchVerdict,
    OperationState,
    OperationStatus,
    OperationVerdict,
    Reason,
    Resources,
    RunGroup,
    RunTask,
    TaskGroup,
    TaskID,
    TaskState,
    Update,
    UpdateOperationStatus,
    crowd_problem,
    happenings,
    offers_problem,
    shares_cgroups,
    validate_accept,
    validate_launch,
    without_used,
)

from .accept_parts import LAUNCH_KINDS, TASKS_IN_STEP, Crowd, is_much, parts_of, tasks_of, weight_of
from .figures import LAUNCH, LAUNCH_GROUP, OPERATIONS
from .operations import ExecutorEntry, OperationEntry
from .sites import launch_site, operation_site, sites
from .statuses import master_status
from .tasks import TaskEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mesoslite.model import AgentID, ExecutorInfo, Offer, ResourceOperation, TaskInfo, TaskVerdict

    from .accept_parts import Part
    from .accounts import Accounts
    from .agent_entry import AgentEntry
    from .framework_entry import FrameworkEntry
    from .ledger import Ledger
    from .offering import Offering
    from .options import MasterOptions

log = logging.getLogger("mesoslite.master")


class Acceptance:
    """Accepts, over the ledger and the accounts of one master; ``now`` reads the master's clock."""

    def __init__(
        self, ledger: Ledger, accounts: Accounts, offering: Offering, now: Callable[[], float], options: MasterOptions
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._offering = offering
        self._holdings = offering.holdings
        self._now = now
        self._options = options

    def accept(self, framework: FrameworkEntry, call: Accept) -> Iterator[None] | None:
        """Do each operation, or tell why not; what they leave of the offers goes back. What is returned is to be done.

        An ACCEPT of much is done a part at a time. Each part is judged by the books of its moment, and entered.
        """
        problem = offers_problem(framework.id, call.offer_ids, self._ledger.offers, self._ledger.agents)
        if problem is not None:
            return self._refuse(framework, call, problem)
        offers = tuple([self._ledger.offers[offer_id] for offer_id in call.offer_ids])
        agent = self._ledger.agents[offers[0].agent_id]
        offered = offers[0].resources
        for offer in offers[1:]:
            offered += offer.resources
        if is_much(call.operations):
            return self._accept_parts(framework, call, offers, offered)
        converts = not LAUNCH_KINDS.issuperset(map(type, call.operations))
        steps = self._judged(framework, agent, call, offers[0], offered, converts)
        self._accounts.take_up(framework.id, offers)
        course = _Course(self, framework, agent, offers[0], offered)
        for step in steps:
            course.take(step)
        made = offered.shortfall(course.left) if converts else NOTHING
        unused = course.left == offered
        self._accounts.give_back(offers[0], course.left - made, made, call.filters, unused=unused)
        return None

    def _judged(
        self,
        framework: FrameworkEntry,
        agent: AgentEntry,
        call: Accept,
        source: Offer,
        offered: Resources,
        converts: bool,
    ) -> Sequence[LaunchVerdict | GroupVerdict | OperationVerdict]:
        """The operations of a call of little, judged in their order; ``converts``: not all of them are launches."""
        launches = launch_site(framework, agent, source, self._options)
        operations = call.operations
        if len(operations) == 1 and isinstance(operations[0], Launch):
            return (validate_launch(operations[0], offered=offered, site=launches),)
        site = operation_site(framework, agent, source, self._options, has_shrunk=converts and agent.is_short)
        return validate_accept(operations, offered=offered, launches=launches, site=site).steps

    def _accept_parts(
        self, framework: FrameworkEntry, call: Accept, offers: tuple[Offer, ...], offered: Resources
    ) -> Iterator[None]:
        """Do the operations a part at a time; between two parts, what is left is held."""
        source, agent = offers[0], self._ledger.agents[offers[0].agent_id]
        self._accounts.take_up(framework.id, offers)
        holding = self._holdings.begin(source, offered)
        course, rest = _Course(self, framework, agent, source, offered), parts_of(call.operations)
        judge = AcceptCourse(offered, *sites(framework, agent, source, self._options))
        spent = 0
        for operation in rest:
            if spent >= TASKS_IN_STEP:
                self._holdings.keep(holding, course.left)
                yield
                if holding.is_void:
                    yield from self._give_up(framework, source, itertools.chain([operation], rest))
                    return
                judge.go_on(*sites(framework, agent, source, self._options))
                spent = 0
            try:
                if isinstance(operation, Crowd):
                    self._refuse_crowd(framework, operation)
                else:
                    course.take(judge.step(operation))
            except Exception:  # its framework is removed, with what is held
                self._holdings.keep(holding, course.left)
                raise
            spent += weight_of(operation)
        made = offered.shortfall(course.left)
        self._holdings.keep(holding, course.left)
        yield  # of thousands of reservations what is left is long to tell apart
        if holding.is_void:
            return
        self._holdings.end(holding)
        unused = course.left == offered
        self._accounts.give_back(source, course.left - made, made, call.filters, unused=unused)

    def _refuse_crowd(self, framework: FrameworkEntry, crowd: Crowd) -> None:
        message = f"launch group: {crowd_problem(crowd.count)}"
        for task in crowd.tasks:
            reason = Reason.REASON_TASK_GROUP_INVALID
            self.tell_task(framework, task.task_id, TaskState.TASK_ERROR, reason, message)

    def _give_up(self, framework: FrameworkEntry, source: Offer, rest: Iterator[Part]) -> Iterator[None]:
        """Tell of what cannot be done any more, since its agent was lost or changed meanwhile."""
        if self._ledger.frameworks.get(framework.id) is not framework:
            return
        agent = self._ledger.agents.get(source.agent_id)
        if agent is None:
            yield from self._lose(framework, rest, Reason.REASON_AGENT_REMOVED, "Agent removed", "Agent removed")
        elif not agent.connected:
            why = "Agent disconnected"
            yield from self._lose(framework, rest, Reason.REASON_AGENT_DISCONNECTED, why, why)
        else:
            yield from self._lose_invalid(framework, rest, f"Offer {source.id} is no longer valid")

    def _refuse(self, framework: FrameworkEntry, call: Accept, problem: str) -> Iterator[None]:
        """Offers that cannot be used together: those that stand go back, tasks are lost, operations dropped."""
        for offer in framework.standing(call.offer_ids):
            self._accounts.take_back(offer)
        return self._lose_invalid(framework, parts_of(call.operations), problem)

    def _lose_invalid(self, framework: FrameworkEntry, operations: Iterator[Part], problem: str) -> Iterator[None]:
        of_tasks = f"Task launched with invalid offers: {problem}"
        of_operations = f"Operation attempted with invalid offers: {problem}"
        return self._lose(framework, operations, Reason.REASON_INVALID_OFFERS, of_tasks, of_operations)

    def _lose(
        self,
        framework: FrameworkEntry,
        operations: Iterator[Part],
        reason: Reason,
        of_tasks: str,
        of_operations: str,
    ) -> Iterator[None]:
        state = TaskState.TASK_DROPPED if framework.partition_aware else TaskState.TASK_LOST
        spent = 0
        for operation in operations:
            if spent >= TASKS_IN_STEP:
                yield
                spent = 0
            if self._ledger.frameworks.get(framework.id) is not framework:
                return
            spent += weight_of(operation)
            if isinstance(operation, Launch | LaunchGroup | Crowd):
                for task in tasks_of(operation):
                    self.tell_task(framework, task.task_id, state, reason, of_tasks)
            else:
                self.drop(framework, operation, of_operations)

    # ---- answers, and what the course of an accept does ----

    def tell_task(
        self, framework: FrameworkEntry, task_id: TaskID, state: TaskState, reason: Reason | None, message: str
    ) -> None:
        """Tell a framework what became of a task that no agent has heard of."""
        framework.send(Update(master_status(task_id, state, now=self._now(), reason=reason, message=message)))
        self._ledger.chronicle.tell(happenings.TaskRefused, framework.id, task_id, state, reason, message)

    def drop(
        self, framework: FrameworkEntry, operation: ResourceOperation, message: str, agent_id: AgentID | None = None
    ) -> None:
        """Do nothing for an operation; its framework hears of that if the operation has an id."""
        log.warning("framework %s: %s", framework.id, message)
        if operation.id is not None:
            status = OperationStatus(
                state=OperationState.OPERATION_ERROR, operation_id=operation.id, message=message, agent_id=agent_id
            )
            framework.send(UpdateOperationStatus(status))
        self._ledger.chronicle.tell(happenings.OperationRefused, framework.id, operation, message)

    def number_launch(self) -> int:
        """The number of the next launch: an agent tells by it what comes twice."""
        self._ledger.launches += 1
        return self._ledger.launches

    @property
    def accounts(self) -> Accounts:
        """Where what is done is entered."""
        return self._accounts

    def rescind_users(self, agent: AgentEntry, volumes: Resources, source: Offer) -> None:
        """Take from all but who holds ``source`` the offers of shared volumes that are about to be destroyed."""
        self._offering.rescind_users(agent, volumes, source.id)


class _Course:
    """The accepted operations of one ACCEPT, done in their order; ``left`` is what of the offers is left by now."""

    def __init__(
        self, acceptance: Acceptance, framework: FrameworkEntry, agent: AgentEntry, source: Offer, offered: Resources
    ) -> None:
        self.left = offered
        self._acceptance = acceptance
        self._accounts = acceptance.accounts
        self._framework = framework
        self._agent = agent
        self._source = source

    def take(self, step: LaunchVerdict | GroupVerdict | OperationVerdict) -> None:
        """Do the next operation, or answer it."""
        match step:
            case LaunchVerdict():
                self._launch(step)
            case GroupVerdict():
                self._launch_group(step)
            case OperationVerdict():
                self._apply(step)
            case _:
                assert_never(step)

    def _launch(self, step: LaunchVerdict) -> None:
        accepted: list[TaskVerdict] = []
        tasks: list[TaskInfo] = []
        executors: list[ExecutorInfo] = []
        charged = NOTHING
        for verdict in step.tasks:
            if verdict.reason is None:
                accepted.append(verdict)
                tasks.append(verdict.task)
                charged += verdict.charged
                if verdict.starts_executor and verdict.task.executor is not None:
                    executors.append(verdict.task.executor)
        self._use(charged, tasks, executors, share_cgroups=True)
        self._framework.figures[LAUNCH] += len(tasks)  # as Mesos counts them
        agent, info, role = self._agent, self._framework.info, self._source.role
        for verdict in accepted:
            number, is_first = self._acceptance.number_launch(), verdict.starts_executor
            agent.send(RunTask(info, verdict.task, is_first, role, number, agent.epoch, agent.id))
            if verdict.warning:
                log.warning("%s", verdict.warning)
        if len(accepted) < len(step.tasks):
            self._refuse_tasks(step)

    def _launch_group(self, step: GroupVerdict) -> None:
        if step.accepted:
            tasks = tuple([verdict.task for verdict in step.tasks])
            executors = [step.executor] if step.starts_executor else []
            self._use(step.charged, tasks, executors, share_cgroups=shares_cgroups(tasks[0]))
            self._framework.figures[LAUNCH_GROUP] += 1
            number, role = self._acceptance.number_launch(), self._source.role
            group = TaskGroup(tasks)
            self._agent.send(RunGroup(self._framework.info, step.executor, group, step.starts_executor, role, number))
        self._refuse_tasks(step)

    def _refuse_tasks(self, step: LaunchVerdict | GroupVerdict) -> None:
        for verdict in step.tasks:
            if not verdict.accepted:
                task_id, state = verdict.task.task_id, TaskState.TASK_ERROR
                self._acceptance.tell_task(self._framework, task_id, state, verdict.reason, verdict.message)

    def _use(
        self, charged: Resources, tasks: Sequence[TaskInfo], executors: Sequence[ExecutorInfo], *, share_cgroups: bool
    ) -> None:
        if not tasks:
            return
        framework_id, role = self._framework.id, self._source.role
        if charged.others:
            self._accounts.copy(self._source, self.left.shared().shortfall(charged.shared()))
        self._accounts.use(
            self._source,
            charged,
            tasks=[TaskEntry.launched(task, framework_id, role) for task in tasks],
            executors=[
                ExecutorEntry(
                    info=each,
                    framework_id=framework_id,
                    agent_id=self._agent.id,
                    role=role,
                    share_cgroups=share_cgroups,
                )
                for each in executors
            ],
        )
        self.left = without_used(self.left, charged)

    def _apply(self, step: OperationVerdict) -> None:
        operation, done = step.operation, step.conversion
        if done is None:
            self._acceptance.drop(self._framework, operation, step.message, self._agent.id)
            return
        if isinstance(operation, Destroy):
            self._acceptance.rescind_users(self._agent, done.before, self._source)
        entry = OperationEntry(
            uuid=la.random_uuid_bytes(),
            operation=operation,
            conversion=done,
            framework_id=self._framework.id,
            role=self._source.role,
            agent_id=self._agent.id,
            status=OperationStatus(
                state=OperationState.OPERATION_PENDING, operation_id=operation.id, agent_id=self._agent.id
            ),
        )
        self._accounts.use(self._source, entry.held, operation=entry)
        self._framework.figures[OPERATIONS[type(operation)]] += 1
        self.left -= done.before
        if entry.is_speculative:
            self._accounts.convert(self._source, done)
            self.left += done.after
        message = ApplyOperation(framework_id=self._framework.id, operation_uuid=entry.uuid, operation=operation)
        self._agent.send(message)
