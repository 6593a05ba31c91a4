"""A thread that waits for an answer reads the connection itself: no other is woken for it, and nothing is forgotten."""

import select

import pytest

import libactor as la
from libactor.transport import borrowing
from libactor.transport.connection import Connection

pytestmark = pytest.mark.real

LIMIT = 30
WAITING = 0  # the flags of a look that may wait


class Counter(la.Actor):
    def __init__(self):
        super().__init__("counter")
        self.taken = []

    @la.remote
    def take(self, value):
        self.taken.append(value)
        return len(self.taken)


class Asker:
    """Two runtimes and the connection between them, of which nobody is told but who waits for an answer.

    ``before`` and ``behind`` are called once, around the next look that may wait.
    """

    def __init__(self, here, there, monkeypatch):
        self.there, self.here = (runtime.spawn(Counter()) for runtime in (there, here))
        self.counter = here.parse_pid(str(self.there), Counter)
        self.back = there.parse_pid(str(self.here), Counter)
        monkeypatch.setattr(borrowing, "LEASE_S", 10 * LIMIT)
        self.ask()
        self.connection = here._node.peer(there.address).current
        while not self.connection.lent:  # the worker has read the answer
            self.ask()
        told = la.Promise()
        here.poller.call(lambda: told.set(None))
        told.future.get(LIMIT)  # the worker has done with what it was told before
        self.sent_for = 0
        self.before = self.behind = None
        look, send_for = Connection._read_once, Connection._read_soon

        def look_and_meet(connection, flags):
            mine = connection is self.connection and flags == WAITING
            if mine and self.before is not None:
                before, self.before = self.before, None
                before()
            count = look(connection, flags)
            if mine and self.behind is not None:
                behind, self.behind = self.behind, None
                behind()
            return count

        def count_and_send_for(connection):
            self.sent_for += connection is self.connection
            send_for(connection)

        monkeypatch.setattr(Connection, "_read_once", look_and_meet)
        monkeypatch.setattr(Connection, "_read_soon", count_and_send_for)

    def ask(self):
        return la.dispatch(self.counter, Counter.take, 0).get(LIMIT)

    def send_back(self, value):
        """Something arrives, and the worker, which is told of it, comes to read it."""
        la.tell(self.back, Counter.take, value)
        self._await_bytes()
        self.connection.read()

    def _await_bytes(self):
        asked = select.poll()
        asked.register(self.connection.fd, select.POLLIN)
        assert asked.poll(LIMIT * 1000)


@pytest.fixture
def asker(monkeypatch):
    with la.Runtime(remote=la.Remote()) as here, la.Runtime(remote=la.Remote()) as there:
        asker = Asker(here, there, monkeypatch)
        yield asker
        asker.connection.give_back()  # or closing would wait until it is heard of


def test_a_worker_that_came_to_read_once_is_not_sent_for_after_each_answer(asker):
    asker.before = asker.connection.read

    for _ in range(5):
        asker.ask()

    assert asker.before is None
    assert asker.sent_for == 0


def test_what_arrives_behind_the_answer_is_read_at_once_although_the_worker_was_turned_away(asker):
    received = asker.connection.node.frames_received
    asker.behind = lambda: asker.send_back(7)

    asker.ask()

    assert asker.connection.node.frames_received == received + 2
    assert la.dispatch(asker.here, Counter.take, 8).get(LIMIT) == 2


def test_the_worker_is_sent_for_if_there_may_be_more(asker):
    asker.behind = lambda: asker.send_back(7)

    asker.ask()

    assert asker.sent_for == 1


def test_an_interrupt_in_the_second_look_leaves_it_to_the_worker(asker, monkeypatch):
    look, interrupts = Connection._read_once, [KeyboardInterrupt]

    def look_and_fail(connection, flags):
        if connection is asker.connection and flags != WAITING and interrupts:
            raise interrupts.pop()
        return look(connection, flags)

    asker.before = asker.connection.read
    monkeypatch.setattr(Connection, "_read_once", look_and_fail)

    with pytest.raises(KeyboardInterrupt):
        asker.ask()

    assert asker.sent_for == 1
