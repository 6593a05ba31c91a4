"""Standalone containers by the agent's v1 API: what is answered, to whom, and what is told of them."""

# Names in brackets are those of the tests of Mesos that assert the same.

import json

import pytest

from mesoslite.api import Authentication
from mesoslite.model import parse_acls

from .contained import Contained
from .fakes import request
from .test_nested_calls import detail

CPUS = {"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}}
VOLUME = {
    "name": "disk",
    "type": "SCALAR",
    "scalar": {"value": 1},
    "role": "r",
    "disk": {"persistence": {"id": "v"}, "volume": {"mode": "RW", "container_path": "v"}},
}
OP, EVE = ({"authorization": f"Basic {text}"} for text in ("b3A6cw==", "ZXZlOnM="))


@pytest.fixture
def agent(runtime, tmp_path):
    return Contained(runtime, tmp_path)


def call(agent, kind, *names, headers=None, **fields):
    container_id = {"value": names[0]}
    for name in names[1:]:
        container_id = {"value": name, "parent": container_id}
    body = {"type": kind, kind.lower(): {"container_id": container_id, **fields}}
    sent = {"content_type": "application/json", **(headers or {})}
    return request(agent.app, "POST", "/api/v1", json.dumps(body).encode(), stays=True, **sent)


def launch(agent, *names, kind="LAUNCH_CONTAINER", **fields):
    return call(agent, kind, *names, **{"command": {"value": "true"}, **fields}).status


def containers(agent, headers=None, **asked):
    agent.house.advance(1)
    body = json.dumps({"type": "GET_CONTAINERS", "get_containers": asked}).encode()
    answer = request(agent.app, "POST", "/api/v1", body, content_type="application/json", stays=True, **(headers or {}))
    return detail(answer)["get_containers"].get("containers", [])


# [AgentAPITest.LaunchContainer, StandaloneContainer]
def test_a_container_without_a_parent_is_launched_waited_for_killed_and_removed(agent):
    statuses = [launch(agent, "web", resources=[CPUS], limits={"cpus": {"value": 2}}), launch(agent, "web")]
    box = agent.house.boxes.made[-1]
    statuses += [call(agent, "KILL_CONTAINER", "web", signal=15).status, call(agent, "REMOVE_CONTAINER", "web").status]
    agent.house.exit(box, 3)
    ended = detail(call(agent, "WAIT_CONTAINER", "web"))
    statuses += [launch(agent, "web"), call(agent, "REMOVE_CONTAINER", "web").status]

    assert statuses == [200, 202, 200, 409, 409, 200]
    assert (box.config.resources.milli("cpus"), box.config.limits) == (1000, (("cpus", 2.0),))
    assert ended == {"type": "WAIT_CONTAINER", "wait_container": {"exit_status": 3 << 8}}
    gone = [call(agent, f"{kind}_CONTAINER", "web").status for kind in ("WAIT", "KILL", "REMOVE")]
    assert gone == [404, 404, 404]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"resources": [VOLUME]}, "launch_container.resources: wants"),
        ({"resources": [CPUS], "limits": {"cpus": {"value": 0.5}}}, "limits are not below"),
        ({"limits": {"gpus": {"value": 1}}}, "only cpus and mem"),
        ({"resources": [{"name": "cpus", "type": "SCALAR"}]}, "launch_container.resources[0]"),
        ({"command": {}}, "launch_container.command: has no command"),
        ({"container_id": {"value": "../x"}}, "launch_container.container_id.value"),
        ({"container_id": {"value": "a.b"}}, "launch_container.container_id.value"),
        ({"container_id": {"value": "x" * 250}}, "longer than"),
    ],
)
def test_what_cannot_be_is_refused_with_its_path(agent, fields, text):
    answer = call(agent, "LAUNCH_CONTAINER", "web", **{"command": {"value": "true"}, **fields})

    assert (answer.status, text in answer.body.decode()) == (400, True), answer.body


# Goal: the older names are about containers in others alone, as in Mesos.
@pytest.mark.parametrize("kind", ["LAUNCH", "WAIT", "KILL", "REMOVE"])
def test_the_older_calls_need_a_parent(agent, kind):
    launch(agent, "web")

    answer = call(agent, f"{kind}_NESTED_CONTAINER", "web", command={"value": "true"})

    assert (answer.status, b"parent: is missing" in answer.body) == (400, True)


# [AgentAPITest.GetContainers: show_standalone]
def test_it_is_told_of_to_those_who_ask(agent):
    launch(agent, "web", resources=[CPUS])
    box = agent.house.boxes.made[-1]
    launch(agent, "web", "x", kind="LAUNCH_NESTED_CONTAINER")
    web, inner = {"value": "web"}, {"value": "x", "parent": {"value": "web"}}
    root = agent.id()

    assert [one["container_id"] for one in containers(agent)] == [root]
    assert [one["container_id"] for one in containers(agent, show_standalone=True)] == [web, root]
    both = containers(agent, show_standalone=True, show_nested=True)
    assert [one["container_id"] for one in both] == [web, inner, root]
    assert [one["container_id"] for one in containers(agent, show_nested=True)] == [inner, root]
    assert both[0] == {"container_id": web, "container_status": {"container_id": web, "executor_pid": box.pid}}
    agent.house.advance(1)
    shown = detail(request(agent.app, "GET", "/containers", stays=True))
    assert [one["container_id"] for one in shown] == [agent.root]


def test_its_sandbox_is_read_by_its_path(agent):
    launch(agent, "web")
    box = agent.house.boxes.made[-1]
    (box.sandbox / "stdout").write_text("hello")

    answer = request(agent.app, "GET", "/files/read", query=f"path={box.sandbox}/stdout&offset=0", stays=True)
    beside = request(agent.app, "GET", "/files/browse", query=f"path={box.sandbox.parent}", stays=True)

    assert (detail(answer)["data"], beside.status) == ("hello", 404)


# ---- who may ----

ACLS = """{"permissive": false,
 "launch_standalone_containers": [{"principals": {"values": ["op"]}, "users": {"values": ["ann"]}}],
 "wait_standalone_containers": [{"principals": {"values": ["op"]}, "users": {"type": "ANY"}}],
 "kill_standalone_containers": [{"principals": {"values": ["op"]}, "users": {"type": "ANY"}}],
 "launch_nested_containers_under_parent_with_user": [{"principals": {"values": ["op"]}, "users": {"type": "ANY"}}],
 "launch_nested_containers_as_user": [{"principals": {"values": ["op"]}, "users": {"type": "ANY"}}],
 "view_containers": [{"principals": {"type": "ANY"}, "users": {"type": "ANY"}}],
 "view_standalone_containers": [{"principals": {"values": ["op"]}, "users": {"type": "ANY"}}]}"""


@pytest.fixture
def guarded(runtime, tmp_path):
    authentication = Authentication({"op": "s", "eve": "s"}, readwrite=True, acls=parse_acls(ACLS))
    return Contained(runtime, tmp_path, authentication=authentication)


# [AgentAPITest.LaunchContainer with ACLs: AuthorizationTest.LaunchStandaloneContainer]
def test_acls_say_who_may_do_what_with_those_of_which_user(guarded):
    ann = {"command": {"value": "true", "user": "ann"}}

    assert [launch(guarded, "web", headers=who, **ann) for who in (EVE, OP)] == [403, 200]
    assert launch(guarded, "other", headers=OP) == 403  # as the agent's own user
    assert launch(guarded, "web", "x", headers=OP) == 200
    for kind, status in (("WAIT", 404), ("KILL", 404), ("REMOVE", 403)):
        found = [call(guarded, f"{kind}_CONTAINER", "nobody", headers=who).status for who in (EVE, OP)]
        assert found == [403, status]
    assert call(guarded, "KILL_CONTAINER", "web", headers=OP).status == 200
    asked = {"show_standalone": True, "show_nested": True}
    assert [len(containers(guarded, who, **asked)) for who in (EVE, OP)] == [1, 3]


# Goal: leave to kill standalone containers is none to kill those of tasks.
def test_containers_of_executors_are_guarded_as_what_is_in_them(guarded):
    assert call(guarded, "KILL_CONTAINER", guarded.root, headers=OP).status == 403
    assert guarded.box.signals == []
