"""The log of a program that was started with --log-dir, as its HTTP API shows it."""

import base64
import json

import pytest

from mesoslite.api import agent_app, master_app
from mesoslite.model import MasterStanding

from .fakes import SERVES, FakeAgent, FakeMaster, agent_snapshot, request

TEXT = b"2026-11-22 INFO all is well\n"


def app_of(process, runtime, work_dir, flags, standing=SERVES):
    if process == "master":
        return master_app(runtime.spawn(FakeMaster(standing=standing)), flags=flags)
    return agent_app(runtime.spawn(FakeAgent(agent_snapshot())), work_dir, flags=flags)


@pytest.fixture(params=["master", "slave"])
def process(request):
    return request.param


@pytest.fixture
def log_dir(process, tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / ("mesoslite-master.log" if process == "master" else "mesoslite-agent.log")).write_bytes(TEXT)
    return tmp_path / "logs"


@pytest.fixture
def app(process, runtime, tmp_path, log_dir):
    return app_of(process, runtime, tmp_path / "work", {"log_dir": str(log_dir)})


def call(app, kind, **message):
    body = json.dumps({"type": kind, kind.lower(): message}).encode()
    answer = request(app, "POST", "/api/v1", body, content_type="application/json")
    return json.loads(answer.body)[kind.lower()] if answer.status == 200 else answer.status


# Source: Mesos src/master/main.cpp, slave/main.cpp (attachment of the log under /master/log and /slave/log)
def test_the_log_is_read_and_downloaded_under_its_virtual_path(app, process, log_dir):
    query = f"path=/{process}/log"

    page = request(app, "GET", "/files/read", query=f"{query}&offset=11&length=4")
    whole = request(app, "GET", "/files/download", query=query)

    assert json.loads(page.body) == {"offset": 11, "data": "INFO"}
    assert whole.body == TEXT
    assert json.loads(request(app, "GET", "/files/browse", query=query).body) == []
    [attached] = json.loads(request(app, "GET", "/files/debug").body).items()
    assert attached[0] == f"/{process}/log"
    assert attached[1].startswith(f"{log_dir}/mesoslite-")


# Source: MasterAPITest.ReadFile, ReadFileInvalidPath, ListFiles
def test_the_calls_read_it_too_and_nothing_else(app, process):
    page = call(app, "READ_FILE", path=f"/{process}/log", offset=0)

    assert (page["size"], base64.b64decode(page["data"])) == (len(TEXT), TEXT)
    assert call(app, "LIST_FILES", path=f"/{process}/log") == {}
    for path in ("/etc/passwd", "/master", f"/{process}/log/..", "", "\x00"):
        assert call(app, "READ_FILE", path=path, offset=0) == 404
        assert call(app, "LIST_FILES", path=path) == 404


def test_without_a_log_there_is_none(process, runtime, tmp_path):
    app = app_of(process, runtime, tmp_path / "work", {})

    assert request(app, "GET", "/files/read", query=f"path=/{process}/log").status == 404
    assert json.loads(request(app, "GET", "/files/debug").body) == {}


def test_a_log_that_was_taken_away_is_not_found(app, process, log_dir):
    for file in log_dir.iterdir():
        file.unlink()

    assert request(app, "GET", "/files/read", query=f"path=/{process}/log").status == 404


# Source: Mesos leaves /files where it is (the files process is no part of the master)
def test_a_master_that_does_not_lead_shows_its_own(runtime, tmp_path):
    (tmp_path / "mesoslite-master.log").write_bytes(TEXT)
    app = app_of("master", runtime, tmp_path, {"log_dir": str(tmp_path)}, standing=MasterStanding())

    assert request(app, "GET", "/files/download", query="path=/master/log").body == TEXT
