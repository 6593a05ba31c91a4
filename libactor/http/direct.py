"""Direct: the short way of a request to a handler and back, for our own server: no task, and one write."""

# Who calls: connection.py offers each request to the site it is for (Site.start); taken are those that nothing has to
#   be waited for but their actor, which are most. All others, and what turns out to need more, go the ASGI way.
# The steps are those of application.py, and so is what is answered.
# Invariants: 1. a call ends once: answered, left by its client, or ended with the server.    2. it is never answered
#   inside start(): of many requests that came in one piece each would stand on the stack of the one before.
# Why: for a short answer the task, its wake-up and the general way out cost as much as all the rest.

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from libactor.http.calling import unserved
from libactor.http.response import Response
from libactor.http.waking import waking

if TYPE_CHECKING:
    from libactor.future import Future
    from libactor.http.application import Site
    from libactor.http.calling import RouteTarget
    from libactor.http.connection import Connection
    from libactor.http.request import Request


class DirectCall:
    """One request that an actor is asked to answer."""

    __slots__ = ("_connection", "_cycle", "_future", "_over", "_request", "_site", "_target")

    def __init__(self, site: Site, connection: Connection, request: Request, target: RouteTarget) -> None:
        self._site = site
        self._connection = connection
        self._cycle = connection.served
        self._request = request
        self._target = target
        self._over = False
        self._future: Future[Any] | None = None  # until it begins
        waking().call_soon(self._begin)

    def leave(self) -> None:
        """The client has gone, or the server ends."""
        self._over = True
        self._connection.direct_call = None
        if self._future is not None:
            self._future.discard()

    def _begin(self) -> None:
        if self._over:
            return
        try:
            self._future = self._target.ask(self._request, None)
        except Exception as error:
            self._answer(unserved(self._request, error))
        else:
            waking().call_at_end_of(self._future, self._arrived)

    def _arrived(self) -> None:
        if not self._over and self._future is not None:
            self._answer(self._target.response(self._future, self._request))

    def _answer(self, answered: Response) -> None:
        self._over = True
        connection, cycle, request = self._connection, self._cycle, self._request
        connection.direct_call = None
        response = self._site.finish_now(request, answered)
        if isinstance(response, Response) and type(response.body) is bytes and not connection.flow.write_paused:
            connection.answer(cycle, response.status, response.headers, response.body)
        else:
            connection.go_on(cycle, partial(self._site.send_when_finished, request, response))
