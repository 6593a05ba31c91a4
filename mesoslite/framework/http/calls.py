"""Calls: one request of a streaming API, and what its answer means."""

# Who calls: stream.py, in the thread of the connection.
# A call that is not answered, or that is taken for one of nobody's, ends the subscription: nobody knows whether it was
#   done, and who has sent it is to subscribe again, a framework to reconcile. So does Mesos's library when its
#   connection for calls breaks.
# Source: Mesos src/scheduler/scheduler.cpp (MesosProcess::send, _send), src/master/http.cpp (Master::Http::scheduler).

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from .call_line import BODY_BYTES_MAX, LineError
from .reports import Denied, Ended

if TYPE_CHECKING:
    import httpx2 as httpx

    from .call_line import CallLine
    from .dialect import Dialect

JSON = "application/json"
STREAM_ID = "mesos-stream-id"
_TEXT_MAX = 500  # characters of an answer that are worth repeating
_PASSING = frozenset({404, 408, 429})  # and all of 5xx: a master that begins, or has too much to do


def headers_of(stream_id: str = "", signature: str = "") -> dict[str, str]:
    """The headers of a request; of one that is answered by a stream of events, without its id."""
    headers = {"content-type": JSON, "accept": JSON, "accept-encoding": "identity"}
    own = {STREAM_ID: stream_id, "authorization": signature}
    return {**headers, **{name: value for name, value in own.items() if value}}


def authorization(name: str, password: str) -> str:
    """The header that says who sends a request."""
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


async def send(line: CallLine, url: str, dialect: Dialect, call: Any) -> Ended | Denied | None:
    """Send a call by ``line``, which leads to ``url``, and wait for its answer; what is to be told of it."""
    name = type(call).__name__.lower()
    try:
        answer = await line.post(dialect.body(call))
    except LineError as error:
        return Ended(f"{name}: no answer from {url} ({error})")
    if 200 <= answer.status < 300:
        return None
    text = excerpt(answer.body)
    reason = f"{name}: {refusal(url, answer.status, text)}"
    if 300 <= answer.status < 400 or is_passing(answer.status) or text.startswith(dialect.strangers):
        return Ended(reason)
    return Denied(reason)


def is_passing(status: int) -> bool:
    """Whether a refusal may be another answer next time."""
    return status in _PASSING or status >= 500


def refusal(url: str, status: int, text: str) -> str:
    """Who has answered what."""
    return f"{url} answered {status}: {text}"


async def beginning(response: httpx.Response) -> bytes:
    """The beginning of a body, however long that is; a short one is read to its end."""
    text = b""
    async for piece in response.aiter_raw():
        text += piece
        if len(text) > BODY_BYTES_MAX:
            break
    return text


def excerpt(body: bytes) -> str:
    """What of a body is worth repeating."""
    return body.decode(errors="replace")[:_TEXT_MAX]
