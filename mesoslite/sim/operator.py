"""Operator: asks masters for what operators ask for, and remembers what was promised."""

# Who calls: life.py lets it act; the checker of H2 compares what was promised with the registry.
# An operator asks whoever leads, from outside the network, and gets an answer, a refusal, or none: then what was asked
#   may have been done or not. What is promised later holds whatever was uncertain before.
# Keys: kind and key of a row of the registry (registry/rows.py).

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

import libactor as la
from mesoslite.master import Master
from mesoslite.model import Conflict, InvalidRequest, NotFound, NotLeader, Unavailability
from mesoslite.model.registry import MachineID, QuotaConfig, Schedule, Weight, Window
from mesoslite.registry.rows import decode, machine_key

from .audit import agent_id_of, ledger_of
from .operations import draw_operations

if TYPE_CHECKING:
    from libactor.testing import Stream

    from .world import World

SECOND = 1_000_000_000
QUOTAS = ((4_000, 0), (6_000, 0), (2_000, 1_000), (3_000, 2_000), (0, 0))  # thousandths of cpus: limit and guarantee
WEIGHTS = (2.0, 0.5, 10.0)
ROLES = ("ads", "web")
REFUSALS = (InvalidRequest, NotFound, Conflict, NotLeader)  # nothing has changed then

Key = tuple[str, str]


@dataclass
class Promise:
    """What is to stand at a place of the registry: what was ``promised``, or one of what is ``uncertain``."""

    promised: Any = None
    uncertain: list[Any] = field(default_factory=list)
    is_under_way: bool = False

    def allows(self, found: Any) -> bool:
        """Whether that may stand there."""
        return found == self.promised or found in self.uncertain


class Operator:
    """The operators of a run."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._promises: dict[Key, Promise] = {}
        self._operations = 0

    def act(self, stream: Stream) -> None:
        """Perhaps ask for something."""
        asks: list[tuple[str, Callable[[Stream], None]]] = [
            ("quota", self._quota),
            ("weights", self._weights),
            ("draining", self._drain),
            ("gone", self._gone),
            ("maintenance", self._maintain),
            ("reservations", lambda stream: self._convert(stream, reserves=True)),
            ("volumes", lambda stream: self._convert(stream, makes_volumes=True)),
        ]
        asks = [(feature, ask) for feature, ask in asks if self._world.wants(feature)]
        if asks and self._world.leader is not None and stream.chance(0.06 * len(asks)):
            stream.pick(asks)[1](stream)

    def mend(self) -> None:
        """Bring machines up that are being serviced, and end frameworks that agents have brought back.

        An agent that was away when a framework was removed, and then the master, brings it along: no registry knows.
        """
        for machine in self._world.agents:
            if self.services(machine.hostname):
                self._ask("stop_maintenance", {_machine(machine.hostname): None}, _ids(machine.hostname))
        leader = self._world.leader
        frameworks = ledger_of(leader.actor).frameworks if leader is not None else {}
        for framework_id, framework in frameworks.items():
            if framework.recovered and framework_id in self._world.removed:
                self._world.torn_down.add(framework_id)
                self._ask("teardown_framework", {}, framework_id)

    def services(self, hostname: str) -> bool:
        """Whether the machine of that name is down, as the registry has it."""
        return bool(self._found(*_machine(hostname)) == "DOWN")

    def broken_promises(self) -> Iterator[tuple[str, Any, Any]]:
        """What, what was promised, and what the registry has instead."""
        rows = self._world.registry.rows
        for (kind, key), promise in self._promises.items():
            found = self._found(kind, key)
            is_dead = kind == "deactivated" and ("agent", key) not in rows and ("unreachable", key) not in rows
            if not is_dead and not promise.allows(found):
                yield f"{kind} {key}", promise.promised, found

    def _found(self, kind: str, key: str) -> Any:
        """What the registry has, as promises say it."""
        rows = self._world.registry.rows
        if kind == "gone":
            return ("gone", key) in rows or None
        if kind == "deactivated":
            for place in (("agent", key), ("unreachable", key)):
                if place in rows:
                    row: Any = decode(*place, rows[place])
                    return row.deactivated
            return None
        data = rows.get((kind, key))
        row = decode(kind, key, data) if data is not None else None
        return row.mode.value if kind == "machine" and row is not None else row

    def _ask(self, method: str, wanted: dict[Key, Any], *arguments: Any) -> None:
        """Dispatch an operator's call to the leader; ``wanted`` is what is promised by its answer."""
        leader = self._world.leader
        promises = [self._promises.setdefault(key, Promise(self._found(*key))) for key in wanted]
        if leader is None or any(promise.is_under_way for promise in promises):
            return
        for promise, value in zip(promises, wanted.values(), strict=True):
            promise.is_under_way = True
            promise.uncertain.append(value)
        self._world.note(f"an operator asks for {method}{arguments}")

        def answered(future: la.Future[Any]) -> None:
            for promise, value in zip(promises, wanted.values(), strict=True):
                promise.is_under_way = False
                if future.is_ready():
                    promise.promised, promise.uncertain = value, []
                elif future.is_failed() and isinstance(future.exception(), REFUSALS):
                    promise.uncertain.remove(value)

        future = la.dispatch(leader.pid, getattr(Master, method), *arguments)
        future.on_any(answered)

        def abandoned() -> None:
            for promise in promises:
                promise.is_under_way = False

        future.on_abandoned(abandoned)

    # ---- what is asked ----

    def _quota(self, stream: Stream) -> None:
        role = stream.pick(ROLES)
        limit, guarantee = stream.pick(QUOTAS)
        guarantees = (("cpus", guarantee),) if guarantee else ()
        config = QuotaConfig(role, guarantees, (("cpus", limit),) if limit else ())
        self._ask("update_quota", {("quota", role): config if limit or guarantee else None}, (config,), True)

    def _weights(self, stream: Stream) -> None:
        weight = Weight(stream.pick(ROLES), stream.pick(WEIGHTS))
        self._ask("update_weights", {("weight", weight.role): weight}, (weight,))

    def _agent_id(self, stream: Stream) -> Any:
        machine = stream.pick(self._world.agents)
        return agent_id_of(machine.actor) if machine.starts else None

    def _drain(self, stream: Stream) -> None:
        agent_id = self._agent_id(stream)
        if agent_id is None:
            return
        key = ("deactivated", agent_id)
        if stream.chance(0.5):
            self._ask("reactivate_agent", {key: False}, agent_id)
        elif stream.chance(0.5):
            self._ask("deactivate_agent", {key: True}, agent_id)
        else:
            self._ask("drain_agent", {key: True}, agent_id, 10.0, stream.chance(0.3))

    def _gone(self, stream: Stream) -> None:
        agent_id = self._agent_id(stream)
        if agent_id is not None and stream.chance(0.5):
            self._ask("mark_agent_gone", {("gone", agent_id): True}, agent_id)

    def _convert(self, stream: Stream, *, reserves: bool = False, makes_volumes: bool = False) -> None:
        """Reserve, make volumes of, or undo that for, what an agent has, as its master believes."""
        agent_id, leader = self._agent_id(stream), self._world.leader
        agent = ledger_of(leader.actor).agents.get(agent_id) if leader is not None else None
        self._operations += 1
        if agent is None:
            return
        drawn = draw_operations(
            stream,
            stream.pick(ROLES),
            agent.total,
            f"operator-{self._operations}",
            reserves=reserves,
            makes_volumes=makes_volumes,
        )
        for operation in drawn:
            self._ask("apply_operation", {}, agent_id, replace(operation, id=None))

    def _maintain(self, stream: Stream) -> None:
        """Schedule the service of one machine, begin it, or end it."""
        hostname = stream.pick(self._world.agents).hostname
        key = _machine(hostname)
        step = stream.choose(3)
        if step == 0:
            start = int(self._world.runtime.clock.now() * SECOND) + 60 * SECOND
            others = {place: None for place in self._promises if place[0] == "machine" and place != key}
            known = self._promises.get(key, Promise())
            if "DOWN" in (known.promised, *known.uncertain):
                return  # a machine that is down stays so
            window = Window(_ids(hostname), Unavailability(start, 600 * SECOND))
            self._ask("update_schedule", {**others, key: "DRAINING"}, Schedule((window,)))
        elif step == 1:
            self._ask("start_maintenance", {key: "DOWN"}, _ids(hostname))
        else:
            self._ask("stop_maintenance", {key: None}, _ids(hostname))


def _ids(hostname: str) -> tuple[MachineID, ...]:
    return (MachineID(hostname=hostname),)


def _machine(hostname: str) -> Key:
    return "machine", machine_key(MachineID(hostname=hostname))
