"""Exchange: one HTTP request and the ways to answer it."""

# Who calls: routes.py makes one for each request; the endpoints read it and return a Response or stream through it.
# Invariants: 1. a body is never larger in memory than BODY_BYTES_MAX, and gone once it is read (bodies.py: all bodies).
#   2. an endpoint that cannot go on raises Refusal, which is the answer; ClientGone: nobody is left to answer.
# Source: Mesos 3rdparty/libprocess/src/encoder.hpp (gzip from 1024 bytes), decoder.hpp (gzip of requests),
#   process/http.cpp (OK with jsonp).

from __future__ import annotations

import gzip
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, unquote_to_bytes

import msgspec

from libactor.http import Application, Receive, Scope, Send
from libactor.http.presence import Presence
from mesoslite.model import ALL_ALLOWED, Demand, refusal_of
from mesoslite.model.executor_calls import ExecutorClaims

from .bodies import Bodies
from .large_documents import PART_BYTES, open_document

T = TypeVar("T")

BODY_BYTES_MAX = 8 * 1024 * 1024
FORM_FIELDS_MAX = 100
GZIP_BYTES_MIN = 1024
GZIP_LEVEL = 1  # a large state is asked for every few seconds; the higher levels take many times as long
JSON = "application/json"
_CALLBACK = re.compile(r"[\w$.\[\]]{1,256}", re.ASCII)


def _as_it_is(document: Any) -> Any:
    return document


class Refusal(Exception):
    """The answer to a request that is not granted: a status, a text that says why, headers that the status asks for."""

    def __init__(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, text, headers)
        self.status = status
        self.text = text
        self.headers = headers or {}


class ClientGone(Exception):
    """The client has closed the connection before it was answered."""


@dataclass(frozen=True)
class Response:
    """A whole answer."""

    status: int = 200
    body: bytes = b""
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class Exchange:
    """One request, with what is needed to answer it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, bodies: Bodies) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.server: tuple[str, int] = scope.get("server") or ("", 0)  # the address the client has connected to
        self.receive = receive
        self.principal: str | None = None  # who has been authenticated
        self.claims: ExecutorClaims | None = None  # and as which executor
        self.acls = ALL_ALLOWED  # what who sends it may do
        self.asking_option = ""  # what would have the sender asked for a password, if nobody is here
        self._scope = scope
        self._query: bytes = scope["query_string"]
        self._headers: list[tuple[bytes, bytes]] = scope["headers"]
        self._send = send
        self._bodies = bodies

    @property
    def target(self) -> str:
        """The path and the query, as they were asked for."""
        path = quote(self.path, safe="/:@!$&'()*+,;=~")
        return f"{path}?{self._query.decode('latin-1')}" if self._query else path

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The parameters of the query; of one given twice, the last."""
        return dict(self._parameters)

    @property
    def repeated(self) -> list[str]:
        """Parameters that the query gives more than once."""
        times = Counter([name for name, _ in self._parameters])
        return [name for name, count in times.items() if count > 1]

    @cached_property
    def _parameters(self) -> list[tuple[str, str]]:
        return parse_qsl(self._query.decode("latin-1"), keep_blank_values=True)

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """The headers, names in lower case; values of one name joined by commas."""
        headers: dict[str, str] = {}
        for name, value in self._headers:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1")
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
        return headers

    def refuse_executors(self) -> None:
        """Go on if who sends it is no executor. Raises: Refusal with status 403."""
        if self.claims is not None:
            raise Refusal(403, "The token is that of an executor, which may not do this")

    def demand(self, demands: Iterable[Demand]) -> None:
        """Go on if who sends it may do all of this; executors are known, and may nothing of it.

        Raises: Refusal with status 403.
        """
        if next(iter(demands), None) is not None:
            self.refuse_executors()
        denied = refusal_of(demands, self.acls, self.principal)
        if denied is not None:
            remedy = f"; passwords are asked for here with {self.asking_option} only" if self.asking_option else ""
            raise Refusal(403, denied + remedy)

    def accepts(self, content_type: str, header: str = "accept") -> bool:
        """Whether the client takes answers of that type."""
        wanted = self.headers.get(header.lower(), "")
        family = content_type.partition("/")[0] + "/*"
        return not wanted.strip(" \t,") or bool(_quality(wanted, content_type, family, "*/*"))

    @property
    def accepts_gzip(self) -> bool:
        """Whether the client takes compressed answers."""
        return bool(_quality(self.headers.get("accept-encoding", ""), "gzip", "*"))

    async def read_body(self, read: Callable[[bytes], T]) -> T:
        """What ``read`` makes of the body of the request, of a large one in a thread; it is not kept.

        Raises: Refusal: 413, if it is larger than BODY_BYTES_MAX, 503 while there are too many large ones, 415 for
        another encoding than gzip, 400 for what is none; ClientGone, if it does not all come; what ``read`` raises.
        """
        encoding = self.encoding("gzip")
        pieces: list[bytes] = []  # to add each to those before would copy all of them, time and again
        try:
            await self._receive_body(pieces)
            is_small = _size(pieces) <= PART_BYTES
            if encoding == "gzip":
                content = _decompressed(b"".join(pieces), PART_BYTES) if is_small else None
                if content is not None:
                    return read(content)
                return await self._bodies.in_turn(lambda: read(_all_decompressed(b"".join(pieces))))
            if is_small:
                return read(b"".join(pieces))
            return await self._bodies.in_turn(lambda: read(b"".join(pieces)))
        finally:
            self._bodies.give_back(_size(pieces))

    def encoding(self, *taken: str) -> str:
        """How the body is compressed; ``identity``: it is not. Raises: Refusal with status 415, if not as ``taken``."""
        found = self.headers.get("content-encoding", "identity").strip().lower()
        if found not in (*taken, "identity"):
            text = f"Expecting 'Content-Encoding' of {', or '.join((*taken, 'none'))}, got {found[:80]}"
            raise Refusal(415, text, {"accept-encoding": ", ".join(taken) or "identity"})
        return found

    async def _receive_body(self, pieces: list[bytes]) -> None:
        announced = self.headers.get("content-length", "")
        if announced.isdigit() and int(announced[:20]) > BODY_BYTES_MAX:
            raise _too_large()
        size = 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            piece = message.get("body", b"")
            if size + len(piece) > BODY_BYTES_MAX:
                raise _too_large()
            if not self._bodies.take(size, size + len(piece)):
                raise Refusal(503, "Too many large bodies are being read; send it again later", {"connection": "close"})
            if piece:
                pieces.append(piece)
                size += len(piece)
            if not message.get("more_body", False):
                return

    async def gone(self) -> None:
        """Wait until the client has closed the connection."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    def presence(self) -> Presence:
        """The client, by whose going the task of this request is cancelled."""
        return Presence(self._scope, self.receive)

    async def answer(self, response: Response) -> None:
        """Send a whole answer."""
        headers = dict(response.headers)
        if response.status != 304:  # whose length would be that of the answer which the client has
            headers["content-length"] = str(len(response.body))
        if response.content_type:
            headers["content-type"] = response.content_type
        await self.start(response.status, headers)
        await self.send(response.body, more=False)

    async def hand_over(self, other: Application, path: str) -> None:
        """Have another application answer, as if it had been asked for ``path``."""
        await other({**self._scope, "path": path, "raw_path": quote(path).encode()}, self.receive, self._send)

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Begin an answer, whose body follows by ``send``."""
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def send(self, body: bytes, more: bool = True) -> None:
        """Send a piece of the body; waits while the client is slow to read."""
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    def script(self) -> tuple[bytes, str]:
        """The function that ``?jsonp=`` wants to be called with the answer, empty if none is; and the answer's type.

        Raises: Refusal with status 400, if that is no name of a function.
        """
        callback = self.query.get("jsonp")
        if callback is None:
            return b"", JSON
        if not _CALLBACK.fullmatch(callback):
            raise Refusal(400, f"jsonp: got {callback[:80]!r}, expected the name of a function")
        return callback.encode(), "text/javascript"

    def json(self, document: Any) -> Response:
        """The answer that is ``document``: as JSON, or as script for ``?jsonp=``; compressed if large and accepted.

        Raises: Refusal with status 400, if the name of the callback is none. May run in any thread.
        """
        body, (callback, content_type) = msgspec.json.encode(document), self.script()
        if callback:
            body = callback + b"(" + body + b");"
        if len(body) < GZIP_BYTES_MIN or not self.accepts_gzip:
            return Response(body=body, content_type=content_type)
        compressed = gzip.compress(body, GZIP_LEVEL, mtime=0)
        return Response(body=compressed, content_type=content_type, headers={"content-encoding": "gzip"})


async def json_document(exchange: Exchange, read: Callable[[Any], T]) -> T:
    """Return what ``read`` makes of the JSON document that a request carries; of a large one it is called in a thread.

    Raises: Refusal: 400 without a Content-Type or for what is no JSON, 415 for another type, 413 if it is too large;
    what ``read`` raises.
    """
    content_type = exchange.headers.get("content-type")
    if content_type is None:
        raise Refusal(400, f"Expecting 'Content-Type' to be present; set it to {JSON}")
    if content_type != JSON:
        raise Refusal(415, f"Expecting 'Content-Type' of {JSON}, got {content_type[:80]}")
    return await exchange.read_body(lambda body: read(_parsed(body)))


async def json_body(exchange: Exchange, read: Callable[[Any], T]) -> T:
    """As ``json_document``, whatever the request says of its type."""
    return await exchange.read_body(lambda body: read(_parsed(body)))


async def form(exchange: Exchange, read: Callable[[Mapping[str, str]], Any] = _as_it_is) -> Any:
    """Return what ``read`` makes of the fields of the form that a request carries; of one given twice, the last.

    As ``json_document``: of a large one it is called in a thread. Raises: Refusal: 400 for what is no form, or has more
    than FORM_FIELDS_MAX fields, 413 if it is too large; what ``read`` raises.
    """
    return await exchange.read_body(lambda body: read(_form_fields(body)))


def parsed_field(fields: Mapping[str, str], name: str) -> Any:
    """The JSON document that a field of a form is; of a large one, some is parsed only when it is read.

    Raises: Refusal: 400 for what is no JSON.
    """
    try:
        return _parsed(fields[name].encode())
    except Refusal as refusal:
        raise Refusal(400, f"{name}: {refusal.text}") from refusal


def _parsed(body: bytes) -> Any:
    """The document in a body; of a large one, some is parsed only when it is read."""
    try:
        return msgspec.json.decode(body) if len(body) <= PART_BYTES else open_document(body)
    except (ValueError, RecursionError) as error:  # DecodeError and broken UTF-8 are ValueErrors
        raise Refusal(400, f"Failed to parse body into JSON: {error}") from error


def _decompressed(body: bytes, bytes_max: int) -> bytes | None:
    """What a body of gzip holds; None, if that is more. Raises: Refusal: 400 for what is none."""
    stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        content = stream.decompress(body, bytes_max + 1)
    except zlib.error as error:
        raise Refusal(400, f"Failed to decompress the body: {error}") from error
    if len(content) > bytes_max:
        return None
    if not stream.eof or stream.unused_data:
        problem = "it goes on behind its end" if stream.eof else "it is cut off"
        raise Refusal(400, f"Failed to decompress the body: {problem}")
    return content


def _all_decompressed(body: bytes) -> bytes:
    """What a body of gzip holds. Raises: Refusal: 413, if that is more than a body may; 400."""
    content = _decompressed(body, BODY_BYTES_MAX)
    if content is None:
        raise _too_large()
    return content


def _form_fields(body: bytes) -> Mapping[str, str]:
    entries = body.split(b"&", FORM_FIELDS_MAX)
    if len(entries) > FORM_FIELDS_MAX:
        raise Refusal(400, f"Failed to parse the body as a form: more than {FORM_FIELDS_MAX} fields")
    pairs = [entry.partition(b"=") for entry in entries if entry]
    try:
        return {_unquoted(name): _unquoted(value) for name, _, value in pairs}
    except UnicodeDecodeError as error:
        raise Refusal(400, f"Failed to parse the body as a form: {error}") from error


def _unquoted(text: bytes) -> str:
    """What a text of a form says, read PART_BYTES at a time: all at once would hold the GIL."""
    pieces, at = [], 0
    while at < len(text):
        end = at + PART_BYTES
        cut = text.rfind(b"%", end - 2, end)  # an escape that goes on behind the part
        if cut >= 0:
            end = cut
        pieces.append(unquote_to_bytes(text[at:end].replace(b"+", b" ")))
        at = end
    return b"".join(pieces).decode()


def _size(pieces: list[bytes]) -> int:
    return sum([len(piece) for piece in pieces])


def _too_large() -> Refusal:
    return Refusal(413, f"The body is larger than {BODY_BYTES_MAX} bytes; send less at a time", {"connection": "close"})


def _quality(header: str, *names: str) -> float:
    """The weight that a header such as ``gzip;q=0.5, *;q=0`` gives the first of ``names`` that it mentions; else 0."""
    weights = {}
    for entry in header.split(","):
        name, *parameters = [part.strip().lower() for part in entry.split(";")]
        weights[name] = next((_weight(text[2:]) for text in parameters if text.startswith("q=")), 1.0)
    return next((weights[name] for name in names if name in weights), 0.0)


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
