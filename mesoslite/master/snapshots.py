"""Snapshots: all that the books say at one moment, for readers, told a piece at a time."""

# Who calls: master.py, in its own actor: ``Moment`` at once, and then what it tells, in slices; what happens meanwhile
#   is not in it.
# What may change is noted as the moment is taken, a tenth of a microsecond for a task; what readers are to see is made
#   of that later, which takes from one microsecond for a task to fifteen for one that an agent has brought along.
# Rejected: one step for all of it, which kept everybody waiting for 70 ms with 100,000 tasks, and for 1.4 s after a
#   failover. To look at the books anew in each slice: what is told would never have been so.
# Many may ask at once: one moment is told at a time, and those who ask meanwhile share the next.
# Source: Mesos src/master/http.cpp (state), which answers with nobody served meanwhile.

from __future__ import annotations

from collections import Counter
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from msgspec.structs import replace

from mesoslite.model import AgentState, FrameworkState, Resources, dominant_share

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from mesoslite.model import FrameworkInfo, InverseOffer, Offer, TaskRecord, TaskState

    from .agent_entry import AgentEntry
    from .framework_entry import FrameworkEntry
    from .ledger import Ledger
    from .tasks import Heard, TaskEntry

IN_STEP = 64  # tasks, agents or frameworks that are told: some tenths of a millisecond

T = TypeVar("T")


class Told(NamedTuple):
    """What readers see."""

    agents: tuple[AgentState, ...]
    frameworks: tuple[FrameworkState, ...]
    completed_frameworks: tuple[FrameworkState, ...]


@dataclass(slots=True)
class _Framework:
    """A framework at a moment; ``held`` is what its executors hold."""

    info: FrameworkInfo
    connected: bool
    recovered: bool
    registered_time: float
    reregistered_time: float | None
    used: Resources
    offered: Resources
    tasks: list[TaskEntry]  # as they are now
    states: list[TaskState]  # of each, as it was
    heard: list[Heard | None]  # likewise
    completed: list[TaskEntry]
    held: list[Resources]
    offers: tuple[Offer, ...]
    inverse_offers: tuple[InverseOffer, ...]

    def portions(self) -> Iterator[list[TaskEntry]]:
        """The tasks as they were."""
        for first in range(0, len(self.tasks), IN_STEP):
            part = slice(first, first + IN_STEP)
            each = zip(self.tasks[part], self.states[part], self.heard[part], strict=True)
            yield [_task(task, state, heard) for task, state, heard in each]


class Moment:
    """The books of a master as they are when this is made. Cost: O(tasks), 5 to 25 ms for 100,000."""

    def __init__(self, ledger: Ledger) -> None:
        self._agents = [copy(agent) for agent in ledger.agents.values()]
        self._frameworks = [_framework(entry) for entry in ledger.frameworks.values()]
        self._completed = [_framework(entry) for entry in ledger.completed]

    def telling(self) -> Generator[None, None, Told]:
        """Make what readers see, a piece in each step; the last one returns it."""
        total: Counter[str] = Counter()
        agents: list[AgentState] = []
        for portion in _portions(self._agents):
            for agent in portion:
                total.update(agent.total.scalars())
                agents.append(_agent_state(agent))
            yield
        frameworks = yield from _telling(self._frameworks, total)
        completed = yield from _telling(self._completed, total)
        return Told(tuple(agents), frameworks, completed)


def _telling(frameworks: list[_Framework], total: Counter[str]) -> Generator[None, None, tuple[FrameworkState, ...]]:
    states = []
    for number, framework in enumerate(frameworks, 1):
        if number % IN_STEP == 0:
            yield
        used = framework.used + _without_scalars(framework.held)
        tasks: list[TaskRecord] = []
        for portion in framework.portions():
            used += _without_scalars([task.resources for task in portion if not task.state.is_terminal])
            tasks += [task.snapshot() for task in portion]
            yield
        completed: list[TaskRecord] = []
        for part in _portions(framework.completed):
            completed += [task.snapshot() for task in part]
            yield
        states.append(_framework_state(framework, used, tasks, completed, total))
    return tuple(states)


def _task(task: TaskEntry, state: TaskState, heard: Heard | None) -> TaskEntry:
    """A task as it was."""
    then = copy(task)
    then.state, then.heard = state, heard
    return then


def _framework(entry: FrameworkEntry) -> _Framework:
    tasks = list(entry.tasks.values())
    return _Framework(
        info=entry.info,
        connected=entry.connected,
        recovered=entry.recovered,
        registered_time=entry.registered_time,
        reregistered_time=entry.reregistered_time,
        used=entry.used,
        offered=entry.offered,
        tasks=tasks,
        states=[task.state for task in tasks],  # apart: the collector would look at pairs
        heard=[None if task.heard is None else copy(task.heard) for task in tasks],
        completed=list(entry.completed),  # which do not change any more
        held=[executor.info.resources for executor in entry.executors.values()],
        offers=tuple(entry.offers.values()),
        inverse_offers=tuple(entry.inverse_offers.values()),
    )


def _framework_state(
    framework: _Framework,
    used: Resources,
    tasks: list[TaskRecord],
    completed: list[TaskRecord],
    total: Counter[str],
) -> FrameworkState:
    return FrameworkState(
        info=framework.info,
        active=framework.connected,
        connected=framework.connected,
        registered_time=framework.registered_time,
        roles=framework.info.roles,
        dominant_share=dominant_share((framework.used + framework.offered).scalars(), total),
        used=used,
        offered=framework.offered + _without_scalars([offer.resources for offer in framework.offers]),
        tasks=tuple(tasks),
        completed_tasks=tuple(completed),
        offers=framework.offers,
        inverse_offers=framework.inverse_offers,
        recovered=framework.recovered,
        reregistered_time=framework.reregistered_time,
    )


def _agent_state(agent: AgentEntry) -> AgentState:
    return AgentState(
        info=agent.info if agent.total is agent.info.resources else replace(agent.info, resources=agent.total),
        pid=str(agent.pid),
        active=agent.active and agent.connected,
        registered_time=agent.registered_time,
        used=agent.used,
        offered=agent.offered,
        free=agent.free,
        deactivated=not agent.active,
    )


def _without_scalars(parts: Iterable[Resources]) -> Resources:
    """The ranges and sets of all parts, in one go."""
    return Resources.from_portions([portion for part in parts for portion in part.without_scalars().others])


def _portions(entries: Sequence[T]) -> Iterable[Sequence[T]]:
    return [entries[first : first + IN_STEP] for first in range(0, len(entries), IN_STEP)]
