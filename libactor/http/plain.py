"""Plain answers: those whose body is there as a whole, as they stand on a connection of our own server."""

# Who calls: connection.py on the event loop, front.py and front_connection.py on the worker.
# Invariant: whoever answers, the bytes are the same.
# Source: RFC 9112; the order of fields is uvicorn's.

from __future__ import annotations

from collections.abc import Iterable

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from libactor.http.response import NO_BODY

Field = tuple[bytes, bytes]

JOINED_BYTES_MAX = 16 * 1024  # of a body that is copied behind its head, which is less work than to write both


TEXT = ((b"content-type", b"text/plain; charset=utf-8"),)


def refusal(status: int, text: str, default_headers: Iterable[Field]) -> bytes:
    """The last answer on a connection, to no request in particular."""
    return b"".join(plain_answer("GET", False, status, default_headers, TEXT, text.encode()))


def plain_answer(
    method: str,
    keep_alive: bool,
    status: int,
    default_headers: Iterable[Field],
    headers: Iterable[Field],
    body: bytes,
) -> tuple[bytes, bytes]:
    """Head and body of the answer to a request of ``method``."""
    fields = [b"%b: %b\r\n" % field for field in (*default_headers, *headers)]
    if status not in NO_BODY:
        fields.append(b"content-length: %d\r\n" % len(body))
    if not keep_alive:
        fields.append(b"connection: close\r\n")
    return b"".join((STATUS_LINE[status], *fields, b"\r\n")), b"" if method == "HEAD" else body
