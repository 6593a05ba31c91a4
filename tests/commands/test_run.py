"""`mesoslite run`: a command on a cluster behaves as it would here: output, exit status, Ctrl-C."""

import json
import os
import signal
import urllib.request

import httpx2 as httpx
import pytest

from mesoslite.cli.run_session import agent_resources
from mesoslite.model import Resources

from .conftest import BOUND, finish, mesoslite, mesoslite_here, start

pytestmark = pytest.mark.real


def run(url, *arguments, **options):
    return mesoslite("run", "--master", url, *arguments, **options)


def frameworks(url):
    with urllib.request.urlopen(f"{url}/state", timeout=60) as answer:
        return json.load(answer)["frameworks"]


def test_output_and_error_output_are_kept_apart_and_the_status_is_the_commands(url):
    assert run(url, "echo out; echo err >&2; exit 3") == (3, b"out\n", "err\n")


@pytest.mark.parametrize(("command", "status"), [("true", 0), ("exit 255", 255), ("kill -9 $$", 137), ("kill $$", 143)])
def test_the_exit_status_is_what_a_shell_would_say(url, command, status):
    assert run(url, command)[0] == status


def test_output_comes_byte_by_byte_as_it_was_written(url):
    assert run(url, r"printf 'a\377\000\303\251'")[1] == b"a\xff\0\xc3\xa9"


def test_large_output_comes_whole_and_in_order(url):
    expected = b"".join([b"%d\n" % number for number in range(1, 200_001)])

    status, output, _ = run(url, "seq 1 200000")

    assert (status, output) == (0, expected)


def test_the_environment_and_the_name_reach_the_task(url):
    output = run(url, "--env", "A=1", "--env", "B=x=y z", "--name", "job", 'echo "$A $B $MESOS_TASK_ID"')[1].decode()

    assert output.startswith("1 x=y z job-")


def test_files_are_fetched_for_the_command(url, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(f"of {name};")

    files = [f"file://{tmp_path}/a", str(tmp_path / "b")]

    assert run(url, "--uri", files[0], "--uri", files[1], "cat a b")[:2] == (0, b"of a;of b;")


@pytest.mark.parametrize(
    ("command", "arguments", "called"),
    [
        ("echo up; exec sleep 1000", (), "mesoslite run echo"),
        ("TOKEN=x /bin/sh -c 'echo up; exec sleep 1000'", (), "mesoslite run sh"),
        ("echo up; exec sleep 1000", ("--name", "web"), "web"),
    ],
)
def test_its_framework_is_called_after_its_program_or_as_it_is_told(url, command, arguments, called):
    process = start("run", "--master", url, *arguments, command)
    assert process.stdout.readline() == b"up\n"

    names = [framework["name"] for framework in frameworks(url)]
    process.terminate()

    assert finish(process)[0] == 143
    assert names == [called]


def test_the_master_can_be_named_by_the_environment(url):
    environment = {**os.environ, "MESOSLITE_MASTER": url}

    assert mesoslite("run", "echo here", env=environment)[:2] == (0, b"here\n")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_kills_the_task_and_then_ends_the_command(url, number, status):
    process = start("run", "--master", url, "echo $$; exec sleep 1000")
    pid = int(process.stdout.readline())

    process.send_signal(number)

    assert finish(process)[0] == status
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_task_that_takes_too_long_is_killed(url):
    status, _, errors = run(url, "--timeout", 3, "exec sleep 1000")  # exec: a shell may say "Terminated"

    assert status == 124
    assert errors == "mesoslite: the time is over; the task is killed\n"


def test_a_reader_that_goes_away_ends_the_task(url):
    process = start("run", "--master", url, "yes")
    process.stdout.readline()

    process.stdout.close()

    assert process.wait(timeout=BOUND) == 128 + signal.SIGPIPE
    assert process.stderr.read() == b""
    process.stderr.close()


# Goal: what cannot be shown does not go on. Method: the task tells its process id, which must be gone.
def test_output_that_cannot_be_written_kills_the_task(url, tmp_path):
    with open("/dev/full", "wb") as full:
        result = run(url, f"echo $$ > {tmp_path}/pid; echo lost; exec sleep 1000", stdout=full)

    assert result == (123, None, "mesoslite: cannot write the output: No space left on device\n")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_output_that_is_lost_at_the_very_end_is_told_by_the_status(url):
    with open("/dev/full", "wb") as full:
        status, _, errors = run(url, "echo lost", stdout=full)

    assert (status, errors.count("\n")) == (123, 1)


def test_the_status_tells_what_the_error_output_cannot():
    with open("/dev/full", "wb") as full:
        process = start("run", "--timeout", "0", "true", stderr=full)

    status = process.wait(timeout=BOUND)
    process.stdout.close()

    assert status == 2


def test_more_than_any_agent_has_is_told_with_the_largest(url):
    status, _, errors = run(url, "--cpus", 64, "true")

    assert status == 121
    assert "no agent has cpus:64; mem:32, the largest of 2 has cpus:2; mem:1024" in errors


def test_what_agents_have_is_read_also_while_a_task_has_no_bound():
    tasks = b', "frameworks": [{"tasks": [{"limits": {"mem": Infinity}}]}]'

    def answer(request):
        more = tasks if request.url.path == "/state" else b""
        return httpx.Response(200, content=b'{"slaves": [{"resources": {"cpus": 2.0, "ports": "[1-2]"}}]%s}' % more)

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        found = agent_resources(client, "http://master:5050")

    assert found == [Resources.parse("cpus:2")]


def test_a_master_that_is_not_there_is_told(url):
    status, _, errors = run("http://127.0.0.1:1", "true")

    assert status == 120
    assert errors.count("\n") == 1
    assert "no master answers at http://127.0.0.1:1" in errors


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--env", "NOVALUE", "true"], "--env NOVALUE"),
        (["--cpus", "-1", "true"], "cpus"),
        (["--cpus", "0", "--mem", "0", "true"], "both zero"),
        (["--timeout", "0", "true"], "--timeout 0"),
        (["--timeout", "nan", "true"], "--timeout nan"),
        (["--master", "ftp://x", "true"], "URL of a master"),
        (["--master", "http://[::1", "true"], "URL of a master"),
        ([], "COMMAND"),
    ],
)
def test_options_that_can_never_work_are_usage_errors(arguments, problem):
    status, output, errors = mesoslite_here("run", *arguments)

    assert (status, output) == (2, b"")
    assert problem.lower() in errors.lower()


def test_a_usage_error_of_the_program_shows_no_traceback():
    status, output, errors = mesoslite("run", "--timeout", "0", "true")

    assert (status, output) == (2, b"")
    assert "--timeout 0" in errors
    assert "Traceback" not in errors


def test_nothing_is_left_on_the_cluster(url):
    run(url, "true")

    assert frameworks(url) == []
