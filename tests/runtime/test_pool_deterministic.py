"""Pools and metrics in a deterministic runtime: the same work, in an order that the seed decides, without a thread."""

import threading

import pytest

import libactor as la
from libactor.testing import DeterministicRuntime


def order_of(seed, size=3, works=12):
    """In which order a pool does its work beside an actor that is told of as much."""
    order = []
    with DeterministicRuntime(seed) as runtime, la.Pool(size) as pool:
        pid = la.spawn(la.Actor())
        for n in range(works):
            pool.submit(lambda n=n: order.append(n)).then(la.defer(pid, lambda _, n=n: order.append(-n)))
            la.execute(pid, lambda n=n: order.append(100 + n))
        runtime.settle()
    return order


def test_the_order_is_that_of_the_seed():
    orders = [order_of(seed) for seed in range(10)]

    assert orders == [order_of(seed) for seed in range(10)]
    assert len({tuple(order) for order in orders}) > 5
    assert {tuple(sorted(order)) for order in orders} == {tuple(sorted(orders[0]))}


def test_a_pool_of_one_does_its_work_in_the_order_of_submission_whatever_the_seed():
    for seed in range(10):
        assert [n for n in order_of(seed, size=1) if 0 < n < 100] == list(range(1, 12))


def test_no_thread_is_started_for_work():
    with DeterministicRuntime(1) as runtime, la.Pool(3) as pool:
        la.collect([pool.submit(int) for _ in range(10)]).get()

        assert not [thread for thread in threading.enumerate() if thread.name.startswith(f"{runtime.address}-pool")]


def test_no_more_is_under_way_than_the_size_allows_and_time_passes_by_the_virtual_clock():
    with DeterministicRuntime(1) as runtime, la.Pool(2) as pool:
        began = runtime.clock.now()
        done = [pool.submit(lambda: la.after(10).get()) for _ in range(6)]
        runtime.settle()
        assert (pool.running, pool.queued) == (2, 4)

        la.collect(done).get()

        assert runtime.clock.now() - began == 30


def test_bounds_discards_and_failures_are_those_of_any_pool():
    with DeterministicRuntime(1) as runtime, la.Pool(1, capacity=2) as pool:
        promise, called = la.Promise(), []
        first = pool.submit(promise.future.get)
        runtime.settle()
        second, third = pool.submit(called.append, 2), pool.submit(lambda: 1 / 0)
        with pytest.raises(la.PoolFull):
            pool.submit(int)
        second.discard()
        promise.set([7])

        assert first.get() == [7]
        with pytest.raises(ZeroDivisionError):
            third.get()
        assert second.is_discarded()
        assert called == []
        assert (pool.running, pool.queued) == (0, 0)


def test_what_cannot_end_is_named_when_the_pool_is_closed():
    with DeterministicRuntime(1):
        pool, promise = la.Pool(1, name="slow"), la.Promise()
        stuck, waiting = pool.submit(promise.future.get), pool.submit(int)

        with pytest.raises(RuntimeError, match=r"still in a function after 5 s: sim-slow"):
            pool.close(5)

        assert waiting.is_abandoned()
        promise.set(1)
        assert stuck.get() == 1
        pool.close()


def test_actors_that_stop_with_their_runtime_still_get_their_work_done():
    said = []

    class Last(la.Actor):
        def on_stop(self):
            for n in range(3):
                pool.submit(lambda n=n: n).then(said.append)

    with DeterministicRuntime(1) as runtime:
        pool = la.Pool(1)
        la.spawn(Last())

    assert said == [0, 1, 2]
    assert runtime.pools == ()


def test_pools_of_a_host_end_with_it():
    with DeterministicRuntime(1) as runtime:
        first, second = (la.Pool(1, runtime=runtime.host(name)) for name in "ab")
        assert la.collect([first.submit(int), second.submit(int)]).get() == [0, 0]

        runtime.host("a").close()
        with pytest.raises(RuntimeError, match="is closed"):
            first.submit(int)

    with pytest.raises(RuntimeError, match="is closed"):
        second.submit(int)


def snapshots(seed):
    with DeterministicRuntime(seed) as runtime:
        counter = la.metrics.Counter("test/x", window=60)
        for metric in (counter, la.metrics.Gauge("test/slow", lambda: la.after(3).then(lambda _: 3))):
            runtime.metrics.add(metric)
        for _ in range(3):
            counter.increment()
            runtime.run_for(1)
        return [list(runtime.metrics.snapshot(timeout).get().items()) for timeout in (2, None)]


def test_snapshots_are_those_of_the_virtual_clock_and_the_same_each_time():
    first, second = snapshots(1)

    assert [first, second] == snapshots(1)
    assert dict(first)["test/x/count"] == 3
    assert "test/slow" not in dict(first)
    assert dict(second)["test/slow"] == 3
