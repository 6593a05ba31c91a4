"""Calls: one request of a streaming API, and what its answer means."""

# Who calls: stream.py, in the thread of the connection.
# A call that is not answered, or that is taken for one of nobody's, ends the subscription: nobody knows whether it was
#   done, and who has sent it is to subscribe again, a framework to reconcile. So does Mesos's library when its
#   connection for calls breaks.
# Source: Mesos src/scheduler/scheduler.cpp (MesosProcess::send, _send), src/master/http.cpp (Master::Http::scheduler).

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from .reports import Denied, Ended

if TYPE_CHECKING:
    import httpx2 as httpx

    from .dialect import Dialect

JSON = "application/json"
STREAM_ID = "mesos-stream-id"
_TEXT_MAX = 500  # characters of an answer that are worth repeating
_PASSING = frozenset({404, 408, 429})  # and all of 5xx: a master that begins, or has too much to do


def headers_of(stream_id: str = "") -> dict[str, str]:
    """The headers of a request; of one that is answered by a stream of events, without its id."""
    headers = {"content-type": JSON, "accept": JSON, "accept-encoding": "identity"}
    return {**headers, STREAM_ID: stream_id} if stream_id else headers


def authorization(name: str, password: str) -> str:
    """The header that says who sends a request."""
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


async def send(
    client: httpx.AsyncClient, url: str, stream_id: str, dialect: Dialect, call: Any
) -> Ended | Denied | None:
    """Send a call, and wait for its answer; what is to be told of it."""
    import httpx2 as httpx

    name, content = type(call).__name__.lower(), dialect.body(call)
    url += dialect.path
    request = client.stream("POST", url, content=content, headers=headers_of(stream_id), follow_redirects=False)
    try:
        async with request as response:
            text = await excerpt(response)
    except httpx.HTTPError as error:
        return Ended(f"{name}: no answer from {url} ({str(error) or type(error).__name__})")
    if response.is_success:
        return None
    reason = f"{name}: {refusal(response, text)}"
    if response.is_redirect or is_passing(response) or text.startswith(dialect.strangers):
        return Ended(reason)
    return Denied(reason)


def is_passing(response: httpx.Response) -> bool:
    """Whether a refusal may be another answer next time."""
    return response.status_code in _PASSING or response.status_code >= 500


def refusal(response: httpx.Response, text: str) -> str:
    """Who has answered what."""
    return f"{response.url} answered {response.status_code}: {text}"


async def excerpt(response: httpx.Response) -> str:
    """The beginning of a body, however long that is; a short one is read to its end."""
    text = b""
    async for piece in response.aiter_raw():
        text += piece
        if len(text) > 4 * _TEXT_MAX:  # bytes; no character has more
            break
    return text.decode(errors="replace")[:_TEXT_MAX]
