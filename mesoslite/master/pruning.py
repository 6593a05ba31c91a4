"""Pruning: agents that were lost or gone long ago, or too many of them, are forgotten, in the registry first."""

# Who calls: master.py, inside the master actor, every ``registry_gc_interval`` seconds.
# Of the unreachable, and of the gone, those are forgotten that have been so for longer than ``registry_max_agent_age``,
#   and the oldest beyond ``registry_max_agent_count``. One that comes back after that is taken for new to the registry,
#   under the id that it has; what its frameworks know of its tasks stays as it was.
# Invariants: 1. the next look waits for the last to be durable.    2. at most AGENTS_IN_STEP of each are looked at at
#   once; the rest follows without waiting for the next time.    3. one that is coming back stays: once the registry has
#   it back, with what operators have said of it, it would still be forgotten here.
# Source: Mesos src/master/master.cpp (doRegistryGc).

from __future__ import annotations

import logging
from itertools import islice
from typing import TYPE_CHECKING

from mesoslite.model import happenings
from mesoslite.model.registry import Prune

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesoslite.model import AgentID

    from .agent_options import AgentOptions
    from .durability import Durability
    from .ledger import Ledger

log = logging.getLogger("mesoslite.master")

SECOND = 1_000_000_000
AGENTS_IN_STEP = 5_000


class Pruning:
    """Forgets agents of one master; ``now`` reads its clock."""

    def __init__(self, ledger: Ledger, durability: Durability, options: AgentOptions, now: Callable[[], float]) -> None:
        self._roster = ledger.roster
        self._chronicle = ledger.chronicle
        self._durability = durability
        self._options = options
        self._now = now
        self._is_under_way = False

    def run(self) -> None:
        """Forget those whose time is over, if the last time is done with."""
        if not self._is_under_way:
            self._go_on()

    def _go_on(self) -> None:
        unreachable, gone = self._due(self._roster.unreachable), self._due(self._roster.gone)
        self._is_under_way = bool(unreachable or gone)
        if self._is_under_way:
            self._durability.apply(Prune(unreachable, gone), lambda: self._pruned(unreachable, gone))

    def _due(self, since: dict[AgentID, int]) -> tuple[AgentID, ...]:
        """The oldest of ``since``, which is oldest first, as far as they are too many or too old."""
        last = int((self._now() - self._options.registry_max_agent_age) * SECOND)
        beyond = len(since) - self._options.registry_max_agent_count
        due = []
        for at, (agent_id, since_ns) in enumerate(islice(since.items(), AGENTS_IN_STEP)):
            if at >= beyond and since_ns >= last:
                break
            if agent_id not in self._roster.reregistering:
                due.append(agent_id)
        return tuple(due)

    def _pruned(self, unreachable: tuple[AgentID, ...], gone: tuple[AgentID, ...]) -> None:
        roster = self._roster
        forgotten = tuple([one for one in unreachable if roster.unreachable.pop(one, None) is not None])
        for agent_id in forgotten:  # the others were declared gone meanwhile
            roster.forget(agent_id)
        for agent_id in gone:
            roster.gone.pop(agent_id, None)
        self._chronicle.tell(happenings.AgentsForgotten, forgotten, gone)
        log.info("%d unreachable and %d gone agents are forgotten", len(forgotten), len(gone))
        self._go_on()
