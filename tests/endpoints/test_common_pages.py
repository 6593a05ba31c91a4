"""What a master and an agent both show: the members of the documents, in Mesos's order, and the answers to the rest."""

# Source: Mesos src/common/http.cpp, src/files/files.cpp, 3rdparty/libprocess/src/{system,logging}.cpp and
#   metrics/metrics.cpp; git_* of the version are those of builds that we do not have.

import json

import pytest

from mesoslite.api import agent_app, master_app
from mesoslite.cluster.system_metrics import tell_of_system
from mesoslite.model import MasterStanding

from .fakes import FakeAgent, FakeMaster, agent_snapshot, request
from .schemas_v0 import NUMBER, TEXT, WHOLE, problems

NUMBERS = (float, int)
LOG = {"master": ("/master/log", "mesoslite-master.log"), "agent": ("/slave/log", "mesoslite-agent.log")}
FILES = [{"path": TEXT, "nlink": WHOLE, "size": WHOLE, "mtime": WHOLE, "mode": TEXT, "uid": TEXT, "gid": TEXT}]
SCHEMAS: dict = {
    "/version": {
        "build_date": TEXT,
        "build_time": NUMBER,
        "build_user": TEXT,
        "mesoslite": {"version": TEXT},  # ours
        "version": TEXT,
    },
    "/flags": {"flags": {"log_dir": TEXT}},
    "/metrics/snapshot": {"...": NUMBERS},
    "/system/stats.json": {
        "avg_load_1min": NUMBER,
        "avg_load_5min": NUMBER,
        "avg_load_15min": NUMBER,
        "cpus_total": NUMBERS,
        "mem_total_bytes": NUMBERS,
        "mem_free_bytes": NUMBERS,
    },
    "/files/read": {"offset": WHOLE, "data": TEXT},
    "/files/browse": FILES,
    "/files/debug": {"...": TEXT},
}


@pytest.fixture(params=["master", "agent"])
def program(request):
    return request.param


@pytest.fixture
def app(program, runtime, tmp_path):
    """Of a master that does not lead, or of an agent: these pages are not the leader's alone."""
    runtime.clock.pause()
    tell_of_system(runtime.metrics)
    (tmp_path / LOG[program][1]).write_text("text\n")
    flags = {"log_dir": str(tmp_path)}
    if program == "master":
        return master_app(runtime.spawn(FakeMaster(standing=MasterStanding())), runtime=runtime, flags=flags)
    sandbox = tmp_path / "slaves/m-S0/frameworks/f/executors/e/runs/c"
    sandbox.mkdir(parents=True)
    (sandbox / "stdout").write_text("12345")
    return agent_app(runtime.spawn(FakeAgent(agent_snapshot())), tmp_path, runtime=runtime, flags=flags)


def ask(runtime, app, method, path, query=""):
    runtime.clock.advance(1)  # so often are metrics told
    return request(app, method, path, query=query, stays=True)


def query_of(path, program):
    if path == "/files/browse" and program == "agent":
        return "path=/frameworks/f/executors/e/runs/c"
    return f"path={LOG[program][0]}" if path.startswith("/files/") else ""


@pytest.mark.parametrize("path", SCHEMAS)
def test_a_document_has_the_members_of_its_schema(runtime, app, program, path):
    answer = ask(runtime, app, "GET", path, query_of(path, program))

    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    document = json.loads(answer.body)
    assert problems(document, SCHEMAS[path]) == []
    assert document or (path, program) == ("/files/browse", "master")  # whose log is no directory


@pytest.mark.parametrize("path", SCHEMAS)
def test_a_page_is_a_scripts_as_well_and_only_read(runtime, app, program, path):
    query = query_of(path, program)
    prefix = "/master" if program == "master" else "/slave(1)"

    assert ask(runtime, app, "GET", f"{prefix}{path}", f"{query}&jsonp=f").body.startswith((b"f({", b"f(["))
    assert ask(runtime, app, "HEAD", path, query).status == 200
    refused = ask(runtime, app, "POST", path, query)
    assert (refused.status, refused.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize(
    ("method", "path", "query", "status"),
    [
        ("GET", "/health", "", 200),
        ("POST", "/health", "", 405),
        ("GET", "/flags.json", "", 200),
        ("GET", "/files/read.json", "", 400),
        ("GET", "/files/debug.json", "", 200),
        ("GET", "/none.json", "", 404),
        ("GET", "/.json", "", 404),
        ("GET", "/metrics/snapshot", "timeout=10secs", 200),
        ("GET", "/metrics/snapshot", "timeout=soon", 400),
        ("GET", "/files/read", "", 400),
        ("GET", "/files/read", "path={log}&offset=-2", 400),
        ("GET", "/files/read", "path={log}&length=many", 400),
        ("GET", "/files/read", "path=/nothing", 404),
        ("GET", "/files/browse", "", 400),
        ("GET", "/files/browse", "path=/nothing", 404),
        ("GET", "/files/download", "", 400),
        ("GET", "/files/download", "path={log}", 200),
        ("GET", "/files/download", "path=/nothing", 404),
        ("POST", "/files/download", "path={log}", 405),
        ("GET", "/logging/toggle", "", 200),
        ("GET", "/logging/toggle", "level=1", 400),
        ("PUT", "/logging/toggle", "", 405),
    ],
)
def test_what_a_request_is_answered(runtime, app, program, method, path, query, status):
    assert ask(runtime, app, method, path, query.format(log=LOG[program][0])).status == status


def test_a_log_of_a_known_size_is_downloaded_as_a_file(runtime, app, program):
    path, name = LOG[program]

    answer = ask(runtime, app, "GET", "/files/download", f"path={path}")

    assert answer.headers["content-disposition"] == f'attachment; filename="{path.rpartition("/")[2]}"'
    assert (answer.body, answer.headers["content-length"]) == (b"text\n", "5")
    assert json.loads(ask(runtime, app, "GET", "/files/debug").body)[path].endswith(name)
