"""Validation of an Accept: each rule, their order, and what is left for the next task."""

import math

import msgspec
import pytest

from mesoslite.model import (
    AgentID,
    CommandInfo,
    FrameworkID,
    InvalidResources,
    Offer,
    OfferID,
    Reason,
    Resources,
    TaskID,
    TaskInfo,
    offers_problem,
    unused,
    validate_agent_resources,
    validate_tasks,
)

AGENT = AgentID("m-S0")
OFFERED = Resources.parse("cpus:2;mem:64")

VOLUME = (
    '[{"name": "disk", "type": "SCALAR", "scalar": {"value": 8}, '
    '"disk": {"persistence": {"id": "data"}, "source": {"type": "MOUNT", "mount": {"root": "/m"}}}}]'
)
DYNAMIC = '[{"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}, "role": "ads", "reservation": {}}]'
REVOCABLE = (
    '[{"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}}, '
    '{"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}, "revocable": {}}]'
)


def task(task_id: str = "t", resources: str = "cpus:1", agent_id: AgentID = AGENT, **changes: object) -> TaskInfo:
    info = TaskInfo(
        task_id=TaskID(task_id),
        name=task_id,
        agent_id=agent_id,
        resources=Resources.parse(resources),
        command=CommandInfo(value="true"),
    )
    return msgspec.structs.replace(info, **changes)


def problems(*tasks: TaskInfo) -> list[str]:
    verdicts = validate_tasks(tasks, offered=OFFERED, agent_id=AGENT, known={TaskID("old")})
    return [verdict.message for verdict in verdicts]


def test_tasks_that_fit_together_are_accepted_and_leave_the_rest() -> None:
    tasks = (task("a", "cpus:1;mem:32"), task("b", "cpus:1"))

    verdicts = validate_tasks(tasks, offered=OFFERED, agent_id=AGENT, known=())

    assert [verdict.accepted for verdict in verdicts] == [True, True]
    assert unused(OFFERED, verdicts) == Resources.parse("mem:32")


def test_ports_are_taken_exactly_and_only_once() -> None:
    offered = Resources.parse("cpus:2;ports:[31000-31004]")
    tasks = (task("a", "cpus:1;ports:[31001-31002]"), task("b", "cpus:1;ports:[31002-31003]"), task("c", "cpus:1"))

    verdicts = validate_tasks(tasks, offered=offered, agent_id=AGENT, known=())

    assert [verdict.accepted for verdict in verdicts] == [True, False, True]
    assert "still hold cpus:1; ports:[31000-31000, 31003-31004]" in verdicts[1].message
    assert unused(offered, verdicts) == Resources.parse("ports:[31000-31000,31003-31004]")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "run nothing"),
        (VOLUME, "a disk or volume of its own"),
        (REVOCABLE, "which is revocable"),
        (DYNAMIC, "which is reserved by a call"),
    ],
)
def test_an_agent_cannot_be_configured_with_what_comes_about_later(text: str, problem: str) -> None:
    with pytest.raises(InvalidResources, match=problem):
        validate_agent_resources(Resources.parse(text))


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (task("a/b"), "task id"),
        (task("old"), "already in use"),
        (task(agent_id=AgentID("m-S1")), "names agent m-S1, its offer is of agent m-S0"),
        (task(kill_grace_seconds=-1.0), "kill grace"),
        (task(kill_grace_seconds=math.nan), "kill grace"),
        (task(resources=""), "uses no resources"),
        (task(command=CommandInfo(value="")), "no command"),
        (task(command=CommandInfo(value="", shell=False)), "no program"),
        (task(command=CommandInfo(value="a\0b")), "zero byte"),
        (task(command=CommandInfo(value="a", environment=(("A=B", "1"),))), "environment variable"),
        (task(resources="cpus:2.001"), "wants cpus:2.001, its offers still hold cpus:2; mem:64"),
        (task(resources="gpus:1"), "wants gpus:1"),
        (task(resources="gpus:0.5"), "wants 0.5 gpus; ask for whole ones"),
        (task(resources="ports:[31000-31001]"), "wants ports:[31000-31001], its offers still hold cpus:2; mem:64"),
        (task(resources="cpus(ads):1"), "wants cpus(ads):1, its offers still hold cpus:2; mem:64"),
        (task(resources=VOLUME), "wants disk[MOUNT:/m,data]:8, a disk or volume of its own"),
        (task(resources=REVOCABLE), "wants cpus that is revocable and cpus that is not"),
    ],
)
def test_task_that_breaks_a_rule_is_refused_with_the_rule(bad: TaskInfo, problem: str) -> None:
    (verdict,) = validate_tasks((bad,), offered=OFFERED, agent_id=AGENT, known={TaskID("old")})

    assert verdict.reason is Reason.REASON_TASK_INVALID
    assert problem in verdict.message


def test_first_broken_rule_is_the_one_reported() -> None:
    (message,) = problems(task("old", resources="cpus:9", agent_id=AgentID("m-S1")))

    assert "already in use" in message


def test_id_used_twice_in_one_accept_is_refused_the_second_time() -> None:
    first, second = problems(task("a"), task("a"))

    assert first == ""
    assert "already in use" in second


def test_refused_task_leaves_its_resources_to_the_next() -> None:
    first, second, third = problems(task("a", "cpus:3"), task("b", "cpus:2"), task("c", "cpus:0.001"))

    assert "wants cpus:3" in first
    assert second == ""
    assert "still hold mem:64" in third


def offer(number: int, framework: str = "f", agent: str = "m-S0", role: str = "*") -> Offer:
    return Offer(
        id=OfferID(f"o{number}"),
        framework_id=FrameworkID(framework),
        agent_id=AgentID(agent),
        hostname="h",
        resources=OFFERED,
        role=role,
        port=5051,
    )


OUTSTANDING = {
    made.id: made
    for made in [
        offer(0),
        offer(1),
        offer(2, framework="g"),
        offer(3, role="ads"),
        offer(4, agent="m-S1"),
        offer(5, agent="m-S9"),
    ]
}


@pytest.mark.parametrize(
    ("offer_ids", "problem"),
    [
        ("", "no offers"),
        ("o0 o0", "twice"),
        ("o0 o7", "o7 is no longer valid"),
        ("o7", "o7 is no longer valid"),
        ("o0 o2", "o2 is not held by framework f"),
        ("o0 o3", "roles '*' and 'ads'"),
        ("o0 o4", "agents m-S0 and m-S1"),
        ("o5", "agent m-S9 of offer o5 is not connected"),
    ],
)
def test_offers_that_cannot_be_used_together_are_refused_with_the_reason(offer_ids: str, problem: str) -> None:
    named = [OfferID(text) for text in offer_ids.split()]

    got = offers_problem(FrameworkID("f"), named, OUTSTANDING, {AgentID("m-S0"), AgentID("m-S1")})

    assert got is not None
    assert problem in got


def test_offers_of_one_agent_and_role_may_be_used_together() -> None:
    named = [OfferID("o0"), OfferID("o1")]

    assert offers_problem(FrameworkID("f"), named, OUTSTANDING, {AgentID("m-S0")}) is None
