"""A cable that is cut: silence is noticed, links and calls hear of it, and once it is healed all goes on."""

# What a cut loses is up to the moment. What always holds, and is checked by numbered messages: they come in order, and
#   none comes twice. silence_s is short where silence is to be noticed, and not so short that a busy machine is silent.

import itertools

import pytest

from .peer import PeerError

pytestmark = pytest.mark.real

SILENCE_S = 2.0
PATIENT_S = 600.0  # silence that no test lives to notice


def is_in_order_and_at_most_once(numbers):
    return all(first < second for first, second in itertools.pairwise(numbers))


@pytest.fixture
def near_and_far(lab, secret):
    return lab.start(2, secret=secret, silence_s=SILENCE_S, connect_timeout_s=SILENCE_S)


@pytest.fixture
def patient(lab, secret):
    return lab.start(2, secret=secret, silence_s=PATIENT_S)


@pytest.fixture
def linked(near_and_far):
    """Two peers; an actor on each watches one on the other."""
    near, far = near_and_far
    for peer in (near, far):
        peer.call("spawn", "Watcher", "watcher")
        peer.call("spawn", "Counter", "counter")
    for peer, other in ((near, far), (far, near)):
        peer.call("watch", "watcher", f"counter@{other.address}")
        assert peer.call("ask", f"counter@{other.address}", "Counter.add", 0) == 0
    return near, far


def check_both_hear(near, far):
    assert near.call("heard", "watcher") == (f"counter@{far.address}", "Disconnected")
    assert far.call("heard", "watcher") == (f"counter@{near.address}", "Disconnected")


def test_links_on_both_sides_hear_of_a_cut_cable(lab, linked):
    near, far = linked

    lab.cut(near, far)

    check_both_hear(near, far)


def test_links_on_both_sides_hear_of_a_cable_that_was_pulled(lab, linked):
    near, far = linked

    lab.unplug(far)

    check_both_hear(near, far)


@pytest.mark.parametrize("deaf", ["near", "far"])
def test_links_on_both_sides_hear_when_one_way_is_cut(lab, linked, deaf):
    near, far = linked

    lab.cut(*((far, near) if deaf == "near" else (near, far)), both_ways=False)

    check_both_hear(near, far)


def test_a_quiet_connection_that_is_whole_is_kept(lab, linked, secret):
    near, far = linked
    [other] = lab.start(1, secret=secret, silence_s=SILENCE_S)
    other.call("spawn", "Watcher", "watcher")
    other.call("watch", "watcher", f"counter@{far.address}")
    lab.cut(near, far)

    check_both_hear(near, far)

    assert not other.call("has_heard", "watcher")  # nobody has said a word on that one for as long


def test_calls_under_way_are_abandoned_when_the_cable_is_cut(lab, linked):
    near, far = linked
    far_counter = f"counter@{far.address}"
    near.call("begin", "hanging", far_counter, "Counter.hang")
    near.call("ask", far_counter, "Counter.add", 1)

    lab.cut(near, far)
    near.call("begin", "unsent", far_counter, "Counter.add", 1)

    for name in ("hanging", "unsent"):
        with pytest.raises(PeerError, match="Abandoned <- Disconnected"):
            near.call("finish", name)


def test_a_call_to_a_host_that_is_cut_off_is_abandoned(lab, near_and_far):
    near, far = near_and_far
    lab.cut(near, far)

    with pytest.raises(PeerError, match="Abandoned <- Disconnected"):
        near.call("ask", f"counter@{far.address}", "Counter.add", 1)


def test_after_the_cable_is_healed_calls_and_links_work_anew(lab, linked):
    near, far = linked
    far_counter = f"counter@{far.address}"
    lab.cut(near, far)
    check_both_hear(near, far)

    lab.heal()

    assert near.call("reach", far_counter, "Counter.add", 5) == 5
    near.call("watch", "watcher", far_counter)
    near.call("terminate", far_counter)
    assert near.call("heard", "watcher") == (far_counter, None)
    assert not near.call("has_heard", "watcher")


# Goal: a cut that nobody notices loses nothing. Method: what is sent meanwhile is sent again by the kernel.
def test_what_is_sent_during_a_cut_that_is_healed_in_time_arrives_whole(lab, patient):
    near, far = patient
    recorder = far.call("spawn", "Recorder", "recorder")
    near.call("spawn", "Watcher", "watcher")
    near.call("watch", "watcher", recorder)
    near.call("send", recorder, "test", range(100))
    far.call("arrived", "recorder", "test", 99)

    lab.cut(near, far)
    near.call("send", recorder, "test", range(100, 1000))
    lab.heal()

    assert far.call("arrived", "recorder", "test", 999) == tuple(range(1000))
    assert not near.call("has_heard", "watcher")


# Goal: over a break messages come in order and at most once. Method: numbers are sent before, during and after the cut;
# the receiver says which have come.
def test_across_a_break_messages_come_in_order_and_at_most_once(lab, near_and_far):
    near, far = near_and_far
    recorder = far.call("spawn", "Recorder", "recorder")
    near.call("spawn", "Watcher", "watcher")
    near.call("watch", "watcher", recorder)
    sent = near.start("send", recorder, "test", range(20_000), 100)
    far.call("arrived", "recorder", "test", 1000)

    lab.cut(near, far)
    near.result(sent)
    near.call("send", recorder, "test", range(20_000, 21_000))
    assert near.call("heard", "watcher") == (recorder, "Disconnected")
    lab.heal()
    near.call("reach", recorder, "Recorder.note", "other", 0)
    near.call("send", recorder, "test", range(30_000, 31_000))

    arrived = far.call("arrived", "recorder", "test", 30_999)
    assert is_in_order_and_at_most_once(arrived)
    assert arrived[:1000] == tuple(range(1000))
    assert arrived[-1000:] == tuple(range(30_000, 31_000))


# Goal: as above, for breaks that come whenever they like. Method: cut, wait until it is noticed, heal, several times,
# while an outside thread goes on sending.
def test_across_many_breaks_messages_come_in_order_and_at_most_once(lab, secret):
    near, far = lab.start(2, secret=secret, silence_s=1.0, connect_timeout_s=5.0)
    recorder = far.call("spawn", "Recorder", "recorder")
    near.call("spawn", "Watcher", "watcher")

    for turn in range(3):
        near.call("watch", "watcher", recorder)
        sent = near.start("send", recorder, "test", range(turn * 1000, (turn + 1) * 1000), 500)
        lab.cut(near, far)
        near.result(sent)
        assert near.call("heard", "watcher") == (recorder, "Disconnected")
        lab.heal()
    near.call("reach", recorder, "Recorder.note", "test", 99_999)

    assert is_in_order_and_at_most_once(far.call("arrived", "recorder", "test", 99_999))
