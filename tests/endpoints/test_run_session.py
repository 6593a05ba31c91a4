"""`mesoslite run` against a scripted master: what goes wrong on the way is told, or survived."""

import base64
import json
import os
import subprocess

import pytest

import libactor as la
from mesoslite.api import master_app
from mesoslite.cli import run_session
from mesoslite.model import (
    Accept,
    Acknowledge,
    AgentID,
    Decline,
    Error,
    Label,
    Offer,
    OfferID,
    Offers,
    Reason,
    Resources,
    Revive,
    Source,
    Subscribe,
    Suppress,
    TaskState,
    TaskStatus,
    Teardown,
    Update,
)
from tests.ready import Program

from .fakes import FRAMEWORK, FakeMaster
from .views import agent, amounts, view

pytestmark = pytest.mark.real

BOUND = 120.0
MAIN = "from mesoslite.cli.main import main; main()"

BUSY = agent(resources=amounts(cpus=4, mem=1024))


class Session:
    """A run of `true` that has subscribed (unless it may end before) to a master who does what the test says."""

    def __init__(self, runtime, server, shown, *arguments, subscribes=True, credential=""):
        self.actor = FakeMaster(shown)
        self.url = url = server.listen(master_app(runtime.spawn(self.actor)))
        self.process = Program(
            "mesoslite.cli.main",
            ["-c", MAIN, "run", "--master", url.replace("//", f"//{credential}"), *arguments, "true"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(os.environ),
        )
        self.scheduler = self.expect(Subscribe, by_sender=True) if subscribes else None
        self.errors = ""

    def expect(self, kind, by_sender=False):
        """The next call, which must be of that kind; or who sent it."""
        call, sender = self.actor.heard.get(timeout=BOUND)
        assert isinstance(call, kind), call
        return sender if by_sender else call

    def tell(self, event):
        la.post(self.scheduler, event)

    def offer(self, id="o", port=1, hostname="127.0.0.1", **resources):
        """Make one offer."""
        resources = Resources.of(**(resources or {"cpus": 1, "mem": 64}))
        fields = {"framework_id": FRAMEWORK, "agent_id": AgentID("a"), "hostname": hostname, "role": "*"}
        self.tell(Offers((Offer(id=OfferID(id), resources=resources, port=port, **fields),)))

    def launched(self):
        """The task that is launched next."""
        accept = self.expect(Accept)
        self.expect(Suppress)
        return accept.operations[0].tasks[0]

    def update(self, task, state, **fields):
        fields = {"source": Source.SOURCE_MASTER, "timestamp": 1.0, "agent_id": AgentID("a"), **fields}
        self.tell(Update(TaskStatus(task_id=task.task_id, state=state, **fields)))

    def told(self):
        """The next line on the error output."""
        return self.process.stderr.readline().decode()

    def end(self):
        """The exit status and the rest of the error output."""
        _, errors = self.process.communicate(timeout=BOUND)
        return self.process.returncode, errors.decode()


@pytest.fixture
def begin(runtime, server):
    sessions = []

    def begin(*arguments, agents=(BUSY,), **options):
        sessions.append(Session(runtime, server, view(agents=agents), *arguments, **options))
        return sessions[-1]

    yield begin
    for session in sessions:
        session.process.kill()
        session.process.communicate()


def test_an_error_of_the_master_ends_the_command(begin):
    session = begin()

    session.tell(Error("Framework has been removed"))

    assert session.end() == (120, "mesoslite: Framework has been removed\n")


def test_a_master_that_goes_away_ends_the_command(begin, server):
    session = begin()

    server.close()

    status, errors = session.end()
    assert status == 120
    assert "has ended the stream of events" in errors


def test_a_lost_task_is_told_with_its_reason(begin):
    session = begin()
    session.offer()

    session.update(session.launched(), TaskState.TASK_LOST, message="Agent a is lost")

    status, errors = session.end()
    assert status == 122
    assert f"mesoslite: TASK_LOST: Agent a is lost; mesoslite why --master {session.url} " in errors


def test_a_status_is_acknowledged_and_the_framework_torn_down(begin):
    session = begin()
    session.offer()

    session.update(session.launched(), TaskState.TASK_FINISHED, uuid=bytes(16))

    assert session.expect(Acknowledge).uuid == bytes(16)
    assert session.expect(Teardown).framework_id == FRAMEWORK
    assert session.end()[0] == 0


@pytest.mark.parametrize(
    ("hostname", "url"),
    [("127.0.0.1", "http://127.0.0.1:1"), ("::1", "http://[::1]:1"), ("no\N{SNOWMAN}", "http://no\N{SNOWMAN}:1")],
)
def test_output_that_cannot_be_read_is_told_once_and_changes_no_exit_status(begin, hostname, url):
    session = begin()
    session.offer(port=1, hostname=hostname)
    task = session.launched()

    told = session.told()
    session.update(task, TaskState.TASK_FAILED, labels=())
    status, errors = session.end()

    assert "the output of the task cannot be shown: " + url in told
    assert ("--hostname and --host by which" in told) is not hostname.startswith("no")
    assert (status, errors.partition(";")[0]) == (122, "mesoslite: TASK_FAILED: no reason was given")


def test_the_output_is_shown_by_an_agent_that_asks_for_the_password(begin, server):
    asked = []

    async def agent(scope, receive, send):
        asked.append(dict(scope["headers"]).get(b"authorization"))
        wanted = json.loads((await receive())["body"])["read_file"]
        said = b"" if wanted["offset"] else b"hello"
        body = json.dumps({"read_file": {"data": base64.b64encode(said).decode(), "size": 5}}).encode()
        is_there = wanted["path"].endswith(("/stdout", "/stderr"))
        await send({"type": "http.response.start", "status": 200 if is_there else 404, "headers": []})
        await send({"type": "http.response.body", "body": body})

    session = begin(credential="ann:secret@")
    session.offer(port=int(server.listen(agent).rpartition(":")[2]))
    session.update(session.launched(), TaskState.TASK_FINISHED)
    output, _ = session.process.communicate(timeout=BOUND)

    assert output.startswith(b"hello")
    assert set(asked) == {b"Basic " + base64.b64encode(b"ann:secret")}


def test_a_launch_that_came_too_late_is_repeated_on_the_next_offer(begin):
    session = begin()
    session.offer("first")
    session.update(session.launched(), TaskState.TASK_LOST, reason=Reason.REASON_INVALID_OFFERS)
    session.expect(Revive)

    session.offer("second")
    session.update(session.launched(), TaskState.TASK_FINISHED)

    assert session.end()[0] == 0


def test_an_offer_that_is_too_small_is_declined_and_a_busy_cluster_is_waited_for(begin):
    session = begin("--cpus", "2")
    session.offer("small", cpus=1)
    declined = session.expect(Decline)

    told = session.told()
    session.offer("large", cpus=4, mem=512)
    session.update(session.launched(), TaskState.TASK_FINISHED)

    assert declined.offer_ids == ("small",)
    waiting, _, why = told.partition("; mesoslite why ")
    assert waiting == "mesoslite: no agent offers cpus:2; mem:32 now, though some have it; waiting"
    assert why.startswith(f"--master {session.url} run-")
    assert why.endswith(f" --framework {FRAMEWORK} says more\n")
    assert session.end()[0] == 0


def test_what_is_to_be_done_next_is_told_without_the_password(begin):
    session = begin("--cpus", "2", "--mem", "32", credential="ann:secret@")
    session.offer("small", cpus=1, mem=32)
    session.expect(Decline)

    told = session.told()

    assert f"mesoslite why --master {session.url} run-" in told


def test_a_task_that_others_have_killed_says_so(begin):
    session = begin()
    session.offer()
    task = session.launched()
    killed = (Label("exit_status", "-15"),)

    session.update(task, TaskState.TASK_KILLED, labels=killed, message="Agent is draining")
    status, errors = session.end()

    assert status == 143
    assert "mesoslite: TASK_KILLED: Agent is draining; mesoslite why --master" in errors


def test_a_task_that_its_agent_has_ended_says_why_in_one_line(begin):
    session = begin()
    session.offer()
    task = session.launched()
    killed = (Label("exit_status", "-9"),)
    message = "Memory limit exceeded: Requested: 64MB\n\nMEMORY STATISTICS: \ncache 0\n"

    session.update(
        task, TaskState.TASK_FAILED, labels=killed, message=message, reason=Reason.REASON_CONTAINER_LIMITATION_MEMORY
    )
    status, errors = session.end()

    assert status == 137
    assert "mesoslite: TASK_FAILED: Memory limit exceeded: Requested: 64MB [...]; mesoslite why --master" in errors


def test_a_cluster_without_agents_is_waited_for(begin):
    session = begin(agents=())

    told = session.told()
    session.offer()
    session.update(session.launched(), TaskState.TASK_FINISHED)

    assert told == "mesoslite: no agent has registered with the master yet; waiting for one\n"
    assert session.end()[0] == 0


def test_the_time_can_be_over_before_anything_was_offered(begin):
    session = begin("--timeout", "0.2", subscribes=False)

    assert session.end() == (124, "mesoslite: the time is over; the task was never started\n")


def test_a_user_without_a_name_is_told_by_number(monkeypatch):
    def nobody(number):
        raise KeyError(number)

    monkeypatch.setattr("pwd.getpwuid", nobody)

    assert run_session._user() == str(os.getuid())
