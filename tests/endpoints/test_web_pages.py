"""The files of a web page that a master was told of, as it hands them out."""

import json

import pytest

from mesoslite.api import master_app
from mesoslite.model import Leader, MasterInfo, MasterStanding

from .fakes import SERVES, FakeMaster, request

PAGE = b"<!DOCTYPE html><title>Mesos</title>"
ELSEWHERE = MasterStanding(leader=Leader(MasterInfo(id="m", hostname="leads", port=5050)))


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "secret").write_text("not to be seen")
    page = tmp_path / "webui"
    for name, content in (
        ("index.html", PAGE),
        ("app/app.js", b"'use strict';"),
        ("app/agents/agent.html", b"<p>"),
        ("app/state.json", b"{}"),
        ("assets/css/mesos.css", b"p {}"),
        ("README", b"of no page"),
    ):
        (page / name).parent.mkdir(parents=True, exist_ok=True)
        (page / name).write_bytes(content)
    (page / "app" / "out").symlink_to(tmp_path / "secret")
    return page


@pytest.fixture(params=[SERVES, ELSEWHERE], ids=["leads", "stands by"])
def app(request, runtime, directory):
    return master_app(
        runtime.spawn(FakeMaster(standing=request.param)), runtime=runtime, flags={"webui_dir": str(directory)}
    )


@pytest.mark.parametrize(
    ("path", "content_type", "body"),
    [
        ("/", "text/html; charset=utf-8", PAGE),
        ("/master", "text/html; charset=utf-8", PAGE),
        ("/master/", "text/html; charset=utf-8", PAGE),
        ("/app/app.js", "text/javascript; charset=utf-8", b"'use strict';"),
        ("/master/app/app.js", "text/javascript; charset=utf-8", b"'use strict';"),
        ("/app/agents/agent.html", "text/html; charset=utf-8", b"<p>"),
        ("/app/state.json", "application/json", b"{}"),
        ("/assets/css/mesos.css", "text/css; charset=utf-8", b"p {}"),
    ],
)
def test_its_files_are_there_as_what_they_are(app, path, content_type, body):
    answer = request(app, "GET", path)

    assert (answer.status, answer.headers["content-type"], answer.body) == (200, content_type, body)
    assert request(app, "HEAD", path).status == 200
    assert request(app, "GET", path, if_none_match=answer.headers["etag"]).status == 304


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/index.html", 404),
        ("/README", 404),
        ("/app", 404),
        ("/app/agents", 404),
        ("/app/none.js", 404),
        ("/app/out", 404),
        ("/app/../README", 404),
        ("/app/../../secret", 404),
        ("/assets//../README", 404),
    ],
)
def test_what_is_no_file_of_the_page_is_not_there(app, path, status):
    assert request(app, "GET", path).status == status


def test_pages_are_only_read(app):
    assert request(app, "POST", "/app/app.js").status == 405


def test_the_other_pages_stay_as_they_are(app):
    assert json.loads(request(app, "GET", "/version").body)["version"]
    assert request(app, "GET", "/help").status == 200
    assert request(app, "GET", "/nothing").status == 404


@pytest.mark.parametrize("flags", [{}, {"webui_dir": "/nowhere"}])
def test_without_files_there_is_no_page(runtime, flags):
    app = master_app(runtime.spawn(FakeMaster(standing=SERVES)), runtime=runtime, flags=flags)

    for path in ("/", "/master", "/app/app.js", "/assets/css/mesos.css"):
        assert request(app, "GET", path).status == 404
