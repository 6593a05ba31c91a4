"""PortProber: asks ports of tasks, without holding up an actor."""

# Who calls: checks.py, inside the agent actor. The asking is done on the runtime's loop for asyncio, without a thread
#   for each; of a task with a network of its own in that, which takes one (networks.py).
# A discard of a future ends the asking, whatever it waits for: an answer, or the rest of one without end.
# As in Mesos, redirects are followed, certificates are not verified, and bodies are not read.
# Source: Mesos src/checks/checker_process.cpp (httpCheck, tcpCheck).

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import libactor as la
from mesoslite.model.checks import HttpCheck, NetworkProtocol, TcpCheck

from .networks import other_network, run_in

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")
HOSTS = {NetworkProtocol.IPv4: "127.0.0.1", NetworkProtocol.IPv6: "::1"}


class Prober(Protocol):
    """Asks ports, from where the process ``pid`` is, which runs; None: of this machine. Futures can be discarded."""

    def http(self, check: HttpCheck, pid: int | None) -> la.Future[int]:
        """The status that a GET comes to. Fails, with what says why in one line, if nothing answers."""
        ...

    def tcp(self, check: TcpCheck, pid: int | None) -> la.Future[bool]:
        """Whether a connection comes about."""
        ...


class PortProber:
    """Asks the ports of this machine, or of a container's own network: see Prober. Raises: OSError."""

    def http(self, check: HttpCheck, pid: int | None = None) -> la.Future[int]:
        """The status that a GET comes to, behind redirects."""
        host = _host(check.protocol)
        shown = f"[{host}]" if ":" in host else host
        return _ask(pid, partial(_get, f"{check.scheme or 'http'}://{shown}:{check.port}{check.path}"))

    def tcp(self, check: TcpCheck, pid: int | None = None) -> la.Future[bool]:
        """Whether a connection comes about; it is closed at once."""
        return _ask(pid, partial(_connect, _host(check.protocol), check.port))


def _ask(pid: int | None, question: Callable[[], Coroutine[Any, Any, T]]) -> la.Future[T]:
    network = other_network(pid)
    return la.aio.run(question()) if network is None else run_in(network, question)


def _host(protocol: NetworkProtocol | None) -> str:
    return HOSTS[protocol or NetworkProtocol.IPv4]


async def _get(url: str) -> int:
    import httpx2 as httpx  # takes longer than all the rest of an agent whose tasks have no such check

    async with (
        httpx.AsyncClient(verify=False, trust_env=False, follow_redirects=True, timeout=None) as client,
        client.stream("GET", url) as response,
    ):
        return response.status_code


async def _connect(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True
