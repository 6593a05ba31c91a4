"""Census: how much a master has of agents, frameworks, offers, tasks and resources, as gauges under Mesos's names."""

# Who calls: master.py, inside the master actor: ``count`` when a reader of metrics asks for a gauge.
# Tasks under way are counted for each framework as they change state (figures.py): there may be a million. Resources
#   are running totals of the ledger. The rest is counted when it is asked for.
# Source: Mesos src/master/metrics.cpp, src/master/master.cpp (_resources_percent).

from __future__ import annotations

from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import MILLI, TaskState

from .figures import TASKS
from .publication import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .framework_entry import FrameworkEntry
    from .ledger import Ledger
    from .publication import Publication
    from .tally import Tally

    Read = Callable[[Tally], Mapping[str, int]]

UNDER_WAY = {
    TaskState.TASK_STAGING: "tasks_staging",
    TaskState.TASK_STARTING: "tasks_starting",
    TaskState.TASK_RUNNING: "tasks_running",
    TaskState.TASK_KILLING: "tasks_killing",
}
SCALARS = ("cpus", "gpus", "mem", "disk")


class Census:
    """Counts what is in the books of one master; ``own`` are further figures, of the master itself."""

    def __init__(self, ledger: Ledger, own: Mapping[str, Callable[[], float]]) -> None:
        self._frameworks = ledger.frameworks
        agents, frameworks, roster = ledger.agents, ledger.frameworks, ledger.roster
        self._figures: dict[str, Callable[[], float]] = {
            **own,
            **_resource_figures(ledger),
            "slaves_connected": lambda: sum([agent.connected for agent in agents.values()]),
            "slaves_disconnected": lambda: sum([not agent.connected for agent in agents.values()]),
            "slaves_active": lambda: sum([agent.connected and agent.active for agent in agents.values()]),
            "slaves_inactive": lambda: sum([not (agent.connected and agent.active) for agent in agents.values()]),
            "slaves_unreachable": lambda: len(roster.unreachable),
            "frameworks_connected": lambda: sum([one.connected for one in frameworks.values()]),
            "frameworks_disconnected": lambda: sum([_is_away(one) for one in frameworks.values()]),
            "frameworks_active": lambda: sum([one.connected for one in frameworks.values()]),
            "frameworks_inactive": lambda: sum([_is_away(one) for one in frameworks.values()]),
            "outstanding_offers": lambda: len(ledger.offers),
            "tasks_unreachable": lambda: sum([len(one.unreachable) for one in frameworks.values()]),
        }

    def count(self, name: str) -> float:
        """How many there are of what Mesos calls so."""
        if name in self._figures:
            return self._figures[name]()
        state = next(state for state, named in UNDER_WAY.items() if named == name)
        place = TASKS[state]
        return sum([framework.figures[place] for framework in self._frameworks.values()])

    def tell(self, publication: Publication, ask: Callable[[str], Callable[[], Any]]) -> None:
        """Let it be read from now on; ``ask`` says what has the master count."""
        for name in (*self._figures, *UNDER_WAY.values()):
            publication.add(la.metrics.Gauge(PREFIX + name, ask(name)))


def _is_away(framework: FrameworkEntry) -> bool:
    """Whether it may come back: one that is being removed is none of the cluster's any more."""
    return not framework.connected and not framework.is_ending


def _resource_figures(ledger: Ledger) -> dict[str, Callable[[], float]]:
    """What there is, and is used, of the scalars that Mesos tells of: cpus, MiB, and parts of the whole from 0 to 1."""
    total, used = ledger.total_tally, ledger.used_tally
    figures: dict[str, Callable[[], float]] = {}
    for infix, read in (("", _firm), ("revocable_", _revocable)):
        for name in SCALARS:
            figures[f"{name}_{infix}total"] = partial(_units, read, total, name)
            figures[f"{name}_{infix}used"] = partial(_units, read, used, name)
            figures[f"{name}_{infix}percent"] = partial(_part, read, used, total, name)
    return figures


_firm: Read = attrgetter("firm")
_revocable: Read = attrgetter("revocable")


def _units(read: Read, tally: Tally, name: str) -> float:
    return read(tally)[name] / MILLI


def _part(read: Read, used: Tally, total: Tally, name: str) -> float:
    return read(used)[name] / read(total)[name] if read(total)[name] else 0.0
