"""Addresses: `host:port`, the part of a PID that says where its runtime listens."""

# Who calls: whatever takes an address from a user or from a peer. Two addresses are the same host if their texts are
#   equal, so a peer must call itself what others call it, and nothing is looked up to compare them.

from __future__ import annotations

import re

ADDRESS_LENGTH_MAX = 255 + 6  # a name as long as DNS has, and a port
_HOST = r"\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?)"
_ADDRESS = re.compile(rf"(?:{_HOST}):(?P<port>0|[1-9][0-9]{{0,4}})", re.ASCII)


def split_address(address: str) -> tuple[str, int]:
    """Host, without brackets, and port of ``address``. Raises: ValueError, if it has another form."""
    match = _ADDRESS.fullmatch(address) if len(address) <= ADDRESS_LENGTH_MAX else None
    port = int(match["port"]) if match else -1
    if match is None or port > 65535:
        raise ValueError(
            f"got the address {address[:ADDRESS_LENGTH_MAX]!a}, expected host:port, such as 10.0.0.6:5050 or "
            "[::1]:5050, the port 0 to 65535"
        )
    return match["six"] or match["name"], port


def split_pid(text: str, kind: object) -> tuple[str, str]:
    """Id and address of the PID that is written ``text``, of a ``kind`` of actor. Raises: TypeError, ValueError."""
    if not isinstance(text, str):
        raise TypeError(f"parse_pid: got {text!r}, expected text, such as counter@10.0.0.6:5050")
    if not isinstance(kind, type):
        raise TypeError(f"parse_pid: got {kind!r}, expected the class of the actor, or none")
    name, at, address = text.partition("@")
    if not at or not name or "/" in name:
        raise ValueError(f"parse_pid: got {text[:200]!r}, expected id@host:port, such as counter@10.0.0.6:5050")
    return name, address
