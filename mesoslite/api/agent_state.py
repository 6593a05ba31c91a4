"""Agent state: an AgentSnapshot as the document of an agent's ``/state``."""

# Who calls: agent.py, outside of actors and of the server's loop.
# A task that runs a command is shown with an executor of its own, as Mesos has one there: same id, same directory.
# Source: Mesos src/slave/http.cpp (FrameworkWriter, ExecutorWriter).

from collections.abc import Iterable, Mapping

from mesoslite.model import AGENT_CAPABILITIES, AgentFramework, AgentSnapshot, FrameworkInfo, Resources, encode_domain
from mesoslite.model.v1 import encode_labels, encode_resources, encode_roles

from .agent_executors import ShownExecutor, seen_executors
from .documents import (
    Document,
    address,
    attributes_document,
    queued_task_document,
    reserved_document,
    resources_document,
    task_document,
    told_flags,
    version_document,
)
from .resources_seen import seen_roles
from .sight import Sight


def state_document(snapshot: AgentSnapshot, sight: Sight, flags: Mapping[str, str]) -> Document:
    """Return all that the agent knows and that is seen, and the options that its program was started with."""
    info = snapshot.info
    running = [run.task for framework in snapshot.frameworks for run in framework.tasks]
    held = [
        each.info.resources for framework in snapshot.frameworks for each in framework.executors if not each.has_ended
    ]
    used = sum([task.info.resources for task in running if not task.state.is_terminal], sum(held, Resources()))
    return {
        **version_document(),
        "start_time": snapshot.start_time,
        "id": info.id or "",
        "pid": address(snapshot.pid, info.hostname, info.port),
        "hostname": info.hostname,
        "capabilities": list(AGENT_CAPABILITIES),
        **({"domain": encode_domain(info.domain)} if info.domain is not None else {}),
        "resources": resources_document(info.resources),
        "reserved_resources": seen_roles(sight.roles, reserved_document(info.resources)),
        "unreserved_resources": resources_document(info.resources.unreserved()),
        "reserved_resources_full": {
            role: encode_resources(reserved, form="both")
            for role, reserved in seen_roles(sight.roles, info.resources.reserved_by_role()).items()
        },
        "unreserved_resources_full": encode_resources(info.resources.unreserved(), form="both"),
        "reserved_resources_allocated": seen_roles(sight.roles, reserved_document(used)),
        "unreserved_resources_allocated": resources_document(used.unreserved()),
        "resource_providers": [],
        "attributes": attributes_document(info),
        **_master_document(snapshot),
        **(told_flags(flags) if sight.flags.is_all else {}),
        "frameworks": _framework_documents(snapshot.frameworks, sight),
        "completed_frameworks": _framework_documents(snapshot.completed_frameworks, sight),
    }


def _master_document(snapshot: AgentSnapshot) -> Document:
    """The host of the master that the agent obeys, as in its address; one of the same program has the agent's own."""
    if snapshot.master is None:
        return {}
    host = snapshot.master.partition("@")[2].rpartition(":")[0].strip("[]")
    return {"master_hostname": host or snapshot.info.hostname}


def _framework_documents(frameworks: Iterable[AgentFramework], sight: Sight) -> list[Document]:
    seen = [each for each in frameworks if sight.frameworks.allow(each.info.user)]
    return [_framework_document(each.info, seen_executors(each, sight)) for each in seen]


def _framework_document(info: FrameworkInfo, shown: list[ShownExecutor]) -> Document:
    return {
        "id": info.id,
        "name": info.name,
        "user": info.user,
        "failover_timeout": info.failover_timeout,
        "checkpoint": info.checkpoint,
        "hostname": info.hostname,
        **({"principal": info.principal} if info.principal else {}),
        **encode_roles(info),
        "executors": [_executor_document(one, info) for one in shown if not one.is_completed],
        "completed_executors": [_executor_document(one, info) for one in shown if one.is_completed],
    }


def _executor_document(executor: ShownExecutor, framework: FrameworkInfo) -> Document:
    info, over = executor.info, (*executor.terminated, *executor.completed)
    document: Document = {
        "id": info.executor_id,
        "name": info.name,
        "source": info.source or "",
        "container": executor.container_id,
        "directory": executor.sandbox,
        "resources": resources_document(executor.held),
    }
    if executor.role:
        document["role"] = executor.role
    if info.labels:
        document["labels"] = encode_labels(info.labels)["labels"]
    if info.type is not None:
        document["type"] = info.type.name
    return {
        **document,
        "tasks": [task_document(run.task, framework) for run in executor.launched],
        "queued_tasks": [queued_task_document(run.task, framework) for run in executor.queued],
        "completed_tasks": [task_document(run.task, framework) for run in over],
    }
