"""Frameworks are asked to leave agents that are to be serviced, answer, and operators hear what they said."""

# Source: the names in comments are those of Mesos's tests (master_maintenance_tests, hierarchical_allocator_tests).

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

import libactor as la
from mesoslite.master import Master, inverse_offering, maintenance, returns
from mesoslite.master.allocator_messages import Granted
from mesoslite.master.roster import machine_key
from mesoslite.model import (
    AcceptInverseOffers,
    DeclineInverseOffers,
    Filters,
    InverseGrant,
    InverseOffer,
    InverseOffers,
    Offer,
    OfferID,
    OperationState,
    RescindInverseOffer,
    Reserve,
    Resources,
    Subscribe,
    TaskState,
    Teardown,
    Unavailability,
    happenings,
    task_records,
)
from mesoslite.model.maintenance import DrainingMachine, MaintenanceStatus
from mesoslite.model.registry import Machine, MachineID, MachineMode, Schedule

from .stage import FakeAgent, FakeFramework, Stage, task
from .test_accept import reserved
from .test_agents import cut_off, greeting, running, states
from .test_draining import do, standing
from .test_entitlements import held_back, send
from .test_happenings import follow, told, words
from .test_maintenance import HOST, LATER, LATEST, elsewhere, schedule, take_down
from .test_metrics import counted, since


def asked(stage: Stage, **details: Any) -> tuple[la.PID[FakeAgent], la.PID[FakeFramework]]:
    """An agent that runs "task" for a framework, which is asked to leave it."""
    agent, framework = running(stage, **{"failover_timeout": 100.0, "checkpoint": True, **details})
    do(stage, Master.update_schedule, schedule(HOST))
    stage.advance(2)
    assert len(stage.inverse_offers(framework)) == 1
    return agent, framework


def answer(
    stage: Stage,
    framework: la.PID[FakeFramework],
    kind: type[AcceptInverseOffers] | type[DeclineInverseOffers] = AcceptInverseOffers,
    *ids: OfferID,
    refuse_seconds: float = 5.0,
) -> None:
    """Answer these inverse offers, or the last one that the framework heard of."""
    ids = ids or (stage.inverse_offers(framework)[-1].id,)
    framework_id, filters = stage.framework_id(framework), Filters(refuse_seconds)
    stage.call(framework, kind(framework_id=framework_id, inverse_offer_ids=ids, filters=filters))


def status(stage: Stage) -> MaintenanceStatus:
    found: MaintenanceStatus = la.dispatch(stage.master, Master.maintenance_status).get(timeout=60)
    return found


def said(stage: Stage) -> list[tuple[str, bool]]:
    """What frameworks have said to leaving the one machine that is draining."""
    [machine] = status(stage).draining
    return [(one.framework_id, one.accepted) for one in machine.answers]


def rescinded(stage: Stage, framework: la.PID[FakeFramework]) -> list[OfferID]:
    return [event.inverse_offer_id for event in stage.heard(framework, RescindInverseOffer)]


def outstanding(stage: Stage) -> list[InverseOffer]:
    return [one for framework in stage.state().frameworks for one in framework.inverse_offers]


# ---- who is asked ----


# MasterMaintenanceTest.InverseOffers, HierarchicalAllocatorTest.MaintenanceInverseOffers
def test_who_has_something_on_an_agent_that_is_to_be_serviced_is_asked_to_leave_it(stage: Stage) -> None:
    agent, framework = running(stage)
    other, elsewhere_only = elsewhere(stage), stage.framework("other")
    do(stage, Master.update_schedule, schedule(HOST))

    stage.advance(2)

    [inverse] = stage.inverse_offers(framework)
    assert (inverse.agent_id, inverse.framework_id) == (stage.agent_id(agent), stage.framework_id(framework))
    assert (inverse.unavailability, inverse.resources.is_empty) == (LATER, True)
    assert inverse.id not in {offer.id for offer in stage.offers(framework)}
    assert {one.agent_id for one in stage.inverse_offers(elsewhere_only)} <= {stage.agent_id(agent)}
    assert stage.agent_id(other) not in {one.agent_id for one in stage.inverse_offers(framework)}
    assert inverse in outstanding(stage)


# MasterMaintenanceTest.PendingUnavailabilityTest
def test_offers_say_when_their_agent_is_to_be_serviced_also_of_one_that_comes_later(stage: Stage) -> None:
    stage.agent()
    framework = stage.framework()
    before = standing(stage, framework)
    do(stage, Master.update_schedule, schedule(HOST))
    stage.advance(2)
    stage.agent()
    elsewhere(stage)

    offers = standing(stage, framework)

    assert [offer.unavailability for offer in before] == [None]
    assert [(offer.hostname, offer.unavailability) for offer in offers] == [
        ("host", LATER),
        ("host", LATER),
        ("third", None),
    ]


def test_a_framework_that_comes_to_use_a_scheduled_agent_is_asked_then(stage: Stage) -> None:
    do(stage, Master.update_schedule, schedule(HOST))
    stage.agent()

    framework = stage.framework()
    stage.advance(2)

    assert [one.unavailability for one in stage.inverse_offers(framework)] == [LATER]


def test_nobody_is_asked_twice_as_long_as_nothing_is_answered(stage: Stage) -> None:
    _, framework = asked(stage)

    stage.advance(30)

    assert len(stage.inverse_offers(framework)) == 1


# ---- answers ----


# MasterMaintenanceTest.InverseOffers
@pytest.mark.parametrize(("kind", "accepted"), [(AcceptInverseOffers, True), (DeclineInverseOffers, False)])
def test_operators_are_told_what_each_framework_has_said_and_when(stage: Stage, kind: Any, accepted: bool) -> None:
    agent, framework = asked(stage)
    before = status(stage)

    answer(stage, framework, kind)

    [machine] = status(stage).draining
    [one] = machine.answers
    assert before == MaintenanceStatus((DrainingMachine(HOST),))
    assert (machine.id, one.framework_id, one.agent_id) == (HOST, stage.framework_id(framework), stage.agent_id(agent))
    assert (one.accepted, one.time) == (accepted, stage.runtime.clock.now())
    assert outstanding(stage) == []


# MasterMaintenanceTest.InverseOffersFilters
@pytest.mark.parametrize("kind", [AcceptInverseOffers, DeclineInverseOffers])
def test_who_has_answered_is_asked_again_when_the_time_of_the_filter_is_up(stage: Stage, kind: Any) -> None:
    _, framework = asked(stage)
    answer(stage, framework, kind, refuse_seconds=10.0)

    stage.advance(9)
    early = len(stage.inverse_offers(framework))
    stage.advance(4)

    assert (early, len(stage.inverse_offers(framework))) == (1, 2)


def test_without_a_filter_a_framework_is_asked_again_at_once_and_its_last_answer_counts(stage: Stage) -> None:
    _, framework = asked(stage)
    answer(stage, framework, DeclineInverseOffers, refuse_seconds=0.0)
    stage.advance(2)
    declined = said(stage)

    answer(stage, framework, AcceptInverseOffers)

    framework_id = stage.framework_id(framework)
    assert len(stage.inverse_offers(framework)) == 2
    assert (declined, said(stage)) == ([(framework_id, False)], [(framework_id, True)])


def test_answers_to_what_does_not_stand_or_was_asked_of_others_are_passed_over(stage: Stage) -> None:
    _, framework = asked(stage)
    other = stage.framework("other")
    [inverse] = stage.inverse_offers(framework)

    answer(stage, other, AcceptInverseOffers, inverse.id)
    answer(stage, framework, AcceptInverseOffers, OfferID("nobody's"), stage.offers(framework)[-1].id)

    assert said(stage) == []
    assert inverse in outstanding(stage)
    answer(stage, framework, DeclineInverseOffers, inverse.id, inverse.id)
    assert said(stage) == [(stage.framework_id(framework), False)]


def test_tasks_go_on_whatever_is_answered(stage: Stage) -> None:
    _, framework = asked(stage)

    answer(stage, framework)
    stage.advance(10)

    assert states(stage, framework) == [TaskState.TASK_RUNNING]


# ---- what does not stand any more ----


def test_another_time_rescinds_forgets_what_was_answered_and_asks_anew(stage: Stage) -> None:
    _, framework = asked(stage)
    answer(stage, framework, refuse_seconds=1000.0)
    do(stage, Master.update_schedule, schedule(HOST, when=LATEST))
    stage.advance(2)
    again = said(stage)

    do(stage, Master.update_schedule, schedule(HOST))
    stage.advance(2)

    first, second, third = stage.inverse_offers(framework)
    assert [one.unavailability for one in (first, second, third)] == [LATER, LATEST, LATER]
    assert (again, rescinded(stage, framework)) == ([], [second.id])


def test_who_was_asked_to_leave_a_machine_that_is_left_out_may_stay(stage: Stage) -> None:
    _, framework = asked(stage)
    [inverse] = stage.inverse_offers(framework)

    do(stage, Master.update_schedule, Schedule())
    stage.advance(5)

    assert rescinded(stage, framework) == [inverse.id]
    assert (status(stage), len(stage.inverse_offers(framework))) == (MaintenanceStatus(), 1)


# MasterMaintenanceTest.EnterMaintenanceMode
def test_a_machine_that_goes_down_is_no_longer_to_be_left(stage: Stage) -> None:
    _, framework = asked(stage)
    [inverse] = stage.inverse_offers(framework)
    answer(stage, framework, DeclineInverseOffers, refuse_seconds=0.0)
    stage.advance(2)

    do(stage, Master.start_maintenance, (HOST,))

    assert rescinded(stage, framework) == [stage.inverse_offers(framework)[-1].id] != [inverse.id]
    assert status(stage) == MaintenanceStatus((), (HOST,))


def test_an_agent_that_is_cut_off_is_not_to_be_left_until_it_is_back(stage: Stage) -> None:
    agent, framework = asked(stage)
    message = greeting(stage)
    answer(stage, framework, DeclineInverseOffers, refuse_seconds=0.0)
    stage.advance(2)
    cut_off(stage, agent)
    stage.advance(5)
    meanwhile = (len(rescinded(stage, framework)), outstanding(stage))

    stage.say(agent, message)
    stage.advance(2)

    assert meanwhile == (1, [])
    assert len(stage.inverse_offers(framework)) == 3
    assert said(stage) == [(stage.framework_id(framework), False)]


def test_an_agent_that_is_lost_takes_what_was_said_about_it_along(stage: Stage) -> None:
    agent, framework = asked(stage)
    message = greeting(stage)
    answer(stage, framework, refuse_seconds=0.0)
    stage.lose(agent)
    stage.advance(601)
    lost = said(stage)

    stage.greet(message)
    stage.advance(2)

    assert (lost, said(stage)) == ([], [])
    assert [one.unavailability for one in outstanding(stage)] == [LATER]


@pytest.mark.parametrize("call", [Master.deactivate_agent, Master.drain_agent])
def test_a_deactivated_agent_is_not_to_be_left_until_it_is_active_again(stage: Stage, call: Any) -> None:
    agent, framework = asked(stage)
    do(stage, call, stage.agent_id(agent))
    stage.advance(5)
    meanwhile = (len(rescinded(stage, framework)), outstanding(stage))

    if call is Master.deactivate_agent:
        do(stage, Master.reactivate_agent, stage.agent_id(agent))
        stage.advance(2)

    assert meanwhile == (1, [])
    assert len(outstanding(stage)) == (1 if call is Master.deactivate_agent else 0)


def test_a_framework_that_comes_back_is_asked_anew_and_hears_nothing_of_before(stage: Stage) -> None:
    _, framework = asked(stage)
    [inverse] = stage.inverse_offers(framework)
    [entry] = stage.state().frameworks
    stage.lose(framework)
    away = outstanding(stage)

    back = la.spawn(FakeFramework(stage.master, Subscribe(entry.info)))
    stage.settle()
    stage.advance(2)

    [again] = stage.inverse_offers(back)
    assert (away, rescinded(stage, back)) == ([], [])
    assert again.id != inverse.id
    answer(stage, back, AcceptInverseOffers, inverse.id)
    assert said(stage) == []


@pytest.mark.parametrize("call", [None, Master.deactivate_agent])
def test_what_was_said_stays_while_a_framework_is_away_and_an_agent_inactive(stage: Stage, call: Any) -> None:
    agent, framework = asked(stage)
    answer(stage, framework)
    before = said(stage)

    if call is None:
        stage.lose(framework)
    else:
        do(stage, call, stage.agent_id(agent))

    assert said(stage) == before
    assert [accepted for _, accepted in before] == [True]


def test_a_framework_that_subscribes_from_elsewhere_is_asked_anew(stage: Stage) -> None:
    _, framework = asked(stage)
    [inverse] = stage.inverse_offers(framework)
    [entry] = stage.state().frameworks

    back = la.spawn(FakeFramework(stage.master, Subscribe(entry.info)))
    stage.settle()
    stage.advance(2)

    assert rescinded(stage, framework) == rescinded(stage, back) == []
    assert [one.id for one in outstanding(stage)] == [one.id for one in stage.inverse_offers(back)] != [inverse.id]


def test_a_framework_that_is_removed_has_said_nothing(stage: Stage) -> None:
    _, framework = asked(stage)
    answer(stage, framework, refuse_seconds=0.0)
    stage.advance(2)
    before = said(stage)

    stage.call(framework, Teardown(stage.framework_id(framework)))

    assert (len(before), said(stage), outstanding(stage)) == (1, [], [])


def test_a_new_master_knows_no_answers_and_asks_again(stage: Stage) -> None:
    # Source: GET_MAINTENANCE_STATUS: if the master fails over, this data is cleared
    _, framework = asked(stage)
    answer(stage, framework, refuse_seconds=1000.0)
    message, [entry] = greeting(stage), stage.state().frameworks
    stage.fail_over()
    stage.greet(message)

    back = la.spawn(FakeFramework(stage.master, Subscribe(entry.info)))
    stage.settle()
    stage.advance(2)

    assert said(stage) == []
    assert [one.unavailability for one in stage.inverse_offers(back)] == [LATER]


def test_that_an_agent_comes_to_have_other_resources_asks_nobody_anew(stage: Stage) -> None:
    agent, framework = asked(stage, roles=("ads",), capabilities=("RESERVATION_REFINEMENT",))
    stage.advance(6)  # past the filter on what the task left
    stage.act(framework, Reserve(reserved("cpus:1")))
    [message] = stage.applied(agent)

    stage.answer(agent, message, OperationState.OPERATION_DROPPED, total=Resources.parse("cpus:3;mem:1024"))
    stage.advance(5)

    assert (rescinded(stage, framework), len(outstanding(stage))) == ([], 1)


# ---- a timeout, what is told, what is counted ----


@pytest.fixture
def hurried() -> Iterator[Stage]:
    """A stage whose master waits 30 s for an answer."""
    with la.Runtime() as runtime:
        made = Stage(runtime, offer_timeout=30.0)
        yield made
        made.check_books()


def test_what_is_not_answered_in_time_is_rescinded_and_asked_again(hurried: Stage) -> None:
    _, framework = asked(hurried)
    follower = follow(hurried, happenings.InverseOfferExpired)
    hurried.advance(27)
    early = rescinded(hurried, framework)

    hurried.advance(6)

    first, second = hurried.inverse_offers(framework)
    assert (early, rescinded(hurried, framework)) == ([], [first.id])
    assert [one.inverse_offer for one in told(follower)] == [first]
    assert [one.id for one in outstanding(hurried)] == [second.id]


def test_what_happens_to_inverse_offers_is_told(stage: Stage) -> None:
    agent, framework = running(stage)
    kinds = (happenings.InverseOfferMade, happenings.InverseOfferAnswered, happenings.InverseOfferRescinded)
    follower = follow(stage, *kinds)
    do(stage, Master.update_schedule, schedule(HOST))
    stage.advance(2)
    answer(stage, framework, DeclineInverseOffers, refuse_seconds=0.0)
    stage.advance(2)
    cut_off(stage, agent)

    followed = told(follower)

    first, second = stage.inverse_offers(framework)
    assert words(followed) == [kind.__name__ for kind in (kinds[0], kinds[1], kinds[0], kinds[2])]
    assert [one.inverse_offer for one in followed] == [first, first, second, second]
    assert (followed[1].accepted, followed[1].refuse_seconds) == (False, 0.0)


def test_answers_are_counted(stage: Stage) -> None:
    _, framework = asked(stage)
    before = counted(stage)

    answer(stage, framework, DeclineInverseOffers)
    answer(stage, framework, AcceptInverseOffers)

    assert since(stage, before) == {"messages_decline_inverse_offers": 1, "messages_accept_inverse_offers": 1}


# ---- questions that are late ----


def grant(stage: Stage, unavailability: Unavailability = LATER) -> InverseGrant:
    """The question whether the one framework leaves the one agent."""
    state = stage.state()
    [agent], [framework] = state.agents, state.frameworks
    assert agent.info.id is not None
    assert framework.info.id is not None
    return InverseGrant(framework_id=framework.info.id, agent_id=agent.info.id, unavailability=unavailability)


def decide(stage: Stage, inverse: InverseGrant, seen: int | None = None) -> None:
    """Have the allocator decide that now, by so much knowledge."""
    la.post(stage.master, Granted((), (inverse,), seen=seen), sender=stage.allocator)
    stage.settle()


@pytest.mark.parametrize("what", ["another time", "twice", "nobody", "no agent"])
def test_a_question_that_is_not_about_how_things_are_is_not_asked(stage: Stage, what: str) -> None:
    _, framework = asked(stage)
    if what != "twice":
        answer(stage, framework, refuse_seconds=1000.0)
    inverse = grant(stage, LATEST if what == "another time" else LATER)
    changes = {"nobody": {"framework_id": "nobody"}, "no agent": {"agent_id": "none"}}.get(what, {})

    decide(stage, msgspec.structs.replace(inverse, **changes))

    assert len(stage.inverse_offers(framework)) == 1


# The allocator has forgotten that it asked, and asks again; so this one must not stand.
@pytest.mark.parametrize("what", ["scheduled", "entered", "framework entered"])
def test_a_question_of_before_a_time_an_agent_or_a_framework_was_known_is_not_asked(stage: Stage, what: str) -> None:
    _, framework = asked(stage)
    answer(stage, framework, refuse_seconds=1000.0)
    ledger = stage.master._process.actor._ledger  # type: ignore[attr-defined]
    [agent], [entry] = ledger.agents.values(), ledger.frameworks.values()
    assert agent.entered < entry.entered < agent.scheduled
    if what == "entered":
        agent.entered, entry.entered, agent.scheduled = 3, 2, 0
    elif what == "framework entered":
        agent.scheduled = 0
    numbers = {"scheduled": agent.scheduled, "entered": agent.entered, "framework entered": entry.entered}

    decide(stage, grant(stage), numbers[what] - 1)
    before = len(stage.inverse_offers(framework))
    decide(stage, grant(stage), numbers[what])

    assert (before, len(stage.inverse_offers(framework))) == (1, 2)
    answer(stage, framework)


def test_a_question_about_an_agent_that_is_away_is_asked_once_it_is_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, framework = running(stage, failover_timeout=100.0, checkpoint=True)
    message = greeting(stage)
    plans = held_back(stage, monkeypatch)
    do(stage, Master.update_schedule, schedule(HOST))
    stage.advance(2)
    cut_off(stage, agent)

    send(stage, plans, monkeypatch)
    away = stage.inverse_offers(framework)
    stage.say(agent, message)
    stage.advance(2)

    assert [len(plan.inverse) for plan in plans if plan.inverse] == [1]
    assert (away, len(stage.inverse_offers(framework))) == ([], 1)


def test_what_is_void_before_it_was_told_is_neither_told_nor_rescinded(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inverse_offering, "GRANTS_IN_STEP", 2)
    agents = {stage.agent_id(stage.agent()) for _ in range(5)}
    framework = stage.framework()
    actor: Any = stage.master._process.actor
    go_on, lost = actor._offering.go_on, set[str]()

    def gone_on() -> Any:
        is_left = go_on()
        if len(actor._ledger.inverse_offers) == 4 and not lost:
            inverse = next(iter(actor._ledger.inverse_offers.values()))
            lost.add(inverse.agent_id)
            actor._offering.rescind_all(actor._ledger.agents[inverse.agent_id])
        return is_left

    monkeypatch.setattr(actor._offering, "go_on", gone_on)

    do(stage, Master.update_schedule, schedule(HOST))

    [event] = stage.heard(framework, InverseOffers)
    assert {one.agent_id for one in event.inverse_offers} == agents - lost < agents
    assert rescinded(stage, framework) == []
    stage.advance(2)
    assert {one.agent_id for one in outstanding(stage)} == agents


# ---- many agents ----


def test_a_new_schedule_goes_in_slices_and_others_are_served_in_between(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "AGENTS_IN_STEP", 2)
    for _ in range(7):
        stage.agent()
    framework = stage.framework()
    actor: Any = stage.master._process.actor
    left: list[int] = []
    monkeypatch.setattr(actor._slices, "_now", iter(range(1000)).__next__)  # each slice is over at once
    rescind = actor._offering.rescind

    def watched(offer: Offer, **how: Any) -> None:
        rescind(offer, **how)
        if len(actor._ledger.offers) == 6:
            la.dispatch(stage.master, Master.ping).on_any(lambda _: left.append(len(actor._ledger.offers)))

    monkeypatch.setattr(actor._offering, "rescind", watched)

    la.dispatch(stage.master, Master.update_schedule, schedule(HOST)).get(timeout=60)
    stage.settle()

    assert left
    assert 0 < left[0] < 7
    stage.advance(2)
    assert [offer.unavailability for offer in standing(stage, framework)] == [LATER] * 7


def test_who_comes_or_goes_while_a_schedule_goes_in_slices_is_as_things_are(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "AGENTS_IN_STEP", 1)
    agents = [stage.agent() for _ in range(3)]
    framework = stage.framework()
    actor: Any = stage.master._process.actor
    monkeypatch.setattr(actor._slices, "_now", iter(range(1000)).__next__)
    reschedule = actor._offering.inverse.reschedule

    def watched(agent: Any, unavailability: Any) -> None:
        reschedule(agent, unavailability)
        if agent.id == stage_ids[0]:
            gone = actor._ledger.agents[stage_ids[2]]
            actor._offering.rescind_all(gone)
            actor._accounts.agents.remove(gone)
            stage.fakes.append(la.spawn(FakeAgent(stage.master, Resources.parse("cpus:1;mem:99"))))

    stage_ids = [stage.agent_id(agent) for agent in agents]
    monkeypatch.setattr(actor._offering.inverse, "reschedule", watched)

    do(stage, Master.update_schedule, schedule(HOST))
    stage.advance(2)

    assert len(stage.state().agents) == 3
    assert [offer.unavailability for offer in standing(stage, framework)] == [LATER] * 3


# The allocator knows nothing of the agent yet, and hears of it as things are once all its tasks are in.
@pytest.mark.parametrize("is_lost", [True, False])
def test_an_agent_is_scheduled_while_it_is_coming_back_with_its_tasks(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, is_lost: bool
) -> None:
    monkeypatch.setattr(returns, "TASKS_IN_STEP", 1)
    monkeypatch.setattr(task_records, "PORTION_TASKS", 1)
    agent, framework = running(stage, failover_timeout=1000.0)
    stage.advance(6)
    second = task(stage.offers(framework)[-1], "second")
    stage.run(framework, agent, second)
    message = greeting(stage)
    if is_lost:
        stage.lose(agent)
        stage.advance(601)
    else:
        cut_off(stage, agent)
    actor: Any = stage.master._process.actor
    monkeypatch.setattr(actor._slices, "_now", iter(range(10_000)).__next__)
    enter = actor._accounts.agents.enter_tasks

    def entered(*about: Any) -> None:
        enter(*about)
        if not actor._ledger.roster.machines:
            machine = Machine(HOST, MachineMode.DRAINING, LATER)
            actor._agents.maintenance._set(schedule(HOST), {machine_key(HOST): machine}, lambda: None)

    monkeypatch.setattr(actor._accounts.agents, "enter_tasks", entered)

    if is_lost:
        stage.greet(message)
    else:
        stage.say(agent, message)
    stage.advance(2)

    assert len(stage.state().frameworks[0].tasks) == 2
    assert [one.unavailability for one in stage.inverse_offers(framework)] == [LATER]


def test_machines_go_down_in_slices_too(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "AGENTS_IN_STEP", 1)
    for _ in range(3):
        stage.agent()

    take_down(stage, HOST, MachineID("elsewhere"))

    assert stage.state().agents == ()


def test_tasks_on_an_agent_of_a_machine_in_service_are_answered_for_by_each_framework(stage: Stage) -> None:
    stage.agent()
    first = stage.framework("first")
    stage.accept(first, stage.offers(first)[0], task(stage.offers(first)[0]), refuse_seconds=1000.0)
    second = stage.framework("second")
    stage.advance(2)
    do(stage, Master.update_schedule, schedule(HOST))
    stage.advance(2)

    answer(stage, first, AcceptInverseOffers)
    answer(stage, second, DeclineInverseOffers)

    assert sorted(said(stage)) == sorted([(stage.framework_id(first), True), (stage.framework_id(second), False)])
