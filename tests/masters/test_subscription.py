"""Subscription: what a framework may say anew of itself, and what that entails for its offers and tasks."""

from typing import Any

import pytest

import libactor as la
from mesoslite.master import Master
from mesoslite.model import (
    MULTI_ROLE,
    AttributeConstraint,
    Call,
    Error,
    FrameworkID,
    FrameworkInfo,
    InvalidRequest,
    Predicate,
    PseudoAttribute,
    Resources,
    Revive,
    RoleConstraints,
    RoleMinimum,
    Subscribe,
    Subscribed,
    TaskState,
    UpdateFramework,
    UpdateFrameworkInfo,
)
from mesoslite.model import Rescind as Rescinded

from .stage import FakeFramework, Stage, Staging, task

PIDS = la.PID[FakeFramework]
ROLES = {"roles": ("ads", "web"), "capabilities": (MULTI_ROLE,)}


def hostname(predicate: Predicate, value: str, role: str = "*") -> tuple[RoleConstraints, ...]:
    return (RoleConstraints(role, ((AttributeConstraint(PseudoAttribute.HOSTNAME, predicate, value),),)),)


def update(stage: Stage, framework: PIDS, **details: Any) -> None:
    """Have the framework say these details of itself; raises what the master thinks of it."""
    framework_id = stage.framework_id(framework)
    suppressed, constraints = details.pop("suppressed_roles", ()), details.pop("constraints", ())
    info = FrameworkInfo(**{"name": "test", "id": framework_id, **details})
    call = UpdateFramework(
        framework_id=framework_id, framework=info, suppressed_roles=suppressed, constraints=constraints
    )
    la.dispatch(stage.master, Master.update_framework, call, framework).get(timeout=60)
    stage.settle()


# ---- offer constraints, minimums, suppressed roles ----


def test_offers_respect_the_constraints_of_a_subscription(stage: Stage) -> None:
    stage.agent()

    elsewhere = stage.framework(constraints=hostname(Predicate.TEXT_MATCHES, "gpu-[0-9]+"))
    here = stage.framework(constraints=hostname(Predicate.TEXT_MATCHES, "ho.t"))
    stage.advance(2)

    assert (len(stage.offers(elsewhere)), len(stage.offers(here))) == (0, 1)


# The allocator would fail on such a pattern, and the master with it.
@pytest.mark.parametrize("pattern", ["(", "(?=a)", r"(a)\1", "x" * 5_000, "((a{1000}){1000}){1000}"])
def test_a_pattern_that_cannot_be_judged_is_refused_with_the_subscription(stage: Stage, pattern: str) -> None:
    framework = stage.framework(constraints=hostname(Predicate.TEXT_MATCHES, pattern))

    [error] = stage.heard(framework, Error)
    assert "offer constraints are for role '*', with a pattern" in error.message
    assert stage.state().frameworks == ()


def test_a_master_without_an_engine_takes_no_patterns() -> None:
    from .stage import Allocator, HierarchicalAllocator, MemoryRegistry, MemoryStorage, Registrar

    with la.Runtime() as runtime:
        registrar = la.spawn(Registrar(MemoryStorage(MemoryRegistry())))
        master = la.spawn(Master(la.spawn(Allocator(HierarchicalAllocator())), registrar))
        la.dispatch(master, Master.wait_leading).get(timeout=60)
        call = Subscribe(FrameworkInfo(name="test"), (), hostname(Predicate.TEXT_MATCHES, "a"))
        framework = la.spawn(FakeFramework(master, call))
        runtime.clock.pause()
        runtime.clock.settle()
        [error] = la.dispatch(framework, FakeFramework.heard).get(timeout=60)

    assert isinstance(error, Error)
    assert "no engine for patterns" in error.message


# HierarchicalAllocatorTest.FrameworkMinAllocatable, from the subscription on
def test_offers_are_no_smaller_than_the_framework_wants(stage: Stage) -> None:
    stage.agent("cpus:4;mem:1024")
    wanted = (RoleMinimum("*", (Resources.parse("cpus:8"), Resources.parse("mem:2048"))),)
    framework = stage.framework(min_allocatable=wanted)
    stage.advance(2)
    before = len(stage.offers(framework))

    update(stage, framework, min_allocatable=(RoleMinimum("*", (Resources.parse("cpus:4"),)),))
    stage.advance(2)

    assert (before, len(stage.offers(framework))) == (0, 1)


def test_a_minimum_for_a_role_of_others_is_refused(stage: Stage) -> None:
    framework = stage.framework(min_allocatable=(RoleMinimum("web", ()),))

    [error] = stage.heard(framework, Error)
    assert "role 'web'" in error.message


# SchedulerTest.NoOffersOnReregistrationWithAllRolesSuppressed
def test_roles_suppressed_by_an_update_get_no_offers_until_they_are_revived(stage: Stage) -> None:
    framework = stage.framework()
    update(stage, framework, suppressed_roles=("*",))
    stage.agent()
    stage.advance(2)
    before = len(stage.offers(framework))

    stage.call(framework, Revive(stage.framework_id(framework)))
    stage.advance(2)

    assert (before, len(stage.offers(framework))) == (0, 1)


# ---- roles that come and go ----


# MasterTest.MultiRoleSchedulerUnsubscribeFromRole
def test_offers_of_a_role_that_is_left_are_rescinded_and_its_tasks_run_on(stage: Stage) -> None:
    agent = stage.agent()
    framework = stage.framework(roles=("ads",), capabilities=(MULTI_ROLE,))
    stage.run(framework, agent, task(stage.offers(framework)[0]))
    stage.advance(6)
    outstanding = stage.offers(framework)[-1]

    update(stage, framework, roles=("web",), capabilities=(MULTI_ROLE,))
    stage.advance(6)

    assert stage.heard(framework, Rescinded) == [Rescinded(outstanding.id)]
    assert {offer.role for offer in stage.offers(framework)[2:]} == {"web"}
    [entry] = stage.state().frameworks
    assert [each.state for each in entry.tasks] == [TaskState.TASK_RUNNING]
    stage.report(agent, stage.framework_id(framework), task(outstanding), TaskState.TASK_FINISHED)
    assert stage.state().agents[0].used.is_empty


def test_offers_of_roles_that_stay_stand_through_an_update(stage: Stage) -> None:
    stage.agent()
    framework = stage.framework(roles=("ads",), capabilities=(MULTI_ROLE,))

    update(stage, framework, **ROLES)

    assert stage.heard(framework, Rescinded) == []
    assert len(stage.state().frameworks[0].offers) == 1


# FrameworkInfoValidationTest.RoleChangeWithMultiRole
def test_a_framework_may_come_back_with_other_roles(stage: Stage) -> None:
    agent = stage.agent()
    first = stage.framework(failover_timeout=60.0, roles=("ads",), capabilities=(MULTI_ROLE,))
    framework_id = stage.framework_id(first)
    stage.run(first, agent, task(stage.offers(first)[0]))
    stage.lose(first)

    second = stage.framework(failover_timeout=60.0, id=framework_id, roles=("web",), capabilities=(MULTI_ROLE,))
    stage.advance(2)

    assert stage.heard(second, Error) == []
    assert {offer.role for offer in stage.offers(second)} == {"web"}
    assert stage.state().frameworks[0].used == Resources.parse("cpus:1;mem:128")


# A plan may have been made while the framework was in the role, and arrive when it is not.
def test_a_grant_for_a_role_that_was_left_goes_back(stage: Stage) -> None:
    framework = stage.framework(roles=("ads",), capabilities=(MULTI_ROLE,))
    framework_id = stage.framework_id(framework)
    agent = stage.agent()
    [offer] = stage.offers(framework)
    assert offer.role == "ads"

    update(stage, framework, roles=("web",), capabilities=(MULTI_ROLE,))
    update(stage, framework, roles=("ads",), capabilities=(MULTI_ROLE,))
    update(stage, framework, roles=("web",), capabilities=(MULTI_ROLE,))
    stage.advance(2)

    assert [each.role for each in stage.state().frameworks[0].offers] == ["web"]
    assert stage.agent_id(agent) == stage.state().frameworks[0].offers[0].agent_id
    assert stage.knows(framework_id)


# ---- what may change, and what may not ----


# FrameworkInfoValidationTest.ValidateUpdate
@pytest.mark.parametrize(("field", "value"), [("principal", "mallory"), ("user", "nobody"), ("checkpoint", True)])
def test_an_update_cannot_change_these(stage: Stage, field: str, value: object) -> None:
    framework = stage.framework(principal="alice")

    with pytest.raises(InvalidRequest, match=f"changes its {field}"):
        update(stage, framework, **{"principal": "alice", field: value})

    assert stage.state().frameworks[0].info.principal == "alice"


# HttpFaultToleranceTest.FrameworkPrincipalChangeFails
def test_a_framework_that_comes_back_as_somebody_else_is_refused(stage: Stage) -> None:
    first = stage.framework(principal="alice", failover_timeout=60.0)
    framework_id = stage.framework_id(first)

    second = stage.framework(principal="mallory", id=framework_id)

    assert "principal" in stage.heard(second, Error)[0].message
    assert stage.heard(first, Error) == []
    assert stage.state().frameworks[0].connected


def test_a_framework_that_comes_back_keeps_its_user_and_checkpoint(stage: Stage) -> None:
    first = stage.framework(user="alice", failover_timeout=60.0)

    stage.framework(name="new", user="bob", checkpoint=True, hostname="here", id=stage.framework_id(first))

    info = stage.state().frameworks[0].info
    assert (info.user, info.checkpoint, info.name, info.hostname) == ("alice", False, "new", "here")


def test_an_update_that_is_no_good_changes_nothing(stage: Stage) -> None:
    stage.agent()
    framework = stage.framework()
    before = stage.state().frameworks

    for details in ({"roles": ("a//b",)}, {"id": FrameworkID("other")}, {"suppressed_roles": ("web",)}):
        with pytest.raises(InvalidRequest):
            update(stage, framework, **details)

    assert stage.state().frameworks == before


def test_an_update_by_message_is_taken_or_passed_over(stage: Stage) -> None:
    framework = stage.framework()
    framework_id = stage.framework_id(framework)
    good = FrameworkInfo(name="renamed", id=framework_id)

    stage.call(framework, UpdateFramework(framework_id=framework_id, framework=FrameworkInfo(name="x", user="root")))
    stage.call(framework, UpdateFramework(framework_id=framework_id, framework=good))

    assert stage.state().frameworks[0].info == good
    assert stage.heard(framework, Error) == []


def test_only_the_subscribed_actor_updates_a_framework(stage: Stage) -> None:
    framework = stage.framework()
    call = UpdateFramework(
        framework_id=stage.framework_id(framework),
        framework=FrameworkInfo(name="taken", id=stage.framework_id(framework)),
    )

    with pytest.raises(InvalidRequest, match="not subscribed from there"):
        la.dispatch(stage.master, Master.update_framework, call, stage.agent()).get(timeout=60)

    assert stage.state().frameworks[0].info.name == "test"


def test_agents_that_run_its_tasks_hear_what_a_framework_now_is(stage: Stage) -> None:
    busy = stage.agent()
    framework = stage.framework()
    stage.run(framework, busy, task(stage.offers(framework)[0]))
    idle = stage.agent()

    update(stage, framework, name="renamed")

    assert [message.framework.name for message in stage.heard(busy, UpdateFrameworkInfo)] == ["renamed"]
    assert stage.heard(idle, UpdateFrameworkInfo) == []


# ---- from where ----


def test_without_force_a_subscribed_framework_is_not_taken_over(stage: Stage) -> None:
    first = stage.framework()

    second = stage.framework(id=stage.framework_id(first), force=False)

    assert "subscribed from elsewhere" in stage.heard(second, Error)[0].message
    assert stage.heard(first, Error) == []


def test_without_force_a_lost_framework_may_come_back(stage: Stage) -> None:
    first = stage.framework(failover_timeout=60.0)
    framework_id = stage.framework_id(first)
    stage.lose(first)

    second = stage.framework(id=framework_id, force=False)

    assert stage.framework_id(second) == framework_id


# The answers to its offers may have been lost on the way.
def test_the_offers_of_a_framework_that_subscribes_again_are_void(stage: Stage) -> None:
    stage.agent()
    framework = stage.framework()
    [offer] = stage.offers(framework)

    again = Subscribe(FrameworkInfo(name="test", id=offer.framework_id))
    stage.call(framework, again)
    stage.accept(framework, offer, task(offer))

    assert len(stage.heard(framework, Subscribed)) == 2
    assert stage.heard(framework, Rescinded) == []
    assert [status.state for status in stage.updates(framework)] == [TaskState.TASK_LOST]


def test_a_framework_of_a_former_master_is_taken_at_its_word(stage: Stage) -> None:
    framework = stage.framework(id=FrameworkID("former-0007"))

    assert stage.framework_id(framework) == "former-0007"


def test_a_master_serves_only_the_roles_it_was_told() -> None:
    with la.Runtime() as runtime:
        stage = Stage(runtime, roles=frozenset({"ads"}), root_submissions=False)
        refused = [stage.framework(roles=("web",)), stage.framework(roles=("ads",), user="root")]
        taken = stage.framework(roles=("ads",), user="alice")
        default = stage.framework(user="alice")
        errors = [stage.heard(framework, Error)[0].message for framework in refused]

        assert "does not serve" in errors[0]
        assert "root" in errors[1]
        assert stage.framework_id(taken)
        assert stage.framework_id(default)  # * is always served, as in Mesos


# ---- what is no subscription ----


BAD: list[Any] = [
    Subscribe(None),  # type: ignore[arg-type]
    Subscribe(FrameworkInfo(name=7)),  # type: ignore[arg-type]
    Subscribe(FrameworkInfo(name="x", roles="ads")),  # type: ignore[arg-type]
    Subscribe(FrameworkInfo(name="x", failover_timeout=float("nan"))),
    Subscribe(FrameworkInfo(name="x", failover_timeout=1e300)),
    Subscribe(FrameworkInfo(name="x", capabilities=(None,))),  # type: ignore[arg-type]
    Subscribe(FrameworkInfo(name="x", id=FrameworkID("a/b"))),
    Subscribe(FrameworkInfo(name="x", min_allocatable=(RoleMinimum("*", (7,)),))),  # type: ignore[arg-type]
    Subscribe(FrameworkInfo(name="x"), (3,)),  # type: ignore[arg-type]
    Subscribe(FrameworkInfo(name="x"), (), (RoleConstraints("*", (7,)),)),  # type: ignore[arg-type]
    Subscribe(FrameworkInfo(name="x\ud800")),
]


@pytest.mark.parametrize("call", BAD, ids=range(len(BAD)))
def test_what_is_no_subscription_is_answered_with_an_error(stage: Stage, call: Call) -> None:
    assert isinstance(call, Subscribe)
    pid = la.spawn(FakeFramework(stage.master, call))
    stage.settle()

    assert len(stage.heard(pid, Error)) == 1
    assert stage.state().frameworks == ()


# ---- frameworks that only agents have told of ----


def recover(stage: Stage, info: FrameworkInfo) -> None:
    actor = stage.master._process.actor
    la.execute(stage.master, lambda: actor._subscriptions.recover(info).id).get(timeout=60)
    stage.settle()


# MasterTest.RecoveredFramework
def test_a_recovered_framework_waits_without_offers_until_its_scheduler_comes(stage: Stage) -> None:
    stage.agent()
    info = FrameworkInfo(name="test", id=FrameworkID("former-0001"), user="alice", failover_timeout=1.0)
    recover(stage, info)
    stage.advance(5)
    [waiting] = stage.state().frameworks

    scheduler = stage.framework(id=info.id, user="bob")
    stage.advance(2)

    assert (waiting.connected, waiting.offers, waiting.info) == (False, (), info)
    [entry] = stage.state().frameworks
    assert (entry.connected, entry.info.user) == (True, "alice")
    assert stage.framework_id(scheduler) == info.id
    assert len(stage.offers(scheduler)) == 1


def test_an_agent_that_tells_another_principal_does_not_keep_a_framework_out(stage: Stage) -> None:
    info = FrameworkInfo(name="test", id=FrameworkID("former-0001"), principal="mallory")
    recover(stage, info)

    scheduler = stage.framework(id=info.id, principal="alice")

    assert stage.framework_id(scheduler) == info.id
    assert stage.state().frameworks[0].info.principal == "alice"


@pytest.mark.parametrize(("told", "comes"), [("alice", "alice"), ("", "alice"), ("alice", "mallory")])
def test_where_frameworks_are_authenticated_agents_say_whose_one_is(staged: Staging, told: str, comes: str) -> None:
    stage = staged(authenticated_frameworks=True)
    info = FrameworkInfo(name="test", id=FrameworkID("former-0001"), principal=told)
    recover(stage, info)

    scheduler = stage.framework(id=info.id, principal=comes)

    refused = stage.heard(scheduler, Error)
    assert bool(refused) == (comes == "mallory")
    assert stage.state().frameworks[0].info.principal == ("alice" if refused else comes)


def test_a_scheduler_that_comes_back_is_reached_by_a_new_connection(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    link = la.link
    scheduler = stage.framework()
    call = Subscribe(FrameworkInfo(name="test", id=stage.framework_id(scheduler)))

    def noted(pid: la.PID[Any], *, reconnect: bool = False) -> None:
        seen.append(reconnect)
        link(pid, reconnect=reconnect)

    monkeypatch.setattr(la, "link", noted)
    stage.call(scheduler, call)
    stage.framework()

    assert seen == [True, False]


def test_nobody_calls_as_a_recovered_framework(stage: Stage) -> None:
    recover(stage, FrameworkInfo(name="test", id=FrameworkID("former-0001")))
    stranger = stage.framework()

    stage.call(stranger, Revive(FrameworkID("former-0001")))

    assert stage.heard(stranger, Error) == []
    assert len(stage.state().frameworks) == 2
