"""Response: what an actor answers, and the shorthands that stand for one."""

# Who calls: users' handlers; calling.py turns what a handler returned into one, application.py what a step answers.
# Invariant: a Response is a value that never changes: what it was given as body is text or JSON by the time the
#   constructor returns, so in an actor it is the actor that pays for it, and sees what was wrong with it.
# Rejected: a class for each status; the number says it.
# Source: libprocess http.hpp (Response, OK, JSON).

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from libactor._core.values import register_immutable
from libactor.http.parts import FilePart
from libactor.http.pipe import Reader

TEXT, JSON, BYTES = b"text/plain; charset=utf-8", b"application/json", b"application/octet-stream"
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_NO_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_OURS = frozenset({"connection", "content-length", "date", "transfer-encoding"})  # which the server sees to
NO_BODY = (204, 304)

Fields = Mapping[str, str] | Iterable[tuple[str, str]]


class Response:
    """What goes back to the client.

    ``body``: bytes, text, a Pipe's reader for what is still to come, a Path for the file there (``Files`` for what
    clients choose), or a value that has a form in JSON; the content type follows from it unless ``headers`` says one.
    ``headers``: a mapping, or pairs, where one name is to be sent several times.

    Raises: ValueError for a status outside of 200 to 599 or a header that cannot be sent; TypeError for a body
    that has no form in JSON.
    """

    __slots__ = ("body", "headers", "status")

    status: int
    body: bytes | Reader | Path | FilePart
    headers: tuple[tuple[bytes, bytes], ...]  # names in lower case

    def __init__(self, status: int = 200, body: Any = b"", headers: Fields = ()) -> None:
        if type(status) is not int or not 200 <= status <= 599:
            raise ValueError(f"Response: got the status {status!r}, expected a number from 200 to 599")
        kept, kind = _render(body)
        if status in NO_BODY and kept != b"":
            raise ValueError(f"Response: got a body with status {status}, which has none; leave it out")
        fields = _check_headers(headers) if headers else ()
        if kind is not None and not any(name == b"content-type" for name, _ in fields):
            fields = ((b"content-type", kind), *fields)
        object.__setattr__(self, "status", status)
        object.__setattr__(self, "body", kept)
        object.__setattr__(self, "headers", fields)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Response.{name}: a response never changes; make another one")

    def header(self, name: str) -> str | None:
        """The first value of that name, in whatever case; None if it has none."""
        wanted = name.lower().encode("latin-1")
        return next((value.decode("latin-1") for key, value in self.headers if key == wanted), None)

    def __repr__(self) -> str:
        return f"<Response {self.status}>"


register_immutable(Response)


class Refusal(Exception):
    """A step of a request answers in the place of all that would follow."""

    def __init__(self, response: Response) -> None:
        super().__init__(response)
        self.response = response


def respond(value: Any) -> Response:
    """The response that ``value``, as a handler returned it, stands for. Raises: as Response."""
    if isinstance(value, Response):
        return value
    return Response(204) if value is None else Response(200, value)


def _render(body: Any) -> tuple[bytes | Reader | Path | FilePart, bytes | None]:
    """The body as it will be sent, and its content type; None: there is nothing to have one."""
    if type(body) is bytes:
        return body, BYTES if body else None
    if isinstance(body, str):
        return body.encode("utf-8"), TEXT
    if isinstance(body, (Reader, Path, FilePart)):
        return body, None if isinstance(body, Path) else BYTES
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body), BYTES
    try:
        return msgspec.json.encode(body), JSON
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise TypeError(
            f"Response: a {type(body).__qualname__} cannot be the body: {error}; expected bytes, text, a Reader, a "
            "Path, or what has a form in JSON: dict, list, dataclass, struct, number, None"
        ) from error


def _check_headers(headers: Fields) -> tuple[tuple[bytes, bytes], ...]:
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    fields = []
    for name, value in pairs:
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name.lower() in _OURS:
            raise ValueError(
                f"Response: the header name {name!r} will not do; expected a token, and not one of "
                f"{', '.join(sorted(_OURS))}, which the server sets"
            )
        if not isinstance(value, str) or _NO_VALUE.search(value) or not value.isascii():
            raise ValueError(f"Response: the value {value!r} of {name} will not do; expected ASCII without line ends")
        fields.append((name.lower().encode(), value.encode()))
    return tuple(fields)
