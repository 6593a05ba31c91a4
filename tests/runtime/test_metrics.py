"""Metrics: what each kind tells, which names and numbers are refused, and that threads may share one."""

import math

import pytest

import libactor as la

LIMIT = 30
INT64_MAX = 2**63 - 1


# ---- SingleWriterCounter ----


def test_a_counter_of_one_writer_is_told_in_snapshots(runtime):
    counter = la.metrics.SingleWriterCounter("test/counter")
    runtime.metrics.add(counter)

    counter.value += 3

    assert runtime.metrics.snapshot().get(timeout=10)["test/counter"] == 3.0
    with pytest.raises(ValueError, match="is taken"):
        runtime.metrics.add(la.metrics.Counter("test/counter"))
    runtime.metrics.remove(counter)
    assert "test/counter" not in runtime.metrics.snapshot().get(timeout=10)


def test_a_counter_of_one_writer_needs_a_name_as_all_do():
    with pytest.raises(ValueError, match="will not do"):
        la.metrics.SingleWriterCounter("test counter")


# ---- Counter ----


# LP MetricsTest.Counter
def test_a_counter_counts_up_and_can_be_reset(runtime):
    counter = la.metrics.Counter("test/counter")
    assert counter.value == 0

    assert counter.increment() == 1
    assert counter.increment(41) == 42
    counter += 3
    assert counter.value == 45

    counter.reset()
    assert counter.value == 0


@pytest.mark.parametrize(("by", "error"), [(-1, ValueError), (-(10**400), ValueError), (10**400, ValueError),
                                           (1.5, TypeError), ("1", TypeError), (None, TypeError)])  # fmt: skip
def test_a_counter_refuses_what_is_no_count_and_stays_as_it_is(by, error):
    counter = la.metrics.Counter("test/counter")
    counter.increment(7)

    with pytest.raises(error, match="test/counter: increment"):
        counter.increment(by)

    assert counter.value == 7


def test_a_counter_does_not_pass_what_an_int64_holds():
    counter = la.metrics.Counter("test/counter")
    counter.increment(INT64_MAX)

    with pytest.raises(ValueError, match="reset it"):
        counter.increment()

    assert counter.value == INT64_MAX


def test_threads_that_count_lose_nothing(together, count, switching):
    counter, times = la.metrics.Counter("test/counter"), count(20_000)

    def work():
        for _ in range(times):
            counter.increment()

    together(*[work] * 4)

    assert counter.value == 4 * times


# ---- gauges ----


# LP MetricsTest.PushGauge
def test_a_push_gauge_tells_what_it_was_told_last():
    gauge = la.metrics.PushGauge("test/gauge")
    assert gauge.value == 0

    gauge.set(3.5)
    assert gauge.increment() == 4.5
    assert gauge.decrement(6) == -1.5
    gauge += 2
    gauge -= 0.25

    assert gauge.value == 0.25


@pytest.mark.parametrize(("value", "error"), [(math.nan, ValueError), (math.inf, ValueError), (10**400, ValueError),
                                              ("1", TypeError), (None, TypeError), ([], TypeError)])  # fmt: skip
def test_a_push_gauge_refuses_what_is_no_finite_number_and_stays_as_it_is(value, error):
    gauge = la.metrics.PushGauge("test/gauge")
    gauge.set(1)

    for push in (gauge.set, gauge.increment, gauge.decrement):
        with pytest.raises(error, match=r"test/gauge: .* expected a .*number"):
            push(value)

    assert gauge.value == 1


def test_a_push_gauge_does_not_rise_beyond_all_bounds():
    gauge = la.metrics.PushGauge("test/gauge")
    gauge.set(1.7e308)

    with pytest.raises(ValueError, match="finite"):
        gauge.increment(1.7e308)

    assert gauge.value == 1.7e308


def test_threads_that_push_lose_nothing(together, count, switching):
    gauge, times = la.metrics.PushGauge("test/gauge"), count(20_000)

    def rise():
        for _ in range(times):
            gauge.increment(2)

    def fall():
        for _ in range(times):
            gauge.decrement()

    together(rise, fall, rise, fall)

    assert gauge.value == 2 * times


@pytest.mark.parametrize("function", [None, 7, "len"])
def test_a_gauge_wants_a_function(function):
    with pytest.raises(TypeError, match=r"test/gauge: .* expected a function"):
        la.metrics.Gauge("test/gauge", function)


# ---- Timer ----


# LP MetricsTest.Timer
def test_a_timer_tells_what_was_measured_last_in_its_unit(paused):
    timer = la.metrics.Timer("test/timer", "ns")
    assert timer.name == "test/timer_ns"
    assert timer.value is None

    lap = timer.start()
    paused.clock.advance(1e-6)
    assert lap.stop() == 1e-6
    assert timer.value == 1000

    with timer:
        paused.clock.advance(2e-6)
    assert timer.value == 2000


@pytest.mark.parametrize(("unit", "value"), [("us", 9e9), ("ms", 9e6), ("secs", 9e3), ("mins", 150), ("hrs", 2.5)])
def test_units(paused, unit, value):
    timer = la.metrics.Timer("test/timer", unit)

    with timer.start():
        paused.clock.advance(9000)

    assert (timer.name, timer.value) == (f"test/timer_{unit}", value)


# LP MetricsTest.AsyncTimer
@pytest.mark.parametrize("end", [lambda p: p.set(1), lambda p: p.fail(OSError("x")), lambda p: p.discard()])
def test_a_future_is_measured_until_it_is_complete_in_whichever_way(paused, end):
    timer, promise = la.metrics.Timer("test/timer"), la.Promise()

    assert timer.time(promise.future) is promise.future
    paused.clock.advance(0.25)
    assert timer.value is None
    end(promise)
    paused.clock.advance(1)

    assert timer.value == 250


def test_of_a_future_that_is_abandoned_nothing_is_noted(paused):
    timer, promise = la.metrics.Timer("test/timer"), la.Promise()
    future = timer.time(promise.future)

    del promise

    assert future.is_abandoned()
    assert timer.value is None


def test_a_second_stop_changes_nothing(paused):
    timer = la.metrics.Timer("test/timer")

    with timer.start() as lap:
        paused.clock.advance(1)
        assert lap.stop() == 1
        paused.clock.advance(1)

    assert timer.value == 1000


def test_what_fails_is_measured_too(paused):
    timer = la.metrics.Timer("test/timer")

    def fail():
        with timer:
            paused.clock.advance(1)
            raise OSError("lost")

    with pytest.raises(OSError, match="lost"):
        fail()

    assert timer.value == 1000


def test_laps_inside_one_another_each_have_their_own_time(paused):
    outer, inner = la.metrics.Timer("test/outer"), la.metrics.Timer("test/inner")

    with outer, inner:
        paused.clock.advance(1)
        with outer:
            paused.clock.advance(2)
        assert outer.value == 2000

    assert (outer.value, inner.value) == (3000, 3000)


def test_threads_inside_the_same_timer_do_not_stop_one_anothers(paused, start):
    timer, entered, opened = la.metrics.Timer("test/timer"), la.Promise(), la.Promise()

    def work():
        with timer:
            entered.set(None)
            opened.future.get(LIMIT)

    wait = start(work)
    entered.future.get(LIMIT)
    paused.clock.advance(1)
    with timer:
        paused.clock.advance(2)
    assert timer.value == 2000
    opened.set(None)
    wait()

    assert timer.value == 3000


def test_asyncio_tasks_inside_the_same_timer_do_not_stop_one_anothers(paused):
    import asyncio

    timer = la.metrics.Timer("test/timer")
    seen = []

    async def measure(entered, leave):
        with timer:
            entered.set()
            await leave.wait()
        seen.append(timer.value)

    async def main():
        events = [asyncio.Event() for _ in range(4)]
        first = asyncio.create_task(measure(*events[:2]))
        await events[0].wait()
        paused.clock.advance(1)
        second = asyncio.create_task(measure(*events[2:]))
        await events[2].wait()
        paused.clock.advance(2)
        events[1].set()
        await first
        events[3].set()
        await second

    asyncio.run(main())

    assert seen == [3000, 2000]


def test_handlers_that_await_inside_the_same_timer_do_not_stop_one_anothers(paused):
    timer = la.metrics.Timer("test/timer")

    class Sleeper(la.Actor):
        async def sleep(self, seconds):
            with timer:
                await la.sleep(seconds)
            return timer.value

    pid = la.spawn(Sleeper())
    long = la.dispatch(pid, Sleeper.sleep, 4)
    paused.clock.settle()
    paused.clock.advance(1)
    short = la.dispatch(pid, Sleeper.sleep, 2)
    for _ in range(3):
        paused.clock.settle()
        paused.clock.advance(1)

    assert (short.get(LIMIT), long.get(LIMIT)) == (2000, 4000)


@pytest.mark.parametrize("unit", ["s", "", None, 1, []])
def test_a_unit_that_is_none_is_refused(paused, unit):
    with pytest.raises(ValueError, match="expected one of ns, us, ms"):
        la.metrics.Timer("test/timer", unit)


def test_a_timer_times_futures_only(paused):
    with pytest.raises(TypeError, match="expected a future"):
        la.metrics.Timer("test/timer").time(lambda: 1)


def test_a_timer_needs_a_clock(paused):
    assert la.metrics.Timer("test/timer", clock=paused.clock).value is None


def test_without_a_runtime_a_timer_says_what_it_needs():
    with pytest.raises(la.NoRuntime, match="Timer"):
        la.metrics.Timer("test/timer")
    with pytest.raises(la.NoRuntime, match="TimeSeries"):
        la.metrics.Counter("test/counter", window=60)


# ---- histories ----


# LP MetricsTest.Statistics
def test_a_metric_with_a_window_has_statistics_of_what_it_was(paused):
    counter = la.metrics.Counter("test/counter", window=60)
    assert counter.statistics() is None

    for _ in range(11):
        counter.increment()
        paused.clock.advance(1)

    found = counter.statistics()
    assert (found.count, found.min, found.max, found.p50, found.p90) == (11, 1, 11, 6, 10)


def test_what_is_older_than_the_window_does_not_count(paused):
    gauge = la.metrics.PushGauge("test/gauge", window=61)
    for value in (1000, 1, 3):
        gauge.set(value)
        paused.clock.advance(30)

    found = gauge.statistics()
    paused.clock.advance(100)

    assert (found.count, found.max) == (2, 3)
    assert gauge.statistics() is None
    assert gauge.value == 3


def test_without_a_window_there_are_no_statistics(paused):
    timer = la.metrics.Timer("test/timer")
    for _ in range(3):
        timer.start().stop()

    assert timer.statistics() is None


@pytest.mark.parametrize(("window", "error"), [(0, ValueError), (-1, ValueError), ("hour", TypeError)])
def test_a_window_that_will_not_do_is_refused(paused, window, error):
    for kind in (la.metrics.Counter, la.metrics.PushGauge, la.metrics.Timer):
        with pytest.raises(error, match="window"):
            kind("test/metric", window=window)


# ---- names ----


@pytest.mark.parametrize(
    "name", ["a", "master/tasks_running", "slave(1)/x", "roles/*/share", "a/b.c-d/%20", "x" * 1000]
)
def test_names_are_words_with_slashes_between_them(name):
    assert la.metrics.Counter(name).name == name


@pytest.mark.parametrize("name", ["", "/", "/a", "a/", "a//b", "a b", "a\n", "a\x00", 'a"b', "a\\b", "ä", "x" * 1001,
                                  "a{b}", "a?b", "a#b", "<a>", "a'b", "a\u200bb"])  # fmt: skip
def test_hostile_names_are_refused(paused, name):
    for make in (la.metrics.Counter, la.metrics.PushGauge, la.metrics.Timer, lambda n: la.metrics.Gauge(n, int)):
        with pytest.raises(ValueError, match="will not do; expected words"):
            make(name)


@pytest.mark.parametrize("name", [None, 7, b"a", ["a"]])
def test_a_name_that_is_no_text_is_refused(paused, name):
    for make in (la.metrics.Counter, la.metrics.PushGauge, la.metrics.Timer, lambda n: la.metrics.Gauge(n, int)):
        with pytest.raises(TypeError, match="expected text"):
            make(name)
