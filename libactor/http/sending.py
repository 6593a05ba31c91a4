"""Sending: a response on its way to the client: at once, as it is written, or from a file."""

# Who calls: application.py, last.
# Invariants: 1. of a pipe at most one write is under way beside what the server buffers: who reads slowly holds up who
#   writes.    2. whatever ends a response, its pipe is closed and its file too.    3. a response that has begun and
#   cannot be ended well is not ended: the connection is cut, so that the client can tell.
# Source: libprocess http_proxy.cpp.

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from libactor._core._impl import READY
from libactor.http.breathing import breathe
from libactor.http.parts import FilePart, open_part
from libactor.http.pipe import Reader
from libactor.http.response import NO_BODY, TEXT, Response
from libactor.http.waking import waking

if TYPE_CHECKING:
    from libactor.http.request import Request
    from libactor.http.server import Send

log = logging.getLogger("libactor.http")


async def send_response(request: Request, response: Response, send: Send) -> None:
    """Send all of it. Raises: ConnectionAbortedError where it cannot be ended well."""
    body = response.body
    if isinstance(body, Reader):
        await _send_stream(request, response, body, send)
    elif isinstance(body, FilePart):
        await _send_part(request, response, body, send)
    elif isinstance(body, Path):
        await _send_file(request, response, body, send)
    else:
        await _send_bytes(response, body, send)


async def _send_bytes(response: Response, body: bytes, send: Send) -> None:
    headers = response.headers
    if response.status not in NO_BODY:
        headers = (*headers, (b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _send_stream(request: Request, response: Response, reader: Reader, send: Send) -> None:
    try:
        await send({"type": "http.response.start", "status": response.status, "headers": response.headers})
        more = request.method != "HEAD"
        while more:
            future = reader.read()
            if future.is_pending():
                await waking().end_of(future)
            state, chunk = future._outcome()
            if state != READY:
                log.info("%s %s: the stream failed: %r", request.method, request.path, chunk)
                raise ConnectionAbortedError(f"the stream failed: {chunk!r}")
            more = bool(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": more})
        if request.method == "HEAD":
            await send({"type": "http.response.body", "body": b""})
    finally:
        reader.close()


async def _send_file(request: Request, response: Response, path: Path, send: Send) -> None:
    """Send what is in the file now."""
    part = _open(path)
    if part is None:
        missing = b"There is no such file."
        await _send_bytes(Response(404, headers={"content-type": TEXT.decode()}), missing, send)
        return
    await _send_part(request, response, part, send)


async def _send_part(request: Request, response: Response, part: FilePart, send: Send) -> None:
    """Send what is open. It is read on the event loop: what lies in memory takes no thread to fetch."""
    try:
        headers = (*response.headers, (b"content-length", b"%d" % part.length))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        done = part.length if request.method == "HEAD" else 0
        while done < part.length:
            chunk = part.read(done)
            done += len(chunk)
            if not chunk:
                raise ConnectionAbortedError(f"{request.path} has become shorter while it was sent")
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await breathe()  # sending need not wait, for who takes it at once nor for who has gone; others do
        await send({"type": "http.response.body", "body": b""})
    finally:
        part.close()


def _open(path: Path) -> FilePart | None:
    try:
        return open_part(path)
    except OSError as error:
        log.error("%s cannot be sent: %s", path, error.strerror)
        return None
