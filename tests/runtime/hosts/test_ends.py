"""A process that stops, dies or comes back: links and calls hear of it, and its next life is another one."""

import signal

import pytest

from .peer import LIMIT, PeerError, PeerGone

pytestmark = pytest.mark.real

SILENCE_S = 2.0
PATIENT_S = 600.0  # silence that no test lives to notice


def watch(near, far, kind="Counter", id="counter"):
    """Spawn an actor in ``far`` that the actor "watcher" in ``near`` watches, which is the case on return."""
    far.call("spawn", kind, id)
    pid = f"{id}@{far.address}"
    if near.call("find", "watcher") is None:
        near.call("spawn", "Watcher", "watcher")
    near.call("watch", "watcher", pid)
    near.call("ask", pid, "Counter.add", 0)
    return pid


def reborn(peer, **options):
    """The next life of a process that was killed, at the same address."""
    return peer.host.start(peer.port, **options).wait_ready()


def test_a_frozen_peer_is_noticed_by_its_silence(lab, secret):
    near, far = lab.start(2, secret=secret, silence_s=SILENCE_S)
    counter = watch(near, far)
    near.call("begin", "unanswered", counter, "Counter.add", 1)
    near.call("finish", "unanswered")

    far.freeze()
    near.call("begin", "unanswered", counter, "Counter.add", 1)

    assert near.call("heard", "watcher") == (counter, "Disconnected")
    with pytest.raises(PeerError, match="Abandoned <- Disconnected"):
        near.call("finish", "unanswered")


def test_a_peer_that_was_frozen_for_a_while_learns_of_it_and_can_be_reached_again(lab, secret):
    near, far = lab.start(2, secret=secret, silence_s=SILENCE_S)
    counter = watch(near, far)
    own = watch(far, near, id="own")
    far.freeze()
    assert near.call("heard", "watcher") == (counter, "Disconnected")

    far.thaw()

    assert far.call("heard", "watcher") == (own, "Disconnected")
    assert near.call("reach", counter, "Counter.add", 3) >= 3
    near.call("watch", "watcher", counter)
    near.call("terminate", counter)
    assert near.call("heard", "watcher") == (counter, None)


def test_a_peer_that_is_frozen_for_less_than_that_loses_nothing(lab, secret):
    near, far = lab.start(2, secret=secret, silence_s=PATIENT_S)
    counter = watch(near, far)
    recorder = far.call("spawn", "Recorder", "recorder")

    far.freeze()
    near.call("send", recorder, "test", range(1000))
    far.thaw()

    assert far.call("arrived", "recorder", "test", 999) == tuple(range(1000))
    assert near.call("ask", counter, "Counter.add", 1) == 1
    assert not near.call("has_heard", "watcher")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGABRT])
def test_a_process_that_dies_is_noticed_at_once(lab, secret, number):
    near, far = lab.start(2, secret=secret, silence_s=PATIENT_S)
    counter = watch(near, far)
    near.call("begin", "hanging", counter, "Counter.hang")

    far.process.send_signal(number)

    assert near.call("heard", "watcher") == (counter, "Disconnected")
    with pytest.raises(PeerError, match="Abandoned <- Disconnected"):
        near.call("finish", "hanging")


def test_nobody_listens_where_a_process_has_died(lab, secret):
    near, far = lab.start(2, secret=secret, silence_s=PATIENT_S)
    counter = watch(near, far)
    far.kill()
    assert near.call("heard", "watcher") == (counter, "Disconnected")

    near.call("watch", "watcher", counter)

    assert near.call("heard", "watcher") == (counter, "Disconnected")
    with pytest.raises(PeerError, match="Abandoned <- Disconnected"):
        near.call("ask", counter, "Counter.add", 1)


# Goal: a port is free again at once, though connections of the last life linger. Method: several lives, each killed.
def test_a_process_starts_again_at_the_same_address_and_is_another_one(lab, secret):
    near, far = lab.start(2, secret=secret, silence_s=PATIENT_S)
    counter = watch(near, far)

    for _ in range(4):
        assert near.call("ask", counter, "Counter.add", 1) == 1
        far.kill()
        assert near.call("heard", "watcher") == (counter, "Disconnected")
        far = reborn(far, secret=secret, silence_s=PATIENT_S)
        assert watch(near, far) == counter

    assert not near.call("has_heard", "watcher")


def test_a_runtime_that_is_closed_and_opened_again_is_another_one(lab, secret):
    near, far = lab.start(2, secret=secret, silence_s=PATIENT_S)
    counter = watch(near, far)

    for _ in range(4):
        assert near.call("ask", counter, "Counter.add", 1) == 1
        address = far.call("reopen", far.address, {"secret": secret, "silence_s": PATIENT_S})
        assert address == far.address
        assert near.call("heard", "watcher") in [(counter, None), (counter, "Disconnected")]
        other = far.call("spawn", "Counter", "other")
        near.call("reach", other, "Counter.add", 0)  # the end of the old connection may not have been read yet
        assert watch(near, far) == counter


# Goal: a half-open connection, whose other end is gone without a word, and whose address is another process now, is
# noticed without waiting for silence. Method: the goodbye of the kernel is cut off too; then this side sends first.
def test_half_open_sending_to_the_next_life_tells_links_of_the_last(lab, secret):
    near, far = lab.start(2, secret=secret, silence_s=PATIENT_S)
    counter = watch(near, far)
    near.call("begin", "hanging", counter, "Counter.hang")
    lab.cut(near, far)
    far.kill()
    far = reborn(far, secret=secret, silence_s=PATIENT_S)
    far.call("spawn", "Counter", "counter")

    near.call("tell", counter, "Counter.add", 1)  # before the kernel over there can say goodbye once more
    lab.heal()

    assert near.call("heard", "watcher") == (counter, "Disconnected")
    with pytest.raises(PeerError, match="Abandoned <- Disconnected"):
        near.call("finish", "hanging")
    near.call("watch", "watcher", counter)
    assert near.call("ask", counter, "Counter.add", 5) == 5  # the one that was told was for the last life
    assert not near.call("has_heard", "watcher")


# Goal: as above, when the next life sends first: its connection replaces the stale one.
def test_half_open_hearing_of_the_next_life_tells_links_of_the_last(lab, secret):
    near, far = lab.start(2, secret=secret, silence_s=PATIENT_S)
    counter = watch(near, far)
    own = near.call("spawn", "Counter", "own")
    near.call("begin", "hanging", counter, "Counter.hang")
    lab.cut(near, far)
    far.kill()
    far = reborn(far, secret=secret, silence_s=PATIENT_S)
    far.call("spawn", "Counter", "counter")
    lab.heal()

    assert far.call("ask", own, "Counter.add", 7) == 7

    assert near.call("heard", "watcher") == (counter, "Disconnected")
    with pytest.raises(PeerError, match="Abandoned <- Disconnected"):
        near.call("finish", "hanging")
    assert near.call("ask", counter, "Counter.add", 5) == 5


# Goal: the side that lives on forgets the links of a last life. Method: the next one does not watch, and hears nothing.
def test_the_next_life_hears_nothing_of_what_the_last_one_watched(lab, secret):
    near, far = lab.start(2, secret=secret, silence_s=PATIENT_S)
    counter = watch(near, far)
    lab.cut(near, far)
    near.kill()
    near = reborn(near, secret=secret, silence_s=PATIENT_S)
    near.call("spawn", "Watcher", "watcher")
    lab.heal()
    assert near.call("ask", counter, "Counter.add", 1) == 1

    near.call("terminate", counter)

    other = watch(near, far, id="other")
    near.call("terminate", other)
    assert near.call("heard", "watcher") == (other, None)
    assert not near.call("has_heard", "watcher")


def test_a_command_to_a_process_that_has_died_fails(lab, secret):
    [peer] = lab.start(1, secret=secret)
    waiting = peer.start("arrived", "nobody", "", 0)

    peer.kill()

    with pytest.raises((PeerGone, PeerError)):
        waiting.result(LIMIT)
    with pytest.raises(PeerGone):
        peer.call("metrics")
