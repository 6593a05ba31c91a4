"""Sessions in the container of a task that runs: real processes, supervised or plain, by the API of their agent."""

import base64
import http.client
import json
import queue
from urllib.parse import urlsplit

import pytest

import libactor as la
from mesoslite.agent import Agent
from mesoslite.api import agent_app
from mesoslite.containment import PosixContainerizer, SupervisedContainerizer
from mesoslite.model import (
    AgentRegistered,
    CommandInfo,
    RegisterAgent,
    Resources,
    RunTask,
    StatusUpdate,
    StatusUpdateAcknowledgement,
    TaskState,
)
from mesoslite.model.v1 import Records
from tests.agents.house import AGENT, make_framework, make_task

from .contained import record
from .fakes import BOUND

pytestmark = pytest.mark.real
RECORDIO = {"Content-Type": "application/recordio", "Message-Content-Type": "application/json"}


class Master(la.Actor):
    """Has one task run, and says in which container."""

    def __init__(self, task):
        super().__init__()
        self.task = task
        self.running = queue.SimpleQueue()

    @la.handles(RegisterAgent)
    def register(self, message, sender):
        la.post(sender, AgentRegistered(AGENT))
        la.post(sender, RunTask(make_framework(), self.task))

    @la.handles(StatusUpdate)
    def update(self, message, sender):
        status = message.status
        la.post(
            sender,
            StatusUpdateAcknowledgement(
                agent_id=AGENT, framework_id=message.framework_id, task_id=status.task_id, uuid=status.uuid
            ),
        )
        if status.state is TaskState.TASK_RUNNING:
            self.running.put(status.container_status.value["container_id"])


class Place:
    """An agent whose task waits for nothing, and its API."""

    def __init__(self, runtime, server, directory, containerizer):
        master = Master(make_task(command=CommandInfo(value="echo mine > file; exec sleep 1000")))
        agent = Agent(
            runtime.spawn(master),
            resources=Resources.parse("cpus:2;mem:256"),
            work_dir=directory / "agent",
            containerizer=containerizer,
            port=5051,
        )
        self.pid = runtime.spawn(agent)
        self.address = urlsplit(server.listen(agent_app(self.pid, directory / "agent", runtime=runtime)))
        self.container = master.running.get(timeout=BOUND)

    def post(self, body, **headers):
        connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=BOUND)
        connection.request("POST", "/api/v1", body, headers, encode_chunked=not isinstance(body, bytes))
        return connection, connection.getresponse()

    def call(self, kind, name, **fields):
        container_id = {"value": name, "parent": self.container}
        body = json.dumps({"type": kind, kind.lower(): {"container_id": container_id, **fields}}).encode()
        return self.post(body, **{"Content-Type": "application/json"})

    def write(self, name, *messages):
        """Write to a container; the status."""
        container_id = {"value": name, "parent": self.container}
        bodies = [{"type": "CONTAINER_ID", "container_id": container_id}]
        bodies += [{"type": "PROCESS_IO", "process_io": each} for each in messages]
        calls = [{"type": "ATTACH_CONTAINER_INPUT", "attach_container_input": each} for each in bodies]
        connection, response = self.post(b"".join(map(record, calls)), **RECORDIO)
        connection.close()
        return response.status

    def wait(self, name):
        connection, response = self.call("WAIT_NESTED_CONTAINER", name)
        body = response.read()
        connection.close()
        assert response.status == 200, body
        return json.loads(body)["wait_nested_container"]


@pytest.fixture(params=["posix", "supervised"])
def place(request, runtime, server, tmp_path):
    is_posix = request.param == "posix"
    containerizer = PosixContainerizer() if is_posix else SupervisedContainerizer(str(tmp_path / "runtime"))
    place = Place(runtime, server, tmp_path, containerizer)
    yield place
    la.terminate(place.pid)
    assert la.wait(place.pid, BOUND)


def typed(data):
    return {"type": "DATA", "data": {"type": "STDIN", "data": base64.b64encode(data).decode()}}


def printed(response, enough=None):
    """What a stream says was printed, until its end, or until there is ``enough``."""
    records, output = Records(), {"STDOUT": b"", "STDERR": b""}
    while enough is None or enough not in output["STDOUT"]:
        piece = response.read1(65536)
        if not piece:
            break
        for each in records.feed(piece):
            message = json.loads(each)
            if message["type"] == "DATA":
                output[message["data"]["type"]] += base64.b64decode(message["data"]["data"])
    return output


def test_a_session_sees_its_task_and_what_is_typed(place):
    connection, response = place.call(
        "LAUNCH_NESTED_CONTAINER_SESSION",
        "s",
        command={"value": "until [ -s file ]; do :; done; cat file; cat; echo bad >&2; exit 3"},
    )
    assert response.status == 200, response.read()

    status = place.write("s", typed(b"one\n"), typed(b"x" * 200_000), typed(b""))
    output = printed(response)

    assert (status, output) == (200, {"STDOUT": b"mine\none\n" + b"x" * 200_000, "STDERR": b"bad\n"})
    assert place.wait("s") == {"exit_status": 3 << 8}
    connection.close()


def test_a_session_may_have_a_terminal(place):
    tty = {"type": "MESOS", "tty_info": {"window_size": {"rows": 11, "columns": 22}}}
    command = {"value": "stty size; read line; stty size; echo got $line"}
    connection, response = place.call("LAUNCH_NESTED_CONTAINER_SESSION", "t", command=command, container=tty)
    assert response.status == 200, response.read()
    printed(response, b"11 22")
    window = {
        "type": "CONTROL",
        "control": {"type": "TTY_INFO", "tty_info": {"window_size": {"rows": 33, "columns": 44}}},
    }

    status = place.write("t", window, typed(b"it\n"))
    output = printed(response)["STDOUT"]

    assert status == 200
    assert b"33 44" in output
    assert b"got it" in output
    connection.close()


def test_a_session_is_killed_with_its_connection(place):
    connection, response = place.call("LAUNCH_NESTED_CONTAINER_SESSION", "k", command={"value": "echo up; sleep 1000"})
    printed(response, b"up")

    response.close()
    connection.close()

    assert place.wait("k") == {"exit_status": 9}


# Goal: a session may print more than anybody would keep. Method: its client begins to read late.
def test_a_session_waits_for_its_client(place):
    command = {"value": "head -c 20000000 /dev/zero"}
    connection, response = place.call("LAUNCH_NESTED_CONTAINER_SESSION", "b", command=command)
    connection.sock.settimeout(BOUND)
    first = response.read1(100)
    for _ in range(20):  # each asks the agent, which the output has to share with it
        place.call("GET_HEALTH", "b")[0].close()

    assert len(first + response.read()) > 4 * 20_000_000 // 3
    connection.close()
