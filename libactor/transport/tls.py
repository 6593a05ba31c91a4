"""TLS: what goes between two hosts is secret and unchanged, and each shows a certificate of one authority."""

# Who calls: users make a Tls; the transport makes a TlsEnd for each connection, feeds it what arrives, and sends what
#   drain() gives. No I/O here: OpenSSL reads from memory and writes to memory, so it fits any kind of polling.
# Invariants: 1. TLS 1.3 only, both sides with certificate. 2. whoever connects checks that the certificate is for the
#   host it dialled; whoever accepts is told by refuse_claim whether it is for the host that the peer calls itself.
#   3. records leave in the order in which they were made, if drain() is called under the lock under which it is sent.
#   OpenSSL's objects are not made for two threads, so each call takes a lock; it is re-entrant, since a finalizer may
#   run in the middle of our code and send.
# A Tls is tried out when it is made: a certificate that its own authority would refuse, today and for both roles, is
#   an error there, and not a connection that fails later without anybody looking.
# Rejected: ssl.SSLSocket (a read may have to wait until it can write, and edge-triggered polling has to know that);
#   the system's authorities (any site of the world would be let in); resumption (connections are few and live long).
# Source: none in libprocess' messages; its LIBPROCESS_SSL_* flags ask for the same files.

from __future__ import annotations

import ipaddress
import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any, NoReturn, TypeAlias, cast

from libactor.transport.address import split_address
from libactor.transport.peers import HandshakeRefused, Role

Names: TypeAlias = tuple[tuple[str, str], ...]  # kind, and name of that kind
RECORD_BYTES_MAX = 16_384


@dataclass(frozen=True, slots=True)
class Tls:
    """How hosts know each other: files in PEM of our ``certificate`` (with what leads from it to the authority, if
    anything), its ``key`` without password, and the ``authority`` that certificates of peers must come from.

    The certificate names the host of our address, as DNS name or IP address, and is for servers and clients alike.
    The files are read once. Raises: OSError if one cannot be read; ValueError, which says what to do about it.
    """

    certificate: str | os.PathLike[str]
    key: str | os.PathLike[str]
    authority: str | os.PathLike[str]
    _connecting: ssl.SSLContext = field(init=False, repr=False, compare=False)
    _accepting: ssl.SSLContext = field(init=False, repr=False, compare=False)
    _names: Names = field(init=False, repr=False, compare=False)  # that the certificate is for

    def __post_init__(self) -> None:
        for name in ("certificate", "key", "authority"):
            Path(getattr(self, name)).read_bytes()  # OpenSSL's errors do not name the file
        object.__setattr__(self, "_connecting", self._context(ssl.PROTOCOL_TLS_CLIENT))
        object.__setattr__(self, "_accepting", self._context(ssl.PROTOCOL_TLS_SERVER))
        object.__setattr__(self, "_names", self._try_out())

    def connect(self, address: str) -> TlsEnd:
        """The end of a connection to ``address``, whose host the peer's certificate has to name."""
        return TlsEnd(self._connecting, Role.CONNECTOR, split_address(address)[0])

    def accept(self) -> TlsEnd:
        """The end of a connection that was accepted."""
        return TlsEnd(self._accepting, Role.ACCEPTOR, None)

    def check_address(self, address: str) -> None:
        """Raise ValueError if our certificate is not for the host of ``address``, by which others are to know us."""
        if not _is_for(self._names, address):
            raise ValueError(
                f"Tls: the certificate {self.certificate} is for {_told(self._names)}, and this runtime is at "
                f"{address}; take one for that host, or let the runtime advertise another address"
            )

    def _context(self, protocol: int) -> ssl.SSLContext:
        context = ssl.SSLContext(protocol)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        context.hostname_checks_common_name = False
        if protocol == ssl.PROTOCOL_TLS_SERVER:
            context.num_tickets = 0
        try:
            context.load_verify_locations(self.authority)
        except ssl.SSLError as error:
            raise ValueError(
                f"Tls: the authority {self.authority} holds no certificate ({_reason(error)}); expected one in PEM"
            ) from None
        try:
            context.load_cert_chain(self.certificate, self.key, _refuse_password)
        except ssl.SSLError as error:
            raise ValueError(
                f"Tls: the certificate {self.certificate} and the key {self.key} do not go together "
                f"({_reason(error)}); expected a certificate in PEM and the key that it was made for"
            ) from None
        return context

    def _try_out(self) -> Names:
        """Talk to ourselves; for whom our certificate is."""
        trial = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # as _connecting, to nobody's name
        trial.check_hostname = False
        trial.load_verify_locations(self.authority)
        trial.load_cert_chain(self.certificate, self.key, _refuse_password)
        one, other = TlsEnd(trial, Role.CONNECTOR, None), self.accept()
        try:
            while data := one.drain():
                other.receive(data)
                one.receive(other.drain())
        except HandshakeRefused as error:
            raise ValueError(
                f"Tls: the certificate {self.certificate} would be refused by whoever has the authority "
                f"{self.authority} ({error}); expected one of that authority, valid now, for servers and clients"
            ) from None
        return other.names


class TlsEnd:
    """One end of a connection, inside which ``done`` says that the peer has shown its certificate.

    TLS 1.3 lets who connects be done, and send, before the other side has looked at his certificate; that it was
    refused comes with the next ``receive``.
    """

    def __init__(self, context: ssl.SSLContext, role: Role, host: str | None) -> None:
        self.done = False
        self.ended = False  # the peer has said that nothing more comes
        self._closed = False  # so have we: what is wrong with what comes is of no matter
        self._failure: ssl.SSLError | None = None  # what is wrong behind what was received last
        self._lock = RLock()
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        try:
            self._object = context.wrap_bio(
                self._arrived, self._leaving, server_side=role is Role.ACCEPTOR, server_hostname=host
            )
        except ValueError as error:  # UnicodeError among them
            raise HandshakeRefused(f"{host!a} is no name that a certificate could have: {error}", b"") from None
        if role is Role.CONNECTOR:
            self._advance()

    def receive(self, data: bytes) -> bytes:
        """Take what has arrived; what of it is for who comes after TLS. There may be something to ``drain`` now.

        Raises: HandshakeRefused, whose farewell tells the peer; then the connection is to be closed. If something could
        be taken before what is refused, ``check`` raises it, not this.
        """
        with self._lock:
            self._arrived.write(data)
            try:
                if not self.done:
                    self._advance()
                return self._read() if self.done else b""
            except ssl.SSLError as error:
                if self._closed:
                    return b""
                self._refuse(error)

    def check(self) -> None:
        """Raise HandshakeRefused, if that is why nothing follows what was received."""
        if self._failure is not None:
            self._refuse(self._failure)

    def send(self, data: bytes | memoryview) -> None:
        """Have ``data`` in what is to ``drain``; only once ``done``."""
        with self._lock:
            rest = memoryview(data)
            while rest:
                rest = rest[self._object.write(rest) :]

    def drain(self) -> bytes:
        """What to send now, if anything: under the same lock as sending it, for its order matters."""
        with self._lock:
            return self._leaving.read()

    def close(self) -> None:
        """Have it in what is to ``drain`` that nothing more comes."""
        with self._lock:
            self._closed = True
            try:
                self._object.unwrap()
            except ssl.SSLError:
                return  # the peer has not said so yet, or is not to be talked to: who closes does not wait for it

    def refuse_claim(self, address: str) -> str | None:
        """Why a peer that calls itself ``address`` is refused by its certificate; None if that is for its host."""
        if _is_for(self.names, address):
            return None
        return f"the peer calls itself {address}, and its certificate is for {_told(self.names)}; give it one for that"

    @property
    def names(self) -> Names:
        """For whom the certificate of the peer is; empty before it was shown."""
        found: Any = (self._object.getpeercert() or {}).get("subjectAltName", ())
        return cast(Names, found)

    def _advance(self) -> None:
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return
        self.done = True

    def _read(self) -> bytes:
        parts = []
        try:
            while part := self._object.read(RECORD_BYTES_MAX):
                parts.append(part)
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            if not parts:
                raise
            self._failure = None if self._closed else error
        return b"".join(parts)

    def _refuse(self, error: ssl.SSLError) -> NoReturn:
        if error.reason == "WRONG_VERSION_NUMBER" and not self.done:
            raise HandshakeRefused(
                "TLS: this side has tls= and the peer has none; give both certificates, or neither", b""
            ) from None
        raise HandshakeRefused(f"TLS: {_reason(error)}", self._leaving.read()) from None


def _is_for(names: Names, address: str) -> bool:
    host, _ = split_address(address)
    return any(_names_host(kind, name, host) for kind, name in names)


def _told(names: Names) -> str:
    return ", ".join(name for _, name in names) or "nobody"


def _names_host(kind: str, name: str, host: str) -> bool:
    """Whether one name of a certificate is for ``host``. A star stands for the first label, whole, and for no more."""
    if kind == "DNS":
        first, _, rest = host.lower().partition(".")
        return name.lower() == host.lower() or (first != "" and rest.count(".") > 0 and name.lower() == f"*.{rest}")
    try:
        return kind == "IP Address" and ipaddress.ip_address(name.strip()) == ipaddress.ip_address(host)
    except ValueError:
        return False


def _refuse_password() -> str:
    raise ValueError("Tls: the key has a password; store it without one, in a file that only its owner can read")


def _reason(error: ssl.SSLError) -> str:
    """What went wrong in the words of OpenSSL."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of the peer is refused: {error.verify_message.rstrip('.')}"
    return (error.reason or str(error)).lower().replace("_", " ")
