"""Over TLS as well: cut cables, processes that die, full buffers, big messages, and the end; and who is let in."""

import hashlib

import pytest

from .peer import PeerError

pytestmark = pytest.mark.real

SILENCE_S = 2.0
PATIENT_S = 600.0  # silence that no test lives to notice
MIB = 1024 * 1024


@pytest.fixture
def tls(credentials):
    return {"tls": credentials, "silence_s": PATIENT_S}


def watch(near, far):
    """The actor "counter" in ``far``, which the actor "watcher" in ``near`` watches, which is the case on return."""
    counter = far.call("spawn", "Counter", "counter")
    near.call("spawn", "Watcher", "watcher")
    near.call("watch", "watcher", counter)
    near.call("ask", counter, "Counter.add", 0)
    return counter


def test_a_cut_cable_is_noticed_and_what_comes_after_goes_by_a_new_connection(lab, credentials):
    near, far = lab.start(2, tls=credentials, silence_s=SILENCE_S, connect_timeout_s=SILENCE_S)
    counter = watch(near, far)

    lab.cut(near, far)
    assert near.call("heard", "watcher") == (counter, "Disconnected")
    lab.heal()

    assert near.call("reach", counter, "Counter.add", 5) >= 5
    near.call("watch", "watcher", counter)
    near.call("terminate", counter)
    assert near.call("heard", "watcher") == (counter, None)


def test_what_is_sent_during_a_cut_that_is_healed_in_time_arrives_whole(lab, tls):
    near, far = lab.start(2, **tls)
    recorder = far.call("spawn", "Recorder", "recorder")
    near.call("send", recorder, "test", range(100))
    far.call("arrived", "recorder", "test", 99)

    lab.cut(near, far)
    near.call("send", recorder, "test", range(100, 1000))
    lab.heal()

    assert far.call("arrived", "recorder", "test", 999) == tuple(range(1000))


def test_a_process_that_dies_is_noticed_and_its_next_life_reached(lab, tls):
    near, far = lab.start(2, **tls)
    counter = watch(near, far)

    far.kill()
    assert near.call("heard", "watcher") == (counter, "Disconnected")
    far = far.host.start(far.port, **tls).wait_ready()
    far.call("spawn", "Counter", "counter")

    assert near.call("reach", counter, "Counter.add", 5) == 5


def test_a_half_open_connection_is_replaced_by_that_of_the_next_life(lab, tls):
    near, far = lab.start(2, **tls)
    counter = watch(near, far)
    own = near.call("spawn", "Counter", "own")
    lab.cut(near, far)
    far.kill()
    far = far.host.start(far.port, **tls).wait_ready()
    lab.heal()

    assert far.call("ask", own, "Counter.add", 7) == 7

    assert near.call("heard", "watcher") == (counter, "Disconnected")


def test_big_messages_both_ways_and_small_ones_arrive_whole(lab, tls):
    near, far = lab.start(2, **tls)
    there, here = far.call("spawn", "Counter", "there"), near.call("spawn", "Counter", "here")

    big = [peer.start("digest", pid, 10 * MIB) for peer, pid in ((near, there), (far, here)) for _ in range(3)]
    small = [near.start("ask", there, "Counter.add", 1) for _ in range(50)]

    assert sorted(near.result(future) for future in small) == list(range(1, 51))
    digest = hashlib.sha256(bytes(range(256)) * (10 * MIB // 256)).hexdigest()
    assert [near.result(future) for future in big] == [digest] * 6


def test_a_thread_that_fills_the_buffer_waits_until_there_is_room(lab, tls):
    near, far = lab.start(2, **tls)
    recorder = far.call("spawn", "Recorder", "recorder")
    near.call("ask", recorder, "Recorder.note", "first", 0)
    far.freeze()

    sending = near.start("send", recorder, "test", range(200), MIB // 4)
    far.thaw()

    assert near.result(sending) == 200
    assert far.call("arrived", "recorder", "test", 199) == tuple(range(200))


def test_both_send_first_at_the_same_moment(lab, tls):
    pair = lab.start(2, **tls)

    for _ in range(15):
        addresses = [peer.call("reopen", f"{peer.ip}:0", tls) for peer in pair]
        for peer in pair:
            peer.call("spawn", "Recorder", "recorder")
        sending = [
            peer.start("send", f"recorder@{address}", "test", range(20))
            for peer, address in zip(pair, reversed(addresses), strict=True)
        ]
        for peer, future in zip(pair, sending, strict=True):
            peer.result(future)
        assert [peer.call("arrived", "recorder", "test", 19) for peer in pair] == [tuple(range(20))] * 2


def test_a_runtime_that_is_closed_leaves_nothing_behind(lab, tls):
    near, far = lab.start(2, **tls)
    counter = watch(near, far)
    near.call("begin", "hanging", counter, "Counter.hang")

    threads, descriptors = near.call("close")

    assert (threads, descriptors) == (set(), set())
    assert near.call("listens") == []


@pytest.mark.parametrize("other", ["another secret", "a secret", "tls"])
def test_who_has_another_key_is_not_let_in(lab, secret, credentials, other):
    ours = {"secret": secret} if other == "another secret" else {"tls": credentials}
    theirs = {
        "another secret": {"secret": secret[::-1]},
        "a secret": {"secret": secret},
        "tls": {"tls": credentials, "secret": secret},
    }[other]
    near = lab.host().start(silence_s=PATIENT_S, **ours).wait_ready()
    far = lab.host().start(silence_s=PATIENT_S, connect_timeout_s=SILENCE_S, **theirs).wait_ready()
    counter = near.call("spawn", "Counter", "counter")
    own = far.call("spawn", "Counter", "own")

    with pytest.raises(PeerError, match="Abandoned <- Disconnected"):
        far.call("ask", counter, "Counter.add", 1)
    with pytest.raises(PeerError, match="Abandoned <- Disconnected"):
        near.call("ask", own, "Counter.add", 1)
    assert near.call("ask", counter, "Counter.add", 0) == 0
