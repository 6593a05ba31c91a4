"""LocalExecutorConnection: an executor and its agent in one program."""

# Who calls: the Executor actor, in its methods; a composition root makes it.
# The executor's own actor is what the agent knows as its channel: events come straight from it, and its end is the
#   agent's to bring about. There is no stream that could be lost, so nothing is said twice.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import AgentPort

from .connection import AgentLost

if TYPE_CHECKING:
    from mesoslite.model.executor_calls import ExecutorCall, ExecutorSubscribe


class LocalExecutorConnection:
    """The line to the agent at the address ``agent``; AgentLost is posted if it does not know the executor any more."""

    def __init__(self, agent: la.PID[AgentPort]) -> None:
        self._agent = agent

    def open(self, executor: la.PID[Any]) -> None:
        """Have what is heard posted to that actor."""
        self._executor = executor

    def subscribe(self, call: ExecutorSubscribe) -> None:
        """Begin to hear events."""
        self._watch(la.dispatch(self._agent, AgentPort.subscribe_executor, call, self._executor))

    def send(self, call: ExecutorCall) -> None:
        """Send a call, behind those before."""
        self._watch(la.dispatch(self._agent, AgentPort.executor_call, call))

    def close(self) -> None:
        """Nothing is left to be sent."""

    def _watch(self, answer: la.Future[None]) -> None:
        executor = self._executor
        answer.on_failed(lambda error: la.post(executor, AgentLost(str(error), is_final=True)))
