"""Pool: work in threads, each with a future; what is begun, what is not, and that nothing is left behind."""

import asyncio
import gc
import os
import threading
import weakref
from contextvars import ContextVar

import pytest

import libactor as la

LIMIT = 30


class Gate:
    """A function that says when it is called and returns when it is let; further arguments are its result."""

    def __init__(self):
        self.entered = threading.Semaphore(0)
        self.opened = threading.Event()

    def __call__(self, result=None):
        self.entered.release()
        assert self.opened.wait(LIMIT)
        return result

    def wait_until_entered(self, times=1):
        for _ in range(times):
            assert self.entered.acquire(timeout=LIMIT)


@pytest.fixture
def gate():
    made = Gate()
    yield made
    made.opened.set()


@pytest.fixture
def pool(runtime):
    with la.Pool(1) as made:
        yield made


def threads_of(runtime):
    """The threads of the pools of a runtime that are alive."""
    return [
        t.name for t in threading.enumerate() if t.name.startswith(f"{runtime.address}-") and "worker" not in t.name
    ]


# ---- what comes of work ----


def test_the_future_of_work_is_what_the_function_returns_in_another_thread(pool):
    assert pool.submit(pow, 2, 10).get(LIMIT) == 1024
    assert pool.submit(int, "ff", base=16).get(LIMIT) == 255
    assert pool.submit(threading.get_ident).get(LIMIT) != threading.get_ident()


def test_an_exception_fails_the_future_and_the_thread_goes_on(pool):
    def fail(error):
        raise error

    first = pool.submit(threading.get_ident).get(LIMIT)
    for error in (ZeroDivisionError("x"), KeyboardInterrupt("x"), SystemExit(3), StopIteration("x"), GeneratorExit()):
        with pytest.raises(type(error)):
            pool.submit(fail, error).get(LIMIT)

    assert pool.submit(threading.get_ident).get(LIMIT) == first


def test_of_a_future_that_the_function_returns_the_outcome_counts(pool):
    promise = la.Promise()
    future = pool.submit(lambda: promise.future)
    assert pool.submit(lambda: 1).get(LIMIT) == 1
    assert future.is_pending()

    promise.set(7)

    assert future.get(LIMIT) == 7


def test_arguments_go_by_value_and_results_as_they_are(pool):
    given, kept = [1], []

    copied = pool.submit(lambda items: items, given).get(LIMIT)
    result = pool.submit(lambda: kept).get(LIMIT)
    moved = pool.submit(lambda items: items, la.move(given)).get(LIMIT)
    unwrapped = pool.submit(lambda: la.move(kept)).get(LIMIT)

    assert copied == given
    assert copied is not given
    assert result is kept
    assert moved is given
    assert unwrapped is kept


def test_results_need_not_be_passable(pool):
    assert isinstance(pool.submit(threading.Lock).get(LIMIT), type(threading.Lock()))


def test_the_runtime_is_current_inside_and_no_variable_leaks_from_work_to_work(runtime, pool):
    variable = ContextVar("variable", default=0)

    def work():
        seen = variable.get()
        variable.set(seen + 1)
        return seen, la.spawn(la.Actor())

    found = [pool.submit(work).get(LIMIT) for _ in range(3)]

    assert [seen for seen, _ in found] == [0, 0, 0]
    assert runtime.pids() == tuple(pid for _, pid in found)


class Reader(la.Actor):
    def __init__(self, pool):
        super().__init__()
        self.pool = pool
        self.rows = []

    def read(self, row):
        return self.pool.submit(str.upper, row).then(la.defer(self.pid, Reader.keep))

    def keep(self, row):
        self.rows.append(row)
        return len(self.rows)

    def read_and_wait(self, row):
        return self.pool.submit(str.upper, row).get(LIMIT)


def test_a_handler_goes_on_with_what_came_of_work(runtime, pool):
    pid = la.spawn(Reader(pool))

    assert [la.dispatch(pid, Reader.read, row).get(LIMIT) for row in "abc"] == [1, 2, 3]
    assert la.dispatch(pid, Reader.read_and_wait, "d").get(LIMIT) == "D"


def test_a_handler_awaits_work_while_its_actor_serves_others(runtime, pool, gate):
    class Awaiter(la.Actor):
        served = 0

        async def wait(self):
            result = await pool.submit(gate, 7)
            return result, self.served

        def serve(self):
            self.served += 1

    pid = la.spawn(Awaiter())
    future = la.dispatch(pid, Awaiter.wait)
    gate.wait_until_entered()
    la.dispatch(pid, Awaiter.serve).get(LIMIT)
    gate.opened.set()

    assert future.get(LIMIT) == (7, 1)


def test_work_that_a_stopped_handler_awaited_is_discarded_if_it_was_not_begun(runtime, pool, gate):
    class Awaiter(la.Actor):
        async def wait(self, called):
            await pool.submit(called.append, 1)

    pool.submit(gate)
    gate.wait_until_entered()
    pid = la.spawn(Awaiter())
    future = la.dispatch(pid, Awaiter.wait, [])
    la.execute(pid, int).get(LIMIT)
    assert pool.queued == 1

    la.terminate(pid)
    la.wait(pid, LIMIT)

    with pytest.raises((la.Abandoned, la.Discarded)):
        future.get(LIMIT)
    assert pool.queued == 0


def test_work_may_ask_actors(runtime, pool):
    pid = la.spawn(la.Actor())

    assert pool.submit(lambda: la.execute(pid, lambda: 7).get(LIMIT)).get(LIMIT) == 7


def test_asyncio_awaits_work(runtime, pool):
    async def main():
        return await pool.submit(sum, [1, 2, 3])

    assert asyncio.run(main()) == 6


def test_in_asyncio_the_loop_goes_on_while_a_pool_is_closed(runtime):
    async def main():
        loop = asyncio.get_running_loop()
        async with la.Pool(1) as pool:
            future = pool.submit(lambda: asyncio.run_coroutine_threadsafe(answer(), loop).result(LIMIT))
        return future.get(0)

    async def answer():
        return 7

    assert asyncio.run(main()) == 7
    assert threads_of(runtime) == []


# ---- threads ----


def test_threads_are_started_when_they_are_needed_and_no_more_than_allowed(runtime, gate):
    with la.Pool(3, name="disk") as pool:
        assert threads_of(runtime) == []
        futures = [pool.submit(gate, n) for n in range(10)]
        gate.wait_until_entered(3)
        assert sorted(threads_of(runtime)) == [f"{runtime.address}-disk-{n}" for n in (1, 2, 3)]
        assert (pool.running, pool.queued) == (3, 7)
        gate.opened.set()
        assert la.collect(futures).get(LIMIT) == list(range(10))

    assert threads_of(runtime) == []


def test_work_is_begun_in_the_order_of_submission(runtime, gate, count):
    begun = []
    with la.Pool(1) as pool:
        pool.submit(gate)
        futures = [pool.submit(lambda n=n: begun.append(n)) for n in range(count(10_000))]
        gate.opened.set()
        la.collect(futures).get(LIMIT)

    assert begun == list(range(count(10_000)))


def test_threads_submit_and_discard_at_once_and_all_is_accounted_for(runtime, together, count, switching):
    done = []

    def work():
        futures = []
        for n in range(max(count(2_000), 50)):
            futures.append(pool.submit(done.append, n))
            if n % 3 == 0:
                futures[-1].discard()
        return futures

    with la.Pool(4) as pool:
        futures = [future for part in together(*[work] * 4) for future in part]

    assert all(future.is_ready() or future.is_discarded() for future in futures)
    assert len(done) == sum(future.is_ready() for future in futures)
    assert runtime.queue.wait_idle(LIMIT)


# ---- discards ----


def test_a_discard_before_it_is_begun_keeps_work_from_running(runtime, gate):
    called = []
    with la.Pool(1) as pool:
        pool.submit(gate)
        gate.wait_until_entered()
        future = pool.submit(called.append, 1)

        assert future.discard()

        assert future.is_discarded()
        assert pool.queued == 0
        gate.opened.set()

    assert called == []


def test_what_runs_is_not_interrupted_by_a_discard(pool, gate):
    future = pool.submit(gate, 7)
    gate.wait_until_entered()

    future.discard()
    assert future.is_pending()
    gate.opened.set()

    assert future.get(LIMIT) == 7


def test_a_discard_reaches_the_future_that_the_function_returned(pool):
    promise = la.Promise()
    future = pool.submit(lambda: promise.future)
    pool.submit(int).get(LIMIT)

    future.discard()

    assert promise.future.has_discard()


# ---- bounds ----


def test_beyond_its_capacity_a_pool_takes_nothing_until_something_was_begun_or_discarded(runtime, gate):
    with la.Pool(1, capacity=2) as pool:
        pool.submit(gate)
        gate.wait_until_entered()
        waiting = [pool.submit(int) for _ in range(2)]
        with pytest.raises(la.PoolFull, match=r"2 wait .* already"):
            pool.submit(int)
        waiting[0].discard()
        waiting.append(pool.submit(int))
        with pytest.raises(la.PoolFull):
            pool.submit(int)

        gate.opened.set()

        assert [future.get(LIMIT) for future in waiting[1:]] == [0, 0]


def test_an_idle_thread_takes_work_whatever_the_capacity(runtime, gate):
    with la.Pool(3, capacity=1) as pool:
        futures = [pool.submit(gate) for _ in range(4)]

        with pytest.raises(la.PoolFull):
            pool.submit(int)

        gate.opened.set()
        la.collect(futures).get(LIMIT)


# ---- the end ----


def test_close_waits_for_what_was_submitted(runtime):
    pool = la.Pool(2)
    futures = [pool.submit(pow, 2, n) for n in range(100)]

    pool.close(LIMIT)

    assert [future.get(0) for future in futures] == [2**n for n in range(100)]
    assert threads_of(runtime) == []


def test_what_was_not_begun_in_time_is_abandoned_and_what_runs_is_named(runtime, gate):
    pool = la.Pool(1, name="slow")
    running, waiting = pool.submit(gate, 7), pool.submit(int)
    gate.wait_until_entered()

    with pytest.raises(RuntimeError, match=rf"still in a function after 0 s: {runtime.address}-slow-1;"):
        pool.close(0)

    assert waiting.is_abandoned()
    gate.opened.set()
    assert running.get(LIMIT) == 7
    pool.close(LIMIT)
    assert threads_of(runtime) == []


# Goal: whatever happens at once, nobody waits for ever. Method: threads submit and discard, and the end comes between.
@pytest.mark.parametrize("end", ["pool", "pool at once", "runtime"])
def test_whoever_submits_while_the_end_comes_hears_of_it(end, start, count, switching):
    for _ in range(max(count(50), 5)):
        runtime = la.Runtime()
        pool, futures = la.Pool(3, runtime=runtime), []

        def submit_until_refused(pool=pool, futures=futures):
            while True:
                futures.append(pool.submit(int))
                futures[len(futures) // 2].discard()

        threads = [start(submit_until_refused) for _ in range(3)]
        pool.submit(int).get(LIMIT)
        {"pool": pool.close, "pool at once": pool.end, "runtime": runtime.close}[end](LIMIT)
        for wait in threads:
            with pytest.raises(RuntimeError, match="is closed"):
                wait()

        assert not [future for future in futures if future.is_pending() and not future.is_abandoned()]
        assert runtime.queue.wait_idle(LIMIT)
        assert threads_of(runtime) == []
        runtime.close()


def test_a_closed_pool_takes_nothing_and_may_be_closed_again(runtime):
    pool = la.Pool(1)
    pool.close()
    pool.close()

    with pytest.raises(RuntimeError, match="is closed"):
        pool.submit(int)


def test_a_pool_is_closed_with_its_runtime_after_the_actors_and_what_waits_is_abandoned():
    gate, order = Gate(), []

    class Last(la.Actor):
        def on_stop(self):
            order.append(pool.submit(lambda: "served").get(LIMIT))
            order.append(pool.submit(gate, "finished"))
            gate.wait_until_entered()
            order.append(pool.submit(int))
            order[-1].on_abandoned(gate.opened.set)

    with la.Runtime() as runtime:
        pool = la.Pool(1)
        la.spawn(Last())

    assert order[0] == "served"
    assert order[1].get(0) == "finished"
    assert order[2].is_abandoned()
    assert threads_of(runtime) == []
    assert runtime.pools == ()
    with pytest.raises(RuntimeError, match="is closed"):
        pool.submit(int)


def test_work_that_will_not_end_is_named_when_the_runtime_is_closed(gate):
    runtime = la.Runtime()
    pool = la.Pool(1, name="slow", runtime=runtime)
    pool.submit(gate)
    waiting = pool.submit(int)
    gate.wait_until_entered()

    with pytest.raises(RuntimeError, match="slow-1"):
        runtime.close(0)

    assert waiting.is_abandoned()


def test_a_closed_runtime_gets_no_pool():
    with la.Runtime() as runtime:
        pass

    with pytest.raises(RuntimeError, match="is closed"):
        la.Pool(1, runtime=runtime)
    assert runtime.pools == ()


def test_work_cannot_close_or_settle_what_waits_for_it(paused, gate):
    with la.Pool(1) as pool:
        for function, what in ((pool.close, "close"), (paused.close, "close"), (paused.clock.settle, "settle")):
            with pytest.raises(RuntimeError, match=rf"{what}: called inside"):
                pool.submit(function).get(LIMIT)


def test_a_pool_and_its_work_go_away_without_the_collector(runtime):
    class Thing:
        def __call__(self):
            return 1

    def use():
        thing = Thing()
        with la.Pool(2) as pool:
            future = pool.submit(thing)
            pool.submit(lambda: 1 / 0).recover(lambda _: None).get(LIMIT)
            assert future.get(LIMIT) == 1
            return weakref.ref(pool), weakref.ref(thing), weakref.ref(future)

    gc.disable()
    try:
        references = use()
        left = [reference() for reference in references]
    finally:
        gc.enable()

    assert left == [None] * 3


def test_an_idle_thread_keeps_nothing_of_what_it_did(runtime):
    class Thing:
        def __call__(self):
            return 1

    with la.Pool(1) as pool:
        thing = Thing()
        pool.submit(thing).get(LIMIT)
        reference = weakref.ref(thing)
        del thing
        pool.submit(int).get(LIMIT)  # the thread has come to the next

        assert reference() is None


@pytest.mark.real
def test_work_leaves_no_memory_behind(runtime, traced_memory, count):
    def use():
        with la.Pool(2, capacity=100_000) as pool:
            for n in range(count(5_000)):
                pool.submit(int).then(str)
                pool.submit(lambda: 1 / 0).recover(lambda _: None)
                if n % 2:
                    pool.submit(int).discard()
        gc.collect()

    use()
    before = traced_memory()
    use()

    assert traced_memory() - before < 20_000


@pytest.mark.parametrize(("timeout", "error"), [(-1, ValueError), (float("nan"), ValueError), ("1", TypeError)])
def test_a_timeout_that_is_none_closes_nothing(pool, timeout, error):
    with pytest.raises(error, match=r"close: got .* expected a number of seconds"):
        pool.close(timeout)

    assert pool.submit(int).get(LIMIT) == 0


# ---- the clock ----


def test_settle_waits_for_work_and_for_what_it_sets_off(paused, count):
    counted = []
    with la.Pool(3) as pool:
        pid = la.spawn(la.Actor())
        for n in range(count(3_000)):
            pool.submit(lambda n=n: n).then(la.defer(pid, counted.append))

        paused.clock.settle()

        assert len(counted) == count(3_000)


def test_work_that_waits_for_time_to_pass_does_not_keep_settle_waiting(paused):
    with la.Pool(1) as pool:
        future = pool.submit(lambda: la.after(5).get(LIMIT))
        paused.clock.settle()
        assert future.is_pending()

        paused.clock.advance(5)
        paused.clock.settle()

        assert future.is_ready()


def test_what_was_discarded_or_abandoned_does_not_keep_settle_waiting(paused, gate):
    pool = la.Pool(1)
    pool.submit(gate)
    gate.wait_until_entered()
    pool.submit(int).discard()
    pool.submit(int)
    assert not paused.clock.settle(0)

    with pytest.raises(RuntimeError, match="still in a function"):
        pool.close(0)
    gate.opened.set()
    pool.close(LIMIT)

    assert paused.clock.settle(LIMIT)


# ---- bad input ----


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"size": 0}, ValueError),
        ({"size": -1}, ValueError),
        ({"size": True}, TypeError),
        ({"size": 2.0}, TypeError),
        ({"size": None}, TypeError),
        ({"size": "2"}, TypeError),
        ({"size": 1, "capacity": 0}, ValueError),
        ({"size": 1, "capacity": 1.5}, TypeError),
        ({"size": 1, "name": 7}, TypeError),
    ],
)
def test_a_pool_that_cannot_be_is_refused(runtime, arguments, error):
    with pytest.raises(error, match=r"Pool: got the .* expected"):
        la.Pool(**arguments)

    assert runtime.pools == ()


def test_without_a_runtime_it_says_so():
    with pytest.raises(la.NoRuntime, match="Pool"):
        la.Pool(1)


async def coroutine():
    """Nothing."""


@pytest.mark.parametrize("function", [None, 7, "len", coroutine])
def test_what_cannot_be_called_in_a_thread_is_refused(pool, function):
    with pytest.raises(TypeError, match="expected a plain function"):
        pool.submit(function)


def test_arguments_that_cannot_cross_are_refused_by_name(runtime, pool):
    with pytest.raises(la.NotPassable, match=r"argument 2 of submit\(.*sorted\)|submit"):
        pool.submit(sorted, [1], threading.Lock())

    assert pool.queued == 0
    assert runtime.queue.wait_idle(LIMIT)


def test_arguments_that_do_not_fit_fail_the_future(pool):
    with pytest.raises(TypeError):
        pool.submit(int, 1, 2, 3).get(LIMIT)


def test_without_a_thread_to_be_had_submit_says_so_and_keeps_nothing(runtime, monkeypatch):
    called = []
    with la.Pool(2) as pool:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", lambda _: (_ for _ in ()).throw(RuntimeError("no thread")))
            with pytest.raises(RuntimeError, match="no thread"):
                pool.submit(called.append, 1)
            assert (pool.queued, pool.running) == (0, 0)

        assert pool.submit(called.append, 2).get(LIMIT) is None
        assert called == [2]
    assert runtime.queue.wait_idle(LIMIT)


def test_a_pool_that_gets_no_further_thread_goes_on_with_those_it_has(runtime, gate, monkeypatch):
    with la.Pool(2) as pool:
        pool.submit(gate)
        gate.wait_until_entered()
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", lambda _: (_ for _ in ()).throw(RuntimeError("no thread")))
            future = pool.submit(int)
        assert (pool.queued, pool.running) == (1, 1)

        gate.opened.set()

        assert future.get(LIMIT) == 0


@pytest.mark.real
def test_the_child_of_a_fork_cannot_use_the_pool_of_its_parent(runtime):
    with la.Pool(1) as pool:
        pool.submit(int).get(LIMIT)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                with pytest.raises(la.ForkedRuntime), pool:
                    pool.submit(int)
                with pytest.raises(la.ForkedRuntime):
                    pool.close()
                with la.Runtime(), la.Pool(1) as own:
                    status = own.submit(int).get(LIMIT)
            finally:
                os._exit(status)

        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.real
def test_a_program_ends_though_its_work_does_not(program):
    text = """
        import logging
        import threading
        import libactor as la

        logging.disable()  # it is told of
        entered = threading.Event()
        runtime = la.Runtime()
        la.Pool(1, runtime=runtime).submit(lambda: entered.set() or threading.Event().wait())
        entered.wait()
        print("done")
        """

    assert program(text) == "done\n"
