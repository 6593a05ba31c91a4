"""The snapshot of a runtime's metrics: what is in it, what is left out, and that no gauge can hurt the others."""

import gc
import threading
import weakref

import pytest

import libactor as la
from libactor.metrics.own import OWN

LIMIT = 30


class Tank(la.Actor):
    level = 7.5

    def read(self) -> float:
        return self.level


def snapshot(runtime, timeout=None):
    """What the metrics of a test say."""
    found = runtime.metrics.snapshot(timeout).get(LIMIT)
    return {name: value for name, value in found.items() if not name.startswith("libactor/")}


def add(runtime, *metrics):
    for metric in metrics:
        runtime.metrics.add(metric)
    return metrics[0]


# LP MetricsTest.Snapshot
def test_a_snapshot_has_what_was_added_until_it_is_removed(runtime):
    counter = add(runtime, la.metrics.Counter("test/counter"))
    gauge = add(runtime, la.metrics.Gauge("test/gauge", lambda: 42))
    failing = add(runtime, la.metrics.Gauge("test/failing", lambda: la.failed(OSError("x"))))
    counter.increment()

    assert snapshot(runtime) == {"test/counter": 1, "test/gauge": 42}

    runtime.metrics.remove(gauge)
    runtime.metrics.remove(failing)
    assert snapshot(runtime) == {"test/counter": 1}


# LP MetricsTest.PullGauge
def test_a_gauge_is_asked_when_somebody_looks_in_an_actor_if_it_is_deferred(runtime):
    pid = la.spawn(Tank())
    add(runtime, la.metrics.Gauge("test/level", la.defer(pid, Tank.read)))
    assert snapshot(runtime) == {"test/level": 7.5}

    la.execute(pid, lambda: setattr(pid._process.actor, "level", 8)).get(LIMIT)
    assert snapshot(runtime) == {"test/level": 8}

    la.terminate(pid)
    la.wait(pid)
    assert snapshot(runtime) == {}  # abandoned


def test_a_gauge_may_be_a_coroutine_function_or_a_method_that_is_one(paused):
    class Slow(la.Actor):
        async def read(self):
            await la.sleep(1)
            return 7

    async def read():
        await la.sleep(2)
        return 8

    add(
        paused, la.metrics.Gauge("test/method", la.defer(la.spawn(Slow()), Slow.read)), la.metrics.Gauge("test/f", read)
    )
    future = paused.metrics.snapshot(5)
    for _ in range(2):
        paused.clock.settle()
        paused.clock.advance(1)

    found = future.get(LIMIT)
    assert (found["test/method"], found["test/f"]) == (7, 8)


# LP MetricsTest.SnapshotAlphabetical
def test_a_snapshot_is_in_order_of_names_and_all_values_are_floats(runtime):
    for name in ("b", "c/d", "a", "B", "c"):
        add(runtime, la.metrics.Counter(name))
    add(runtime, la.metrics.Gauge("bb", lambda: 1), la.metrics.Gauge("bc", lambda: True))

    found = runtime.metrics.snapshot().get(LIMIT)

    assert list(found) == sorted(found)
    assert {type(value) for value in found.values()} == {float}


# LP MetricsTest.SnapshotTimeout
def test_a_gauge_that_does_not_answer_is_left_out_when_the_time_is_over(paused):
    answer = la.Promise()
    add(paused, la.metrics.Gauge("test/slow", lambda: answer.future), la.metrics.Counter("test/counter"))
    add(paused, la.metrics.Gauge("test/quick", lambda: 1))
    future = paused.metrics.snapshot(10)

    paused.clock.advance(9.999)
    paused.clock.settle()
    assert future.is_pending()

    paused.clock.advance(0.001)
    found = future.get(LIMIT)
    assert "test/slow" not in found
    assert (found["test/quick"], found["test/counter"]) == (1, 0)


# LP MetricsTest.SnapshotStatistics
def test_a_metric_with_a_history_tells_its_statistics_too(paused):
    timer = add(paused, la.metrics.Timer("test/timer", window=60))
    for _ in range(3):
        with timer:
            paused.clock.advance(1)

    assert snapshot(paused) == {
        "test/timer_ms": 1000,
        "test/timer_ms/count": 3,
        **{f"test/timer_ms/{key}": 1000 for key in ("max", "min", "p50", "p90", "p95", "p99", "p999", "p9999")},
    }


def test_a_timer_is_left_out_until_something_was_measured(paused):
    timer = add(paused, la.metrics.Timer("test/timer"))
    assert snapshot(paused) == {}

    timer.start().stop()

    assert snapshot(paused) == {"test/timer_ms": 0}


def raise_exit():
    raise SystemExit(3)


@pytest.mark.parametrize(
    "function",
    [
        lambda: 1 / 0,
        raise_exit,
        lambda: "7",
        lambda: None,
        lambda: [7],
        lambda: float("nan"),
        lambda: float("-inf"),
        lambda: 10**5000,
        lambda: 1j,
        threading.Lock,
        lambda wanted: wanted,
        lambda: la.Promise().future,
        lambda: la.failed(OSError("x")),
        lambda: la.ready("7"),
        la.Promise,
    ],
)
def test_a_gauge_that_fails_or_is_no_number_does_not_hurt_the_others(runtime, function):
    add(runtime, la.metrics.Gauge("test/bad", function), la.metrics.Gauge("test/good", lambda: 7))

    assert snapshot(runtime) == {"test/good": 7}


def test_a_gauge_that_blocks_does_not_hurt_the_others(paused):
    opened = threading.Event()
    add(paused, la.metrics.Gauge("test/stuck", lambda: opened.wait(LIMIT)))
    good = add(paused, la.metrics.Gauge("test/good", lambda: 7))
    future = paused.metrics.snapshot(1)

    good.pull(paused).get(LIMIT)
    paused.clock.advance(1)
    found = future.get(LIMIT)
    opened.set()

    assert found["test/good"] == 7
    assert "test/stuck" not in found


def test_a_gauge_that_hangs_is_called_once_however_many_look_and_keeps_nothing_of_them(paused):
    calls, answer = [], la.Promise()
    add(paused, la.metrics.Gauge("test/slow", lambda: calls.append(1) or answer.future))
    looks = []

    for _ in range(100):
        future = paused.metrics.snapshot(1)
        paused.clock.settle()
        paused.clock.advance(1)
        assert "test/slow" not in future.get(LIMIT)
        looks.append(weakref.ref(future))
    del future
    gc.collect()

    assert len(calls) == 1
    assert [look() for look in looks] == [None] * 100
    last = paused.metrics.snapshot()
    answer.set(7)
    assert last.get(LIMIT)["test/slow"] == 7
    answer = la.Promise()
    answer.set(8)
    assert paused.metrics.snapshot().get(LIMIT)["test/slow"] == 8
    assert len(calls) == 2


def test_a_discard_is_honoured_and_reaches_no_gauge(paused):
    answer = la.Promise()
    add(paused, la.metrics.Gauge("test/slow", lambda: answer.future))
    first, second = paused.metrics.snapshot(5), paused.metrics.snapshot()
    paused.clock.settle()
    timers = paused.clock.pending

    first.discard()

    assert first.is_discarded()
    assert not answer.future.has_discard()
    assert paused.clock.pending == timers - 1
    answer.set(3)
    assert second.get(LIMIT)["test/slow"] == 3


def test_a_snapshot_whose_gauges_answer_leaves_no_timer_behind(paused):
    add(paused, la.metrics.Gauge("test/gauge", lambda: 1))

    paused.metrics.snapshot(60).get(LIMIT)

    assert paused.clock.pending == 0


# Goal: no timer is left behind, whoever comes first. Method: the gauge answers in another thread just before the timer
# is set, and its number cannot be read until that has been done.
def test_a_gauge_that_answers_while_the_timer_is_set_leaves_no_timer_behind(paused, monkeypatch, start):
    read, timer_set, answer = threading.Event(), threading.Event(), la.Promise()

    class Slow(int):
        __slots__ = ()

        def __float__(self):
            read.set()
            assert timer_set.wait(LIMIT)
            return 7.0

    answering = []

    def timer(*arguments):
        answering.append(start(lambda: answer.set(Slow())))
        assert read.wait(LIMIT)
        return set_timer(*arguments)

    la.register_immutable(Slow)
    set_timer = paused.clock.timer
    monkeypatch.setattr(paused.clock, "timer", timer)
    add(paused, la.metrics.Gauge("test/gauge", lambda: answer.future))
    future = paused.metrics.snapshot(60)
    timer_set.set()

    assert future.get(LIMIT)["test/gauge"] == 7
    answering[0]()
    assert paused.clock.pending == 0


@pytest.mark.parametrize(("timeout", "error"), [(-1, ValueError), (float("nan"), ValueError), ("1", TypeError)])
def test_a_timeout_that_is_none_is_refused_before_a_gauge_is_asked(runtime, timeout, error):
    calls = []
    add(runtime, la.metrics.Gauge("test/gauge", lambda: calls.append(1)))

    with pytest.raises(error, match=r"snapshot: got .* expected a number of seconds"):
        runtime.metrics.snapshot(timeout)

    assert calls == []


# ---- adding and removing ----


def test_a_name_that_is_taken_is_refused_and_free_again_afterwards(runtime):
    first, second = la.metrics.Counter("test/x"), la.metrics.PushGauge("test/x")
    runtime.metrics.add(first)

    for metric in (first, second):
        with pytest.raises(ValueError, match=r"add: 'test/x' is taken by the metric 'test/x'; choose another"):
            runtime.metrics.add(metric)

    runtime.metrics.remove(first)
    runtime.metrics.add(second)


def test_a_name_that_statistics_have_is_taken_too(runtime):
    counter = add(runtime, la.metrics.Counter("test/x/p50"))
    with pytest.raises(ValueError, match=r"'test/x/p50' is taken by the metric 'test/x/p50'"):
        runtime.metrics.add(la.metrics.Counter("test/x", window=60))

    runtime.metrics.remove(counter)
    add(runtime, la.metrics.Counter("test/x", window=60))
    with pytest.raises(ValueError, match=r"'test/x/p50' is taken by the metric 'test/x'"):
        runtime.metrics.add(counter)


@pytest.mark.parametrize("name", OWN)
def test_the_runtimes_own_names_are_taken(runtime, name):
    with pytest.raises(ValueError, match="is taken by the runtime"):
        runtime.metrics.add(la.metrics.Counter(name))


def test_a_metric_is_put_in_the_place_of_the_one_of_its_name(runtime):
    first, second = la.metrics.Counter("test/x", window=60), la.metrics.PushGauge("test/x")
    runtime.metrics.replace(first)

    runtime.metrics.replace(second)
    second.set(7)

    assert snapshot(runtime) == {"test/x": 7}
    add(runtime, la.metrics.Counter("test/x/p50"))  # what the first one had
    with pytest.raises(ValueError, match="was not added"):
        runtime.metrics.remove(first)
    runtime.metrics.replace(second)


def test_a_metric_that_cannot_take_a_place_leaves_it_as_it_was(runtime):
    first, other = la.metrics.Counter("test/x"), la.metrics.Counter("test/x/p50")
    add(runtime, first, other)

    with pytest.raises(ValueError, match=r"'test/x/p50' is taken by the metric 'test/x/p50'"):
        runtime.metrics.replace(la.metrics.Counter("test/x", window=60))
    with pytest.raises(ValueError, match="is taken by the runtime"):
        runtime.metrics.replace(la.metrics.Counter(OWN[0]))

    assert runtime.metrics.all() == (first, other)


def test_what_was_not_added_cannot_be_removed(runtime):
    add(runtime, la.metrics.Counter("test/x"))

    for metric in (la.metrics.Counter("test/y"), la.metrics.Counter("test/x")):
        with pytest.raises(ValueError, match=r"was not added, or was removed before"):
            runtime.metrics.remove(metric)

    assert snapshot(runtime) == {"test/x": 0}


@pytest.mark.parametrize("metric", [None, "test/x", la.metrics.Counter])
def test_what_is_no_metric_is_refused(runtime, metric):
    for change in (runtime.metrics.add, runtime.metrics.replace, runtime.metrics.remove):
        with pytest.raises(TypeError, match="expected a"):
            change(metric)


def test_threads_add_look_and_remove_at_once(runtime, together, count, switching):
    def work(number):
        for turn in range(max(count(300), 10)):
            metric = la.metrics.Counter(f"test/{number}/{turn}", window=60, clock=runtime.clock)
            gauge = la.metrics.Gauge(f"gauge/{number}/{turn}", lambda: 1)
            add(runtime, metric, gauge)
            metric.increment()
            assert snapshot(runtime, 60)[metric.name] == 1
            runtime.metrics.remove(metric)
            runtime.metrics.remove(gauge)

    together(*[lambda number=number: work(number) for number in range(3)])

    assert snapshot(runtime) == {}


# ---- runtimes ----


def test_each_runtime_has_metrics_of_its_own():
    with la.Runtime() as first, la.Runtime() as second:
        counter = la.metrics.Counter("test/x")
        first.metrics.add(counter)
        second.metrics.add(counter)  # one that counts for both
        first.metrics.remove(counter)

        assert snapshot(first) == {}
        assert snapshot(second) == {"test/x": 0}


def test_a_closed_runtime_still_tells_what_needs_no_actor():
    with la.Runtime() as runtime:
        add(runtime, la.metrics.Counter("test/x"), la.metrics.Gauge("test/gauge", lambda: 1))

    assert snapshot(runtime, 1) == {"test/x": 0}


def test_a_gauge_is_no_obstacle_to_the_end_of_its_runtime():
    with la.Runtime() as runtime:
        add(runtime, la.metrics.Gauge("test/gauge", la.defer(la.spawn(Tank()), lambda: la.Promise().future)))
        add(runtime, la.metrics.Gauge("test/slow", lambda: la.after(3600)))
        future = runtime.metrics.snapshot()

    assert future.get(LIMIT)["libactor/actors"] == 1


def test_the_time_of_a_snapshot_is_over_when_its_runtime_closes():
    promise = la.Promise()  # nobody of the runtime owes it
    with la.Runtime() as runtime:
        add(runtime, la.metrics.Counter("test/x"), la.metrics.Gauge("test/gauge", lambda: promise.future))
        before = runtime.metrics.snapshot(3600)
    after = runtime.metrics.snapshot(3600)

    assert before.get(LIMIT)["test/x"] == after.get(LIMIT)["test/x"] == 0
    assert not promise.future.has_discard()


def test_metrics_go_away_with_their_runtime():
    def make():
        with la.Runtime() as runtime:
            counter = add(runtime, la.metrics.Counter("test/x", window=60))
            add(runtime, la.metrics.Timer("test/timer"), la.metrics.Gauge("test/gauge", lambda: 1))
            counter.increment()
            runtime.metrics.snapshot(60).get(LIMIT)
            return weakref.ref(runtime), weakref.ref(counter)

    references = make()
    gc.collect()

    assert [reference() for reference in references] == [None, None]


@pytest.mark.real
def test_snapshots_leave_no_memory_behind(runtime, traced_memory, count):
    add(runtime, la.metrics.Counter("test/x", window=60, clock=runtime.clock))
    add(runtime, la.metrics.Gauge("test/gauge", lambda: 1), la.metrics.Gauge("test/bad", lambda: 1 / 0))

    def look():
        for _ in range(count(2_000)):
            runtime.metrics.snapshot(60).get(LIMIT)
        gc.collect()

    look()
    before = traced_memory()
    look()

    assert traced_memory() - before < 20_000
