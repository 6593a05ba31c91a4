"""Validation of the operations of an ACCEPT in order: what each finds left and made, and what is given back."""

import dataclasses
from collections import Counter
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from mesoslite.model import (
    AGENT_RESIZE_VOLUME,
    NOTHING,
    AcceptVerdict,
    AgentID,
    CommandInfo,
    Create,
    Destroy,
    ExecutorID,
    ExecutorInfo,
    ExecutorType,
    FrameworkID,
    GroupVerdict,
    GrowVolume,
    Launch,
    LaunchGroup,
    LaunchSite,
    LaunchVerdict,
    Operation,
    OperationID,
    OperationVerdict,
    Reason,
    Reserve,
    Resources,
    ShrinkVolume,
    TaskGroup,
    TaskID,
    TaskInfo,
    Unreserve,
    validate_accept,
)

from .descriptions import odd_executors, odd_resources, odd_tasks, odd_texts, sparingly
from .test_validation_operations import ADS, FRAMEWORK, disk, plain, reserved, volume

LAUNCHES = LaunchSite(framework_id=FrameworkID("f"), agent_id=AgentID("m-S0"), role="ads")


def task(task_id: str, resources: Resources, **changes: Any) -> TaskInfo:
    info = TaskInfo(
        task_id=TaskID(task_id),
        name=task_id,
        agent_id=AgentID("m-S0"),
        resources=resources,
        command=CommandInfo(value="true"),
    )
    return msgspec.structs.replace(info, **changes)


def judge(*operations: Operation, offered: Resources, **site: Any) -> AcceptVerdict:
    known = dataclasses.replace(FRAMEWORK, **{"total": offered, **site})
    return validate_accept(operations, offered=offered, launches=LAUNCHES, site=known)


def messages(verdict: AcceptVerdict) -> list[str]:
    """What each step was refused for; of a LAUNCH, each of its tasks."""
    found = []
    for step in verdict.steps:
        found += [each.message for each in step.tasks] if isinstance(step, LaunchVerdict) else [step.message]
    return found


def test_each_operation_works_on_what_the_one_before_it_has_made() -> None:
    offered = plain("cpus:2;disk:20")
    wanted = reserved("cpus:1") + volume()

    verdict = judge(
        Reserve(reserved("cpus:1;disk:10")), Create(volume()), Launch((task("t", wanted),)), offered=offered
    )

    assert messages(verdict) == ["", "", ""]
    assert verdict.declined == plain("cpus:1;disk:10")
    assert verdict.converted == reserved("disk:2")


def test_an_operation_with_resources_that_can_never_be_is_refused_as_a_whole_and_alone() -> None:
    executor = ExecutorInfo(executor_id=ExecutorID("e"), type=ExecutorType.DEFAULT)
    tasks = (task("a", plain("cpus:1")), task("b", NOTHING))
    unfit = "accept.operations[0].launch.task_infos[1].resources[0].scalar: no"

    verdict = judge(
        Launch(tasks, unfit=unfit),
        LaunchGroup(executor, TaskGroup(tasks), unfit=unfit),
        Reserve(NOTHING, OperationID("o"), unfit=unfit),
        Launch((task("a", plain("cpus:2")),)),
        offered=plain("cpus:2"),
    )

    launch, group, reserve, last = verdict.steps
    said = f"it names resources that can never be: {unfit}"
    assert [each.message for each in launch.tasks] == [f"launch: {said}"] * 2
    assert {each.reason for each in launch.tasks} == {Reason.REASON_TASK_INVALID}
    assert [each.message for each in group.tasks] == [f"launch group: {said}"] * 2
    assert not group.accepted
    assert reserve.message == f"reserve: {said}"
    assert last.tasks[0].accepted


def test_an_operation_that_is_refused_is_as_if_it_had_not_been_there() -> None:
    offered = plain("cpus:2")

    verdict = judge(
        Create(volume()), Reserve(reserved("cpus:3")), Launch((task("t", plain("cpus:2")),)), offered=offered
    )

    first, second, third = messages(verdict)
    assert "create: it needs disk(reservations: [(DYNAMIC,ads,me)]):8, its offers still hold cpus:2" in first
    assert "reserve: it needs cpus:3" in second
    assert third == ""
    assert (verdict.declined, verdict.converted) == (NOTHING, NOTHING)


def test_what_a_launch_has_taken_is_not_there_to_be_reserved() -> None:
    verdict = judge(Launch((task("t", plain("cpus:2")),)), Reserve(reserved("cpus:1")), offered=plain("cpus:2"))

    assert "its offers still hold nothing" in messages(verdict)[1]


def test_what_is_reserved_and_unreserved_again_counts_as_untouched() -> None:
    verdict = judge(Reserve(reserved("cpus:1")), Unreserve(reserved("cpus:1")), offered=plain("cpus:2"))

    assert messages(verdict) == ["", ""]
    assert (verdict.declined, verdict.converted) == (plain("cpus:2"), NOTHING)


def test_the_result_of_a_resize_cannot_be_used_in_the_same_call() -> None:
    offered = volume() + disk(2)
    grown = volume(size=10)

    verdict = judge(
        GrowVolume(volume(), disk(2)), Launch((task("t", grown),)), offered=offered, capabilities=(AGENT_RESIZE_VOLUME,)
    )

    assert "its offers still hold nothing" in messages(verdict)[1]
    assert (verdict.declined, verdict.converted) == (NOTHING, grown)


def test_a_volume_that_is_made_has_its_id_from_then_on_and_a_destroyed_one_no_longer() -> None:
    offered = disk(20)

    verdict = judge(
        Create(volume("v", 8)), Create(volume("v", 4)), Destroy(volume("v", 8)), Create(volume("v", 4)), offered=offered
    )

    found = messages(verdict)
    assert found[0] == found[2] == found[3] == ""
    assert "has already" in found[1]
    assert verdict.converted == volume("v", 4)


def test_a_shared_volume_that_a_task_of_the_same_call_uses_is_not_destroyed() -> None:
    shared = volume("s", shared=True)

    verdict = judge(Launch((task("t", shared),)), Destroy(shared), offered=shared + shared, total=shared)

    assert "a volume that tasks use" in messages(verdict)[1]


def test_a_shared_volume_of_which_offers_hold_more_copies_is_not_destroyed() -> None:
    shared = volume("s", shared=True)

    verdict = judge(Destroy(shared), offered=shared + shared, total=shared)

    assert "more copies in these offers" in messages(verdict)[0]


def test_what_the_agent_has_no_longer_is_not_converted() -> None:
    verdict = judge(Reserve(reserved("cpus:2")), offered=plain("cpus:2"), total=plain("cpus:1"))

    assert "which the agent has no longer" in messages(verdict)[0]


def test_ids_and_executors_of_earlier_launches_of_the_call_are_known_to_later_ones() -> None:
    executor = ExecutorInfo(
        executor_id=ExecutorID("e"), command=CommandInfo(value="run"), resources=plain("cpus:0.5;mem:32;disk:1")
    )
    own = task("a", plain("cpus:0.5"), command=None, executor=executor)
    grouped = msgspec.structs.replace(executor, type=ExecutorType.DEFAULT, command=None, executor_id=ExecutorID("g"))

    verdict = judge(
        Launch((own,)),
        Launch((own, msgspec.structs.replace(own, task_id=TaskID("b")))),
        LaunchGroup(grouped, TaskGroup((task("c", plain("cpus:0.5")),))),
        LaunchGroup(grouped, TaskGroup((task("c", plain("cpus:0.5")),))),
        LaunchGroup(grouped, TaskGroup((task("d", plain("cpus:0.5")),))),
        offered=plain("cpus:4;mem:64;disk:2"),
    )

    steps = verdict.steps
    assert isinstance(steps[1], LaunchVerdict)
    assert "already in use" in steps[1].tasks[0].message
    assert (steps[1].tasks[1].accepted, steps[1].tasks[1].starts_executor) == (True, False)
    assert isinstance(steps[3], GroupVerdict)
    assert "already in use" in steps[3].message
    assert isinstance(steps[4], GroupVerdict)
    assert (steps[4].accepted, steps[4].starts_executor) == (True, False)
    assert verdict.declined == plain("cpus:1")


def test_a_launch_with_an_operation_id_is_refused_with_all_its_tasks() -> None:
    tasks = (task("a", plain("cpus:1")), task("b", plain("cpus:1")))
    executor = ExecutorInfo(executor_id=ExecutorID("e"), type=ExecutorType.DEFAULT)

    verdict = judge(
        Launch(tasks, OperationID("o")),
        LaunchGroup(executor, TaskGroup(tasks), OperationID("o")),
        offered=plain("cpus:2"),
    )

    first, second = verdict.steps
    assert isinstance(first, LaunchVerdict)
    assert isinstance(second, GroupVerdict)
    assert [each.reason for each in first.tasks] == [Reason.REASON_TASK_INVALID] * 2
    assert [each.reason for each in second.tasks] == [Reason.REASON_TASK_GROUP_INVALID] * 2
    assert all("leave the id out" in each.message for each in (*first.tasks, *second.tasks))
    assert verdict.declined == plain("cpus:2")


volumes = st.sampled_from([volume(), volume("w", 1), volume("s", 2, shared=True), volume("x", 3, layers=())])
wanted = odd_resources | volumes | st.sampled_from([reserved("cpus:1"), reserved("disk:8"), disk(1), plain("disk:8")])
ids = st.none() | odd_texts
odd_operations: st.SearchStrategy[Any] = st.one_of(
    st.builds(Launch, st.lists(odd_tasks, max_size=2).map(tuple), ids),
    st.builds(
        LaunchGroup, odd_executors, st.lists(odd_tasks, max_size=2).map(lambda some: TaskGroup(tuple(some))), ids
    ),
    st.builds(Launch, st.builds(task, st.sampled_from("abc"), wanted).map(lambda one: (one,))),
    st.builds(Reserve, wanted | wanted.map(lambda some: some.not_revocable().pushed(ADS) if some.is_plain else some)),
    *[st.builds(kind, wanted) for kind in (Unreserve, Create, Destroy)],
    *[st.builds(kind, volumes) for kind in (Create, Destroy)],
    st.builds(GrowVolume, wanted | volumes, wanted | st.just(disk(1)), ids),
    st.builds(ShrinkVolume, wanted | volumes, st.integers(min_value=-1, max_value=3000), ids),
)


EXECUTOR = ExecutorInfo(
    executor_id=ExecutorID("e"), type=ExecutorType.DEFAULT, resources=plain("cpus:0.1;mem:32;disk:1")
)
plausible = st.sampled_from(
    [
        Reserve(reserved("cpus:1")),
        Reserve(reserved("disk:8")),
        Unreserve(reserved("cpus:1")),
        Create(volume()),
        Create(volume("s", 2, shared=True)),
        GrowVolume(volume(), disk(1)),
        ShrinkVolume(volume(), 3000),
        Destroy(volume()),
        Destroy(volume("s", 2, shared=True)),
        Launch((task("a", volume()), task("b", plain("cpus:1")))),
        Launch((task("c", volume("s", 2, shared=True)),)),
        LaunchGroup(EXECUTOR, TaskGroup((task("d", plain("cpus:1")), task("e", reserved("cpus:0.5"))))),
    ]
)


def amounts(some: Resources) -> Counter[str]:
    """How much there is under each name, whatever its kind; each copy of a shared volume counts."""
    total: Counter[str] = Counter()
    for portion in some.portions:
        size = portion.scalar + len(portion.items) + sum([last - first + 1 for first, last in portion.ranges])
        total[portion.kind.name] += size * portion.copies
    return total


# Goal: nothing is made or lost, whatever a framework asks for, and nothing raises.
# Method: any operations on offers that hold some of all, as decoded; amounts under each name before and after.
@sparingly
@given(st.lists(odd_operations | plausible, max_size=6), wanted, wanted)
def test_whatever_the_operations_amounts_are_kept_and_later_ones_do_not_matter(
    operations: list[Any], some: Resources, more: Resources
) -> None:
    offered = some + more + reserved("cpus:2;disk:20") + plain("cpus:2;mem:32;disk:8") + volume("y")
    wire = msgspec.msgpack.decode(msgspec.msgpack.encode(operations), type=list[Operation])

    verdict = judge(*wire, offered=offered)

    charged = NOTHING
    for step in verdict.steps:
        if isinstance(step, OperationVerdict):
            assert step.accepted is not bool(step.message)
        elif isinstance(step, GroupVerdict):
            charged += step.charged
        else:
            charged += sum([each.charged for each in step.tasks], NOTHING)
    assert amounts(charged) + amounts(verdict.declined) + amounts(verdict.converted) == amounts(offered)
    assert offered.contains(verdict.declined)
    assert judge(*wire[:3], offered=offered).steps == verdict.steps[:3]
