"""Leading: only the master that leads answers; another one names it, and one that has not begun says so."""

# Who calls: master.py wraps the endpoints that need the books of the master.
# Once a master serves, it does until it ends, and then its actor answers nothing: so it is asked until then only.
# Source: Mesos src/master/http.cpp (Master::Http::redirect), src/master/master.cpp (Master::initialize: the routes).

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

import libactor as la
from libactor.http import host_and_port
from mesoslite.model import MasterPort, MasterStanding

from .exchange import Exchange, Refusal, Response

if TYPE_CHECKING:
    from .routes import Endpoint


REDIRECTS = ("redirect", "master/redirect")


class Leading:
    """Lets requests through to the master at that address while it leads.

    Raises: Refusal: 307 to where the leader is, 503 if nobody leads or the registry is not read yet.
    """

    def __init__(self, master: la.PID[MasterPort]) -> None:
        self._master = master
        self._serves = False

    def guard(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint, for a master that leads."""

        @wraps(endpoint)
        async def answer(exchange: Exchange) -> Response | None:
            if not self._serves:
                self._serves = await self._ask(exchange)
            return await endpoint(exchange)

        return answer

    async def redirect(self, exchange: Exchange) -> Response:
        """The endpoint that leads to the leader, be it this master."""
        if exchange.path.strip("/") not in REDIRECTS:
            raise Refusal(
                404, f"{exchange.path[:200]}: no such endpoint; /redirect leads to the leader's address alone"
            )
        raise _elsewhere(await self._standing(), "")

    async def _ask(self, exchange: Exchange) -> bool:
        standing = await self._standing()
        if not standing.leads:
            raise _elsewhere(standing, exchange.target)
        if not standing.serves:
            raise Refusal(503, "Master has not finished recovery")
        return True

    async def _standing(self) -> MasterStanding:
        return await la.dispatch(self._master, MasterPort.standing)


def _elsewhere(standing: MasterStanding, target: str) -> Refusal:
    """The answer that names the leader, without a scheme, as Mesos does."""
    if standing.leader is None:
        return Refusal(503, "No leader elected")
    info = standing.leader.info
    where = f"//{host_and_port(info.hostname, info.port)}{target}"
    return Refusal(307, f"The master at {where[2:]} leads", {"location": where})
