"""Offers: who gets them, what answers do to them, and what is left in the books."""

import pytest

from mesoslite.model import (
    Accept,
    AgentInfo,
    Attribute,
    Decline,
    Filters,
    Launch,
    OfferID,
    Reason,
    RegisterAgent,
    Rescind,
    Resources,
    Revive,
    RunTask,
    Suppress,
    TaskState,
    UnregisterAgent,
)

from .stage import Stage, task


def test_a_framework_is_offered_all_of_a_free_agent(stage: Stage) -> None:
    agent = stage.agent("cpus:4;mem:1024")

    framework = stage.framework()

    [offer] = stage.offers(framework)
    assert offer.resources == Resources.parse("cpus:4;mem:1024")
    assert offer.agent_id == stage.agent_id(agent)
    assert (offer.hostname, offer.port, offer.role) == ("host", 5051, "*")
    assert stage.state().agents[0].offered == offer.resources


# Goal: whoever chooses by rack finds it in the offer, and the path is that of the agent's own process. Source: Mesos
# Master::offer. An agent of this program has no IP of its own.
def test_an_offer_tells_of_its_agent(stage: Stage) -> None:
    attributes = (Attribute("rack", "r1"), Attribute("generation", 7.0))
    info = AgentInfo(hostname="host", port=5051, resources=Resources.parse("cpus:4"), attributes=attributes)
    agent = stage.greet(RegisterAgent(info))

    framework = stage.framework()

    [offer] = stage.offers(framework)
    assert (offer.attributes, offer.executor_ids, offer.ip, offer.path) == (attributes, (), "", f"/{agent.id}")


def test_ids_are_numbered_as_mesos_numbers_them(stage: Stage) -> None:
    agents = [stage.agent(), stage.agent()]

    framework = stage.framework()

    master_id = stage.state().master_id
    assert [stage.agent_id(agent) for agent in agents] == [f"{master_id}-S0", f"{master_id}-S1"]
    assert stage.framework_id(framework) == f"{master_id}-0000"
    assert {offer.id for offer in stage.offers(framework)} == {f"{master_id}-O0", f"{master_id}-O1"}


def test_an_agent_that_joins_later_is_offered_at_once(stage: Stage) -> None:
    framework = stage.framework()

    stage.agent()

    assert len(stage.offers(framework)) == 1


def test_a_task_is_sent_to_the_agent_of_its_offer_and_the_rest_goes_back(stage: Stage) -> None:
    agent = stage.agent("cpus:4;mem:1024")
    framework = stage.framework()
    [offer] = stage.offers(framework)

    stage.accept(framework, offer, task(offer, resources="cpus:1;mem:128"))

    [run] = stage.heard(agent, RunTask)
    assert run.task.task_id == "task"
    assert run.framework.id == stage.framework_id(framework)
    state = stage.state().agents[0]
    assert state.used == Resources.parse("cpus:1;mem:128")
    assert state.offered.is_empty
    assert state.free == Resources.parse("cpus:3;mem:896")


def test_ports_and_sets_go_through_offers_and_books_exactly(stage: Stage) -> None:
    total = Resources.parse("cpus:4;mem:1024;ports:[31000-31009];zones:{a,b}")
    agent = stage.agent("cpus:4;mem:1024;ports:[31000-31009];zones:{a,b}")
    framework = stage.framework()
    [offer] = stage.offers(framework)
    wanted = "cpus:1;ports:[31000-31001];zones:{b}"

    stage.accept(framework, offer, task(offer, resources=wanted))

    [run] = stage.heard(agent, RunTask)
    assert run.task.resources == Resources.parse(wanted)
    state = stage.state()
    assert state.agents[0].free == total - Resources.parse(wanted)
    assert state.frameworks[0].used == Resources.parse(wanted)


def test_what_is_reserved_for_a_role_is_offered_to_it_and_below_and_to_nobody_else(stage: Stage) -> None:
    stage.agent("cpus:1;cpus(ads):2;ports(ads/web):[1-5]")
    stranger, below = stage.framework(roles=("db",)), stage.framework(roles=("ads/web",))

    [open_to_all] = stage.offers(stranger)
    [reserved] = stage.offers(below)
    stage.accept(below, reserved, task(reserved, resources="cpus(ads):1.5;ports(ads/web):[2-3]"))

    assert open_to_all.resources == Resources.parse("cpus:1")
    assert reserved.resources == Resources.parse("cpus(ads):2;ports(ads/web):[1-5]")
    assert stage.state().agents[0].free == Resources.parse("cpus(ads):0.5;ports(ads/web):[1-1,4-5]")
    stage.check_books()


def test_an_agent_with_only_ports_reserved_for_a_role_can_leave(stage: Stage) -> None:
    agent = stage.agent("cpus:1;ports(ads):[1-5]")

    stage.say(agent, UnregisterAgent(stage.agent_id(agent)))

    assert not stage.state().agents


def test_the_same_ports_of_two_agents_are_used_and_given_back_one_by_one(stage: Stage) -> None:
    agents = [stage.agent("cpus:1;ports:[1-5]"), stage.agent("cpus:1;ports:[1-5]")]
    framework = stage.framework()
    first, second = sorted(stage.offers(framework), key=lambda offer: offer.agent_id)
    ended = task(first, "one", resources="cpus:1;ports:[1-5]")

    stage.accept(framework, first, ended)
    stage.accept(framework, second, task(second, "two", resources="cpus:1;ports:[1-2]"))
    used = stage.state().frameworks[0].used
    stage.report(agents[0], first.framework_id, ended, TaskState.TASK_FINISHED)

    assert str(used) == "cpus:2; ports:[1-2] x 2; ports:[3-5]"
    assert stage.state().frameworks[0].used == Resources.parse("cpus:1;ports:[1-2]")


# Goal: a filter is neither early nor late. Method: stop just short of its end, then let one interval pass.
def test_what_was_declined_is_offered_again_when_its_filter_has_expired(stage: Stage) -> None:
    stage.agent()
    framework = stage.framework()
    [offer] = stage.offers(framework)
    stage.call(framework, Decline(framework_id=offer.framework_id, offer_ids=(offer.id,), filters=Filters(5)))

    for _ in range(49):
        stage.advance(0.1)
    assert len(stage.offers(framework)) == 1

    for _ in range(12):
        stage.advance(0.1)
    assert len(stage.offers(framework)) == 2


def test_what_was_declined_without_a_filter_is_offered_in_the_next_run(stage: Stage) -> None:
    stage.agent()
    framework = stage.framework()
    [offer] = stage.offers(framework)
    stage.call(framework, Decline(framework_id=offer.framework_id, offer_ids=(offer.id,), filters=Filters(0)))

    stage.advance(1)

    assert len(stage.offers(framework)) == 2


def test_what_one_declined_goes_to_another(stage: Stage) -> None:
    stage.agent()
    first, second = stage.framework("first"), stage.framework("second")
    [offer] = stage.offers(first)
    stage.call(first, Decline(framework_id=offer.framework_id, offer_ids=(offer.id,), filters=Filters(60)))

    stage.advance(1)

    assert len(stage.offers(second)) == 1


def test_a_suppressed_framework_gets_offers_again_when_it_revives(stage: Stage) -> None:
    framework = stage.framework()
    stage.call(framework, Suppress(stage.framework_id(framework)))
    stage.agent()
    stage.advance(5)
    assert stage.offers(framework) == []

    stage.call(framework, Revive(stage.framework_id(framework)))

    assert len(stage.offers(framework)) == 1


def test_an_offer_used_twice_loses_the_second_task(stage: Stage) -> None:
    agent = stage.agent()
    framework = stage.framework()
    [offer] = stage.offers(framework)
    stage.accept(framework, offer, task(offer, "one"))

    stage.accept(framework, offer, task(offer, "two"))

    [status] = stage.updates(framework)
    assert (status.task_id, status.state) == ("two", TaskState.TASK_LOST)
    assert status.reason is Reason.REASON_INVALID_OFFERS
    assert "no longer valid" in status.message
    assert len(stage.heard(agent, RunTask)) == 1


def test_a_partition_aware_framework_hears_dropped_instead_of_lost(stage: Stage) -> None:
    stage.agent()
    framework = stage.framework(capabilities=("PARTITION_AWARE",))
    [offer] = stage.offers(framework)
    stage.accept(framework, offer)

    stage.accept(framework, offer, task(offer))

    assert [status.state for status in stage.updates(framework)] == [TaskState.TASK_DROPPED]


def test_one_bad_offer_id_gives_the_good_one_back(stage: Stage) -> None:
    stage.agent()
    framework = stage.framework()
    [offer] = stage.offers(framework)

    stage.call(
        framework,
        Accept(
            framework_id=offer.framework_id,
            offer_ids=(offer.id, OfferID("no-such-offer")),
            operations=(Launch((task(offer),)),),
        ),
    )

    assert stage.state().agents[0].offered.is_empty
    assert [status.state for status in stage.updates(framework)] == [TaskState.TASK_LOST]


def test_a_task_larger_than_its_offer_is_an_error_and_does_not_hold_up_the_next(stage: Stage) -> None:
    agent = stage.agent("cpus:4;mem:1024")
    framework = stage.framework()
    [offer] = stage.offers(framework)

    stage.accept(framework, offer, task(offer, "huge", "cpus:5;mem:128"), task(offer, "small"))

    [status] = stage.updates(framework)
    assert (status.task_id, status.state) == ("huge", TaskState.TASK_ERROR)
    assert status.reason is Reason.REASON_TASK_INVALID
    assert "cpus:5" in status.message
    assert "cpus:4" in status.message
    assert status.uuid is None
    assert [run.task.task_id for run in stage.heard(agent, RunTask)] == ["small"]


@pytest.mark.parametrize("answer", [Accept, Decline])
def test_another_frameworks_offer_cannot_be_used(stage: Stage, answer: type) -> None:
    stage.agent()
    owner = stage.framework("owner")
    [offer] = stage.offers(owner)
    thief = stage.framework("thief")
    details = {"operations": (Launch((task(offer),)),)} if answer is Accept else {}

    stage.call(thief, answer(framework_id=stage.framework_id(thief), offer_ids=(offer.id,), **details))

    assert stage.state().agents[0].offered == offer.resources
    assert [status.state for status in stage.updates(thief)] == [TaskState.TASK_LOST] * (answer is Accept)


def test_a_call_in_another_frameworks_name_is_ignored(stage: Stage) -> None:
    stage.agent()
    owner = stage.framework("owner")
    [offer] = stage.offers(owner)
    thief = stage.framework("thief")

    stage.call(thief, Decline(framework_id=offer.framework_id, offer_ids=(offer.id,)))

    assert stage.state().agents[0].offered == offer.resources


def test_offers_of_a_lost_agent_are_rescinded(stage: Stage) -> None:
    agent = stage.agent()
    framework = stage.framework()
    [offer] = stage.offers(framework)

    stage.lose(agent)

    assert stage.heard(framework, Rescind) == [Rescind(offer.id)]
    assert [agent.active for agent in stage.state().agents] == [False]


# Goal: a filter that a revival has dropped leaves no timer behind. Method: many long refusals, each revived.
def test_revived_filters_leave_no_timer(stage: Stage) -> None:
    stage.agent()
    framework = stage.framework()
    timers = len([entry for entry in stage.runtime.clock._heap if entry[2].pending])

    for _ in range(200):
        offer = stage.offers(framework)[-1]
        filters = Filters(3600)
        stage.call(framework, Decline(framework_id=offer.framework_id, offer_ids=(offer.id,), filters=filters))
        stage.call(framework, Revive(offer.framework_id))

    assert len([entry for entry in stage.runtime.clock._heap if entry[2].pending]) == timers


# Goal: who waits for an agent learns that an offer of it is out, and whose it is. Method: both frameworks ask.
def test_an_offer_that_nobody_has_answered_is_explained_to_all(stage: Stage) -> None:
    agent = stage.agent()
    one = stage.framework()
    two = stage.framework()

    [mine] = [each.findings[-1] for each in stage.explain(one, agent)]
    [theirs] = [each.findings[-1] for each in stage.explain(two, agent)]

    assert (mine.reason, theirs.reason) == ("OFFERED", "OFFERED_TO_OTHER")
    assert theirs.other == stage.framework_id(one)
    stage.accept(one, stage.offers(one)[0], task(stage.offers(one)[0]))
    assert "OFFERED" not in {found.reason for each in stage.explain(one, agent) for found in each.findings}


def test_a_filter_is_explained_with_the_time_it_has_left(stage: Stage) -> None:
    agent = stage.agent()
    framework = stage.framework()
    [offer] = stage.offers(framework)
    stage.call(framework, Decline(framework_id=offer.framework_id, offer_ids=(offer.id,), filters=Filters(30)))
    stage.advance(10.5)

    [explanation] = stage.explain(framework, agent)

    [text] = [found.text for found in explanation.findings if found.reason == "FILTER"]
    assert text.endswith("; that ends in 19.5 s")
