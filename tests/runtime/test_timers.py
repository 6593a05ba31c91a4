"""Keyed timers: when they call, what replaces and ends them, and that nothing of them is left."""

import gc
import weakref

import pytest

import libactor as la
from libactor.testing import filter_events

LIMIT = 60  # seconds; a bound on failure
NAN, INFINITE = float("nan"), float("inf")


class Ticker(la.Actor):
    """Writes down when, by the clock of its runtime, it is called with what."""

    def __init__(self):
        super().__init__()
        self.seen = []
        self.begun = 0.0
        self.slow = None  # the clock to move on inside of tick, and by how much

    def on_start(self):
        self.begun = self.runtime.clock.now()

    def tick(self, what="tick"):
        self.seen.append((round(self.runtime.clock.now() - self.begun, 6), what))
        if self.slow is not None:
            self.runtime.clock.advance(self.slow)

    def grow(self, values):
        values.append(len(values))
        self.seen.append(list(values))

    def boom(self):
        raise ValueError("of the timer")

    def again(self, key, seconds):
        self.seen.append(("active", self.timers.active(key)))
        self.timers.single(key, seconds, Ticker.tick, "again")

    def stop_it(self, key):
        self.seen.append(("cancelled", self.timers.cancel(key)))

    def aside(self):
        try:
            self.stash()
        except RuntimeError as error:
            self.seen.append(str(error))

    def one(self, argument):
        self.seen.append(argument)


@pytest.fixture
def ticker():
    return Ticker()


@pytest.fixture
def within(paused, ticker):
    """Run a function inside the actor with its timers, and settle; what it returns."""
    pid = la.spawn(ticker)

    def run(function):
        result = la.execute(pid, lambda: function(ticker.timers)).get(LIMIT)
        paused.clock.settle(LIMIT)
        return result

    return run


@pytest.fixture
def pass_time(paused):
    """Let some seconds pass, in steps."""

    def go_on(*steps):
        for seconds in steps:
            paused.clock.advance(seconds)
            paused.clock.settle(LIMIT)

    return go_on


def pending(runtime):
    return [entry[2] for entry in runtime.clock._heap if entry[2].pending]


# ---- when ----


def test_a_single_timer_calls_once_at_its_time(within, pass_time, ticker):
    within(lambda timers: timers.single("a", 2, Ticker.tick, "once"))

    pass_time(1.5)
    early = list(ticker.seen)
    pass_time(0.5, 10)

    assert (early, ticker.seen) == ([], [(2.0, "once")])


def test_a_single_timer_of_no_time_calls_after_the_handler(within, ticker):
    within(lambda timers: (timers.single("a", 0, Ticker.tick), ticker.seen.append("handler")))

    assert ticker.seen == ["handler", (0.0, "tick")]


def test_a_fixed_rate_calls_every_period(within, pass_time, ticker):
    within(lambda timers: timers.fixed_rate("a", 2, Ticker.tick))

    pass_time(*[0.5] * 13)

    assert [when for when, _ in ticker.seen] == [2.0, 4.0, 6.0]


@pytest.mark.parametrize("first", [0, 0.25, 5])
@pytest.mark.parametrize("kind", ["fixed_rate", "fixed_delay"])
def test_the_first_call_may_come_at_another_time(within, pass_time, ticker, kind, first):
    within(lambda timers: getattr(timers, kind)("a", 2, Ticker.tick, first=first))

    pass_time(*[0.25] * 30)

    assert [when for when, _ in ticker.seen][:2] == [first, first + 2]


def test_a_fixed_rate_makes_up_for_ticks_that_were_missed(within, pass_time, ticker):
    within(lambda timers: timers.fixed_rate("a", 2, Ticker.tick))

    pass_time(7, 1)

    assert [when for when, _ in ticker.seen] == [7.0, 7.0, 7.0, 8.0]


def test_a_fixed_rate_keeps_to_its_times_though_handlers_take_long(within, pass_time, ticker):
    ticker.slow = 0.75
    within(lambda timers: timers.fixed_rate("a", 2, Ticker.tick))

    pass_time(*[0.25] * 18)

    assert [when for when, _ in ticker.seen] == [2.0, 4.0, 6.0]


def test_a_fixed_delay_counts_from_the_end_of_the_handler(within, pass_time, ticker):
    ticker.slow = 0.75
    within(lambda timers: timers.fixed_delay("a", 2, Ticker.tick))

    pass_time(*[0.25] * 20)

    assert [when for when, _ in ticker.seen] == [2.0, 4.75]


def test_a_fixed_delay_makes_up_for_nothing(within, pass_time, ticker):
    within(lambda timers: timers.fixed_delay("a", 2, Ticker.tick))

    pass_time(7, 1, 1)

    assert [when for when, _ in ticker.seen] == [7.0, 9.0]


def test_late_ticks_let_in_between_them_what_waits(within, paused, ticker, hold):
    pid = within(lambda timers: (timers.fixed_rate("a", 1, Ticker.tick), ticker.pid)[1])
    opened, _ = hold(pid)
    paused.clock.advance(3)
    depth = len(pid._process)  # never more than one of them waits
    la.tell(pid, Ticker.one, "between")
    opened.set(None)
    paused.clock.settle(LIMIT)

    assert depth == 1
    assert ticker.seen == [(3.0, "tick"), "between", (3.0, "tick"), (3.0, "tick")]


@pytest.mark.parametrize(("period", "ticks"), [(1e-9, 2000), (1e-12, 2000), (0.1, 0)])
def test_tiny_periods_are_a_nanosecond_at_least(within, paused, ticker, period, ticks):
    within(lambda timers: timers.fixed_rate("a", period, Ticker.one, 1))

    paused.clock.advance(2e-6)
    paused.clock.settle(LIMIT)

    assert abs(len(ticker.seen) - ticks) <= 1  # the clock stands at some nanosecond
    assert len(pending(paused)) == 1


@pytest.mark.parametrize("seconds", [1e300, INFINITE, 10**400])
def test_huge_times_are_a_hundred_years(within, paused, pass_time, ticker, seconds):
    within(lambda timers: (timers.single("a", seconds, Ticker.tick), timers.fixed_rate("b", seconds, Ticker.tick)))

    pass_time(50 * 365 * 24 * 3600.0)

    assert ticker.seen == []
    assert len(pending(paused)) == 2


# ---- keys ----


def test_a_key_that_is_set_again_has_the_new_timer_only(within, pass_time, ticker):
    within(lambda timers: (timers.fixed_rate("a", 1, Ticker.tick, "old"), timers.single("a", 3, Ticker.tick, "new")))

    pass_time(*[1] * 6)

    assert ticker.seen == [(3.0, "new")]


@pytest.mark.parametrize("replace", [True, False])
def test_what_came_due_of_a_timer_that_is_no_more_is_not_served(within, paused, ticker, hold, replace):
    pid = within(lambda timers: (timers.single("a", 1, Ticker.tick, "old"), ticker.pid)[1])
    opened, _ = hold(pid)
    act = (lambda: ticker.timers.single("a", 1, Ticker.tick, "new")) if replace else (lambda: ticker.timers.cancel("a"))
    done = la.execute(pid, act)
    paused.clock.advance(1)
    waits = len(pid._process)
    opened.set(None)
    paused.clock.settle(LIMIT)

    assert waits == 2
    assert ticker.seen == []
    assert done.get(LIMIT) is (None if replace else True)
    paused.clock.advance(1)
    paused.clock.settle(LIMIT)
    assert ticker.seen == ([(2.0, "new")] if replace else [])


def test_keys_are_told_apart_and_listed_in_order(within, pass_time, ticker):
    def set_them(timers):
        for key in ("b", 1, ("a", 2), None):
            timers.single(key, 1, Ticker.tick, key)
        timers.single("b", 2, Ticker.tick, "b")
        return timers.keys(), timers.active("b"), timers.active("c"), timers.cancel(1), timers.cancel(1)

    assert within(set_them) == ((1, ("a", 2), None, "b"), True, False, True, False)

    pass_time(1, 1)

    assert ticker.seen == [(1.0, ("a", 2)), (1.0, None), (2.0, "b")]
    assert within(lambda timers: timers.keys()) == ()


def test_the_handler_of_a_single_timer_may_set_its_key_again(within, pass_time, ticker):
    within(lambda timers: timers.single("a", 1, Ticker.again, "a", 2))

    pass_time(1, 1, 1, 1)

    assert ticker.seen == [("active", False), (3.0, "again")]


@pytest.mark.parametrize("kind", ["fixed_rate", "fixed_delay"])
def test_the_handler_of_a_timer_may_cancel_or_replace_it(within, paused, pass_time, ticker, kind):
    within(lambda timers: getattr(timers, kind)("a", 1, Ticker.stop_it, "a"))
    within(lambda timers: getattr(timers, kind)("b", 1, Ticker.again, "b", 3))

    pass_time(1)
    assert len(pending(paused)) == 1
    pass_time(*[1] * 5)

    assert ticker.seen == [("cancelled", True), ("active", True), (4.0, "again")]
    assert pending(paused) == []


def test_a_repeated_call_gets_its_arguments_anew(within, pass_time, ticker):
    values = [7]
    within(lambda timers: (timers.fixed_rate("a", 1, Ticker.grow, values), values.append("outside")))

    pass_time(1, 1)

    assert ticker.seen == [[7, 1], [7, 1]]


@pytest.mark.parametrize("kind", ["single", "fixed_rate", "fixed_delay"])
def test_arguments_may_have_names(within, pass_time, ticker, kind):
    within(lambda timers: getattr(timers, kind)("key", 2, Ticker.tick, what="named"))

    pass_time(2)

    assert ticker.seen == [(2, "named")]


def test_a_repeated_call_gets_its_named_arguments_anew(within, pass_time, ticker):
    within(lambda timers: timers.fixed_rate("key", 1, Ticker.grow, values=[]))

    pass_time(2)

    assert ticker.seen == [[0], [0]]


def test_a_named_argument_that_is_moved_cannot_be_repeated(within):
    with pytest.raises(TypeError, match="an argument is moved, and every call would hand over the same object"):
        within(lambda timers: timers.fixed_rate("key", 1, Ticker.grow, values=la.move([])))


def test_filters_see_the_named_arguments_of_a_timer(within, pass_time, ticker):
    with filter_events() as events:
        dropped = events.drop_dispatch(Ticker.tick)
        within(lambda timers: timers.single("key", 1, Ticker.tick, what="named"))
        pass_time(1)

    assert ticker.seen == []
    assert dropped.get(LIMIT).keywords == {"what": "named"}


def test_what_is_moved_into_a_single_timer_arrives_itself(within, pass_time, ticker):
    values = [7]
    within(lambda timers: timers.single("a", 1, Ticker.one, la.move(values)))

    pass_time(1)

    assert ticker.seen[0] is values


# ---- what will not do ----


@pytest.mark.parametrize("seconds", [-1, -1e-9, NAN, -INFINITE])
@pytest.mark.parametrize("kind", ["single", "fixed_rate", "fixed_delay"])
def test_a_time_that_is_none_is_refused(within, kind, seconds):
    with pytest.raises(ValueError, match=rf"^timers.{kind}: got .*, expected a number of seconds"):
        within(lambda timers: getattr(timers, kind)("a", seconds, Ticker.tick))


@pytest.mark.parametrize("kind", ["fixed_rate", "fixed_delay"])
def test_no_time_between_calls_is_refused(within, kind):
    with pytest.raises(ValueError, match="above 0"):
        within(lambda timers: getattr(timers, kind)("a", 0, Ticker.tick))
    with pytest.raises(ValueError, match="of 0 or more"):
        within(lambda timers: getattr(timers, kind)("a", 1, Ticker.tick, first=-1))
    with pytest.raises(TypeError, match="every call would hand over the same object"):
        within(lambda timers: getattr(timers, kind)("a", 1, Ticker.one, la.move([])))


@pytest.mark.parametrize(
    ("key", "seconds", "method", "error", "text"),
    [
        ([], 1, Ticker.tick, TypeError, r"the key \[\] has no hash"),
        (([],), 1, Ticker.tick, TypeError, "has no hash"),
        ("a", "1", Ticker.tick, TypeError, "expected a number of seconds"),
        ("a", None, Ticker.tick, TypeError, "expected a number of seconds"),
        ("a", True, Ticker.tick, TypeError, "expected a number of seconds"),
        ("a", 1, "tick", TypeError, "and not its name"),
        ("a", 1, print, TypeError, "execute"),
        ("a", 1, la.Clock.advance, TypeError, "has no method 'advance'"),
        ("a", 1, None, TypeError, "expected a function of the actor's class"),
    ],
)
def test_what_will_not_do_says_why_and_changes_nothing(within, key, seconds, method, error, text):
    within(lambda timers: timers.single("a", 1, Ticker.tick))

    with pytest.raises(error, match=text):
        within(lambda timers: timers.single(key, seconds, method))

    assert within(lambda timers: timers.keys()) == ("a",)


def test_what_cannot_cross_is_refused_when_it_is_set(within):
    with pytest.raises(la.NotPassable, match=r"timers.single\(one\)"):
        within(lambda timers: timers.single("a", 1, Ticker.one, object()))


def test_only_its_own_handlers_may_use_the_timers_of_an_actor(within, paused, ticker):
    timers = within(la.Shared).value
    other = la.spawn(Ticker())

    for use in (
        lambda: timers.single("a", 1, Ticker.tick),
        lambda: timers.fixed_rate("a", 1, Ticker.tick),
        lambda: timers.fixed_delay("a", 1, Ticker.tick),
        lambda: timers.cancel("a"),
        lambda: timers.active("a"),
        timers.keys,
    ):
        with pytest.raises(RuntimeError, match="outside the handlers of ticker"):
            use()
        with pytest.raises(RuntimeError, match="outside the handlers of ticker"):
            la.execute(other, use).get(LIMIT)
    with pytest.raises(RuntimeError, match="set them in on_start"):
        Ticker().timers.keys()


def test_a_class_may_have_a_field_of_that_name(runtime):
    class Own(la.Actor):
        def __init__(self):
            super().__init__()
            self.timers = ["mine"]

        def look(self):
            return self.timers

    assert la.dispatch(la.spawn(Own()), Own.look).get(LIMIT) == ["mine"]


def test_the_call_of_a_timer_cannot_be_set_aside(within, pass_time, ticker):
    within(lambda timers: timers.single("a", 1, Ticker.aside))

    pass_time(1)

    assert "serves no call and no message" in ticker.seen[0]


# ---- the end ----


class Dying(Ticker):
    def on_stop(self):
        for use in (lambda: self.timers.single("late", 1, Ticker.tick), self.timers.keys):
            try:
                self.seen.append(use())
            except RuntimeError as error:
                self.seen.append(str(error))


@pytest.mark.parametrize("reason", ["terminated", "failed"])
def test_timers_end_with_their_actor_and_leave_nothing(paused, pass_time, reason):
    ticker = Dying()
    pid = la.spawn(ticker)

    def set_them():
        for key in range(100):
            ticker.timers.single(key, 10 + key, Ticker.tick)
        ticker.timers.fixed_rate("rate", 1, Ticker.tick)
        ticker.timers.fixed_delay("delay", 1, Ticker.tick)

    la.execute(pid, set_them).get(LIMIT)
    assert len(pending(paused)) == 102

    if reason == "failed":
        la.tell(pid, Ticker.boom)
    else:
        la.terminate(pid)
    assert la.wait(pid, LIMIT)

    assert pending(paused) == []
    assert len(paused.clock._heap) <= 64
    assert "stops; set timers before" in ticker.seen[0]
    assert ticker.seen[1] == ()
    pass_time(200)
    assert len(ticker.seen) == 2
    assert paused.dead_letters == 0


def test_what_a_timer_calls_may_end_the_actor(within, pass_time, paused, ticker, caplog):
    pid = within(lambda timers: (timers.fixed_rate("a", 1, Ticker.boom), ticker.pid)[1])

    pass_time(1)

    assert isinstance(pid._process.reason, ValueError)
    assert pending(paused) == []


def test_what_came_due_at_the_end_is_no_dead_letter(within, paused, ticker, hold):
    pid = within(lambda timers: (timers.single("a", 1, Ticker.tick), ticker.pid)[1])
    opened, _ = hold(pid)
    paused.clock.advance(1)
    la.terminate(pid)
    opened.set(None)
    la.wait(pid, LIMIT)

    assert (ticker.seen, paused.dead_letters) == ([], 0)


def test_an_actor_with_timers_is_let_go_of(paused):
    pid = la.spawn(Ticker())
    actor = weakref.ref(pid._process.actor)
    la.execute(pid, lambda: actor().timers.fixed_rate("a", 1, Ticker.tick)).get(LIMIT)

    la.terminate(pid)
    la.wait(pid, LIMIT)
    gc.collect()

    assert actor() is None


def test_setting_and_cancelling_for_ever_leaks_nothing(within, paused, traced_memory, count):
    def rounds(timers):
        for n in range(count(4_000)):
            timers.single(n % 7, 5, Ticker.tick)
            timers.cancel(n % 5)
        while timers.keys():
            timers.cancel(timers.keys()[0])

    within(rounds)
    gc.collect()
    before = traced_memory()
    for _ in range(5):
        within(rounds)
    gc.collect()

    assert traced_memory() - before < 50_000
    assert len(paused.clock._heap) <= 200


# ---- beside it ----


def test_a_bound_neither_refuses_nor_counts_what_comes_due(paused, pass_time, hold):
    ticker = Ticker()
    pid = la.spawn(ticker, mailbox=la.Bounded(1))
    la.execute(pid, lambda: ticker.timers.fixed_rate("a", 1, Ticker.tick)).get(LIMIT)
    opened, _ = hold(pid)
    la.tell(pid, Ticker.one, "first")
    paused.clock.advance(1)

    opened.set(None)
    paused.clock.settle(LIMIT)

    assert ticker.seen == ["first", (1.0, "tick")]
    assert paused.overflows == 0


@pytest.mark.parametrize("kind", ["fixed_rate", "fixed_delay"])
def test_a_filter_sees_a_tell_and_one_it_drops_is_followed_by_the_next(within, pass_time, ticker, kind):
    within(lambda timers: getattr(timers, kind)("a", 1, Ticker.tick, "mine"))

    with filter_events() as events:
        dropped = events.drop_dispatch(Ticker.tick)
        pass_time(1, 1, 1)

    assert (dropped.get(LIMIT).kind, dropped.get(LIMIT).arguments) == ("tell", ("mine",))
    assert [when for when, _ in ticker.seen] == [2.0, 3.0]


def test_a_single_timer_that_a_filter_drops_is_over(within, pass_time, ticker):
    within(lambda timers: timers.single("a", 1, Ticker.tick))

    with filter_events() as events:
        events.drop_dispatch(Ticker.tick)
        pass_time(1, 1)

    assert within(lambda timers: (timers.active("a"), timers.keys())) == (False, ())
    assert ticker.seen == []


@pytest.mark.parametrize(("kind", "then"), [("fixed_rate", [2.0, 3.0]), ("fixed_delay", [2.5, 3.5])])
def test_after_a_late_tick_that_a_filter_drops_the_next_comes_as_the_kind_says(
    within, paused, pass_time, ticker, hold, kind, then
):
    within(lambda timers: getattr(timers, kind)("a", 1, Ticker.tick))
    opened, _ = hold(ticker.pid)

    with filter_events() as events:
        events.drop_dispatch(Ticker.tick)
        paused.clock.advance(1.5)
        opened.set(None)
        paused.clock.settle(LIMIT)
        pass_time(0.5, 0.5, 0.5, 0.5)

    assert [when for when, _ in ticker.seen] == then


@pytest.mark.parametrize("kind", ["fixed_rate", "fixed_delay"])
def test_a_call_that_a_filter_repeats_is_made_again_and_the_timer_goes_on(within, pass_time, ticker, kind):
    within(lambda timers: getattr(timers, kind)("a", 1, Ticker.tick, "mine"))

    with filter_events() as events:
        events.duplicate_dispatch(Ticker.tick, 2)
        pass_time(1, 1)

    assert ticker.seen == [*[(1.0, "mine")] * 3, (2.0, "mine")]


@pytest.mark.parametrize(("kind", "next"), [("fixed_rate", 2.0), ("fixed_delay", 2.5)])
def test_a_call_that_a_filter_delays_is_made_then_and_the_next_as_the_kind_says(within, pass_time, ticker, kind, next):
    within(lambda timers: getattr(timers, kind)("a", 1, Ticker.tick))

    with filter_events() as events:
        events.delay_dispatch(Ticker.tick, 0.5)
        pass_time(1, 0.5, 0.5, 0.5)

    assert [when for when, _ in ticker.seen] == [1.5, next]


def test_what_is_dropped_of_a_timer_that_is_no_more_starts_it_not_anew(within, paused, pass_time, ticker, hold):
    within(lambda timers: timers.fixed_rate("a", 1, Ticker.tick))
    opened, _ = hold(ticker.pid)
    la.execute(ticker.pid, lambda: ticker.timers.cancel("a"))

    with filter_events() as events:
        dropped = events.drop_dispatch(Ticker.tick)
        paused.clock.advance(1)
        opened.set(None)
        paused.clock.settle(LIMIT)

    assert dropped.is_ready()
    assert pending(paused) == []


@pytest.mark.real
def test_timers_run_on_a_clock_that_runs(runtime):
    ticker = Ticker()
    ended = la.Promise()

    class Counting(Ticker):
        def on_start(self):
            self.n = 0
            self.timers.fixed_rate("a", 0.002, Counting.count)

        def count(self):
            self.n += 1
            if self.n == 5:
                self.timers.cancel("a")
                ended.set(self.n)

    la.spawn(Counting())

    assert ended.future.get(LIMIT) == 5
    assert ticker.seen == []


# ---- handlers that await ----


class Awaiting(Ticker):
    async def work(self, seconds):
        self.seen.append(("begun", self.runtime.clock.now() - self.begun))
        await la.sleep(seconds)
        self.seen.append(("ended", self.runtime.clock.now() - self.begun))

    async def fail(self):
        await la.sleep(1)
        raise ValueError("of the coroutine")


@pytest.fixture
def awaiting(paused):
    """Run a function inside an actor whose handlers await; the actor, and its PID."""
    actor = Awaiting()
    pid = la.spawn(actor)

    def run(function):
        la.execute(pid, lambda: function(actor.timers)).get(LIMIT)
        return actor, pid

    return run


def rounded(actor):
    return [(what, round(when, 6)) for what, when in actor.seen]


def test_a_fixed_delay_counts_from_the_completion_of_a_coroutine(awaiting, pass_time):
    actor, _ = awaiting(lambda timers: timers.fixed_delay("a", 2, Awaiting.work, 3))

    pass_time(*[0.5] * 24)

    assert rounded(actor) == [("begun", 2), ("ended", 5), ("begun", 7), ("ended", 10), ("begun", 12)]


def test_a_fixed_rate_does_not_wait_for_a_coroutine(awaiting, pass_time):
    actor, _ = awaiting(lambda timers: timers.fixed_rate("a", 2, Awaiting.work, 3))

    pass_time(*[0.5] * 10)

    assert rounded(actor) == [("begun", 2), ("begun", 4), ("ended", 5)]


@pytest.mark.parametrize("kind", ["single", "fixed_rate", "fixed_delay"])
def test_a_coroutine_of_a_timer_that_fails_ends_the_actor(awaiting, paused, pass_time, kind):
    _, pid = awaiting(lambda timers: getattr(timers, kind)("a", 1, Awaiting.fail))

    pass_time(1, 1)

    assert la.wait(pid, LIMIT)
    assert isinstance(pid._process.reason, ValueError)
    assert pending(paused) == []


def test_a_timer_that_is_cancelled_while_its_coroutine_waits_does_not_come_back(awaiting, paused, pass_time):
    actor, _ = awaiting(lambda timers: timers.fixed_delay("a", 1, Awaiting.work, 2))
    pass_time(1)

    awaiting(lambda timers: timers.cancel("a"))
    pass_time(*[1] * 5)

    assert rounded(actor) == [("begun", 1), ("ended", 3)]
    assert pending(paused) == []
