"""Abilities: what agents cannot do yet is refused, with what it is, and what they can be given."""

from typing import Any

import msgspec
import pytest

from mesoslite.model import (
    AgentID,
    CheckInfo,
    CommandInfo,
    CommandURI,
    ExecutorID,
    ExecutorInfo,
    ExecutorType,
    FrozenDocument,
    HealthCheck,
    InvalidRequest,
    InvalidResources,
    Resources,
    TaskID,
    TaskInfo,
    executor_command,
    runnable_command,
    task_inability,
    validate_agent_resources,
)
from mesoslite.model.checks import CheckType, HttpCheck, TcpCheck

E = ExecutorID("e")
RUN = CommandInfo(value="run")
TASK = TaskInfo(
    task_id=TaskID("t"),
    name="t",
    agent_id=AgentID("a"),
    resources=Resources.parse("cpus:1;ports(ads):[1-2]"),
    command=CommandInfo(value="true"),
    data=b"any",
    discovery=FrozenDocument.of({"visibility": "CLUSTER"}),
)
VOLUME = (
    '[{"name": "disk", "type": "SCALAR", "scalar": {"value": 8}, '
    '"disk": {"persistence": {"id": "data"}, "source": {"type": "MOUNT", "mount": {"root": "/m"}}}}]'
)
RAW = VOLUME.replace('"persistence": {"id": "data"}, ', "").replace('"MOUNT", "mount": {"root": "/m"}', '"RAW"')
DYNAMIC = '[{"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}, "role": "ads", "reservation": {}}]'
REVOCABLE = '[{"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}, "revocable": {}}]'
PROVIDED = '[{"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}, "provider_id": {"value": "p"}}]'

DEFAULT = ExecutorInfo(executor_id=E, type=ExecutorType.DEFAULT)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"command": None}, "has neither a command nor an executor"),
        ({"executor": ExecutorInfo(executor_id=E)}, "has an executor that has no command"),
        ({"executor": DEFAULT, "command": None}, "has no command"),
        ({"executor": DEFAULT, "check": CheckInfo()}, "has a check"),
        ({"executor": ExecutorInfo(executor_id=E, type=ExecutorType.CUSTOM)}, "has an executor that has no command"),
        (
            {"executor": msgspec.structs.replace(DEFAULT, container=FrozenDocument.of({"type": "MESOS"}))},
            "has an executor that has a container and is no program",
        ),
        (
            {"executor": ExecutorInfo(executor_id=E, command=RUN, resources=Resources.parse(RAW))},
            "has an executor that wants disk[RAW]:8, a disk without a directory",
        ),
        (
            {"executor": msgspec.structs.replace(DEFAULT, resources=Resources.parse(VOLUME))},
            "has an executor that has a volume and is no program",
        ),
        ({"check": CheckInfo()}, "has a check"),
        ({"health_check": HealthCheck()}, "has a health check"),
        (
            {"check": CheckInfo(type=CheckType.COMMAND, command=CommandInfo(value="x", uris=(CommandURI(value="u"),)))},
            "has a check whose command has URIs",
        ),
        ({"resources": Resources.parse(RAW)}, "wants disk[RAW]:8, a disk without a directory"),
        ({"resources": Resources.parse(PROVIDED)}, "which comes from a resource provider"),
    ],
)
def test_what_agents_cannot_do_yet_is_refused_with_what_it_is(change: dict[str, Any], problem: str) -> None:
    task = msgspec.structs.replace(TASK, **change)

    assert problem in (task_inability(task) or "")
    with pytest.raises(InvalidRequest, match="launch: task t "):
        runnable_command(task)


def test_checks_are_the_business_of_the_executor() -> None:
    executor = ExecutorInfo(executor_id=E, command=RUN)
    asked = {"check": CheckInfo(), "health_check": HealthCheck(), "max_completion_seconds": 1.0}
    task = msgspec.structs.replace(TASK, command=None, executor=executor, **asked)

    assert task_inability(task) is None
    assert executor_command(executor) == RUN


def test_agents_check_commands_and_end_them_in_time() -> None:
    check = CheckInfo(type=CheckType.TCP, tcp=TcpCheck(port=80))
    health = HealthCheck(type=CheckType.HTTP, http=HttpCheck(port=80))

    task = msgspec.structs.replace(TASK, check=check, health_check=health, max_completion_seconds=1.0)

    assert task_inability(task) is None


def test_tasks_under_an_executor_of_type_default_are_commands() -> None:
    task = msgspec.structs.replace(TASK, executor=DEFAULT)

    assert runnable_command(task) == CommandInfo(value="true")
    assert executor_command(DEFAULT) is None


# What there are isolators for is the containerizer's to say.
def test_containers_and_limits_are_judged_at_the_launch() -> None:
    container = FrozenDocument.of({"type": "MESOS"})
    task = msgspec.structs.replace(TASK, container=container, limits=(("cpus", 1.0),))

    assert task_inability(task) is None
    assert executor_command(ExecutorInfo(executor_id=E, command=RUN, container=container)) == RUN


@pytest.mark.parametrize("source", ['"MOUNT", "mount": {"root": "/m"}', '"PATH", "path": {"root": "/p"}'])
def test_disks_with_a_directory_are_given(source: str) -> None:
    volume = Resources.parse(VOLUME.replace('"MOUNT", "mount": {"root": "/m"}', source))
    disk = Resources.parse(RAW.replace('"RAW"', source))

    validate_agent_resources(disk)
    assert task_inability(msgspec.structs.replace(TASK, resources=volume)) is None


def test_a_plain_command_is_what_agents_can_do() -> None:
    assert task_inability(TASK) is None
    assert runnable_command(TASK) == CommandInfo(value="true")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "run nothing"),
        (VOLUME, "a volume, which is made by a call"),
        (RAW, "a disk without a directory"),
        (REVOCABLE, "which is revocable"),
        (DYNAMIC, "which is reserved by a call"),
        (PROVIDED, "which comes from a resource provider"),
    ],
)
def test_an_agent_cannot_be_configured_with_what_comes_about_later(text: str, problem: str) -> None:
    with pytest.raises(InvalidResources, match=problem):
        validate_agent_resources(Resources.parse(text))
