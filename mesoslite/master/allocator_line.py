"""The line to the allocator: what a master tells it, in order, and what it keeps for one message."""

# Who calls: accounts.py and agent_accounts.py, inside the master actor. Nobody else posts deltas, so the allocator's
#   books follow the ledger's: same changes, same order.
# Invariant: of an agent that is being entered the allocator hears nothing until all its tasks are in. Until then what
#   is used of it is summed up here.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import AllocationConverted, Filters, ResourcesRecovered, Usage

from .allocator_messages import AgentsCame, Applied, InverseAnswered, Recovered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mesoslite.model import AgentAdded, AgentID, Conversion, Delta, FrameworkID, Grant, Offer, Resources

    from .alike import Alike
    from .operations import ExecutorEntry, OperationEntry
    from .tasks import TaskEntry

NO_FILTER = Filters(0.0)


class AllocatorLine:
    """What goes from one master to its allocator; ``deltas`` is how many it was told."""

    def __init__(self, allocator: la.PID[Any]) -> None:
        self.deltas = 0
        self._allocator = allocator
        # Of agents that it is to be told of, by framework and role: what is used.
        self._untold: dict[AgentID, dict[tuple[FrameworkID, str], Resources]] = {}

    def apply(self, delta: Delta) -> None:
        """Tell of a change, unless it is of an agent that is being entered."""
        if self._untold and getattr(delta, "agent_id", None) in self._untold:
            return  # it hears of all of it at once
        self.deltas += 1
        la.post(self._allocator, Applied(delta))

    def add_agents(self, agents: Sequence[AgentAdded]) -> None:
        """Tell of several agents at once, none of which is being entered."""
        self.deltas += len(agents)
        la.post(self._allocator, AgentsCame(tuple(agents)))

    def convert(self, source: Offer | OperationEntry, done: Conversion) -> None:
        """Tell that of what is allocated something else was made."""
        self.apply(
            AllocationConverted(
                framework_id=source.framework_id,
                role=source.role,
                agent_id=source.agent_id,
                before=done.before,
                after=done.after,
                forced=True,
            )
        )

    def recover(
        self,
        source: Offer | Grant | TaskEntry | ExecutorEntry | OperationEntry,
        resources: Resources,
        filters: Filters = NO_FILTER,
        declined: bool = False,
    ) -> None:
        """Give back what was allocated to, or used by, ``source``; ``declined``: its framework wanted none of it."""
        if not resources:
            return
        held = self._untold.get(source.agent_id)
        if held is not None:
            held[source.framework_id, source.role] -= resources
            return
        seconds = filters.duration_seconds()
        if seconds:
            la.post(
                self._allocator,
                Recovered(
                    framework_id=source.framework_id,
                    role=source.role,
                    agent_id=source.agent_id,
                    resources=resources,
                    refuse_seconds=seconds,
                    declined=declined,
                ),
            )
        else:
            self.apply(
                ResourcesRecovered(
                    framework_id=source.framework_id,
                    role=source.role,
                    agent_id=source.agent_id,
                    resources=resources,
                    declined=declined,
                )
            )

    def answer_inverse(
        self, agent_id: AgentID, framework_id: FrameworkID, accepted: bool | None, filters: Filters
    ) -> None:
        """Tell what a framework has said to an inverse offer; None: nothing, and it need not any more."""
        la.post(
            self._allocator,
            InverseAnswered(
                framework_id=framework_id,
                agent_id=agent_id,
                accepted=accepted,
                refuse_seconds=filters.duration_seconds(),
            ),
        )

    # ---- agents that are being entered ----

    def begin(self, agent_id: AgentID, used: tuple[Usage, ...]) -> None:
        """Tell nothing of an agent from now on; so much of it is used already."""
        self._untold[agent_id] = {(one.framework_id, one.role): one.resources for one in used}

    def use(self, agent_id: AgentID, groups: Sequence[Alike]) -> None:
        """Take note of more tasks on an agent that is being entered."""
        for framework, role, _, _, held in groups:
            self.hold(agent_id, framework.id, role, held)

    def hold(self, agent_id: AgentID, framework_id: FrameworkID, role: str, held: Resources) -> None:
        """Take note of what else is used on an agent that is being entered."""
        used, key = self._untold[agent_id], (framework_id, role)
        used[key] = used[key] + held if key in used else held

    def is_untold(self, agent_id: AgentID) -> bool:
        """Whether an agent is being entered."""
        return agent_id in self._untold

    def end(self, agent_id: AgentID) -> tuple[Usage, ...]:
        """What is used of an agent, of which all that comes from now on is told again."""
        held = self._untold.pop(agent_id)
        return tuple([Usage(*who, resources) for who, resources in held.items() if resources])

    def forget_agent(self, agent_id: AgentID) -> None:
        """An agent is struck off, entered or not."""
        self._untold.pop(agent_id, None)

    def forget_framework(self, framework_id: FrameworkID) -> None:
        """A framework is struck off: its operations go on, and hold nothing any more."""
        for held in self._untold.values():
            for key in [key for key in held if key[0] == framework_id]:
                del held[key]
