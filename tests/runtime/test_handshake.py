"""The handshake lets two hosts with the same secret in, tells each who the other is, and refuses everybody else."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libactor.transport import handshake
from libactor.transport.address import split_address
from libactor.transport.handshake import BYTES_MAX, FRAME_BYTES_MAX, Handshake, HandshakeRefused, Peer, Role

SECRET = b"sixteen bytes at least"
HERE, THERE, ELSEWHERE = "10.0.0.5:5050", "10.0.0.6:5050", "10.0.0.7:5050"
INSTANCES = {HERE: b"h" * 16, THERE: b"t" * 16, ELSEWHERE: b"e" * 16}


def connector(address=HERE, secret=SECRET, expect=THERE, **more):
    return Handshake(Role.CONNECTOR, address, INSTANCES[address], secret, expect, **more)


def acceptor(address=THERE, secret=SECRET, **more):
    return Handshake(Role.ACCEPTOR, address, INSTANCES[address], secret, **more)


def frame(*parts):
    data = msgspec.msgpack.encode(parts)
    return len(data).to_bytes(4, "big") + data


def hello(**changes):
    fields = {
        "tag": "hello", "magic": "libactor", "version": 1, "role": "connector", "secured": True, "address": HERE,
        "instance": INSTANCES[HERE], "nonce": b"n" * 32,
    }  # fmt: skip
    return frame(*(fields | changes).values())


def meet(one, other):
    """Let two sides talk until neither has anything to say; all that each has sent."""
    sent = [bytearray(one.start()), bytearray(other.start())]
    said = bytes(sent[0])
    for here in itertools.cycle((1, 0)):
        if not said:
            return [bytes(entry) for entry in sent]
        said = (one, other)[here].receive(said)
        sent[here] += said
    raise AssertionError


def refusal_of(machine, data):
    """Why ``machine`` refuses who sends ``data``, and the farewell as the peer reads it."""
    with pytest.raises(HandshakeRefused) as caught:
        machine.receive(data)
    assert not machine.done
    assert machine.peer is None
    farewell = caught.value.farewell
    return str(caught.value), msgspec.msgpack.decode(farewell[4:])[1] if farewell else None


@pytest.mark.parametrize("secret", [SECRET, None], ids=["secret", "no secret"])
def test_both_sides_learn_who_the_other_is(secret):
    one, other = connector(secret=secret), acceptor(secret=secret)

    sent = meet(one, other)

    assert one.done
    assert other.done
    assert one.peer == Peer(THERE, INSTANCES[THERE], 1)
    assert other.peer == Peer(HERE, INSTANCES[HERE], 1)
    assert max(map(len, sent)) <= BYTES_MAX


def test_it_works_however_the_bytes_are_cut():
    one, other = connector(), acceptor()

    to_other = one.start()
    to_one = b"".join(other.receive(bytes([byte])) for byte in to_other)
    to_other = b"".join(one.receive(bytes([byte])) for byte in to_one)
    to_one = b"".join(other.receive(bytes([byte])) for byte in to_other)
    rest = b"".join(one.receive(bytes([byte])) for byte in to_one)

    assert (one.done, other.done, rest) == (True, True, b"")


def test_what_comes_behind_the_handshake_is_left_over():
    one, other = connector(), acceptor()
    proof = one.receive(other.receive(one.start()))
    last = other.receive(proof + b"first frame")

    one.receive(last + b"x" * 100_000)

    assert other.leftover == b"first frame"
    assert one.leftover == b"x" * 100_000


def test_nothing_can_be_fed_once_it_is_over():
    one, other = connector(), acceptor()
    meet(one, other)

    with pytest.raises(RuntimeError, match="the handshake is over"):
        one.receive(b"")


def test_another_secret_is_refused_and_both_sides_say_so():
    one, other = connector(), acceptor(secret=b"another secret of some length")
    proof = one.receive(other.receive(one.start()))

    with pytest.raises(HandshakeRefused, match=r"10\.0\.0\.5:5050 has another secret; give both the same") as caught:
        other.receive(proof)

    assert "the peer refuses: 10.0.0.5:5050 has another secret" in refusal_of(one, caught.value.farewell)[0]


def test_who_accepts_sends_nothing_made_with_the_secret_to_who_has_not_proven_it():
    other = acceptor()

    answer = other.receive(connector().start())

    assert msgspec.msgpack.decode(answer[4:])[0] == "hello"
    assert len(answer) == 4 + int.from_bytes(answer[:4], "big")


@pytest.mark.parametrize(("one_secret", "other_secret"), [(SECRET, None), (None, SECRET)])
def test_a_side_with_a_secret_does_not_talk_to_one_without(one_secret, other_secret):
    one, other = connector(secret=one_secret), acceptor(secret=other_secret)

    reason, told = refusal_of(other, one.start())

    who = HERE if one_secret else THERE
    assert reason == told
    assert reason.startswith(f"{who} demands a secret and ")


# Goal: what was recorded is worth nothing. Method: each side of a good session is sent to a fresh machine.
def test_a_recorded_session_is_refused():
    from_connector, from_acceptor = meet(connector(), acceptor())

    accepting, _ = refusal_of(acceptor(), from_connector)
    connecting = connector()
    connecting.start()
    dialling, _ = refusal_of(connecting, from_acceptor)

    assert "has another secret" in accepting
    assert "has another secret" in dialling


def test_what_is_sent_back_is_refused():
    one, other = connector(), acceptor()
    first = one.start()
    answer = other.receive(first)

    assert "sends back what it was sent" in refusal_of(one, first)[0]
    assert "out of turn" in refusal_of(other, first)[0]
    assert "sends back what it was sent" in refusal_of(acceptor(ELSEWHERE), answer)[0]


# Goal: nobody gets in by sending one side's proof to it, or to a third. Method: a stranger who stands between.
def test_a_proof_cannot_be_turned_around_or_used_towards_a_third():
    one, other = connector(), acceptor()
    proof = one.receive(other.receive(one.start()))
    third = acceptor(ELSEWHERE)
    third.receive(one.start())

    assert "another secret" in refusal_of(third, proof)[0]
    assert "another secret" in refusal_of(one, proof)[0]


@pytest.mark.parametrize("part", ["address", "instance", "nonce"])
def test_a_hello_that_was_changed_on_its_way_is_refused(part):
    changed = {"address": ELSEWHERE, "instance": b"x" * 16, "nonce": b"x" * 32}[part]
    one, other = connector(), acceptor()
    fields = msgspec.msgpack.decode(one.start()[4:])
    names = ["tag", "magic", "version", "role", "secured", "address", "instance", "nonce"]
    bent = hello(**dict(zip(names, fields, strict=True)) | {part: changed})
    proof = one.receive(other.receive(bent))

    assert "has another secret" in refusal_of(other, proof)[0]


def test_nonces_are_fresh():
    assert len({connector().start() for _ in range(100)}) == 100


HELLOS = {
    "our own address": ({"address": THERE}, "which is this host itself"),
    "our own instance": ({"instance": INSTANCES[THERE]}, "which is this host itself"),
    "other version": ({"version": 2}, "speaks version 2, expected 1; let both run the same release"),
    "huge version": ({"version": 2**64 - 1}, "speaks version 18446744073709551615"),
    "other protocol": ({"magic": "no\nactor"}, r"does not speak libactor, but no\nactor"),
    "unknown role": ({"role": "x\ny"}, r"Invalid enum value 'x\\ny'"),
    "no address": ({"address": ""}, "expected host:port"),
    "address with a line break": ({"address": "a\n:1"}, r"got the address 'a\\n:1'"),
    "long address": ({"address": "a" * 300 + ":1"}, "expected host:port"),
    "port zero": ({"address": "10.0.0.5:0"}, "expected the port that it listens on"),
    "a name": (
        {"address": "node.example:1"},
        "of the peer: got the name 'node.example', expected an address in numbers",
    ),
    "half an address": ({"address": "[1:2]:3"}, "of the peer: got the name '1:2', expected an address in numbers"),
    "short nonce": ({"nonce": b"n" * 31}, "length >= 32"),
    "long nonce": ({"nonce": b"n" * 33}, "length <= 32"),
    "nonce of text": ({"nonce": "n" * 32}, "Expected `bytes`"),
    "short instance": ({"instance": b""}, "length >= 16"),
    "not a bool": ({"secured": 1}, "Expected `bool`"),
}


@pytest.mark.parametrize("name", HELLOS)
def test_a_hello_that_cannot_be_is_refused_with_the_reason(name):
    changes, expected = HELLOS[name]

    reason, told = refusal_of(acceptor(), hello(**changes))

    assert expected in reason
    assert told == reason
    assert reason.isprintable()
    assert len(reason) <= 500


OTHERS = {
    "http": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "does not speak libactor: it began with 'GET / HTTP"),
    "http server": (b"HTTP/1.1 400 Bad Request\r\n\r\n", "the peer serves HTTP; give the address of its runtime"),
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", "the peer has tls= and this side has none; give both"),
    "empty frame": (b"\0\0\0\0", "a frame of 0 bytes"),
    "huge frame": (b"\xff\xff\xff\xff", "a frame of 4294967295 bytes"),
    "one byte too long": ((FRAME_BYTES_MAX + 1).to_bytes(4, "big"), f"expected one of at most {FRAME_BYTES_MAX}"),
    "no msgpack": (b"\0\0\0\1\xc1", "no frame of a handshake"),
    "truncated msgpack": (b"\0\0\0\1\x92", "no frame of a handshake"),
    "bytes behind": (b"\0\0\0\2\xc0\xc0", "no frame of a handshake"),
    "array of four billion": (b"\0\0\0\5\xdd\xff\xff\xff\xff", "no frame of a handshake"),
    "deep": (b"\0\0\3\xe8" + b"\x91" * 1000, "no frame of a handshake"),
    "unknown kind": (frame("open"), "Invalid value 'open'"),
    "no text": (frame("refused", b"\xff"), "Expected `str`"),
    "proof first": (frame("proof", b"d" * 32), "a Proof out of turn"),
    "two hellos": (hello() + hello(), "a Hello out of turn"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_handshake_is_refused_on_sight(name):
    data, expected = OTHERS[name]

    reason, told = refusal_of(acceptor(), data)

    assert expected in reason
    assert told == reason


def test_text_that_is_no_utf8_is_refused():
    body = b"\x92\xa7refused\xa1\xff"

    assert "no frame of a handshake" in refusal_of(acceptor(), len(body).to_bytes(4, "big") + body)[0]


def test_a_later_version_is_told_apart_though_it_has_more_fields():
    later = [*msgspec.msgpack.decode(hello(version=7)[4:]), {"more": [1]}]

    assert "speaks version 7" in refusal_of(acceptor(), frame(*later))[0]


def test_a_refusal_is_passed_on_in_plain_text_and_not_answered():
    reason, told = refusal_of(connector(), frame("refused", "no\x1b[2Jé" + "x" * 700))

    assert reason.startswith(r"the peer refuses: no\x1b[2J\xe9xxx")
    assert len(reason) == 500
    assert told is None


def test_a_host_that_calls_itself_otherwise_than_it_was_dialled_is_refused():
    one, other = connector(expect="node.example:5050"), acceptor()

    reason, _ = refusal_of(one, other.receive(one.start()))

    assert reason == (
        "the host at node.example:5050 calls itself 10.0.0.6:5050; use that address, or let it advertise "
        "node.example:5050"
    )


def test_who_admits_is_asked_only_about_who_has_proven_the_secret():
    asked = []
    one, other = connector(), acceptor(admit=lambda peer: asked.append(peer) or "no room")
    proof = one.receive(other.receive(one.start()))
    assert asked == []

    reason, told = refusal_of(other, proof)

    assert (reason, told) == ("no room", "no room")
    assert asked == [Peer(HERE, INSTANCES[HERE], 1)]


@pytest.mark.parametrize(("secret", "error"), [("text of some length", TypeError), (b"short", ValueError)])
def test_a_secret_that_is_no_secret_is_an_error_that_says_what_to_do(secret, error):
    with pytest.raises(error, match=r"secrets\.token_bytes\(32\)"):
        connector(secret=secret)


def test_a_machine_does_not_show_its_secret():
    one = connector()

    assert SECRET.decode() not in repr(one)


ADDRESSES = {
    "10.0.0.6:5050": ("10.0.0.6", 5050), "a.b-c_d:65535": ("a.b-c_d", 65535), "[::1]:0": ("::1", 0), "x:1": ("x", 1),
}  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_falls_into_host_and_port(address):
    assert split_address(address) == ADDRESSES[address]


BAD = [
    "", ":", "a", "a:", ":1", "a:65536", "a:01", "a:-1", "a:1 ", "a:١", "a@b:1", "a b:1", "::1:1", "[a]:1x", "é:1",
    "a\n:1", "a:1\n", "-a:1", "a-:1", "[::1:5",
]  # fmt: skip


@pytest.mark.parametrize("address", BAD)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ValueError, match="expected host:port"):
        split_address(address)


def feed(machine, data):
    """What ``machine`` answers, None if it refuses; anything else is a fault of ours."""
    try:
        return machine.receive(data)
    except HandshakeRefused as error:
        refused = error
    assert str(refused).isprintable()
    assert len(refused.farewell) <= 4 + FRAME_BYTES_MAX
    return None


@given(st.binary(max_size=2000), st.sampled_from(Role))
def test_random_bytes_never_get_in_and_never_crash(data, role):
    machine = connector() if role is Role.CONNECTOR else acceptor()

    feed(machine, data)

    assert not machine.done


FIELD = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.text(), st.binary(), st.just(HERE))


@given(st.lists(st.lists(FIELD | st.sampled_from(["hello", "proof", "refused", "libactor"]), max_size=10), max_size=4))
def test_random_frames_never_get_in_and_never_crash(frames):
    machine = acceptor()

    feed(machine, b"".join(frame(*parts) for parts in frames))

    assert not machine.done


@given(st.data())
def test_a_session_with_one_byte_changed_never_gets_both_in(data):
    one, other = connector(), acceptor()
    said, turn, limit = one.start(), 1, 0
    strike = data.draw(st.integers(0, 2))

    while said and limit < 6:
        if limit == strike:
            place = data.draw(st.integers(0, len(said) - 1))
            said = said[:place] + bytes([said[place] ^ data.draw(st.integers(1, 255))]) + said[place + 1 :]
        said = feed((one, other)[turn], said)
        turn, limit = 1 - turn, limit + 1

    assert not (one.done and other.done)


def test_a_machine_keeps_no_more_than_a_frame_of_who_dawdles():
    machine = acceptor()

    for byte in (FRAME_BYTES_MAX).to_bytes(4, "big") + b"\x91" * (FRAME_BYTES_MAX - 1):
        machine.receive(bytes([byte]))

    assert len(machine._arrived) < 4 + FRAME_BYTES_MAX


def test_the_digest_tells_all_parts_apart():
    theirs = handshake.Hello("libactor", 1, Role.ACCEPTOR, True, THERE, INSTANCES[THERE], b"n" * 32)
    machine = connector()
    changes = [
        {"address": ELSEWHERE}, {"instance": b"x" * 16}, {"nonce": b"m" * 32}, {"version": 2}, {"secured": False},
    ]  # fmt: skip
    digests = [
        machine._digest(SECRET, role, msgspec.structs.replace(theirs, **change))
        for role in Role
        for change in [{}, *changes]
    ]

    assert len(set(digests)) == len(digests)
