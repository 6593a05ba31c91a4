"""Snapshots: all of the cluster is told as it was at one moment, in slices."""

import msgspec
import pytest

import libactor as la
from mesoslite.master import Master, master
from mesoslite.master.ledger import Ledger
from mesoslite.master.slices import STEPS_MAX
from mesoslite.master.snapshots import IN_STEP, Moment
from mesoslite.model import (
    Accept,
    Acknowledge,
    ClusterState,
    Decline,
    Launch,
    Source,
    StatusUpdate,
    TaskID,
    TaskState,
    TaskStatus,
    UnregisterAgent,
)

from .stage import Stage, task

MANY = IN_STEP * STEPS_MAX + 1  # tasks, more than are told in a slice while the clock stands still
UUID = b"0123456789abcdef"


# Goal: nobody waits until all is told, and nothing that happens meanwhile is in it. Method: what the master hears right
#   behind the question changes a task, its framework and its agent, before it is told.
def test_what_is_told_is_of_one_moment_and_others_are_served_meanwhile(stage: Stage) -> None:
    agent, framework = stage.agent("cpus:100;mem:10000"), stage.framework()
    [offer] = stage.offers(framework)
    one = task(offer, resources="cpus:0.01;mem:1")
    tasks = tuple([msgspec.structs.replace(one, task_id=TaskID(f"t{number}")) for number in range(MANY)])
    stage.call(framework, Accept(framework_id=offer.framework_id, offer_ids=(offer.id,), operations=(Launch(tasks),)))
    stage.advance(5)
    [*_, rest] = stage.offers(framework)
    last, agent_id = tasks[-1].task_id, offer.agent_id
    status = TaskStatus(
        task_id=last,
        state=TaskState.TASK_FINISHED,
        source=Source.SOURCE_EXECUTOR,
        timestamp=1.0,
        agent_id=agent_id,
        uuid=UUID,
    )
    update = StatusUpdate(framework_id=offer.framework_id, status=status, latest_state=status.state)
    acknowledge = Acknowledge(framework_id=offer.framework_id, agent_id=agent_id, task_id=last, uuid=UUID)
    before, order = stage.state(), list[str]()

    def come() -> None:
        la.dispatch(stage.master, Master.state).on_ready(lambda told: order.append("told") if told == before else None)
        la.post(stage.master, update, sender=agent)
        la.post(stage.master, acknowledge, sender=framework)
        la.post(stage.master, Decline(framework_id=offer.framework_id, offer_ids=(rest.id,)), sender=framework)
        la.dispatch(stage.master, Master.ping).on_ready(lambda _: order.append("served"))

    la.execute(stage.master, come).get(timeout=60)
    stage.settle()

    assert order == ["served", "told"]
    [now] = stage.state().frameworks
    assert (len(now.tasks), len(now.completed_tasks), now.offers) == (MANY - 1, 1, ())
    assert {each.state for each in before.frameworks[0].tasks} == {TaskState.TASK_STAGING}


# Goal: many who ask at once cost as much as two. Method: something happens behind their questions, and one more asks.
def test_who_asks_while_others_are_told_shares_one_later_moment(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = stage.agent()
    taken: list[int] = []

    def moment(ledger: Ledger) -> Moment:
        taken.append(len(ledger.agents))
        return Moment(ledger)

    monkeypatch.setattr(master, "Moment", moment)
    asked: list[la.Future[ClusterState]] = []

    def come() -> None:
        asked.extend([la.dispatch(stage.master, Master.state) for _ in range(50)])
        asked.pop().discard()  # which is nobody else's loss
        la.post(stage.master, UnregisterAgent(stage_id), sender=agent)

    stage_id = stage.agent_id(agent)
    la.execute(stage.master, come).get(timeout=60)
    stage.settle()

    first, *others = [future.get(timeout=60) for future in asked]
    assert len(taken) == 2
    assert len(first.agents) == 1
    assert all(other is others[0] for other in others)
    assert stage.state().agents == ()


def test_whoever_has_asked_a_master_that_ends_is_told_so() -> None:
    with la.Runtime() as runtime:
        stage = Stage(runtime)
        stage.agent()
        asked: list[la.Future[ClusterState]] = []

        def end() -> None:
            asked.append(la.dispatch(stage.master, Master.state))
            la.terminate(stage.master, inject=False)  # once it has taken note of the question, before it is told

        la.execute(stage.master, end).get(timeout=60)

        with pytest.raises(la.Abandoned):
            asked[0].get(timeout=60)
