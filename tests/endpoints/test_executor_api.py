"""The executor API of an agent: the checks in Mesos's order, and the stream of events."""

# Names in brackets are those of the tests of Mesos that assert the same.

import asyncio
import json

import msgspec
import pytest

import libactor as la
from mesoslite.api import agent_app
from mesoslite.api.executor_stream import ExecutorStream
from mesoslite.api.outlet import Outlet
from mesoslite.model import (
    AgentFramework,
    AgentInfo,
    CommandInfo,
    Conflict,
    ContainerID,
    ExecutorID,
    ExecutorInfo,
    ExecutorRun,
    ExecutorType,
    FrameworkInfo,
    NotFound,
    Resources,
    TaskID,
    TaskInfo,
    TaskRecord,
    TaskRun,
    TaskState,
)
from mesoslite.model.executor_calls import ExecutorSubscribe, TellFramework
from mesoslite.model.executor_events import EndExecutor, ExecutorSubscribed
from mesoslite.model.v1 import Records

from .fakes import FRAMEWORK, FakeAgent, agent_snapshot, request

PATH = "/api/v1/executor"
IDS = {"framework_id": {"value": FRAMEWORK}, "executor_id": {"value": "e"}}
SUBSCRIBE = {"type": "SUBSCRIBE", **IDS, "subscribe": {}}
MESSAGE = {"type": "MESSAGE", **IDS, "message": {"data": "AP8="}}
JSON = "application/json"


class ExecutorAgent(FakeAgent):
    """Knows one executor, tells it who it is, and ``ends`` it at once; ``refuses`` calls with that error."""

    def __init__(self, refuses=None, ends=True):
        super().__init__(agent_snapshot())
        self.ends = ends
        self.refuses = refuses
        self.heard = []

    def subscribe_executor(self, call, channel, claims=None):
        if call.executor_id != "e":
            raise NotFound("Executor cannot be found")
        self.heard.append(call)
        self.channel = channel
        event = ExecutorSubscribed(
            executor=ExecutorInfo(executor_id=call.executor_id),
            framework=FrameworkInfo(name="f", id=FRAMEWORK),
            agent=AgentInfo(hostname="h", port=5051, resources=Resources.of(cpus=1)),
        )
        la.post(channel, event)
        if self.ends:
            la.post(channel, EndExecutor())
            la.terminate(channel, inject=False)

    def executor_call(self, call, claims=None):
        self.heard.append(call)
        if self.refuses is not None:
            raise self.refuses


class Asked:
    def __init__(self, runtime, work_dir, is_recovered=lambda: True, **options):
        self.agent = ExecutorAgent(**options)
        self._app = agent_app(runtime.spawn(self.agent), work_dir, is_recovered=is_recovered)

    def ask(self, document, method="POST", path=PATH, stays=True, **headers):
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return request(self._app, method, path, body, stays=stays, **{"content_type": JSON, **headers})


@pytest.fixture
def runtime():
    with la.Runtime() as runtime:
        yield runtime


@pytest.fixture
def asked(runtime, tmp_path):
    return Asked(runtime, tmp_path)


# [ExecutorHttpApiTest.Subscribe, DefaultAccept]
def test_a_subscriber_hears_events_until_its_stream_ends(asked):
    answer = asked.ask(SUBSCRIBE)

    records = [json.loads(record) for record in Records().feed(answer.body)]
    assert (answer.status, answer.headers["content-type"]) == (200, JSON)
    assert [record["type"] for record in records] == ["SUBSCRIBED", "SHUTDOWN"]
    assert records[0]["subscribed"]["executor_info"]["executor_id"] == {"value": "e"}
    assert "mesos-stream-id" not in answer.headers
    assert asked.agent.heard == [ExecutorSubscribe(framework_id=FRAMEWORK, executor_id=ExecutorID("e"))]


@pytest.mark.parametrize("path", [PATH, f"{PATH}/", "/slave(1)/api/v1/executor"])
def test_a_call_is_taken_by_each_of_its_paths(asked, path):
    answer = asked.ask(MESSAGE, path=path)

    assert (answer.status, answer.body) == (202, b"")
    message = TellFramework(framework_id=FRAMEWORK, executor_id=ExecutorID("e"), data=b"\x00\xff")
    assert asked.agent.heard == [message]


# [ExecutorHttpApiTest.HeartbeatCalls]
def test_a_heartbeat_is_accepted_whoever_it_is_from(asked):
    assert asked.ask({"type": "HEARTBEAT", **IDS}).status == 202
    assert asked.agent.heard == []


# [ExecutorHttpApiTest.NoContentType, MalformedContent, ValidJsonButInvalidProtobuf, ValidProtobufInvalidCall,
# UnsupportedContentMediaType, NotAcceptable, GetRequest]
@pytest.mark.parametrize(
    ("document", "options", "status"),
    [
        (SUBSCRIBE, {"method": "GET"}, 405),
        (b"MALFORMED_CONTENT", {}, 400),
        ({"string": "valid_json"}, {}, 400),
        ({"type": "SUBSCRIBE", **IDS}, {}, 400),
        ({"type": "SUBSCRIBE", "subscribe": {}}, {}, 400),
        ({"type": "UNHEARD_OF", **IDS}, {}, 400),
        (SUBSCRIBE, {"content_type": "application/unknown-format"}, 415),
        (SUBSCRIBE, {"accept": "foo"}, 406),
        ({**SUBSCRIBE, "executor_id": {"value": "x"}}, {}, 400),
    ],
)
def test_what_cannot_be_answered_is_refused(asked, document, options, status):
    answer = asked.ask(document, **options)

    assert answer.status == status
    assert answer.body
    assert asked.agent.heard == []


def test_a_request_without_a_content_type_is_refused(runtime, tmp_path):
    app = agent_app(runtime.spawn(ExecutorAgent()), tmp_path)

    assert request(app, "POST", PATH, json.dumps(SUBSCRIBE).encode()).status == 400


# [ExecutorHttpApiTest.MessageFromUnknownFramework]
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotFound("Framework cannot be found"), 400),
        (NotFound("Executor cannot be found"), 400),
        (Conflict("Executor is not subscribed"), 403),
    ],
)
def test_who_may_not_call_hears_why(runtime, tmp_path, error, status):
    answer = Asked(runtime, tmp_path, refuses=error).ask(MESSAGE)

    assert (answer.status, answer.body.decode()) == (status, str(error))


def test_an_executor_that_goes_is_let_go(runtime, tmp_path):
    asked = Asked(runtime, tmp_path, ends=False)

    asked.ask(SUBSCRIBE, stays=False)

    runtime.clock.pause()
    runtime.clock.settle()
    assert runtime.find(asked.agent.channel.id) is None


# [ExecutorHttpApiTest.HeartbeatEvents]
def test_a_stream_beats_every_half_hour(runtime):
    async def hear():
        outlet = Outlet(1_000)
        runtime.clock.pause()
        pid = runtime.spawn(ExecutorStream(runtime.spawn(FakeAgent(agent_snapshot())), outlet))
        runtime.clock.settle()
        runtime.clock.advance(1_799)
        runtime.clock.settle()
        outlet.put(b"later")
        for _ in range(2):
            runtime.clock.advance(1_800)
            runtime.clock.settle()
        la.terminate(pid)
        return await outlet.take()

    beat = b'20\n{"type":"HEARTBEAT"}'
    assert asyncio.run(hear()) == [b"later", beat, beat]


# ---- what the agent shows of executors ----


def shown(runtime, tmp_path, name, is_default=False):
    executor = ExecutorInfo(
        executor_id=ExecutorID("e"),
        type=ExecutorType.DEFAULT if is_default else None,
        command=None if is_default else CommandInfo(value="run"),
        name="mine",
        resources=Resources.of(mem=32),
    )
    run = ExecutorRun(
        info=executor,
        container_id=ContainerID("c"),
        sandbox="/s/c",
        role="ads",
        pid=None if is_default else 7,
        queued=(TaskID("waits"),),
    )
    states = {"waits": "TASK_STAGING", "runs": "TASK_RUNNING", "ended": "TASK_FINISHED", "over": "TASK_FAILED"}

    def task_run(task):
        info = TaskInfo(
            task_id=TaskID(task), name=task, agent_id="m-S0", resources=Resources.of(cpus=1), executor=executor
        )
        record = TaskRecord(info=info, framework_id=FRAMEWORK, state=TaskState[states[task]], role="ads")
        container_id = ContainerID(f"c-{task}") if is_default else run.container_id
        place = {"container_id": container_id, "executor_container_id": run.container_id}
        return TaskRun(task=record, sandbox=run.sandbox, **place)

    gone = msgspec.structs.replace(run, container_id=ContainerID("c0"), pid=None, queued=(), has_ended=True)
    framework = AgentFramework(
        info=FrameworkInfo(name="f", id=FRAMEWORK),
        tasks=tuple(map(task_run, ("waits", "runs", "ended"))),
        completed_tasks=(task_run("over"),),
        executors=(run,),
        completed_executors=(gone,),
    )
    app = agent_app(runtime.spawn(FakeAgent(agent_snapshot(framework))), tmp_path)
    if name == "/state":
        return json.loads(request(app, "GET", name).body)
    answer = request(app, "POST", "/api/v1", json.dumps({"type": name}).encode(), content_type=JSON)
    return json.loads(answer.body)[name.lower()]


def test_the_state_shows_executors_with_their_tasks(runtime, tmp_path):
    state = shown(runtime, tmp_path, "/state")

    [framework] = state["frameworks"]
    [executor], [gone] = framework["executors"], framework["completed_executors"]
    ids = {key: [task["id"] for task in executor[key]] for key in ("tasks", "queued_tasks", "completed_tasks")}
    assert ids == {"tasks": ["runs"], "queued_tasks": ["waits"], "completed_tasks": ["ended", "over"]}
    assert (executor["id"], executor["name"], executor["role"]) == ("e", "mine", "ads")
    assert (executor["container"], executor["directory"], gone["container"]) == ("c", "/s/c", "c0")
    assert (executor["resources"]["cpus"], executor["resources"]["mem"]) == (2.0, 32.0)
    assert executor["tasks"][0]["executor_id"] == "e"
    assert state["unreserved_resources_allocated"]["mem"] == 32.0


def test_an_executor_of_type_default_is_shown_with_its_tasks_and_no_container_of_theirs(runtime, tmp_path):
    state = shown(runtime, tmp_path, "/state", is_default=True)

    [framework] = state["frameworks"]
    [executor] = framework["executors"]
    ids = {key: [task["id"] for task in executor[key]] for key in ("tasks", "queued_tasks", "completed_tasks")}
    assert ids == {"tasks": ["runs"], "queued_tasks": ["waits"], "completed_tasks": ["ended", "over"]}
    assert (executor["type"], executor["container"], executor["resources"]["cpus"]) == ("DEFAULT", "c", 2.0)
    assert state["unreserved_resources_allocated"]["mem"] == 32.0  # also of one that has no process


def test_executors_and_tasks_are_told_by_the_calls(runtime, tmp_path):
    # Source: AgentAPITest.GetExecutors, GetTasks
    state = shown(runtime, tmp_path, "GET_STATE")
    executors, tasks = state["get_executors"], state["get_tasks"]

    assert [len(executors[key]) for key in ("executors", "completed_executors")] == [1, 1]
    assert executors["executors"][0]["executor_info"]["name"] == "mine"
    ids = {stage: [task["task_id"]["value"] for task in listed] for stage, listed in tasks.items()}
    assert ids == {
        "queued_tasks": ["waits"],
        "launched_tasks": ["runs"],
        "terminated_tasks": ["ended"],
        "completed_tasks": ["over"],
    }
    assert tasks["launched_tasks"][0]["executor_id"] == {"value": "e"}


# [ExecutorHttpApiTest.SlaveRecovering, in what it checks]
def test_nobody_is_let_in_before_the_agent_has_recovered(runtime, tmp_path):
    asked, known = Asked(runtime, tmp_path, is_recovered=lambda: bool(known)), []

    before = asked.ask(MESSAGE)
    known.append(True)
    after = asked.ask(MESSAGE)

    assert (before.status, before.body) == (503, b"Agent has not finished recovery")
    assert after.status == 202
