"""Changes: of what in the books readers have not seen the newest yet."""

# Who calls: whoever changes the books says *that* something has changed; shown.py takes what is marked, and looks up
#   what it is now. So it does not matter how often something is marked, nor in which order.
# What an agent brings is marked a kind of a portion at a time: of most of the hundreds of thousands of tasks that come
#   back at once nothing is heard before they are seen, so they are entered, and seen, together. They are taken
#   before what is marked by itself: that is then looked up, be it one of them or what was under its id.
# Rejected: what happens (chronicle.py) as the source; a repeated status, and what is used of an agent, is told to
#   nobody, and each happening would have to be made.

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import TaskInfo

if TYPE_CHECKING:
    from collections.abc import Collection

    from mesoslite.model import AgentID, ExecutorID, FrameworkID, Offer, OfferID

    from ..ledger import Ledger
    from ..tasks import TaskEntry


class Changes:
    """What is marked, each once, but for tasks that were brought: these may be marked by themselves as well."""

    __slots__ = ("_brought", "agents", "executors", "frameworks", "offers", "operations", "tasks")

    def __init__(self) -> None:
        self.agents: dict[AgentID, None] = {}
        self.frameworks: dict[FrameworkID, None] = {}
        self.tasks: dict[TaskEntry, None] = {}
        self._brought: dict[FrameworkID, list[TaskEntry]] = {}  # none of them empty
        self.executors: dict[tuple[FrameworkID, AgentID, ExecutorID], None] = {}
        self.offers: dict[OfferID, FrameworkID] = {}
        self.operations: dict[bytes, AgentID] = {}

    def __len__(self) -> int:
        own = (self.agents, self.frameworks, self.executors, self.operations)
        brought = sum([len(tasks) for tasks in self._brought.values()])
        return brought + len(self.tasks) + len(self.offers) + sum([len(marked) for marked in own])

    def bring(self, framework_id: FrameworkID, tasks: Collection[TaskEntry]) -> None:
        """Mark tasks of a framework that an agent has brought."""
        if tasks:
            self._brought.setdefault(framework_id, []).extend(tasks)

    def take_brought(self, most: int) -> tuple[FrameworkID, list[TaskEntry]] | None:
        """Unmark tasks that were brought, at most so many, of one framework; None: there are none."""
        if not self._brought:
            return None
        framework_id, tasks = self._brought.popitem()
        some = tasks[-most:]
        del tasks[-most:]
        if tasks:
            self._brought[framework_id] = tasks
        return framework_id, some

    def add_offer(self, offer: Offer) -> None:
        """Mark an offer that was made, and whose it is."""
        self.offers[offer.id] = offer.framework_id
        self.agents[offer.agent_id] = self.frameworks[offer.framework_id] = None

    def remove_offer(self, offer: Offer) -> None:
        """Mark one that has gone; it is marked already if it was made since a look: nobody has seen it, nor will."""
        if self.offers.pop(offer.id, None) is None:
            self.offers[offer.id] = offer.framework_id
        self.agents[offer.agent_id] = self.frameworks[offer.framework_id] = None

    def remove_task(self, task: TaskEntry) -> None:
        """Mark a task that is over and listed no more; not one that nobody has seen, nor will."""
        if task.shown is None and isinstance(task.source, TaskInfo) and not task.resources.others:
            self.tasks.pop(task, None)
        else:
            self.tasks[task] = None

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
