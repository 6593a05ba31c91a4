"""TLS between two hosts: both show a certificate of one authority, for their host; everything else is refused."""

import contextlib
import dataclasses
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libactor.transport.handshake import HandshakeRefused
from libactor.transport.tls import Tls

pytestmark = pytest.mark.coreless

HERE, THERE = "10.0.0.5:5050", "node.example:5050"


@pytest.fixture(scope="session")
def tls(certificates):
    """A function from what certificates takes to a Tls."""
    return lambda *given, **more: Tls(**vars(certificates(*given, **more)))


@pytest.fixture(scope="session")
def here(tls):
    return tls("authority", "10.0.0.5")


@pytest.fixture(scope="session")
def there(tls):
    return tls("authority", "node.example", "10.0.0.6", "::1")


def meet(one, other):
    """Let two ends talk until neither has anything to say."""
    while (first := one.drain()) or (second := other.drain()):
        if first:
            other.receive(first)
        else:
            one.receive(second)


def refusal_of(end, data):
    """Why ``end`` refuses who sends ``data``, and what it sends in return."""
    with pytest.raises(HandshakeRefused) as caught:
        end.receive(data)
    return str(caught.value), caught.value.farewell


def raw_client(files=None, authority=None):
    """A client that is not ours."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if files is not None:
        context.load_cert_chain(files.certificate, files.key)
    arriving, leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
    return context, context.wrap_bio(arriving, leaving), arriving, leaving


def shake(client, arriving, leaving, end):
    """Let a raw client shake hands with ``end``."""
    while not end.done:
        try:
            client.do_handshake()
        except ssl.SSLWantReadError:
            pass
        end.receive(leaving.read())
        arriving.write(end.drain())


def test_two_hosts_of_one_authority_talk(here, there):
    one, other = here.connect(THERE), there.accept()

    meet(one, other)
    one.send(b"hello")
    arrived = other.receive(one.drain())
    other.send(b"and back")

    assert (one.done, other.done, arrived) == (True, True, b"hello")
    assert one.receive(other.drain()) == b"and back"


def test_it_works_however_the_bytes_are_cut(here, there):
    one, other = here.connect(THERE), there.accept()
    arrived = bytearray()

    sent = False
    while (first := one.drain()) or (second := other.drain()):
        for byte in first or second:
            arrived += (other if first else one).receive(bytes([byte]))
        if one.done and not sent:
            one.send(b"x" * 40_000)
            sent = True

    assert arrived == b"x" * 40_000


@pytest.mark.parametrize("count", [0, 1, 16_384, 16_385, 3_000_000])
def test_any_size_arrives(here, there, count):
    one, other = here.connect(THERE), there.accept()
    meet(one, other)

    one.send(b"x" * count)

    assert other.receive(one.drain()) == b"x" * count


def test_what_is_sent_cannot_be_read_on_its_way(here, there):
    one, other = here.connect(THERE), there.accept()
    meet(one, other)

    one.send(b"a secret of some length")

    assert b"a secret" not in one.drain()


@pytest.mark.parametrize("address", ["node.example:1", "NODE.example:1", "10.0.0.6:1", "[::1]:1"])
def test_each_name_and_address_of_a_certificate_will_do(here, there, address):
    one, other = here.connect(address), there.accept()

    meet(one, other)

    assert one.done
    assert other.refuse_claim(HERE) is None


@pytest.mark.parametrize("address", ["other.example:1", "10.0.0.7:1", "[::2]:1", "example:1", "a.node.example:1"])
def test_a_host_whose_certificate_is_for_another_is_refused_by_who_connects(here, there, address):
    one, other = here.connect(address), there.accept()
    other.receive(one.drain())

    reason, farewell = refusal_of(one, other.drain())

    assert "the certificate of the peer is refused: " in reason
    assert "mismatch" in reason
    assert "alert" in refusal_of(other, farewell)[0]


def test_a_peer_that_calls_itself_what_its_certificate_does_not_is_refused(here, there):
    one, other = here.connect(THERE), there.accept()
    meet(one, other)

    assert other.refuse_claim(HERE) is None
    assert other.refuse_claim("10.0.0.7:5050") == (
        "the peer calls itself 10.0.0.7:5050, and its certificate is for 10.0.0.5; give it one for that"
    )
    assert "is for 10.0.0.5; give it one" in other.refuse_claim(THERE)


STARS = {
    "a.example.org": True, "A.EXAMPLE.org": True, "a.b.example.org": False, "example.org": False, "x.other.org": False,
    "10.0.0.5": False,
}  # fmt: skip


@pytest.mark.parametrize("host", STARS)
def test_a_star_stands_for_one_label(tls, there, host):
    one, other = tls("authority", "*.example.org").connect(THERE), there.accept()
    meet(one, other)

    assert (other.refuse_claim(f"{host}:1") is None) is STARS[host]


@pytest.mark.parametrize("star", ["*", "*.org", "*a.example.org"])
def test_no_other_star_will_do(tls, there, star):
    one, other = tls("authority", star).connect(THERE), there.accept()
    meet(one, other)

    assert other.refuse_claim("a.org:1") is not None
    assert other.refuse_claim("aa.example.org:1") is not None


def test_a_host_of_another_authority_is_refused_on_both_sides(tls, here):
    stranger = tls("another", "node.example", "10.0.0.5")
    one, other = here.connect(THERE), stranger.accept()
    other.receive(one.drain())
    late, accepting = stranger.connect(HERE), here.accept()

    connecting = refusal_of(one, other.drain())[0]
    accepting.receive(late.drain())
    late_refusal = refusal_of(late, accepting.drain())[0]

    assert "the certificate of the peer is refused: " in connecting
    assert "the certificate of the peer is refused: " in late_refusal


# Goal: it is ours who refuses, not only the other side. Method: a client that believes everybody.
@pytest.mark.parametrize("given", [None, ("another", "10.0.0.5")], ids=["none", "of another authority"])
def test_who_connects_without_a_certificate_of_the_authority_is_refused(certificates, there, given):
    _, client, arriving, leaving = raw_client(certificates(*given) if given else None)
    end = there.accept()

    with pytest.raises(HandshakeRefused) as caught:
        shake(client, arriving, leaving, end)

    assert not end.done
    assert ("peer did not return a certificate" if given is None else "unable to get local issuer certificate") in str(
        caught.value
    )
    assert caught.value.farewell


@pytest.mark.parametrize("days", [{"start": -9, "end": -2}, {"start": 2, "end": 9}], ids=["over", "not yet"])
def test_who_connects_with_a_certificate_of_another_time_is_refused(certificates, there, days):
    _, client, arriving, leaving = raw_client(certificates("authority", "10.0.0.5", **days))

    with pytest.raises(HandshakeRefused, match=r"certificate (has expired|is not yet valid)"):
        shake(client, arriving, leaving, there.accept())


def test_an_older_version_of_tls_is_refused(certificates, there):
    context, *_ = raw_client(certificates("authority", "10.0.0.5"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    arriving, leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(arriving, leaving)

    with pytest.raises(HandshakeRefused, match="unsupported protocol"):
        shake(client, arriving, leaving, there.accept())


def test_who_connects_learns_that_it_was_refused(certificates, here, there):
    one, other = Tls(**vars(certificates("authority", "10.0.0.5"))).connect(THERE), there.accept()
    other.receive(one.drain())
    one.receive(other.drain())
    assert one.done
    other.receive(one.drain())

    one.send(b"x")
    record = bytearray(one.drain())
    record[-1] ^= 1
    reason, farewell = refusal_of(other, bytes(record))

    assert "bad record mac" in reason
    assert "bad record mac" in refusal_of(one, farewell)[0]


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", b"\0" * 100, b"\xff" * 100, b"\x16\x03\x01\xff\xff" * 9])
def test_who_does_not_speak_tls_is_refused(there, data):
    reason, _ = refusal_of(there.accept(), data)

    assert reason.startswith("TLS: ")
    assert ("the peer has none" in reason) is (data[0] in (0, 0xFF))


def test_a_replayed_session_is_refused(here, there):
    one, other, recorded = here.connect(THERE), there.accept(), bytearray()
    while (first := one.drain()) or (second := other.drain()):
        recorded += first
        (other if first else one).receive(first or second)

    again = there.accept()

    assert "TLS: " in refusal_of(again, bytes(recorded))[0]
    assert not again.done


def test_the_end_is_told(here, there):
    one, other = here.connect(THERE), there.accept()
    meet(one, other)

    one.send(b"last")
    one.close()

    assert (other.receive(one.drain()), other.ended) == (b"last", True)


def test_close_before_anything_was_said_is_no_error(here, there):
    one, other = here.connect(THERE), there.accept()

    one.close()
    other.close()

    assert not one.done


@pytest.mark.parametrize("address", [f"{'a' * 64}.b:1", "a..b:1", "a...b:1"])
def test_a_host_that_no_certificate_could_name_is_refused(here, address):
    with pytest.raises(HandshakeRefused, match="is no name that a certificate could have"):
        here.connect(address)


@given(st.binary(max_size=300), st.booleans())
def test_random_bytes_are_refused_or_waited_for(here, there, data, connecting):
    end = here.connect(THERE) if connecting else there.accept()

    with contextlib.suppress(HandshakeRefused):
        end.receive(data)

    assert not end.done


@given(st.data())
def test_a_session_with_one_byte_changed_delivers_nothing_else(here, there, data):
    one, other = here.connect(THERE), there.accept()
    meet(one, other)
    one.send(b"first")
    record = one.drain()
    place = data.draw(st.integers(0, len(record) - 1))
    bent = record[:place] + bytes([record[place] ^ data.draw(st.integers(1, 255))]) + record[place + 1 :]

    try:
        arrived = other.receive(bent)
    except HandshakeRefused:
        arrived = b""

    assert arrived == b""


@pytest.mark.parametrize("name", ["certificate", "key", "authority"])
def test_a_file_that_is_not_there_is_named(certificates, tmp_path, name):
    files = vars(certificates("authority", "10.0.0.5")) | {name: tmp_path / "missing.pem"}

    with pytest.raises(FileNotFoundError, match=r"missing\.pem"):
        Tls(**files)


@pytest.mark.parametrize(
    "text", [b"", b"not PEM", b"\xff\0", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
@pytest.mark.parametrize("name", ["certificate", "key", "authority"])
def test_a_file_that_holds_something_else_is_named(certificates, tmp_path, name, text):
    (tmp_path / "broken.pem").write_bytes(text)
    files = vars(certificates("authority", "10.0.0.5")) | {name: tmp_path / "broken.pem"}

    with pytest.raises(ValueError, match=r"broken\.pem .*expected"):
        Tls(**files)


def test_a_key_of_another_certificate_is_refused(certificates):
    files = certificates("authority", "10.0.0.5")
    files.key = certificates("authority", "10.0.0.5").key

    with pytest.raises(ValueError, match=r"do not go together .*mismatch"):
        Tls(**vars(files))


def test_a_key_with_a_password_is_refused_without_asking_for_it(certificates):
    with pytest.raises(ValueError, match="the key has a password; store it without one"):
        Tls(**vars(certificates("authority", "10.0.0.5", password=b"secret")))


USELESS = {
    "over": ({"start": -9, "end": -2}, "certificate has expired"),
    "not yet": ({"start": 2, "end": 9}, "certificate is not yet valid"),
    "for servers only": ({"uses": ["server"]}, "unsuitable certificate purpose"),
    "for clients only": ({"uses": ["client"]}, "unsuitable certificate purpose"),
}


@pytest.mark.parametrize("name", USELESS)
def test_a_certificate_that_nobody_would_accept_is_refused_when_it_is_loaded(certificates, name):
    more, reason = USELESS[name]

    with pytest.raises(ValueError, match=rf"would be refused by whoever has the authority .*{reason}"):
        Tls(**vars(certificates("authority", "10.0.0.5", **more)))


def test_a_certificate_of_another_authority_is_refused_when_it_is_loaded(certificates):
    files = certificates("authority", "10.0.0.5")
    files.authority = certificates("another", "10.0.0.5").authority

    with pytest.raises(ValueError, match="would be refused by whoever has the authority"):
        Tls(**vars(files))


def test_our_own_certificate_has_to_be_for_our_own_host(here):
    here.check_address(HERE)

    with pytest.raises(ValueError, match=r"is for 10\.0\.0\.5, and this runtime is at 10\.0\.0\.7:1; take one for"):
        here.check_address("10.0.0.7:1")


def test_it_is_frozen_and_shows_its_paths_only(here):
    with pytest.raises(dataclasses.FrozenInstanceError):
        here.key = "x"

    assert repr(here).count("=") == 3
    assert here == Tls(here.certificate, here.key, here.authority)


@pytest.mark.parametrize("wrong", [None, 5, b"\0"])
def test_what_is_no_path_is_refused(here, wrong):
    with pytest.raises((TypeError, ValueError)):
        Tls(here.certificate, here.key, wrong)
