"""Remote: how a runtime is reached by others, and how it reaches them."""

# Who calls: users, who hand one to Runtime; the transport reads it. What it says is checked at once.
# Addresses are numbers, not names: two addresses are the same host if their texts are equal, and to look a name up may
#   take seconds, in which nothing else would be sent.
# Source: listen and advertise are LIBPROCESS_IP, _PORT, _ADVERTISE_IP and _ADVERTISE_PORT of libprocess.

from __future__ import annotations

import ipaddress
from dataclasses import KW_ONLY, dataclass, field

from libactor.transport.address import split_address
from libactor.transport.secret import check_secret
from libactor.transport.tls import Tls

MIB = 1024 * 1024
FRAME_BYTES_LEAST = 64 * 1024
BYTES_MOST = 2**31 - 1


@dataclass(frozen=True)
class Remote:
    """How a runtime listens for others: ``Runtime(remote=Remote("127.0.0.1:0"))``.

    ``listen``: the address to bind, host:port; port 0 lets the system choose. The host is a number: 127.0.0.1, [::1].
    Runtime binds it, and raises OSError if it cannot.
    ``advertise``: what others are to call it, if that is another address; port 0 stands for the one bound.
    ``secret``: what all that talk to one another have. ``tls``: certificates by which they know one another. Without
    either only the own machine is let in.
    ``buffer_bytes_max``: the bytes that may wait to be sent to one other runtime; a handler that sends more breaks the
    connection. A thread outside of actors waits beyond 1 MiB of them, or half. ``frame_bytes_max``: those of the
    largest message, encoded. ``silence_s``: after so many seconds without a byte a connection counts as broken.
    ``connect_timeout_s``: the seconds that connecting may take, and then the handshake as many. ``strangers_max``:
    connections that have not said who they are; beyond that the oldest one goes. ``forwards``: peers may post in the
    name of actors that are not theirs; if not, such a message is a dead letter.
    Raises: TypeError, ValueError; these say what was wrong and what to give.
    """

    listen: str = "127.0.0.1:0"
    _: KW_ONLY
    advertise: str | None = None
    secret: bytes | None = field(default=None, repr=False)
    tls: Tls | None = None
    buffer_bytes_max: int = 64 * MIB
    frame_bytes_max: int = 64 * MIB
    silence_s: float = 30.0
    connect_timeout_s: float = 5.0
    strangers_max: int = 64
    forwards: bool = True

    def __post_init__(self) -> None:
        host, _ = check_address(self.listen, "Remote: listen")
        check_secret(self.secret)
        if self.tls is not None and not isinstance(self.tls, Tls):
            raise TypeError(f"Remote: got tls={self.tls!r}, expected a Tls of three files, or None")
        if self.advertise is not None:
            advertised, _ = check_address(self.advertise, "Remote: advertise")
            if ipaddress.ip_address(advertised).is_unspecified:
                raise ValueError(
                    f"Remote: advertise is {self.advertise}, which nobody can connect to; name one address"
                )
        elif ipaddress.ip_address(host).is_unspecified:
            raise ValueError(
                f"Remote: listens on {self.listen}, every address of this machine; say by advertise= which of them "
                "others are to use"
            )
        if not ipaddress.ip_address(host).is_loopback and self.secret is None and self.tls is None:
            raise ValueError(
                f"Remote: listens on {self.listen}, where anybody could send to its actors; give secret=, the same to "
                "all that talk to one another, or tls=, or listen on 127.0.0.1"
            )
        _check_number("frame_bytes_max", self.frame_bytes_max, FRAME_BYTES_LEAST, BYTES_MOST)
        _check_number("buffer_bytes_max", self.buffer_bytes_max, FRAME_BYTES_LEAST, BYTES_MOST)
        _check_number("strangers_max", self.strangers_max, 1, 100_000)
        if not isinstance(self.forwards, bool):
            raise TypeError(f"Remote: got forwards={self.forwards!r}, expected True or False")
        _check_seconds("silence_s", self.silence_s)
        _check_seconds("connect_timeout_s", self.connect_timeout_s)


def check_address(address: object, what: str) -> tuple[str, int]:
    """Host and port of an address whose host is a number. Raises: TypeError, ValueError, naming ``what`` it is for."""
    if not isinstance(address, str):
        raise TypeError(f"{what}: got {address!r}, expected text, such as 10.0.0.6:5050")
    try:
        host, port = split_address(address)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise ValueError(
            f"{what}: got the name {host!r}, expected an address in numbers, such as 10.0.0.6:5050; look the name up "
            "first, since two addresses are the same host only if their texts are equal"
        ) from None
    return host, port


def _check_number(name: str, value: object, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"Remote: got {name}={value!r}, expected a whole number")
    if not least <= value <= most:
        raise ValueError(f"Remote: got {name}={value}, expected {least} to {most}")


def _check_seconds(name: str, value: object) -> None:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError(f"Remote: got {name}={value!r}, expected seconds")
    if not 0.01 <= value <= 86_400:
        raise ValueError(f"Remote: got {name}={value}, expected 0.01 to 86400 seconds")
