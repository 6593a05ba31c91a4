"""The operator API of an agent: the checks in Mesos's order, and the exact keys of each answer."""

# Source: facts of Mesos's agent.proto and slave/http.cpp; the names in comments are those of its tests.

import json

import msgspec
import pytest

from mesoslite.api import agent_app
from mesoslite.api.agent_operator import NOT_SERVED
from mesoslite.model import (
    AGENT_CAPABILITIES,
    AgentFramework,
    AgentID,
    Attribute,
    CommandInfo,
    ContainerID,
    FrameworkID,
    FrameworkInfo,
    Label,
    Resources,
    Source,
    TaskID,
    TaskInfo,
    TaskRecord,
    TaskRun,
    TaskState,
    TaskStatus,
)

from .fakes import FRAMEWORK, FakeAgent, agent_snapshot, request

SNAPSHOT = agent_snapshot()


def run_of(task_id, state=TaskState.TASK_RUNNING, command="sleep 1000000000"):
    info = TaskInfo(
        task_id=TaskID(task_id),
        name=f"the {task_id}",
        agent_id=AgentID("m-S0"),
        resources=Resources.of(cpus=1),
        command=CommandInfo(value=command),
        labels=(Label("tier", "web"),),
    )
    status = TaskStatus(task_id=info.task_id, state=state, source=Source.SOURCE_EXECUTOR, timestamp=9.5, uuid=b"u" * 16)
    record = TaskRecord(
        info=info,
        framework_id=FRAMEWORK,
        state=state,
        statuses=(status,),
        role="ads",
        update_state=state,
        update_uuid=status.uuid,
    )
    return TaskRun(task=record, container_id=ContainerID(f"c-{task_id}"), sandbox=f"/s/{task_id}")


class Asked:
    """An agent with that snapshot, asked over HTTP."""

    def __init__(self, runtime, work_dir, snapshot):
        self.app = agent_app(runtime.spawn(FakeAgent(snapshot)), work_dir, runtime=runtime)

    def ask(self, method, path, body=b"", query="", **headers):
        return request(self.app, method, path, body, query, **headers)

    def call(self, kind, at="/api/v1", **message):
        document = {"type": kind, **({kind.lower(): message} if message else {})}
        answer = self.ask("POST", at, json.dumps(document).encode(), content_type="application/json")
        if answer.status != 200 or not answer.body:
            return answer.status, answer.body.decode()
        response = json.loads(answer.body)
        assert (response["type"], len(response)) == (kind, 2)
        return 200, response[kind.lower()]


@pytest.fixture
def agent(runtime, tmp_path):
    """An agent with a framework that has a task in each stage of its end, and one that is completed."""
    framework = AgentFramework(
        info=FrameworkInfo(id=FRAMEWORK, name="f", roles=("ads", "web"), capabilities=("MULTI_ROLE",), principal="p"),
        tasks=(run_of("runs"), run_of("ended", TaskState.TASK_FAILED)),
        completed_tasks=(run_of("over", TaskState.TASK_FINISHED, "true"),),
    )
    gone = AgentFramework(info=FrameworkInfo(id=FrameworkID("m-0001"), name="gone"))
    info = msgspec.structs.replace(SNAPSHOT.info, attributes=(Attribute("rack", "r1"), Attribute("ssds", 2.0)))
    snapshot = msgspec.structs.replace(agent_snapshot(framework), info=info, completed_frameworks=(gone,))
    return Asked(runtime, tmp_path, snapshot)


@pytest.fixture
def idle(runtime, tmp_path):
    return Asked(runtime, tmp_path, SNAPSHOT)


@pytest.mark.parametrize(
    ("body", "headers", "status", "text"),
    [
        (b"{}", {}, 400, "Content-Type"),
        (b"{}", {"content_type": "application/x-protobuf"}, 415, "application/x-protobuf"),
        (b"{", {"content_type": "application/json"}, 400, "Failed to parse body into JSON"),
        (b"{}", {"content_type": "application/json", "accept": "text/html"}, 400, "agent::Call: type: is missing"),
        (b'{"type": "TEARDOWN"}', {"content_type": "application/json"}, 400, "type: got 'TEARDOWN'"),
        (b'{"type": "LIST_FILES"}', {"content_type": "application/json", "accept": "a/b"}, 400, "list_files: is mis"),
        (b'{"type": "UNKNOWN"}', {"content_type": "application/json", "accept": "text/html"}, 406, "Accept"),
        (b'{"type": "UNKNOWN"}', {"content_type": "application/json"}, 501, "UNKNOWN"),
    ],
)
def test_a_call_that_cannot_be_answered_is_told_why(idle, body, headers, status, text):
    answer = idle.ask("POST", "/api/v1", body, **headers)

    assert (answer.status, text in answer.body.decode()) == (status, True)


def test_another_method_is_refused(idle):
    refused = idle.ask("GET", "/api/v1")

    assert (refused.status, refused.headers["allow"]) == (405, "POST")


def test_every_call_that_is_not_served_says_so(idle):
    assert {idle.call(kind)[0] for kind in NOT_SERVED} == {501}


@pytest.mark.parametrize("path", ["/api/v1", "/slave(1)/api/v1/", "/slave(7)/api/v1"])
def test_every_path_of_the_agent_reaches_it(idle, path):
    assert idle.call("GET_HEALTH", path) == (200, {"healthy": True})


def test_metrics_are_a_list_of_names_and_values(idle):
    status, answer = idle.call("GET_METRICS", timeout={"nanoseconds": 10**10})

    assert status == 200
    assert all(metric.keys() == {"name", "value"} for metric in answer.get("metrics", ()))
    assert idle.call("GET_METRICS", timeout={"nanoseconds": -1})[0] == 400


def test_an_agent_says_what_it_is(agent):
    # Source: AgentAPITest.GetAgent
    _, answer = agent.call("GET_AGENT")

    info = answer["agent_info"]
    assert info.keys() == {"hostname", "port", "resources", "attributes", "id"}
    assert (info["hostname"], info["port"], info["id"]) == ("localhost", 5051, {"value": "m-S0"})
    assert {one["name"]: one["scalar"]["value"] for one in info["resources"]} == {"cpus": 2, "mem": 512}
    assert info["attributes"] == [
        {"name": "rack", "type": "TEXT", "text": {"value": "r1"}},
        {"name": "ssds", "type": "SCALAR", "scalar": {"value": 2.0}},
    ]


def test_frameworks_are_those_with_tasks_and_those_that_had_some(agent):
    # Source: AgentAPITest.GetFrameworks
    _, answer = agent.call("GET_FRAMEWORKS")

    assert answer.keys() == {"frameworks", "completed_frameworks"}
    assert [one["framework_info"]["name"] for one in answer["frameworks"]] == ["f"]
    assert [one["framework_info"]["id"]["value"] for one in answer["completed_frameworks"]] == ["m-0001"]


def test_each_command_has_an_executor_of_its_own(agent):
    # Source: AgentAPITest.GetExecutors
    _, answer = agent.call("GET_EXECUTORS")

    assert answer.keys() == {"executors", "completed_executors"}
    executor, ended = answer["executors"]
    assert executor.keys() == {"executor_info"}
    info = executor["executor_info"]
    assert info.keys() == {"executor_id", "framework_id", "command", "name", "source"}
    assert info["executor_id"] == {"value": "runs"}
    assert info["name"] == "Command Executor (Task: runs) (Command: sh -c 'sleep 100000...')"
    assert ended["executor_info"]["executor_id"] == {"value": "ended"}  # its end is yet to be acknowledged
    [over] = [one["executor_info"]["name"] for one in answer["completed_executors"]]
    assert over == "Command Executor (Task: over) (Command: sh -c 'true')"


def test_tasks_are_told_by_how_far_their_end_is_known(agent):
    # Source: AgentAPITest.GetTasks
    _, answer = agent.call("GET_TASKS")

    ids = {stage: [task["task_id"]["value"] for task in tasks] for stage, tasks in answer.items()}
    assert ids == {"launched_tasks": ["runs"], "terminated_tasks": ["ended"], "completed_tasks": ["over"]}
    [task] = answer["launched_tasks"]
    assert task.keys() == {
        "name", "task_id", "framework_id", "agent_id", "state", "resources", "statuses", "labels",
        "status_update_state", "status_update_uuid",
    }  # fmt: skip
    assert (task["state"], task["status_update_state"]) == ("TASK_RUNNING", "TASK_RUNNING")
    assert task["resources"][0]["allocation_info"] == {"role": "ads"}


def test_the_state_is_tasks_executors_and_frameworks(agent):
    # Source: AgentAPITest.GetState
    _, answer = agent.call("GET_STATE")

    parts = ("GET_TASKS", "GET_EXECUTORS", "GET_FRAMEWORKS")
    assert answer == {part.lower(): agent.call(part)[1] for part in parts}


def test_an_agent_without_tasks_leaves_the_lists_out(idle):
    assert idle.call("GET_STATE") == (200, {"get_tasks": {}, "get_executors": {}, "get_frameworks": {}})


def test_files_are_listed(agent, tmp_path):
    # Source: AgentAPITest.ListFiles
    sandbox = tmp_path / "slaves/m-S0/frameworks/f/executors/e/runs/c"
    sandbox.mkdir(parents=True)
    (sandbox / "stdout").write_text("12345")

    _, answer = agent.call("LIST_FILES", path=str(sandbox))

    [info] = answer["file_infos"]
    assert info.keys() == {"path", "nlink", "size", "mtime", "mode", "uid", "gid"}
    assert (info["path"], info["size"], info["mode"] & 0o170000) == (f"{sandbox}/stdout", 5, 0o100000)
    assert info["mtime"] == {"nanoseconds": (sandbox / "stdout").stat().st_mtime_ns}
    assert agent.call("LIST_FILES", path="/etc")[0] == 404
    assert agent.call("LIST_FILES", path=f"{sandbox}/nothing")[0] == 404


def test_the_v0_state_names_the_command_its_role_and_what_the_agent_can(agent):
    state = json.loads(agent.ask("GET", "/state").body)

    assert state["capabilities"] == list(AGENT_CAPABILITIES)
    [framework] = state["frameworks"]
    assert framework["principal"] == "p"
    executor = framework["executors"][0]
    assert executor["name"] == "Command Executor (Task: runs) (Command: sh -c 'sleep 100000...')"
    assert executor["role"] == executor["tasks"][0]["role"] == "ads"
