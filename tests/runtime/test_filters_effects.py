"""Event filters: what an actor is about to serve comes later, or more than once; what cannot be is refused."""

import dataclasses
import gc

import pytest

import libactor as la
from libactor.testing import filter_events, inject_exited

LIMIT = 30


@dataclasses.dataclass(frozen=True)
class Ping:
    n: int = 0


@dataclasses.dataclass
class Basket:
    items: list


class Door:  # neither copied nor shared: it can only be moved
    __slots__ = ("opened", "__weakref__")

    def __init__(self):
        self.opened = 0

    def __reduce__(self):
        raise TypeError("a door stays where it is")


class Listener(la.Actor):
    def __init__(self):
        super().__init__()
        self.heard = []

    @la.handles(Ping)
    def ping(self, message, sender):
        self.heard.append((message.n, sender))

    @la.handles(Basket)
    def basket(self, message):
        message.items.append("seen")
        self.heard.append(len(message.items))

    def add(self, n, *, times=1):
        self.heard.append(n * times)
        return n * times

    def fill(self, items):
        items.append(len(items))
        self.heard.append(tuple(items))

    def divide(self, n):
        self.heard.append(n)
        return 1 / n

    def open(self, door):
        door.opened += 1
        self.heard.append(door.opened)

    def forget(self):
        self.heard.clear()

    def told(self):
        return tuple(self.heard)

    @staticmethod
    def twice(n):
        return 2 * n

    def __secret(self):
        return "secret"

    secret = __secret


class Stranger(la.Actor):
    def other(self):
        pass


@pytest.fixture
def pid(paused):
    return la.spawn(Listener())


@pytest.fixture
def events(paused):
    with filter_events() as events:
        yield events


def told(pid):
    return la.dispatch(pid, Listener.told).get(LIMIT)


def advance(runtime, seconds):
    runtime.clock.advance(seconds)
    runtime.clock.settle(LIMIT)


# Goal: it is neither early nor late. Method: stop just short of the time, then step over it.
def test_a_delayed_message_is_served_that_much_later_and_others_overtake_it(paused, pid, events):
    met = events.delay_message(Ping, 2)
    la.post(pid, Ping(1), pid)
    la.post(pid, Ping(2))
    assert met.get(LIMIT).what == Ping(1)
    advance(paused, 1.999)
    assert told(pid) == ((2, None),)

    advance(paused, 0.001)

    assert told(pid) == ((2, None), (1, pid))


def test_delayed_ones_come_in_the_order_of_their_time_and_of_those_of_one_time_in_that_of_their_sending(
    paused, pid, events
):
    events.delay_dispatches(Listener.add, 2)
    events.delay_dispatches(Listener.add, 1, where=lambda seen: seen.arguments[0] > 10)
    for n in (1, 11, 2, 12):
        la.tell(pid, Listener.add, n)
    paused.clock.settle(LIMIT)

    advance(paused, 1)
    advance(paused, 1)

    assert told(pid) == (11, 12, 1, 2)


def test_the_answer_of_a_delayed_call_reaches_who_waits_for_it(paused, pid, events):
    events.delay_dispatch(Listener.add, 1, to=pid)
    future = la.dispatch(pid, Listener.add, 2, times=3)
    paused.clock.settle(LIMIT)
    assert (future.is_pending(), future.is_abandoned()) == (True, False)

    advance(paused, 1)

    assert future.get(LIMIT) == 6


def test_what_is_delayed_comes_once_although_the_rule_is_for_all(paused, pid, events):
    events.delay_messages(Ping, 0)

    la.post(pid, Ping(1))
    for _ in range(5):
        paused.clock.settle(LIMIT)

    assert told(pid) == ((1, None),)


def test_a_delayed_call_of_an_actor_that_has_stopped_meanwhile_is_abandoned(paused, pid, events):
    events.delay_dispatch(Listener.add, 1)
    future = la.dispatch(pid, Listener.add, 2)
    paused.clock.settle(LIMIT)
    la.terminate(pid)
    assert la.wait(pid, LIMIT)

    advance(paused, 1)

    with pytest.raises(la.Abandoned):
        future.get(LIMIT)


def test_a_delayed_call_of_a_runtime_that_closes_is_abandoned(start):
    with la.Runtime() as runtime:
        runtime.clock.pause()
        pid = la.spawn(Listener())
        with filter_events() as events:
            met = events.delay_dispatch(Listener.add, 1)
            future = la.dispatch(pid, Listener.add, 2)
            met.get(LIMIT)
    gc.collect()

    with pytest.raises(la.Abandoned):
        future.get(LIMIT)


def test_what_is_delayed_beyond_the_end_of_the_filter_is_served_all_the_same(paused, pid):
    with filter_events() as events:
        events.delay_dispatches(Listener.add, 1)
        la.tell(pid, Listener.add, 1)
        paused.clock.settle(LIMIT)

    la.tell(pid, Listener.add, 2)
    advance(paused, 1)

    assert told(pid) == (2, 1)


def test_what_the_inner_filter_has_delayed_the_outer_one_sees_when_it_comes(paused, pid, events):
    events.drop_messages(Ping)
    with filter_events() as inner:
        inner.delay_message(Ping, 1)
        la.post(pid, Ping(1))
        paused.clock.settle(LIMIT)
        advance(paused, 1)

        assert told(pid) == ()


def test_a_message_is_repeated_behind_what_waits(paused, pid, events):
    met = events.duplicate_message(Ping, 2)
    la.execute(pid, lambda: [la.post(pid, Ping(n)) for n in (1, 2)] and None).get(LIMIT)
    paused.clock.settle(LIMIT)

    assert met.get(LIMIT).what == Ping(1)
    assert told(pid) == ((1, pid), (2, pid), (1, pid), (1, pid))


def test_of_a_repeated_call_one_answer_reaches_the_caller(paused, pid, events):
    events.duplicate_dispatches(Listener.add)

    answers = [la.dispatch(pid, Listener.add, n, times=2).get(LIMIT) for n in (1, 2)]
    paused.clock.settle(LIMIT)

    assert answers == [2, 4]
    assert told(pid) == (2, 2, 4, 4)


def test_repetitions_share_nothing_with_one_another(paused, pid, events):
    events.duplicate_dispatch(Listener.fill, 2)
    events.duplicate_message(Basket)

    la.tell(pid, Listener.fill, [])
    paused.clock.settle(LIMIT)
    la.post(pid, Basket([]))
    paused.clock.settle(LIMIT)

    assert told(pid) == ((0,), (0,), (0,), 1, 1)


def test_the_failure_of_a_repetition_goes_nowhere_and_stops_nobody(paused, pid, events, caplog):
    events.duplicate_dispatch(Listener.divide)

    with pytest.raises(ZeroDivisionError):
        la.dispatch(pid, Listener.divide, 0).get(LIMIT)
    paused.clock.settle(LIMIT)
    gc.collect()

    assert told(pid) == (0, 0)
    assert caplog.text == ""


def test_what_was_moved_and_cannot_be_copied_is_served_once_and_the_test_is_told(paused, pid):
    def repeat():
        with filter_events() as events:
            events.duplicate_dispatch(Listener.open)
            la.dispatch(pid, Listener.open, la.move(Door())).get(LIMIT)
            paused.clock.settle(LIMIT)

    with pytest.raises(la.NotPassable, match="argument 1 of open"):
        repeat()
    assert told(pid) == (1,)


def test_a_rule_that_can_never_fit_is_refused(events, pid):
    for rule in (events.future_message, events.drop_messages, events.duplicate_message, events.expect_no_messages):
        with pytest.raises(TypeError, match="expected a message class"):
            rule(list[int])
        with pytest.raises(TypeError, match="to='listener', expected a PID"):
            rule(Ping, to="listener")
        with pytest.raises(TypeError, match="sender=1, expected a PID"):
            rule(Ping, sender=1)
        with pytest.raises(TypeError, match="where=3, expected a function"):
            rule(Ping, where=3)
    with pytest.raises(TypeError, match="pid='x', expected a PID"):
        events.future_exited("x")
    with pytest.raises(TypeError, match="to='x', expected a PID"):
        events.drop_exited(to="x")
    with pytest.raises(TypeError, match="expected two PIDs"):
        inject_exited("x", to=pid)


def test_a_method_that_no_actor_has_is_refused(events, pid):
    class Plain:
        def add(self):
            pass

    for rule in (
        events.future_dispatch,
        events.drop_dispatches,
        events.duplicate_dispatch,
        events.expect_no_dispatches,
    ):
        with pytest.raises(TypeError, match=r"no class of actors has .*Plain\.add"):
            rule(Plain.add)
        with pytest.raises(TypeError, match=r"no class of actors has .*<lambda>"):
            rule(lambda self: None)
        with pytest.raises(TypeError, match=r"Listener, the class of listener.*, has Stranger.other"):
            rule(Stranger.other, to=pid)
        with pytest.raises(TypeError, match="where='x', expected a function"):
            rule(Listener.add, where="x")


def test_every_kind_of_method_that_an_actor_has_is_accepted(paused, pid, events):
    static, private = events.future_dispatch(Listener.twice, to=pid), events.future_dispatch(Listener.secret)

    assert la.dispatch(pid, Listener.twice, 2).get(LIMIT) == 4
    assert la.dispatch(pid, Listener.secret).get(LIMIT) == "secret"

    assert (static.get(LIMIT).what, private.get(LIMIT).to) == ("twice", pid)


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), "1", None])
def test_a_time_that_cannot_be_is_refused(events, seconds):
    for rule, what in ((events.delay_message, Ping), (events.delay_dispatches, Listener.add)):
        with pytest.raises((TypeError, ValueError), match="expected a number of seconds"):
            rule(what, seconds)


@pytest.mark.parametrize("times", [0, -1, 1.5, True, "2"])
def test_a_number_of_repetitions_that_cannot_be_is_refused(events, times):
    for rule, what in ((events.duplicate_messages, Ping), (events.duplicate_dispatch, Listener.add)):
        with pytest.raises((TypeError, ValueError), match="expected how often"):
            rule(what, times)


# Goal: nobody waits for ever. Method: a filter of one's own and a pattern, which raise what is no Exception.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_who_asks_an_actor_that_a_filter_s_error_ends_is_told(paused, pid, caplog):
    def refuse(process, event):
        raise SystemExit("filter")

    paused.queue.filter = refuse
    future = la.dispatch(pid, Listener.add, 1)
    with pytest.raises(la.Abandoned):
        future.get(LIMIT)
    paused.queue.filter = None

    assert la.wait(pid, LIMIT)
    assert "SystemExit: filter" in caplog.text


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_who_asks_an_actor_that_a_pattern_s_exit_ends_is_told(paused, pid, events):
    def leave(seen):
        raise SystemExit

    events.drop_dispatch(Listener.add, where=leave)

    with pytest.raises(la.Abandoned):
        la.dispatch(pid, Listener.add, 1).get(LIMIT)
    assert la.wait(pid, LIMIT)


def test_an_event_that_was_served_cannot_be_copied(paused, pid):
    kept = []
    paused.queue.filter = lambda process, event: kept.append(event)
    la.dispatch(pid, Listener.add, 1).get(LIMIT)
    paused.queue.filter = None

    with pytest.raises(RuntimeError, match="copy: the call of 'add' was served or dropped already"):
        kept[0].copy()


# Goal: neither a copy nor a failure to make one leaves memory behind. Method: many of each, traced.
def test_copies_of_events_leave_no_memory_behind(paused, pid, traced_memory):
    def repeat(count):
        with filter_events() as events:
            events.duplicate_dispatches(Listener.fill)
            events.duplicate_messages(Basket)
            events.duplicate_dispatches(Listener.open)
            for _ in range(count):
                la.dispatch(pid, Listener.fill, [1, 2, 3])
                la.post(pid, Basket([1]))
                la.dispatch(pid, Listener.open, la.move(Door()))
            paused.clock.settle(LIMIT)
            events._errors.clear()
        la.dispatch(pid, Listener.forget).get(LIMIT)
        gc.collect()

    repeat(200)
    grown = []
    for _ in range(3):  # a leak shows in each round
        before = traced_memory()
        repeat(200)
        grown.append(traced_memory() - before)

    assert min(grown) < 20_000
