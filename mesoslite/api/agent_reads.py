"""Agent reads: an AgentSnapshot as the answers of the agent's v1 API, GET_STATE and its parts."""

# Who calls: agent_operator.py, outside of actors and of the server's loop.
# As Mesos makes JSON of its messages: a list that is empty is left out.
# Source: Mesos include/mesos/v1/agent/agent.proto, src/slave/http.cpp (Http::getTasks and the like).

from __future__ import annotations

import base64

from mesoslite.model import AgentSnapshot, FrameworkInfo, TaskRecord, TaskRun
from mesoslite.model.v1 import (
    encode_agent,
    encode_executor,
    encode_framework,
    encode_resources,
    encode_status,
    encode_task,
)

from .command_executors import command_executor
from .documents import Document, task_role

# What a Task has of its TaskInfo as it is.
_ALIKE = ("name", "task_id", "agent_id", "labels", "discovery", "container", "health_check", "kill_policy", "limits")


def state(snapshot: AgentSnapshot) -> Document:
    """Return what there is of frameworks, executors and tasks."""
    return {
        "get_tasks": tasks(snapshot),
        "get_executors": executors(snapshot),
        "get_frameworks": frameworks(snapshot),
    }


def frameworks(snapshot: AgentSnapshot) -> Document:
    """Return the frameworks."""
    return _filled(
        frameworks=[{"framework_info": encode_framework(one.info)} for one in snapshot.frameworks],
        completed_frameworks=[{"framework_info": encode_framework(one.info)} for one in snapshot.completed_frameworks],
    )


def executors(snapshot: AgentSnapshot) -> Document:
    """Return the executors; one whose task is over is completed."""
    running, ended, completed = _runs(snapshot)
    return _filled(
        executors=[_executor_document(run) for run, _ in running],
        completed_executors=[_executor_document(run) for run, _ in (*ended, *completed)],
    )


def tasks(snapshot: AgentSnapshot) -> Document:
    """Return the tasks; one whose last status is yet to be acknowledged is terminated, and then completed."""
    running, ended, completed = _runs(snapshot)
    return _filled(
        launched_tasks=[_task_document(run.task, framework) for run, framework in running],
        terminated_tasks=[_task_document(run.task, framework) for run, framework in ended],
        completed_tasks=[_task_document(run.task, framework) for run, framework in completed],
    )


def agent(snapshot: AgentSnapshot) -> Document:
    """Return what the agent says of itself."""
    return {"agent_info": encode_agent(snapshot.info)}


_Runs = list[tuple[TaskRun, FrameworkInfo]]


def _runs(snapshot: AgentSnapshot) -> tuple[_Runs, _Runs, _Runs]:
    """The tasks that run, those that are over but for an acknowledgement, and those that are over."""
    everybody = (*snapshot.frameworks, *snapshot.completed_frameworks)
    present = [(run, one.info) for one in everybody for run in one.tasks]
    return (
        [pair for pair in present if not pair[0].task.state.is_terminal],
        [pair for pair in present if pair[0].task.state.is_terminal],
        [(run, one.info) for one in everybody for run in one.completed_tasks],
    )


def _executor_document(run: TaskRun) -> Document:
    return {"executor_info": encode_executor(command_executor(run.task))}


def _task_document(task: TaskRecord, framework: FrameworkInfo) -> Document:
    info = encode_task(task.info)
    document = {name: info[name] for name in _ALIKE if name in info}
    document["framework_id"] = {"value": task.framework_id}
    document["state"] = task.state.name
    document |= _filled(
        resources=encode_resources(task.info.resources, task_role(task, framework)),
        statuses=[encode_status(status) for status in task.statuses],
    )
    if task.update_uuid is not None and task.update_state is not None:
        document["status_update_state"] = task.update_state.name
        document["status_update_uuid"] = base64.b64encode(task.update_uuid).decode()
    return document


def _filled(**lists: list[Document]) -> Document:
    return {name: entries for name, entries in lists.items() if entries}
