"""Ports that answer well, ill, late, or without end are asked by sockets; commands by processes."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import libactor as la
from mesoslite.agent.checks import PortProber
from mesoslite.model import CommandInfo, RunTask
from mesoslite.model.checks import CheckInfo, CheckType, HealthCheck, HttpCheck, NetworkProtocol, TcpCheck

from .house import make_framework, make_task
from .test_real_tasks import UNTIL_KILLED, Works, kind, works

__all__ = ["kind", "works"]  # fixtures
pytestmark = pytest.mark.real

BOUND_SECONDS = 60  # a bound on failure: no test waits this long


class Page(BaseHTTPRequestHandler):
    """What a task may answer, by path; ``held`` ends what never ends."""

    held = threading.Event()
    asked = threading.Event()

    def do_GET(self) -> None:
        type(self).asked.set()
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/well")
        elif self.path == "/closes":
            return
        elif self.path == "/silent":
            self.held.wait(BOUND_SECONDS)
            return
        else:
            self.send_response({"/well": 200, "/ill": 503, "/endless": 200}[self.path])
        self.end_headers()
        if self.path == "/endless":
            self._write_on()

    def _write_on(self) -> None:
        try:
            while not self.held.is_set():
                self.wfile.write(b"x" * 65_536)
        except OSError:
            self.asked.set()

    def log_message(self, *_: Any) -> None:
        """Nothing is logged."""


@pytest.fixture
def port() -> Iterator[int]:
    Page.held.clear()
    Page.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_port
    Page.held.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def runtime() -> Iterator[la.Runtime]:
    with la.Runtime() as made:
        yield made


@pytest.mark.parametrize(("path", "status"), [("/well", 200), ("/ill", 503), ("/moved", 200), ("/endless", 200)])
def test_a_page_is_known_by_its_status(runtime: la.Runtime, port: int, path: str, status: int):
    assert PortProber().http(HttpCheck(port=port, path=path)).get(BOUND_SECONDS) == status


def test_a_connection_that_is_closed_without_an_answer_is_none(runtime: la.Runtime, port: int):
    with pytest.raises(Exception, match="disconnected"):
        PortProber().http(HttpCheck(port=port, path="/closes")).get(BOUND_SECONDS)


def test_a_page_that_never_answers_is_given_up(runtime: la.Runtime, port: int):
    question = PortProber().http(HttpCheck(port=port, path="/silent"))
    assert Page.asked.wait(BOUND_SECONDS)

    question.discard()

    with pytest.raises(la.Discarded):
        question.get(BOUND_SECONDS)


def test_a_port_is_open_or_not(runtime: la.Runtime, port: int):
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        shut = PortProber().tcp(TcpCheck(port=unheard.getsockname()[1])).get(BOUND_SECONDS)

    assert PortProber().tcp(TcpCheck(port=port)).get(BOUND_SECONDS) is True
    assert shut is False


def test_the_protocol_says_which_address_is_asked(runtime: la.Runtime):
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError as error:
        pytest.skip(f"this machine has no address ::1: {error}")
    with listener:
        port = listener.getsockname()[1]
        six, four = [
            PortProber().tcp(TcpCheck(port=port, protocol=protocol)).get(BOUND_SECONDS)
            for protocol in (NetworkProtocol.IPv6, NetworkProtocol.IPv4)
        ]

    assert (six, four) == (True, False)


def command(text: str) -> dict[str, Any]:
    look = CommandInfo(value=text)
    return {"type": CheckType.COMMAND, "command": look, "delay_seconds": 0.0, "interval_seconds": 0.01}


def test_a_task_is_well_until_it_says_otherwise_and_is_ended_then(works: Works, tmp_path: Path):
    health = HealthCheck(**command('test "$MODE" = on && test ! -e ill'), grace_period_seconds=0.0)
    check = CheckInfo(**command("test -e ill && exit 3; exit 4"))
    serve = CommandInfo(value=UNTIL_KILLED, environment=(("MODE", "on"),))
    works.send(RunTask(make_framework(), make_task("t1", command=serve, health_check=health, check=check)))
    well = works.master.statuses.get(timeout=BOUND_SECONDS)
    while well.healthy is None or well.check_status.value["command"] != {"exit_code": 4}:
        well = works.master.statuses.get(timeout=BOUND_SECONDS)

    next(tmp_path.rglob("latest")).joinpath("ill").touch()

    ill, end = works.statuses()[-2:]
    assert (well.healthy, ill.healthy, end.healthy) == (True, False, False)
    assert (ill.state.name, end.state.name) == ("TASK_RUNNING", "TASK_KILLED")
