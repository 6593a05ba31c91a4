"""Stream: one subscription with one master, or agent: its events, and the calls that belong to it."""

# Who calls: a connection (connection.py, ../executor/connection.py) makes one for each attempt and runs it in its
#   thread; it tells by reports what happens.
# Invariants: 1. no call leaves before the stream is open, whose id it must carry; each leaves after the answer to the
#   one before, so they arrive in order.    2. whatever goes wrong is told by one Ended, never by an exception.
#   3. what is kept of a master that sends nonsense is bounded: one record, the beginning of a refusal.
# It does not measure time itself: its two instants, by the runtime's clock, are looked at by the connection.
# Source: Mesos include/mesos/v1/scheduler/scheduler.proto; docs of the scheduler HTTP API for the stream id.

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import msgspec

from mesoslite.model import InvalidRequest
from mesoslite.model.v1 import Records

from .call_line import CONNECT_SECONDS, CallLine
from .calls import JSON, STREAM_ID, beginning, excerpt, headers_of, is_passing, refusal, send
from .reports import Denied, Ended, Heard

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx2 as httpx

    from .dialect import Dialect
    from .reports import Report

log = logging.getLogger("mesoslite.framework")


class Stream:
    """Subscribes with who is at ``url``, or whoever that names; ``report`` is called with it, in its thread.

    ``now`` is the clock: ``heard_at`` is when the last record came, ``asked_at`` when the call that is not answered
    yet was sent, None if none is. ``authorization`` is the header that says who subscribes.
    """

    def __init__(
        self,
        url: str,
        dialect: Dialect,
        subscribe: Any,
        now: Callable[[], float],
        report: Callable[[Stream, Report], None],
        authorization: str = "",
    ) -> None:
        self.url = url
        self.heard_at = now()
        self.asked_at: float | None = None
        self._dialect = dialect
        self._subscribe = subscribe
        self._now = now
        self._report = report
        self._authorization = authorization
        self._calls: asyncio.Queue[Any | None] = asyncio.Queue()

    def put(self, call: Any | None) -> None:
        """Send a call, in its turn; None: no more will come, and the stream ends after it."""
        self._calls.put_nowait(call)

    async def run(self) -> None:
        """Subscribe, then read events and send calls until either comes to its end."""
        try:
            end = await self._converse()
        except Exception as error:
            log.exception("the connection to %s has failed", self.url)
            end = Ended(f"connection: a defect of mesoslite ends it: {error!r}; please report it", is_final=True)
        if end is not None:
            self._report(self, end)

    async def _converse(self) -> Ended | None:
        import httpx2 as httpx  # takes longer than all the rest of a program that does not use HTTP

        self._stream_id: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        timeout = httpx.Timeout(None, connect=CONNECT_SECONDS)
        hooks = {"request": [self._sign]}  # for each, a redirected one too: who leads is named by who is trusted
        async with httpx.AsyncClient(timeout=timeout, trust_env=False, event_hooks=hooks) as client:
            halves = [asyncio.ensure_future(half) for half in (self._read_events(client), self._send_calls())]
            try:
                await asyncio.wait(halves, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for half in halves:
                    half.cancel()
                await asyncio.wait(halves)
        return next((half.result() for half in halves if not half.cancelled()), None)

    async def _sign(self, request: httpx.Request) -> None:
        """Say who sends a request."""
        if self._authorization:
            request.headers["authorization"] = self._authorization

    # ---- events ----

    async def _read_events(self, client: httpx.AsyncClient) -> Ended | None:
        """Tell the events of the stream until it ends; why it ended, unless the master has told."""
        import httpx2 as httpx

        content, url = self._dialect.body(self._subscribe), self.url + self._dialect.path
        request = client.stream("POST", url, content=content, headers=headers_of(), follow_redirects=True)
        try:
            async with request as response:
                return await self._read(response)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            why = str(error) or type(error).__name__
            who = self._dialect.server
            return Ended(f"subscribe: no {who} answers at {self.url} ({why}); check the address, start the {who}")
        except httpx.RemoteProtocolError as error:
            return Ended(self._breach(error))
        except httpx.InvalidURL as error:
            return Ended(f"subscribe: {self.url} is no URL ({error}); check the address", is_final=True)
        except httpx.HTTPError as error:
            why = str(error) or type(error).__name__
            return Ended(f"subscription: the connection to {self.url} is lost ({why})")
        except ExceptionGroup as group:  # so it comes from the layer below the client
            if group.split(OverflowError)[1] is not None:
                raise
            return Ended(f"subscribe: {self.url} redirects to a port above 65535; check the address")
        except (InvalidRequest, msgspec.DecodeError, RecursionError) as error:
            return Ended(f"subscription: {self.url} sends what cannot be read: {error}")

    async def _read(self, response: httpx.Response) -> Ended | None:
        if response.status_code != 200:
            problem = refusal(str(response.url), response.status_code, excerpt(await beginning(response)))
            return Ended(f"subscribe: {problem}", is_final=not is_passing(response.status_code))
        kind = response.headers.get("content-type", JSON)
        if kind.partition(";")[0].strip() != JSON:
            raise InvalidRequest(f"a stream of {kind[:80]!r}, expected one of {JSON}")
        self.url = str(response.url).removesuffix(self._dialect.path)
        self._address = response.extensions["network_stream"].get_extra_info("server_addr")[0]
        self._stream_id.set_result(response.headers.get(STREAM_ID, ""))
        records = Records()
        async for piece in response.aiter_raw():
            events = [self._dialect.decode(msgspec.json.decode(record)) for record in records.feed(piece)]
            if events:
                self.heard_at = self._now()
                self._report(self, Heard(tuple([event for event in events if event is not None])))
            if any(event is not None and self._dialect.is_last(event) for event in events):
                return None
        rest = "" if records.is_between_records else ", amid a record"
        return Ended(f"subscription: {self.url} has ended the stream of events{rest}")

    def _breach(self, error: Exception) -> str:
        """What is wrong when the other side does not speak HTTP, or not any more."""
        if self._stream_id.done():
            return f"subscription: the connection to {self.url} is lost ({error})"
        return (
            f"subscribe: who listens at {self.url} does not speak HTTP ({error}); give the address of an HTTP API "
            f"of a {self._dialect.server}, which has a port of its own"
        )

    # ---- calls ----

    async def _send_calls(self) -> Ended | None:
        """Send the calls in order, each after the answer to the one before, until none will come or one fails."""
        line = None
        try:
            while (call := await self._calls.get()) is not None:
                stream_id = await asyncio.shield(self._stream_id)
                url = self.url + self._dialect.path
                line = line or CallLine(url, self._address, headers_of(stream_id, self._authorization))
                self.asked_at = self._now()
                outcome = await send(line, url, self._dialect, call)
                self.asked_at = None
                if isinstance(outcome, Denied):
                    self._report(self, outcome)
                elif outcome is not None:
                    return outcome
            return None
        finally:
            if line is not None:
                line.close()
