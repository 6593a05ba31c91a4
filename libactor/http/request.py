"""Request: what a client asks for, as a value that may go from actor to actor."""

# Who calls: application.py makes one for each request; users' handlers and tests.
# Invariants: nothing of a request changes; headers and query are parsed by whoever asks first, since most do not.
# What a client can make us keep or compute is bounded by the server's limit of the head (connection.py).
# Source: libprocess http.hpp (Request, Headers).

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from urllib.parse import parse_qsl

import msgspec

from libactor._core.values import register_immutable
from libactor.http.pipe import Reader


class Headers(Mapping[str, str]):
    """Header fields by name, in whatever case; of one that was sent several times, all values, separated by commas."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[tuple[bytes, bytes]] | Mapping[str, str] = ()) -> None:
        if isinstance(fields, Mapping):
            fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields.items()]
        found: dict[str, str] = {}
        for raw_name, raw_value in fields:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1").strip(" \t")
            if name in found:
                value = f"{found[name]}{'; ' if name == 'cookie' else ', '}{value}"
            found[name] = value
        self._fields = found

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Headers({self._fields!r})"


class Request(msgspec.Struct, frozen=True, dict=True, eq=False):
    """One request of a client.

    ``path`` is decoded and whole, such as ``/counter/value/3``; ``endpoint`` is what answers it, ``/counter/value``,
    and ``rest`` what follows below that, ``/3``. Where the application is mounted, ``root_path`` stands before it.
    ``body`` is a Reader where the route asks for the stream. ``client`` is host and port, where the server knows them.
    """

    method: str = "GET"
    path: str = "/"
    query_string: bytes = b""
    raw_headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes | Reader = b""
    client: tuple[str, int] | None = None
    scheme: str = "http"
    root_path: str = ""
    endpoint: str = ""
    rest: str = ""

    @cached_property
    def headers(self) -> Headers:
        """The header fields."""
        return Headers(self.raw_headers)

    @cached_property
    def query(self) -> Mapping[str, str]:
        """What stands behind the ``?``; of a name that was given several times, the last."""
        text = self.query_string.decode("latin-1")
        return MappingProxyType(dict(parse_qsl(text, keep_blank_values=True)))

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.path}>"


register_immutable(Headers)
register_immutable(Request)
