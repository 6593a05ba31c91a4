"""Nested containers by the agent's v1 API: what is answered, to whom, and for which ids."""

# Names in brackets are those of the tests of Mesos that assert the same.

import json

import pytest

from mesoslite.api import Authentication, ExecutorTokens
from mesoslite.model import ContainerID, ExecutorID, Reason, Termination, parse_acls
from mesoslite.model.executor_calls import ExecutorClaims

from .contained import RECORDIO, Contained, record
from .fakes import FRAMEWORK, request

KINDS = ["NESTED_CONTAINER", "CONTAINER"]
TOKENS = ExecutorTokens(b"k" * 32)
DEEP = {"value": "x"}
for _ in range(40):
    DEEP = {"value": "x", "parent": DEEP}


@pytest.fixture
def agent(runtime, tmp_path):
    return Contained(runtime, tmp_path)


def detail(answer):
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


# [AgentAPITest.NestedContainerLaunch, LaunchContainer]
@pytest.mark.parametrize("kind", KINDS)
def test_a_container_is_launched_waited_for_killed_and_removed(agent, kind):
    status, box = agent.launch("x", kind=f"LAUNCH_{kind}")
    again, _ = agent.launch("x", kind=f"LAUNCH_{kind}")
    killed = [agent.call(f"KILL_{kind}", "x", signal=15).status, agent.call(f"KILL_{kind}", "x").status]
    early = agent.call(f"REMOVE_{kind}", "x").status
    agent.house.exit(box, -9)
    ended = detail(agent.call(f"WAIT_{kind}", "x"))
    removed = agent.call(f"REMOVE_{kind}", "x").status

    assert (status, again, killed, early, removed) == (200, 202, [200, 200], 409, 200)
    assert box.signals == ["signal 15", "kill"]
    assert ended == {"type": f"WAIT_{kind}", f"wait_{kind.lower()}": {"exit_status": 9}}
    assert [agent.call(f"{call}_{kind}", "x").status for call in ("WAIT", "KILL")] == [404, 404]


def test_how_a_container_has_ended_is_told_as_by_mesos(agent):
    _, first = agent.launch("x")
    _, second = agent.launch("y")
    agent.house.exit(first, 3)
    second.notices.ended(Termination(-9, Reason.REASON_CONTAINER_LIMITATION_MEMORY, "too much"))
    agent.house.settle()

    assert detail(agent.call("WAIT_NESTED_CONTAINER", "x"))["wait_nested_container"] == {"exit_status": 3 << 8}
    assert detail(agent.call("WAIT_NESTED_CONTAINER", "y"))["wait_nested_container"] == {
        "exit_status": 9,
        "state": "TASK_FAILED",
        "reason": "REASON_CONTAINER_LIMITATION_MEMORY",
        "message": "too much",
    }


def test_a_client_that_waits_and_leaves_keeps_nobody(agent):
    _, box = agent.launch("x")

    answer = agent.call("WAIT_NESTED_CONTAINER", "x", stays=False)

    assert (answer.status, box.termination) == (0, None)


# [ValidationTest.LaunchNestedContainer, ContainerID]
@pytest.mark.parametrize(
    ("container_id", "text"),
    [
        (None, "launch_nested_container.container_id: is missing"),
        ({"value": "x"}, "launch_nested_container.container_id.parent: is missing"),
        ({"value": "a.b", "parent": {"value": "p"}}, "container_id.value: got 'a.b'"),
        ({"value": "x", "parent": {"value": "p q"}}, "container_id.parent.value: got 'p q'"),
        ({"value": "../x", "parent": {"value": "p"}}, "container_id.value: container id"),
        ({"value": "", "parent": {"value": "p"}}, "container_id.value: container id"),
        (DEEP, "container_id.parent: is nested more than 32 deep"),
        ({"value": "x", "parent": {"value": "nobody"}}, "Parent container nobody does not run"),
    ],
)
def test_an_id_that_cannot_be_is_refused_with_its_path(agent, container_id, text):
    call = {"type": "LAUNCH_NESTED_CONTAINER", "launch_nested_container": {"command": {"value": "true"}}}
    call["launch_nested_container"]["container_id"] = container_id
    answer = request(agent.app, "POST", "/api/v1", json.dumps(call).encode(), content_type="application/json")

    assert (answer.status, text in answer.body.decode()) == (400, True), answer.body


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"command": {}}, "launch_nested_container.command: has no command"),
        (
            {"command": {"value": "x", "uris": [{"value": ""}]}},
            "launch_nested_container.command: has a URI that is empty",
        ),
        ({"container": {"type": 1}}, "launch_nested_container.container"),
    ],
)
def test_what_cannot_be_launched_is_refused_with_its_path(agent, fields, text):
    answer = agent.call("LAUNCH_NESTED_CONTAINER", "x", **{"command": {"value": "true"}, **fields})

    assert (answer.status, text in answer.body.decode()) == (400, True), answer.body
    assert len(agent.house.boxes.made) == 1


@pytest.mark.parametrize("signal", [0, -1, 65, 10**30])
def test_a_signal_has_to_be_one(agent, signal):
    agent.launch("x")

    assert agent.call("KILL_NESTED_CONTAINER", "x", signal=signal).status == 400


def test_nested_containers_are_told_of_below_those_around_them(agent):
    agent.launch("x")
    agent.launch("x", "y")

    def told(**asked):
        body = json.dumps({"type": "GET_CONTAINERS", "get_containers": asked}).encode()
        agent.house.advance(1)
        answer = request(agent.app, "POST", "/api/v1", body, content_type="application/json", stays=True)
        return detail(answer)["get_containers"]["containers"]

    assert [one["container_id"] for one in told()] == [agent.id()]
    shown = told(show_nested=True)
    assert [one["container_id"] for one in shown] == [agent.id(), agent.id("x"), agent.id("x", "y")]
    assert {one["executor_id"]["value"] for one in shown} == {"e"}
    assert shown[1]["container_status"] == {
        "container_id": agent.id("x"),
        "executor_pid": agent.house.boxes.made[1].pid,
    }


# [ContentType.RecordIO: AgentAPIStreamingTest.AttachInputToNestedContainerSession and its like]
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content_type": "application/json", "message_content_type": "application/json"}, 415),
        ({"content_type": "application/recordio"}, 400),
        ({"content_type": "application/recordio", "message_content_type": "application/x-protobuf"}, 415),
        ({"content_type": "application/x-protobuf"}, 415),
        ({"content_type": "application/json", "accept": "application/recordio"}, 406),
        ({**RECORDIO, "accept": "application/recordio"}, 406),
        (RECORDIO, 415),
    ],
)
def test_streams_are_for_calls_that_are(agent, headers, status):
    call = {"type": "KILL_NESTED_CONTAINER", "kill_nested_container": {"container_id": agent.id("x")}}
    body = record(call) if headers["content_type"] == "application/recordio" else json.dumps(call).encode()

    assert request(agent.app, "POST", "/api/v1", body, **headers).status == status


# ---- who may ----

ACLS = """{"permissive": false,
 "launch_nested_containers_as_user": [{"principals": {"values": ["op"]}, "users": {"values": ["bob"]}}],
 "launch_nested_containers_under_parent_with_user": [{"principals": {"values": ["op"]}, "users": {"values": ["ann"]}}],
 "wait_nested_containers": [{"principals": {"values": ["op"]}, "users": {"values": ["carol"]}}],
 "kill_nested_containers": [{"principals": {"values": ["op"]}, "users": {"values": ["ann"]}}]}"""


def test_acls_say_below_whose_containers_one_may_do_what(runtime, tmp_path):
    authentication = Authentication({"op": "s", "eve": "s"}, readwrite=True, acls=parse_acls(ACLS))
    agent = Contained(runtime, tmp_path, authentication=authentication)
    op, eve = ({"authorization": f"Basic {text}"} for text in ("b3A6cw==", "ZXZlOnM="))

    def status(kind, headers, **fields):
        return agent.call(f"{kind}_NESTED_CONTAINER", "x", headers=headers, **fields).status

    bob, root = ({"command": {"value": "true", "user": user}} for user in ("bob", "root"))
    assert [status("LAUNCH", eve, **bob), status("LAUNCH", op, **root), status("LAUNCH", op, **bob)] == [403, 403, 200]
    assert [status("KILL", eve), status("KILL", op), status("WAIT", op), status("REMOVE", op)] == [403, 200, 403, 403]
    assert status("KILL", {}) == 401


# [AgentAPITest.DefaultExecutor with authentication: ExecutorAuthorizationTest]
def test_an_executor_acts_on_what_is_in_its_own_container(runtime, tmp_path):
    acls = parse_acls('{"permissive": false}')
    authentication = Authentication(executors=True, executor_tokens=TOKENS, acls=acls)
    agent = Contained(runtime, tmp_path, authentication=authentication)

    def bearer(container_id):
        token = TOKENS.issue(ExecutorClaims(FRAMEWORK, ExecutorID("e"), ContainerID(container_id)))
        return {"authorization": f"Bearer {token}"}

    def launch(headers):
        return agent.call("LAUNCH_NESTED_CONTAINER", "x", headers=headers, command={"value": "true"}).status

    own = bearer(agent.root)
    assert [launch(bearer("another")), launch({"authorization": "Bearer nonsense"}), launch({})] == [403, 401, 403]
    assert launch(own) == 200
    assert agent.call("KILL_NESTED_CONTAINER", "x", headers=own).status == 200
    assert (
        agent.stream(
            {
                "type": "ATTACH_CONTAINER_INPUT",
                "attach_container_input": {"type": "CONTAINER_ID", "container_id": agent.id("x")},
            },
            headers={**RECORDIO, **own},
        ).status
        == 403
    )
    state = request(agent.app, "POST", "/api/v1", b'{"type": "GET_STATE"}', content_type="application/json", **own)
    assert state.status == 403


def test_a_nested_sandbox_is_read_by_the_paths_of_mesos(agent):
    _, box = agent.launch("x")
    (box.sandbox / "stdout").write_text("hello")
    real = f"{agent.box.sandbox}/containers/x/stdout"
    virtual = f"/frameworks/{FRAMEWORK}/executors/e/runs/latest/containers/x/stdout"

    for path in (real, virtual):
        answer = request(agent.app, "GET", "/files/read", query=f"path={path}&offset=0", stays=True)
        assert detail(answer)["data"] == "hello"
