"""Packing: what the books have of an agent, a framework, a task and so on, as the record that readers see."""

# Who calls: shown.py, frames.py and ended.py, for what has changed.
# A task that an agent has brought along is the record that it came as; what was heard since is put into that.

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

from libactor.records import RecordError
from mesoslite.model import TaskInfo
from mesoslite.model.agent_records import packed_agent
from mesoslite.model.executor_records import packed_executor
from mesoslite.model.framework_records import packed_framework
from mesoslite.model.offer_records import packed_offer
from mesoslite.model.operation_records import packed_operation
from mesoslite.model.record_types import AGENT, EXECUTOR, FRAMEWORK, OFFER, OPERATION, TASK
from mesoslite.model.task_records import packed_status, packed_task

if TYPE_CHECKING:
    from libactor.records import Record
    from mesoslite.model import AgentID, Offer, Resources
    from mesoslite.model import records as kinds

    from ..agent_entry import AgentEntry
    from ..framework_entry import FrameworkEntry
    from ..operations import ExecutorEntry, OperationEntry
    from ..roster import Roster
    from ..tasks import TaskEntry

log = logging.getLogger("mesoslite.master")


def task_record(task: TaskEntry) -> Record[kinds.Task] | None:
    """A task, whether it lives or not; None, if it is larger than a record may be."""
    try:
        task.shown = record = _task_record(task)
    except RecordError as error:
        log.warning("task %s of framework %s is not shown: %s", task.task_id, task.framework_id, error)
        return None
    return record


def _task_record(task: TaskEntry) -> Record[kinds.Task]:
    """What readers saw of it last, changed where it differs."""
    shown, source = task.shown, task.source
    changes: dict[str, Any] = {}
    if shown is None and isinstance(source, TaskInfo):
        return TASK.pack(packed_task(task.snapshot()))
    if shown is None:
        shown = cast("Record[kinds.Task]", source)
        if task.role != shown.role:
            changes["role"] = task.role
    if task.state is not shown.state:
        changes["state"] = task.state
    heard = task.heard
    if heard is not None and heard.statuses is not None:
        changes["statuses"] = tuple(map(packed_status, heard.statuses))
    if heard is not None and heard.state is not None:
        changes["status_update_state"], changes["status_update_uuid"] = heard.state, heard.uuid
    return shown.replace(**changes) if changes else shown


def agent_record(agent: AgentEntry, roster: Roster) -> Record[kinds.Agent]:
    """A registered agent."""
    return AGENT.pack(
        packed_agent(
            agent.info,
            agent.id,
            process=agent.pid.id,
            version=agent.version,
            registered_time=agent.registered_time,
            reregistered_time=agent.reregistered_time,
            total=agent.total,
            used=agent.used,
            offered=agent.offered,
            active=agent.connected and agent.active,
            deactivated=not agent.active,
            drain=roster.draining.get(agent.id),
            drain_time=roster.drain_times.get(agent.id),
        )
    )


def recovered_record(agent_id: AgentID, roster: Roster) -> Record[kinds.Agent]:
    """An agent that has not come back yet."""
    info = roster.recovered[agent_id].info
    return AGENT.pack(
        packed_agent(
            info,
            agent_id,
            total=info.resources,
            active=False,
            deactivated=agent_id in roster.deactivated,
            drain=roster.draining.get(agent_id),
        )
    )


def framework_record(framework: FrameworkEntry, used: Resources, offered: Resources) -> Record[kinds.Framework]:
    """A framework; ``used`` and ``offered`` are beside the scalars."""
    return FRAMEWORK.pack(
        packed_framework(
            framework.info,
            connected=framework.connected,
            recovered=framework.recovered,
            registered_time=framework.registered_time,
            reregistered_time=framework.reregistered_time,
            unregistered_time=framework.unregistered_time,
            used=framework.used + used,
            offered=framework.offered + offered,
            constraints=framework.constraints,
        )
    )


def executor_record(executor: ExecutorEntry) -> Record[kinds.Executor]:
    """An executor that holds its resources."""
    return EXECUTOR.pack(packed_executor(executor.info, executor.framework_id, executor.agent_id, executor.role))


def offer_record(offer: Offer) -> Record[kinds.Offer]:
    """An offer that stands."""
    return OFFER.pack(packed_offer(offer))


def operation_record(operation: OperationEntry) -> Record[kinds.Operation]:
    """An operation under way, or not acknowledged."""
    return OPERATION.pack(
        packed_operation(
            operation.uuid,
            operation.operation,
            framework_id=None if operation.is_orphan else operation.framework_id,
            agent_id=operation.agent_id,
            state=operation.latest,
            status=operation.status,
        )
    )
