"""Validation of a LAUNCH_GROUP: each rule, all or none, and who is told what."""

import dataclasses
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesoslite.model import (
    AGENT_TASK_RESOURCE_LIMITS,
    AgentID,
    CheckType,
    CommandInfo,
    ExecutorID,
    ExecutorInfo,
    ExecutorType,
    FrameworkID,
    FrozenDocument,
    GroupVerdict,
    HealthCheck,
    HttpCheck,
    LaunchSite,
    Reason,
    Resources,
    RunningExecutor,
    TaskGroup,
    TaskID,
    TaskInfo,
    TcpCheck,
    constants,
    validate_group,
)

from .descriptions import odd_executors, odd_resources, odd_tasks, sparingly

OFFERED = Resources.parse("cpus:2;mem:128;disk:64;ports:[1-9]")
EXECUTOR = ExecutorInfo(
    executor_id=ExecutorID("e"), type=ExecutorType.DEFAULT, resources=Resources.parse("cpus:0.5;mem:32;disk:8")
)
SITE = LaunchSite(
    framework_id=FrameworkID("f"),
    agent_id=AgentID("m-S0"),
    role="ads",
    capabilities=(AGENT_TASK_RESOURCE_LIMITS,),
    known={TaskID("old")},
)
OWN_CGROUPS = FrozenDocument.of({"type": "MESOS", "linux_info": {"share_cgroups": False}})
OWN_NETWORK = FrozenDocument.of({"type": "MESOS", "network_infos": [{"name": "n"}]})
DOCKER = FrozenDocument.of({"type": "DOCKER", "docker": {"image": "i"}})
REVOCABLE = '[{"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}, "revocable": {}}]'


def member(task_id: str = "b", resources: str = "cpus:0.5", **changes: Any) -> TaskInfo:
    task = TaskInfo(
        task_id=TaskID(task_id),
        name=task_id,
        agent_id=AgentID("m-S0"),
        resources=Resources.parse(resources),
        command=CommandInfo(value="true"),
    )
    return msgspec.structs.replace(task, **changes)


def judge(
    *tasks: TaskInfo, executor: ExecutorInfo = EXECUTOR, offered: Resources = OFFERED, **site: Any
) -> GroupVerdict:
    return validate_group(executor, TaskGroup(tasks), offered=offered, site=dataclasses.replace(SITE, **site))


def running(**changes: Any) -> dict[ExecutorID, RunningExecutor]:
    info = msgspec.structs.replace(EXECUTOR, framework_id=FrameworkID("f"))
    return {ExecutorID("e"): RunningExecutor(msgspec.structs.replace(info, **changes))}


def test_a_group_that_fits_is_accepted_whole_and_charged_with_its_executor() -> None:
    verdict = judge(member("a"), member("b", "cpus:1;ports:[1-2]"))

    assert verdict.accepted
    assert [each.accepted for each in verdict.tasks] == [True, True]
    assert verdict.charged == Resources.parse("cpus:2;mem:32;disk:8;ports:[1-2]")
    assert verdict.starts_executor
    assert verdict.executor.framework_id == "f"
    assert [each.task.executor for each in verdict.tasks] == [verdict.executor] * 2


@pytest.mark.parametrize(
    "changes",
    [
        {"container": OWN_NETWORK},
        {"health_check": HealthCheck(type=CheckType.HTTP, http=HttpCheck(80))},
        {
            "container": OWN_NETWORK,
            "health_check": HealthCheck(type=CheckType.COMMAND, command=CommandInfo(value="true")),
        },
    ],
    ids=["no check", "no network of its own", "by a command"],
)
def test_a_network_of_its_own_is_refused_with_checks_that_go_over_it_only(changes: dict[str, Any]) -> None:
    assert judge(member("a"), member("b", **changes)).message == ""


def test_a_running_executor_is_not_charged_again() -> None:
    verdict = judge(member("a"), running=running())

    assert verdict.charged == Resources.parse("cpus:0.5")
    assert not verdict.starts_executor


# The task that breaks a rule is told it, the other ones that they go with it.
@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (member("a"), "already in use"),  # the other one has that id
        (member("old"), "already in use"),
        (member(resources=""), "uses no resources"),
        (member(command=CommandInfo(value="")), "no command"),
        (
            member(health_check=HealthCheck(type=CheckType.HTTP, http=HttpCheck(80)), container=OWN_NETWORK),
            "a health check of type HTTP",  # TaskWithNetworkInfosDoesNotHaveHTTPHealthChecks
        ),
        (
            member(health_check=HealthCheck(type=CheckType.TCP, tcp=TcpCheck(80)), container=OWN_NETWORK),
            "a health check of type TCP",
        ),
        (member(container=DOCKER), "is in a Docker container"),  # TaskUsesDockerContainerInfo
        (member(limits=(("cpus", 1.0),)), "limits, which need cgroups of its own"),  # ResourceLimits
        (
            member(executor=msgspec.structs.replace(EXECUTOR, name="other")),
            "has another executor than its group",  # TaskUsesDifferentExecutor
        ),
        (member(container=OWN_CGROUPS), "says share_cgroups false, others of its executor say true"),  # ShareCgroup
    ],
)
def test_a_task_that_breaks_a_rule_takes_its_group_with_it(bad: TaskInfo, problem: str) -> None:
    verdict = judge(member("a"), bad)

    other, culprit = verdict.tasks
    assert not verdict.accepted
    assert (culprit.reason, other.reason) == (Reason.REASON_TASK_INVALID, Reason.REASON_TASK_GROUP_INVALID)
    assert culprit.message == verdict.message
    assert problem in culprit.message
    assert "another task of the group is refused" in other.message
    assert problem in other.message
    assert verdict.charged.is_empty


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"type": None}, "executor e is of no known type"),
        ({"type": ExecutorType.UNKNOWN}, "executor e is of no known type"),
        ({"command": CommandInfo(value="x")}, "of type DEFAULT with a command"),
        ({"type": ExecutorType.CUSTOM}, "of type CUSTOM without a command"),
        ({"type": ExecutorType.CUSTOM, "command": CommandInfo(value="x"), "container": DOCKER}, "a Docker container"),
        ({"framework_id": FrameworkID("g")}, "is of framework g"),
        ({"resources": Resources.parse("cpus:0.009;mem:32;disk:8")}, "has 0.009 cpus"),
        ({"resources": Resources.parse("cpus:0.01;mem:31;disk:8")}, "has 31.0 MiB of memory"),
        ({"resources": Resources.parse("cpus:0.01;mem:32")}, "has no disk"),
        (
            {"resources": Resources.parse("cpus:0.01;mem:32;disk:8;ports:[4-5]")},
            "want ports:[4-4] x 2 of what is there once",
        ),
        ({"resources": Resources.parse("cpus:0.01;mem:129;disk:8")}, "its offers still hold"),
        (
            {"container": FrozenDocument.of({"type": "MESOS", "linux_info": {"share_cgroups": True}})},
            "share_cgroups set in its own container",
        ),
    ],
)
def test_what_no_single_task_is_to_blame_for_is_told_to_all(change: dict[str, Any], problem: str) -> None:
    verdict = judge(member("a"), member("b", "ports:[4-4]"), executor=msgspec.structs.replace(EXECUTOR, **change))

    assert [each.reason for each in verdict.tasks] == [Reason.REASON_TASK_GROUP_INVALID] * 2
    assert [each.message for each in verdict.tasks] == [verdict.message] * 2
    assert problem in verdict.message


def test_revocable_and_other_cpus_do_not_go_together_in_a_group() -> None:
    assert "cpus that is revocable" in judge(member("a"), member("b", REVOCABLE)).message


def test_tasks_with_cgroups_of_their_own_may_have_limits_if_all_have_them() -> None:
    limited = {"container": OWN_CGROUPS, "limits": (("cpus", 1.0),)}

    assert judge(member("a", **limited), member("b", container=OWN_CGROUPS)).accepted


def test_a_group_follows_the_tasks_of_its_running_executor_about_cgroups() -> None:
    busy = {key: dataclasses.replace(value, share_cgroups=False) for key, value in running().items()}

    assert "say false" in judge(member("a"), running=busy).message
    assert judge(member("a", container=OWN_CGROUPS), running=busy).accepted


def test_an_executor_described_otherwise_than_the_running_one_is_refused() -> None:
    assert "runs on the agent already with another source" in judge(member("a"), running=running(source="s")).message


def test_a_group_without_tasks_is_refused() -> None:
    assert "has no tasks" in judge().message


def test_a_group_of_too_many_tasks_is_refused_and_one_of_as_many_as_may_be_is_not() -> None:
    tasks = [member(f"t{number}", "cpus:0.001") for number in range(constants.GROUP_TASKS_MAX + 1)]

    assert judge(*tasks[:-1]).accepted
    assert "it has 257 tasks and is launched as a whole; name 256 at most" in judge(*tasks).message


# Goal: nothing that a wire can bring makes the rules raise, or accept half of a group or more than there is.
@sparingly
@given(odd_executors, st.lists(odd_tasks, max_size=3).map(tuple), odd_resources, st.booleans())
def test_whatever_the_group_it_is_accepted_or_refused_as_a_whole(
    executor: ExecutorInfo, tasks: tuple[TaskInfo, ...], offered: Resources, busy: bool
) -> None:
    wire = msgspec.msgpack.decode(
        msgspec.msgpack.encode((executor, TaskGroup(tasks))), type=tuple[ExecutorInfo, TaskGroup]
    )

    verdict = validate_group(*wire, offered=offered, site=dataclasses.replace(SITE, running=running() if busy else {}))

    assert {each.accepted for each in verdict.tasks} <= {verdict.accepted}
    assert len(verdict.tasks) == len(tasks)
    assert offered.contains(verdict.charged)
    assert verdict.accepted or verdict.charged.is_empty
