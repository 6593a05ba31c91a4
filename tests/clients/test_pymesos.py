"""pymesos: its requests byte by byte, and, where a Python is found that has it, itself."""

# Its parser of HTTP does not compile on Python 3.11 and newer, so it runs in a Python 3.10 if that is found as
#   python3.10 and has pymesos and addict. Its requests are as pymesos 0.3.15 sends them there.

import json
import re
import shutil
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mesoslite.model.v1 import Records

from .conftest import BOUND

pytestmark = pytest.mark.real

FRAMEWORK = Path(__file__).with_name("pymesos_framework.py")
SUBSCRIBE = (
    "POST /api/v1/scheduler HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n"
    "Accept: application/json\r\nConnection: close\r\nContent-Length: 178\r\n\r\n"
    '{{"type": "SUBSCRIBE", "subscribe": {{"framework_info": {{"user": "root", "name": "pymesos", "hostname": "h", '
    '"failover_timeout": 600, "capabilities": [{{"type": "GPU_RESOURCES"}}]}}}}}}'
)
CALL = (
    "POST {path} HTTP/1.1\r\nHost: {address}\r\nAccept-Encoding: identity\r\nContent-Length: {length}\r\n"
    "Content-Type: application/json\r\n{stream}\r\n{body}"
)


class Wire:
    """A connection that sends what it is given and reads answers of any form."""

    def __init__(self, url):
        self.address = urlsplit(url).netloc
        host, _, port = self.address.partition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=BOUND)
        self._received = b""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._socket.close()

    def send(self, text):
        self._socket.sendall(text.encode())

    def until(self, mark):
        """What comes up to ``mark``, with it."""
        while mark not in self._received:
            piece = self._socket.recv(65536)
            assert piece, f"closed after {self._received!r}"
            self._received += piece
        taken, mark, self._received = self._received.partition(mark)
        return taken + mark

    def exactly(self, size):
        while len(self._received) < size:
            self._received += self._socket.recv(65536)
        taken, self._received = self._received[:size], self._received[size:]
        return taken

    def call(self, path, document, stream_id=None):
        """The status of the answer to a call, and its body."""
        body = json.dumps(document)
        stream = f"Mesos-Stream-Id: {stream_id}\r\n" if stream_id else ""
        self.send(CALL.format(path=path, address=self.address, length=len(body), stream=stream, body=body))
        head = self.until(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        return head.split(b"\r\n")[0], self.exactly(int(length[1]))


def events(wire):
    """The events of a stream in chunks."""
    records = Records()
    while True:
        size = int(wire.until(b"\r\n"), 16)
        yield from map(json.loads, records.feed(wire.exactly(size)))
        assert wire.exactly(2) == b"\r\n"


# It says `Connection: close` as it subscribes, and expects a stream in chunks that does not end.
def test_its_requests_are_answered(site):
    with Wire(site.url) as stream, Wire(site.url) as calls:
        stream.send(SUBSCRIBE.format(address=stream.address))
        head = stream.until(b"\r\n\r\n").lower()
        heard = events(stream)
        subscribed, beat = next(heard), next(heard)
        [offer] = next(event for event in heard if event["type"] == "OFFERS")["offers"]["offers"]
        framework_id = subscribed["subscribed"]["framework_id"]
        stream_id = re.search(rb"mesos-stream-id: (\S+)", head)[1].decode()
        answers = [
            calls.call("/api/v1/scheduler", {"type": kind, "framework_id": framework_id, **fields}, stream_id)
            for kind, fields in (
                ("DECLINE", {"decline": {"offer_ids": [offer["id"]]}}),
                ("RECONCILE", {"reconcile": {"tasks": [{"task_id": {"value": "nobody"}}]}}),
                ("REVIVE", {}),
                ("SUPPRESS", {"suppress": {"roles": ["*"]}}),
            )
        ]
        update = next(event for event in heard if event["type"] == "UPDATE")
        ended = calls.call("/api/v1/scheduler", {"type": "TEARDOWN", "framework_id": framework_id}, stream_id)

    assert head.startswith(b"http/1.1 200 ok\r\n")
    assert b"transfer-encoding: chunked\r\n" in head
    assert (subscribed["type"], beat["type"]) == ("SUBSCRIBED", "HEARTBEAT")
    assert update["update"]["status"]["task_id"] == {"value": "nobody"}
    assert [*answers, ended] == [(b"HTTP/1.1 202 Accepted", b"")] * 5


def test_operators_subscribe_at_its_path(site):
    request = (
        "POST /api/v1/operator HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n"
        'Accept: application/json\r\nConnection: close\r\nContent-Length: 21\r\n\r\n{{"type": "SUBSCRIBE"}}'
    )
    with Wire(site.url) as stream:
        stream.send(request.format(address=stream.address))
        head = stream.until(b"\r\n\r\n").lower()
        heard = events(stream)
        subscribed, beat = next(heard), next(heard)

    assert head.startswith(b"http/1.1 200 ok\r\n")
    assert len(subscribed["subscribed"]["get_state"]["get_agents"]["agents"]) == 1
    assert beat == {"type": "HEARTBEAT"}


# Mesos has no such path; the request falls to /api/v1.
def test_operators_are_answered_at_its_path(site):
    with Wire(site.url) as wire:
        health = wire.call("/api/v1/operator", {"type": "GET_HEALTH"})
        weights = wire.call(
            "/api/v1/operator",
            {"type": "UPDATE_WEIGHTS", "update_weights": {"weight_infos": [{"role": "ads", "weight": 2.0}]}},
        )
        known = wire.call("/api/v1/operator", {"type": "GET_WEIGHTS"})

    assert (health[0], json.loads(health[1])["get_health"]) == (b"HTTP/1.1 200 OK", {"healthy": True})
    assert weights == (b"HTTP/1.1 200 OK", b"")
    assert json.loads(known[1])["get_weights"]["weight_infos"] == [{"role": "ads", "weight": 2.0}]


@pytest.fixture
def python():
    """A Python that has pymesos."""
    found = shutil.which("python3.10")
    if found is None:
        pytest.skip("pymesos installs up to Python 3.10 only, and there is no python3.10")
    if subprocess.run([found, "-c", "import pymesos, addict"], capture_output=True, check=False).returncode:
        pytest.skip(f"{found} has no pymesos: pip install pymesos addict")
    return found


def test_a_task_is_run_handed_on_reconciled_and_killed(python, site):
    address = urlsplit(site.url).netloc

    done = subprocess.run([python, FRAMEWORK, address], capture_output=True, timeout=BOUND, check=False)

    assert (done.returncode, done.stderr) == (0, b"")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        ["registered"],
        ["TASK_STARTING"],
        ["TASK_RUNNING"],
        ["registered again"],
        ["TASK_RUNNING", "REASON_RECONCILIATION"],
        ["TASK_KILLED", None],
        ["healthy", True],
        ["version", "1.12.0"],
        ["weights", [{"role": "ads", "weight": 2.0}]],
    ]
    assert site.state().frameworks == ()
