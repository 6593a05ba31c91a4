"""Large bodies: read a part at a time, alike to small ones, bounded, and refused with the path of what is wrong."""

import gzip
import json
import threading
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesoslite.api import exchange, large_documents, master_app
from mesoslite.api.bodies import SMALL_BYTES, Bodies
from mesoslite.api.large_documents import OBJECT_BYTES_MAX, PART_BYTES, open_document
from mesoslite.api.routes import application, methods
from mesoslite.model import InvalidRequest, Reconcile
from mesoslite.model.fields import Fields
from mesoslite.model.large import LargeArray, LargeObject, whole
from mesoslite.model.v1 import decode_call

from .fakes import FRAMEWORK, FakeMaster, request

SCHEDULER = "/api/v1/scheduler"
CPUS = {"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(min_value=-(2**53), max_value=2**53) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=6), inner, max_size=6),
    max_leaves=40,
)


def task(number, **more):
    names = {"name": "t", "task_id": {"value": f"t{number}"}, "agent_id": {"value": "a"}}
    return {**names, "resources": [CPUS], "command": {"value": "true"}, **more}


def accept(*tasks):
    launch = {"type": "LAUNCH", "launch": {"task_infos": list(tasks)}}
    body = {"offer_ids": [{"value": "o"}], "operations": [launch]}
    return {"type": "ACCEPT", "framework_id": {"value": FRAMEWORK}, "accept": body}


def opened(document):
    return open_document(json.dumps(document).encode())


@pytest.fixture
def app(runtime):
    return master_app(runtime.spawn(FakeMaster()))


def post(app, body):
    return request(app, "POST", SCHEDULER, body=body, content_type="application/json")


@pytest.fixture
def tiny_parts(monkeypatch):
    monkeypatch.setattr(large_documents, "PART_BYTES", 24)


@given(VALUES)
def test_a_document_in_parts_says_what_it_says(document):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(large_documents, "PART_BYTES", 24)
        found = opened(document)

    assert whole(found) == document or isinstance(found, dict)
    assert {name: whole(value) for name, value in found.items()} == document if isinstance(found, dict) else True


@pytest.mark.parametrize(
    "call",
    [
        accept(*[task(number, labels={"labels": [{"key": "k", "value": "v"}]}) for number in range(5)]),
        accept(task(1, container={"type": "MESOS", "volumes": [{"container_path": "p" * 40, "mode": "RW"}]})),
        {"type": "DECLINE", "framework_id": {"value": "f"}, "decline": {"offer_ids": [{"value": "o" * 50}] * 3}},
        {"type": "SUPPRESS", "framework_id": {"value": "f"}, "suppress": {"roles": ["a" * 30, "b"]}},
        {
            "type": "RECONCILE",
            "framework_id": {"value": "f"},
            "reconcile": {"tasks": [{"task_id": {"value": str(number)}} for number in range(20)]},
        },
    ],
    ids=lambda call: call["type"],
)
def test_a_call_in_parts_is_read_as_one_that_is_whole(tiny_parts, call):
    document = opened(call)

    assert any(isinstance(value, LargeArray | LargeObject) for value in document.values())
    assert decode_call(document) == decode_call(call)


def test_entries_are_parsed_when_they_are_reached_and_again_when_they_are_gone_through_again(tiny_parts):
    document = opened({"tasks": [{"name": "n" * 30}, {"name": "m"}, 7]})

    tasks = Fields(document).messages("tasks")

    for _ in range(2):
        walk = iter(tasks)
        assert [next(walk).text("name"), next(walk).text("name")] == ["n" * 30, "m"]
        with pytest.raises(InvalidRequest, match=r"tasks\[2\]: got 7, expected an object"):
            next(walk)


def many(last, count=400):
    """A call of several parts with ``last`` at its end, as text."""
    text = json.dumps(accept(*[task(number) for number in range(count)], "LAST"))
    assert len(text) > 8 * PART_BYTES
    return text.replace('"LAST"', last).encode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (many('{"name": 7}'), "operations[0].launch.task_infos[400].task_id: is missing"),
        (many("7"), "operations[0].launch.task_infos[400]: got 7, expected an object"),
        (many("{]"), "task_infos["),
        (many('"\udcff"'), "task_infos["),
        (many("[" * 3_000 + "]" * 3_000), "task_infos["),
        (many("{}")[:-9], "does not end"),
        (many("{}") + b"]", "Failed to parse body into JSON: expected the end"),
        (b"[" * 100_000, "Failed to parse body into JSON: an array or an object does not end"),
        (b'{"accept":' + b"[" * 100_000, "Failed to parse body into JSON: an array or an object does not end"),
        (b"[" + b"[]," * 100_000 + b"[]]", "the document: got an array of 300004 bytes, expected an object"),
        (b'{"type": "ACCEPT", "accept": "' + b"a" * 100_000 + b'"}', "accept: got 'aaaa"),
        (b"7" * 100_000, "Failed to parse body into JSON"),
        (
            json.dumps(accept(task(0, container={"x": ["y" * 9] * 9_000}))).encode(),
            "task_infos[0].container: takes 117001 bytes, and 65536 at most are kept",
        ),
        (
            b'{"type": "ACCEPT", ' + b'"a": 1, ' * (OBJECT_BYTES_MAX // 7) + b'"b": 2}',
            "Failed to parse body into JSON: its small members take",
        ),
    ],
    ids=range(14),
)
def test_what_is_wrong_with_a_large_body_is_said_with_its_path(app, body, text):
    answer = post(app, body)

    assert answer.status == 400
    assert text in answer.body.decode()


def test_members_that_nobody_knows_are_never_made(monkeypatch):
    parsed = []
    parse = large_documents._parsed
    monkeypatch.setattr(large_documents, "_parsed", lambda text: parsed.append(len(text)) or parse(text))
    call = {"type": "RECONCILE", "framework_id": {"value": "f"}, "reconcile": {}, "x": [[]] * 100_000}

    assert isinstance(decode_call(opened(call)), Reconcile)
    assert sum(parsed) < PART_BYTES


@pytest.mark.parametrize("spaces", [1, 17, 3 * PART_BYTES])
def test_spaces_before_a_large_value_do_not_have_it_parsed_at_once(monkeypatch, spaces):
    parsed = []
    parse = large_documents._parsed
    monkeypatch.setattr(large_documents, "_parsed", lambda text: parsed.append(len(text)) or parse(text))
    room, entries = b" " * spaces, b"[%s]" % b",".join([b"[7]"] * 10_000)

    document = open_document(b'%s{"x":%s%s}' % (room, room, entries))

    assert list(document["x"]) == [[7]] * 10_000
    assert max(parsed) <= PART_BYTES + 2


@given(st.dictionaries(st.text(), st.text()), st.integers(min_value=4, max_value=9))
def test_a_form_in_parts_says_what_it_says(fields, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exchange, "PART_BYTES", size)

        assert exchange._form_fields(urlencode(fields).encode()) == fields


def test_a_large_field_of_a_form_is_read_a_part_at_a_time(monkeypatch):
    unquoted = []
    unquote = exchange.unquote_to_bytes
    monkeypatch.setattr(exchange, "unquote_to_bytes", lambda text: unquoted.append(len(text)) or unquote(text))

    assert exchange._form_fields(b"resources=" + b"%5B" * 10_000) == {"resources": "[" * 10_000}
    assert max(unquoted) <= PART_BYTES


def test_the_operators_lists_may_be_large_too(app):
    windows = json.dumps([{"hostname": "h", "ip": 7}] * 1_000).encode()

    answer = request(app, "POST", "/machine/down", body=windows)

    assert (answer.status, answer.body) == (400, b"machines[0].ip: got 7, expected a string")


# ---- what all bodies take together ----


def read_body(app, *pieces):
    return request(app, "POST", "/x", pieces=list(pieces))


def test_too_many_large_bodies_are_put_off_and_small_ones_are_not(monkeypatch):
    bodies = Bodies(bytes_max=100)
    held = []

    async def endpoint(exchange):
        size = await exchange.read_body(lambda body: (held.append(bodies._left), len(body))[1])
        return exchange.json(size)

    monkeypatch.setattr("mesoslite.api.routes.Bodies", lambda: bodies)
    app = application({"/x": methods(POST=endpoint)}, (), None)

    taken = read_body(app, b"a" * SMALL_BYTES, b"b" * 100)
    refused = read_body(app, b"a" * SMALL_BYTES, b"b" * 101)
    small = read_body(app, b"a" * SMALL_BYTES)

    assert (taken.status, taken.body) == (200, str(SMALL_BYTES + 100).encode())
    assert (refused.status, refused.headers["connection"]) == (503, "close")
    assert small.status == 200
    assert (held, bodies._left) == ([0, 100], 100)


def test_a_large_body_is_read_in_a_thread_and_a_small_one_is_not():
    threads = []

    async def endpoint(exchange):
        await exchange.read_body(lambda body: threads.append(threading.get_ident()))
        return exchange.json({})

    app = application({"/x": methods(POST=endpoint)}, (), None)
    read_body(app, b"a" * PART_BYTES)
    read_body(app, b"a" * (PART_BYTES + 1))

    assert threads[0] == threading.get_ident() != threads[1]


def zipped(app, body, encoding="gzip"):
    return request(app, "POST", "/x", body=body, content_encoding=encoding)


@pytest.fixture
def measuring_app():
    """Answers how long its body is, and whether it has read that in a thread."""

    async def endpoint(exchange):
        read = await exchange.read_body(lambda body: (len(body), threading.get_ident()))
        return exchange.json([read[0], read[1] != threading.get_ident()])

    return application({"/x": methods(POST=endpoint)}, (), None)


# Goal: who sends little waits for nobody, compressed or not. Method: what is read in a thread waits for its turn.
# Source: libprocess decoder.hpp (on_message_complete)
@pytest.mark.parametrize(("size", "in_thread"), [(2, False), (PART_BYTES, False), (PART_BYTES + 1, True)])
def test_a_compressed_body_is_read_in_a_thread_if_much_is_in_it(measuring_app, size, in_thread):
    answer = zipped(measuring_app, gzip.compress(b" " * size))
    stored = zipped(measuring_app, gzip.compress(b" " * size, 0))
    plain = zipped(measuring_app, b" " * size, "identity")

    assert (answer.status, json.loads(answer.body)) == (200, [size, in_thread])
    assert json.loads(stored.body) == [size, size > 2]  # larger for it
    assert (plain.status, json.loads(plain.body)) == (200, [size, in_thread])


@pytest.mark.parametrize(
    ("body", "encoding", "status", "text"),
    [
        (b"{}", "gzip", 400, "incorrect header"),
        (gzip.compress(b"{}", mtime=0)[:-3], "gzip", 400, "it is cut off"),
        (gzip.compress(b"{}", mtime=0) + b"x", "gzip", 400, "it goes on behind its end"),
        (gzip.compress(b" " * (exchange.BODY_BYTES_MAX + 1), mtime=0), "gzip", 413, "larger than"),
        (b"{}", "br", 415, "Expecting 'Content-Encoding' of gzip"),
    ],
)
def test_a_body_whose_compression_is_wrong_is_refused(measuring_app, body, encoding, status, text):
    answer = zipped(measuring_app, body, encoding)

    assert answer.status == status
    assert text in answer.body.decode()
