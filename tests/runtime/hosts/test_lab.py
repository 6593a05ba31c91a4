"""The lab itself: a cut drops, healing mends, and nothing outlives the tests."""

import contextlib
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .lab import Host, Lab
from .peer import LIMIT

pytestmark = pytest.mark.real

RESEND_S = 0.1

# A receiver writes each datagram that arrives as a line, after the line that says that it is there. A sender sends each
# line that it reads to its argument.
RECEIVER = """
import socket
end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
end.bind(("", 5000))
print("ready", flush=True)
while True:
    print(end.recv(100).decode(), flush=True)
"""
SENDER = """
import socket, sys
end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
end.connect((sys.argv[1], 5000))
print("ready", flush=True)
for line in sys.stdin:
    end.send(line.strip().encode())
    print("sent", flush=True)
"""


class Program:
    """A program on a host, by its lines."""

    def __init__(self, host: Host, *arguments: str) -> None:
        command = host.space.inside("setpriv", "--pdeathsig=KILL", sys.executable, "-c", *arguments)
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.line() == "ready"

    def line(self) -> str:
        ready, _, _ = select.select([self.process.stdout], [], [], LIMIT)
        assert ready, "no line came"
        return self.process.stdout.readline().strip()

    def send(self, text: str) -> None:
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        assert self.line() == "sent"


@pytest.fixture
def hosts(lab):
    return lab.host(), lab.host()


@pytest.fixture
def there(hosts):
    """From the first host to the second: a sender and a receiver."""
    with programs((hosts[1], RECEIVER), (hosts[0], SENDER, hosts[1].ip)) as (receiver, sender):
        yield sender, receiver


@pytest.fixture
def back(hosts):
    """From the second host to the first."""
    with programs((hosts[0], RECEIVER), (hosts[1], SENDER, hosts[0].ip)) as (receiver, sender):
        yield sender, receiver


@contextlib.contextmanager
def programs(*commands):
    started = [Program(*command) for command in commands]
    yield started
    for program in started:
        program.process.kill()
        program.process.communicate(timeout=LIMIT)


def test_what_is_sent_while_a_cable_is_cut_is_dropped(lab, hosts, there):
    sender, receiver = there
    sender.send("before")
    assert receiver.line() == "before"

    lab.cut(*hosts)
    sender.send("meanwhile")
    lab.heal()
    sender.send("after")

    assert receiver.line() == "after"


def test_one_way_may_be_cut_alone(lab, hosts, there, back):
    lab.cut(*hosts, both_ways=False)
    there[0].send("dropped")
    back[0].send("through")

    assert back[1].line() == "through"
    lab.heal()
    there[0].send("after")
    assert there[1].line() == "after"


def test_a_host_that_is_unplugged_is_cut_off_from_all(lab, hosts, there):
    sender, receiver = there
    sender.send("before")  # the first one waits in its host until the hub's address is known
    assert receiver.line() == "before"
    lab.unplug(hosts[1])

    sender.send("dropped")
    lab.plug_in(hosts[1])
    sender.send("after")
    while not select.select([receiver.process.stdout], [], [], RESEND_S)[0]:
        sender.send("after")  # the first may have come before the carrier

    assert receiver.line() == "after"


def test_other_cables_are_left_alone(lab, hosts, there):
    sender, receiver = there
    lab.cut(hosts[0], lab.host())

    sender.send("through")

    assert receiver.line() == "through"


# Goal: no process and no namespace outlives a test run that is killed. Method: a program makes a lab with a program on
# a host, which is frozen to make it harder, says their process ids, and is killed.
def test_nothing_outlives_tests_that_are_killed():
    script = """
import os, signal, subprocess, sys
from hosts.lab import Lab
lab = Lab()
host = lab.host()
command = host.space.inside("setpriv", "--pdeathsig=KILL", "sh", "-c", "echo; exec cat")
peer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
peer.stdout.readline()
peer.send_signal(signal.SIGSTOP)
print(peer.pid, host.space.holder.pid, lab._hub.holder.pid, flush=True)
sys.stdin.read()
"""
    folder = str(Path(__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": folder},
    ) as killed:
        ends = [os.pidfd_open(int(pid)) for pid in killed.stdout.readline().split()]
        killed.send_signal(signal.SIGKILL)

    for end in ends:
        ready, _, _ = select.select([end], [], [], LIMIT)
        os.close(end)
        assert ready, "a process lives on"


def test_a_lab_that_is_closed_has_ended_what_it_started():
    lab = Lab()
    peer = lab.host().start()
    peer.freeze()
    ends = [os.pidfd_open(process.pid) for process in (peer.process, lab.hosts[0].space.holder)]

    lab.close()

    for end in ends:
        assert select.select([end], [], [], 0)[0]
        os.close(end)
