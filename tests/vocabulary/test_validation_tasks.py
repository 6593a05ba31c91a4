"""Validation of the tasks of a LAUNCH: each rule, their order, and what is left for the next task."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesoslite.model import (
    AGENT_TASK_RESOURCE_LIMITS,
    NOTHING,
    AgentID,
    CheckInfo,
    CheckType,
    CommandInfo,
    CommandURI,
    ExecutorID,
    ExecutorInfo,
    ExecutorType,
    FrameworkID,
    FrozenDocument,
    HealthCheck,
    HttpCheck,
    LaunchSite,
    Reason,
    Resources,
    RunningExecutor,
    TaskID,
    TaskInfo,
    TaskRecord,
    TaskState,
    TaskVerdict,
    TcpCheck,
    validate_tasks,
    without_used,
)
from mesoslite.model.record_types import TASK
from mesoslite.model.task_records import pack_tasks

from .descriptions import odd_resources, odd_tasks, sparingly

AGENT = AgentID("m-S0")
FRAMEWORK = FrameworkID("f")
OFFERED = Resources.parse("cpus:2;mem:64")
EXECUTOR = ExecutorInfo(
    executor_id=ExecutorID("e"), command=CommandInfo(value="run"), resources=Resources.parse("cpus:0.5;mem:32")
)
RUNNING = {ExecutorID("e"): RunningExecutor(msgspec.structs.replace(EXECUTOR, framework_id=FRAMEWORK))}
SITE = LaunchSite(
    framework_id=FRAMEWORK,
    agent_id=AGENT,
    role="ads",
    capabilities=(AGENT_TASK_RESOURCE_LIMITS,),
    known={TaskID("old")},
    unreachable={TaskID("away")},
)

UNRESERVED = '"name": "disk", "type": "SCALAR", "scalar": {"value": 8}'
RESERVED = '"name": "disk", "type": "SCALAR", "scalar": {"value": 8}, "role": "ads", "reservation": {}'
PERSISTENT = f'{{{RESERVED}, "disk": {{"persistence": {{"id": "data"}}, "volume": {{"container_path": "p"}}}}}}'
OTHER = f'{{{RESERVED}, "disk": {{"persistence": {{"id": "data"}}, "volume": {{"container_path": "q"}}}}}}'
REVOCABLE = (
    '[{"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}}, '
    '{"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}, "revocable": {}}]'
)
VOLUME = {"container_path": "p", "mode": "RW"}
IMAGE: dict[str, Any] = {"type": "MESOS", "mesos": {"image": {}}}
TOO_LARGE = 2**64  # a whole number of more than 64 bits
ONLY_REVOCABLE = '[{"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}, "revocable": {}}]'


def task(task_id: str = "t", resources: str = "cpus:1", agent_id: AgentID = AGENT, **changes: object) -> TaskInfo:
    info = TaskInfo(
        task_id=TaskID(task_id),
        name=task_id,
        agent_id=agent_id,
        resources=Resources.parse(resources),
        command=CommandInfo(value="true"),
    )
    return msgspec.structs.replace(info, **changes)


def nested(depth: int) -> FrozenDocument:
    """A document of objects in one another, so many."""
    return FrozenDocument('{"a":' * (depth - 1) + "{}" + "}" * (depth - 1))


def with_executor(task_id: str = "t", wanted: str = "cpus:0.5", **changes: object) -> TaskInfo:
    return task(task_id, wanted, command=None, executor=msgspec.structs.replace(EXECUTOR, **changes))


def container(**fields: Any) -> FrozenDocument:
    return FrozenDocument.of(fields)


def disk(**fields: Any) -> str:
    return f"[{{{RESERVED}, {msgspec.json.encode(fields).decode()[1:]}]"


def judge(tasks: Sequence[TaskInfo], offered: Resources = OFFERED, **site: Any) -> tuple[TaskVerdict, ...]:
    return validate_tasks(tasks, offered=offered, site=dataclasses.replace(SITE, **site))


def unused(offered: Resources, verdicts: Sequence[TaskVerdict]) -> Resources:
    return without_used(offered, sum([verdict.charged for verdict in verdicts if verdict.accepted], NOTHING))


def problems(*tasks: TaskInfo, **site: Any) -> list[str]:
    return [verdict.message for verdict in judge(tasks, **site)]


def test_tasks_that_fit_together_are_accepted_and_leave_the_rest() -> None:
    verdicts = judge((task("a", "cpus:1;mem:32"), task("b", "cpus:1")))

    assert [verdict.accepted for verdict in verdicts] == [True, True]
    assert unused(OFFERED, verdicts) == Resources.parse("mem:32")


def test_ports_are_taken_exactly_and_only_once() -> None:
    offered = Resources.parse("cpus:2;ports:[31000-31004]")
    tasks = (task("a", "cpus:1;ports:[31001-31002]"), task("b", "cpus:1;ports:[31002-31003]"), task("c", "cpus:1"))

    verdicts = judge(tasks, offered)

    assert [verdict.accepted for verdict in verdicts] == [True, False, True]
    assert "still hold cpus:1; ports:[31000-31000, 31003-31004]" in verdicts[1].message
    assert unused(offered, verdicts) == Resources.parse("ports:[31000-31000,31003-31004]")


# In the order of the rules: each one breaks its own and, by "cpus:9", the last one as well.
def with_files(*names: str) -> CommandInfo:
    return CommandInfo(value="a", uris=tuple([CommandURI(value="/f", output_file=name) for name in names]))


BROKEN = [
    (task("a/b", "cpus:9"), "task id"),
    (task("", "cpus:9"), "task id"),
    (task("old", "cpus:9"), "already in use"),  # TaskValidationTest.DuplicatedTaskID
    (task("away", "cpus:9"), "on an unreachable agent"),  # TaskValidationTest.TaskReusesUnreachableTaskID
    (task("t", "cpus:9", AgentID("m-S1")), "names agent m-S1, its offer is of agent m-S0"),
    (task("t", "cpus:9", kill_grace_seconds=-1.0), "kill grace"),  # KillPolicyGracePeriodIsNonNegative
    (task("t", "cpus:9", kill_grace_seconds=math.nan), "kill grace"),
    (task("t", "cpus:9", kill_grace_seconds=math.inf), "a kill grace of inf s; give 0 to 9223372036"),
    (task("t", "cpus:9", max_completion_seconds=-0.001), "max_completion_time"),
    (task("t", "cpus:9", max_completion_seconds=1e10), "max_completion_time of 10000000000.0 s; give 0 to 9223372036"),
    (task("t", "cpus:9", check=CheckInfo()), "has a check of no known type"),
    (task("t", "cpus:9", health_check=HealthCheck()), "has a health check of no known type"),
    (task("t", ""), "uses no resources"),  # TaskValidationTest.TaskUsesNoResources
    (task("t", "gpus:0.5;cpus:9"), "wants 0.5 gpus; ask for whole ones"),
    (task("t", disk(disk={})), "whose disk says nothing"),
    (task("t", disk(disk={"volume": {"container_path": "p"}})), "a volume that is not persistent"),
    (task("t", disk(disk={"persistence": {"id": "d"}})), "a volume without a place in the container"),
    (
        task("t", disk(disk={"persistence": {"id": "d"}, "volume": {"container_path": "p", "host_path": "/"}})),
        "with a host_path",
    ),
    (task("t", f'[{{{UNRESERVED}, "disk": {{"persistence": {{"id": "d"}}}}}}]'), "a volume that nobody has reserved"),
    (task("t", disk(revocable={})), "which is revocable and reserved by a call"),
    (task("t", f"[{PERSISTENT}, {OTHER}]"), "wants the volume 'data' of role 'ads' twice"),
    (task("t", REVOCABLE), "wants cpus that is revocable and cpus that is not"),  # TaskUsesRevocableResources
    (task("t", disk(provider_id={"value": "p"})[:-1] + ', {"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}}]'),
     "wants what comes from the agent itself and 'p' together"),
    (task("t", "cpus:9", allocation_roles=("a", "b")), "allocated to the roles 'a' and 'b'"),
    (task("t", "cpus:9", allocation_roles=("web",)), "allocated to role 'web', its offers are for 'ads'"),
    (task("t", "cpus:9", command=CommandInfo(value="")), "no command"),
    (task("t", "cpus:9", command=CommandInfo(value="", shell=False)), "no program"),
    (task("t", "cpus:9", command=CommandInfo(value="a\0b")), "zero byte"),
    (task("t", "cpus:9", command=CommandInfo(value="a", environment=(("A=B", "1"),))), "environment variable"),
    (task("t", "cpus:9", command=CommandInfo(value="a", unset=("A",))), "no value of the environment variable 'A'"),
    (task("t", "cpus:9", container=container(type="DOCKER")), "without docker"),  # TaskMissingDockerInfo
    (
        task("t", "cpus:9", container=container(type="DOCKER", docker={"image": "i", "parameters": [{"key": "name"}]})),
        "the parameter 'name'",
    ),  # TaskSettingDockerParameterName
    (task("t", "cpus:9", container=container()), "a container of type ''"),
    (task("t", "cpus:9", container=container(type="MESOS", linux_info=7)), "container.linux_info: got 7"),
    (task("t", "cpus:9", container=container(type="MESOS", volumes=[VOLUME | {"mode": "X"}])), "mode 'X'"),
    (
        task(
            "t",
            "cpus:9",
            container=container(type="MESOS", volumes=[VOLUME | {"host_path": "h", "image": {}}]),
        ),
        "a volume with host_path and image",
    ),
    (task("t", "cpus:9", container=container(type="MESOS", x=TOO_LARGE)), "a container with a number of more than 64"),
    (task("t", "cpus:9", discovery=container(x=[TOO_LARGE])), "a discovery with a number of more than 64 bits"),
    (task("t", "cpus:9", discovery=FrozenDocument("{")), "a discovery that cannot be read"),
    (task("t", "cpus:9", discovery=FrozenDocument("[1]")), "a discovery that is no object"),
    (task("t", "cpus:9", discovery=nested(33)), "a discovery nested more than 32 deep"),
    (task("t", "cpus:9", limits=(("disk", 1.0),)), "a limit of 'disk'"),  # LimitOtherThanCpuOrMem
    (task("t", "cpus:9", limits=(("mem", 1.0),)), "a limit of mem and wants none"),
    (task("t", "cpus:9", limits=(("cpus", 8.0),)), "a limit of 8.0 cpus and wants 9.0"),  # ResourceLimitLessThanRequest
    (task("t", "cpus:9", limits=(("cpus", math.nan),)), "a limit of nan cpus"),
    (task("t", "cpus:9", command=None), "neither command and executor"),  # TaskUsesCommandInfoAndExecutorInfo
    (task("t", "cpus:9", executor=EXECUTOR), "both command and executor"),
    (with_executor("t", "cpus:9", type=ExecutorType.CUSTOM, command=None), "of type CUSTOM without a command"),
    (with_executor("t", "cpus:9", type=ExecutorType.DEFAULT), "of type DEFAULT with a command"),
    (
        with_executor("t", "cpus:9", type=ExecutorType.DEFAULT, command=None, container=container(type="DOCKER")),
        "in a container of type 'DOCKER'",
    ),
    (
        with_executor(
            "t", "cpus:9", type=ExecutorType.DEFAULT, command=None, container=FrozenDocument.of(IMAGE)
        ),
        "with an image of its own",
    ),
    (with_executor("t", "cpus:9", executor_id=ExecutorID("..")), "is named wrongly: executor id"),
    (with_executor("t", "cpus:9", shutdown_grace_seconds=-1.0), "shutdown grace"),  # ShutdownGracePeriodIsNonNegative
    (with_executor("t", "cpus:9", shutdown_grace_seconds=math.inf), "shutdown grace of inf s; give 0 to 9223372036"),
    (with_executor("t", "cpus:9", command=CommandInfo(value="a\0b")), "an executor that has a zero byte"),
    (with_executor("t", "cpus:9", discovery=nested(33)), "an executor that has a discovery nested"),
    (with_executor("t", "cpus:9", container=container(type="DOCKER")), "an executor that has a container"),
    (with_executor("t", "cpus:9", framework_id=FrameworkID("g")), "is of framework g"),  # UsesInvalidFrameworkID
    (with_executor("t", "cpus:9", resources=Resources.parse("gpus:0.1")), "an executor that wants 0.1 gpus"),
    (with_executor("t", "cpus:9", allocation_roles=("web",)), "an executor that wants resources that are allocated"),
    # TaskValidationTest.TaskUsesDefaultExecutor
    (with_executor("t", "cpus:9", type=ExecutorType.DEFAULT, command=None), "launch a group"),
    (with_executor("t", "cpus:9", type=ExecutorType.UNKNOWN), "of type UNKNOWN"),
    (with_executor("t", "cpus:9", command=None), "an executor that has no command"),
    (
        with_executor("t", "cpus:9", resources=Resources.parse(f'[{PERSISTENT[:-1]}, "shared": {{}}}}]')),
        "wants shared volumes",
    ),
    (
        with_executor("t", "cpus:9", container=container(type="MESOS", linux_info={"share_cgroups": True})),
        "share_cgroups set in its own container",
    ),
    (with_executor("t", "ports:[1-3];cpus:9", resources=Resources.parse("ports:[3-4]")), "want ports:[3-3]"),
    (with_executor("t", f"[{PERSISTENT}]", resources=Resources.parse(f"[{OTHER}]")), "its executor wants the volume"),
    (with_executor("t", "cpus:9", resources=Resources.parse(ONLY_REVOCABLE)), "cpus that is revocable and cpus"),
    (with_executor("t", "cpus:2"), "with its executor wants cpus:2.5; mem:32, its offers still hold cpus:2; mem:64"),
    (task(resources="cpus:2.001"), "wants cpus:2.001, its offers still hold cpus:2; mem:64"),  # UsesMoreThanOffered
    (task(resources="gpus:1"), "wants gpus:1"),
    (task(resources="ports:[31000-31001]"), "wants ports:[31000-31001], its offers still hold cpus:2; mem:64"),
    (task(resources="cpus(ads):1"), "wants cpus(ads):1, its offers still hold cpus:2; mem:64"),
    (task(container=container(type="MESOS", linux_info={"share_cgroups": False})), "only tasks of groups may"),
    (with_executor("t", "cpus:9", command=with_files("../f")), "an executor that has the output_file '../f'"),
    *[
        (task(command=with_files(*names)), problem)
        for names, problem in (
            (("/f",), "the output_file '/f'"),
            (("a/../f",), "the output_file 'a/../f'"),
            (("a//f",), "the output_file 'a//f'"),
            (("a/",), "the output_file 'a/'"),
            (("a\0",), "the output_file"),
            (("a/f", "b/f", "a/f"), "the output_file 'a/f' twice"),
        )
    ],
    (task(command=CommandInfo(value="a", uris=(CommandURI(value=""),))), "has a URI that is empty"),
    (task(command=CommandInfo(value="a", uris=(CommandURI(value="/a\0"),))), "or holds a zero byte"),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "problem"), BROKEN)
def test_task_that_breaks_a_rule_is_refused_with_the_rule(bad: TaskInfo, problem: str) -> None:
    (verdict,) = judge((bad,))

    assert verdict.reason is Reason.REASON_TASK_INVALID
    assert problem in verdict.message
    assert verdict.charged.is_empty


def test_commands_as_root_are_refused_where_no_task_may_run_as_root() -> None:
    as_root = CommandInfo(value="true", user="root")
    bad = (task("t", command=as_root), with_executor("u", command=as_root))

    first, second = problems(*bad, root_submissions=False)

    assert first == ("launch: task t has a command that runs as root, which this master refuses; name another user")
    assert "task u has an executor that has a command that runs as root" in second
    assert problems(*bad) == ["", ""]
    assert problems(task("t", command=CommandInfo(value="true", user="me")), root_submissions=False) == [""]


# Goal: the order is Mesos's. Method: everything is broken, and mended rule by rule.
def test_first_broken_rule_is_the_one_reported() -> None:
    bad = TaskInfo(
        task_id=TaskID("a/b"),
        name="",
        agent_id=AgentID("m-S1"),
        resources=Resources(),
        command=CommandInfo(value=""),
        executor=msgspec.structs.replace(EXECUTOR, executor_id=ExecutorID("/")),
        kill_grace_seconds=-1.0,
        max_completion_seconds=-1.0,
        check=CheckInfo(),
        health_check=HealthCheck(),
        limits=(("disk", 1.0),),
        container=container(),
    )
    mends: list[tuple[str, dict[str, Any]]] = [
        ("task id 'a/b'", {"task_id": TaskID("old")}),
        ("already in use", {"task_id": TaskID("t")}),
        ("names agent", {"agent_id": AGENT}),
        ("kill grace", {"kill_grace_seconds": 0.0}),
        ("max_completion_time", {"max_completion_seconds": 0.0}),
        ("has a check", {"check": None}),
        ("has a health check", {"health_check": None}),
        ("no resources", {"resources": Resources.parse("cpus:9")}),
        ("no command", {"command": CommandInfo(value="true")}),
        ("has a container", {"container": container(type="MESOS", linux_info={"share_cgroups": False})}),
        ("lacks the capability TASK_RESOURCE_LIMITS", {"limits": ()}),
        ("both command and executor", {"command": None}),
        ("an executor that is named wrongly", {"executor": EXECUTOR}),
        ("its offers still hold", {"resources": Resources.parse("cpus:1")}),
        ("share_cgroups", {"container": None}),
    ]

    messages = []
    for _, mend in mends:
        messages += problems(bad, capabilities=())
        bad = msgspec.structs.replace(bad, **mend)

    found = [words in message for message, (words, _) in zip(messages, mends, strict=True)]
    assert found == [True] * len(mends), messages
    assert problems(bad, capabilities=()) == [""]


def test_id_used_twice_in_one_accept_is_refused_the_second_time() -> None:
    first, second = problems(task("a"), task("a"))

    assert first == ""
    assert "already in use" in second


def test_id_of_a_refused_task_is_free_for_the_next() -> None:
    first, second = problems(task("a", "cpus:3"), task("a"))

    assert "wants cpus:3" in first
    assert second == ""


def test_refused_task_leaves_its_resources_to_the_next() -> None:
    first, second, third = problems(task("a", "cpus:3"), task("b", "cpus:2"), task("c", "cpus:0.001"))

    assert "wants cpus:3" in first
    assert second == ""
    assert "still hold mem:64" in third


# TaskValidationTest.ExecutorMissingFrameworkID
def test_what_a_framework_may_leave_out_is_filled_in() -> None:
    bare = with_executor(allocation_roles=("ads",))

    (verdict,) = judge((msgspec.structs.replace(bare, allocation_roles=("ads",)),))

    assert verdict.accepted
    assert verdict.task.executor == msgspec.structs.replace(EXECUTOR, framework_id=FRAMEWORK)
    assert verdict.task.allocation_roles == ()


def test_a_new_executor_is_charged_once_and_a_running_one_not_at_all() -> None:
    first, second = judge((with_executor("a"), with_executor("b")))
    (other,) = judge((with_executor("a"),), running=RUNNING)

    assert (first.starts_executor, second.starts_executor, other.starts_executor) == (True, False, False)
    assert first.charged == Resources.parse("cpus:1;mem:32")
    assert second.charged == other.charged == Resources.parse("cpus:0.5")
    assert unused(OFFERED, (first, second)) == Resources.parse("cpus:0.5;mem:32")


# TaskValidationTest.ExecutorInfoDiffersOnSameSlave
@pytest.mark.parametrize("running", [RUNNING, {}])
def test_an_executor_described_otherwise_than_the_one_of_its_id_is_refused(running: Any) -> None:
    tasks = (with_executor("a"), with_executor("b", name="other", source="s"))

    first, second = problems(*tasks, running=running)

    assert first == ""
    assert "runs on the agent already with another name, source" in second


@pytest.mark.parametrize(
    ("resources", "problem"),
    [
        ("mem:31", "0.0 cpus and 31.0 MiB"),
        ("cpus:0.009;mem:32", "0.009 cpus and 32.0 MiB"),
        ("cpus:0.01;mem:31.999", "0.01 cpus and 31.999 MiB"),
        ("cpus:0.01;mem:32", ""),
    ],
)
def test_a_small_executor_is_accepted_with_a_warning(resources: str, problem: str) -> None:
    (verdict,) = judge((with_executor("a", resources=Resources.parse(resources)),))

    assert verdict.accepted
    assert problem in verdict.warning
    assert bool(problem) == bool(verdict.warning)


def test_limits_need_an_agent_that_keeps_them_and_may_be_endless() -> None:
    limited = task(resources="cpus:0.1;mem:32", limits=(("cpus", 0.1), ("mem", math.inf)))

    assert problems(limited) == [""]
    assert "lacks the capability TASK_RESOURCE_LIMITS" in problems(limited, capabilities=())[0]


@pytest.mark.parametrize(
    ("check", "problem"),
    [
        ({"type": CheckType.UNKNOWN}, "of no known type"),
        ({"type": CheckType.COMMAND}, "of type COMMAND without a command"),
        ({"type": CheckType.COMMAND, "command": CommandInfo(value="")}, "whose command has no command"),
        ({"type": CheckType.HTTP}, "of type HTTP without its http"),
        ({"type": CheckType.HTTP, "tcp": TcpCheck(1)}, "of type HTTP without its http"),
        ({"type": CheckType.HTTP, "http": HttpCheck(0)}, "of port 0"),
        ({"type": CheckType.HTTP, "http": HttpCheck(1, path="x")}, "with the path 'x'"),
        ({"type": CheckType.HTTP, "http": HttpCheck(1, scheme="ftp")}, "with the scheme 'ftp'"),
        ({"type": CheckType.TCP}, "of type TCP without its tcp"),
        ({"type": CheckType.TCP, "tcp": TcpCheck(65_536)}, "of port 65536"),
        ({"type": CheckType.TCP, "tcp": TcpCheck(1), "delay_seconds": -1.0}, "whose delay is -1.0 s"),
        ({"type": CheckType.TCP, "tcp": TcpCheck(1), "interval_seconds": math.nan}, "whose interval is nan s"),
        ({"type": CheckType.TCP, "tcp": TcpCheck(1), "timeout_seconds": -0.1}, "whose timeout is -0.1 s"),
        (
            {"type": CheckType.TCP, "tcp": TcpCheck(1), "delay_seconds": 1e10},
            "whose delay is 10000000000.0 s; give 0 to",
        ),
    ],
)
def test_a_check_that_breaks_a_rule_is_refused_with_the_rule(check: dict[str, Any], problem: str) -> None:
    as_check, as_health_check = problems(
        task("a", "cpus:0.1", check=CheckInfo(**check)), task("b", "cpus:0.1", health_check=HealthCheck(**check))
    )

    assert f"task a has a check {problem}" in as_check
    assert f"task b has a health check {problem}" in as_health_check


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"grace_period_seconds": -1.0}, "whose grace_period is -1.0"),
        ({"consecutive_failures": -1}, "-1 consecutive"),
    ],
)
def test_a_health_check_has_rules_of_its_own(change: dict[str, Any], problem: str) -> None:
    check = HealthCheck(type=CheckType.TCP, tcp=TcpCheck(80), **change)

    assert problem in problems(task(health_check=check))[0]


def test_well_formed_checks_pass() -> None:
    checks = {
        "check": CheckInfo(type=CheckType.COMMAND, command=CommandInfo(value="true")),
        "health_check": HealthCheck(type=CheckType.HTTP, http=HttpCheck(80, "/health", "https")),
    }

    assert problems(task(**checks)) == [""]


# Goal: what an agent gets it can tell its next master of: one record of its tasks that is none, and it is not let in.
@pytest.mark.parametrize(
    "changes",
    [
        {"kill_grace_seconds": 9_223_372_036.0},
        {"container": container(type="MESOS", x=TOO_LARGE - 1), "discovery": nested(32)},
        {"discovery": container(x=-(2**63), y=1e308, z="\0")},
        {"health_check": HealthCheck(type=CheckType.TCP, tcp=TcpCheck(80), delay_seconds=9_223_372_036.0)},
        {"limits": (("cpus", math.inf),)},
    ],
    ids=range(5),
)
def test_the_largest_that_is_accepted_can_be_kept_as_a_record(changes: dict[str, Any]) -> None:
    (verdict,) = judge((task(**changes),))

    assert verdict.accepted, verdict.message
    check_can_be_kept(verdict.task)


def check_can_be_kept(info: TaskInfo) -> None:
    record = TaskRecord(info=info, framework_id=FRAMEWORK, state=TaskState.TASK_RUNNING, role="ads")
    for portion in pack_tasks([record]):
        TASK.read_array(portion, ("task_id",))


# Goal: nothing that a wire can bring gets past the rules, or makes them raise, and later tasks change nothing.
# Method: any tasks at all, as decoded, against offers and executors of any sort.
@sparingly
@given(st.lists(odd_tasks, max_size=4), odd_resources, st.booleans())
def test_whatever_the_tasks_the_accepted_ones_fit_together_and_no_later_one_matters(
    tasks: list[TaskInfo], offered: Resources, busy: bool
) -> None:
    wire = msgspec.msgpack.decode(msgspec.msgpack.encode(tasks), type=list[TaskInfo])
    running = RUNNING if busy else {}

    verdicts = judge(wire, offered, running=running)

    assert [verdict.task.task_id for verdict in verdicts] == [task.task_id for task in tasks]
    accepted = [verdict for verdict in verdicts if verdict.accepted]
    assert all(bool(verdict.message) != verdict.accepted for verdict in verdicts)
    assert offered == sum([verdict.charged for verdict in accepted], unused(offered, verdicts))
    assert len({verdict.task.task_id for verdict in accepted}) == len(accepted)
    for verdict in accepted:
        check_can_be_kept(verdict.task)
    for count in range(len(tasks)):
        assert judge(wire[:count], offered, running=running) == verdicts[:count]
