"""Executors prove who they are by the token that they were started with, where an agent asks for it."""

import json
import queue

import jwt
import pytest
import typer

import libactor as la
import mesoslite
from libactor.http import HttpServer
from mesoslite.api import Authentication, ExecutorTokens, agent_app
from mesoslite.cli.authentication_options import authentication
from mesoslite.cluster.token_containerizer import TokenContainerizer
from mesoslite.framework import ExecutorSettings, executor_settings
from mesoslite.model import CommandInfo, Conflict, ContainerConfig, ContainerID, ExecutorID, InvalidRequest
from mesoslite.model.executor_calls import ExecutorClaims
from mesoslite.model.executor_events import FrameworkMessage

from .fakes import BOUND, FRAMEWORK, FakeAgent, agent_snapshot, request

PATH = "/api/v1/executor"
KEY = b"k" * 32
TOKENS = ExecutorTokens(KEY)
CLAIMS = ExecutorClaims(FRAMEWORK, ExecutorID("e"), ContainerID("c"))
TOKEN = TOKENS.issue(CLAIMS)
ALIVE = {"type": "HEARTBEAT", "framework_id": {"value": FRAMEWORK}, "executor_id": {"value": "e"}}
MESSAGE = {**ALIVE, "type": "MESSAGE", "message": {"data": "AP8="}}


class Agent(FakeAgent):
    """Puts the claims of who calls into ``heard``, and knows nobody but CLAIMS."""

    def __init__(self):
        super().__init__(agent_snapshot())
        self.heard = queue.SimpleQueue()

    def subscribe_executor(self, call, channel, claims=None):
        self.executor_call(call, claims)
        la.post(channel, FrameworkMessage(b"hello"))

    def executor_call(self, call, claims=None):
        self.heard.put(claims)
        if claims not in (None, CLAIMS):
            raise Conflict("The token is that of another executor")


@pytest.fixture
def runtime():
    with la.Runtime() as runtime:
        yield runtime


@pytest.fixture
def agent():
    return Agent()


@pytest.fixture
def app(runtime, agent, tmp_path):
    authentication = Authentication(executors=True, executor_tokens=TOKENS)
    return agent_app(runtime.spawn(agent), tmp_path, runtime=runtime, authentication=authentication)


def call(app, document, token, method="POST"):
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return request(app, method, PATH, json.dumps(document).encode(), content_type="application/json", **headers)


def test_the_agent_hears_whose_token_it_is(app, agent):
    another = ExecutorClaims(FRAMEWORK, ExecutorID("e"), ContainerID("c0"))

    statuses = [call(app, MESSAGE, token).status for token in (TOKEN, TOKENS.issue(another))]

    assert statuses == [202, 403]
    assert [agent.heard.get(timeout=BOUND) for _ in range(2)] == [CLAIMS, another]


@pytest.mark.parametrize(
    "token",
    [
        "",
        "nonsense",
        jwt.encode({"fid": FRAMEWORK, "eid": "e", "cid": "c"}, b"l" * 32, "HS256"),
        jwt.encode({"fid": FRAMEWORK, "eid": "e", "cid": "c"}, "", "none"),
        ExecutorTokens(KEY + b"\n").issue(CLAIMS),
    ],
)
def test_a_token_that_was_not_signed_by_the_agent_is_none(app, agent, token):
    answers = [call(app, document, token) for document in (MESSAGE, ALIVE, "nonsense")]
    answers.append(call(app, MESSAGE, token, method="GET"))

    assert [answer.status for answer in answers] == [401] * 4  # before anything else of the request is looked at
    assert answers[0].headers["www-authenticate"].startswith('Bearer realm="mesos-agent-executor"')
    assert agent.heard.empty()


def test_a_token_without_the_claims_is_of_no_executor(app):
    assert call(app, MESSAGE, jwt.encode({"sub": "ann"}, KEY, "HS256")).status == 403


def test_a_token_does_not_matter_where_it_is_not_asked_for(runtime, agent, tmp_path):
    app = agent_app(runtime.spawn(agent), tmp_path, authentication=Authentication(executor_tokens=TOKENS))

    assert [call(app, MESSAGE, token).status for token in ("", "nonsense", TOKEN)] == [202] * 3
    assert request(app, "GET", "/state").status == 200


@pytest.mark.real
def test_an_executor_of_ours_says_who_it_is(runtime, agent, app):
    class Caller(mesoslite.Executor):
        def on_message(self, data):
            self.send(data)

    with HttpServer() as server:
        executor = Caller()
        executor.settings = ExecutorSettings(
            url=server.listen(app), framework_id=FRAMEWORK, executor_id=ExecutorID("e"), token=TOKEN
        )
        pid = runtime.spawn(executor)
        heard = [agent.heard.get(timeout=BOUND) for _ in range(2)]
        la.terminate(pid)
        la.wait(pid, BOUND)

    assert heard == [CLAIMS, CLAIMS]


# ---- where they come from ----


class Boxes:
    """A containerizer that writes down what it is asked."""

    def __init__(self):
        self.asked = []

    def __getattr__(self, name):
        return lambda *arguments: self.asked.append((name, *arguments))


def test_executors_are_started_with_their_token_and_tasks_without():
    boxes = Boxes()
    containerizer = TokenContainerizer(boxes, TOKENS)
    variables = {"MESOS_FRAMEWORK_ID": FRAMEWORK, "MESOS_EXECUTOR_ID": "e", "MESOS_AGENT_ENDPOINT": "h:1"}

    def launch(**more):
        environment = tuple({**variables, **more}.items())
        config = ContainerConfig(
            container_id=ContainerID("c"),
            user="",
            command=CommandInfo(value="true"),
            sandbox="/s",
            environment=environment,
        )
        containerizer.launch(config, None)
        return dict(boxes.asked.pop()[1].environment)

    token = executor_settings(launch()).token
    assert jwt.decode(token, KEY, ["HS256"]) == {"fid": FRAMEWORK, "eid": "e", "cid": "c"}
    assert "MESOS_EXECUTOR_AUTHENTICATION_TOKEN" not in launch(MESOS_TASK_ID="t")


def test_all_else_is_passed_on():
    boxes = Boxes()
    containerizer = TokenContainerizer(boxes, TOKENS)

    containerizer.recover((), None)
    containerizer.update(None)
    containerizer.remove(ContainerID("c.d"))
    containerizer.attach(ContainerID("c"))
    containerizer.detach()
    containerizer.close()

    handed_on = [("recover", (), None), ("update", None), ("remove", "c.d"), ("attach", "c")]
    assert boxes.asked == [*handed_on, ("detach",), ("close",)]


def test_a_key_is_needed_and_long_enough(tmp_path, capsys):
    with pytest.raises(InvalidRequest, match="no key to sign"):
        Authentication(executors=True)
    with pytest.raises(InvalidRequest, match="at least 32"):
        ExecutorTokens(b"short")

    def begin(key):
        realms = {"readonly": False, "readwrite": False, "executors": True}
        return authentication("--http-credentials", None, key=key, **realms)

    path = tmp_path / "key"
    for wrong, content, text in [
        (None, b"", "--jwt-secret-key is missing"),
        ("/no/such", b"", "/no/such: No such file"),
        (str(path), b"short", "got a secret of 5 bytes"),
    ]:
        path.write_bytes(content)
        with pytest.raises(typer.Exit):
            begin(wrong)
        assert text in capsys.readouterr().err
    path.write_bytes(KEY)
    given = begin(str(path))
    assert given.executors
    assert given.executor_tokens.issue(CLAIMS) == TOKEN
