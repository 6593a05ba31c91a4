"""`mesoslite why` on a running cluster: the story of a task, what is known of one that waits, and what fails."""

import json
import socket
import urllib.request

import pytest
from typer.testing import CliRunner

from mesoslite.cli import master_client
from mesoslite.cli.main import app

from .conftest import mesoslite, mesoslite_here, start, start_dev, stop_dev

pytestmark = pytest.mark.real

NAME = "mesoslite run echo"  # the framework of that command


@pytest.fixture(scope="module")
def busy():
    """The URL of a cluster, and the id of the task that takes all of it."""
    cluster, url = start_dev("--resources", "cpus:2;mem:96")
    task = start("run", "--master", url, "--cpus", 2, "--mem", 64, "echo up; exec sleep 1000")
    assert task.stdout.readline() == b"up\n"
    [framework] = json.loads(urllib.request.urlopen(f"{url}/state", timeout=60).read())["frameworks"]
    yield url, framework["tasks"][0]["id"]
    with task:
        task.kill()
    stop_dev(cluster)


def why(url, *arguments, call=mesoslite_here):
    return call("why", "--master", url, *arguments)


def test_it_tells_the_story_of_a_task_that_runs(busy):
    url, task = busy

    status, output, errors = why(url, task)

    lines = output.decode().splitlines()
    assert (status, errors) == (0, "")
    assert lines[0].startswith(f"Task {task} of framework {NAME} (")
    assert "TASK_RUNNING" in lines[0]
    assert lines[1].startswith("It runs on agent ")
    assert "launched on agent" in lines[2]


def test_it_tells_of_a_task_that_waits_what_its_framework_does_and_why_no_offer_comes(busy):
    status, output, errors = why(busy[0], "nobody", "--framework", NAME, call=mesoslite)

    text = output.decode()
    assert (status, errors) == (0, "")
    assert text.startswith("Task nobody is not known: its framework has not launched it, or it ended long ago\n")
    assert f"Framework {NAME} (" in text
    assert [word for word in ("is connected, has 1 task ", "SUPPRESSED", "what to do") if word not in text] == []


def test_it_finds_a_task_by_its_name_and_lists_several_of_one_name(busy):
    url, task = busy
    by_name = why(url, "run")
    with start("run", "--verbose", "--master", url, "--cpus", 0, "--mem", 32, "exec sleep 1000") as small:
        said = small.stderr.readline().decode()
        several = why(url, "run")
        small.kill()

    assert by_name == why(url, task)
    other = said.split()[2]
    assert said.startswith(f"mesoslite: task {other} goes to agent ")
    status, output, errors = several
    lines = output.decode().splitlines()
    assert (status, errors, len(lines), lines[0]) == (0, "", 4, "2 tasks are named run:")
    assert {line.split()[1] for line in lines[1:3]} == {task, other}
    assert all("of framework mesoslite run " in line for line in lines[1:3])


def test_a_message_of_several_lines_is_shown_by_its_first(monkeypatch):
    said = "TASK_FAILED, says its agent: Memory limit exceeded\n\nMEMORY STATISTICS: \ncache 0\n: ended by signal 9"
    story = {
        "task": "t",
        "framework": {"name": "f", "id": "F", "standing": "removed"},
        "state": "TASK_FAILED",
        "answer": f"it has ended: {said}",
        "service": None,
        "forgotten": 0,
        "happenings": [{"time": 0.0, "text": said}],
    }
    monkeypatch.setattr(master_client, "ask", lambda *_: ("", {"stories": [story]}))

    _, output, _ = why("http://127.0.0.1:5050", "t")

    _, answer, end = output.decode().splitlines()
    assert answer == "It has ended: TASK_FAILED, says its agent: Memory limit exceeded [...]"
    assert end.endswith("  TASK_FAILED, says its agent: Memory limit exceeded [...]")


def test_json_is_what_the_master_answers(busy):
    url, task = busy

    status, output, errors = why(url, task, "--json")

    [story] = json.loads(output)["stories"]
    assert (status, errors, story["state"]) == (0, "", "TASK_RUNNING")


# Goal: nobody wonders what the command is at. Method: a socket that is listened at, and never read.
def test_a_master_that_does_not_answer_is_said_to_be_waited_for_and_given_up(monkeypatch):
    monkeypatch.setattr(master_client, "SILENCE_SECONDS", 0.0)
    monkeypatch.setattr(master_client, "TIMEOUT_SECONDS", 0.5)

    with socket.create_server(("127.0.0.1", 0)) as silent:
        status, output, errors = why(f"http://127.0.0.1:{silent.getsockname()[1]}", "task")

    waits, fails = errors.splitlines()
    assert (status, output) == (1, b"")
    assert waits.endswith(" has not answered yet; waiting up to 0.5 s")
    assert "no answer from the master at" in fails


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["nobody"], "no task 'nobody' is known, nor one of that name, nor a framework; name"),
        (["nobody", "--framework", "[bold]x & y"], "no framework '[bold]x & y' is in the cluster"),
    ],
)
def test_what_the_master_does_not_know_is_one_line_and_status_one(busy, arguments, problem):
    status, output, errors = why(busy[0], *arguments)

    assert (status, output, errors.count("\n")) == (1, b"", 1)
    assert problem in errors


def test_a_master_that_is_not_there_is_one_line_and_status_one():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    status, output, errors = why(f"http://127.0.0.1:{port}", "task")

    assert (status, output, errors.count("\n")) == (1, b"", 1)
    assert "no answer from the master at" in errors


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "Missing argument 'TASK'"),
        ([""], "TASK is empty"),
        (["t", "--framework", ""], "--framework is empty"),
        (["a\udcff"], "expected text in UTF-8"),
        (["t", "--master", "ftp://127.0.0.1"], "expected the URL of a master, such as"),
    ],
)
def test_options_that_can_never_work_are_status_two(arguments, problem):
    result = CliRunner().invoke(app, ["why", *arguments])

    assert result.exit_code == 2
    assert problem in result.output
