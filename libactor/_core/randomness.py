"""The one door to randomness: everything random in libactor and mesoslite comes from here."""

# Who calls: whoever needs an id that nobody else has, or a stream of choices. One door: inside a deterministic runtime
#   a seeded source is behind it (libactor/testing/streams.py).

from __future__ import annotations

import os
import random
import uuid
from collections.abc import Callable
from typing import Protocol


class Source(Protocol):
    """Where randomness comes from in the place of the operating system."""

    def random_bytes(self, count: int, purpose: str) -> bytes:
        """``count`` bytes; each purpose has bytes of its own, whatever else is asked for."""


def _find_nothing() -> Source | None:
    return None


DRAWN_AT_ONCE = 64  # UUIDs
_drawn: list[bytes] = []  # for UUIDs to come; any thread takes one
os.register_at_fork(after_in_child=_drawn.clear)  # or parent and child would make the same ones

_find_source: Callable[[], Source | None] = _find_nothing


def configure(find_source: Callable[[], Source | None]) -> None:
    """Have ``find_source`` asked each time: None stands for the operating system."""
    global _find_source
    _find_source = find_source


def random_uuid() -> uuid.UUID:
    """A fresh random UUID (version 4, RFC 9562); inside a deterministic runtime its seed decides which."""
    return uuid.UUID(bytes=_uuid_bytes(), version=4)


def random_uuid_bytes() -> bytes:
    """The 16 bytes of a fresh random UUID; a UUID of them would take twice as long to make."""
    data = bytearray(_uuid_bytes())
    data[6] = data[6] & 0x0F | 0x40  # version 4
    data[8] = data[8] & 0x3F | 0x80  # the variant of RFC 9562
    return bytes(data)


def random_stream() -> random.Random:
    """A generator of its own, seeded by the operating system, or by a deterministic runtime inside one."""
    return random.Random(_random_bytes(16, "stream"))


def random_nonce() -> bytes:
    """32 bytes that nobody can foretell and that never come twice, unless a deterministic runtime's seed says which."""
    return _random_bytes(32, "nonce")


def _uuid_bytes() -> bytes:
    """Bytes for one UUID; the operating system, whom it takes longer to ask than to answer, is asked for many."""
    if _find_source() is not None:
        return _random_bytes(16, "uuid")
    try:
        return _drawn.pop()
    except IndexError:
        data = os.urandom(16 * DRAWN_AT_ONCE)
        _drawn.extend([data[at : at + 16] for at in range(16, len(data), 16)])
        return data[:16]


def _random_bytes(count: int, purpose: str) -> bytes:
    source = _find_source()
    return os.urandom(count) if source is None else source.random_bytes(count, purpose)
