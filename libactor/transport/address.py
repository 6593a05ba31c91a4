"""Addresses: `host:port`, the part of a PID that says where its runtime listens."""

# Who calls: whatever takes an address from a user or from a peer. Two addresses are the same host if their texts are
#   equal, so a peer must call itself what others call it, and nothing is looked up to compare them.

from __future__ import annotations

import re

from libactor.actor import Actor
from libactor.methods import Unknown

ADDRESS_LENGTH_MAX = 255 + 6  # a name as long as DNS has, and a port
_HOST = r"\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?)"
_ADDRESS = re.compile(rf"(?:{_HOST}):(?P<port>0|[1-9][0-9]{{0,4}})", re.ASCII)


def split_address(address: str) -> tuple[str, int]:
    """Host, without brackets, and port of ``address``. Raises: ValueError, if it has another form."""
    match = _ADDRESS.fullmatch(address) if len(address) <= ADDRESS_LENGTH_MAX else None
    port = int(match["port"]) if match else -1
    if match is None or port > 65535:
        raise ValueError(
            f"got the address {address[:ADDRESS_LENGTH_MAX]!a}{_flaw_of(address)}, expected host:port, such as "
            "10.0.0.6:5050 or [::1]:5050, the port 0 to 65535"
        )
    return match["six"] or match["name"], port


def _flaw_of(address: str) -> str:
    """What is wrong with it, if that is one of the things that happen."""
    host, _, port = address.rpartition(":")
    if not host or not (port.isascii() and port.isdecimal()):
        return ", which has no port"
    if port[0] == "0" and port != "0":
        return ", whose port begins with a 0"
    if int(port[:6]) > 65535:
        return ", whose port is too large"
    return ", whose IPv6 host lacks its brackets" if ":" in host and host[0] != "[" else ""


def split_pid(text: str, kind: object) -> tuple[str, str]:
    """Id and address of the PID that is written ``text``, of a ``kind`` of actor. Raises: TypeError, ValueError."""
    if not isinstance(text, str):
        raise TypeError(f"parse_pid: got {text!r}, expected text, such as counter@10.0.0.6:5050")
    if not isinstance(kind, type) or not issubclass(kind, (Actor, Unknown)):
        raise TypeError(f"parse_pid: got {kind!r}, expected the class of the actor, or none")
    name, at, address = text.partition("@")
    if not at or not name or "/" in name:
        raise ValueError(f"parse_pid: got {text[:200]!r}, expected id@host:port, such as counter@10.0.0.6:5050")
    return name, address
