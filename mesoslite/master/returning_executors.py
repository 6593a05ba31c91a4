"""Returning executors: those that an agent which comes back names, and those that it does not."""

# Who calls: returns.py, inside the master actor.
# Those that the master does not have are entered, if their framework goes on. Those that the agent does not name may
#   have been started while its message was under way, so it is asked about them: it says which have ended.
# Source: Mesos src/master/master.cpp (___reregisterSlave, reconcileKnownSlave).

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import InvalidRequest, UnconfirmedExecutor, validate_id, validate_role
from mesoslite.model.sums import total_of

from .operations import ExecutorEntry

if TYPE_CHECKING:
    from collections.abc import Container

    from mesoslite.model import ExecutorID, FrameworkID, ReregisterAgent, Resources

    from .agent_entry import AgentEntry
    from .ledger import Ledger


class ReturningExecutors:
    """The executors of agents that come back, over the books of one master."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def missing(self, agent: AgentEntry, message: ReregisterAgent) -> list[ExecutorEntry]:
        """Those that the agent names, and that are to be entered."""
        found = []
        for info, role in [(one.info, one.role) for one in message.executors]:
            framework = self._ledger.frameworks.get(info.framework_id) if info.framework_id is not None else None
            if framework is None or framework.is_ending or (framework.id, info.executor_id) in agent.executors:
                continue
            entry = ExecutorEntry(
                info=info, framework_id=framework.id, role=role or framework.info.roles[0], agent_id=agent.id
            )
            found.append(entry)
        return found


def unconfirmed_executors(agent: AgentEntry, message: ReregisterAgent | None) -> tuple[UnconfirmedExecutor, ...]:
    """Those in the books that the agent does not name; all of them if it has not said anything."""
    named = {(one.info.framework_id, one.info.executor_id) for one in message.executors} if message is not None else ()
    return tuple([UnconfirmedExecutor(*key) for key in agent.executors if key not in named])


def checked_executors(message: ReregisterAgent, frameworks: Container[FrameworkID]) -> Resources:
    """What the executors hold that an agent names. Raises: InvalidRequest, if these cannot be.

    ``frameworks`` are those that it names.
    """
    seen: set[tuple[FrameworkID, ExecutorID]] = set()
    for executor in message.executors:
        framework_id, executor_id = executor.info.framework_id, executor.info.executor_id
        validate_id("executor", executor_id)
        if framework_id is None or framework_id not in frameworks:
            raise InvalidRequest(f"executor {executor_id} is of framework {str(framework_id)[:80]}, which is not named")
        if (framework_id, executor_id) in seen:
            raise InvalidRequest(f"executor {executor_id} is named twice")
        seen.add((framework_id, executor_id))
        if executor.role:
            validate_role(executor.role)
    return total_of([one.info.resources for one in message.executors])
