"""Metrics of operations: how many there were, are under way, and have ended how, in all and of each type."""

# Who calls: master.py makes it; the chronicle tells it what happens.
# An operation of a former master, or of an agent that was given up and is back, counts in all, and under no type: its
#   agent does not say what it is. Those of an agent out of reach are unreachable until it is back, gone or forgotten.
# Source: Mesos src/master/metrics.hpp (OperationStates).

from __future__ import annotations

from typing import TYPE_CHECKING

import libactor as la
from mesoslite.model import Create, Destroy, GrowVolume, OperationState, Reserve, ShrinkVolume, Unreserve
from mesoslite.model.happenings import (
    AgentGone,
    AgentRemoved,
    AgentReturned,
    AgentsForgotten,
    OperationBegun,
    OperationUpdated,
)

from .publication import PREFIX

if TYPE_CHECKING:
    from mesoslite.model import AgentID

    from .chronicle import Chronicle
    from .publication import Publication

TYPES: dict[type, str] = {
    Reserve: "reserve",
    Unreserve: "unreserve",
    Create: "create",
    Destroy: "destroy",
    GrowVolume: "grow_volume",
    ShrinkVolume: "shrink_volume",
}
UNDER_WAY = (
    OperationState.OPERATION_PENDING,
    OperationState.OPERATION_RECOVERING,
    OperationState.OPERATION_UNREACHABLE,
)


class OperationMetrics:
    """The counters and gauges of the operations of one master."""

    def __init__(self, chronicle: Chronicle, publication: Publication) -> None:
        self._under_way: dict[bytes, tuple[_Figures, ...]] = {}  # by uuid
        self._unreachable: dict[AgentID, list[tuple[_Figures, ...]]] = {}
        self._all = _Figures("operations/", publication)
        self._by_type = {kind: _Figures(f"operations/{name}/", publication) for kind, name in TYPES.items()}
        chronicle.listen(self._begun, (OperationBegun,))
        chronicle.listen(self._updated, (OperationUpdated,))
        chronicle.listen(self._agent_decided, (AgentReturned, AgentGone, AgentRemoved))
        chronicle.listen(self._agents_forgotten, (AgentsForgotten,))

    def _begun(self, happening: OperationBegun) -> None:
        self._count(happening.uuid, (self._all, self._by_type[type(happening.operation)]))

    def _updated(self, happening: OperationUpdated) -> None:
        uuid, old, new = happening.uuid, happening.old, happening.new
        if old is new or old.is_terminal:
            return
        if uuid not in self._under_way:
            self._count(uuid, (self._all,))
        all_figures = self._under_way[uuid] if new in UNDER_WAY else self._under_way.pop(uuid)
        for figures in all_figures:
            figures.move(old, new)
        if new is OperationState.OPERATION_UNREACHABLE:
            self._unreachable.setdefault(happening.agent_id, []).append(self._under_way.pop(uuid))

    def _count(self, uuid: bytes, all_figures: tuple[_Figures, ...]) -> None:
        self._under_way[uuid] = all_figures
        for figures in all_figures:
            figures.total.value += 1
            figures.under_way[OperationState.OPERATION_PENDING].increment()

    def _agent_decided(self, happening: AgentReturned | AgentGone | AgentRemoved) -> None:
        self._let_go(happening.agent_id)

    def _agents_forgotten(self, happening: AgentsForgotten) -> None:
        for agent_id in happening.unreachable:
            self._let_go(agent_id)

    def _let_go(self, agent_id: AgentID) -> None:
        for all_figures in self._unreachable.pop(agent_id, ()):
            for figures in all_figures:
                figures.under_way[OperationState.OPERATION_UNREACHABLE].decrement()


class _Figures:
    """What is told of all operations, or of those of one type."""

    def __init__(self, name: str, publication: Publication) -> None:
        self.total = publication.counter(f"{name}total")
        self.under_way = {
            state: publication.add(la.metrics.PushGauge(f"{PREFIX}{name}{_short(state)}")) for state in UNDER_WAY
        }
        self.ended = {
            state: publication.counter(f"{name}{_short(state)}") for state in OperationState if state.is_terminal
        }

    def move(self, old: OperationState, new: OperationState) -> None:
        """Count one that was in the state ``old`` in the state ``new``."""
        if old in self.under_way:
            self.under_way[old].decrement()
        if new in self.ended:
            self.ended[new].value += 1
        elif new in self.under_way:
            self.under_way[new].increment()


def _short(state: OperationState) -> str:
    return state.name.removeprefix("OPERATION_").lower()
