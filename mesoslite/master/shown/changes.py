"""Changes: of what in the books readers have not seen the newest yet."""

# Who calls: whoever changes the books says *that* something has changed; shown.py takes what is marked, and looks up
#   what it is now. So it does not matter how often something is marked, nor in which order.
# Rejected: what happens (chronicle.py) as the source; a repeated status, and what is used of an agent, is told to
#   nobody, and each happening would have to be made.

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mesoslite.model import AgentID, ExecutorID, FrameworkID, OfferID

    from ..ledger import Ledger
    from ..tasks import TaskEntry


class Changes:
    """What is marked, each once."""

    __slots__ = ("agents", "executors", "frameworks", "offers", "operations", "tasks")

    def __init__(self) -> None:
        self.agents: dict[AgentID, None] = {}
        self.frameworks: dict[FrameworkID, None] = {}
        self.tasks: dict[TaskEntry, None] = {}
        self.executors: dict[tuple[FrameworkID, AgentID, ExecutorID], None] = {}
        self.offers: dict[OfferID, FrameworkID] = {}
        self.operations: dict[bytes, AgentID] = {}

    def __len__(self) -> int:
        own = (self.agents, self.frameworks, self.executors, self.operations)
        return len(self.tasks) + len(self.offers) + sum([len(marked) for marked in own])

    def everything(self, ledger: Ledger) -> None:
        """Mark all that there is."""
        self.agents.update(dict.fromkeys([*ledger.roster.recovered, *ledger.agents]))
        for framework in (*ledger.completed, *ledger.frameworks.values()):
            self.frameworks[framework.id] = None
            self.tasks.update(dict.fromkeys(framework.tasks.values()))
            self.tasks.update(dict.fromkeys(framework.unreachable.values()))
            self.executors.update(dict.fromkeys([(framework.id, *key) for key in framework.executors]))
        self.offers.update({offer.id: offer.framework_id for offer in ledger.offers.values()})
        for agent in ledger.agents.values():
            self.operations.update(dict.fromkeys(agent.operations, agent.id))
