"""Mesos's command line, the one in Python 3 (`mesos agent list`, `mesos task exec` ...): what it asks, as it asks it.

It is not to be had as a package, so its requests are made here, by the library and with the headers of its own.
"""

# Source: Mesos src/python/cli_new/lib/cli/mesos.py (get_key_endpoint, TaskIO), src/python/lib/mesos/http.py.
# It writes by two requests: one that says the container and ends, to see whether that is there, then the other.

import base64
import json
import os
import queue

import pytest
import requests

import libactor as la
import mesoslite
from libactor.http import HttpServer
from mesoslite.containment import SupervisedContainerizer
from mesoslite.framework import submit
from mesoslite.framework.http import HttpConnection
from mesoslite.model import Resources, TaskID, TaskState
from mesoslite.model.documents import FrozenDocument
from mesoslite.model.v1 import Records, frame

from .conftest import BOUND, Site

pytestmark = pytest.mark.real

ANSWERS = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "gzip"}
OUTPUT = {**ANSWERS, "Accept": "application/recordio", "Message-Accept": "application/json"}
INPUT = {
    **ANSWERS,
    "Content-Type": "application/recordio",
    "Message-Content-Type": "application/json",
    "Connection": "close",
    "Transfer-Encoding": "chunked",
}
HEARTBEAT = {
    "type": "CONTROL",
    "control": {"type": "HEARTBEAT", "heartbeat": {"interval": {"nanoseconds": 30 * 10**9}}},
}


class Two(mesoslite.Framework):
    """Has two tasks run, one of them with a terminal, and says when both do."""

    def __init__(self):
        super().__init__(name="two")
        self.running = queue.SimpleQueue()
        self._launched, self._left = False, 2

    def on_offers(self, offers):
        offer, *rest = offers
        if self._launched:
            self.decline(offer)
            return
        self._launched = True
        assert not rest
        self.launch(
            offer,
            [
                mesoslite.TaskInfo(
                    task_id=TaskID(name),
                    name=name,
                    agent_id=offer.agent_id,
                    resources=Resources.parse("cpus:0.1;mem:32"),
                    command=mesoslite.CommandInfo(value="read line; echo got $line; exec sleep 1000"),
                    container=container,
                )
                for name, container in (
                    ("plain", None),
                    ("terminal", FrozenDocument.of({"type": "MESOS", "tty_info": {}})),
                )
            ],
        )

    def on_update(self, status):
        if status.state is TaskState.TASK_RUNNING:
            self._left -= 1
            if not self._left:
                self.running.put(status)


class TaskIO:
    """The command line in front of one task."""

    def __init__(self, url, task_id, inside=None):
        [task] = requests.get(f"{url}/tasks", params={"task_id": task_id}, timeout=BOUND).json()["tasks"]
        assert task["state"] == "TASK_RUNNING"
        [agent] = requests.get(f"{url}/slaves", timeout=BOUND).json()["slaves"]
        self.url = f"http://{agent['pid'].split('@')[1]}/api/v1"
        self.container = task["statuses"][0]["container_status"]["container_id"]  # of the first status that there is
        if inside is not None:
            self.container = {"parent": self.container, "value": inside}

    def post(self, headers, data, **options):
        return requests.request("POST", self.url, data=data, headers=headers, timeout=BOUND, **options)

    def call(self, kind, headers=ANSWERS, **fields):
        body = {"type": kind, kind.lower(): {"container_id": self.container, **fields}}
        return self.post(headers, json.dumps(body), stream=headers is OUTPUT)

    def session(self, command, *arguments, **fields):
        words = {"value": command, "arguments": [command, *arguments], "shell": False}
        return self.call("LAUNCH_NESTED_CONTAINER_SESSION", OUTPUT, command=words, **fields)

    def first(self):
        return self._record(type="CONTAINER_ID", container_id=self.container)

    def write(self, *messages):
        """Do as it does to write: the statuses of both its requests."""
        tried = self.post(INPUT, iter([self.first()]))
        records = [self._record(type="PROCESS_IO", process_io=each) for each in messages]
        return tried.status_code, self.post(INPUT, iter([self.first(), *records])).status_code

    def wait(self):
        return self.call("WAIT_CONTAINER").json()["wait_container"]

    def _record(self, **fields):
        return frame(json.dumps({"type": "ATTACH_CONTAINER_INPUT", "attach_container_input": fields}).encode())


def typed(data):
    return {"type": "DATA", "data": {"type": "STDIN", "data": base64.b64encode(data).decode()}}


def window(rows, columns):
    size = {"rows": rows, "columns": columns}
    return {"type": "CONTROL", "control": {"type": "TTY_INFO", "tty_info": {"window_size": size}}}


def printed(response, enough=None):
    """What a stream says was printed, until its end, or until there is ``enough``."""
    records, output = Records(), b""
    for chunk in response.iter_content(chunk_size=None):
        for each in map(json.loads, records.feed(chunk)):
            output += base64.b64decode(each["data"]["data"]) if each["type"] == "DATA" else b""
        if enough is not None and enough in output:
            break
    return output


@pytest.fixture
def url(tmp_path):
    """A master whose agent runs the tasks of ``Two``."""
    with la.Runtime() as runtime, HttpServer() as server:
        site = Site(runtime, server, tmp_path, SupervisedContainerizer(str(tmp_path / "runtime")))
        framework = Two()
        submit(runtime, framework, HttpConnection(site.url))
        framework.running.get(timeout=BOUND)
        yield site.url
        la.terminate(site.agent)
        assert la.wait(site.agent, BOUND)


def test_what_there_is_is_listed(url):
    def get(path, **query):
        return requests.get(f"{url}/{path}", params=query, timeout=BOUND).json()

    [agent], [framework] = get("slaves")["slaves"], get("master/frameworks/")["frameworks"]
    tasks = get("tasks", order="asc", limit="-1")["tasks"]

    assert agent["active"] is framework["active"] is True
    assert (agent["hostname"], framework["name"]) == ("127.0.0.1", "two")
    assert framework["hostname"] == framework["webui_url"] == ""
    assert {(task["id"], task["statuses"][-1]["state"], task["executor_id"]) for task in tasks} == {
        ("plain", "TASK_RUNNING", ""),
        ("terminal", "TASK_RUNNING", ""),
    }


def test_a_command_is_executed_and_what_is_typed_comes_to_it(url):
    task = TaskIO(url, "plain", "0f63b1a2-a")

    with task.session("sh", "-c", "cat; exit 3") as response:
        assert (response.status_code, response.headers["content-type"]) == (200, "application/recordio")
        written = task.write(HEARTBEAT, typed(b"typed\n"), typed(b""))
        output = printed(response)

    assert (written, output) == ((200, 200), b"typed\n")
    assert task.wait() == {"exit_status": 3 << 8}


def test_a_command_is_executed_with_a_terminal(url):
    task = TaskIO(url, "plain", "0f63b1a2-b")

    with task.session("sh", "-c", "read x; stty size", container={"type": "MESOS", "tty_info": {}}) as response:
        written = task.write(window(0, 0), window(7, 70), HEARTBEAT, typed(b"x\n"))
        output = printed(response)

    assert written == (200, 200)
    assert b"7 70" in output
    assert os.WEXITSTATUS(task.wait()["exit_status"]) == 0


# Goal: a command may be over before its input is there. Mesos's status for that is the one that is no failure to it.
def test_a_command_that_has_ended_before_is_no_failure(url):
    task = TaskIO(url, "plain", "0f63b1a2-c")

    with task.session("echo", "done") as response:
        output = printed(response)
    task.wait()
    tried = task.post(INPUT, iter([task.first()]))

    assert (output, tried.status_code) == (b"done\n", 500)


def test_a_terminal_is_attached_to(url):
    task = TaskIO(url, "terminal")

    with task.call("ATTACH_CONTAINER_OUTPUT", OUTPUT) as response:
        assert response.status_code == 200
        written = task.write(window(0, 0), window(24, 80), HEARTBEAT, typed(b"it\n"), typed(b""))
        output = printed(response, b"got it")

    assert written == (200, 200)
    assert b"got it" in output


def test_what_has_no_terminal_is_not_attached_to(url):
    answer = TaskIO(url, "plain").call("ATTACH_CONTAINER_OUTPUT", OUTPUT)

    assert (answer.status_code, answer.text) == (500, "I/O switchboard server was disabled for this container")
