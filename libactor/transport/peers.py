"""Peers: who is at the other end of a connection, and that it is not to be talked to."""

# Who calls: handshake.py and tls.py, and the transport, which drives both and keeps the errors of either.

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TypeVar

ErrorT = TypeVar("ErrorT", bound=BaseException)


class Role(enum.Enum):
    """Which end of a connection."""

    CONNECTOR = "connector"
    ACCEPTOR = "acceptor"


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end: proven, if there is a secret."""

    address: str
    instance: bytes
    version: int


class HandshakeRefused(Exception):
    """The peer is not to be talked to, or does not talk to us: the text says why.

    ``farewell`` is what to send it before the connection is closed, empty if it has said so itself.
    """

    def __init__(self, reason: str, farewell: bytes) -> None:
        super().__init__(reason)
        self.farewell = farewell


def without_frames(error: ErrorT) -> ErrorT:
    """``error`` as it can be kept: in its frames is all that its callers had, and what is in an event, which the
    collector does not look into, would never go."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
