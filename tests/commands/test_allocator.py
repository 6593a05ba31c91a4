"""`mesoslite allocator explain` on a running cluster: tables for people, JSON for programs, one line for what fails."""

import json
import os
import socket
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mesoslite.cli.main import app

from .conftest import mesoslite, mesoslite_here, start, start_dev, stop_dev

pytestmark = pytest.mark.real

NAME = "mesoslite run echo"  # the framework of that command


@pytest.fixture(scope="module")
def busy():
    """The URL of a cluster whose only agent runs a task that takes all of it."""
    cluster, url = start_dev("--resources", "cpus:2;mem:64")
    task = start("run", "--master", url, "--cpus", 2, "--mem", 64, "echo up; exec sleep 1000")
    assert task.stdout.readline() == b"up\n"
    yield url
    with task:
        task.kill()
    stop_dev(cluster)


def explain(url, *arguments, call=mesoslite_here):
    return call("allocator", "explain", "--master", url, *arguments)


@pytest.mark.parametrize("framework", [NAME, "0000"])
def test_it_says_in_a_table_what_became_of_an_agent_and_what_to_do(busy, framework):
    status, output, errors = explain(busy, "--framework", framework, "--agent", "S0")

    text = output.decode()
    assert (status, errors) == (0, "")
    assert f"Framework {NAME} (" in text
    assert [word for word in ("SUPPRESSED", "what to do") if word not in text] == []


def test_without_an_agent_it_counts_the_agents_of_each_reason(busy):
    status, output, errors = explain(busy, "--framework", NAME, call=mesoslite)

    text = output.decode()
    assert (status, errors) == (0, "")
    assert "and 1 agent; run 1 was the last that made offers" in text
    assert "S0: the framework has" in text


@pytest.mark.parametrize("arguments", [["--agent", "127.0.0.1"], []], ids=["one agent", "all"])
def test_json_is_what_the_master_answers(busy, arguments):
    status, output, errors = explain(busy, "--framework", NAME, *arguments, "--json")

    document = json.loads(output)
    findings = document["findings"] if arguments else document["summary"]
    assert (status, errors) == (0, "")
    assert document["framework"]["name"] == NAME
    assert [finding["reason"] for finding in findings] == ["SUPPRESSED"]
    assert all(finding["advice"] for finding in findings)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--framework", "nobody"], "no framework 'nobody' is in the cluster; /state lists those there are"),
        (["--framework", NAME, "--agent", "S9"], "no agent 'S9' is in the cluster"),
        (["--framework", "[bold]x & y"], "no framework '[bold]x & y' is in the cluster"),
    ],
)
def test_what_the_master_does_not_know_is_one_line_and_status_one(busy, arguments, problem):
    status, output, errors = explain(busy, *arguments)

    assert (status, output, errors.count("\n")) == (1, b"", 1)
    assert problem in errors


def test_what_the_program_cannot_find_is_one_line_and_its_status_one(busy):
    status, output, errors = explain(busy, "--framework", "nobody", call=mesoslite)

    assert (status, output, errors.count("\n")) == (1, b"", 1)


def test_agents_that_share_a_host_are_told_apart_by_their_ids(url):
    task = start("run", "--master", url, "echo up; exec sleep 1000")
    assert task.stdout.readline() == b"up\n"

    status, _, errors = explain(url, "--framework", NAME, "--agent", "127.0.0.1")

    assert (status, errors.count("\n")) == (1, 1)
    assert "'127.0.0.1' is 2 agents: " in errors


def test_a_master_that_is_not_there_is_one_line_and_status_one():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    status, output, errors = explain(f"http://127.0.0.1:{port}", "--framework", "web")

    assert (status, output, errors.count("\n")) == (1, b"", 1)
    assert "no answer from the master at" in errors


def test_somebody_else_s_server_is_told_from_a_master(url):
    agent = json.loads(urllib.request.urlopen(f"{url}/state", timeout=60).read())["slaves"][0]

    status, _, errors = explain(f"http://127.0.0.1:{agent['port']}", "--framework", "web")

    assert (status, errors.count("\n")) == (1, 1)
    assert "answers 404" in errors


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "Missing option '--framework'"),
        (["--framework", ""], "--framework is empty"),
        (["--framework", "f", "--agent", ""], "--agent is empty"),
        (["--framework", "a\udcff"], "expected text in UTF-8"),
        (["--framework", "f", "--master", "ftp://127.0.0.1"], "expected the URL of a master, such as"),
        (["--framework", "f", "--master", "http://[::1"], "expected the URL of a master, such as"),
        (["--framework", "f", "--master", "http://127.0.0.1:99999"], "expected the URL of a master"),
    ],
)
def test_options_that_can_never_work_are_status_two(arguments, problem):
    result = CliRunner().invoke(app, ["allocator", "explain", *arguments])

    assert result.exit_code == 2
    assert problem in result.output


def test_a_policy_chosen_by_options_serves_the_cluster():
    process, url = start_dev("--role-sorter", "random", "--min-allocatable-resources", "mem:32", "--probe-every", 0)

    status, output, errors = mesoslite("run", "--master", url, "echo served")

    assert (status, output, errors) == (0, b"served\n", "")
    stop_dev(process)


def environment_with(tmp_path, value):
    """The environment of a machine on which a package is installed that offers a policy: what pip leaves of one."""
    installed = tmp_path / "priorities-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: priorities\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text(f"[mesoslite.allocators]\npriorities = {value}\n")
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2] / "examples")])
    return {**os.environ, "PYTHONPATH": path}


def test_a_policy_of_an_installed_package_serves_the_cluster_and_says_that_it_does_not_explain(tmp_path):
    environment = environment_with(tmp_path, "custom_allocator:Priorities")
    process = start("dev", "--port", 0, "--allocator", "priorities", env=environment)
    url = process.stdout.readline().decode().split()[2]

    task = start("run", "--master", url, "echo up; exec sleep 1000")
    served = task.stdout.readline()
    status, _, errors = explain(url, "--framework", NAME)

    assert served == b"up\n"
    assert (status, errors.count("\n")) == (1, 1)
    assert "the allocation policy Priorities does not explain what it decides" in errors
    stop_dev(process)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("custom_allocator:Nothing", "cannot be loaded from custom_allocator:Nothing"),
        ("not_installed:Policy", "cannot be loaded from not_installed:Policy"),
        ("custom_allocator:Decided", "cannot make a policy"),
        ("custom_allocator:NOTHING", "cannot make a policy"),
        ("collections:Counter", "is no allocation policy"),
    ],
)
def test_a_package_that_offers_something_else_is_one_line_and_status_two(tmp_path, value, problem):
    status, output, errors = mesoslite(
        "dev", "--port", 0, "--allocator", "priorities", env=environment_with(tmp_path, value)
    )

    assert (status, output, errors.count("\n")) == (2, b"", 1)
    assert problem in errors
