"""The handshake: two hosts say who they are, and prove that they have the same secret, before all else."""

# Who calls: the transport, for each new connection: it sends what start() and receive() return, feeds what arrives, and
#   closes the connection when HandshakeRefused is raised, having sent its farewell. No I/O and no clock here; the
#   deadline is the transport's.
# On the wire: frames of a length (4 bytes, big-endian) and an array in msgpack.
#       connector                        acceptor
#       Hello ->                                         who I am, a fresh nonce, whether I have a secret
#                                     <- Hello           the same; without secrets both are done
#       Proof ->                                         HMAC-SHA256, by the secret, of both Hellos and my role
#                                     <- Proof           the same of its role; only now the connector sends more
#       Refusal in the place of any of them: why I hang up.
# Invariants: 1. nothing but Hello, Proof and Refusal is decoded, each once and of at most FRAME_BYTES_MAX.
#   2. a proof is made for one connection only: both nonces are in it, and one of them is ours and fresh, so what was
#   recorded is worth nothing. 3. it says who made it: roles, addresses and instances of both are in it, so it cannot be
#   sent back to whoever made it, nor be used towards a third host. 4. who accepts proves last: a stranger who only
#   connects gets nothing made with the secret, which he could try words on at leisure. 5. a side with a secret never
#   talks to one without.
# Not promised: that what follows is secret or comes from the same peer. Who can change packets on their way can wait
#   for the handshake to end. That is what TLS is for (tls.py); the secret works inside it as well.
# Rejected: sending the secret (whoever listens at the address has it then); a key for each frame (that is TLS again).
# Source: none in libprocess, which believes whatever a peer calls itself. The form is that of SASL's CRAM and of
#   multiprocessing.connection, with both sides' names bound in.

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, TypeAlias

import msgspec

from libactor._core.randomness import random_nonce
from libactor.transport.address import ADDRESS_LENGTH_MAX, split_address
from libactor.transport.configuration import check_address
from libactor.transport.peers import HandshakeRefused, Peer, Role
from libactor.transport.secret import check_secret

__all__ = ["Handshake", "HandshakeRefused", "Peer", "Role", "check_secret"]

VERSION = 1
MAGIC = "libactor"
FRAME_BYTES_MAX = 1_000
BYTES_MAX = 4_096
HEAD_BYTES = 4
TLS_HELLO = b"\x16\x03"  # how who speaks TLS begins, whatever the version
HTTP_ANSWER = b"HTTP/"  # how a server of HTTP answers whatever it is sent
REASON_LENGTH_MAX = 500
assert 3 * (HEAD_BYTES + FRAME_BYTES_MAX) <= BYTES_MAX, "a Hello, a Proof and a Refusal are all that a side sends"
assert ADDRESS_LENGTH_MAX + REASON_LENGTH_MAX < FRAME_BYTES_MAX, "a Hello and a Refusal fit into a frame"

Nonce: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Instance: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
Digest: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class Hello(msgspec.Struct, array_like=True, frozen=True, tag="hello"):
    """Who one is. Later versions may append fields; these stay, so that each can tell the other its version."""

    magic: str
    version: int
    role: Role
    secured: bool  # it has a secret, and expects one
    address: str
    instance: Instance  # one life of a runtime; another one at the same address has another
    nonce: Nonce


class Proof(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, tag="proof"):
    """That one has the secret."""

    digest: Digest


class Refusal(msgspec.Struct, array_like=True, frozen=True, tag="refused"):
    """Why one hangs up."""

    reason: str


_decoder = msgspec.msgpack.Decoder(Hello | Proof | Refusal)
_encoder = msgspec.msgpack.Encoder()


@dataclass(slots=True)
class Handshake:
    """One end of one connection, until both sides know each other.

    ``expect``: the address that was dialled, which the peer has to call itself. ``admit`` is asked about the peer last
    of all, and says why it is refused, or None.
    """

    role: Role
    address: str
    instance: bytes
    secret: bytes | None = field(default=None, repr=False)
    expect: str | None = None
    admit: Callable[[Peer], str | None] | None = None

    done: bool = field(default=False, init=False)
    peer: Peer | None = field(default=None, init=False)  # once done
    leftover: bytes = field(default=b"", init=False)  # once done: what came behind the handshake
    _ours: Hello = field(init=False, repr=False)
    _theirs: Hello | None = field(default=None, init=False, repr=False)
    _arrived: bytearray = field(default_factory=bytearray, init=False, repr=False)
    _over: bool = field(default=False, init=False, repr=False)

    def __post_init__(self) -> None:
        check_secret(self.secret)
        split_address(self.address)
        self._ours = Hello(
            MAGIC, VERSION, self.role, self.secret is not None, self.address, self.instance, random_nonce()
        )

    def start(self) -> bytes:
        """What to send before anything has arrived."""
        return _frame(self._ours) if self.role is Role.CONNECTOR else b""

    def receive(self, data: bytes) -> bytes:
        """Take what has arrived; what to send now. Raises: HandshakeRefused, once; then nothing more can be fed."""
        if self._over:
            raise RuntimeError("Handshake.receive: the handshake is over; what arrives is for who comes after it")
        self._arrived += data
        answer = bytearray()
        try:
            while not self.done and (frame := self._next_frame()) is not None:
                answer += self._serve(frame)
        except _Refuse as refuse:
            self._over = True
            raise HandshakeRefused(str(refuse), refuse.farewell) from None
        if self.done:
            self._over = True
            self.leftover = bytes(self._arrived)
            self._arrived.clear()
        return bytes(answer)

    def _next_frame(self) -> bytes | None:
        if len(self._arrived) < HEAD_BYTES:
            return None
        length = int.from_bytes(self._arrived[:HEAD_BYTES], "big")
        if not 0 < length <= FRAME_BYTES_MAX:
            if self._arrived.startswith(TLS_HELLO):
                raise _Refuse("the peer has tls= and this side has none; give both certificates, or neither")
            if self._arrived.startswith(HTTP_ANSWER):
                raise _Refuse("the peer serves HTTP; give the address of its runtime, which has a port of its own")
            raise _Refuse(
                f"the peer does not speak libactor: it began with '{self._arrived[:16].decode('latin-1')}', a frame of "
                f"{length} bytes, expected one of at most {FRAME_BYTES_MAX}"
            )
        if len(self._arrived) < HEAD_BYTES + length:
            return None
        frame = bytes(self._arrived[HEAD_BYTES : HEAD_BYTES + length])
        del self._arrived[: HEAD_BYTES + length]
        return frame

    def _serve(self, frame: bytes) -> bytes:
        try:
            message = _decoder.decode(frame)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _Refuse(f"the peer sent what is no frame of a handshake: {error}") from None
        if isinstance(message, Refusal):
            raise _Refuse(f"the peer refuses: {message.reason}", tell=False)
        if isinstance(message, Hello) and self._theirs is None:
            return self._greet(message)
        if isinstance(message, Proof) and self._theirs is not None:
            return self._verify(message, self._theirs)
        raise _Refuse(f"the peer sent a {type(message).__name__} out of turn")

    def _greet(self, theirs: Hello) -> bytes:
        self._check_hello(theirs)
        self._theirs = theirs
        answer = b"" if self.role is Role.CONNECTOR else _frame(self._ours)
        if self.secret is None:
            self._finish(theirs)
        elif self.role is Role.CONNECTOR:
            answer = _frame(Proof(self._digest(self.secret, Role.CONNECTOR, theirs)))
        return answer

    def _verify(self, proof: Proof, theirs: Hello) -> bytes:
        assert self.secret is not None, "without a secret the Hellos were all"
        if not hmac.compare_digest(proof.digest, self._digest(self.secret, theirs.role, theirs)):
            raise _Refuse(f"{theirs.address} has another secret; give both the same")
        self._finish(theirs)
        return b"" if self.role is Role.CONNECTOR else _frame(Proof(self._digest(self.secret, self.role, theirs)))

    def _check_hello(self, theirs: Hello) -> None:
        if theirs.magic != MAGIC:
            raise _Refuse(f"the peer does not speak libactor, but {theirs.magic[:40]}")
        if theirs.version != VERSION:
            raise _Refuse(
                f"the peer speaks version {theirs.version}, expected {VERSION}; let both run the same release"
            )
        try:
            _, port = check_address(theirs.address, "of the peer")  # it will be dialled
        except ValueError as error:
            raise _Refuse(str(error)) from None
        if port == 0:
            raise _Refuse(f"the peer calls itself {theirs.address}, expected the port that it listens on")
        if theirs.role is self.role or theirs.nonce == self._ours.nonce:
            raise _Refuse("the peer sends back what it was sent")
        if theirs.address == self.address or theirs.instance == self.instance:
            raise _Refuse(f"the peer calls itself {theirs.address}, which is this host itself, {self.address}")
        if self.expect is not None and theirs.address != self.expect:
            raise _Refuse(
                f"the host at {self.expect} calls itself {theirs.address}; use that address, or let it advertise "
                f"{self.expect}"
            )
        if theirs.secured is not self._ours.secured:
            who = (self.address, theirs.address) if self._ours.secured else (theirs.address, self.address)
            raise _Refuse(f"{who[0]} demands a secret and {who[1]} has none; give both the same")

    def _finish(self, theirs: Hello) -> None:
        peer = Peer(theirs.address, theirs.instance, theirs.version)
        reason = None if self.admit is None else self.admit(peer)
        if reason is not None:
            raise _Refuse(reason)
        self.peer, self.done = peer, True

    def _digest(self, secret: bytes, prover: Role, theirs: Hello) -> bytes:
        """What ``prover`` proves the secret with: both Hellos, that of the connector first."""
        hellos = [self._ours, theirs] if self.role is Role.CONNECTOR else [theirs, self._ours]
        told = _encoder.encode([f"{MAGIC} handshake", prover, hellos])
        return hmac.digest(secret, told, "sha256")


def refusal(reason: str) -> bytes:
    """What tells a peer that is no further than its first frame why it is refused."""
    return _frame(Refusal(reason))


class _Refuse(Exception):
    """Unwinds to receive(). ``farewell`` as in HandshakeRefused."""

    def __init__(self, reason: str, *, tell: bool = True) -> None:
        plain = reason.encode("unicode_escape")[:REASON_LENGTH_MAX].decode("ascii")  # what strangers write goes to logs
        super().__init__(plain)
        self.farewell = _frame(Refusal(plain)) if tell else b""


def _frame(message: Hello | Proof | Refusal) -> bytes:
    data = _encoder.encode(message)
    assert len(data) <= FRAME_BYTES_MAX, len(data)
    return len(data).to_bytes(HEAD_BYTES, "big") + data
