"""`mesoslite master` and `mesoslite agent`: a cluster of several programs, of which any may be killed."""

import json
import os
import re
import select
import signal
import socket
import urllib.request

import pytest

import libactor as la
from mesoslite import Framework, TaskState
from mesoslite.framework import RemoteConnection, submit
from mesoslite.framework.http import HttpConnection
from mesoslite.model import (
    FrameworkInfo,
    Reconcile,
    Source,
    StatusUpdate,
    Subscribe,
    Subscribed,
    TaskID,
    TaskReference,
    TaskStatus,
    Update,
)

from .conftest import finish, mesoslite, mesoslite_here, start, stop_dev
from .ports import free_port

pytestmark = pytest.mark.real

PATIENCE = 120.0  # seconds that anything of several programs is waited for, on a machine that does much else
SECRET = "a secret that nobody can guess"


@pytest.fixture
def address():
    """Where a master may listen, and another one after it."""
    return f"127.0.0.1:{free_port()}"


def begin(*arguments):
    """Start a command, whose lines can be waited for: none is kept in a buffer of ours."""
    return start(*arguments, bufsize=0)


def line_of(process):
    """The next line that a command says; what it says to its errors, if it ends instead."""
    assert select.select([process.stdout], [], [], PATIENCE)[0], "it says nothing"
    line = process.stdout.readline().decode()
    assert line, process.stderr.read().decode()
    return line


def start_master(address, registry, *arguments):
    process = begin("master", "--address", address, "--port", 0, "--registry", registry, *arguments)
    url, where = re.fullmatch(r"Master at (\S+), agents find it at (\S+)\n", line_of(process)).groups()
    assert where == address
    return process, url


def start_agent(address, work_dir, *arguments):
    """An agent; it need not be registered."""
    process = begin("agent", "--master", address, "--port", 0, "--work-dir", work_dir, *arguments)
    assert line_of(process).startswith("Agent at http://")
    assert line_of(process).startswith(f"Looking for the master at {address}")
    return process


def registered(agent):
    return re.fullmatch(r"Registered as (\S+)\n", line_of(agent))[1]


def get(url):
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        return json.loads(answer.read())


class Keeper(Framework):
    """Launches one task, unless it has an id already; tells by futures what becomes of it."""

    def __init__(self, command="sleep 1000", **options):
        super().__init__("keeper", failover_timeout=600, **options)
        self.command, self.has_launched = command, self.info.id is not None
        self.running, self.ended, self.found, self.lost = la.Promise(), la.Promise(), la.Promise(), la.Promise()
        self.back = la.Promise()

    def on_subscribed(self, framework_id):
        if self.has_launched:
            self.look()

    def on_resubscribed(self, framework_id):
        self.back.set(None)
        self.look()

    def look(self):
        if self.found.future.is_pending():
            self.reconcile("it")
            la.delay(0.2, self.pid, Keeper.look)

    def on_offers(self, offers):
        for offer in offers:
            tasks = [] if self.has_launched else [self.task(offer, self.command, cpus=0.5, task_id="it")]
            self.has_launched = True
            self.launch(offer, tasks)

    def on_update(self, status):
        if status.state is TaskState.TASK_RUNNING:
            (self.running if status.uuid is not None else self.found).set(status)
        elif status.state.is_terminal:
            self.ended.set(status)

    def on_error(self, message):
        self.lost.set(message)

    def end(self):
        self.kill("it")


@pytest.fixture
def runtime():
    with la.Runtime() as opened:
        yield opened


def test_a_task_runs_on_an_agent_of_another_program(address, tmp_path):
    master, url = start_master(address, tmp_path / "registry.db")
    options = ("--resources", "cpus:1;mem:64", "--executor-environment-variables", '{"GIVEN": "given"}')
    agents = [start_agent(address, tmp_path / str(number), *options) for number in range(2)]
    ids = {registered(agent) for agent in agents}

    status, output, errors = mesoslite("run", "--master", url, "echo $GIVEN from $MESOS_AGENT_ID")

    assert (status, errors) == (0, "")
    assert output.decode().removeprefix("given from ").strip() in ids
    for process in (*agents, master):
        process.send_signal(signal.SIGTERM)
        assert finish(process)[0] == 0


# Goal: nothing is lost with a master. Method: it is killed; while there is none nobody is told to end; the next one has
#   the same registry, and another port for HTTP.
def test_a_master_that_was_killed_has_its_agents_and_tasks_back(address, tmp_path, runtime):
    registry = tmp_path / "registry.db"
    master, url = start_master(address, registry)
    agents = [start_agent(address, tmp_path / str(number)) for number in range(2)]
    ids = {registered(agent) for agent in agents}
    first = Keeper()
    submit(runtime, first, HttpConnection(url, reconnect=False))
    first.running.future.get(timeout=PATIENCE)

    master.kill()
    master.wait()
    first.lost.future.get(timeout=PATIENCE)
    master, url = start_master(address, registry)
    second = Keeper(id=first.framework_id)
    result = submit(runtime, second, HttpConnection(url))
    found = second.found.future.get(timeout=PATIENCE)
    state = get(f"{url}/state")
    la.dispatch(second.pid, Keeper.end).get(timeout=PATIENCE)
    ended = second.ended.future.get(timeout=PATIENCE)

    assert found.agent_id in ids
    assert found.agent_id in {agent["id"] for agent in state["slaves"]} <= ids
    assert [framework["id"] for framework in state["frameworks"]] == [first.framework_id]
    assert ended.state is TaskState.TASK_KILLED
    assert not first.ended.future.is_ready()
    result.discard()


# Goal: a framework of a program of its own goes on by itself. Method: master, agent and framework speak libactor's
#   transport, with a secret; the master is killed, and the next one has the same registry and address.
def test_a_framework_of_another_program_finds_the_next_master_by_itself(address, tmp_path):
    registry, secret = tmp_path / "registry.db", tmp_path / "secret"
    secret.write_text(SECRET)
    master, url = start_master(address, registry, "--secret-file", secret)
    agent_id = registered(start_agent(address, tmp_path / "work", "--secret-file", secret))
    with la.Runtime(remote=la.Remote(secret=SECRET.encode())) as runtime:
        keeper = Keeper()
        result = submit(runtime, keeper, RemoteConnection(address))
        keeper.running.future.get(timeout=PATIENCE)

        master.kill()
        master.wait()
        _, url = start_master(address, registry, "--secret-file", secret)
        keeper.back.future.get(timeout=PATIENCE)
        found = keeper.found.future.get(timeout=PATIENCE)
        state = get(f"{url}/state")
        la.dispatch(keeper.pid, Keeper.end).get(timeout=PATIENCE)
        ended = keeper.ended.future.get(timeout=PATIENCE)
        result.discard()
        la.wait(keeper.pid, PATIENCE)

    assert (found.agent_id, ended.state) == (agent_id, TaskState.TASK_KILLED)
    assert [framework["id"] for framework in state["frameworks"]] == [keeper.framework_id]
    assert not keeper.lost.future.is_ready()


# Goal: so does one over HTTP, which needs neither the transport nor the secret. Method: the next master has the same
#   port, and the framework was there before the first.
def test_a_framework_over_http_finds_the_next_master_by_itself(address, tmp_path, runtime):
    registry, keeper = tmp_path / "registry.db", Keeper()
    port = free_port()
    result = submit(runtime, keeper, HttpConnection(f"127.0.0.1:{port}"))  # before there is a master
    master, url = start_master(address, registry, "--port", port)
    agent_id = registered(start_agent(address, tmp_path / "work"))
    keeper.running.future.get(timeout=PATIENCE)

    master.kill()
    master.wait()
    _, again = start_master(address, registry, "--port", port)
    keeper.back.future.get(timeout=PATIENCE)
    found = keeper.found.future.get(timeout=PATIENCE)
    state = get(f"{url}/state")
    la.dispatch(keeper.pid, Keeper.end).get(timeout=PATIENCE)
    ended = keeper.ended.future.get(timeout=PATIENCE)
    result.discard()

    assert url == again
    assert (found.agent_id, ended.state) == (agent_id, TaskState.TASK_KILLED)
    assert [framework["id"] for framework in state["frameworks"]] == [keeper.framework_id]
    assert not keeper.lost.future.is_ready()
    (network,) = state["frameworks"][0]["tasks"][0]["statuses"][-1]["container_status"]["network_infos"]
    assert network == {"ip_addresses": [{"protocol": "IPv4", "ip_address": "127.0.0.1"}]}


def test_a_run_whose_master_is_killed_says_which_task_may_run_on(address, tmp_path):
    master, url = start_master(address, tmp_path / "registry.db")
    agent = start_agent(address, tmp_path / "work")
    registered(agent)
    running = begin("run", "--master", url, "echo $MESOS_TASK_ID; exec sleep 1000")
    task_id = line_of(running).strip()

    master.kill()
    status, _, errors = finish(running)
    agent.terminate()  # with its task

    assert status == 120
    assert errors.endswith(f"; {task_id} may run on\n")
    assert finish(agent)[0] == 0


def test_an_agent_that_was_killed_and_begins_anew_is_the_same_and_its_tasks_are_lost(address, tmp_path, runtime):
    _, url = start_master(address, tmp_path / "registry.db")
    port = free_port()
    where = ("--address", f"127.0.0.1:{free_port()}", "--port", port, "--hostname", "nowhere.example")
    agent = start_agent(address, tmp_path / "work", *where)
    before = registered(agent)
    told = tmp_path / "pid"
    os.mkfifo(told)
    keeper = Keeper(f"echo $$ $MESOS_AGENT_ENDPOINT > {told}; exec sleep 1000")
    result = submit(runtime, keeper, HttpConnection(url))
    keeper.running.future.get(timeout=PATIENCE)
    process, endpoint = told.read_text().split()
    command = os.pidfd_open(int(process))  # waits for the shell, which runs by now

    agent.kill()
    agent.wait()
    again = start_agent(address, tmp_path / "work", *where)
    after = registered(again)
    ended = keeper.ended.future.get(timeout=PATIENCE)
    assert select.select([command], [], [], PATIENCE)[0], "it runs on, though nobody knows it"
    os.close(command)

    assert (before, endpoint) == (after, f"127.0.0.1:{port}")
    assert (ended.state, ended.agent_id) == (TaskState.TASK_LOST, before)
    assert [agent["id"] for agent in get(f"{url}/state")["slaves"]] == [after]
    result.discard()


def test_an_agent_of_any_port_takes_the_one_it_had_and_goes_on_without(address, tmp_path):
    _, url = start_master(address, tmp_path / "registry.db")

    def begin() -> tuple[str, int]:
        agent = start_agent(address, tmp_path / "work")
        agent_id = registered(agent)
        [known] = get(f"{url}/state")["slaves"]
        agent.kill()
        agent.wait()
        return agent_id, known["port"]

    first, second = begin(), begin()
    with socket.create_server(("127.0.0.1", second[1])):
        third = begin()

    assert first == second
    assert (third[0], third[1] != second[1]) == (first[0], True)


def test_an_agent_waits_for_a_master_that_is_not_there_yet_and_says_so(address, tmp_path):
    log_dir = tmp_path / "logs"
    agent = start_agent(address, tmp_path / "work", "--logging-level", "INFO", "--log-dir", str(log_dir))
    assert select.select([agent.stderr], [], [], PATIENCE)[0]
    said = agent.stderr.readline().decode()

    start_master(address, tmp_path / "registry.db")
    registered(agent)
    agent.terminate()
    more = agent.stderr.read().decode()

    assert f"master@{address} cannot be reached" in said
    assert "it is tried again; see whether it runs" in said
    assert "no connection" not in more  # that is said once, and by one of those who know
    assert said in (log_dir / "mesoslite-agent.log").read_text()


def test_an_agent_finds_a_master_by_the_name_of_its_host_and_one_that_begins_anew_as_well(address, tmp_path):
    name = address.replace("127.0.0.1", "localhost")
    first, _ = start_master(address, tmp_path / "registry.db")
    agent = start_agent(name, tmp_path / "work")
    before = registered(agent)

    first.kill()
    first.wait()
    _, url = start_master(address, tmp_path / "registry.db")
    said = ""
    while "registered again" not in said:
        assert select.select([agent.stderr], [], [], PATIENCE)[0]
        said = agent.stderr.readline().decode()

    assert [one["id"] for one in get(f"{url}/state")["slaves"]] == [before]


def test_an_agent_without_the_secret_of_its_master_says_so(address, tmp_path):
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "other").write_text(SECRET[::-1])
    start_master(address, tmp_path / "registry.db", "--secret-file", tmp_path / "secret")

    agent = start_agent(address, tmp_path / "work", "--secret-file", tmp_path / "other")
    assert select.select([agent.stderr], [], [], PATIENCE)[0]
    said = agent.stderr.readline().decode()
    other = start_agent(address, tmp_path / "more", "--secret-file", tmp_path / "secret")

    assert "has another secret; give both the same" in said
    registered(other)


class Visitor(la.Actor):
    """A framework without a task, which is told of one by who speaks for ``agent``, and then asks the master itself."""

    def __init__(self, master, agent, agent_id):
        super().__init__()
        self.master, self.agent, self.agent_id = master, agent, agent_id
        self.heard, self.answered = [], la.Promise()

    def on_start(self):
        la.post(self.master, Subscribe(FrameworkInfo(name="visitor")))

    @la.handles(Subscribed)
    def ask(self, event):
        state = TaskState.TASK_RUNNING
        status = TaskStatus(
            task_id=TaskID("false"),
            state=state,
            source=Source.SOURCE_EXECUTOR,
            timestamp=1.0,
            agent_id=self.agent_id,
            uuid=bytes(16),
        )
        told = StatusUpdate(framework_id=event.framework_id, status=status, latest_state=state)
        la.post(self.master, told, sender=self.agent)
        la.post(self.master, Reconcile(event.framework_id, (TaskReference(TaskID("asked")),)))

    @la.handles(Update)
    def note(self, event):
        self.heard.append(event.status.task_id)
        if event.status.task_id == "asked":
            self.answered.set(self.heard)


# Goal: nobody speaks for an agent but its own program. Method: another one does, and then asks in its own name.
def test_what_a_program_says_in_the_name_of_another_ones_agent_is_not_heard(address, tmp_path):
    start_master(address, tmp_path / "registry.db")
    own_address = f"127.0.0.1:{free_port()}"
    agent_id = registered(start_agent(address, tmp_path / "work", "--address", own_address))

    with la.Runtime(remote=la.Remote()) as liar:
        master, agent = liar.parse_pid(f"master@{address}"), liar.parse_pid(f"slave(1)@{own_address}")
        visitor = Visitor(master, agent, agent_id)
        liar.spawn(visitor)

        assert visitor.answered.future.get(timeout=PATIENCE) == ["asked"]


def test_of_two_masters_of_one_registry_the_later_has_it_and_the_earlier_ends(address, tmp_path):
    registry = tmp_path / "registry.db"
    first, _ = start_master(address, registry)
    second = begin("master", "--address", "127.0.0.1:0", "--port", 0, "--registry", registry)
    line_of(second)

    start_agent(address, tmp_path / "work")  # it asks the first one, which has to write
    status, _, errors = finish(first)

    assert status == 1
    assert "Fenced" in errors
    assert "has taken over in epoch" in errors


@pytest.mark.parametrize("command", ["master", "agent"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_they_end_with_status_zero_when_they_are_told_to(command, number, tmp_path):
    options = ["--work-dir", tmp_path] if command == "agent" else []
    process = begin(command, "--address", "127.0.0.1:0", "--port", 0, *options)
    line_of(process)

    process.send_signal(number)

    assert finish(process)[0] == 0


def test_an_agent_that_cannot_read_what_was_left_names_the_file_and_what_to_do(tmp_path):
    (tmp_path / "meta/slaves/a").mkdir(parents=True)
    (tmp_path / "meta/slaves/latest").symlink_to("a")
    (tmp_path / "meta/slaves/a/slave.info").write_bytes(b"of somebody else")

    options = ["--address", "127.0.0.1:0", "--port", 0, "--work-dir", tmp_path, "--log-dir", tmp_path / "logs"]
    status, output, errors = mesoslite("agent", *options)

    assert (status, output, errors.count("\n")) == (1, b"", 1)
    assert "slaves/a/slave.info is no checkpoint of this program; " in errors
    assert "start with --no-strict" in errors
    assert "slave.info is no checkpoint" in (tmp_path / "logs/mesoslite-agent.log").read_text()


def test_an_agent_that_cleans_up_ends_well(tmp_path):
    options = ["--work-dir", tmp_path, "--recover", "cleanup"]

    status, output, _ = mesoslite("agent", "--address", "127.0.0.1:0", "--port", 0, *options)

    assert status == 0
    assert b"the next one is new" in output


@pytest.mark.parametrize("option", ["--port", "--address"])
@pytest.mark.parametrize("command", ["master", "agent"])
def test_a_port_that_is_taken_is_one_line_and_status_one(command, option, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        options = {"--address": "127.0.0.1:0", "--port": 0}
        options[option] = port if option == "--port" else f"127.0.0.1:{port}"
        rest = ["--work-dir", tmp_path / "work"] if command == "agent" else []

        status, _, errors = mesoslite(command, *[one for pair in options.items() for one in pair], *rest)

    assert (status, errors.count("\n")) == (1, 1)
    assert str(port) in errors
    assert "in use" in errors
    assert not (tmp_path / "work").exists()


def test_a_registry_that_is_none_is_one_line_and_status_one(tmp_path):
    (tmp_path / "letters").write_bytes(b"to my aunt" * 1000)

    status, _, errors = mesoslite("master", "--address", "127.0.0.1:0", "--port", 0, "--registry", tmp_path / "letters")

    assert (status, errors.count("\n")) == (1, 1)
    assert "is no registry; move it away, or name another file\n" in errors


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["master", "--address", "nowhere"], "--address nowhere: "),
        (["master", "--address", "example.org:5055"], "expected an address in numbers"),
        (
            ["master", "--address", "10.0.0.6:5055"],
            "give --secret-file, the same to all that talk to one another, or listen on 127.0.0.1\n",
        ),
        (["master", "--address", "0.0.0.0:5055"], "say by --advertise which"),
        (["master", "--agent-ping-timeout", "soon"], "expected a duration such as 30secs"),
        (["master", "--agent-ping-timeout", "1hrs"], ": --agent-ping-timeout: got 3600.0"),
        (["master", "--registry-max-agent-age", "99999weeks"], ": --registry-max-agent-age: got 60479395200.0"),
        (["master", "--agent-removal-rate-limit", "often"], "such as 1/10mins"),
        (["master", "--recovery-agent-removal-limit", "0.5"], "a part such as 25%"),
        (["master", "--max-completed-frameworks", "-1"], ": --max-completed-frameworks: got -1"),
        (["master", "--allocator", "nobody"], "nothing named 'nobody'"),
        (["master", "--registry", ""], "--registry is empty"),
        (["master", "--whitelist", ""], "--whitelist is empty"),
        (["master", "--webui-dir", ""], "--webui-dir is empty"),
        (["master", "--logging-level", "loud"], "expected one of DEBUG"),
        (["master", "--log-dir", ""], "--log-dir is empty"),
        (["master", "--offer-timeout", "0secs"], ": --offer-timeout: got 0.0"),
        (["master", "--heartbeat-interval", "0ms"], ": --heartbeat-interval: got 0.0"),
        (["master", "--allocation-interval", "0"], ": --allocation-interval: got 0.0"),
        (["master", "--role-sorter", "fair"], ": --role-sorter fair: "),
        (["agent", "--master", "nowhere"], ": --master nowhere: got the address"),
        (["agent", "--master", "a..b:5055"], ": --master a..b:5055: the name leads nowhere"),
        (["agent", "--master", "localhost:0"], ": --master localhost:0: "),
        (
            ["agent", "--master", "http://127.0.0.1:5050"],
            "the --address of the master, not the URL",
        ),
        (["dev", "--agents", "0"], ": --agents: got 0"),
        (["dev", "--masters", "0"], ": --masters: got 0"),
        (["dev", "--resources", "cpus:-1"], ": --resources: resource cpus of -1.0"),
        (["run", "--cpus", "-1", "true"], ": --cpus -1: expected 0, or at least"),
        (["run", "--master", "ftp://x", "true"], ": --master ftp://x: expected the URL"),
        (["why", "--master", "ftp://x", "task"], ": --master ftp://x: expected the URL"),
        (["agent", "--resources", "cpus:many"], "cpus:many"),
        (["agent", "--attributes", "rack"], "expected name:value"),
        (["agent", "--work-dir", ""], "--work-dir is empty"),
        (["agent", "--isolation", "cgroups/gpu"], ": --isolation: got 'cgroups/gpu', expected some of posix/cpu"),
        (["agent", "--isolation", "linux/nnp", "--launcher", "posix"], "linux/nnp needs --launcher=supervisor"),
        (
            ["agent", "--isolation", "posix/rlimits,linux/nnp", "--launcher", "posix"],
            "linux/nnp, posix/rlimits need --launcher=supervisor, which this agent has not; leave them out",
        ),
        (["agent", "--isolation", ""], ": --isolation: is empty"),
        (["agent", "--isolation", " ,"], ": --isolation: is empty"),
        (["agent", "--launcher", "docker"], ": --launcher: got 'docker', expected one of supervisor, posix"),
        (["agent", "--cgroups-root", "../x"], ": --cgroups-root: got '../x'"),
        (["agent", "--container-disk-watch-interval", "soon"], ": --container-disk-watch-interval: got 'soon'"),
        (["agent", "--effective-capabilities", "CAP_KILL"], ": --effective-capabilities: got 'CAP_KILL'"),
        (["agent", "--container-logger", "journald"], ": --container-logger: got 'journald'"),
        (["agent", "--container-logger", "logrotate", "--launcher", "posix"], ": --container-logger: logrotate needs"),
        (["agent", "--max-stdout-size", "1"], ": --max-stdout-size: got '1'"),
        (["agent", "--max-stdout-size", "20MB"], ": --max-stdout-size: nothing is rotated without --container-logger"),
        (["agent", "--max-stdout-size", "1KB"], ": --max-stdout-size: got 1024B, expected at least 160KB"),
        (["agent", "--logrotate-stderr-options", "compress"], ": --logrotate-stderr-options: got 'compress'"),
        (["agent", "--secret-file", ""], "--secret-file is empty"),
        (["agent", "--executor-environment-variables", '{"A": 1}'], "environment-variables: expected a JSON object"),
        (["agent", "--executor-environment-variables", '{"A=B": ""}'], "environment-variables: got the variable 'A=B'"),
    ],
)
def test_options_that_can_never_work_are_usage_errors(arguments, problem, tmp_path):
    rest = ["--work-dir", tmp_path] if arguments[0] == "agent" and "--work-dir" not in arguments else []

    status, output, errors = mesoslite_here(*arguments, *rest)

    assert (status, output) == (2, b"")
    assert problem in errors


def test_a_secret_that_is_too_short_is_told_of_its_file(tmp_path):
    (tmp_path / "secret").write_text("short")

    status, _, errors = mesoslite_here("master", "--secret-file", tmp_path / "secret")

    assert status == 2
    assert errors.startswith(f"mesoslite: --secret-file {tmp_path / 'secret'}: got 5 bytes, expected at least 16")


def test_a_secret_that_cannot_be_read_is_status_one(tmp_path):
    status, _, errors = mesoslite_here("master", "--secret-file", tmp_path / "none")

    assert status == 1
    assert "No such file" in errors


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        ("--images-dir", "there is no such directory; make it, or leave it out"),
        ("--frameworks-home", "there is no such directory; make it, or leave it out"),
        ("--runtime-dir", "Not a directory"),
        ("--log-dir", "Not a directory"),
        ("--work-dir", "Not a directory"),
    ],
)
def test_a_directory_that_cannot_be_is_refused_by_its_option(option, problem, tmp_path):
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "below"
    work = ["--work-dir", tmp_path / "work"] if option != "--work-dir" else []
    more = ["--address", "127.0.0.1:0", "--port", 0, "--launcher", "supervisor"]

    status, output, errors = mesoslite_here("agent", option, place, *work, *more)

    assert (status, output, errors) == (1, b"", f"mesoslite: {option} {place}: {problem}\n")
    assert not (tmp_path / "work").exists()


def test_a_directory_without_a_web_page_is_refused(tmp_path):
    status, output, errors = mesoslite_here("master", "--webui-dir", tmp_path, "--address", "127.0.0.1:0", "--port", 0)

    assert (status, output) == (1, b"")
    assert errors.startswith(f"mesoslite: --webui-dir {tmp_path}: there is no index.html; ")


def test_attributes_are_shown_as_mesos_shows_them(address, tmp_path):
    _, url = start_master(address, tmp_path / "registry.db")
    registered(start_agent(address, tmp_path / "work", "--attributes", "rack:r1;ssd:2.5;cores:[0-3,6-7];zones:{b,a}"))

    [agent] = get(f"{url}/state")["slaves"]

    assert agent["attributes"] == {"rack": "r1", "ssd": 2.5, "cores": "[0-3, 6-7]", "zones": "{a, b}"}


# ---- a work directory is one agent's ----


def test_a_second_agent_at_a_work_directory_is_refused_until_the_first_has_ended_in_whichever_way(address, tmp_path):
    with start_agent(address, tmp_path) as first:
        status, output, errors = mesoslite_here("agent", "--master", address, "--port", 0, "--work-dir", tmp_path)
        first.kill()
        first.wait()
    with start_agent(address, tmp_path) as third:
        last = stop_dev(third)

    assert (status, output) == (1, b"")
    assert errors == f"mesoslite: {tmp_path}: another agent has this work directory; give each one of its own\n"
    assert last[0] == 0


def test_a_directory_of_fetched_files_that_others_may_write_to_is_refused(address, tmp_path):
    cache, work_dir = tmp_path / "cache", tmp_path / "work"
    cache.mkdir()
    cache.chmod(0o777)
    where = ("--port", 0, "--work-dir", work_dir, "--fetcher-cache-dir", cache)
    status, _, errors = mesoslite_here("agent", "--master", address, *where)

    assert (status, errors.count("\n")) == (1, 1)
    assert f"{cache}: others may write to this directory of fetched files" in errors


# ---- the port of another interface ----


def test_whoever_asks_at_the_port_of_another_interface_is_told_so(address, tmp_path):
    master, url = start_master(address, tmp_path / "registry")
    with master:
        run = mesoslite_here("run", "--master", address, "true")
        why = mesoslite_here("why", "--master", address, "task")
        port = url.rpartition(":")[2]
        with start_agent(f"127.0.0.1:{port}", tmp_path / "agent") as agent:
            said = agent.stderr.readline().decode()
            stop_dev(agent)
        stop_dev(master)

    assert (run[0], why[0]) == (120, 1)
    assert "does not speak HTTP" in run[2]
    assert "API of a master, which has a port of its own" in run[2]
    assert f"--master http://{address}: who listens there does not speak HTTP" in why[2]
    assert "the peer serves HTTP; give the address of its runtime, which has a port of its own" in said
