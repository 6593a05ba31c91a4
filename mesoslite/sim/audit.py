"""Audit: whether a master's ledger is true to itself, and its allocator's books to the ledger."""

# Who calls: the simulator's checkers, and tests/masters. It looks into a master and an allocator that are settled, and
#   changes nothing.
# All that looks at private parts of a master, an allocator or an agent is in this file, so that whoever changes those
#   finds it in one place.

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from mesoslite.master.figures import TASKS
from mesoslite.master.shown.changes import Changes
from mesoslite.master.shown.comparison import differences
from mesoslite.master.shown.shown import Shown
from mesoslite.model import NOTHING, Resources, TaskState

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesoslite.model.view import View


def listen(master: Any, listener: Callable[[Any], object]) -> None:
    """Have ``listener`` called with each happening of a master that has not been spawned yet."""
    master._chronicle.listen(listener)


def ledger_of(master: Any) -> Any:
    """The books of a master."""
    return master._ledger


def quotas_of(master: Any) -> Any:
    """The quotas that a master goes by, by role."""
    return master._agents.entitlements.quotas


def agent_id_of(agent: Any) -> Any:
    """The id that an agent was given, or None."""
    return agent._info.id


def total_of(agent: Any) -> Resources:
    """All that an agent has."""
    total: Resources = agent._parts.operations.total
    return total


def obeyed_epoch(agent: Any) -> int:
    """The highest epoch that an agent has obeyed, by itself."""
    epoch: int = agent._registration.epoch
    return epoch


def pending_statuses(agent: Any) -> list[tuple[str, str]]:
    """Framework and task of each status that an agent has not been acknowledged."""
    streams = agent._parts.updates._streams.items()
    return [(framework_id, task_id) for framework_id, tasks in streams for task_id, one in tasks.items() if one.pending]


def pending_uuids(agent: Any) -> dict[bytes, tuple[str, str]]:
    """Framework and task of each status of its own tasks that an agent has yet to be acknowledged, by its uuid."""
    streams = agent._parts.updates._streams.items()
    return {
        status.uuid: (framework_id, task_id)
        for framework_id, tasks in streams
        for task_id, one in tasks.items()
        if one.run is not None  # what it says of others is not written down
        for status in one.pending
    }


def see(master: Any) -> View:
    """What readers of a master see."""
    for _ in master._shown.packing():
        pass
    view: View = master._shown.seal(master._tenure())
    return view


def unseen(master: Any, view: View) -> list[str]:
    """What a View of a master says otherwise than its books do, a line each: none, if nothing has happened since."""
    changes = Changes()
    changes.everything(master._ledger)
    tasks = list(changes.tasks)
    last = [task.shown for task in tasks]
    for task in tasks:
        task.shown = None
    shown = Shown(master._ledger, changes)
    for _ in shown.packing():
        pass
    for task, record in zip(tasks, last, strict=True):
        task.shown = record
    return differences(view, shown.seal(view.master))


def is_leaving(master: Any, agent_id: str) -> bool:
    """Whether a master is just removing an agent, or declaring it gone."""
    return bool(master._ledger.roster.is_leaving(agent_id))


def audit(ledger: Any, policy: Any) -> None:
    """Assert that everything that is held is held by somebody, and stands where it is looked for."""
    policy._check()
    assert ledger.agents.keys() == policy._books.agents.keys()
    assert ledger.frameworks.keys() == policy._books.frameworks.keys()
    roster = ledger.roster
    for agent_id, agent in ledger.agents.items():
        _audit_agent(ledger, agent, policy)
        assert not any(agent_id in where for where in (roster.recovered, roster.unreachable, roster.gone))
        assert ledger.agent_at(agent.pid) is agent
    for framework in ledger.frameworks.values():
        _audit_framework(ledger, framework)
    lost = [task for framework in ledger.frameworks.values() for task in framework.unreachable.values()]
    by_agent = [task for tasks in ledger.out_of_reach._of.values() for task in tasks.values()]
    assert sorted(map(id, lost)) == sorted(map(id, by_agent))
    assert all(ledger.out_of_reach._of.values())
    offers = [offer for framework in ledger.frameworks.values() for offer in framework.offers.values()]
    assert ledger.offers == {offer.id: offer for offer in offers}
    _audit_inverse_offers(ledger, policy)
    _audit_tallies(ledger)
    _audit_consumption(ledger)


def held_by(tasks: Any, executors: Any, operations: Any) -> Resources:
    """The sum of all that holds resources."""
    holders = [task.resources for task in tasks if not task.state.is_terminal]
    holders += [executor.info.resources for executor in executors.values()]
    holders += [operation.held for operation in operations.values() if not operation.latest.is_terminal]
    return sum(holders, NOTHING)


def _audit_agent(ledger: Any, agent: Any, policy: Any) -> None:
    frameworks = ledger.frameworks
    assert agent.is_short or agent.held + agent.free == agent.total
    assert agent.used == held_by(agent.tasks, agent.executors, agent.operations)
    offered = [*agent.offers.values(), *agent.holdings.values()]
    assert agent.offered == sum([offer.resources for offer in offered], NOTHING)
    assert {(task.framework_id, task.task_id) for task in agent.tasks} >= agent.kills.keys()
    for entries, has_ended in ((agent.tasks, False), (agent.ended, True)):
        for task in entries:
            assert frameworks[task.framework_id].tasks[task.task_id] is task
            assert (task.agent_id, task.state.is_terminal) == (agent.id, has_ended)
    for (framework_id, executor_id), executor in agent.executors.items():
        assert frameworks[framework_id].executors[agent.id, executor_id] is executor
    for uuid, operation in agent.operations.items():
        assert operation.is_orphan or frameworks[operation.framework_id].operations[uuid] is operation
    for offer in agent.offers.values():
        assert frameworks[offer.framework_id].offers[offer.id] is offer
    held: dict[tuple[str, str], Resources] = {}
    parts = [(one, one.resources) for one in agent.tasks]
    parts += [(one, one.info.resources) for one in agent.executors.values()]
    parts += [(one, one.held) for one in agent.operations.values() if not one.latest.is_terminal]
    parts += [(one, one.resources) for one in agent.offers.values()]
    parts += [(one.source, one.resources) for one in agent.holdings.values()]
    for holder, resources in parts:
        key = (holder.framework_id, holder.role)
        held[key] = held.get(key, NOTHING) + resources
    book = policy._books.agents[agent.id]
    assert {key: amount for key, amount in held.items() if amount} == {
        (client.framework_id, client.role.path): amount for client, amount in book.held.items()
    }
    assert (book.total, policy.available(agent.id)) == (agent.total, agent.free)


def _audit_inverse_offers(ledger: Any, policy: Any) -> None:
    """Each stands in three places, is about the time that the allocator knows, and is what that waits for."""
    standing = list(ledger.inverse_offers.values())
    assert ledger.inverse_offers == {one.id: one for one in standing}
    for where in (ledger.agents, ledger.frameworks):
        entered = [one for entry in where.values() for one in entry.inverse_offers.values()]
        assert sorted(one.id for one in entered) == sorted(ledger.inverse_offers)
    for one in standing:
        assert ledger.agents[one.agent_id].inverse_offers[one.framework_id] is one
        assert ledger.frameworks[one.framework_id].inverse_offers[one.agent_id] is one
        assert ledger.frameworks[one.framework_id].connected
    for agent_id, agent in ledger.agents.items():
        book = policy._books.agents[agent_id]
        service = policy._books.maintenance._services.get(book)
        assert (
            book.unavailability == agent.unavailability == ledger.roster.unavailability(agent.info, agent.pid.address)
        )
        assert set(agent.inverse_offers) == (service.asked if service is not None else set())
        assert all(one.unavailability == agent.unavailability for one in agent.inverse_offers.values())
        assert agent.unavailability is not None or not agent.answers


def _audit_framework(ledger: Any, framework: Any) -> None:
    agents = ledger.agents
    assert framework.used == held_by(framework.tasks.values(), framework.executors, framework.operations).only_scalars()
    offered = [*framework.offers.values(), *framework.holdings.values()]
    assert framework.offered == sum([offer.resources for offer in offered], NOTHING).only_scalars()
    assert not (framework.offers and not framework.connected)
    for task_id, task in framework.tasks.items():
        agent = agents[task.agent_id]
        assert (task_id, framework.id) == (task.task_id, task.framework_id)
        assert task in (agent.ended if task.state.is_terminal else agent.tasks)
    for (agent_id, executor_id), executor in framework.executors.items():
        assert agents[agent_id].executors[framework.id, executor_id] is executor
    for uuid, operation in framework.operations.items():
        assert agents[operation.agent_id].operations[uuid] is operation
    named = {one.operation.id: uuid for uuid, one in framework.operations.items() if one.operation.id is not None}
    assert framework.operation_uuids == named
    states = Counter([task.state for task in framework.tasks.values() if not task.state.is_terminal])
    active = [state for state in TASKS if not state.is_terminal and state is not TaskState.TASK_UNREACHABLE]
    assert [framework.figures[TASKS[state]] for state in active] == [states[state] for state in active]
    for task in framework.unreachable.values():
        assert task.agent_id not in agents
        assert task.task_id not in framework.tasks
    assert not any(framework.tasks.get(task.task_id) is task for task in framework.completed)  # ids come again


def _audit_tallies(ledger: Any) -> None:
    """The running totals are what a look at all agents adds up to."""
    for tally, parts in (
        (ledger.total_tally, [agent.total for agent in ledger.agents.values()]),
        (ledger.used_tally, [agent.used for agent in ledger.agents.values()]),
    ):
        for counted, kept in (
            (tally.firm, [part.not_revocable() for part in parts]),
            (tally.revocable, [part.revocable() for part in parts]),
        ):
            expected: Counter[str] = Counter()
            for part in kept:
                expected.update(part.scalars())
            assert +counted == expected
            assert not -counted


def _audit_consumption(ledger: Any) -> None:
    """What roles consume of quotas is what is reserved to them, and what is held that is not reserved."""
    expected: dict[str, Counter[str]] = {}
    for agent in ledger.agents.values():
        parts = [(role, reserved.not_revocable()) for role, reserved in agent.total.reserved_by_role().items()]
        held = [(one, one.resources) for one in agent.tasks]
        held += [(one, one.info.resources) for one in agent.executors.values()]
        held += [(one, one.held) for one in agent.operations.values() if not one.latest.is_terminal]
        parts += [(one.role, resources.unreserved().not_revocable().not_shared()) for one, resources in held]
        for role, resources in parts:
            expected.setdefault(role.split("/")[0], Counter()).update(resources.scalars())
    tallies = ledger.consumption._tallies
    assert {role: tally.firm for role, tally in tallies.items() if tally.firm} == {
        role: amounts for role, amounts in expected.items() if amounts
    }
    assert all(tallies.values())
