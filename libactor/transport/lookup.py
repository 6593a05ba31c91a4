"""Look-up: the addresses in numbers of a host that is named."""

# Who calls: users, who are told such a name; the transport itself takes numbers only (configuration.py).

from __future__ import annotations

import ipaddress
import socket

from libactor.transport.address import split_address


def look_up(address: str) -> tuple[str, ...]:
    """The addresses ``host:port`` in numbers that ``address`` has now, best first; itself, if its host is a number.

    It blocks, for seconds if the network is slow: in actors have a Pool call it. Raises: TypeError, ValueError, for
    what is no address; OSError, for a name that leads nowhere.
    """
    if not isinstance(address, str):
        raise TypeError(f"look_up: got {address!r}, expected text, such as master.example:5050")
    host, port = split_address(address)
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return (address,)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a part of the name is empty, or too long
        raise OSError(f"{host} is no name that a host can have") from error
    numbers = [str(entry[4][0]) for entry in found if "%" not in str(entry[4][0])]  # others hold on one link only
    return tuple(dict.fromkeys([f"[{one}]:{port}" if ":" in one else f"{one}:{port}" for one in numbers]))
