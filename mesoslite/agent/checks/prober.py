"""PortProber: asks ports of this machine, without a thread for each, and without holding up an actor."""

# Who calls: checks.py, inside the agent actor. The asking is done on the runtime's loop for asyncio.
# A discard of a future ends the asking, whatever it waits for: an answer, or the rest of one without end.
# As in Mesos, redirects are followed, certificates are not verified, bodies are not read, and it is this machine that
#   is asked, so nothing that listens only in a network of a container's own.
# Source: Mesos src/checks/checker_process.cpp (httpCheck, tcpCheck).

from __future__ import annotations

import asyncio
from typing import Protocol

import libactor as la
from mesoslite.model.checks import HttpCheck, NetworkProtocol, TcpCheck

HOSTS = {NetworkProtocol.IPv4: "127.0.0.1", NetworkProtocol.IPv6: "::1"}


class Prober(Protocol):
    """Asks ports; each future can be discarded."""

    def http(self, check: HttpCheck) -> la.Future[int]:
        """The status that a GET comes to. Fails, with what says why in one line, if nothing answers."""
        ...

    def tcp(self, check: TcpCheck) -> la.Future[bool]:
        """Whether a connection comes about."""
        ...


class PortProber:
    """Asks the ports of this machine: see Prober."""

    def http(self, check: HttpCheck) -> la.Future[int]:
        """The status that a GET comes to, behind redirects."""
        host = _host(check.protocol)
        shown = f"[{host}]" if ":" in host else host
        return la.aio.run(_get(f"{check.scheme or 'http'}://{shown}:{check.port}{check.path}"))

    def tcp(self, check: TcpCheck) -> la.Future[bool]:
        """Whether a connection comes about; it is closed at once."""
        return la.aio.run(_connect(_host(check.protocol), check.port))


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
