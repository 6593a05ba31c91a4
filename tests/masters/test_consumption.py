"""A limit below what its role consumes already is refused, unless forced; so much is known at any time."""

# Source: MasterQuotaTest.ValidateLimitAgainstConsumed, and Mesos's RoleResourceBreakdown.

from __future__ import annotations

import pytest

import libactor as la
from mesoslite.master import Master
from mesoslite.master.consumption import Consumption
from mesoslite.model import InvalidRequest, Reserve, Resources, Suppress, TaskState, Teardown, Unreserve

from .stage import FakeAgent, FakeFramework, Stage, task
from .test_accept import reserved
from .test_draining import ask, do
from .test_entitlements import quota


def run(
    stage: Stage, role: str, resources: str, agent_resources: str = "cpus:4;mem:1024"
) -> tuple[la.PID[FakeAgent], la.PID[FakeFramework]]:
    """A task of a framework in that role, on an agent of its own; it is offered nothing more."""
    agent = stage.agent(agent_resources)
    framework = stage.framework(roles=(role,))
    stage.run(framework, agent, task(stage.offers(framework)[0], resources=resources))
    stage.call(framework, Suppress(stage.framework_id(framework)))
    return agent, framework


def is_refused(stage: Stage, limits: str, role: str = "web") -> bool:
    asked = ask(stage, Master.update_quota, (quota(role, limits=limits),))
    if asked.is_failed():
        with pytest.raises(InvalidRequest, match="already"):
            asked.get(0)
    return asked.is_failed()


def test_a_limit_below_what_tasks_of_the_role_hold_is_refused_unless_forced(stage: Stage) -> None:
    run(stage, "web", "cpus:2;mem:1024")

    with pytest.raises(InvalidRequest, match="'web' consumes 2 cpus already"):
        do(stage, Master.update_quota, (quota("web", limits="cpus:1"),))

    assert la.dispatch(stage.master, Master.quotas).get(timeout=60) == ()
    assert not is_refused(stage, "cpus:2")
    do(stage, Master.update_quota, (quota("web", limits="cpus:1"),), True)
    assert la.dispatch(stage.master, Master.quotas).get(timeout=60) == (quota("web", limits="cpus:1"),)


# Source: Mesos src/master/quota_handler.cpp (_set), for the SET_QUOTA of before limits.
def test_a_first_quota_may_be_below_what_the_role_consumes(stage: Stage) -> None:
    run(stage, "web", "cpus:2;mem:512")

    do(stage, Master.set_quota, quota("web", "cpus:1", "cpus:1"))

    assert la.dispatch(stage.master, Master.quotas).get(timeout=60) == (quota("web", "cpus:1", "cpus:1"),)


# Each resource that has a limit is compared; other roles' limits are refused with it, for a call is done as a whole.
def test_a_role_is_limited_by_each_resource_that_is_named(stage: Stage) -> None:
    run(stage, "web", "cpus:2;mem:512")

    assert is_refused(stage, "cpus:4;mem:511")
    assert not is_refused(stage, "mem:512")
    asked = ask(stage, Master.update_quota, (quota("ads", limits="cpus:1"), quota("web", limits="cpus:1")))
    assert asked.is_failed()
    assert la.dispatch(stage.master, Master.quotas).get(timeout=60) == (quota("web", limits="mem:512"),)


def test_what_roles_below_hold_counts_and_what_is_called_alike_does_not(stage: Stage) -> None:
    run(stage, "web/a", "cpus:1;mem:128", "cpus:1;mem:128")
    run(stage, "webber", "cpus:3;mem:128", "cpus:3;mem:128")
    run(stage, "web/b/c", "cpus:1;mem:128", "cpus:1;mem:128")

    assert is_refused(stage, "cpus:1.999")
    assert not is_refused(stage, "cpus:2")


# Of 2.5 cpus that are reserved one is used, beside one that is not.
def test_what_is_reserved_counts_once_held_or_not_below_too(stage: Stage) -> None:
    stage.agent("cpus(web/a):0.5;cpus(ads):1")
    run(stage, "web", "cpus:1;cpus(web):1;mem:64", "cpus:2;cpus(web):2;mem:1024")

    assert is_refused(stage, "cpus:3.499")
    assert not is_refused(stage, "cpus:3.5")


def test_what_is_only_offered_does_not_count_and_what_has_ended_neither(stage: Stage) -> None:
    agent, web = run(stage, "web", "cpus:1;mem:128")
    other = stage.framework(roles=("web",))
    assert stage.offers(other)
    assert is_refused(stage, "cpus:0.5")
    assert not is_refused(stage, "cpus:1")

    ended = task(stage.offers(web)[0], resources="cpus:1;mem:128")
    stage.report(agent, stage.framework_id(web), ended, TaskState.TASK_FINISHED)

    assert not is_refused(stage, "cpus:0.5")


def test_what_is_reserved_and_unreserved_counts_in_between(stage: Stage) -> None:
    stage.agent("cpus:4;mem:1024")
    ads = stage.framework(roles=("ads",))

    stage.act(ads, Reserve(reserved("cpus:1")), refuse_seconds=0)
    assert is_refused(stage, "cpus:0.5", "ads")
    stage.advance(1)
    stage.act(ads, Unreserve(reserved("cpus:1")), refuse_seconds=0)

    assert not is_refused(stage, "cpus:0.5", "ads")


@pytest.mark.parametrize("ends", ["framework", "agent"])
def test_a_role_consumes_nothing_of_what_has_gone(stage: Stage, ends: str) -> None:
    agent, web = run(stage, "web", "cpus:1;mem:128", "cpus:2;cpus(web):2;mem:1024")
    if ends == "agent":
        do(stage, Master.mark_agent_gone, stage.agent_id(agent))
    else:
        stage.call(web, Teardown(stage.framework_id(web)))

    assert is_refused(stage, "cpus:1") == (ends == "framework")  # its reservation is there as long as the agent
    assert not is_refused(stage, "cpus:2")


def test_no_agent_is_looked_at(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    run(stage, "web", "cpus:1;cpus(web):1;mem:128", "cpus:4;cpus(web):2;mem:1024")

    with monkeypatch.context() as context:
        for name in ("unreserved", "reserved_by_role", "scalars"):
            context.setattr(Resources, name, None)
        assert is_refused(stage, "cpus:1")


# Ports are no quantity: a role that holds nothing else is not in the totals, and leaves them as it came.
@pytest.mark.parametrize("first", ["cpus:1", "ports:[1-2]"])
def test_a_role_without_quantities_leaves_nothing_behind(first: str) -> None:
    parts = [Resources.parse(text) for text in ("cpus:1", "ports:[1-2]")]
    consumption = Consumption()
    for part in parts:
        consumption.hold("web/a", part)

    for part in sorted(parts, key=lambda part: str(part) != first):
        consumption.free("web/a", part)

    assert consumption._tallies == {}
