"""Many at once: crossing connections, a mesh of hosts, big messages beside small ones, full buffers, and the end."""

import hashlib
import itertools

import pytest

from .peer import LIMIT, PeerError

pytestmark = pytest.mark.real

PATIENT_S = 600.0  # silence that no test lives to notice
MESH = 10
OVERFLOWS = "libactor/remote/buffer_overflows"
MIB = 1024 * 1024


def other_numbers(number, count):
    return [other for other in range(count) if other != number]


# Goal: two that connect to each other at the same moment end with what each has sent, in order.
# Method: in each round both are new and both send at once, so now the one comes first, now the other, now both.
def test_both_send_first_at_the_same_moment(lab, secret):
    pair = lab.start(2, secret=secret, silence_s=PATIENT_S)

    for _ in range(40):
        opened = [peer.start("reopen", f"{peer.ip}:0", {"secret": secret, "silence_s": PATIENT_S}) for peer in pair]
        addresses = [future.result(LIMIT) for future in opened]
        for peer in pair:
            peer.call("spawn", "Recorder", "recorder")
            peer.call("spawn", "Watcher", "watcher")
        watching = [
            peer.start("watch_and_send", "watcher", f"recorder@{address}", "test", range(20))
            for peer, address in zip(pair, reversed(addresses), strict=True)
        ]
        for future in watching:
            future.result(LIMIT)
        assert [peer.call("arrived", "recorder", "test", 19) for peer in pair] == [tuple(range(20))] * 2
        assert not any(peer.call("has_heard", "watcher") for peer in pair)
        for peer, address in zip(pair, reversed(addresses), strict=True):
            peer.call("terminate", f"recorder@{address}")
            assert peer.call("heard", "watcher") == (f"recorder@{address}", None)


# Goal: as above, when the first packets of both are on their way at once for sure: they are lost, and sent again.
def test_both_connect_while_the_cable_is_cut(lab, secret):
    pair = lab.start(2, secret=secret, silence_s=PATIENT_S, connect_timeout_s=LIMIT)
    pids = [peer.call("spawn", "Recorder", "recorder") for peer in pair]
    lab.cut(*pair)
    for peer, pid in zip(pair, reversed(pids), strict=True):
        peer.call("send", pid, "test", range(100))

    lab.heal()

    assert [peer.call("arrived", "recorder", "test", 99) for peer in pair] == [tuple(range(100))] * 2


def test_a_mesh_of_hosts_talks_each_with_each(lab, secret):
    peers = lab.start(MESH, secret=secret, silence_s=PATIENT_S)
    for peer in peers:
        peer.call("spawn", "Recorder", "recorder")

    sending = [
        peer.start("send", f"recorder@{peers[other].address}", peer.address, range(500), 100)
        for number, peer in enumerate(peers)
        for other in other_numbers(number, MESH)
    ]
    for future in sending:
        future.result(LIMIT)

    for number, peer in enumerate(peers):
        for other in other_numbers(number, MESH):
            assert peer.call("arrived", "recorder", peers[other].address, 499) == tuple(range(500))


def test_in_a_mesh_each_hears_of_the_one_that_dies_and_of_no_other(lab, secret):
    *living, mortal = lab.start(MESH, secret=secret, silence_s=PATIENT_S)
    for peer in [*living, mortal]:
        peer.call("spawn", "Counter", "counter")
        peer.call("spawn", "Watcher", "watcher")
    for peer in living:
        for other in [*living, mortal]:
            if other is not peer:
                peer.call("watch", "watcher", f"counter@{other.address}")
                peer.call("ask", f"counter@{other.address}", "Counter.add", 1)

    mortal.kill()

    assert {peer.call("heard", "watcher") for peer in living} == {(f"counter@{mortal.address}", "Disconnected")}
    assert not any(peer.call("has_heard", "watcher") for peer in living)
    for number, peer in enumerate(living):
        assert peer.call("ask", f"counter@{living[number - 1].address}", "Counter.add", 0) == len(living) - 1


def test_big_messages_and_small_ones_arrive_whole_and_in_order(lab, secret):
    near, far = lab.start(2, secret=secret, silence_s=PATIENT_S)
    counter = far.call("spawn", "Counter", "counter")
    recorder = far.call("spawn", "Recorder", "recorder")

    big = [near.start("digest", counter, size) for size in (30 * MIB, 20 * MIB, 10 * MIB)]
    small = [near.start("ask", counter, "Counter.add", 1) for _ in range(100)]
    near.call("send", recorder, "mixed", range(20), MIB)

    assert sorted(future.result(LIMIT) for future in small) == list(range(1, 101))
    assert [future.result(LIMIT) for future in big] == [
        hashlib.sha256(bytes(range(256)) * (size // 256)).hexdigest() for size in (30 * MIB, 20 * MIB, 10 * MIB)
    ]
    assert far.call("arrived", "recorder", "mixed", 19) == tuple(range(20))


def test_a_message_that_is_too_big_is_refused_where_it_is_sent_and_costs_nothing_else(lab, secret):
    near, far = lab.start(2, secret=secret, silence_s=PATIENT_S, frame_bytes_max=MIB)
    counter = far.call("spawn", "Counter", "counter")

    with pytest.raises(PeerError, match="frame_bytes_max"):
        near.call("ask", counter, "Counter.length", bytes(MIB))
    assert near.call("ask", counter, "Counter.length", bytes(MIB - 1024)) == MIB - 1024


# Goal: a handler never blocks: when what waits to be sent is too much, the connection is given up.
# Method: the receiver is frozen, so that it reads nothing.
def test_a_handler_that_fills_the_buffer_breaks_the_connection(lab, secret):
    near, far = lab.start(2, secret=secret, silence_s=PATIENT_S, buffer_bytes_max=4 * MIB)
    recorder = far.call("spawn", "Recorder", "recorder")
    near.call("spawn", "Watcher", "watcher")
    near.call("watch", "watcher", recorder)
    near.call("ask", recorder, "Recorder.note", "first", 0)
    far.freeze()

    source = near.call("send_inside", recorder, range(200), MIB // 4)

    assert near.call("heard", "watcher") == (recorder, "Disconnected")
    assert near.call("metrics")[OVERFLOWS] >= 1  # the next connection fills as well
    far.thaw()
    near.call("ask", recorder, "Recorder.note", "last", 0)
    arrived = far.call("of", "recorder", source)
    assert all(first < second for first, second in itertools.pairwise(arrived))


# Goal: a thread outside of actors waits for room instead. Method: the receiver is frozen, and what is sent is more than
# all buffers hold.
def test_a_thread_that_fills_the_buffer_waits_until_there_is_room(lab, secret):
    near, far = lab.start(2, secret=secret, silence_s=PATIENT_S, buffer_bytes_max=4 * MIB)
    recorder = far.call("spawn", "Recorder", "recorder")
    near.call("spawn", "Watcher", "watcher")
    near.call("watch", "watcher", recorder)
    near.call("ask", recorder, "Recorder.note", "first", 0)
    far.freeze()

    sending = near.start("send", recorder, "test", range(200), MIB // 4)
    with pytest.raises(TimeoutError):
        sending.result(0.5)
    far.thaw()

    assert sending.result(LIMIT) == 200
    assert far.call("arrived", "recorder", "test", 199) == tuple(range(200))
    assert not near.call("has_heard", "watcher")
    assert near.call("metrics")[OVERFLOWS] == 0


def test_a_thread_that_waits_for_room_hears_of_the_end_of_the_connection(lab, secret):
    near, far = lab.start(2, secret=secret, silence_s=PATIENT_S, buffer_bytes_max=4 * MIB)
    recorder = far.call("spawn", "Recorder", "recorder")
    near.call("ask", recorder, "Recorder.note", "first", 0)
    far.freeze()
    sending = near.start("send", recorder, "test", range(200), MIB // 4)
    with pytest.raises(TimeoutError):
        sending.result(0.5)

    far.kill()

    assert sending.result(LIMIT) == 200


# Goal: close() leaves nothing. Method: compared with the process before it opened its runtime; while peers are
# connected, calls are under way both ways, and one of the peers is frozen and reads nothing.
def test_a_runtime_that_is_closed_leaves_nothing_behind(lab, secret):
    near, far, frozen = lab.start(3, secret=secret, silence_s=PATIENT_S)
    own = near.call("spawn", "Counter", "own")
    for peer in (far, frozen):
        pid = peer.call("spawn", "Counter", "counter")
        peer.call("spawn", "Watcher", "watcher")
        peer.call("watch", "watcher", own)
        peer.call("begin", "hanging", own, "Counter.hang")
        near.call("begin", peer.address, pid, "Counter.hang")
        near.call("ask", pid, "Counter.add", 1)
    assert far.call("ask", own, "Counter.add", 1) == 1
    frozen.freeze()
    near.call("send_inside", f"recorder@{frozen.address}", range(10), MIB)

    threads, descriptors = near.call("close")

    assert (threads, descriptors) == (set(), set())
    assert near.call("listens") == []
    assert far.call("heard", "watcher") == (own, None)
    with pytest.raises(PeerError, match="Abandoned"):
        far.call("finish", "hanging")
    for peer in (far, frozen):
        with pytest.raises(PeerError, match=r"Abandoned|Disconnected"):
            near.call("finish", peer.address)


def test_what_was_told_before_the_close_arrives(lab, secret):
    near, far = lab.start(2, secret=secret, silence_s=PATIENT_S)
    recorder = far.call("spawn", "Recorder", "recorder")

    near.call("send", recorder, "test", range(2000), 1000)
    near.call("close")

    assert far.call("arrived", "recorder", "test", 1999) == tuple(range(2000))
