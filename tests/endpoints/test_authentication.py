"""Authentication: which realm asks for a name and its password, before what else, and whose a framework is."""

import base64
import json

import pytest
import typer

from mesoslite.api import Authentication, agent_app, master_app, parse_credentials
from mesoslite.cli.authentication_options import authentication
from mesoslite.framework import submit
from mesoslite.framework.http import HttpConnection, split_credential
from mesoslite.model import InvalidRequest, MasterStanding

from .fakes import BOUND, FRAMEWORK, FakeAgent, FakeMaster, agent_snapshot, request
from .scripted import Diary
from .streams import Client

PEOPLE = {"ann": "a secret", "bob": "another"}
ALL = Authentication(PEOPLE, readonly=True, readwrite=True, frameworks=True)
SCHEDULER = "/api/v1/scheduler"
MASTER_REALMS = {
    "/health": None,
    "/master/health": None,
    "/version": None,
    "/redirect": None,
    "/state": "readonly",
    "/master/state/": "readonly",
    "/flags": "readonly",
    "/files/browse": "readonly",
    "/metrics/snapshot": "readonly",
    "/mesoslite/why": "readonly",
    "/maintenance/status": "readonly",
    "/maintenance/schedule": "readwrite",
    "/quota/web": "readwrite",
    "/weights": "readwrite",
    "/teardown": "readwrite",
    "/machine/down": "readwrite",
    "/logging/toggle": "readwrite",
    "/api/v1": "readwrite",
    "/api/v1/operator": "readwrite",
    SCHEDULER: "scheduler",
}
AGENT_REALMS = {
    "/health": None,
    "/slave(1)/state": "readonly",
    "/files/read": "readonly",
    "/api/v1": "readwrite",
    "/api/v1/executor": None,
}


def basic(name, password):
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


ANN = basic("ann", PEOPLE["ann"])


@pytest.fixture
def actor():
    return FakeMaster()


@pytest.fixture
def master(runtime, actor):
    return runtime.spawn(actor)


@pytest.fixture
def app(runtime, master):
    return master_app(master, runtime=runtime, authentication=ALL)


def challenge(app, path, **headers):
    """The realm that an answer asks for; None if it does not. The method is one that nothing has."""
    answer = request(app, "BREW", path, **headers)
    assert (answer.status == 401) == ("www-authenticate" in answer.headers)
    return answer.headers.get("www-authenticate", "").partition('realm="')[2].partition('"')[0] or None


def test_each_path_of_the_master_is_of_mesoss_realm(app):
    found = {path: challenge(app, path) for path in MASTER_REALMS}

    assert found == {path: realm and f"mesos-master-{realm}" for path, realm in MASTER_REALMS.items()}
    assert {challenge(app, path, authorization=ANN) for path in MASTER_REALMS} == {None}


def test_each_path_of_an_agent_too(runtime, tmp_path):
    app = agent_app(runtime.spawn(FakeAgent(agent_snapshot())), tmp_path, runtime=runtime, authentication=ALL)

    found = {path: challenge(app, path) for path in AGENT_REALMS}

    assert found == {path: realm and f"mesos-agent-{realm}" for path, realm in AGENT_REALMS.items()}


@pytest.mark.parametrize("on", ["readonly", "readwrite", "frameworks"])
def test_each_realm_asks_only_if_it_is_to(runtime, master, on):
    app = master_app(master, runtime=runtime, authentication=Authentication(PEOPLE, **{on: True}))
    realm = "scheduler" if on == "frameworks" else on

    asked = [path for path in MASTER_REALMS if challenge(app, path) is not None]

    assert asked == [path for path, each in MASTER_REALMS.items() if each == realm]


@pytest.mark.parametrize(
    "authorization",
    [
        basic("ann", "another"),
        basic("eve", ""),
        basic("", ""),
        "Basic !",
        "Bearer x",
        "Basic",
        basic("ann", "") + "\xff",
    ],
)
def test_who_does_not_prove_who_it_is_is_not_let_in(app, authorization):
    answer = request(app, "GET", "/state", authorization=authorization)

    assert (answer.status, answer.body) == (
        401,
        b"This needs a name and its password, as in http://NAME:PASSWORD@HOST:PORT.",
    )
    assert answer.headers["www-authenticate"].startswith('Basic realm="mesos-master-readonly"')


# Source: Mesos's order of checks: before the method, the leader and the body.
def test_who_it_is_is_asked_before_anything_else(runtime):
    app = master_app(runtime.spawn(FakeMaster(standing=MasterStanding(leads=False))), authentication=ALL)

    assert request(app, "GET", SCHEDULER).status == 401
    assert request(app, "GET", SCHEDULER, authorization=ANN).status == 503


class Noting(FakeMaster):
    def apply_operation(self, agent_id, operation, principal=None):
        self.heard.put(principal)


def test_an_operation_of_an_operator_is_of_who_was_authenticated(runtime):
    actor = Noting()
    app = master_app(runtime.spawn(actor), authentication=ALL)
    cpus = {"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}}
    body = {"agent_id": {"value": "a"}, "resources": [cpus]}
    call = json.dumps({"type": "UNRESERVE_RESOURCES", "unreserve_resources": body}).encode()
    form = f"slaveId=a&resources={json.dumps([cpus])}".encode()

    by_call = request(app, "POST", "/api/v1", call, content_type="application/json", authorization=ANN)
    by_form = request(app, "POST", "/unreserve", form, authorization=basic("bob", "another"))

    assert (by_call.status, by_form.status) == (202, 202)
    assert [actor.heard.get(timeout=BOUND) for _ in range(2)] == ["ann", "bob"]


# ---- frameworks ----


def subscribe(**info):
    framework = {"name": "f", "user": "u", **info}
    return json.dumps({"type": "SUBSCRIBE", "subscribe": {"framework_info": framework}}).encode()


def test_a_framework_that_says_it_is_somebody_else_is_400(app, actor):
    body = subscribe(principal="bob")

    answer = request(app, "POST", SCHEDULER, body=body, content_type="application/json", authorization=ANN)

    assert answer.status == 400
    assert b"Authenticated principal 'ann' does not match principal 'bob' set in `FrameworkInfo`" in answer.body
    assert actor.heard.empty()


@pytest.mark.real
@pytest.mark.parametrize("said", [{}, {"principal": "ann"}])
def test_a_framework_is_of_who_was_authenticated_and_nobody_else_may_call_for_it(server, app, actor, said):
    url = server.listen(app)
    with Client(url) as client:
        client.subscribe(subscribe(**said), Authorization=ANN)
        call, _ = actor.heard.get(timeout=BOUND)
        revive = json.dumps({"type": "REVIVE", "framework_id": {"value": FRAMEWORK}}).encode()
        headers = {"content_type": "application/json", "mesos_stream_id": client.headers["mesos-stream-id"]}

        theirs = request(app, "POST", SCHEDULER, revive, authorization=basic("bob", "another"), **headers)
        own = request(app, "POST", SCHEDULER, revive, authorization=ANN, **headers)

    assert call.framework.principal == "ann"
    assert (theirs.status, own.status) == (400, 202)
    assert b"'bob' does not match principal 'ann'" in theirs.body


@pytest.mark.real
def test_a_framework_of_ours_says_who_it_is_to_each_master_and_to_the_leader(runtime, server, app, actor):
    leader = server.listen(app)
    standby = server.listen(redirecting(leader))
    connection = HttpConnection(standby, credential=("ann", PEOPLE["ann"]))

    submit(runtime, Diary(), connection)

    assert actor.heard.get(timeout=BOUND)[0].framework.principal == "ann"


@pytest.mark.real
@pytest.mark.parametrize("user", ["", "eve:no@"])
def test_a_framework_that_is_not_let_in_is_told(runtime, server, app, user):
    url = server.listen(app).replace("//", f"//{user}")
    diary = Diary()

    submit(runtime, diary, HttpConnection(url))

    kind, text = diary.next()
    assert (kind, "answered 401" in text) == ("error", True)


def redirecting(leader):
    async def answer(scope, receive, send):
        location = leader + scope["path"]
        await send({"type": "http.response.start", "status": 307, "headers": [(b"location", location.encode())]})
        await send({"type": "http.response.body", "body": b""})

    return answer


@pytest.mark.parametrize(
    ("url", "parted"),
    [
        ("http://h:1", ("http://h:1", None)),
        ("ann:a%20secret@h:1", ("http://h:1", ("ann", "a secret"))),
        ("https://ann@h", ("https://h", ("ann", ""))),
    ],
)
def test_a_name_and_a_password_may_stand_in_a_url(url, parted):
    assert split_credential(url) == parted


# ---- credentials ----


@pytest.mark.parametrize(
    "text",
    [
        '{"credentials": [{"principal": "ann", "secret": "a"}, {"principal": "bob", "secret": "b"}]}',
        "ann a\n\n  bob\tb\n",
    ],
)
def test_credentials_are_lines_or_json(text):
    assert parse_credentials(text) == {"ann": "a", "bob": "b"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "are none"),
        ("ann a\nann b", "name somebody twice"),
        ("ann hush hush", "line 1 has 3 words"),
        ('{"credentials": [{"principal": "hush"}]}', "are not as expected"),
        ('{"credentials": "hush"}', "are not as expected"),
        ("{hush", "are not as expected"),
    ],
)
def test_credentials_that_cannot_be_read_are_not_repeated(text, problem):
    with pytest.raises(InvalidRequest, match=problem) as caught:
        parse_credentials(text)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "options", [{"readonly": True}, {"credentials": {"a:b": "c"}}, {"credentials": {"a": ""}}], ids=str
)
def test_what_nobody_could_answer_is_refused(options):
    with pytest.raises(InvalidRequest):
        Authentication(**options)


def test_the_command_line_reads_a_file(tmp_path, capsys):
    path = tmp_path / "credentials"
    path.write_text("ann a\n")
    realms = {"readonly": True, "readwrite": False, "frameworks": True}

    assert authentication("--credentials", str(path), **realms) == Authentication({"ann": "a"}, **realms)

    for wrong, text in [
        (None, "--credentials is missing"),
        ("/no/such", "/no/such: No such file"),
        (str(tmp_path), "Is a"),
    ]:
        with pytest.raises(typer.Exit):
            authentication("--credentials", wrong, **realms)
        assert text in capsys.readouterr().err
    path.write_bytes(b"\xff")
    with pytest.raises(typer.Exit):
        authentication("--credentials", str(path), **realms)
    path.write_text("ann\n")
    with pytest.raises(typer.Exit):
        authentication("--credentials", str(path), **realms)
    assert "line 1 has 1 words" in capsys.readouterr().err
