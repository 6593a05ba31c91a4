"""HierarchicalAllocator: decides which framework is offered which agent; a pure state machine of deltas and plans."""

# Who calls: the actor around it in master/, from one thread; tests and the simulator.
# Here deltas are told apart and refused if they cannot follow what was before; books.py keeps what they mean, cycle.py
#   decides. A delta that is refused has changed nothing.
# Invariant: what a plan grants is booked at once: an offer counts as allocated until it is recovered.
# Source: Mesos src/master/allocator/mesos/hierarchical.cpp; Ghodsi et al., Dominant Resource Fairness, NSDI
#   2011.

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TypeAlias, assert_never

from mesoslite.model import (
    NOTHING,
    AgentActivated,
    AgentAdded,
    AgentDeactivated,
    AgentID,
    AgentRemoved,
    AgentsWhitelisted,
    AgentUnavailable,
    AgentUpdated,
    AllocationConverted,
    AvailableConverted,
    Delta,
    Explanation,
    FilterExpired,
    FrameworkActivated,
    FrameworkAdded,
    FrameworkDeactivated,
    FrameworkID,
    FrameworkRemoved,
    FrameworkUpdated,
    InternalError,
    InverseOfferAnswered,
    NotFound,
    OfferUsed,
    Paused,
    Plan,
    QuotaChanged,
    RandomStream,
    RecoveryBegun,
    RecoveryOver,
    Resources,
    ResourcesRecovered,
    Resumed,
    Revived,
    Suppressed,
    WeightChanged,
    checked_quota,
    constants,
)

from .agents import AgentBook
from .audit import audit
from .books import Books
from .cycle import Cycle
from .delta_checks import check_delta
from .explain import explain
from .figures import figure
from .history import History
from .interrupts import HeldInterrupt
from .machines import Machines
from .options import (
    checked_flag,
    checked_minimum,
    checked_names,
    checked_patience,
    checked_probe_every,
    checked_region,
)
from .passing import PATIENCE, PROBE_EVERY, Passing
from .plugins import named_sorter
from .recovery import HoldOff
from .sorter import SorterFactory
from .subscriptions import Subscriptions

AgentDelta: TypeAlias = (
    AgentUpdated
    | AgentRemoved
    | AgentActivated
    | AgentDeactivated
    | AgentUnavailable
    | AgentsWhitelisted
    | AllocationConverted
    | AvailableConverted
    | InverseOfferAnswered
)

SLICE_WORK = 10_000  # of a run made at once, after which Ctrl-C may end it: some ten milliseconds


class HierarchicalAllocator:
    """Shares agents among frameworks: quota first, then by the sorters, among roles and within each role.

    ``min_allocatable`` are alternatives, also as text, "cpus:0.01|mem:32": what contains none of them is not worth an
    offer; without any, everything is.
    ``role_sorter`` and ``framework_sorter`` are "drf", "random", the name of an entry point in the group
    ``mesoslite.sorters``, or what makes a sorter. ``fairness_excluded`` names resources that do not count in shares,
    also as text, "gpus,disk".
    ``filter_gpus`` keeps agents with gpus for frameworks that say GPU_RESOURCES. ``region`` is the master's.
    Who hands back ``patience`` offers, each of which contained as much as the next, is asked for that one after the
    others, but for one grant in ``probe_every`` on average; 0 shares as Mesos does, by the sorters alone (passing.py).
    Raises: InvalidRequest, for an option that can never work.
    """

    def __init__(
        self,
        *,
        min_allocatable: str | Sequence[Resources] = constants.MIN_ALLOCATABLE,
        role_sorter: str | SorterFactory = "drf",
        framework_sorter: str | SorterFactory = "drf",
        fairness_excluded: str | Collection[str] = (),
        filter_gpus: bool = True,
        region: str | None = None,
        probe_every: int = PROBE_EVERY,
        patience: int = PATIENCE,
    ) -> None:
        self._books = Books(
            checked_minimum(min_allocatable),
            named_sorter(role_sorter),
            named_sorter(framework_sorter),
            checked_names(fairness_excluded),
            Passing(checked_probe_every(probe_every), checked_patience(patience)),
        )
        self._machines = Machines(self._books, checked_region(region), checked_flag("filter_gpus", filter_gpus))
        self._subscriptions = Subscriptions(self._books)
        self._hold_off = HoldOff()
        self._is_paused = False
        self._history = History()
        self._cycle: Cycle | None = None  # the one under way

    # ---- readers ----

    def dominant_share(self, framework_id: FrameworkID) -> float:
        """Return the largest share of the cluster that a framework holds of any one resource.

        Roles count together, weights do not count; offers do. Cost: O(its roles).
        """
        return self._books.shares.dominant_share(framework_id)

    def available(self, agent_id: AgentID) -> Resources:
        """Return what is neither used nor offered. Raises: NotFound, if the agent is not known."""
        return self._agent_for_reader(agent_id).available

    def allocated(self, agent_id: AgentID) -> Resources:
        """Return what of an agent is used or offered. Raises: NotFound, if the agent is not known."""
        return sum(list(self._agent_for_reader(agent_id).held.values()), NOTHING)

    def explain(self, framework_id: FrameworkID, agent_id: AgentID) -> Explanation:
        """Return why a framework got, or did not get, an offer of an agent; unknown ones are findings too."""
        return explain(self._books, self._history, self.is_held_off, framework_id, agent_id)

    def figure(self, name: str) -> float:
        """Return a number under the name that Mesos's metric has after ``allocator/mesos/`` (figures.py).

        Raises: NotFound, for a name that is none, or of a role that is not known.
        """
        return figure(self._books, name)

    def _agent_for_reader(self, agent_id: AgentID) -> AgentBook:
        book = self._books.agents.get(agent_id)
        if book is None:
            raise NotFound(f"allocator: agent {agent_id} is not known or is removed; list the agents anew")
        return book

    # ---- plans ----

    def plan(self, rng: RandomStream, agents: Iterable[AgentID] | None = None) -> Plan:
        """Grant what is available, and book it: ``begin``, and all the work at once.

        Whatever is raised meanwhile, the run is ended then, nothing is granted, and its agents wait for the next one.
        Cost: O(agents visited x clients walked past because they cannot have what is there).
        """
        cycle = self.begin(rng, agents)
        if cycle.plan is None:
            try:
                with HeldInterrupt() as interrupt:
                    while not cycle.advance(SLICE_WORK):
                        interrupt.deliver()
            except BaseException:
                cycle.abort()
                raise
        assert cycle.plan is not None, "a run that nothing has ended is through"
        return cycle.plan

    def begin(self, rng: RandomStream, agents: Iterable[AgentID] | None = None) -> Cycle:
        """Begin a run over the agents that may have something to give, or just ``agents``; unknown ids are skipped.

        Deltas may be applied while it is under way. While nothing may be offered (Paused, or agents are waited for)
        it is through at once, and agents wait for the next. Raises: InternalError, if another run is under way.
        """
        if self._cycle is not None:
            raise InternalError("allocator: a run is under way; advance it to its end before the next is begun")
        books = self._books
        growth = None
        if self.is_held_off:
            visited: list[AgentID] = []
        elif agents is None:
            visited, growth = books.take_changed()
        else:
            visited = books.take_some(agents)
        cycle = self._cycle = Cycle(books, rng, visited, self._finish, growth)
        if self.is_held_off:
            cycle.stop()
        return cycle

    @property
    def is_held_off(self) -> bool:
        """Whether nothing may be offered now: it is paused, or agents are waited for."""
        return self._is_paused or self._hold_off.holds

    def _finish(self, cycle: Cycle) -> None:
        self._cycle = None
        if cycle.plan is not None:
            self._history.add(cycle.plan.grants)

    # ---- deltas ----

    def apply(self, delta: Delta) -> tuple[int, ...]:  # one case a delta, the frequent ones first
        """Take note of what happened; the numbers of filters that it has ended or not made, which need no timer.

        What concerns an agent or a framework that is gone already (recovered, used, converted, answered, expired) is
        fine and does nothing.
        Raises: InternalError, if the delta cannot follow those before it: something is added twice, is not known, or
        more is given back than is held. InvalidRequest, for a field that is not what it is said to be, a quota or
        constraints that none can be; InsufficientResources, for the conversion of what is not available. Then nothing
        has changed.
        """
        check_delta(delta)
        if self._cycle is not None:
            self._cycle.disturb()
        match delta:
            case ResourcesRecovered():
                return self._subscriptions.recover(delta)
            case OfferUsed():
                self._subscriptions.use(delta)
            case AgentAdded():
                self._machines.add((delta,))
                self._hold_off.agent_came(len(self._books.agents))
            case FilterExpired():
                self._expire(delta.filter_id)
            case Suppressed():
                self._subscriptions.suppress(delta)
            case Revived():
                return self._subscriptions.revive(delta)
            case FrameworkAdded():
                self._subscriptions.add(delta)
            case FrameworkUpdated():
                return self._subscriptions.update(delta)
            case FrameworkRemoved():
                return self._remove_framework(delta)
            case FrameworkActivated():
                self._subscriptions.activate(delta.framework_id)
            case FrameworkDeactivated():
                return self._subscriptions.deactivate(delta.framework_id)
            case WeightChanged():
                self._books.shares.reweigh(delta.role, delta.weight)
            case QuotaChanged():
                self._books.set_quota(delta.role, *checked_quota(delta))
            case RecoveryBegun():
                if self._books.quota.roles:
                    self._hold_off.begin(delta.expected_agents, len(self._books.agents))
                    self._stop_if_held_off()
            case RecoveryOver():
                self._hold_off.end()
            case Paused():
                self._is_paused = True
                self._stop_if_held_off()
            case Resumed():
                self._is_paused = False
            case _:
                return self._apply_to_agents(delta)
        return ()

    def add_agents(self, agents: tuple[AgentAdded, ...]) -> None:
        """Take note of several agents; raises as ``apply``."""
        for delta in agents:
            check_delta(delta)
        if self._cycle is not None:
            self._cycle.disturb()
        self._machines.add(agents)
        self._hold_off.agent_came(len(self._books.agents))

    def _apply_to_agents(self, delta: AgentDelta) -> tuple[int, ...]:
        match delta:
            case AllocationConverted():
                self._machines.convert_allocation(delta)
            case AvailableConverted():
                self._machines.convert_available(delta)
            case AgentUpdated():
                return self._machines.update(delta)
            case AgentRemoved():
                return self._remove_agent(delta)
            case AgentActivated():
                self._machines.activate(delta.agent_id)
            case AgentDeactivated():
                self._machines.deactivate(delta.agent_id)
            case AgentUnavailable():
                return self._machines.schedule(delta)
            case AgentsWhitelisted():
                self._machines.whitelist(delta)
            case InverseOfferAnswered():
                return self._machines.answer(delta)
            case _:
                assert_never(delta)
        return ()

    def _remove_agent(self, delta: AgentRemoved) -> tuple[int, ...]:
        ended = self._machines.remove(delta.agent_id)
        if self._cycle is not None:
            self._cycle.forget(delta.agent_id)
        return ended

    def _remove_framework(self, delta: FrameworkRemoved) -> tuple[int, ...]:
        ended = self._subscriptions.remove(delta.framework_id)
        if self._cycle is not None:
            self._cycle.forget(delta.framework_id)
        return ended

    def _expire(self, filter_id: int) -> None:
        if filter_id in self._books.maintenance:
            self._books.maintenance.end_filter(filter_id)
        agent = self._books.filters.end(filter_id)
        if agent is not None:
            self._books.change(agent)

    def _stop_if_held_off(self) -> None:
        if self._cycle is not None and self.is_held_off:
            self._cycle.stop()

    def _check(self) -> None:
        """Assert every invariant, also across agents. Cost: O(everything); for tests."""
        audit(self._books)
