"""`mesoslite dev`: it serves until it is told to stop, and then nothing of it is left; what it cannot do it says."""

import json
import os
import signal
import socket
import urllib.error
import urllib.request

import pytest

from .conftest import finish, mesoslite, mesoslite_here, start, start_dev, stop_dev

pytestmark = pytest.mark.real


def get(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_serves_until_a_signal_and_ends_with_status_zero(number):
    process, url = start_dev("--agents", 2, "--resources", "cpus:1;mem:64")
    state = json.loads(get(f"{url}/state"))

    status, _, errors = stop_dev(process, number)

    assert state["activated_slaves"] == 2
    assert state["slaves"][0]["resources"]["mem"] == 64.0
    assert (status, errors) == (0, "")
    with pytest.raises(urllib.error.URLError):
        get(f"{url}/health")


def test_of_several_masters_one_leads_and_the_others_lead_to_it():
    process, url = start_dev("--masters", 3, "--role-sorter", "random")  # a policy for each
    others = process.stdout.readline().decode()
    assert others.startswith("Masters that would take over at http://")
    urls = others.removeprefix("Masters that would take over at ").strip().split(", ")

    ids = {json.loads(get(f"{one}/state"))["id"] for one in (url, *urls)}  # urllib follows them

    status, _, errors = stop_dev(process)
    assert (len(urls), len(ids)) == (2, 1)
    assert (status, errors) == (0, "")


def test_a_signal_has_another_master_take_over():
    process, url = start_dev("--masters", 2)
    lines = [process.stdout.readline().decode() for _ in range(5)]
    before = json.loads(get(f"{url}/state"))["id"]

    process.send_signal(signal.SIGUSR1)
    ends, leads = [process.stdout.readline().decode() for _ in range(2)]

    leader = leads.removeprefix("Master at ").removesuffix(" leads\n")
    state = json.loads(get(f"{leader}/state"))
    status, _, _ = stop_dev(process)  # the agent may be on its way to the new master yet, and be told off by it
    assert lines[1] == f"To see one take over:  kill -USR1 {process.pid}\n"
    assert ends == f"The master at {url} ends\n"
    assert leader != url
    assert state["id"] != before
    assert status == 0


def test_each_agent_serves_on_a_port_of_its_own():
    process, url = start_dev("--agents", 2)
    agents = json.loads(get(f"{url}/state"))["slaves"]

    ids = [json.loads(get(f"http://{agent['hostname']}:{agent['port']}/state"))["id"] for agent in agents]

    assert ids == [agent["id"] for agent in agents]
    stop_dev(process)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_it_serves_ipv6_and_a_command_on_it_shows_its_output():
    process, url = start_dev("--host", "::1")

    status, output, errors = mesoslite("run", "--master", url, "echo six")

    assert url.startswith("http://[::1]:")
    assert (status, output, errors) == (0, b"six\n", "")
    stop_dev(process)


def test_agents_of_a_wildcard_address_are_told_by_the_name_that_was_given():
    process, url = start_dev("--host", "0.0.0.0", "--hostname", "localhost")

    state = json.loads(get(f"{url}/state"))

    _, _, errors = stop_dev(process)
    assert [state["hostname"], state["slaves"][0]["hostname"]] == ["localhost", "localhost"]
    assert "--host 0.0.0.0 is not on loopback: anybody who reaches" in errors


def test_the_greeting_says_what_an_agent_offers_in_all():
    process = start("dev", "--port", 0, "--resources", "cpus:2;cpus:3")

    greeting = process.stdout.readline().decode()

    assert greeting.endswith("with 1 agent of cpus:5\n")
    stop_dev(process)


def test_a_greeting_that_cannot_be_written_ends_it_with_status_one():
    with open("/dev/full", "wb") as full:
        process = start("dev", "--port", 0, stdout=full)

    status, _, errors = finish(process)

    assert (status, errors) == (1, "mesoslite: cannot write the output: No space left on device\n")


# Goal: the end of the cluster is the end of its tasks. Method: a task tells its process id, which must be gone.
def test_at_the_end_every_task_is_dead_and_the_temporary_directory_is_gone():
    process, url = start_dev()
    sandboxes = process.stdout.readline().decode().split()[-1]
    task = start("run", "--master", url, "trap '' TERM; echo $$; while true; do sleep 1000; done")
    pid = int(task.stdout.readline())

    status, _, _ = stop_dev(process)

    assert status == 0
    assert not os.path.exists(sandboxes)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert finish(task)[0] in (120, 122, 137)  # who ends first: its master, its agent, or the task


def test_a_work_directory_that_was_given_keeps_the_sandboxes(tmp_path):
    process, url = start_dev("--work-dir", tmp_path / "new")
    mesoslite("run", "--master", url, "echo kept")

    stop_dev(process)

    outputs = list((tmp_path / "new").rglob("runs/*-*/stdout"))
    assert [output.read_text() for output in outputs] == ["kept\n"]


def test_a_port_in_use_is_one_line_and_status_one():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        status, _, errors = mesoslite("dev", "--port", port)

    assert status == 1
    assert errors.count("\n") == 1
    assert f"127.0.0.1:{port}, the port is in use" in errors


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--resources", "cpus:many"], "cpus:many"),
        (["--resources", ""], "without resources"),
        (["--agents", "0"], "at least 1"),
        (["--agents", "many"], "--agents"),
        (["--masters", "0"], "at least 1"),
    ],
)
def test_options_that_can_never_work_are_usage_errors(arguments, problem):
    status, output, errors = mesoslite_here("dev", "--port", "0", *arguments)

    assert status == 2
    assert problem in errors
    assert output == b""


def test_a_work_directory_that_cannot_be_used_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")

    status, _, errors = mesoslite("dev", "--port", 0, "--work-dir", tmp_path / "file" / "deeper")

    assert (status, errors.count("\n")) == (1, 1)
    assert str(tmp_path / "file") in errors


def test_an_agent_that_fails_as_it_starts_ends_it_with_status_one(tmp_path):
    (tmp_path / "agent-1").write_text("")

    status, _, errors = mesoslite("dev", "--port", 0, "--work-dir", tmp_path)

    assert status == 1
    assert str(tmp_path / "agent-1") in errors
    assert errors.endswith("\nmesoslite: an agent has failed as it started; the log above says why\n")


# Goal: a dead master is noticed. Method: one that fails as soon as everything runs.
def test_a_master_that_stops_by_itself_ends_it_with_status_one():
    program = """
import libactor as la, mesoslite
from mesoslite.cli.main import main
def start_and_fail(cluster, start=mesoslite.Cluster.start):
    start(cluster)
    la.execute(cluster.master, lambda: la.terminate(cluster.master))
    return cluster
mesoslite.Cluster.start = start_and_fail
main()
"""
    process = start("dev", "--port", 0, program=program)

    status, _, errors = finish(process)

    assert status == 1
    assert errors.endswith("mesoslite: the master has stopped by itself: no reason was given\n")
    assert "Traceback" not in errors


def test_a_second_signal_does_not_interrupt_the_end():
    process = start("dev", "--port", 0)
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)

    assert finish(process)[0] == 0
