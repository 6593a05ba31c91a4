"""Books: what the registry holds, by key, as the registrar keeps it between two changes."""

# Who calls: the registrar commits changes; operations.py reads.
# Invariant: ``deactivated`` is the number of agents, admitted or unreachable, that are.
# Siblings of one kind are rows in a dict; order counts nowhere, except that one state is told in one order.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from mesoslite.model import MasterInfo
from mesoslite.model.registry import (
    GoneAgent,
    Machine,
    MinimumCapability,
    QuotaConfig,
    RegistryAgent,
    RegistryRow,
    RegistryState,
    Schedule,
    UnreachableAgent,
    Weight,
)

from .rows import KINDS, place_of

T = TypeVar("T")
Place = tuple[str, str]  # kind and key


class Change(NamedTuple):
    """What an operation comes to: rows that are put in place of those with their keys, and rows that are taken out."""

    puts: tuple[tuple[Place, RegistryRow], ...] = ()
    deletes: tuple[Place, ...] = ()


class Books:
    """All rows of one registry."""

    def __init__(self, state: RegistryState) -> None:
        self._tables: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS.values()}
        self.agents: dict[str, RegistryAgent] = self._tables[KINDS[RegistryAgent]]
        self.unreachable: dict[str, UnreachableAgent] = self._tables[KINDS[UnreachableAgent]]
        self.gone: dict[str, GoneAgent] = self._tables[KINDS[GoneAgent]]
        self.machines: dict[str, Machine] = self._tables[KINDS[Machine]]
        self.quotas: dict[str, QuotaConfig] = self._tables[KINDS[QuotaConfig]]
        self.weights: dict[str, Weight] = self._tables[KINDS[Weight]]
        self.capabilities: dict[str, MinimumCapability] = self._tables[KINDS[MinimumCapability]]
        self.deactivated = 0
        rows: list[RegistryRow] = [
            *state.agents,
            *state.unreachable,
            *state.gone,
            *state.machines,
            *state.quotas,
            *state.weights,
        ]
        rows += [MinimumCapability(name) for name in state.minimum_capabilities]
        if state.schedule.windows:
            rows.append(state.schedule)
        self.commit(Change(tuple([(place_of(row), row) for row in rows])))

    @property
    def schedule(self) -> Schedule:
        """What is to be serviced."""
        found: Schedule = self._tables[KINDS[Schedule]].get("", Schedule())
        return found

    def state(self, master: MasterInfo) -> RegistryState:
        """All rows, in order of their keys, as ``master`` has written them."""
        return RegistryState(
            master=master,
            agents=_in_order(self.agents),
            unreachable=_in_order(self.unreachable),
            gone=_in_order(self.gone),
            machines=_in_order(self.machines),
            schedule=self.schedule,
            quotas=_in_order(self.quotas),
            weights=_in_order(self.weights),
            minimum_capabilities=tuple(sorted(self.capabilities)),
        )

    def commit(self, change: Change) -> None:
        """Let the books say what the change says."""
        for kind, key in change.deletes:
            self.deactivated -= is_deactivated(self._tables[kind].pop(key))
        for (kind, key), row in change.puts:
            table = self._tables[kind]
            self.deactivated += is_deactivated(row) - is_deactivated(table.get(key))
            table[key] = row


def _in_order(table: Mapping[str, T]) -> tuple[T, ...]:
    return tuple([table[key] for key in sorted(table)])


def is_deactivated(row: RegistryRow | None) -> bool:
    """Whether that is an agent which is not to be offered."""
    return getattr(row, "deactivated", False)
