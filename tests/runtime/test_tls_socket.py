"""A socket with TLS on it does what edge-triggered polling expects of a socket."""

import contextlib
import select
import socket
import ssl

import pytest

from libactor.transport.tls import Tls
from libactor.transport.tls_socket import TlsRefused, TlsSocket

pytestmark = [pytest.mark.real, pytest.mark.coreless]

NOW = socket.MSG_DONTWAIT
LIMIT = 30_000  # milliseconds


@pytest.fixture
def pair(certificates):
    """Two ends of a connection, neither of which has said anything."""
    here, there = (Tls(**vars(certificates("authority", host))) for host in ("10.0.0.5", "10.0.0.6"))
    with contextlib.ExitStack() as stack:
        raw = [stack.enter_context(entry) for entry in socket.socketpair()]
        for entry in raw:
            entry.setblocking(False)
        yield TlsSocket(raw[0], here.connect("10.0.0.6:5050")), TlsSocket(raw[1], there.accept())


def receive(end, size=65_536):
    """What has arrived, asked for as a channel does: until there is less than was asked for."""
    got, view = bytearray(), memoryview(bytearray(size))
    while True:
        try:
            count = end.recv_into(view, 0, NOW)
        except BlockingIOError:
            return bytes(got)
        got += view[:count]
        if count < size:
            return bytes(got)


def meet(one, other):
    """Have both ends through the handshake of TLS, the first having something to say."""
    one.send(b"hello")
    arrived = b""
    while not arrived:
        arrived = receive(other)
        receive(one)
    return arrived


def wait_for(end, event):
    poller = select.poll()
    poller.register(end.fileno(), event)
    assert poller.poll(LIMIT)


def test_what_is_sent_before_the_certificates_were_shown_arrives(pair):
    one, other = pair

    assert meet(one, other) == b"hello"
    assert other.refuse_claim("10.0.0.5:1") is None
    assert "is for 10.0.0.5; give it one" in other.refuse_claim("10.0.0.9:1")


# Goal: nothing is lost, doubled or left behind when the system takes no more. Method: nobody reads while 8 MB are sent.
@pytest.mark.parametrize("size", [1, 1000, 65_536, 10**6])
def test_all_arrives_in_order_though_the_system_takes_a_little_at_a_time(pair, size):
    one, other = pair
    meet(one, other)
    data = b"".join(number.to_bytes(4, "big") for number in range(2 * 10**6))
    outgoing, got = bytearray(data), bytearray()

    while outgoing:
        try:
            del outgoing[: one.send(outgoing[: 512 * 1024], NOW)]
        except BlockingIOError:
            wait_for(other, select.POLLIN)
            got += receive(other, size if size > 1 else 7777)
    got += receive(other)

    assert got == data


def test_less_than_was_asked_for_means_that_there_is_no_more(pair):
    one, other = pair
    meet(one, other)
    one.send(b"x" * 50_000)
    view = memoryview(bytearray(20_000))

    counts = [other.recv_into(view, 0, NOW) for _ in range(3)]

    assert counts == [20_000, 20_000, 10_000]
    with pytest.raises(BlockingIOError):
        other.recv_into(view, 0, NOW)


def test_a_thread_that_waits_gets_what_comes(pair, start):
    one, other = pair
    meet(one, other)
    wait = start(lambda: receive_waiting(other))

    one.send(b"late")

    assert wait() == b"late"


def receive_waiting(end):
    view = memoryview(bytearray(100))
    end.setblocking(True)
    return bytes(view[: end.recv_into(view, 0, 0)])


def test_the_end_is_seen_behind_what_was_sent_before(pair):
    one, other = pair
    meet(one, other)
    one.send(b"last")
    one.shutdown(socket.SHUT_WR)

    assert receive(other) == b"last"
    assert other.recv_into(memoryview(bytearray(10)), 0, NOW) == 0


def test_what_was_received_before_an_error_is_handed_over_and_the_poller_tells_of_more(pair):
    one, other = pair
    meet(one, other)
    one.send(b"last words")
    one._sock.send(b"\x17\x03\x03\0\x20" + b"?" * 32)
    view = memoryview(bytearray(100))
    with select.epoll() as poll:
        poll.register(other.fileno(), select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET)
        poll.poll(LIMIT / 1000)

        first = other.recv_into(view, 0, NOW)

        assert bytes(view[:first]) == b"last words"
        assert poll.poll(LIMIT / 1000)
    for _ in range(2):
        with pytest.raises(TlsRefused, match="TLS: "):
            other.recv_into(view, 0, NOW)


def test_a_peer_that_speaks_no_tls_is_refused(certificates):
    tls = Tls(**vars(certificates("authority", "10.0.0.6")))
    raw, stranger = socket.socketpair()
    with raw, stranger:
        raw.setblocking(False)
        stranger.send(b"GET / HTTP/1.1\r\n\r\n")

        with pytest.raises(TlsRefused, match="TLS: http request"):
            TlsSocket(raw, tls.accept()).recv_into(memoryview(bytearray(10)), 0, NOW)


def test_a_python_client_with_the_right_files_gets_in(certificates, start):
    files = certificates("authority", "10.0.0.6")
    raw, far = socket.socketpair()
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=files.authority)
    context.load_cert_chain(files.certificate, files.key)

    def talk():
        with context.wrap_socket(far, server_hostname="10.0.0.6") as client:
            client.sendall(b"ping")
            return client.recv(10)

    with raw:
        end = TlsSocket(raw, Tls(**vars(files)).accept())
        answer = start(talk)
        got = receive_waiting(end)
        end.send(b"pong")

        assert (got, answer()) == (b"ping", b"pong")
