"""HttpServer: a thread that serves ASGI applications, so that parsing requests never holds up actors."""

# Who calls: composition roots (a cluster, a command) and users who want to serve an application of their own.
# Invariants: 1. applications run in the server's one thread, on its event loop; they reach actors by awaiting futures.
#   2. after close() no thread, socket or task of the server is left, and whoever was reading a stream sees its end.
#   3. the server libraries are imported by the first listen(), not by `import libactor`.
# Not uvicorn.Server: it takes the process's signals and its loggers, and notices that it is to stop ten times a second.
# Source: the ASGI specification, version 3; uvicorn for the parsing and the flow control of connections.

from __future__ import annotations

import asyncio
import errno
import logging
import platform
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from concurrent.futures import Future
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from libactor.http.options import check_connections, check_seconds

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from libactor.http.door import Door
    from libactor.http.listeners import Listeners

__all__ = ["Application", "HttpServer", "Listener", "Message", "Receive", "Scope", "Send", "host_and_port"]

log = logging.getLogger("libactor.http")

V = TypeVar("V")

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

CLOSE_TIMEOUT_S = 1.0  # what close() gives clients to read what is on its way to them
PATIENCE_S = 20.0  # what a client has for the head of a request, and then for each further bit of its body
BACKLOG = 4096  # connections that may wait to be accepted, if the system allows it (Linux: net.core.somaxconn)

_REACHABLE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}

_REFUSALS = {  # errno: what it means here, what to do
    errno.EADDRINUSE: ("the port is in use", "stop the program that listens there, or take another port, 0 for any"),
    errno.EACCES: ("permission is denied", "take a port of 1024 or above"),
    errno.EADDRNOTAVAIL: ("this machine has no such address", "give one of its own, such as 127.0.0.1"),
}


class Listener:
    """A port that is taken already, so that it can be told to others before anything answers there.

    ``port`` is the real one, ``host`` and ``url`` where to reach it from here, which for a wildcard address such as
    0.0.0.0 is loopback; ``name`` is where others reach it. Connections wait until a server serves it.
    Raises: OSError naming host and port if they cannot be listened on.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.socket = _bind(host, port)
        self.port: int = self.socket.getsockname()[1]
        self._is_wildcard = host in _REACHABLE
        self.host = _REACHABLE.get(host, host)
        self.url = f"http://{host_and_port(self.host, self.port)}"
        self.is_served = False  # then it is the server who closes it

    @cached_property
    def name(self) -> str:
        """The host to tell other machines: of a wildcard address the name of this machine, else as ``host``."""
        return _machine_name() if self._is_wildcard else self.host

    def close(self) -> None:
        """Give the port back, unless a server has taken it over; a second call does nothing."""
        if not self.is_served:
            self.socket.close()


class HttpServer:
    """Serves ASGI applications, each on a port of its own, from one thread that starts with the first of them.

    An application that raises ConnectionAbortedError has its connection cut at once, with whatever the client has not
    read yet; that is for clients that do not read. Use it as a context manager, or call ``close``.

    ``patience_s`` is how many seconds a client has for the request line and the headers, and then for each further
    KiB of the body; after that it is answered 408. Of all applications together at most ``connections_max`` are
    served at a time, others get 503; left out, half as many as the process may have descriptors, or all but 4,096 of
    them if that is more, 16,384 at most.
    """

    def __init__(self, *, patience_s: float = PATIENCE_S, connections_max: int | None = None) -> None:
        self._patience_s = check_seconds("patience_s", patience_s)
        self._connections_max = check_connections(connections_max)
        self._lock = threading.Lock()
        self._listeners: Listeners | None = None  # lives on the loop of the thread
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def listen(self, app: Application, host: str = "127.0.0.1", port: int = 0) -> str:
        """Serve ``app`` at ``host``:``port`` (0: any free port) and return the URL, such as ``http://127.0.0.1:5050``.

        Raises: OSError naming host and port if they cannot be listened on; RuntimeError after ``close``.
        """
        listener = Listener(host, port)
        self.serve(app, listener)
        return listener.url

    def serve(self, app: Application, listener: Listener) -> None:
        """Serve ``app`` to whoever connects, or has connected, to ``listener``; closed with the server.

        Raises: RuntimeError after ``close``; the listener is closed then.
        """
        with self._lock:
            if self._closed:
                listener.close()
                raise RuntimeError("listen: the server is closed; make a new one")
            added = self._on_loop(lambda listeners: listeners.add(app, listener.socket))
        added.result()
        listener.is_served = True

    def open_door(self, app: Application) -> Door:
        """The way in for connections to ``app`` that somebody else accepts. Raises: RuntimeError after ``close``."""
        with self._lock:
            if self._closed:
                raise RuntimeError("open_door: the server is closed; make a new one")
            opened = self._on_loop(lambda listeners: listeners.open_door(app))
        return opened.result()

    def _on_loop(self, what: Callable[[Listeners], Coroutine[Any, Any, V]]) -> Future[V]:
        """Have it done by the thread, which is started if there is none yet. The lock is held."""
        if self._thread is None:
            self._start()
        assert self._loop is not None
        assert self._listeners is not None
        return asyncio.run_coroutine_threadsafe(what(self._listeners), self._loop)

    def close(self, timeout: float = CLOSE_TIMEOUT_S) -> None:
        """Stop listening, end every response and close every connection; ``timeout`` in seconds for slow readers.

        What a client has not read by then is lost. A second call does nothing.
        """
        with self._lock:
            self._closed = True
            thread, loop, listeners = self._thread, self._loop, self._listeners
            self._thread = None
        if thread is None or loop is None or listeners is None:
            return
        loop.call_soon_threadsafe(listeners.stop, timeout)
        thread.join()
        listeners.drop_arriving()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> None:
        """Start the thread and wait until its loop runs. The lock is held."""
        from libactor.http.listeners import Listeners

        running = threading.Event()

        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            self._listeners = Listeners(self._patience_s, self._connections_max)
            running.set()
            await self._listeners.closed()

        self._thread = threading.Thread(target=_run, args=(serve,), name="http-server", daemon=True)
        self._thread.start()
        running.wait()


def host_and_port(host: str, port: int) -> str:
    """Return both as they stand in a URL: ``host:port``, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _run(serve: Callable[[], Any]) -> None:
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(serve())


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:  # it is not built for every platform; asyncio's own loop serves as well
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def _bind(host: Any, port: Any) -> socket.socket:
    if not isinstance(host, str):
        raise TypeError(f"listen: got the host {host!r}, expected text, such as '127.0.0.1'")
    if not isinstance(port, int) or isinstance(port, bool):
        raise TypeError(f"listen: got the port {port!r}, expected a number, 0 for any")
    if not 0 <= port <= 65535:
        raise OSError(errno.EINVAL, f"listen: got port {port} for {host}, expected one of 0 to 65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()  # all addresses are also those of IPv4
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except OSError as error:
        reason, remedy = _REFUSALS.get(
            error.errno or 0, (error.strerror or str(error), "give a name or address of this machine")
        )
        raise OSError(
            error.errno, f"listen: cannot listen on {host_and_port(host, port)}, {reason}; {remedy}"
        ) from error


@cache
def _machine_name() -> str:
    name = platform.node()
    try:
        socket.getaddrinfo(name or None, 0)
    except OSError as error:
        log.warning("this machine's name, %r, leads nowhere (%s); others are told 127.0.0.1 instead", name, error)
        return "127.0.0.1"
    return name or "127.0.0.1"
