"""Whatever a request says by its path, query, headers and body, it is answered with a documented status."""

import json
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mesoslite.api import agent_app

from .fakes import FakeAgent, agent_snapshot, request

DOCUMENTED = {200, 202, 307, 400, 403, 404, 405, 406, 409, 413, 415, 501, 503}
MASTER = [
    "/health", "/version", "/flags", "/redirect", "/state", "/teardown", "/quota", "/quota/ads", "/weights",
    "/maintenance/schedule", "/maintenance/status", "/machine/down", "/machine/up", "/api/v1", "/api/v1/scheduler",
    "/mesoslite/allocator/explain", "/mesoslite/why",
]  # fmt: skip
AGENT = ["/health", "/version", "/flags", "/state", "/files/browse", "/files/read", "/files/download", "/api/v1"]
NAMES = ["jsonp", "path", "offset", "length", "framework", "agent", "task", "frameworkId", "role", "timeout"]
sometimes = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])

# Characters that mean something to one of the parsers, and any others.
texts = st.text(st.sampled_from("aZ0-1.%&=+;/*[]{}\"'\\ \x00\r\né\ud800") | st.characters(), max_size=12)
encoded = texts.map(lambda text: quote(text, errors="surrogatepass"))
parameters = st.lists(st.tuples(st.sampled_from(NAMES), encoded), max_size=3).map(
    lambda pairs: "&".join([f"{name}={value}" for name, value in pairs])
)
queries = parameters | st.text(st.characters(max_codepoint=127), max_size=20)
values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
headers = st.fixed_dictionaries(
    {},
    optional={
        "accept": values | st.sampled_from(["*/*;q=0", "application/json;q=x", "text/html, */*"]),
        "accept_encoding": values | st.sampled_from(["gzip", "gzip;q=0", "*;q=nan"]),
        "content_type": values | st.sampled_from(["application/json", "application/x-www-form-urlencoded"]),
        "content_length": values,
        "range": values | st.sampled_from(["bytes=0-1", "bytes=-5", "bytes=9-1", "bytes=a-"]),
        "mesos_stream_id": values,
        "origin": values,
        "host": values,
        "if_none_match": values,
    },
)
bodies = st.binary(max_size=40) | parameters.map(str.encode) | texts.map(lambda text: json.dumps(text).encode())


@pytest.fixture
def agent(runtime, tmp_path):
    sandbox = tmp_path / "slaves/m-S0/frameworks/f/executors/t/runs/c"
    sandbox.mkdir(parents=True)
    (sandbox / "stdout").write_bytes(b"hello\n")
    return agent_app(runtime.spawn(FakeAgent(agent_snapshot())), tmp_path)


@sometimes
@given(
    st.sampled_from(MASTER),
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]),
    queries,
    headers,
    bodies,
)
def test_a_master_answers_any_request(live, path, method, query, headers, body):
    answer = live.ask(method, path, body, query, **headers)

    assert answer.status in DOCUMENTED
    assert live.call("GET_HEALTH") == (200, {"healthy": True})


@sometimes
@given(st.sampled_from(AGENT), st.sampled_from(["GET", "HEAD", "POST"]), queries, headers, bodies)
def test_an_agent_answers_any_request(agent, path, method, query, headers, body):
    assert request(agent, method, path, body, query, **headers).status in DOCUMENTED


@sometimes
@given(texts.map(lambda text: f"/{text.encode('utf-8', 'replace').decode()}"), st.sampled_from(["GET", "POST"]))
def test_any_path_is_answered(live, path, method):
    assert live.ask(method, path).status in DOCUMENTED


# Goal: the name of a function cannot carry a script. Method: what is answered begins with it and nothing else.
@sometimes
@given(texts)
def test_a_callback_is_a_name_or_refused(live, name):
    answer = live.ask("GET", "/version", query=f"jsonp={quote(name, errors='surrogatepass')}")

    assert answer.status in (200, 400)
    if answer.status == 200:
        assert answer.body.startswith(name.encode() + b"({")
        assert all(letter.isascii() and (letter.isalnum() or letter in "_$.[]") for letter in name)


@sometimes
@given(st.integers(-(10**30), 10**30) | texts, st.integers(-(10**30), 10**30) | texts)
def test_any_part_of_a_file_is_read_or_refused(agent, offset, length):
    path = quote("/frameworks/f/executors/t/runs/c/stdout")
    query = "&".join(
        [f"path={path}", *(f"{name}={quote(str(value), errors='surrogatepass')}"
                           for name, value in (("offset", offset), ("length", length)))]
    )  # fmt: skip

    answer = request(agent, "GET", "/files/read", query=query)

    assert answer.status in (200, 400)
    if answer.status == 200:
        assert json.loads(answer.body)["data"] in b"hello\n".decode()
