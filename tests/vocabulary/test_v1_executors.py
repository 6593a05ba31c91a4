"""The executor API as JSON: what is written is read back, and what an executor may not say is refused."""

# Names in brackets are those of the tests of Mesos that assert the same.

import base64

import pytest
from msgspec.structs import replace

from mesoslite.model import (
    AgentID,
    AgentInfo,
    Attribute,
    CommandInfo,
    ContainerID,
    ExecutorID,
    ExecutorInfo,
    Failure,
    FrameworkID,
    FrameworkInfo,
    InvalidRequest,
    Resources,
    Source,
    TaskGroup,
    TaskID,
    TaskInfo,
    TaskState,
    TaskStatus,
)
from mesoslite.model.durations import duration_text, parse_duration
from mesoslite.model.executor_calls import ExecutorAlive, ExecutorSubscribe, ExecutorUpdate, TellFramework
from mesoslite.model.executor_events import (
    AgentAlive,
    EndExecutor,
    EndTask,
    ExecutorError,
    ExecutorSubscribed,
    FrameworkMessage,
    LaunchTask,
    LaunchTasks,
    UpdateAcknowledged,
)
from mesoslite.model.v1 import (
    decode_event,
    decode_executor_call,
    decode_executor_event,
    encode_event,
    encode_executor_call,
    encode_executor_event,
)

F, E, T, A = FrameworkID("m-0000"), ExecutorID("e"), TaskID("t"), AgentID("m-S0")
UUID = bytes(range(16))
TASK = TaskInfo(
    task_id=T, name="t", agent_id=A, resources=Resources.of(cpus=1), executor=ExecutorInfo(executor_id=E), data=b"\xff"
)
STATUS = TaskStatus(
    task_id=T, state=TaskState.TASK_RUNNING, source=Source.SOURCE_EXECUTOR, timestamp=1.5, executor_id=E, uuid=UUID
)
CALLS = [
    ExecutorSubscribe(framework_id=F, executor_id=E),
    ExecutorSubscribe(framework_id=F, executor_id=E, unacknowledged_tasks=(TASK,), unacknowledged_updates=(STATUS,)),
    ExecutorUpdate(framework_id=F, executor_id=E, status=STATUS),
    TellFramework(framework_id=F, executor_id=E, data=b"\x00\xff"),
    ExecutorAlive(framework_id=F, executor_id=E),
]
AGENT = AgentInfo(id=A, hostname="h", port=5051, resources=Resources.of(cpus=2), attributes=(Attribute("rack", "r1"),))
EVENTS = [
    ExecutorSubscribed(
        executor=ExecutorInfo(executor_id=E, framework_id=F, command=CommandInfo(value="run")),
        framework=FrameworkInfo(name="f", id=F),
        agent=AGENT,
        container_id=ContainerID("c"),
    ),
    LaunchTask(TASK),
    LaunchTasks(TaskGroup((TASK,))),
    EndTask(T),
    EndTask(T, 2.5),
    UpdateAcknowledged(T, UUID),
    FrameworkMessage(b"\x00"),
    EndExecutor(),
    ExecutorError("no"),
    AgentAlive(),
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: type(call).__name__)
def test_a_call_that_is_written_is_read_back(call):
    assert decode_executor_call(encode_executor_call(call)) == call


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_that_is_written_is_read_back(event):
    assert decode_executor_event(encode_executor_event(event)) == event


def test_events_are_as_mesos_writes_them():
    assert encode_executor_event(EndExecutor()) == {"type": "SHUTDOWN"}
    assert encode_executor_event(EndTask(T)) == {"type": "KILL", "kill": {"task_id": {"value": "t"}}}
    subscribed = encode_executor_event(EVENTS[0])["subscribed"]
    assert subscribed["executor_info"]["executor_id"] == {"value": "e"}
    assert subscribed["framework_info"]["id"] == {"value": "m-0000"}
    assert subscribed["container_id"] == {"value": "c"}


# [ExecutorHttpApiTest.StatusUpdateCallFailedValidation]
@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("executor_id", {"value": "other"}, "update.status.executor_id"),
        ("uuid", base64.b64encode(b"short").decode(), "update.status.uuid"),
        ("uuid", None, "update.status.uuid"),
        ("source", "SOURCE_AGENT", "update.status.source"),
        ("source", None, "update.status.source"),
        ("state", "TASK_STAGING", "update.status.state"),
        ("state", None, "update.status.state"),
        ("task_id", None, "update.status.task_id"),
        ("check_status", 7, "update.status.check_status"),
    ],
)
def test_a_status_that_an_executor_may_not_send_is_refused(name, value, told):
    document = encode_executor_call(CALLS[2])
    document["update"]["status"][name] = value

    with pytest.raises(InvalidRequest, match=told):
        decode_executor_call(document)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"type": "MESSAGE"},
        {"type": "SUBSCRIBE", "framework_id": {"value": "f"}, "executor_id": {"value": "e"}},
        {"type": "UPDATE", "framework_id": {"value": "f"}, "executor_id": {"value": "e"}},
        {"type": "LAUNCH", "framework_id": {"value": "f"}, "executor_id": {"value": "e"}},
    ],
)
def test_a_call_without_its_parts_is_refused(document):
    with pytest.raises(InvalidRequest):
        decode_executor_call(document)


# Goal: an agent of Mesos gives executors what tasks cannot be given here, and more events than these.
@pytest.mark.parametrize(
    "variable", [{"type": "SECRET", "secret": {}}, {"value": None}, {"type": "UNKNOWN", "value": "v"}]
)
def test_what_an_agent_says_and_is_not_known_here_is_no_error(variable):
    document = encode_executor_event(EVENTS[0])
    command = document["subscribed"]["executor_info"]["command"]
    command["environment"] = {"variables": [{"name": "s", **variable}]}

    assert decode_executor_event(document).executor.command.unset == ("s",)
    assert decode_executor_event({"type": "SOMETHING_NEW"}) is None


@pytest.mark.parametrize(
    ("seconds", "text"), [(5, "5secs"), (0, "0secs"), (90, "90secs"), (1.5, "1500000000ns"), (1e6, "1000000secs")]
)
def test_a_duration_is_written_exactly(seconds, text):
    assert duration_text(seconds) == text
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(("text", "seconds"), [("15mins", 900), ("1.5hrs", 5400), ("200ms", 0.2), ("1weeks", 604800)])
def test_a_duration_of_an_agent_of_mesos_is_read(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "secs", "-5secs", "5 secs", "1e3secs", "infsecs"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(InvalidRequest, match="duration"):
        parse_duration(text)


# Goal: who ports a scheduler takes the status of an executor apart by WEXITSTATUS and WTERMSIG. Source: the comment on
# Failure.status in Mesos's v1/scheduler/scheduler.proto (what waitpid tells). Method: as written, and with a core dump.
@pytest.mark.parametrize(("exit_status", "waited"), [(0, 0), (9, 9 << 8), (-9, 9)])
def test_the_end_of_an_executor_is_told_in_the_form_of_wait(exit_status, waited):
    event = Failure(AgentID("a"), ExecutorID("e"), exit_status)

    document = encode_event(event)

    assert document["failure"]["status"] == waited
    assert decode_event(document) == event
    document["failure"]["status"] = 11 | 0x80
    assert decode_event(document) == replace(event, exit_status=-11)
