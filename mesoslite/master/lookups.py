"""Lookups: what readers ask of a master by name, as methods of its actor; all of its state they ask of master.py."""

# Who calls: whoever serves readers dispatches them to the master's PID; master.py inherits them. Nothing changes by it.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libactor as la

from .allocation import Allocator
from .candidate import Candidate, led
from .lookup import agents_called, frameworks_called
from .named_tasks import find_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mesoslite.model import AgentID, AgentInfo, Explanation, FrameworkID, FrameworkInfo, TaskID
    from mesoslite.model.stories import FrameworkStory, TaskStory

    from .census import Census
    from .history import History
    from .ledger import Ledger
    from .slices import Slices


class Lookups(Candidate):
    """The part of a master that knows who is meant, and who reads."""

    _ledger: Ledger
    _census: Census
    _history: History
    _allocator: la.PID[Allocator]
    _reading: Slices
    _operator_streams: int = 0

    def _own_figures(self) -> dict[str, Callable[[], float]]:
        """Of the master itself, for its census."""
        return {
            "elected": self._is_elected,
            "uptime_secs": self._uptime,
            "operator_event_stream_subscribers": lambda: self._operator_streams,
        }

    def count(self, name: str) -> float:
        """How many there are of what a gauge of that name, without its prefix, tells."""
        return self._census.count(name)

    def count_operator_streams(self, count: int) -> None:
        """So many are subscribed to what happens, as operators."""
        self._operator_streams = count

    @led
    def framework_principal(self, framework_id: FrameworkID) -> str | None:
        """Whose a framework of the cluster is, connected or not; "" if nobody has said, None if there is none."""
        framework = self._ledger.frameworks.get(framework_id)
        return framework.info.principal if framework is not None and not framework.is_ending else None

    @led
    def find_frameworks(self, text: str) -> tuple[FrameworkInfo, ...]:
        """The frameworks that people may mean by that text: an id, its last part, or a name."""
        return frameworks_called(text, self.master_id, self._ledger.frameworks)

    @led
    def find_agents(self, text: str) -> tuple[AgentInfo, ...]:
        """The agents that people may mean by that text: an id, its last part, or a host; all of them by ""."""
        return agents_called(text, self.master_id, self._ledger.agents)

    @led
    def explain(self, framework_id: FrameworkID, agent_ids: tuple[AgentID, ...]) -> la.Future[tuple[Explanation, ...]]:
        """Why a framework got, or did not get, an offer of each agent; NotFound if the allocator cannot say."""
        known = self._ledger.agents
        offers = tuple([tuple(known[each].offers.values()) if each in known else () for each in agent_ids])
        return la.dispatch(self._allocator, Allocator.explain, framework_id, agent_ids, offers)

    @led
    def task_stories(self, task_id: TaskID, framework: str) -> tuple[TaskStory, ...]:
        """What is remembered of tasks with that id, of the frameworks that people may mean; "": of any."""
        return self._history.stories(task_id, framework)

    @led
    def tasks_named(self, name: str, framework: str) -> la.Future[tuple[tuple[FrameworkID, TaskID], ...]]:
        """Tasks of that name, 100 at most, newest first, of the frameworks that people may mean; "": of any."""
        done: la.Promise[tuple[tuple[FrameworkID, TaskID], ...]] = la.Promise()
        self._reading.put(done, self._find_named(name, framework, done))
        return done.future

    def _find_named(self, name: str, framework: str, done: la.Promise[Any]) -> Iterator[None]:
        found: list[tuple[FrameworkID, TaskID]] = []
        yield from find_named(name, self._history.entries(framework), found)
        done.set(tuple(found))

    @led
    def framework_story(self, framework_id: FrameworkID) -> FrameworkStory | None:
        """What is remembered of what a framework has done with offers; None for an unknown one."""
        return self._history.framework(framework_id)
