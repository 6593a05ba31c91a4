"""Delegation: messages an actor has no handler for go on to another, as if they had been sent there."""

import dataclasses

import pytest

import libactor as la

LIMIT = 30


@dataclasses.dataclass(frozen=True)
class Ping:
    n: int = 0


@dataclasses.dataclass(frozen=True)
class Pong(Ping):
    pass


class Front(la.Actor):
    def delegate(self, kind, pid):
        la.delegate(kind, pid)


class Back(Front):
    def __init__(self):
        super().__init__()
        self.heard = []

    @la.handles(Ping)
    def ping(self, message, sender):
        self.heard.append((message.n, sender))

    def told(self):
        return tuple(self.heard)


@pytest.fixture
def front(paused):
    return la.spawn(Front())


@pytest.fixture
def back(paused):
    return la.spawn(Back())


def told(pid):
    pid._process.runtime.clock.settle(LIMIT)
    return la.dispatch(pid, Back.told).get(LIMIT)


def delegate(front, kind, back):
    la.dispatch(front, Front.delegate, kind, back).get(LIMIT)


# LP ProcessTest.Delegate
def test_a_delegated_message_arrives_with_the_sender_it_came_from(paused, front, back):
    sender = la.spawn(Back())
    delegate(front, Ping, back)

    la.post(front, Ping(1), sender)
    la.post(front, Ping(2))

    assert told(back) == ((1, sender), (2, None))
    assert paused.dead_letters == 0


def test_only_messages_of_exactly_the_class_go_on(paused, front, back):
    delegate(front, Ping, back)

    la.post(front, Pong(1))

    assert told(back) == ()
    assert paused.dead_letters == 1


def test_a_handler_comes_before_the_delegate(front, back):
    middle = la.spawn(Back())
    delegate(middle, Ping, back)

    la.post(middle, Ping(1))

    assert told(back) == ()
    assert told(middle) == ((1, None),)


def test_the_last_delegate_holds_until_it_is_taken_back(paused, front, back):
    other = la.spawn(Back())
    delegate(front, Ping, other)
    delegate(front, Ping, back)
    la.post(front, Ping(1))
    delegate(front, Ping, None)
    delegate(front, Pong, None)

    la.post(front, Ping(2))

    assert (told(other), told(back)) == ((), ((1, None),))
    assert paused.dead_letters == 1


def test_messages_of_one_sender_keep_their_order(front, back, count):
    delegate(front, Ping, back)

    for n in range(count(5_000)):
        la.post(front, Ping(n))

    assert told(back) == tuple((n, None) for n in range(count(5_000)))


def test_a_message_goes_on_through_several_and_into_another_runtime(paused, front):
    with la.Runtime() as other:
        back = other.spawn(Back())
        middle = paused.spawn(Front())
        delegate(front, Ping, middle)
        delegate(middle, Ping, back)

        la.post(front, Ping(1))
        paused.clock.settle(LIMIT)

        assert la.dispatch(back, Back.told).get(LIMIT) == ((1, None),)


def test_a_delegate_that_has_stopped_gets_dead_letters(paused, front, back):
    delegate(front, Ping, back)
    la.terminate(back)
    la.wait(back, LIMIT)

    la.post(front, Ping(1))
    paused.clock.settle(LIMIT)

    assert paused.dead_letters == 1


def test_a_delegated_message_is_handed_on_and_not_copied_again(paused):
    class Keeper(la.Actor):
        @la.handles(list)
        def keep(self, message):
            self.kept = message

    keeper = Keeper()
    front, back, thing = la.spawn(Front()), la.spawn(keeper), [1]
    delegate(front, list, back)

    la.post(front, la.move(thing))
    paused.clock.settle(LIMIT)

    assert keeper.kept is thing


def test_calls_and_dead_ends_are_refused(front, back):
    with pytest.raises(la.NoRuntime, match="delegate: called outside an actor"):
        la.delegate(Ping, back)
    with pytest.raises(ValueError, match="cannot delegate to itself"):
        delegate(front, Ping, front)
    with pytest.raises(TypeError, match="expected a message class"):
        delegate(front, "Ping", back)
    with pytest.raises(TypeError, match="delegate: got 'back', expected a PID"):
        delegate(front, Ping, "back")
