"""Inflating: bodies of requests that come as gzip."""

# Who calls: bodies.py, for requests whose handler wants the body whole.
# Invariant: every piece that comes out is counted before the next one is made, so that a body which swells a
#   thousandfold is refused like any other that is too large; the work is linear in what goes in and comes out.
# Pieces are made on the event loop, which goes round between them. Other encodings are the handler's business.
# Source: libprocess decoder.hpp; RFC 1952: a body may have several members.

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable

from libactor.http.breathing import breathe
from libactor.http.response import Refusal, Response

PIECE_BYTES = 64 * 1024  # made in one go
GIVEN_BYTES = 16 * 1024  # to make it of: what is left of them is copied each time
MEMBERS_MAX = 10_000  # each of which takes its time, even if nothing is in it
_GZIP = 31  # of zlib: the largest window, and a header of gzip

Header = tuple[bytes, bytes]


def is_gzip(headers: Iterable[Header]) -> bool:
    """Whether a body of these headers, names in lower case, is gzip and nothing else besides."""
    given = [value.strip().lower() for name, value in headers if name == b"content-encoding"]
    return given in ([b"gzip"], [b"x-gzip"])


def without_encoding(headers: Iterable[Header]) -> tuple[Header, ...]:
    """What headers say of the body once it is inflated."""
    return tuple(field for field in headers if field[0] not in (b"content-encoding", b"content-length"))


async def inflate(body: bytes, hold: Callable[[int], None]) -> bytes:
    """What ``body`` was before it became gzip; ``hold`` is told of the bytes that are made, and may refuse more.

    Raises: Refusal, with 400 for what is no gzip, or not whole.
    """
    pieces: list[bytes] = []
    view, at, members = memoryview(body), 0, 0
    while at < len(view):
        member, piece = zlib.decompressobj(_GZIP), b""
        members += 1
        if members > MEMBERS_MAX:
            raise _refusal(f"it has more than {MEMBERS_MAX} members")
        while not member.eof:
            if at == len(view) and not piece:
                raise _refusal("it ends too early")
            given = view[at : at + GIVEN_BYTES]
            try:
                piece = member.decompress(given, PIECE_BYTES)
            except zlib.error as error:
                raise _refusal(str(error)) from None
            at += len(given) - len(member.unused_data or member.unconsumed_tail)  # behind this member, or of it
            hold(len(piece))
            pieces.append(piece)
            await breathe()
    return b"".join(pieces)


def _refusal(why: str) -> Refusal:
    return Refusal(Response(400, f"The body is not the gzip that Content-Encoding says: {why}."))
