"""Messages are looked at throughout, the large ones a portion at a time."""

from collections.abc import Generator
from typing import Any

import msgspec
import pytest

from mesoslite.model import (
    Accept,
    Acknowledge,
    AgentID,
    AgentInfo,
    ExecutorID,
    ExecutorInfo,
    FrameworkID,
    InvalidRequest,
    Launch,
    LaunchGroup,
    OfferID,
    Reconcile,
    ReregisterAgent,
    Reserve,
    Resources,
    TaskGroup,
    TaskID,
    TaskInfo,
    TaskRecord,
    TaskReference,
    TaskState,
    checked_message,
    checking,
    is_plain,
)
from mesoslite.model.checking import PORTION
from mesoslite.model.messages import CompletedTasks
from mesoslite.model.task_records import pack_tasks

CPU = Resources.of(cpus=1)
FRAMEWORK = FrameworkID("F")


def task(number: int) -> TaskInfo:
    return TaskInfo(task_id=TaskID(f"t{number}"), name="t", agent_id=AgentID("A"), resources=CPU)


def record(number: int) -> TaskRecord:
    return TaskRecord(info=task(number), framework_id=FRAMEWORK, state=TaskState.TASK_RUNNING)


def accept(*operations: Any) -> Accept:
    return Accept(framework_id=FRAMEWORK, offer_ids=(OfferID("O"),), operations=operations)


def run(work: Generator[None, None, Any]) -> tuple[int, Any]:
    """How many steps it took, and what it returned."""
    steps = 1
    while True:
        try:
            next(work)
        except StopIteration as end:
            return steps, end.value
        steps += 1


TASKS = tuple([task(number) for number in range(1_000)])
EXECUTOR = ExecutorInfo(executor_id=ExecutorID("e"))
PORTIONS = tuple([portion for number in range(1_000) for portion in pack_tasks([record(number)])])
OVER = tuple([CompletedTasks(FRAMEWORK, (portion,)) for portion in PORTIONS[:70]])
INFO = AgentInfo(hostname="h", port=1, resources=CPU, id=AgentID("A"))
LARGE: list[Any] = [
    ReregisterAgent(info=INFO, tasks=PORTIONS, frameworks=(b"f",), completed_tasks=OVER),
    Reconcile(FRAMEWORK, tuple([TaskReference(TaskID(f"t{number}")) for number in range(1_000)])),
    accept(Launch(TASKS)),
    accept(Reserve(CPU), Launch(TASKS[:3]), Launch(TASKS), *[Launch(TASKS[:40])] * 20, Reserve(CPU)),
    accept(*[Reserve(CPU)] * 1_000),
    accept(Reserve(CPU), LaunchGroup(EXECUTOR, TaskGroup(TASKS)), LaunchGroup(EXECUTOR, TaskGroup(TASKS[:3]))),
    ReregisterAgent(info=INFO, completed_tasks=(OVER[0], CompletedTasks(FRAMEWORK, PORTIONS), OVER[0])),
]


@pytest.mark.parametrize("message", LARGE, ids=range(len(LARGE)))
def test_a_large_message_comes_back_whole_after_many_steps(message: Any) -> None:
    steps, found = run(checking(message))

    assert found == message
    assert steps >= 1_000 // PORTION


def test_a_small_message_takes_one_step() -> None:
    assert run(checking(accept(Launch(TASKS[:10])))) == (1, accept(Launch(TASKS[:10])))


def with_last(message: Any, name: str, last: Any) -> Any:
    return msgspec.structs.replace(message, **{name: (*getattr(message, name)[:-1], last)})


@pytest.mark.parametrize(
    "message",
    [
        with_last(LARGE[0], "tasks", "portion"),
        with_last(LARGE[0], "completed_tasks", 7),
        msgspec.structs.replace(LARGE[0], version=1),
        with_last(LARGE[1], "tasks", TaskReference(["t"])),  # type: ignore[arg-type]
        accept(Launch((*TASKS, None))),  # type: ignore[arg-type]
        accept(Launch((*TASKS, 7)), *[Reserve(CPU)] * 100),  # type: ignore[arg-type]
        accept(Launch(TASKS, id=7)),  # type: ignore[arg-type]
        accept(*[Reserve(CPU)] * 1_000, 7),
        msgspec.structs.replace(LARGE[2], offer_ids=7),
        accept(LaunchGroup(EXECUTOR, TaskGroup((*TASKS, None)))),  # type: ignore[arg-type]
        accept(LaunchGroup(EXECUTOR, TaskGroup(7))),  # type: ignore[arg-type]
        accept(LaunchGroup(7, TaskGroup(TASKS))),  # type: ignore[arg-type]
        accept(LaunchGroup(EXECUTOR, 7), *[Reserve(CPU)] * 100),  # type: ignore[arg-type]
        with_last(LARGE[0], "completed_tasks", CompletedTasks(FRAMEWORK, (*PORTIONS, "portion"))),  # type: ignore[arg-type]
        with_last(LARGE[0], "completed_tasks", CompletedTasks(7, PORTIONS)),  # type: ignore[arg-type]
    ],
    ids=range(15),
)
def test_what_is_wrong_anywhere_in_a_large_message_is_found(message: Any) -> None:
    with pytest.raises(InvalidRequest):
        run(checking(message))


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [2**80, "\ud800", object(), nested(100_000), None], ids=["int", "text", "o", "deep", "none"]
)
def test_what_cannot_be_sent_is_refused(value: Any) -> None:
    with pytest.raises(InvalidRequest, match="reconcile"):
        checked_message(Reconcile(value))


def test_what_is_as_declared_is_passed_on_as_it_is() -> None:
    for message in (accept(Launch(TASKS[:10])), Reconcile(FRAMEWORK), msgspec.structs.replace(LARGE[0], tasks=(b"",))):
        assert checked_message(message) is message


# Goal: a million entries are not copied in one go. Method: look whether the lists are the same objects.
def test_large_lists_that_are_as_declared_are_not_copied() -> None:
    _, reconcile = run(checking(LARGE[1]))
    _, launch = run(checking(accept(Launch(TASKS))))

    assert reconcile is LARGE[1]
    assert launch.operations[0].tasks is TASKS


@pytest.mark.parametrize("at", [0, 500, 999])
def test_of_a_large_list_what_can_be_made_right_is_put_in_its_place(at: int) -> None:
    given = list(LARGE[1].tasks)
    given[at] = {"task_id": given[at].task_id}

    _, found = run(checking(msgspec.structs.replace(LARGE[1], tasks=tuple(given))))
    _, of_list = run(checking(msgspec.structs.replace(LARGE[1], tasks=given)))

    assert found == of_list == LARGE[1]
    assert type(of_list.tasks) is tuple


def test_only_what_declares_no_list_and_is_as_declared_is_plain() -> None:
    message = Acknowledge(framework_id=FRAMEWORK, agent_id=AgentID("a"), task_id=TaskID("t"), uuid=b"u" * 16)

    assert is_plain(message)
    assert not is_plain(msgspec.structs.replace(message, uuid="u" * 16))
    assert not is_plain(Reconcile(FRAMEWORK))


def test_what_can_be_made_right_is() -> None:
    message = accept(Launch([*TASKS[:10]]))  # type: ignore[arg-type]

    assert checked_message(message) == accept(Launch(TASKS[:10]))


# Goal: what agents bring is not copied by whoever looks at it, and is bytes, whatever it is said to be. Method: look
#   whether it is the same object, in a message that has to be made anew; put something else in its place.
def test_bytes_are_passed_on_as_they_are() -> None:
    info: Any = AgentInfo(hostname="h", port=1, resources=CPU, id=AgentID("A"), attributes=[])  # type: ignore[arg-type]
    message = ReregisterAgent(
        info=info,
        tasks=pack_tasks([record(1)]),
        completed_tasks=(CompletedTasks(FRAMEWORK, pack_tasks([record(2)])), CompletedTasks(FRAMEWORK, ())),
    )

    checked = checked_message(message)

    assert checked == msgspec.structs.replace(message, info=msgspec.structs.replace(info, attributes=()))
    assert checked.tasks[0] is message.tasks[0]
    assert checked.completed_tasks[0].portions[0] is message.completed_tasks[0].portions[0]
    assert checked.info is not message.info


@pytest.mark.parametrize(
    "wrong",
    [
        {"tasks": (b"", "text")},
        {"tasks": (b"", None)},
        {"tasks": b"one"},
        {"completed_tasks": (CompletedTasks(FRAMEWORK, (b"", 1)),)},  # type: ignore[arg-type]
        {"completed_tasks": (CompletedTasks(5, (b"",)),)},  # type: ignore[arg-type]
        {"completed_tasks": (CompletedTasks(FRAMEWORK, (b"",)), b"")},
        {"frameworks": (b"", INFO)},
    ],
)
def test_what_is_no_bytes_is_not_passed_on(wrong: dict[str, Any]) -> None:
    info = AgentInfo(hostname="h", port=1, resources=CPU, id=AgentID("A"))

    with pytest.raises(InvalidRequest):
        checked_message(ReregisterAgent(info=info, **wrong))
