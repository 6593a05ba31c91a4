"""Peer: a process with a runtime on some host, as the test that directs it sees it."""

# Who calls: tests, which start peers by lab.py; program.py is the other end.
# Each command is a call of a function of program.World, made in a thread of its own there; its result or error comes
#   back over a pair of sockets, outside of all networks. So a command may wait there, and the test does something else
#   meanwhile: `start` returns a future. A peer that ends fails all its futures; none is waited for beyond LIMIT.

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .lab import Host

LIMIT = 60  # seconds; a bound on failure, which the slowest machine does not come near


class PeerError(Exception):
    """What a command raised in a peer: the name of the error's class, its text, and the reason that it gives."""


class PeerGone(Exception):
    """The process has ended before it answered."""


class Peer:
    """One process on ``host``. ``address`` is that of its runtime; commands are the methods of program.World."""

    def __init__(self, host: Host, prefix: list[str], listen: str, options: dict[str, object]) -> None:
        self.host = host
        self.ip = host.ip
        self._connection, theirs = Pipe()
        folder = str(Path(__file__).parents[1])
        path = os.pathsep.join([folder, *filter(None, [os.environ.get("PYTHONPATH")])])
        code = f"import sys; from hosts.program import main; main({theirs.fileno()})"
        with theirs:
            self.process = subprocess.Popen(
                [*prefix, sys.executable, "-W", "error", "-c", code],
                pass_fds=[theirs.fileno()],
                env={**os.environ, "PYTHONPATH": path},
                stdin=subprocess.DEVNULL,
            )
        self._numbers = itertools.count()
        self._pending: dict[int, Future[Any]] = {}
        self._lock = threading.Lock()
        self._gone = False
        self._reader = threading.Thread(target=self._read, args=(self._connection,), daemon=True)
        self._reader.start()
        self._opened = self.start("open", listen, options)

    def wait_ready(self) -> Peer:
        """Wait until its runtime listens."""
        self.address
        return self

    @property
    def address(self) -> str:
        return str(self._opened.result(LIMIT))

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def start(self, command: str, *arguments: object) -> Future[Any]:
        """Give a command; the future of its result."""
        future: Future[Any] = Future()
        with self._lock:
            number = next(self._numbers)
            self._pending[number] = future
            gone = self._gone
            if not gone:
                self._connection.send((number, command, arguments))
        if gone:
            future.set_exception(PeerGone(command))
        return future

    def call(self, command: str, *arguments: object) -> Any:
        """Give a command and wait for its result. Raises: PeerError, PeerGone, TimeoutError."""
        return self.result(self.start(command, *arguments))

    def result(self, future: Future[Any]) -> Any:
        """The result of a command; if it does not come in time, the peer writes where its threads are."""
        try:
            return future.result(LIMIT)
        except TimeoutError:
            self.process.send_signal(signal.SIGUSR1)
            raise

    def freeze(self) -> None:
        """Stop the process as it stands; its connections stay open."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)

    def thaw(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it without a word of its own (the kernel still says goodbye for it, where the cable lets it)."""
        self.process.kill()
        self.process.wait(LIMIT)
        self._reader.join(LIMIT)
        self._connection.close()

    def _read(self, connection: Connection) -> None:
        try:
            while True:
                number, ok, value = connection.recv()
                with self._lock:
                    future = self._pending.pop(number)
                if ok:
                    future.set_result(value)
                else:
                    future.set_exception(PeerError(value))
        except (EOFError, OSError):
            with self._lock:
                self._gone, pending = True, list(self._pending.values())
                self._pending.clear()
            for future in pending:
                future.set_exception(PeerGone())
