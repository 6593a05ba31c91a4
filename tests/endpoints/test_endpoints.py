"""What every endpoint has in common, and the state of master and agent: applications driven directly."""

import gzip
import json

import pytest

import libactor as la
from mesoslite.api import agent_app, loopback_hosts, master_app
from mesoslite.model import (
    AgentFramework,
    AgentID,
    CommandInfo,
    ContainerID,
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

from .fakes import FRAMEWORK, FakeAgent, FakeMaster, agent_snapshot, request
from .views import framework, view


def task_record(state=TaskState.TASK_RUNNING):
    info = TaskInfo(
        task_id=TaskID("t-1"),
        name="t",
        agent_id=AgentID("m-S0"),
        resources=Resources.of(cpus=1),
        command=CommandInfo(value="true"),
        labels=(Label("tier", "web"),),
    )
    status = TaskStatus(task_id=info.task_id, state=state, source=Source.SOURCE_EXECUTOR, timestamp=9.5)
    return TaskRecord(info=info, framework_id=FRAMEWORK, state=state, statuses=(status,))


def stopped(runtime, actor):
    """The address of an actor that is no more."""
    pid = runtime.spawn(actor)
    la.terminate(pid)
    assert la.wait(pid, timeout=60)
    return pid


@pytest.fixture
def master(runtime):
    return master_app(runtime.spawn(FakeMaster(view(frameworks=[framework(FRAMEWORK)]))))


@pytest.mark.parametrize("path", ["/health", "/health/", "/master/health", "/master/health/deeper"])
def test_an_endpoint_is_found_by_each_of_its_paths(master, path):
    answer = request(master, "GET", path)

    assert (answer.status, answer.body) == (200, b"")


def test_a_head_request_is_answered_as_its_get(master):
    assert request(master, "HEAD", "/health").status == 200


@pytest.mark.parametrize("path", ["/", "/nothing", "/master", "/slave(1)/state", "/masters/state"])
def test_a_path_without_endpoint_is_404(master, path):
    assert request(master, "GET", path).status == 404


def test_a_method_that_is_not_served_is_405_and_says_which_is(master):
    get, post = request(master, "GET", "/api/v1/scheduler"), request(master, "POST", "/state")

    assert (get.status, get.headers["allow"]) == (405, "POST")
    assert (post.status, post.headers["allow"]) == (405, "GET")


def test_version_is_numeric_for_clients_of_mesos_and_ours_has_its_own_key(master):
    version = json.loads(request(master, "GET", "/version").body)

    assert version["version"] == "1.12.0"
    assert version["mesoslite"]["version"] == "0.1.0"


def test_jsonp_wraps_the_document_in_the_call_of_a_function(master):
    answer = request(master, "GET", "/version", query="jsonp=angular.callbacks._0")

    assert answer.headers["content-type"] == "text/javascript"
    assert answer.body.startswith(b"angular.callbacks._0({")
    assert answer.body.endswith(b"});")


def test_jsonp_with_what_is_no_function_name_is_refused(master):
    assert request(master, "GET", "/version", query="jsonp=alert(1);//").status == 400


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [("gzip", True), ("deflate, gzip;q=0.5", True), ("*", True), ("gzip;q=0", False), ("identity", False)],
)
def test_a_large_answer_is_compressed_exactly_if_the_client_takes_that(master, accepted, compressed):
    answer = request(master, "GET", "/state", accept_encoding=accepted)

    body = gzip.decompress(answer.body) if compressed else answer.body
    assert (answer.headers.get("content-encoding") == "gzip") == compressed
    assert json.loads(body)["id"] == "m"


def test_a_small_answer_is_never_compressed(master):
    assert "content-encoding" not in request(master, "GET", "/version", accept_encoding="gzip").headers


@pytest.mark.parametrize("path", ["/state", "/health"])
def test_a_master_that_has_stopped_is_503(runtime, path):
    pid = stopped(runtime, FakeMaster())

    assert request(master_app(pid), "GET", path).status == 503


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", "/state", b""), ("GET", "/health", b""), ("POST", "/api/v1", b'{"type": "GET_HEALTH"}')],
)
def test_an_agent_that_has_stopped_is_503(runtime, tmp_path, method, path, body):
    agent = agent_app(stopped(runtime, FakeAgent(agent_snapshot())), tmp_path)

    assert request(agent, method, path, body=body, content_type="application/json").status == 503


@pytest.mark.parametrize("prefix", ["", "/slave(7)", "/slave(1)"])
def test_the_state_of_an_agent_leads_to_the_sandbox_of_each_task(runtime, tmp_path, prefix):
    done = TaskRun(task=task_record(TaskState.TASK_FINISHED), container_id=ContainerID("c0"), sandbox="/s/c0")
    run = TaskRun(task=task_record(), container_id=ContainerID("c1"), sandbox="/s/c1", pid=17)
    known = AgentFramework(info=FrameworkInfo(id=FRAMEWORK, name="f"), tasks=(run,), completed_tasks=(done,))
    agent = agent_app(runtime.spawn(FakeAgent(agent_snapshot(known))), tmp_path)

    state = json.loads(request(agent, "GET", f"{prefix}/state").body)

    executor = state["frameworks"][0]["executors"][0]
    assert (executor["id"], executor["directory"], executor["tasks"][0]["state"]) == ("t-1", "/s/c1", "TASK_RUNNING")
    completed = state["frameworks"][0]["completed_executors"][0]
    assert (completed["directory"], completed["completed_tasks"][0]["state"]) == ("/s/c0", "TASK_FINISHED")
    assert state["unreserved_resources_allocated"]["cpus"] == 1.0


@pytest.mark.parametrize(
    ("listening", "asked", "status"),
    [
        ("127.0.0.1", "127.0.0.1:5050", 200),
        ("127.0.0.1", "LOCALHOST", 200),
        ("127.0.0.1", "localhost.:5050", 200),
        ("::1", "[::1]:5050", 200),
        ("127.0.0.2", "127.0.0.2:5050", 200),
        ("127.0.0.1", "box.example:5050", 200),
        ("127.0.0.1", "evil.example:5050", 403),
        ("127.0.0.1", "localhost.evil.example", 403),
        ("127.0.0.1", "[::1].evil.example", 403),
        ("127.0.0.1", "", 403),
        ("0.0.0.0", "evil.example:5050", 200),
        ("192.0.2.1", "whatever", 200),
    ],
)
def test_on_loopback_only_its_own_names_are_answered(runtime, tmp_path, listening, asked, status):
    hosts = loopback_hosts(listening, "box.example")
    master = master_app(runtime.spawn(FakeMaster()), hosts=hosts)
    agent = agent_app(runtime.spawn(FakeAgent(agent_snapshot())), tmp_path, hosts=hosts)

    answers = [request(app, "GET", "/state", query="jsonp=f", host=asked) for app in (master, agent)]

    assert [answer.status for answer in answers] == [status, status]
    assert all(answer.body.startswith(b"f(") == (status == 200) for answer in answers)


def test_a_request_without_a_host_is_for_this_one(runtime):
    master = master_app(runtime.spawn(FakeMaster()), hosts=loopback_hosts("127.0.0.1"))

    assert request(master, "GET", "/state").status == 200
