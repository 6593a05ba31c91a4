"""Between two hosts all that is done with a PID does the same as within one."""

import pytest

from .peer import PeerError

pytestmark = pytest.mark.real


@pytest.fixture(params=["secret", "tls"])
def pair(request, lab, secret):
    """Two processes on two hosts, which know each other by a secret or by certificates."""
    options = {"secret": secret} if request.param == "secret" else {"tls": request.getfixturevalue("credentials")}
    return lab.start(2, **options)


@pytest.fixture
def counter(pair):
    return pair[1].call("spawn", "Counter", "counter")


def test_a_call_is_answered(pair, counter):
    near, far = pair

    assert near.call("ask", counter, "Counter.add", 2) == 2
    assert near.call("ask_inside", counter, "Counter.add", 3) == 5
    assert near.call("ask", counter, "Counter.process") == far.process.pid


def test_a_call_fails_with_the_error_of_the_handler(pair, counter):
    near, _ = pair

    with pytest.raises(PeerError, match="ValueError: of the test"):
        near.call("ask", counter, "Counter.fail", "of the test")
    assert near.call("ask", counter, "Counter.add", 1) == 1


def test_only_methods_marked_remote_can_be_called(pair, counter):
    near, _ = pair

    with pytest.raises(PeerError, match="secret"):
        near.call("ask", counter, "Counter.secret")
    assert near.call("ask", counter, "Counter.add", 1) == 1


def test_tells_and_messages_of_one_sender_are_served_in_order(pair, counter):
    near, _ = pair

    near.call("tell", counter, "Counter.add", 2)
    near.call("post", counter, "Add", 3)

    assert near.call("ask", counter, "Counter.add", 0) == 5


def test_who_posts_is_the_sender_and_can_be_answered(pair):
    near, far = pair
    recorder = far.call("spawn", "Recorder", "recorder")

    sender = near.call("post_inside", recorder, "Note", 1)
    near.call("post", recorder, "Note", 2)

    assert far.call("arrived", "recorder", "post", 2) == (1, 2)
    assert far.call("posted_by", "recorder") == [sender, None]
    assert sender.endswith(f"@{near.address}")


def test_deferred_and_delayed_calls_arrive(pair, counter):
    near, far = pair
    recorder = far.call("spawn", "Recorder", "recorder")

    near.call("delay", 0.01, recorder, "Recorder.note", "delayed", 7)

    assert near.call("defer", counter, "Counter.add", 4) == 4
    assert far.call("arrived", "recorder", "delayed", 7) == (7,)


def test_a_pid_in_a_message_is_live_where_it_arrives(pair, counter):
    near, _ = pair
    own = near.call("spawn", "Counter", "own")

    assert near.call("introduce", counter, "Counter.add_at", own, 5) == 5
    assert near.call("ask", own, "Counter.add", 1) == 6
    assert near.call("introduce", counter, "Counter.echo", own) == own


def test_a_link_hears_of_a_termination_and_of_an_error(pair, counter):
    near, far = pair
    near.call("spawn", "Watcher", "watcher")
    other = far.call("spawn", "Counter", "other")
    near.call("watch", "watcher", counter)
    near.call("watch", "watcher", other)

    near.call("terminate", counter)
    assert near.call("heard", "watcher") == (counter, None)
    near.call("tell", other, "Counter.die", "of the test")
    assert near.call("heard", "watcher") == (other, "ValueError")


def test_a_link_to_an_actor_that_is_gone_hears_at_once(pair, counter):
    near, _ = pair
    near.call("spawn", "Watcher", "watcher")
    near.call("terminate", counter)

    near.call("watch", "watcher", counter)

    assert near.call("heard", "watcher")[0] == counter


# Goal: a call that waits in a mailbox is abandoned when its actor ends. Method: the actor is held in a handler until
# the call has arrived, which the answer to a later one, of another actor, shows.
def test_a_call_of_an_actor_that_ends_is_abandoned_with_its_reason(pair, counter):
    near, far = pair
    other = far.call("spawn", "Counter", "other")
    far.call("hold", "counter")
    near.call("tell", counter, "Counter.die", "of the test")
    near.call("begin", "waiting", counter, "Counter.add", 1)
    near.call("ask", other, "Counter.add", 1)

    far.call("let_go", "counter")

    with pytest.raises(PeerError, match="Abandoned <- ValueError"):
        near.call("finish", "waiting")


def test_both_ways_at_once(pair, counter):
    near, far = pair
    own = near.call("spawn", "Counter", "own")

    asked = [peer.start("ask", pid, "Counter.add", 1) for _ in range(50) for peer, pid in ((near, counter), (far, own))]

    assert sorted(future.result(60) for future in asked) == sorted([*range(1, 51)] * 2)
