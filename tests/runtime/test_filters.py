"""Event filters: what an actor is about to serve can be awaited, dropped or forbidden."""

import dataclasses

import pytest

import libactor as la
from libactor.testing import filter_events, inject_exited

LIMIT = 30


@dataclasses.dataclass(frozen=True)
class Ping:
    n: int = 0


@dataclasses.dataclass(frozen=True)
class Pong(Ping):
    pass


class Listener(la.Actor):
    def __init__(self):
        super().__init__()
        self.heard = []

    @la.handles(Ping)
    def ping(self, message):
        self.heard.append(message.n)

    @la.handles(Pong)
    def pong(self, message, sender):
        self.heard.append(("pong", sender))

    def add(self, n, *, times=1):
        self.heard.append(n * times)
        return n

    def watch(self, pid):
        la.link(pid)

    def on_exited(self, pid, reason):
        self.heard.append((pid, reason))

    def told(self):
        return tuple(self.heard)


class Derived(Listener):
    def add(self, n, *, times=1):
        return super().add(-n)


@pytest.fixture
def pid(paused):
    return la.spawn(Listener())


@pytest.fixture
def events(paused):
    with filter_events() as events:
        yield events


def told(pid):
    return la.dispatch(pid, Listener.told).get(LIMIT)


# LP ProcessTest.Expect
def test_a_message_is_awaited_and_served_and_another_is_dropped(pid, events):
    lost = events.drop_message(Ping)
    la.post(pid, Ping(1))
    assert lost.get(LIMIT).what == Ping(1)
    met = events.future_message(Ping, to=pid)
    la.post(pid, Ping(2))
    assert met.get(LIMIT).to == pid
    la.post(pid, Ping(3))

    assert told(pid) == (2, 3)


def test_messages_are_told_apart_by_class_sender_receiver_and_what_they_say(paused, pid, events):
    other = la.spawn(Listener())
    by_sender = events.drop_message(Pong, sender=other)
    by_receiver = events.drop_message(Ping, to=other)
    by_content = events.drop_message(Ping, where=lambda seen: seen.what.n == 7)

    la.post(pid, Pong())
    la.post(pid, Pong(), other)
    for n in (6, 7):
        la.post(pid, Ping(n))
    la.post(other, Ping(1))

    assert told(pid) == (("pong", None), 6)
    assert told(other) == ()
    assert [lost.get(LIMIT).sender for lost in (by_sender, by_receiver, by_content)] == [other, None, None]


def test_drop_messages_drops_all_until_the_filter_is_taken_off(paused, pid):
    with filter_events() as events:
        events.drop_messages(Ping)
        for n in range(3):
            la.post(pid, Ping(n))
        paused.clock.settle(LIMIT)

    la.post(pid, Ping(3))

    assert told(pid) == (3,)
    assert paused.dead_letters == 0


def test_the_rule_made_last_decides_and_an_earlier_one_stands_behind_it(pid, events):
    events.drop_messages(Ping)
    met = events.future_message(Ping)

    la.post(pid, Ping(1))
    la.post(pid, Ping(2))

    assert told(pid) == (1,)
    assert met.get(LIMIT).what.n == 1


def test_a_call_is_awaited_with_its_arguments_and_made(pid, events):
    met = events.future_dispatch(Listener.add, to=pid)

    assert la.dispatch(pid, Listener.add, 2, times=3).get(LIMIT) == 2

    seen = met.get(LIMIT)
    assert (seen.kind, seen.what, seen.arguments, dict(seen.keywords)) == ("dispatch", "add", (2,), {"times": 3})
    assert told(pid) == (6,)


def test_a_call_that_is_dropped_is_not_made_and_who_waits_for_it_is_told(pid, events):
    lost = events.drop_dispatch(Listener.add)

    future = la.dispatch(pid, Listener.add, 2)

    with pytest.raises(la.Abandoned):
        future.get(LIMIT)
    assert lost.get(LIMIT).arguments == (2,)
    assert la.dispatch(pid, Listener.add, 3).get(LIMIT) == 3


def test_drop_dispatches_drops_every_kind_of_call_of_the_method(paused, pid, events):
    events.drop_dispatches(Listener.add)

    la.tell(pid, Listener.add, 1)
    la.delay(1, pid, Listener.add, 2)
    deferred = la.ready(3).then(la.defer(pid, Listener.add))
    paused.clock.advance(1)
    paused.clock.settle(LIMIT)

    assert deferred.is_abandoned()
    assert told(pid) == ()
    assert la.execute(pid, lambda: 4).get(LIMIT) == 4


def test_a_call_of_a_method_is_that_of_its_class_and_of_subclasses_only(paused, events):
    class Stranger(la.Actor):
        def add(self, n):
            return n

    events.drop_dispatches(Listener.add)

    assert la.dispatch(la.spawn(Stranger()), Stranger.add, 1).get(LIMIT) == 1
    with pytest.raises(la.Abandoned):
        la.dispatch(la.spawn(Derived()), Derived.add, 1).get(LIMIT)


def forbid(pid, event):
    """Send ``event`` through a filter that expects neither a Ping nor a call of add."""
    with filter_events() as events:
        events.expect_no_messages(Ping)
        events.expect_no_dispatches(Listener.add)
        event()
        pid._process.runtime.clock.settle(LIMIT)


def test_what_must_not_come_and_comes_is_served_and_an_error_at_the_end(pid):
    with pytest.raises(AssertionError, match=r"a message Ping came to listener\(\d+\)@local-\d+"):
        forbid(pid, lambda: la.post(pid, Ping(1)))
    with pytest.raises(AssertionError, match=r"a call of Listener\.add came to"):
        forbid(pid, lambda: la.tell(pid, Listener.add, 2))
    forbid(pid, lambda: la.post(pid, Pong()))

    assert told(pid) == (1, 2, ("pong", None))


# LP ProcessTest.InjectExited
def test_an_end_can_be_made_up(pid):
    other, reason = la.spawn(Listener()), ValueError("no")

    inject_exited(other, to=pid, reason=reason)
    inject_exited(other, to=pid)

    [(first, why), last] = told(pid)
    assert (first, repr(why), last) == (other, "ValueError('no')", (other, None))
    assert told(other) == ()


# LP ProcessTest.FutureExited
def test_an_end_is_awaited_and_heard(pid, events):
    other = la.spawn(Listener())
    la.dispatch(pid, Listener.watch, other).get(LIMIT)
    met = events.future_exited(other, to=pid)

    la.terminate(other)

    seen = met.get(LIMIT)
    assert (seen.kind, seen.what, seen.to, seen.reason) == ("exited", other, pid, None)
    assert told(pid) == ((other, None),)


# LP ProcessTest.DropExited
def test_an_end_that_is_dropped_is_not_heard(paused, pid, events):
    other = la.spawn(Listener())
    la.dispatch(pid, Listener.watch, other).get(LIMIT)
    lost = events.drop_exited(other)

    la.terminate(other)

    assert lost.get(LIMIT).what == other
    assert told(pid) == ()


def test_starting_and_stopping_are_not_filtered(paused, events):
    events.drop_dispatches(Listener.told)

    pid = la.spawn(Listener())
    la.terminate(pid)

    assert la.wait(pid, LIMIT)


def test_the_inner_of_two_filters_decides_and_leaves_the_rest_to_the_outer(pid, events):
    events.drop_messages(Ping)
    with filter_events() as inner:
        inner.future_message(Ping)
        la.post(pid, Ping(1))
        la.post(pid, Ping(2))
        assert told(pid) == (1,)

    la.post(pid, Ping(3))

    assert told(pid) == (1,)


def test_a_filter_is_that_of_one_runtime(paused, events):
    events.drop_messages(Ping)
    with la.Runtime():
        pid = la.spawn(Listener())
        la.post(pid, Ping(1))

        assert told(pid) == (1,)


def test_an_error_of_a_pattern_is_the_tests_and_not_the_actors(paused, pid):
    def divide():
        with filter_events() as events:
            events.drop_messages(Ping, where=lambda seen: 1 / seen.what.n)
            la.post(pid, Ping(0))
            paused.clock.settle(LIMIT)

    with pytest.raises(ZeroDivisionError):
        divide()
    assert told(pid) == (0,)


def test_an_error_of_the_test_is_not_replaced_by_that_of_the_filter(paused, pid):
    def fail():
        la.post(pid, Ping(0))
        paused.clock.settle(LIMIT)
        raise KeyError("of the test")

    with pytest.raises(KeyError, match="of the test"):
        forbid(pid, fail)


def test_what_is_no_class_or_no_method_is_refused(events, pid):
    with pytest.raises(TypeError, match="expected a message class"):
        events.drop_message(Ping(1))
    with pytest.raises(TypeError, match="expected a function of the actor's class"):
        events.drop_dispatch(Listener().add)
    with pytest.raises(TypeError, match="expected a function of the actor's class"):
        events.drop_dispatch("add")


# Goal: the hook itself. Method: a filter of one's own, which raises, as the core calls it.
def test_a_filter_that_raises_stops_the_actor_like_a_handler(paused, pid, caplog):
    def refuse(process, event):
        raise ValueError("filter")

    assert paused.queue.filter is None
    paused.queue.filter = refuse
    la.tell(pid, Listener.add, 1)

    assert la.wait(pid, LIMIT)
    paused.queue.filter = None
    assert "ValueError: filter" in caplog.text


def test_a_filter_is_entered_once(runtime):
    events = la.testing.filter_events()

    with events, pytest.raises(RuntimeError, match="entered before"), events:
        pass
