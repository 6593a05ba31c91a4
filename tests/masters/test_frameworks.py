"""Frameworks: subscription, loss, return and removal."""

import pytest

import libactor as la
from mesoslite.master import Master
from mesoslite.model import (
    NOTHING,
    AgentRegistered,
    Decline,
    Error,
    Filters,
    FrameworkID,
    FrameworkInfo,
    RegisterAgent,
    Revive,
    ShutdownFramework,
    Subscribe,
    Subscribed,
    Suppress,
    TaskState,
    Teardown,
    UpdateFramework,
)

from .stage import Stage, Staging, task
from .test_agents import cut_off, greeting


def test_a_bad_description_is_answered_with_an_error(stage: Stage) -> None:
    framework = stage.framework(roles=("a//b",))

    [error] = stage.heard(framework, Error)
    assert "a//b" in error.message
    assert stage.state().frameworks == ()


# MasterTest.FrameworkSubscribeEmptyId
def test_a_framework_with_an_empty_id_gets_one(stage: Stage) -> None:
    framework = stage.framework(id=FrameworkID(""))

    assert stage.framework_id(framework)


def test_a_framework_that_suppresses_a_role_it_is_not_in_is_refused(stage: Stage) -> None:
    framework = stage.framework(suppressed_roles=("ads",))

    [error] = stage.heard(framework, Error)
    assert "suppresses role 'ads'" in error.message


# Goal: the master and its allocator live on. Method: each call that names roles names one twice, which counts as once.
def test_a_role_that_is_named_twice_is_suppressed_and_revived_once(stage: Stage) -> None:
    stage.agent()
    framework = stage.framework(suppressed_roles=("*", "*"))
    framework_id = stage.framework_id(framework)
    info = stage.state().frameworks[0].info

    for call in (
        Revive(framework_id, ("*", "*")),
        Suppress(framework_id, ("*", "*")),
        UpdateFramework(framework_id=framework_id, framework=info, suppressed_roles=("*", "*")),
    ):
        stage.call(framework, call)
        stage.advance(1)

    assert len(stage.offers(framework)) == 1  # after the revival


def test_roles_that_are_suppressed_on_subscription_get_offers_once_revived(stage: Stage) -> None:
    stage.agent()
    framework = stage.framework(suppressed_roles=("*",))
    stage.advance(2)
    before = stage.offers(framework)

    stage.call(framework, Revive(stage.framework_id(framework)))
    stage.advance(2)

    assert before == []
    assert len(stage.offers(framework)) == 1


def test_a_framework_that_comes_back_says_anew_what_it_suppresses(stage: Stage) -> None:
    stage.agent()
    framework = stage.framework(failover_timeout=30.0)
    framework_id = stage.framework_id(framework)
    stage.lose(framework)

    successor = stage.framework(suppressed_roles=("*",), failover_timeout=30.0, id=framework_id)
    stage.advance(2)

    assert stage.offers(successor) == []


# A framework repeats itself if the answer was late; it is the same one still.
def test_a_repeated_subscription_is_answered_again(stage: Stage) -> None:
    framework = stage.framework()

    stage.call(framework, Subscribe(FrameworkInfo(name="again")))

    first, second = stage.heard(framework, Subscribed)
    assert first == second
    assert [entry.info.name for entry in stage.state().frameworks] == ["test"]


def test_the_interval_of_heartbeats_is_told(staged: Staging) -> None:
    stage = staged(heartbeat_interval=0.5)
    framework = stage.framework()

    assert [event.heartbeat_interval_seconds for event in stage.heard(framework, Subscribed)] == [0.5]


def test_an_actor_that_is_one_framework_cannot_subscribe_as_another(stage: Stage) -> None:
    framework = stage.framework()

    stage.call(framework, Subscribe(FrameworkInfo(name="again", id=FrameworkID("other"))))

    [error] = stage.heard(framework, Error)
    assert "already" in error.message
    assert len(stage.state().frameworks) == 1


def test_a_framework_without_failover_timeout_is_removed_with_its_scheduler(stage: Stage) -> None:
    agent = stage.agent()
    framework = stage.framework()
    framework_id = stage.framework_id(framework)
    stage.run(framework, agent, task(stage.offers(framework)[0]))

    known = stage.knows(framework_id)
    stage.lose(framework)

    state = stage.state()
    assert (known, stage.knows(framework_id)) == (True, False)
    assert state.frameworks == ()
    [completed] = state.completed_frameworks
    assert [task.state for task in completed.completed_tasks] == [TaskState.TASK_KILLED]
    assert stage.heard(agent, ShutdownFramework) == [ShutdownFramework(framework_id)]
    assert state.agents[0].used == NOTHING


# Goal: the failover timeout is neither early nor late. Method: stop 1 s short of it, then step over it.
def test_a_lost_framework_keeps_its_tasks_for_its_failover_timeout(stage: Stage) -> None:
    agent = stage.agent()
    framework = stage.framework(failover_timeout=30.0)
    stage.run(framework, agent, task(stage.offers(framework)[0]))
    stage.lose(framework)

    stage.advance(29)
    [entry] = stage.state().frameworks
    assert not entry.connected
    assert entry.used

    stage.advance(1)
    assert stage.state().frameworks == ()


def test_a_framework_that_returns_in_time_keeps_its_id_and_tasks(stage: Stage) -> None:
    agent = stage.agent()
    framework = stage.framework(failover_timeout=30.0)
    framework_id = stage.framework_id(framework)
    stage.run(framework, agent, task(stage.offers(framework)[0]))
    stage.lose(framework)

    successor = stage.framework(failover_timeout=30.0, id=framework_id)
    stage.advance(60)

    assert stage.framework_id(successor) == framework_id
    [entry] = stage.state().frameworks
    assert entry.connected
    assert [task.state for task in entry.tasks] == [TaskState.TASK_RUNNING]
    assert stage.offers(successor)


def test_a_second_loss_has_a_failover_timeout_of_its_own(stage: Stage) -> None:
    framework = stage.framework(failover_timeout=30.0)
    framework_id = stage.framework_id(framework)
    stage.lose(framework)
    stage.advance(20)
    successor = stage.framework(failover_timeout=30.0, id=framework_id)
    stage.lose(successor)

    stage.advance(20)

    assert len(stage.state().frameworks) == 1


# Goal: a scheduler, or an agent, that comes and goes for weeks leaves nothing behind.
def test_who_is_lost_again_and_again_leaves_one_timer(stage: Stage) -> None:
    framework_id = stage.framework_id(stage.framework(failover_timeout=1e6))
    agent = stage.agent()
    message = greeting(stage)

    def timers() -> int:
        return len([entry for entry in stage.runtime.clock._heap if entry[2].pending])

    def come_and_go() -> int:
        stage.lose(stage.framework(id=framework_id, failover_timeout=1e6))
        cut_off(stage, agent)
        stage.say(agent, message)
        return timers()

    first = come_and_go()
    assert {come_and_go() for _ in range(20)} == {first}
    la.dispatch(stage.master, Master.teardown_framework, framework_id).get(timeout=60)
    stage.settle()
    assert timers() == first - 1


def test_a_framework_that_subscribes_elsewhere_takes_over(stage: Stage) -> None:
    stage.agent()
    first = stage.framework()
    [offer] = stage.offers(first)

    second = stage.framework(id=stage.framework_id(first))
    stage.advance(1)

    assert len(stage.heard(first, Error)) == 1
    [entry] = stage.state().frameworks
    assert entry.connected
    [replacement] = stage.offers(second)
    assert replacement.id != offer.id


def test_a_removed_framework_cannot_come_back(stage: Stage) -> None:
    framework = stage.framework()
    framework_id = stage.framework_id(framework)
    stage.call(framework, Teardown(framework_id))

    successor = stage.framework(id=framework_id)

    [error] = stage.heard(successor, Error)
    assert "removed" in error.message
    assert stage.heard(successor, Subscribed) == []


def test_a_scheduler_hears_that_an_operator_has_removed_its_framework(stage: Stage) -> None:
    torn, lost = stage.framework(), stage.framework(failover_timeout=60)
    ids = [stage.framework_id(framework) for framework in (torn, lost)]
    stage.lose(lost)

    for framework_id in ids:
        la.dispatch(stage.master, Master.teardown_framework, framework_id).get(timeout=60)
    stage.settle()

    assert stage.heard(torn, Error) == [Error("Framework has been removed")]
    assert not stage.state().frameworks


def test_the_loss_of_the_old_place_after_a_takeover_changes_nothing(stage: Stage) -> None:
    first = stage.framework()
    stage.framework(id=stage.framework_id(first))

    stage.lose(first)

    [entry] = stage.state().frameworks
    assert entry.connected


def test_teardown_gives_everything_back(stage: Stage) -> None:
    agent = stage.agent()
    framework = stage.framework()
    stage.run(framework, agent, task(stage.offers(framework)[0]))
    stage.advance(6)

    stage.call(framework, Teardown(stage.framework_id(framework)))

    [state] = stage.state().agents
    assert state.free == state.info.resources


def test_an_agent_that_registers_twice_is_one_agent(stage: Stage) -> None:
    agent = stage.agent()
    info = stage.state().agents[0].info

    stage.say(agent, RegisterAgent(info))

    assert len(stage.heard(agent, AgentRegistered)) == 2
    assert len(stage.state().agents) == 1


@pytest.mark.parametrize("frameworks", [2, 3])
def test_frameworks_share_agents_evenly(stage: Stage, frameworks: int) -> None:
    schedulers = [stage.framework(str(number)) for number in range(frameworks)]

    for _ in range(frameworks * 2):
        stage.agent()

    assert [len(stage.offers(scheduler)) for scheduler in schedulers] == [2] * frameworks


def test_the_master_ends_with_its_allocator() -> None:
    with la.Runtime() as runtime:
        stage = Stage(runtime)

        la.terminate(stage.allocator)

        assert la.wait(stage.master, timeout=60)


# Goal: a grant in flight is not lost with the framework it is for. Method: hold the master, end the framework, let its
# filter expire so that the allocator grants to it, and only then let the master go on.
def test_a_grant_for_a_framework_that_has_just_gone_goes_back(stage: Stage) -> None:
    stage.agent()
    framework = stage.framework(failover_timeout=600.0)
    [offer] = stage.offers(framework)
    stage.call(framework, Decline(framework_id=offer.framework_id, offer_ids=(offer.id,), filters=Filters(5)))
    hold: la.Promise[None] = la.Promise()
    la.execute(stage.master, lambda: hold.future.get(timeout=30))
    la.terminate(framework)

    stage.advance(7)
    hold.set(None)
    stage.settle()

    stage.check_books()
    [agent] = stage.state().agents
    assert agent.free == agent.info.resources
    assert len(stage.state().frameworks) == 1


def test_a_framework_that_brings_an_id_of_the_masters_form_keeps_it_to_itself(stage: Stage) -> None:
    master_id = stage.state().master_id
    first = stage.framework(id=f"{master_id}-0000")

    second = stage.framework()

    assert stage.framework_id(first) == f"{master_id}-0000"
    assert stage.framework_id(second) == f"{master_id}-0001"


def test_a_framework_that_returns_is_offered_resources_at_once(stage: Stage) -> None:
    stage.agent()
    framework = stage.framework(failover_timeout=30.0)
    framework_id = stage.framework_id(framework)
    stage.lose(framework)

    successor = stage.framework(failover_timeout=30.0, id=framework_id)

    assert len(stage.offers(successor)) == 1


def test_a_call_whose_framework_id_is_none_is_ignored(stage: Stage) -> None:
    framework = stage.framework()

    stage.call(framework, Suppress(["not", "an", "id"]))  # type: ignore[arg-type]

    [entry] = stage.state().frameworks
    assert entry.connected


def test_a_takeover_keeps_the_user(stage: Stage) -> None:
    first = stage.framework(user="alice", failover_timeout=5.0)

    stage.framework(id=stage.framework_id(first), user="mallory", failover_timeout=9.0)

    [entry] = stage.state().frameworks
    assert (entry.info.user, entry.info.failover_timeout) == ("alice", 9.0)


def test_a_description_of_the_wrong_types_is_answered_with_an_error(stage: Stage) -> None:
    framework = stage.framework(name="odd", roles=(7,))

    assert len(stage.heard(framework, Error)) == 1
    assert stage.state().frameworks == ()
