"""Compression: bodies of answers as gzip, where the client takes that and it is worth it."""

# Who calls: the application, as one of its last steps, for whole bodies; streams and files go as they are.
# What is large is compressed in a thread: zlib lets the others run meanwhile, and the event loop serves others.
# An answer that was, or could have been, compressed says `Vary`, so that no cache gives it to a client that asked
#   otherwise. One that somebody has encoded already stays as it is, and so do parts of files and what its maker wants
#   untouched (`no-transform`).
# Source: libprocess encoder.hpp, which compresses from 1024 bytes; RFC 9110, 12.5.3.

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING

from libactor.http.negotiation import accepts_encoding
from libactor.http.response import Response

if TYPE_CHECKING:
    from libactor.http.request import Request
    from libactor.http.site import Soon

GZIP_BYTES_MIN = 1024  # smaller bodies fit into one packet anyway
GZIP_LEVEL = 1  # the higher ones take many times as long for a few percent
INLINE_BYTES_MAX = 64 * 1024  # what is compressed within a millisecond or so, on the event loop


def compress(request: Request, response: Response) -> Soon[Response]:
    """``response`` as the client is to get it: compressed, or as it is."""
    body = response.body
    if not isinstance(body, bytes) or len(body) < GZIP_BYTES_MIN or not _may_encode(response):
        return response
    if not accepts_encoding(request.headers.get("accept-encoding"), "gzip"):
        return _varied(response, body, encoded=False)
    if len(body) > INLINE_BYTES_MAX:
        return _compress_elsewhere(response, body)
    return _varied(response, _gzip(body), encoded=True)


async def _compress_elsewhere(response: Response, body: bytes) -> Response:
    return _varied(response, await asyncio.to_thread(_gzip, body), encoded=True)


def _varied(response: Response, body: bytes, *, encoded: bool) -> Response:
    """``response`` with another body, and a word on what it depends."""
    fields = [(name.decode(), value.decode()) for name, value in response.headers if name != b"vary"]
    fields.append(("vary", _with_encoding(response)))
    return Response(response.status, body, [*fields, ("content-encoding", "gzip")] if encoded else fields)


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, GZIP_LEVEL, mtime=0)


def _may_encode(response: Response) -> bool:
    return not any(
        name in (b"content-encoding", b"content-range")
        or (name == b"cache-control" and b"no-transform" in value.lower())
        for name, value in response.headers
    )


def _with_encoding(response: Response) -> str:
    """A Vary that says Accept-Encoding beside what it says."""
    said = [value.decode() for name, value in response.headers if name == b"vary"]
    names = {name.strip().lower() for value in said for name in value.split(",")}
    return ", ".join(said if names & {"*", "accept-encoding"} else [*said, "Accept-Encoding"])
