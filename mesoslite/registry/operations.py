"""Operations: what each comes to, by the books as they are; nothing is changed here."""

# Who calls: the registrar, which commits what is decided before it decides the next.
# Invariants: 1. an operation that is refused raises, and one that changes nothing returns an empty change.
#   2. what makes a registry hard to read for a master that lacks a capability says so in the same change, and what
#   undoes the last of it takes that back.
# Unlike in Mesos an id that is unreachable or gone is not admitted, and one that is gone does not become reachable: it
#   would be in two places. Its master never asks for either. An operation that repeats what is so already is no change.
# Cost: as much as the operation names, whatever the registry holds. What may name thousands of machines is decided in
#   steps, so that others are served in between; the books stay as they are meanwhile.
# Source: Mesos src/master/registry_operations.cpp, maintenance.cpp, quota.cpp, weights.cpp.

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeAlias

from msgspec.structs import replace

from mesoslite.model import (
    AGENT_DRAINING,
    QUOTA_V2,
    AgentID,
    AgentInfo,
    InvalidRequest,
    RegistryRefused,
)
from mesoslite.model.registry import (
    AdmitAgent,
    DeactivateAgent,
    DrainAgent,
    DrainInfo,
    DrainState,
    GoneAgent,
    Machine,
    MachineID,
    MachineMode,
    MarkAgentDrained,
    MarkAgentGone,
    MarkAgentReachable,
    MarkAgentUnreachable,
    MinimumCapability,
    Prune,
    QuotaConfig,
    ReactivateAgent,
    RegistryAgent,
    RegistryOperation,
    RegistryRow,
    RemoveAgent,
    Schedule,
    StartMaintenance,
    StopMaintenance,
    UnreachableAgent,
    UpdateAgent,
    UpdateQuota,
    UpdateSchedule,
    UpdateWeights,
)

from .books import Books, Change, Place, is_deactivated
from .rows import KINDS, machine_key, place_of

AGENT, UNREACHABLE, GONE = KINDS[RegistryAgent], KINDS[UnreachableAgent], KINDS[GoneAgent]
MACHINE, SCHEDULE, CAPABILITY = KINDS[Machine], KINDS[Schedule], KINDS[MinimumCapability]
QUOTA = KINDS[QuotaConfig]
NO_CHANGE = Change()
MACHINES_IN_STEP = 500  # about a millisecond

Deciding: TypeAlias = Generator[None, None, Change]


def deciding(books: Books, operation: RegistryOperation) -> Deciding:
    """Return what an operation changes, after as many steps as it takes.

    Raises: RegistryRefused, if it does not fit what is there; InvalidRequest, if it is none, or its agent has no id.
    """
    decision = _DECISIONS.get(type(operation))
    if decision is None:
        raise InvalidRequest(f"registry: got {type(operation).__qualname__}, expected an operation such as AdmitAgent")
    change = decision(books, operation)
    return change if isinstance(change, Change) else (yield from change)


# ---- agents that come, stay away and go ----


def _admit(books: Books, operation: AdmitAgent) -> Change:
    agent_id = _id_of(operation.info)
    if agent_id in books.agents or agent_id in books.unreachable or agent_id in books.gone:
        what = "admitted" if agent_id in books.agents else "gone" if agent_id in books.gone else "unreachable"
        raise _refused("admit", agent_id, f"is {what} already", "give a new agent an id of its own")
    return Change((((AGENT, agent_id), RegistryAgent(operation.info)),))


def _update(books: Books, operation: UpdateAgent) -> Change:
    agent = _admitted(books, "update", _id_of(operation.info))
    return _put(replace(agent, info=operation.info)) if agent.info != operation.info else NO_CHANGE


def _mark_unreachable(books: Books, operation: MarkAgentUnreachable) -> Change:
    agent = _admitted(books, "mark unreachable", operation.id)
    lost = UnreachableAgent(operation.id, operation.since_ns, agent.drain, agent.deactivated)
    return _move((AGENT, operation.id), lost)


def _mark_reachable(books: Books, operation: MarkAgentReachable) -> Change:
    agent_id = _id_of(operation.info)
    if agent_id in books.agents:  # after a failover agents are back before anybody has missed them
        return NO_CHANGE
    if agent_id in books.gone:
        raise _refused("mark reachable", agent_id, "is gone", "let it start anew, under another id")
    lost = books.unreachable.get(agent_id)
    if lost is None:
        return _put(RegistryAgent(operation.info))
    return _move((UNREACHABLE, agent_id), RegistryAgent(operation.info, lost.drain, lost.deactivated))


def _remove(books: Books, operation: RemoveAgent) -> Change:
    agent = _admitted(books, "remove", operation.id)
    return _with_draining(books, Change((), ((AGENT, operation.id),)), -is_deactivated(agent))


def _mark_gone(books: Books, operation: MarkAgentGone) -> Change:
    if operation.id in books.gone:
        raise _refused("mark gone", operation.id, "is gone already", "nothing is left to do")
    found = _find(books, operation.id)
    if found is None:
        raise _refused("mark gone", operation.id, "is neither admitted nor unreachable", "look its id up again")
    place, agent = found
    return _with_draining(books, _move(place, GoneAgent(operation.id, operation.since_ns)), -is_deactivated(agent))


def _prune(books: Books, operation: Prune) -> Change:
    lost = [agent_id for agent_id in dict.fromkeys(operation.unreachable) if agent_id in books.unreachable]
    gone = [agent_id for agent_id in dict.fromkeys(operation.gone) if agent_id in books.gone]
    deletes = [(UNREACHABLE, agent_id) for agent_id in lost] + [(GONE, agent_id) for agent_id in gone]
    fewer = sum([books.unreachable[agent_id].deactivated for agent_id in lost])
    return _with_draining(books, Change((), tuple(deletes)), -fewer)


# ---- agents that are drained ----


def _drain(books: Books, operation: DrainAgent) -> Change:
    found = _find(books, operation.id)
    if found is None:
        return NO_CHANGE
    agent = found[1]
    grace = operation.max_grace_seconds
    if grace is None and agent.drain is not None:
        grace = agent.drain.max_grace_seconds
    drain = DrainInfo(DrainState.DRAINING, grace, operation.mark_gone)
    return _replaced(books, agent, replace(agent, drain=drain, deactivated=True))


def _mark_drained(books: Books, operation: MarkAgentDrained) -> Change:
    found = _find(books, operation.id)
    if found is None:
        return NO_CHANGE
    agent = found[1]
    if agent.drain is None or agent.drain.state is not DrainState.DRAINING:
        raise _refused("mark drained", operation.id, "is not draining", "drain it first")
    return _replaced(books, agent, replace(agent, drain=replace(agent.drain, state=DrainState.DRAINED)))


def _deactivate(books: Books, operation: DeactivateAgent) -> Change:
    found = _find(books, operation.id)
    return _replaced(books, found[1], replace(found[1], deactivated=True)) if found else NO_CHANGE


def _reactivate(books: Books, operation: ReactivateAgent) -> Change:
    found = _find(books, operation.id)
    return _replaced(books, found[1], replace(found[1], drain=None, deactivated=False)) if found else NO_CHANGE


# ---- maintenance ----


def _update_schedule(books: Books, operation: UpdateSchedule) -> Deciding:
    machines: dict[str, Machine] = {}
    for window in operation.schedule.windows:
        for key, machine_id in (yield from _keyed(window.machines)):
            before = books.machines.get(key)
            mode = before.mode if before is not None else MachineMode.DRAINING
            machines[key] = Machine(before.id if before else machine_id, mode, window.unavailability)
    puts = [((MACHINE, key), machine) for key, machine in machines.items() if books.machines.get(key) != machine]
    deletes = [(MACHINE, key) for key in books.machines if key not in machines]
    return _with_schedule(books, operation.schedule, puts, deletes)


def _start_maintenance(books: Books, operation: StartMaintenance) -> Deciding:
    keys = [key for key, _ in (yield from _keyed(operation.machines))]
    known = {key: books.machines[key] for key in keys if key in books.machines}
    return Change(
        tuple(
            [
                ((MACHINE, key), replace(machine, mode=MachineMode.DOWN))
                for key, machine in known.items()
                if machine.mode is not MachineMode.DOWN
            ]
        )
    )


def _stop_maintenance(books: Books, operation: StopMaintenance) -> Deciding:
    keys = dict((yield from _keyed(operation.machines)))
    windows = []
    for window in books.schedule.windows:
        keyed = yield from _keyed(window.machines)
        left = tuple([machine_id for key, machine_id in keyed if key not in keys])
        if left:
            windows.append(replace(window, machines=left))
    deletes = [(MACHINE, key) for key in keys if key in books.machines]
    return _with_schedule(books, Schedule(tuple(windows)), [], deletes)


def _keyed(machines: tuple[MachineID, ...]) -> Generator[None, None, list[tuple[str, MachineID]]]:
    """Machines with their keys, which take most of the time, some in a step."""
    keyed = []
    for number, machine_id in enumerate(machines, 1):
        keyed.append((machine_key(machine_id), machine_id))
        if number % MACHINES_IN_STEP == 0:
            yield
    return keyed


# ---- roles ----


def _update_quota(books: Books, operation: UpdateQuota) -> Change:
    wanted = {config.role: config for config in operation.configs}
    puts: list[tuple[Place, RegistryRow]] = []
    deletes: list[Place] = []
    for role, config in wanted.items():
        before = books.quotas.get(role)
        if config.guarantees or config.limits:
            if config != before:
                puts.append(((QUOTA, role), config))
        elif before is not None:
            deletes.append((QUOTA, role))
    left = len(books.quotas.keys() | {role for (_, role), _ in puts}) - len(deletes)
    return _with_capability(books, Change(tuple(puts), tuple(deletes)), QUOTA_V2, left > 0)


def _update_weights(books: Books, operation: UpdateWeights) -> Change:
    wanted = {weight.role: weight for weight in operation.weights}
    changed = [weight for role, weight in wanted.items() if books.weights.get(role) != weight]
    return Change(tuple([(place_of(weight), weight) for weight in changed]))


# ---- what they have in common ----


def _id_of(info: AgentInfo) -> AgentID:
    if not info.id:
        raise InvalidRequest(f"registry: the agent on {info.hostname!r} has no id; give it one before it is stored")
    return info.id


def _refused(verb: str, agent_id: str, problem: str, remedy: str) -> RegistryRefused:
    return RegistryRefused(f"registry: {verb}: the agent {agent_id[:80]!r} {problem}; {remedy}")


def _admitted(books: Books, verb: str, agent_id: AgentID) -> RegistryAgent:
    agent = books.agents.get(agent_id)
    if agent is None:
        raise _refused(verb, agent_id, "is not admitted", "look its id up again")
    return agent


def _find(books: Books, agent_id: AgentID) -> tuple[Place, RegistryAgent | UnreachableAgent] | None:
    """An agent that is admitted or unreachable."""
    agent = books.agents.get(agent_id)
    if agent is not None:
        return (AGENT, agent_id), agent
    lost = books.unreachable.get(agent_id)
    return None if lost is None else ((UNREACHABLE, agent_id), lost)


def _put(row: RegistryRow) -> Change:
    return Change(((place_of(row), row),))


def _move(old: Place, row: RegistryRow) -> Change:
    return Change(((place_of(row), row),), (old,))


def _replaced(
    books: Books, before: RegistryAgent | UnreachableAgent, after: RegistryAgent | UnreachableAgent
) -> Change:
    change = _put(after) if after != before else NO_CHANGE
    return _with_draining(books, change, after.deactivated - before.deactivated)


def _with_draining(books: Books, change: Change, more: int) -> Change:
    """``change``, after which so many more agents are deactivated."""
    return _with_capability(books, change, AGENT_DRAINING, books.deactivated + more > 0)


def _with_capability(books: Books, change: Change, name: str, is_needed: bool) -> Change:
    if is_needed == (name in books.capabilities):
        return change
    if is_needed:
        row = MinimumCapability(name)
        return change._replace(puts=(*change.puts, (place_of(row), row)))
    return change._replace(deletes=(*change.deletes, (CAPABILITY, name)))


def _with_schedule(books: Books, schedule: Schedule, puts: list[tuple[Place, Machine]], deletes: list[Place]) -> Change:
    rows: list[tuple[Place, RegistryRow]] = [*puts]
    if schedule != books.schedule and schedule.windows:
        rows.append((place_of(schedule), schedule))
    elif schedule != books.schedule:
        deletes = [*deletes, (SCHEDULE, "")]
    return Change(tuple(rows), tuple(deletes))


_DECISIONS: dict[type[RegistryOperation], Callable[[Books, Any], Change | Deciding]] = {
    AdmitAgent: _admit,
    UpdateAgent: _update,
    MarkAgentUnreachable: _mark_unreachable,
    MarkAgentReachable: _mark_reachable,
    RemoveAgent: _remove,
    MarkAgentGone: _mark_gone,
    Prune: _prune,
    DrainAgent: _drain,
    MarkAgentDrained: _mark_drained,
    DeactivateAgent: _deactivate,
    ReactivateAgent: _reactivate,
    UpdateSchedule: _update_schedule,
    StartMaintenance: _start_maintenance,
    StopMaintenance: _stop_maintenance,
    UpdateQuota: _update_quota,
    UpdateWeights: _update_weights,
}
