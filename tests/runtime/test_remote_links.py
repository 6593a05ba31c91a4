"""Links between two runtimes over TCP: ends, breaks, relinking, and what is left of them."""

import socket
import threading

import pytest

import libactor as la

pytestmark = pytest.mark.real

LIMIT = 30


class Mortal(la.Actor):
    def __init__(self, id="mortal"):
        super().__init__(id)
        self.never = la.Promise()

    @la.remote
    def die(self, error):
        raise error

    @la.remote
    def wait(self):
        return self.never.future

    @la.remote
    def ping(self):
        return "pong"


class Watcher(la.Actor):
    def __init__(self, id=None):
        super().__init__(id)
        self.heard = []
        self.queue = la.Queue()

    @la.remote
    def watch(self, pid, reconnect=False):
        la.link(pid, reconnect=reconnect)

    def on_exited(self, pid, reason):
        self.heard.append((pid, reason))
        self.queue.put((pid, reason))

    def next(self):
        return self.queue.get()

    def told(self):
        return tuple(self.heard)


@pytest.fixture
def mortal(here, there):
    return here.parse_pid(str(there.spawn(Mortal())), Mortal)


@pytest.fixture
def watcher(here):
    return la.spawn(Watcher())


def watch(watcher, pid, reconnect=False):
    la.dispatch(watcher, Watcher.watch, pid, reconnect).get(LIMIT)


def heard(watcher):
    return la.dispatch(watcher, Watcher.next).get(LIMIT)


def reset(runtime):
    """Break all connections of a runtime, as the network would."""
    for connection in runtime._node.connections:
        connection.sock.shutdown(socket.SHUT_RDWR)


# LP ProcessRemoteLinkTest.RemoteLink
def test_a_link_hears_of_a_termination_elsewhere(watcher, mortal):
    watch(watcher, mortal)

    la.terminate(mortal)

    assert heard(watcher) == (mortal, None)


def test_a_link_hears_the_error_that_stopped_an_actor_elsewhere(watcher, mortal):
    watch(watcher, mortal)

    la.tell(mortal, Mortal.die, ValueError("no", 2))

    pid, reason = heard(watcher)
    assert pid == mortal
    assert type(reason) is ValueError
    assert reason.args == ("no", 2)


def test_a_link_to_nobody_hears_at_once(here, there, watcher):
    nobody = here.parse_pid(f"nobody@{there.address}")

    watch(watcher, nobody)

    assert heard(watcher) == (nobody, None)


def test_a_link_to_nobody_here_hears_at_once(here, watcher):
    nobody = here.parse_pid(f"nobody@{here.address}")

    watch(watcher, nobody)

    assert heard(watcher) == (nobody, None)


def test_who_links_twice_hears_once(watcher, mortal):
    watch(watcher, mortal)
    watch(watcher, mortal)

    la.terminate(mortal)

    heard(watcher)
    watch(watcher, mortal)
    heard(watcher)  # of the second link, to one that is gone
    assert len(la.dispatch(watcher, Watcher.told).get(LIMIT)) == 2


def test_each_of_many_linkers_hears(here, mortal):
    watchers = [la.spawn(Watcher()) for _ in range(20)]
    for watcher in watchers:
        watch(watcher, mortal)

    la.terminate(mortal)

    assert [heard(watcher) for watcher in watchers] == [(mortal, None)] * 20


# LP ProcessRemoteLinkTest.RemoteUseStaleLink
@pytest.mark.parametrize("side", ["here", "there"])
def test_a_broken_connection_is_told_to_links_and_calls(here, there, watcher, mortal, side):
    watch(watcher, mortal)
    answer = la.dispatch(mortal, Mortal.wait)
    la.dispatch(mortal, Mortal.ping).get(LIMIT)

    reset({"here": here, "there": there}[side])

    pid, reason = heard(watcher)
    assert pid == mortal
    assert isinstance(reason, la.Disconnected)
    with pytest.raises(la.Abandoned) as raised:
        answer.get(LIMIT)
    assert raised.value.pid == mortal
    assert isinstance(raised.value.reason, la.Disconnected)


def test_after_a_break_the_next_message_makes_a_new_connection(here, watcher, mortal):
    watch(watcher, mortal)
    reset(here)
    heard(watcher)

    assert la.dispatch(mortal, Mortal.ping).get(LIMIT) == "pong"
    watch(watcher, mortal)
    la.terminate(mortal)

    assert heard(watcher) == (mortal, None)


def test_the_end_of_a_runtime_breaks_its_links(here, watcher):
    with la.Runtime(remote=la.Remote()) as other:
        gone = here.parse_pid(f"nobody@{other.address}")
        pid = here.parse_pid(str(other.spawn(Mortal())), Mortal)
        watch(watcher, pid)
        la.dispatch(pid, Mortal.ping).get(LIMIT)

    assert heard(watcher) == (pid, None)  # its actors were stopped before
    watch(watcher, gone)
    assert isinstance(heard(watcher)[1], la.Disconnected)


# LP ProcessRemoteLinkTest.RemoteRelink
def test_relinking_without_a_link_is_linking(watcher, mortal):
    watch(watcher, mortal, reconnect=True)

    la.terminate(mortal)

    assert heard(watcher) == (mortal, None)


# LP ProcessRemoteLinkTest.RemoteLinkRelink
def test_relinking_keeps_the_link_and_tells_it_nothing(here, watcher, mortal):
    watch(watcher, mortal)
    before = here._node.peer(mortal.address).current

    watch(watcher, mortal, reconnect=True)

    assert here._node.peer(mortal.address).current is not before
    la.terminate(mortal)
    assert heard(watcher) == (mortal, None)
    assert len(la.dispatch(watcher, Watcher.told).get(LIMIT)) == 1


# LP ProcessRemoteLinkTest.RemoteDoubleLinkRelink
def test_relinking_by_one_leaves_the_links_of_others(here, there, watcher, mortal):
    other, sibling = la.spawn(Watcher()), here.parse_pid(str(there.spawn(Mortal("sibling"))), Mortal)
    watch(other, mortal)
    watch(other, sibling)

    watch(watcher, mortal, reconnect=True)
    la.terminate(mortal)

    assert heard(other) == (mortal, None)
    assert heard(watcher) == (mortal, None)
    la.terminate(sibling)
    assert heard(other) == (sibling, None)


def test_calls_by_the_old_connection_are_answered_after_a_relink(here, there, watcher):
    waiting = Mortal("waiting")
    pid = here.parse_pid(str(there.spawn(waiting)), Mortal)
    answer = la.dispatch(pid, Mortal.wait)
    la.dispatch(pid, Mortal.ping).get(LIMIT)

    watch(watcher, pid, reconnect=True)
    la.dispatch(pid, Mortal.ping).get(LIMIT)
    waiting.never.set("late")

    assert answer.get(LIMIT) == "late"


def test_a_connection_that_was_replaced_ends_when_nothing_waits(here, there, watcher, mortal):
    watch(watcher, mortal)
    gone = threading.Event()
    old = here._node.peer(mortal.address).current
    closed = here._node.closed
    here._node.closed = lambda connection: (closed(connection), connection is old and gone.set())

    watch(watcher, mortal, reconnect=True)

    assert gone.wait(LIMIT)
    assert la.dispatch(mortal, Mortal.ping).get(LIMIT) == "pong"
    assert len(here._node.connections) == 1
    assert not la.dispatch(watcher, Watcher.told).get(LIMIT)


# LP ProcessRemoteLinkTest.RemoteLinkLeak
def test_the_end_of_a_linker_leaves_nothing_on_either_side(here, there, mortal):
    target = there.find("mortal")._process
    for _ in range(3):
        watcher = la.spawn(Watcher())
        watch(watcher, mortal)
        la.terminate(watcher)
        la.wait(watcher)

    la.dispatch(mortal, Mortal.ping).get(LIMIT)

    peer = here._node.peer(mortal.address)
    assert not peer.current.links
    assert not peer._watching
    assert not target._linkers


# LP ProcessRemoteLinkTest.RemoteStaleLinkRelink
def test_relinking_repairs_a_connection_that_is_stale(here, there, watcher, mortal):
    watch(watcher, mortal)
    la.dispatch(mortal, Mortal.ping).get(LIMIT)
    for connection in there._node.connections:
        connection.poller.forget(connection.fd)  # the other side does not look at it any more

    watch(watcher, mortal, reconnect=True)
    la.terminate(mortal)

    assert heard(watcher) == (mortal, None)


def test_link_reconnect_within_one_runtime_is_a_link(here, watcher):
    pid = la.spawn(Mortal("local"))

    watch(watcher, pid, reconnect=True)
    la.terminate(pid)

    assert heard(watcher) == (pid, None)


def test_links_go_both_ways_over_one_connection(here, there, watcher, mortal):
    back = there.spawn(Watcher("back"))
    local = la.spawn(Mortal("local"))
    watch(watcher, mortal)
    la.dispatch(here.parse_pid(str(back), Watcher), Watcher.watch, local).get(LIMIT)

    la.terminate(local)
    la.terminate(mortal)

    assert heard(back) == (local, None)
    assert heard(watcher) == (mortal, None)
    assert len(here._node.connections) == len(there._node.connections) == 1
