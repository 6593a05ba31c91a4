"""Agent reads: an AgentSnapshot as the answers of the agent's v1 API, GET_STATE and its parts."""

# Who calls: agent_operator.py, outside of actors and of the server's loop.
# As Mesos makes JSON of its messages: a list that is empty is left out.
# Source: Mesos include/mesos/v1/agent/agent.proto, src/slave/http.cpp (Http::getTasks and the like).

from __future__ import annotations

import base64
from collections.abc import Iterable

from msgspec.structs import replace

from mesoslite.model import (
    NO_FRAMEWORK,
    AgentFramework,
    AgentInfo,
    AgentOperation,
    AgentSnapshot,
    FrameworkInfo,
    TaskRecord,
)
from mesoslite.model.v1 import (
    encode_agent,
    encode_executor,
    encode_framework,
    encode_operation,
    encode_operation_status,
    encode_resources,
    encode_status,
    encode_task,
)

from .agent_executors import ShownExecutor, seen_executors
from .documents import Document, task_role
from .resources_seen import seen_resources, sees_operation
from .sight import Sight

# What a Task has of its TaskInfo as it is.
_ALIKE = ("name", "task_id", "agent_id", "labels", "discovery", "container", "health_check", "kill_policy", "limits")


def state(snapshot: AgentSnapshot, sight: Sight) -> Document:
    """Return what there is of frameworks, executors and tasks."""
    return {
        "get_tasks": tasks(snapshot, sight),
        "get_executors": executors(snapshot, sight),
        "get_frameworks": frameworks(snapshot, sight),
    }


def frameworks(snapshot: AgentSnapshot, sight: Sight) -> Document:
    """Return the frameworks."""

    def shown(frameworks: Iterable[AgentFramework]) -> list[Document]:
        seen = [each.info for each in frameworks if sight.frameworks.allow(each.info.user)]
        return [{"framework_info": encode_framework(info)} for info in seen]

    return _filled(frameworks=shown(snapshot.frameworks), completed_frameworks=shown(snapshot.completed_frameworks))


def executors(snapshot: AgentSnapshot, sight: Sight) -> Document:
    """Return the executors; one is completed when all of its tasks are."""
    shown = [one for _, executors in _shown(snapshot, sight.only("frameworks", "executors")) for one in executors]
    return _filled(
        executors=[_executor_document(one) for one in shown if not one.is_completed],
        completed_executors=[_executor_document(one) for one in shown if one.is_completed],
    )


def tasks(snapshot: AgentSnapshot, sight: Sight) -> Document:
    """Return the tasks; one whose last status is yet to be acknowledged is terminated, and then completed.

    A queued one has yet to be sent to its executor.
    """
    seen = _shown(snapshot, sight.only("frameworks", "tasks"))
    shown = [(one, framework) for framework, executors in seen for one in executors]
    return _filled(
        queued_tasks=[encode_task(run.task.info) for one, _ in shown for run in one.queued],
        launched_tasks=[_task_document(run.task, framework) for one, framework in shown for run in one.launched],
        terminated_tasks=[_task_document(run.task, framework) for one, framework in shown for run in one.terminated],
        completed_tasks=[_task_document(run.task, framework) for one, framework in shown for run in one.completed],
    )


def operations(snapshot: AgentSnapshot, sight: Sight) -> Document:
    """Return the operations that the master has not acknowledged."""
    told = [_operation_document(snapshot.info, one) for one in snapshot.operations]
    seen = [one for one in told if sight.roles.is_all or sees_operation(sight.roles, one["info"])]
    return _filled(operations=seen)


def agent(snapshot: AgentSnapshot, sight: Sight) -> Document:
    """Return what the agent says of itself."""
    seen = seen_resources(sight.roles, snapshot.info.resources)
    return {"agent_info": encode_agent(replace(snapshot.info, resources=seen))}


def _shown(snapshot: AgentSnapshot, sight: Sight) -> list[tuple[FrameworkInfo, list[ShownExecutor]]]:
    seen = [
        each
        for each in (*snapshot.frameworks, *snapshot.completed_frameworks)
        if sight.frameworks.allow(each.info.user)
    ]
    return [(each.info, seen_executors(each, sight)) for each in seen]


def _executor_document(executor: ShownExecutor) -> Document:
    return {"executor_info": encode_executor(executor.info)}


def _task_document(task: TaskRecord, framework: FrameworkInfo) -> Document:
    info = encode_task(task.info)
    document = {name: info[name] for name in _ALIKE if name in info}
    document["framework_id"] = {"value": task.framework_id}
    document["state"] = task.state.name
    document |= _filled(
        resources=encode_resources(task.info.resources, task_role(task, framework)),
        statuses=[encode_status(status) for status in task.statuses],
    )
    if task.info.executor is not None:
        document["executor_id"] = {"value": task.info.executor.executor_id}
    if task.info.user is not None:
        document["user"] = task.info.user
    if task.update_uuid is not None and task.update_state is not None:
        document["status_update_state"] = task.update_state.name
        document["status_update_uuid"] = base64.b64encode(task.update_uuid).decode()
    return document


def _operation_document(info: AgentInfo, one: AgentOperation) -> Document:
    status = encode_operation_status(one.status)
    return {
        **({"framework_id": {"value": one.framework_id}} if one.framework_id != NO_FRAMEWORK else {}),
        **({"agent_id": {"value": info.id}} if info.id is not None else {}),
        "info": encode_operation(one.operation) if one.operation is not None else {"type": "UNKNOWN"},
        "latest_status": status,
        "statuses": [status],
        "uuid": {"value": base64.b64encode(one.uuid).decode()},
    }


def _filled(**lists: list[Document]) -> Document:
    return {name: entries for name, entries in lists.items() if entries}
