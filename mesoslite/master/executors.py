"""Executors: what frameworks and their executors say to one another, and the end of executors."""

# Who calls: scheduling.py with calls, master.py with what agents report; inside the master actor.
# A message is passed on if it can be at this moment, else it is lost, as in Mesos: nobody repeats it.
# Source: Mesos src/master/master.cpp (message, shutdown, executorMessage, exitedExecutor).

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import (
    ExecutorExited,
    ExecutorMessage,
    ExecutorToFramework,
    Failure,
    FrameworkToExecutor,
    Shutdown,
    ShutdownExecutor,
    TellExecutor,
)

from .metrics import FROM_EXECUTORS, TO_EXECUTORS

if TYPE_CHECKING:
    from mesoslite.model import AgentID

    from .accounts import Accounts
    from .agent_entry import AgentEntry
    from .framework_entry import FrameworkEntry
    from .ledger import Ledger
    from .metrics import MasterMetrics


class Executors:
    """The executors on the agents of one master."""

    def __init__(self, ledger: Ledger, accounts: Accounts, metrics: MasterMetrics) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._metrics = metrics

    # ---- what frameworks ask ----

    def serve(self, framework: FrameworkEntry, call: TellExecutor | Shutdown) -> None:
        """Pass a message on, or have an executor end."""
        agent = self._ledger.agents.get(call.agent_id)
        problem = _problem(agent, call.agent_id)
        if isinstance(call, TellExecutor):
            self._metrics.judge(TO_EXECUTORS, valid=problem is None)
        if agent is None or problem is not None:
            self._metrics.drop(call, framework.id, f"executor {call.executor_id[:80]}: {problem}")
        elif isinstance(call, TellExecutor):
            agent.send(FrameworkToExecutor(framework_id=framework.id, executor_id=call.executor_id, data=call.data))
        else:
            agent.send(ShutdownExecutor(framework_id=framework.id, executor_id=call.executor_id))

    # ---- what agents report ----

    def take(self, message: ExecutorToFramework | ExecutorExited, sender: la.PID[Any] | None) -> None:
        """Tell a framework what an executor says, or that it has ended."""
        agent = self._ledger.agent_at(sender)
        if isinstance(message, ExecutorToFramework):
            self._pass_on(message, agent, sender)
        elif agent is None:
            self._metrics.drop(message, sender, "it is no agent of this master")
        else:
            self._end(message, agent)

    def _pass_on(self, message: ExecutorToFramework, agent: AgentEntry | None, sender: la.PID[Any] | None) -> None:
        framework = self._ledger.frameworks.get(message.framework_id)
        problem = None
        if agent is None:
            problem = "it is no agent of this master"
        elif framework is None or not framework.connected:
            problem = f"framework {message.framework_id[:80]} is not connected"
        self._metrics.judge(FROM_EXECUTORS, valid=problem is None)
        if agent is None or framework is None or problem is not None:
            self._metrics.drop(message, sender, str(problem))
        else:
            framework.send(ExecutorMessage(agent.id, message.executor_id, message.data))

    def _end(self, exited: ExecutorExited, agent: AgentEntry) -> None:
        """Free what an executor held, and tell its framework; its agent tells of its tasks."""
        executor = agent.executors.get((exited.framework_id, exited.executor_id))
        if executor is None:
            why = f"executor {exited.executor_id} of {exited.framework_id} is not known"
            self._metrics.drop(exited, agent.id, why)
            return
        self._accounts.release_executor(executor, exited.exit_status)
        framework = self._ledger.frameworks[executor.framework_id]
        if framework.connected:
            framework.send(Failure(executor.agent_id, executor.info.executor_id, exited.exit_status))


def _problem(agent: AgentEntry | None, agent_id: AgentID) -> str | None:
    if agent is None:
        return f"agent {agent_id[:80]} is not registered"
    return None if agent.connected else f"agent {agent.id} is not connected"
