"""Arrivals: agents that come back together to a master that has none of them, entered in one step."""

# Who calls: registration.py, inside the master actor, with agents whose return has become durable together.
# After a failover thousands come back at once, nearly all of them in the same plain way: with some tasks of frameworks
#   that are there, none of which the master has heard of. What several of them bring is entered a kind at a time, and
#   told to the allocator in one message.
# Whoever comes in any other way is entered by itself (returns.py, which knows every case), and so are all of several
#   of which two bring the same task, or one a task that is known.
# Invariant: nothing is changed before all of them can be entered.

from __future__ import annotations

import logging
from itertools import chain
from typing import TYPE_CHECKING

import msgspec

import libactor as la

from .alike import alike, by_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from mesoslite.model import AgentID, FrameworkID, FrameworkInfo, ReregisterAgent, TaskID

    from .accounts import Accounts
    from .agent_entry import AgentEntry
    from .alike import Alike
    from .brought import Brought
    from .ledger import Ledger
    from .portions import Portion, Portions
    from .removal import Removal
    from .returns import Returns
    from .tasks import TaskEntry

log = logging.getLogger("mesoslite.master")

AGENTS_IN_STEP, TASKS_IN_STEP = 16, 256  # together about a millisecond


class Arrival(msgspec.Struct, frozen=True, eq=False, gc=False):
    """An agent at ``pid`` whose return is durable; ``was_known``: the registry had it all the time."""

    message: ReregisterAgent  # without what was read of it
    brought: Brought
    pid: la.PID[Any]
    was_known: bool

    @property
    def agent_id(self) -> AgentID:
        """Who it is."""
        agent_id = self.message.info.id
        assert agent_id is not None
        return agent_id

    @property
    def is_simple(self) -> bool:
        """Whether it has brought no more than some tasks, in roles that it names."""
        brought = self.brought
        is_more = self.message.executors or brought.completed or self.tasks > TASKS_IN_STEP
        return not is_more and all(portion.layout.names_roles for portion in brought.portions)

    @property
    def tasks(self) -> int:
        """How many it has brought that it runs."""
        return sum([len(portion.tasks) for portion in self.brought.portions])


class Arrivals:
    """Enters agents in the books of one master; ``now`` reads its clock."""

    def __init__(
        self,
        ledger: Ledger,
        accounts: Accounts,
        returns: Returns,
        removal: Removal,
        portions: Portions,
        now: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._roster = ledger.roster
        self._accounts = accounts
        self._returns = returns
        self._removal = removal
        self._portions = portions
        self._now = now

    def enter(self, arrivals: Sequence[Arrival], made: Callable[[Arrival], AgentEntry]) -> list[Arrival]:
        """Enter agents that can be together, as entries that are ``made``; the others are returned."""
        plain: dict[la.PID[Any], tuple[Arrival, Portion]] = {}
        others: list[Arrival] = []
        for arrival in arrivals:
            if arrival.pid not in plain and self._is_plain(arrival):
                plain[arrival.pid] = arrival, self._portions.joined(arrival.brought.portions)
            else:
                others.append(arrival)
        groups = self._groups([portion.tasks for _, portion in plain.values()])
        if groups is None:
            return list(arrivals)
        if plain:
            self._enter([(made(arrival), portion) for arrival, portion in plain.values()], groups)
        return others

    def _enter(self, entries: list[tuple[AgentEntry, Portion]], groups: list[Alike]) -> None:
        roster, now, launches = self._roster, self._now(), self._ledger.launches
        given_up: set[AgentID] = set()
        for agent, _ in entries:
            if not roster.await_no_more(agent.id):
                given_up.add(agent.id)
            roster.unreachable.pop(agent.id, None)
            roster.removed.pop(agent.id, None)
            agent.reregistered_time = now
            agent.active = roster.may_be_offered(agent.id)
        self._accounts.agents.enter_together(entries, groups)
        for agent, _ in entries:
            la.link(agent.pid, reconnect=agent.id in given_up)
            self._returns.welcome(agent, (), launches)
            log.info("agent %s at %s is back, with others", agent.id, agent.pid)
            self._removal.end_if_down(agent)

    def _is_plain(self, arrival: Arrival) -> bool:
        """Whether an agent comes as most do."""
        agent_id, ledger = arrival.agent_id, self._ledger
        if agent_id in ledger.agents or ledger.agent_at(arrival.pid) is not None or ledger.out_of_reach.of(agent_id):
            return False
        if not arrival.is_simple:
            return False
        is_awaited = agent_id in self._roster.recovered
        if arrival.was_known and not is_awaited:
            return False
        return all(self._is_known(*named, is_awaited) for named in arrival.brought.frameworks.items())

    def _is_known(self, framework_id: FrameworkID, info: FrameworkInfo, is_awaited: bool) -> bool:
        """Whether a framework is there, and neither it nor the agent is to be told anything of the other."""
        framework = self._ledger.frameworks.get(framework_id)
        if framework is None or framework.is_ending:
            return False
        return framework.recovered or (is_awaited and (framework.info is info or framework.info == info))

    def _groups(self, tasks: Sequence[Sequence[TaskEntry]]) -> list[Alike] | None:
        """The tasks of all of them by kind; None, if two are of one id, or one is known."""
        kinds = by_kind(chain.from_iterable(tasks))
        groups: list[Alike] = []
        seen: dict[FrameworkID, Mapping[TaskID, TaskEntry]] = {}
        for (framework_id, role, state), some in kinds.items():
            framework = self._ledger.frameworks[framework_id]
            before = seen.get(framework_id)
            if not framework.knows_none(some.keys()) or (before and not before.keys().isdisjoint(some)):
                return None
            seen[framework_id] = {**before, **some} if before else some
            groups.append(alike(framework, role, state, some))
        if sum([len(some) for some in kinds.values()]) < sum(map(len, tasks)):
            return None
        return groups


def in_steps_of(arrivals: Sequence[Arrival]) -> Iterator[list[Arrival]]:
    """Those that are entered in one step each; whoever has brought more than fits into one is so by itself."""
    some: list[Arrival] = []
    tasks = 0
    for arrival in arrivals:
        own = arrival.tasks
        if some and (len(some) >= AGENTS_IN_STEP or tasks + own > TASKS_IN_STEP):
            yield some
            some, tasks = [], 0
        some.append(arrival)
        tasks += own
    if some:
        yield some
