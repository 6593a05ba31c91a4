"""Hosts: by which names a server on loopback is asked for, and from which pages, so that others cannot use it."""

# Who calls: composition roots choose the names; routes.py checks each request.
# What for: a page of evil.example, open in a browser on this machine, may have its name point to 127.0.0.1 all of a
#   sudden (DNS rebinding). The browser then takes our answers for those of evil.example, and hands them to the page;
#   but it still sends `Host: evil.example`.
# Such a page may also, without reading the answer, send a form or plain text to any server that the browser reaches;
#   then the browser sends `Origin`. Other calls that change something need a content type that it asks our leave for.
# A server that others reach is called by names that we cannot know, and is guarded by its network.

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from typing import TYPE_CHECKING

from .exchange import Exchange, Refusal, Response

if TYPE_CHECKING:
    from .routes import Endpoint

_HOST = re.compile(r"(?:\[([^\[\]]+)\]|([^\[\]:]+))(?::\d*)?", re.ASCII)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def loopback_hosts(host: str, *names: str) -> frozenset[str] | None:
    """The names that a server which listens at ``host`` answers to; None, for any, if that is not on loopback.

    ``names`` are further ones that it was given.
    """
    if not _is_loopback(host):
        return None
    return frozenset({name.lower() for name in (*_LOOPBACK, host, *names) if name})


def check_host(exchange: Exchange, hosts: Collection[str] | None) -> None:
    """Raises: Refusal with status 403, if the request is for another host than those; without Host it is for ours."""
    given = exchange.headers.get("host")
    if hosts is None or given is None or _name(given) in hosts:
        return
    known = ", ".join(sorted(hosts))
    raise Refusal(403, f"Host {given[:80]!r}: this server is on loopback and answers only to {known}; ask it by one")


def same_origin(endpoint: Endpoint) -> Endpoint:
    """The endpoint, for all but pages of other origins, which get 403: a browser says of which one a page is."""

    async def answer(exchange: Exchange) -> Response | None:
        origin = exchange.headers.get("origin")
        if origin is not None and origin.partition("//")[2].lower() != exchange.headers.get("host", "").lower():
            raise Refusal(403, f"Origin {origin[:80]!r}: pages from elsewhere may not change anything here")
        return await endpoint(exchange)

    return answer


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _name(host: str) -> str:
    """The name in ``name:port``, or in ``[address]:port``; empty if it is neither."""
    parts = _HOST.fullmatch(host)
    return (parts[1] or parts[2].rstrip(".")).lower() if parts else ""
