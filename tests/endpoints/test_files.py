"""Files of an agent: sandboxes can be read, whole and in part, and nothing else can, whatever a task does."""

import base64
import json
import os
import stat
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mesoslite.api import agent_app

from .fakes import FakeAgent, agent_snapshot, request

HIDDEN = "not for everybody"
RUN = "slaves/m-S0/frameworks/f/executors/t/runs/c"


@pytest.fixture
def sandbox(tmp_path):
    sandbox = tmp_path / "work" / RUN
    sandbox.mkdir(parents=True)
    (sandbox.parent / "latest").symlink_to("c")
    (sandbox / "stdout").write_bytes(b"hello\n")
    (tmp_path / "secret").write_text(HIDDEN)
    (tmp_path / "work" / "slaves" / "m-S0" / "checkpoint").write_text(HIDDEN)
    return sandbox


@pytest.fixture
def agent(runtime, tmp_path):
    return agent_app(runtime.spawn(FakeAgent(agent_snapshot())), tmp_path / "work")


def read(agent, path, **bounds):
    query = "&".join([f"path={quote(os.fsencode(path))}", *[f"{name}={value}" for name, value in bounds.items()]])
    return request(agent, "GET", "/files/read", query=query)


def call(agent, document, **headers):
    headers = {"content_type": "application/json", **headers}
    return request(agent, "POST", "/api/v1", body=json.dumps(document).encode(), **headers)


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({}, {"offset": 6, "data": ""}),
        ({"offset": 0}, {"offset": 0, "data": "hello\n"}),
        ({"offset": 1, "length": 3}, {"offset": 1, "data": "ell"}),
        ({"offset": 6}, {"offset": 6, "data": ""}),
        ({"offset": 100, "length": 5}, {"offset": 6, "data": ""}),
    ],
)
def test_a_file_is_read_from_an_offset_and_its_size_without_one(agent, sandbox, bounds, expected):
    assert json.loads(read(agent, f"{sandbox}/stdout", **bounds).body) == expected


def test_one_read_is_at_most_sixteen_pages(agent, sandbox):
    (sandbox / "large").write_bytes(b"x" * 100_000)

    page = json.loads(read(agent, f"{sandbox}/large", offset=0, length=100_000).body)

    assert len(page["data"]) == 65_536


def test_bytes_that_are_no_text_are_escaped_one_by_one(agent, sandbox):
    (sandbox / "binary").write_bytes(b"a\xffb\xc3\xa9")

    page = json.loads(read(agent, f"{sandbox}/binary", offset=0).body)

    assert page["data"] == "a\xffb\u00e9"


@pytest.mark.parametrize("run", ["c", "latest"])
def test_a_virtual_path_leads_to_the_sandbox(agent, sandbox, run):
    answer = read(agent, f"/frameworks/f/executors/t/runs/{run}/stdout", offset=0)

    assert json.loads(answer.body)["data"] == "hello\n"


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "{work}/slaves/m-S0/checkpoint",
        "{work}/slaves/m-S0/frameworks/f/executors/t/runs",
        "{sandbox}/../../../../../../checkpoint",
        "{sandbox}/../../../../../../../../../secret",
        "/frameworks/../../../secret",
        "/frameworks/f/executors/t/runs/c/../../../../../../../../../secret",
        "{sandbox}/nothing",
        "{sandbox}/stdout/deeper",
        "{sandbox}/zero\0byte",
        "relative/stdout",
        "",
    ],
)
def test_what_is_in_no_sandbox_is_not_read(agent, sandbox, tmp_path, path):
    answer = read(agent, path.format(work=tmp_path / "work", sandbox=sandbox), offset=0)

    assert answer.status == (400 if not path else 404)
    assert HIDDEN.encode() not in answer.body


# Goal: nobody learns which files a machine has. Method: a virtual path with dots to one that is there, and to none.
def test_what_is_in_no_sandbox_is_the_same_whether_it_is_there_or_not(agent, sandbox, tmp_path):
    up = "/frameworks/f/executors/t/runs/c" + "/.." * 9

    there, none = (read(agent, f"{up}/{name}", offset=0) for name in ("secret", "absent"))

    assert (tmp_path / "work" / "slaves" / "m-S0" / up[1:] / "secret").exists()
    assert (there.status, there.body) == (none.status, none.body.replace(b"absent", b"secret"))


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../../../../../../../secret", "../../../../../../checkpoint"])
def test_a_symbolic_link_out_of_the_sandbox_is_not_followed(agent, sandbox, target):
    (sandbox / "link").symlink_to(target)
    (sandbox / "directory").symlink_to("/etc")

    answers = [read(agent, f"{sandbox}/{name}", offset=0) for name in ("link", "directory/passwd")]

    assert [answer.status for answer in answers] == [404, 404]


def test_a_symbolic_link_within_the_sandbox_is_followed(agent, sandbox):
    (sandbox / "link").symlink_to("stdout")

    assert json.loads(read(agent, f"{sandbox}/link", offset=0).body)["data"] == "hello\n"


# Goal: the check holds for the file that is read, not for the one that was looked at. Method: the path turns into a
# link to a secret after the first look.
def test_a_link_that_appears_after_the_look_is_caught(agent, sandbox, tmp_path, monkeypatch):
    def look_then_swap(self, path, judge):
        (sandbox / "stdout").unlink()
        (sandbox / "stdout").symlink_to(tmp_path / "secret")
        return path

    monkeypatch.setattr("mesoslite.api.sandboxes.Sandboxes._real", look_then_swap)

    assert read(agent, f"{sandbox}/stdout", offset=0).status == 404


def test_a_named_pipe_a_socket_and_a_directory_are_refused_at_once(agent, sandbox):
    os.mkfifo(sandbox / "pipe")
    os.mknod(sandbox / "socket", stat.S_IFSOCK | 0o600)

    assert read(agent, f"{sandbox}/pipe", offset=0).status == 400
    assert read(agent, f"{sandbox}/socket", offset=0).status == 400
    assert read(agent, str(sandbox), offset=0).status == 400


@pytest.mark.parametrize("bounds", [{"offset": "x"}, {"offset": -2}, {"length": "1e3"}, {"offset": "9" * 30}])
def test_a_bound_that_is_no_number_is_refused(agent, sandbox, bounds):
    assert read(agent, f"{sandbox}/stdout", **bounds).status == 400


def test_browsing_lists_the_entries_by_path(agent, sandbox):
    (sandbox / "data").mkdir()

    entries = json.loads(request(agent, "GET", "/files/browse", query=f"path={sandbox}").body)

    assert [entry["path"] for entry in entries] == [f"{sandbox}/data", f"{sandbox}/stdout"]
    assert entries[0]["mode"].startswith("d")
    assert entries[1]["size"] == 6
    assert isinstance(entries[1]["uid"], str)


def test_an_entry_whose_name_is_no_text_is_listed_with_each_byte_as_a_character(agent, sandbox):
    (sandbox / os.fsdecode(b"a\xff\xc3\xa9")).write_bytes(b"x")

    answer = request(agent, "GET", "/files/browse", query=f"path={sandbox}")

    assert [entry["path"] for entry in json.loads(answer.body)] == [f"{sandbox}/a\xff\xe9", f"{sandbox}/stdout"]


@pytest.mark.parametrize("endpoint", ["browse", "read", "download"])
def test_a_link_that_leads_round_or_a_name_that_is_too_long_is_404(agent, sandbox, endpoint):
    (sandbox / "loop").symlink_to("loop")
    paths = [f"{sandbox}/loop", f"{sandbox}/{'x' * 300}"]

    answers = [request(agent, "GET", f"/files/{endpoint}", query=f"path={path}") for path in paths]

    assert [answer.status for answer in answers] == [404, 404]


def test_browsing_a_file_lists_nothing_and_outside_is_refused(agent, sandbox):
    file = request(agent, "GET", "/files/browse", query=f"path={sandbox}/stdout")
    outside = request(agent, "GET", "/files/browse", query="path=/etc")

    assert json.loads(file.body) == []
    assert outside.status == 404


def test_a_download_is_the_file_byte_by_byte(agent, sandbox):
    content = os.urandom(300_000)
    (sandbox / "core.bin").write_bytes(content)

    answer = request(agent, "GET", "/files/download", query=f"path={sandbox}/core.bin")

    assert answer.body == content
    assert answer.headers["content-disposition"] == 'attachment; filename="core.bin"'


# The name stands in a header; a line break would begin another one.
def test_a_download_is_called_by_what_a_header_can_say_of_its_name(agent, sandbox):
    name = 'a"b\r\nX-Evil: \\é\x7f'
    (sandbox / name).write_text("x")

    answer = request(agent, "GET", "/files/download", query=f"path={quote(str(sandbox / name))}")

    assert (answer.status, answer.body) == (200, b"x")
    assert answer.headers["content-disposition"] == 'attachment; filename="a_b__X-Evil: ___"'


def test_read_file_gives_the_very_bytes_and_the_size(agent, sandbox):
    (sandbox / "binary").write_bytes(b"a\xff\0b")
    wanted = {"path": f"{sandbox}/binary", "offset": 1, "length": 2}

    answer = json.loads(call(agent, {"type": "READ_FILE", "read_file": wanted}).body)

    assert answer["read_file"]["size"] == 4
    assert base64.b64decode(answer["read_file"]["data"]) == b"\xff\0"


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({"type": "GET_HEALTH"}, 200),
        ({"type": "GET_VERSION"}, 200),
        ({"type": "READ_FILE"}, 400),
        ({"type": "READ_FILE", "read_file": {"path": "/x", "offset": -1}}, 400),
        ({"type": "READ_FILE", "read_file": {"path": "/etc/passwd", "offset": 0}}, 404),
        ({"type": "ADD_RESOURCE_PROVIDER_CONFIG"}, 501),
        ({"type": "NO_SUCH"}, 400),
        ([], 400),
    ],
)
def test_an_operator_call_is_answered_or_told_what_is_wrong(agent, sandbox, document, status):
    assert call(agent, document).status == status


def test_an_operator_call_for_a_client_that_takes_no_json_is_406(agent):
    assert call(agent, {"type": "GET_HEALTH"}, accept="text/html").status == 406


@given(path=st.text(max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
def test_no_path_does_more_harm_than_404(agent, sandbox, path):
    text = f"{sandbox}/{path}".encode("utf-8", "replace").decode()

    answer = read(agent, text, offset=0)

    assert answer.status in (200, 400, 404)
