"""HttpConnection: a framework and its master over the v1 scheduler API, ours or that of Mesos."""

# Who calls: the Framework actor opens it, sends calls and closes it; events are posted to that actor.
# One thread with an event loop of its own has both halves: the stream of events, which never ends by itself, and the
#   other calls, one request after the other, so that they arrive in order. Two blocking threads could not be stopped
#   while they read.
# Invariants: 1. no call leaves before the stream is open, whose id it must carry.    2. whatever goes wrong is told by
#   one Error event for each cause, never by an exception in the caller.    3. after close() the thread is gone.
# It does not subscribe again by itself: what the framework should do about lost time is its own decision.
# Every framework is subscribed with the capability MULTI_ROLE, so that its offers say which role they are for.
# Source: Mesos include/mesos/v1/scheduler/scheduler.proto; docs of the scheduler HTTP API for the stream id.

from __future__ import annotations

import asyncio
import logging
import re
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

import libactor as la
from mesoslite.model import MULTI_ROLE, Call, Error, InvalidRequest, Subscribe, Teardown, constants
from mesoslite.model.v1 import Records, decode_event, encode_call

from .connected import Connected

if TYPE_CHECKING:
    import httpx2 as httpx

log = logging.getLogger("mesoslite.framework")

CONNECT_TIMEOUT_SECONDS = 5.0
CALL_TIMEOUT_SECONDS = 10.0
SILENCE_SECONDS = 5.0 * constants.HEARTBEAT_INTERVAL_SECONDS  # then the master counts as lost
FLUSH_SECONDS = 2.0  # what close() gives the calls that are still to be sent
_PATH = "/api/v1/scheduler"
_JSON = "application/json"
_NETLOC = re.compile(r"[\w.\-~%!$&'()*+,;=:@\[\]]+")  # the characters that may stand before the path
_TEXT_MAX = 500  # characters of an answer that are worth repeating


class HttpConnection:
    """Implements model.SchedulerConnection for the master at ``url``, such as ``http://127.0.0.1:5050``.

    ``silence_seconds`` without an event or a heartbeat means that the master is lost. Redirects to a leading master
    are followed; proxies from the environment are not used. Raises: InvalidRequest, if ``url`` is none.
    """

    def __init__(self, url: str, *, silence_seconds: float = SILENCE_SECONDS) -> None:
        self._url = master_url(url) + _PATH  # where calls go: of the leading master, once it is known
        self._silence_seconds = silence_seconds
        self._framework: la.PID[Any] | None = None
        self._thread: threading.Thread | None = None
        self._ended: la.Promise[None] = la.Promise()
        self._leaving = False  # a Teardown is on its way, so the end of the stream is no news
        # Of the thread's loop, from its start on:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._calls: asyncio.Queue[Call | None]  # None: no more will come
        self._conversation: asyncio.Task[None]
        self._stream_id: asyncio.Future[str]

    def open(self, framework: la.PID[Any]) -> None:
        """Post events to the actor at ``framework`` from now on; it may subscribe at once."""
        self._framework = framework
        la.post(framework, Connected())

    def send(self, call: Call) -> bool:
        """Send a call; a Subscribe opens the stream of events, once."""
        if self._framework is None:
            raise RuntimeError("send: the connection is not open; open it with the framework's PID first")
        if isinstance(call, Subscribe):
            if self._thread is not None:
                raise RuntimeError("send: this connection has subscribed already; make a new one to subscribe again")
            self._start()
            call = _with_multi_role(call)
        elif self._thread is None:
            raise RuntimeError("send: this connection has not subscribed; send Subscribe first")
        if isinstance(call, Teardown):
            self._leaving = True
        self._on_loop(lambda: self._calls.put_nowait(call))
        return True

    def heeds(self, sender: la.PID[Any]) -> bool:
        """No actor is the master: its events are posted from the thread of this connection."""
        return False

    def answered(self) -> None:
        """See SchedulerConnection; nothing is repeated."""

    def exited(self, pid: la.PID[Any], reason: BaseException | None) -> bool:
        """No actor is the master."""
        return False

    def close(self) -> None:
        """Send what is left, for at most two seconds, then end the stream; a second call does nothing."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._on_loop(self._begin_close)
        self._ended.future.get()  # lets other actors run if this is called by one
        thread.join()

    def _on_loop(self, action: Any) -> None:
        assert self._loop is not None
        if self._ended.future.is_pending():
            try:
                self._loop.call_soon_threadsafe(action)
            except RuntimeError:  # the loop was closed a moment ago: the conversation is over, and that was told
                assert self._loop.is_closed()

    def _begin_close(self) -> None:
        assert self._loop is not None
        self._calls.put_nowait(None)
        self._loop.call_later(FLUSH_SECONDS, self._conversation.cancel)

    # ---- the thread ----

    def _start(self) -> None:
        started = threading.Event()

        async def run() -> None:
            self._loop = asyncio.get_running_loop()
            self._calls = asyncio.Queue()
            self._stream_id = self._loop.create_future()
            self._conversation = asyncio.ensure_future(self._converse())
            started.set()
            await asyncio.wait({self._conversation})
            if not self._conversation.cancelled():  # it is when close() has waited long enough
                self._conversation.result()

        def work() -> None:
            try:
                asyncio.run(run())
            except Exception as error:
                log.exception("the connection to %s has failed", self._url)
                self._report(f"connection: a defect of mesoslite ends it: {error!r}; please report it")
            finally:
                self._ended.set(None)

        self._thread = threading.Thread(target=work, name="scheduler-connection", daemon=True)
        self._thread.start()
        started.wait()

    async def _converse(self) -> None:
        """Subscribe, then read events and send calls until either comes to its end."""
        import httpx2 as httpx  # takes longer than all the rest of a program that does not use HTTP

        subscribe = await self._calls.get()
        assert subscribe is not None
        timeout = httpx.Timeout(CALL_TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS)
        async with httpx.AsyncClient(timeout=timeout, follow_redirects=True, trust_env=False) as client:
            events = asyncio.ensure_future(self._read_events(client, subscribe))
            calls = asyncio.ensure_future(self._send_calls(client))
            try:
                await asyncio.wait({events, calls}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                events.cancel()
                calls.cancel()
                await asyncio.wait({events, calls})
        for task in (events, calls):
            if not task.cancelled():
                task.result()

    async def _read_events(self, client: httpx.AsyncClient, subscribe: Call) -> None:
        """Post the events of the stream until it ends, and then why it ended."""
        import httpx2 as httpx

        timeout = httpx.Timeout(CALL_TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS, read=self._silence_seconds)
        try:
            async with client.stream(
                "POST", self._url, content=_body(subscribe), headers=_headers(), timeout=timeout
            ) as response:
                if response.status_code != 200:
                    await response.aread()
                    self._report(f"subscribe: {_refusal(response)}")
                    return
                self._url = str(response.url)
                self._stream_id.set_result(response.headers.get("mesos-stream-id", ""))
                await self._post_events(response)
        except httpx.ReadTimeout:
            self._report(f"subscription: nothing from {self._url} for {self._silence_seconds:g} s; the master is lost")
        except httpx.ConnectError as error:
            self._report(f"subscribe: no master answers at {self._url} ({error}); check the address, start the master")
        except httpx.RemoteProtocolError as error:
            self._report(self._breach(error))
        except httpx.InvalidURL as error:
            self._report(f"subscribe: {self._url} is no URL ({error}); check the address")
        except httpx.HTTPError as error:
            self._report(f"subscription: the connection to {self._url} is lost ({str(error) or type(error).__name__})")
        except ExceptionGroup as group:  # so it comes from the layer below the client
            if group.split(OverflowError)[1] is not None:
                raise
            self._report(f"subscribe: {self._url} redirects to a port above 65535; check the address")
        except (InvalidRequest, msgspec.DecodeError) as error:
            self._report(f"subscription: {self._url} sends what cannot be read: {error}")

    def _breach(self, error: Exception) -> str:
        """What is wrong when the other side does not speak HTTP, or not any more."""
        if self._stream_id.done():
            return f"subscription: the connection to {self._url} is lost ({error})"
        return (
            f"subscribe: who listens at {self._url} does not speak HTTP ({error}); give the address of a master's HTTP "
            f"API, which has a port of its own"
        )

    async def _post_events(self, response: httpx.Response) -> None:
        records, told = Records(), False
        async for piece in response.aiter_bytes():
            for record in records.feed(piece):
                event = decode_event(msgspec.json.decode(record))
                if event is not None:
                    la.post(self._address(), event)
                    told = isinstance(event, Error)
        if not told:
            self._report(f"subscription: {self._url} has ended the stream of events")

    async def _send_calls(self, client: httpx.AsyncClient) -> None:
        """Send the calls in order, each after the answer to the one before."""
        import httpx2 as httpx

        while (call := await self._calls.get()) is not None:
            stream_id = await asyncio.shield(self._stream_id)
            name = type(call).__name__.lower()
            try:
                response = await client.post(self._url, content=_body(call), headers=_headers(stream_id))
            except httpx.HTTPError as error:
                self._report(f"{name}: no answer from {self._url} ({str(error) or type(error).__name__})")
                continue
            if not response.is_success:
                self._report(f"{name}: {_refusal(response)}")

    def _report(self, problem: str) -> None:
        if self._leaving:
            log.debug("%s", problem)
            return
        la.post(self._address(), Error(problem))

    def _address(self) -> la.PID[Any]:
        assert self._framework is not None
        return self._framework


def master_url(url: str) -> str:
    """Return where a master is reached, without a path; a scheme may be left out. Raises: InvalidRequest."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        valid = parts.scheme in ("http", "https") and parts.hostname is not None and parts.port != 0
        if not valid or not _NETLOC.fullmatch(parts.netloc):
            raise ValueError("not a host and a port")
    except ValueError as error:  # also from urlsplit: a bracket without its partner, a port that is none
        raise InvalidRequest(f"master {url!r}: expected the URL of a master, such as http://127.0.0.1:5050") from error
    return f"{parts.scheme}://{parts.netloc}"


def _with_multi_role(call: Subscribe) -> Subscribe:
    framework = call.framework
    if MULTI_ROLE in framework.capabilities:
        return call
    named = msgspec.structs.replace(framework, capabilities=(*framework.capabilities, MULTI_ROLE))
    return msgspec.structs.replace(call, framework=named)


def _body(call: Call) -> bytes:
    return msgspec.json.encode(encode_call(call))


def _headers(stream_id: str = "") -> dict[str, str]:
    headers = {"content-type": _JSON, "accept": _JSON}
    return {**headers, "mesos-stream-id": stream_id} if stream_id else headers


def _refusal(response: httpx.Response) -> str:
    return f"{response.url} answered {response.status_code}: {response.text[:_TEXT_MAX]}"
