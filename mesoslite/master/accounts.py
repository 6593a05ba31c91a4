"""Accounts: every change of who holds what, entered in the ledger and told to the allocator in one step."""

# Who calls: master.py and its parts, inside the master actor. What is told goes through allocator_line.py, so the
#   allocator's books follow the ledger's: same changes, same order. The part about agents is agent_accounts.py.
# What a plan granted counts as allocated at the allocator until it comes back through here, whatever became of the
#   framework or the agent meanwhile.

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from mesoslite.model import (
    NOTHING,
    AllocatorFailed,
    Conversion,
    Filters,
    FrameworkActivated,
    FrameworkAdded,
    FrameworkDeactivated,
    FrameworkID,
    FrameworkInfo,
    FrameworkRemoved,
    FrameworkUpdated,
    Grant,
    Offer,
    OfferUsed,
    QuotaChanged,
    RecoveryBegun,
    Resources,
    Revived,
    RoleConstraints,
    Suppressed,
    TaskState,
    WeightChanged,
    format_offer_id,
    happenings,
)

from .agent_accounts import AgentAccounts
from .alike import alike
from .allocator_line import NO_FILTER, AllocatorLine
from .figures import OFFERS_ACCEPTED, OFFERS_DECLINED, TASKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import libactor as la
    from mesoslite.model import AgentID, InverseOffer, OfferID, TaskStatus
    from mesoslite.model.registry import QuotaConfig, Weight

    from .framework_entry import FrameworkEntry
    from .ledger import Ledger
    from .operations import ExecutorEntry, OperationEntry
    from .tasks import TaskEntry


EPHEMERAL_PORTS = "ephemeral_ports"  # as in Mesos, no framework is offered them
STAGING = TASKS[TaskState.TASK_STAGING]


class Accounts:
    """The master's ledger and the line to its allocator."""

    def __init__(self, ledger: Ledger, allocator: la.PID[Any], master_id: str) -> None:
        self._ledger = ledger
        self._tell, self._changes = ledger.chronicle.tell, ledger.changes
        self._line = AllocatorLine(allocator)
        self._apply, self._recover, self._convert = self._line.apply, self._line.recover, self._line.convert
        self.agents = AgentAccounts(ledger, self._line)
        self._master_id = master_id
        self._offer_numbers = itertools.count()
        self._limited: dict[str, int] = {}  # by top-level role: with which delta it was told the last change of a limit

    def admit_framework(
        self,
        framework: FrameworkEntry,
        suppressed_roles: tuple[str, ...] = (),
        constraints: tuple[RoleConstraints, ...] = (),
    ) -> None:
        """Enter a new framework; one that is not connected gets no offers until it is activated."""
        framework.constraints = constraints
        self._ledger.add_framework(framework)
        info = framework.info
        self._apply(
            FrameworkAdded(
                framework_id=framework.id,
                roles=info.roles,
                active=framework.connected,
                suppressed_roles=suppressed_roles,
                capabilities=info.capabilities,
                constraints=constraints,
                min_allocatable=info.min_allocatable,
            )
        )
        framework.entered = self._line.deltas
        self._tell(happenings.FrameworkAdded, framework.id, info, suppressed_roles, framework.recovered)

    def update_framework(
        self,
        framework: FrameworkEntry,
        info: FrameworkInfo,
        suppressed_roles: tuple[str, ...],
        constraints: tuple[RoleConstraints, ...],
    ) -> None:
        """Take note of what a framework now says of itself and wants; what it holds in roles it has left stays held."""
        framework.info, framework.constraints = info, constraints
        self._changes.frameworks[framework.id] = None
        self._apply(
            FrameworkUpdated(
                framework_id=framework.id,
                roles=info.roles,
                suppressed_roles=suppressed_roles,
                capabilities=info.capabilities,
                constraints=constraints,
                min_allocatable=info.min_allocatable,
            )
        )
        self._tell(happenings.FrameworkUpdated, framework.id, info, suppressed_roles)

    def activate_framework(self, framework: FrameworkEntry) -> None:
        """Let a framework that is back be offered resources."""
        framework.connected = True
        self._changes.frameworks[framework.id] = None
        self._apply(FrameworkActivated(framework.id))
        self._tell(happenings.FrameworkConnected, framework.id)

    def deactivate_framework(self, framework: FrameworkEntry) -> None:
        """Keep offers from a framework that is not connected."""
        framework.connected = False
        self._changes.frameworks[framework.id] = None
        framework.disconnections += 1
        self._apply(FrameworkDeactivated(framework.id))
        self._tell(happenings.FrameworkDisconnected, framework.id, framework.info.failover_timeout)

    def remove_framework(self, framework: FrameworkEntry) -> None:
        """Move a framework that holds nothing any more to the history."""
        self._ledger.complete_framework(framework)
        self._line.forget_framework(framework.id)
        self._apply(FrameworkRemoved(framework.id))
        self._tell(happenings.FrameworkRemoved, framework.id, framework.info)

    def end_framework(self, framework: FrameworkEntry) -> None:
        """Nobody reaches a framework any more, nor is it offered anything; what it holds is taken back one by one."""
        self._ledger.end_framework(framework)
        if framework.connected:
            framework.connected = False
            self._changes.frameworks[framework.id] = None
            self._apply(FrameworkDeactivated(framework.id))

    def suppress(self, framework_id: FrameworkID, roles: tuple[str, ...]) -> None:
        """Make no offers to these roles of a framework."""
        self._apply(Suppressed(framework_id, roles))
        self._tell(happenings.FrameworkSuppressed, framework_id, roles)

    def revive(self, framework_id: FrameworkID, roles: tuple[str, ...]) -> None:
        """Make offers to these roles of a framework again, filters or not."""
        self._apply(Revived(framework_id, roles))
        self._tell(happenings.FrameworkRevived, framework_id, roles)

    def offer(self, grant: Grant, policy: str = "", seen: int | None = None, begun: int | None = None) -> Offer | None:
        """Turn a grant into an outstanding offer; None, and back it goes, if what it is about has gone meanwhile.

        That it has left the role counts as gone, and that the role got another limit.

        ``seen`` is how many deltas the allocator knew of, ``begun`` when it began to decide. A grant of an agent, or
        for a framework, as it was before it was struck off and came back is void: the allocator has forgotten it.
        Raises: AllocatorFailed, which names ``policy``, if it is more than is free by the ledger. That is never less
        than by the books of the policy, which hears of everything later.
        """
        agent = self._ledger.agents.get(grant.agent_id)
        framework = self._ledger.frameworks.get(grant.framework_id)
        is_anew = agent is not None and seen is not None and seen < agent.entered
        if is_anew or (framework is not None and seen is not None and seen < framework.entered):
            return None
        is_there = agent is not None and agent.connected and agent.active
        wants = framework is not None and framework.connected and grant.role in framework.info.roles
        if agent is None or framework is None or not is_there or not wants or self._is_limited_since(grant.role, begun):
            self._recover(grant, grant.resources)
            return None
        if not agent.fits(grant.resources):
            known = begun or 0  # of what it decided first in a run it may have heard later in the same
            if known < agent.resized or agent.is_short or not agent.total.contains(grant.resources.shared()):
                self._recover(grant, grant.resources)
                return None
            free = str(agent.free)[:200] or "nothing"
            raise AllocatorFailed(
                f"allocation policy {policy}: granted {str(grant.resources)[:200]!r} of agent {agent.id!r} to "
                f"framework {framework.id!r}, but of it only {free!r} is free; mend the policy"
            )
        shown = self._shown(grant) if grant.resources.others else grant.resources
        if not shown:
            return None
        offer = Offer(
            id=self.new_offer_id(),
            framework_id=framework.id,
            agent_id=agent.id,
            hostname=agent.info.hostname,
            resources=shown,
            role=grant.role,
            port=agent.info.port,
            unavailability=agent.unavailability,
            attributes=agent.info.attributes,
            executor_ids=agent.executors_of(framework.id) if agent.executors else (),
            ip=agent.host,
            path=f"/{agent.pid.id}",
            domain=agent.info.domain,
        )
        self._ledger.add_offer(offer)
        self._tell(happenings.OfferMade, offer)
        return offer

    def _shown(self, grant: Grant) -> Resources:
        """What of a grant its framework sees; ports that an agent shares out among containers itself go back."""
        hidden = [portion for portion in grant.resources.others if portion.kind.name == EPHEMERAL_PORTS]
        if not hidden:
            return grant.resources
        kept = Resources.from_portions(hidden)
        self._recover(grant, kept)
        return grant.resources - kept

    def _is_limited_since(self, role: str, begun: int | None) -> bool:
        """Whether a role, or one above it, has got another limit since the allocator knew of so many deltas."""
        return begun is not None and begun < self._limited.get(role.partition("/")[0], 0)

    def take_back(self, offer: Offer, *, expired: bool = False, filters: Filters = NO_FILTER) -> None:
        """Strike off an offer that no longer stands, whatever its framework would have done with it.

        ``expired``: because it was not answered in time. ``filters``: for how long it is not offered that again.
        """
        self._ledger.remove_offer(offer.id)
        self._recover(offer, offer.resources, filters)
        self._tell(happenings.OfferExpired if expired else happenings.OfferRescinded, offer)

    def decline(self, framework_id: FrameworkID, offers: Sequence[Offer], filters: Filters) -> None:
        """Strike off offers of which their framework uses nothing."""
        for offer in offers:
            self._ledger.remove_offer(offer.id)
            self._recover(offer, offer.resources, filters, declined=True)
        if offers:
            self._ledger.frameworks[framework_id].figures[OFFERS_DECLINED] += len(offers)
            self._tell(happenings.OffersDeclined, framework_id, tuple(offers), filters.duration_seconds())

    def new_offer_id(self) -> OfferID:
        """The next id; offers and inverse offers are numbered together."""
        return format_offer_id(self._master_id, next(self._offer_numbers))

    def answer_inverse(self, inverse: InverseOffer, accepted: bool, filters: Filters) -> None:
        """Take note of the answer to an inverse offer."""
        self._line.answer_inverse(inverse.agent_id, inverse.framework_id, accepted, filters)

    def leave_unanswered(self, agent_id: AgentID, framework_id: FrameworkID) -> None:
        """Take note that a framework is not asked to leave an agent after all, or not any more."""
        self._line.answer_inverse(agent_id, framework_id, None, NO_FILTER)

    # ---- what becomes of offers that are accepted ----

    def take_up(self, framework_id: FrameworkID, offers: tuple[Offer, ...]) -> None:
        """Strike off offers whose framework holds on to them for now."""
        for offer in offers:
            self._ledger.remove_offer(offer.id)
        self._ledger.frameworks[framework_id].figures[OFFERS_ACCEPTED] += len(offers)
        self._tell(happenings.OffersAccepted, framework_id, offers)

    def use(
        self,
        source: Offer,
        resources: Resources,
        *,
        tasks: Sequence[TaskEntry] = (),
        executors: Sequence[ExecutorEntry] = (),
        operation: OperationEntry | None = None,
    ) -> None:
        """Enter what holds ``resources`` from now on, which were taken up with ``source``."""
        if tasks:
            agent, framework = self._ledger.agents[source.agent_id], self._ledger.frameworks[source.framework_id]
            some = {task.task_id: task for task in tasks}
            self._ledger.add_tasks(agent, (alike(framework, source.role, TaskState.TASK_STAGING, some),))
            framework.figures[STAGING] += len(tasks)
        for executor in executors:
            self._ledger.add_executor(executor)
        if operation is not None:
            self._ledger.add_operation(operation)
        if resources:
            self._apply(
                OfferUsed(
                    framework_id=source.framework_id, role=source.role, agent_id=source.agent_id, resources=resources
                )
            )
        for task in tasks:
            self._tell(happenings.TaskLaunched, source.framework_id, task.info, source.role, source.id)
        if operation is not None:
            who = (operation.framework_id, operation.agent_id, operation.uuid)
            self._tell(happenings.OperationBegun, *who, operation.operation)

    def copy(self, source: Offer, volumes: Resources) -> None:
        """Count further copies of shared volumes, which tasks use on what was taken up with ``source``."""
        if volumes:
            self._convert(source, Conversion(NOTHING, volumes))

    def convert(self, source: Offer, done: Conversion) -> None:
        """Make of what was taken up with ``source`` what an operation makes of it."""
        self._ledger.convert(self._ledger.agents[source.agent_id], done)
        self._convert(source, done)

    def give_back(self, source: Offer, declined: Resources, made: Resources, filters: Filters, *, unused: bool) -> None:
        """Take back what is left of what was taken up: ``declined`` under ``filters``, what was ``made`` without.

        ``unused``: nothing of it was used.
        """
        self._recover(source, declined, filters, declined=unused)
        self._recover(source, made)

    def convert_free(self, operation: OperationEntry) -> None:
        """Make of what nobody holds of an agent what an operation of no framework makes of it."""
        self._ledger.add_orphan(operation)
        self.agents.convert(self._ledger.agents[operation.agent_id], operation.conversion)
        who = (operation.framework_id, operation.agent_id, operation.uuid)
        self._tell(happenings.OperationBegun, *who, operation.operation)

    # ---- what ends ----

    def release_executor(self, executor: ExecutorEntry, exit_status: int | None = None) -> None:
        """Take back what an executor held that has ended."""
        self._ledger.remove_executor(executor)
        self._recover(executor, executor.info.resources)
        who = (executor.framework_id, executor.agent_id, executor.info.executor_id)
        self._tell(happenings.ExecutorEnded, *who, exit_status)

    def finish_operation(self, operation: OperationEntry) -> None:
        """Take back what an operation has made of what it held."""
        self._ledger.release_operation(operation)
        done = operation.conversion
        self._ledger.convert(self._ledger.agents[operation.agent_id], done)
        self._convert(operation, done)
        self._recover(operation, done.after)

    def fail_operation(self, operation: OperationEntry) -> None:
        """Take back what an operation held of which nothing has become."""
        held = operation.held
        self._ledger.release_operation(operation)
        self._recover(operation, held)

    def orphan_operation(self, operation: OperationEntry) -> None:
        """Its framework goes; the operation goes on, and is entered as its agent tells what it has made."""
        if operation.latest.is_terminal:
            self._ledger.remove_operation(operation)
        else:
            self._ledger.orphan_operation(operation)

    def lose_operation(self, operation: OperationEntry) -> None:
        """Forget an operation whose agent is lost."""
        if not operation.latest.is_terminal:
            self.fail_operation(operation)
        self._ledger.remove_operation(operation)

    def record(self, task: TaskEntry, status: TaskStatus, latest: TaskState, *, lost: bool = False) -> None:
        """Enter a status of a task, and the newest state its agent knows; if that ends it, take back what it held.

        ``lost``: also if it does not end it.
        """
        old, is_repeated = task.state, status.uuid is not None and status.uuid == task.update_uuid
        self._changes.tasks[task] = None
        if (task.record(status, latest) or lost) and self._ledger.holds(task):
            self._ledger.release_task(task)
            self._recover(task, task.resources)
        if task.state is not old:
            figures = self._ledger.frameworks[task.framework_id].figures
            figures[TASKS[old]] -= 1
            figures[TASKS[task.state]] += 1
        if not is_repeated or task.state is not old:
            who = (task.framework_id, task.agent_id, task.task_id)
            self._tell(happenings.TaskUpdated, *who, old, task.state, status)

    def change_weights(self, weights: Iterable[Weight]) -> None:
        """Take note of what roles weigh from now on."""
        for weight in weights:
            self._apply(WeightChanged(weight.role, weight.weight))

    def change_quotas(self, quotas: Iterable[QuotaConfig]) -> None:
        """Take note of what roles are guaranteed and limited to from now on."""
        for quota in quotas:
            self._apply(QuotaChanged(quota.role, quota.guarantees, quota.limits))
            self._limited[quota.role] = self._line.deltas

    def await_agents(self, expected_agents: int) -> None:
        """Take note that so many agents are to come back; quotas are known already."""
        if expected_agents:
            self._apply(RecoveryBegun(expected_agents))
