"""Peers: who is at the other end of a connection, and that it is not to be talked to."""

# Who calls: handshake.py and tls.py, and the transport, which drives both.

from __future__ import annotations

import enum
from dataclasses import dataclass


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
