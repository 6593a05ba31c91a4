"""Bodies: reading what a client sends, within what the site is ready to keep."""

# Who calls: application.py, for requests whose handler wants the body whole.
# Invariant: what the bodies of a site take together is counted from the first byte until the response has gone, and
#   bounded; so is each. What would not fit is refused as soon as that is known, by its length before a byte is read.

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from libactor.http.inflating import inflate, is_gzip
from libactor.http.response import Refusal, Response

if TYPE_CHECKING:
    from libactor.http.presence import Presence
    from libactor.http.server import Scope

BODY_BYTES_MAX = 64 << 20  # of one request, unless its route streams
BODIES_BYTES_MAX = 256 << 20  # of all requests of a site that are being read or served


def has_body(scope: Scope) -> bool:
    """Whether anything may follow the head of the request; in HTTP/1 a header says so."""
    if not scope.get("http_version", "").startswith("1"):
        return True
    return any(
        (name == b"content-length" and value.strip(b"0 ")) or name == b"transfer-encoding"
        for name, value in scope["headers"]
    )


class Bodies:
    """The bodies of one site."""

    def __init__(self, body_bytes_max: int, bodies_bytes_max: int) -> None:
        self._body_bytes_max = body_bytes_max
        self._bodies_bytes_max = bodies_bytes_max
        self._bytes = 0
        self._held: dict[Presence, int] = {}

    async def read(self, presence: Presence) -> bytes:
        """The whole body, inflated if it is gzip; counted until ``release``. Raises: Refusal, with 400, 413 or 503."""
        announced = next((value for name, value in presence.scope["headers"] if name == b"content-length"), b"")
        if announced.isdigit():
            self._check(int(announced[:20]), int(announced[:20]))
        chunks: list[bytes] = []
        more = True
        while more:
            message = await presence.receive()
            chunk = message.get("body", b"")
            if chunk:
                self._hold(presence, len(chunk))
                chunks.append(chunk)
            more = message.get("more_body", False)
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        return await inflate(body, partial(self._hold, presence)) if is_gzip(presence.scope["headers"]) else body

    def _hold(self, presence: Presence, count: int) -> None:
        """Count ``count`` bytes more, whether they came or were made of what came. Raises: Refusal."""
        size = self._held.get(presence, 0) + count
        self._check(size, count)
        self._held[presence] = size
        self._bytes += count

    def release(self, presence: Presence) -> None:
        """The request is over."""
        if self._held:
            self._bytes -= self._held.pop(presence, 0)

    def _check(self, size: int, new: int) -> None:
        if size > self._body_bytes_max:
            raise Refusal(Response(413, f"The body is larger than {self._body_bytes_max} bytes."))
        if self._bytes + new > self._bodies_bytes_max:
            raise Refusal(Response(503, "Too many bodies are being read already.", {"retry-after": "1"}))
