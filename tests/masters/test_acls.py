"""What a framework may not do by the ACLs of its master: have roles, run tasks as users, convert resources."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

import libactor as la
from mesoslite.master import Master
from mesoslite.model import (
    Accept,
    CommandInfo,
    Error,
    ExecutorID,
    ExecutorInfo,
    ExecutorType,
    FrameworkInfo,
    Launch,
    LaunchGroup,
    NotAuthorized,
    OperationID,
    OperationState,
    Reason,
    Reservation,
    ReservationType,
    Reserve,
    Resources,
    Subscribed,
    TaskGroup,
    TaskState,
    UpdateFramework,
    UpdateOperationStatus,
    parse_acls,
)

from .stage import Stage, Staging, task


def rules(**actions: tuple[str, str, str]) -> Any:
    """For each action: the principal who may do it, the object's name in a rule, and the object.

    All else is denied, but that agents come.
    """
    anybody = {"type": "ANY"}
    document: dict[str, Any] = {
        "permissive": False,
        "register_agents": [{"principals": anybody, "agents": anybody}],
    }
    for action, (principal, name, value) in actions.items():
        document[action] = [{"principals": {"values": [principal]}, name: {"values": [value]}}]
    return parse_acls(json.dumps(document))


REGISTER = {"register_frameworks": ("ann", "roles", "web")}
RUN = {**REGISTER, "run_tasks": ("ann", "users", "guest")}


@pytest.fixture
def stage(staged: Staging) -> Stage:
    return staged(acls=rules(**RUN))


# Source: MasterAuthorizationTest.AuthorizedRole, UnauthorizedRole, PendingExecutorInfo..., DuplicateRegistration
@pytest.mark.parametrize(
    ("principal", "roles", "is_admitted"),
    [("ann", ("web",), True), ("ann", ("web", "ads"), False), ("bob", ("web",), False), ("", ("web",), False)],
)
def test_a_framework_has_the_roles_that_its_principal_may(
    stage: Stage, principal: str, roles: tuple[str, ...], is_admitted: bool
) -> None:
    framework = stage.framework(principal=principal, roles=roles, capabilities=("MULTI_ROLE",))

    assert bool(stage.heard(framework, Subscribed)) is is_admitted
    errors = [event.message for event in stage.heard(framework, Error)]
    assert [text.startswith("Not authorized to use roles") for text in errors] == ([] if is_admitted else [True])


def test_a_framework_does_not_come_by_other_roles_later(stage: Stage) -> None:
    framework = stage.framework(principal="ann", roles=("web",), capabilities=("MULTI_ROLE",))
    framework_id = stage.framework_id(framework)
    info = FrameworkInfo(
        id=framework_id, name="test", principal="ann", roles=("web", "ads"), capabilities=("MULTI_ROLE",)
    )
    call = UpdateFramework(framework_id=framework_id, framework=info)

    asked = la.dispatch(stage.master, Master.update_framework, call, framework)
    stage.settle()

    with pytest.raises(NotAuthorized, match="not allowed to register_frameworks of 'ads'"):
        asked.get(timeout=60)
    assert stage.state().frameworks[0].info.roles == ("web",)


# Source: MasterAuthorizationTest.AuthorizedTask, UnauthorizedTask
def test_a_task_runs_as_whom_its_principal_may_and_others_are_told(stage: Stage) -> None:
    stage.agent()
    framework = stage.framework(principal="ann", roles=("web",), user="root")
    [offer] = stage.offers(framework)
    guest, root = CommandInfo(value="true", user="guest"), CommandInfo(value="true", user="root")
    own = ExecutorInfo(executor_id=ExecutorID("e"), command=root)
    plain, allowed, other, by_executor = (task(offer, name, "cpus:0.5;mem:32") for name in ("a", "b", "c", "d"))

    stage.accept(
        framework,
        offer,
        plain,  # as the framework's user
        replace(allowed, command=guest),
        replace(other, command=root),
        replace(by_executor, command=None, executor=own),
    )

    refused = {status.task_id: (status.state, status.reason) for status in stage.updates(framework)}
    unauthorized = (TaskState.TASK_ERROR, Reason.REASON_TASK_UNAUTHORIZED)
    assert refused == {"a": unauthorized, "c": unauthorized, "d": unauthorized}
    assert [one.info.task_id for one in stage.state().frameworks[0].tasks] == ["b"]


# Source: MasterAuthorizationTest.UnauthorizedTaskGroup
def test_a_group_with_a_task_that_may_not_run_does_not(stage: Stage) -> None:
    stage.agent("cpus:4;mem:1024;disk:100")
    framework = stage.framework(principal="ann", roles=("web",), user="guest")
    [offer] = stage.offers(framework)
    resources = Resources.parse("cpus:0.1;mem:32;disk:10")
    executor = ExecutorInfo(executor_id=ExecutorID("e"), type=ExecutorType.DEFAULT, resources=resources)
    good, bad = task(offer, "a", "cpus:0.5;mem:32"), task(offer, "b", "cpus:0.5;mem:32")
    bad = replace(bad, command=CommandInfo(value="true", user="root"))

    group = LaunchGroup(executor, TaskGroup((good, bad)))
    stage.call(framework, Accept(framework_id=offer.framework_id, offer_ids=(offer.id,), operations=(group,)))

    told = {status.task_id: status.reason for status in stage.updates(framework)}
    assert told == dict.fromkeys(("a", "b"), Reason.REASON_TASK_GROUP_UNAUTHORIZED)


# Source: ReservationTest.BadACLReserveThenGoodACLReserve
def test_an_operation_that_is_not_allowed_is_refused_and_the_others_are_done(staged: Staging) -> None:
    stage = staged(acls=rules(**RUN))
    stage.agent()
    framework = stage.framework(principal="ann", roles=("web",), user="guest")
    [offer] = stage.offers(framework)
    mine = Reservation(ReservationType.DYNAMIC, "web", "ann")
    reserve = Reserve(Resources.parse("cpus:1").pushed(mine), id=OperationID("r"))
    operations = (reserve, Launch((task(offer, "a"),)))

    stage.call(framework, Accept(framework_id=offer.framework_id, offer_ids=(offer.id,), operations=operations))

    [event] = stage.heard(framework, UpdateOperationStatus)
    assert event.status.state is OperationState.OPERATION_ERROR
    assert "is not authorized: principal 'ann' is not allowed to reserve_resources of 'web'" in event.status.message
    assert [one.info.task_id for one in stage.state().frameworks[0].tasks] == ["a"]
