"""Agent operator calls: those of the agent's v1 API that read."""

# Who calls: agent.py puts them into the table of operator_calls.py.
# Source: Mesos include/mesos/v1/agent/agent.proto, src/slave/http.cpp.

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import libactor as la
from mesoslite.model import AgentPort

from . import agent_reads
from .common_calls import common_calls, nothing
from .file_judges import FileJudges
from .file_pages import file_calls
from .operator_calls import OperatorCall, OperatorCalls
from .sight import sight_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mesoslite.model import AgentSnapshot

    from .documents import Document
    from .exchange import Exchange
    from .files import Files
    from .sight import Sight

# Calls of Mesos's agent that are no mistake of the client's, and are not served.
NOT_SERVED = frozenset({"UNKNOWN", "ADD_RESOURCE_PROVIDER_CONFIG"})


def agent_calls(
    agent: la.PID[AgentPort], files: Files, runtime: la.Runtime | None, flags: Mapping[str, str]
) -> OperatorCalls:
    """The calls that read from the agent at that address; ``runtime`` and ``flags`` as of ``common_calls``."""

    def of(encode: Callable[[AgentSnapshot, Sight], Document]) -> OperatorCall:
        async def answer(exchange: Exchange, asked: None) -> Document:
            sight = sight_of(exchange, "frameworks", "tasks", "executors", "roles")
            snapshot = await la.dispatch(agent, AgentPort.state)
            return await asyncio.to_thread(encode, snapshot, sight)

        return OperatorCall(nothing, answer)

    return {
        **common_calls(partial(la.dispatch, agent, AgentPort.ping), runtime, flags),
        "GET_STATE": of(agent_reads.state),
        "GET_FRAMEWORKS": of(agent_reads.frameworks),
        "GET_EXECUTORS": of(agent_reads.executors),
        "GET_TASKS": of(agent_reads.tasks),
        "GET_AGENT": of(agent_reads.agent),
        "GET_OPERATIONS": of(agent_reads.operations),
        **file_calls(files, FileJudges(agent)),
    }
