"""Coroutines that come to any end, many times, leave no memory and no references; lack of memory makes none wait."""

import gc
import importlib.util
import logging
import sys

import pytest

import libactor as la

LIMIT = 30  # seconds; a bound on failure
REPEATS = 200
ROUNDS_MAX = 30  # as often as it takes to fill what is kept of freed events
SLACK_BYTES = REPEATS * 20  # less than any leak of one object for each repeat


class Worker(la.Actor):
    def __init__(self, token, start=None):
        super().__init__("worker")
        self.token = token
        self.start = start

    def on_start(self):
        return self.start

    async def wait(self, future, token):
        return await future

    @la.exclusive
    async def alone(self, future, token):
        return await future

    async def foreign(self, token):
        await la.sleep(0)
        await Bare()

    async def on_stop(self):
        await la.ready(self.token)


class Bare:
    def __await__(self):
        yield


class Token:
    """What goes through each operation."""


def go_on(runtime, pid, token):
    for method in (Worker.wait, Worker.alone):
        promise = la.Promise()
        answer = la.dispatch(pid, method, promise.future, la.Shared(token))
        runtime.clock.settle(LIMIT)
        promise.set(1)
        assert answer.get(LIMIT) == 1


def discard(runtime, pid, token):
    answer = la.dispatch(pid, Worker.wait, la.sleep(1), la.Shared(token))
    runtime.clock.settle(LIMIT)
    answer.discard()
    runtime.clock.settle(LIMIT)
    assert answer.is_discarded()


def abandon(runtime, pid, token):
    promise = la.Promise()
    answer = la.dispatch(pid, Worker.wait, promise.future, la.Shared(token))
    runtime.clock.settle(LIMIT)
    del promise
    runtime.clock.settle(LIMIT)
    assert isinstance(answer.exception(), la.Abandoned)


def refuse(runtime, pid, token):
    answer = la.dispatch(pid, Worker.foreign, la.Shared(token))
    runtime.clock.settle(LIMIT)
    assert isinstance(answer.exception(), TypeError)


def close(runtime, pid, token):
    la.terminate(pid)
    la.wait(pid, LIMIT)
    other = runtime.spawn(Worker(token, la.sleep(0)))
    answers = [la.dispatch(other, Worker.wait, la.sleep(1), la.Shared(token)) for _ in range(3)]
    runtime.clock.settle(LIMIT)
    la.terminate(other)
    la.wait(other, LIMIT)
    assert all(answer.is_abandoned() for answer in answers)
    runtime.spawn(Worker(token))


@pytest.mark.parametrize("operation", [go_on, discard, abandon, refuse, close], ids=lambda made: made.__name__)
def test_whatever_a_coroutine_comes_to_leaves_nothing_behind(paused, operation, traced_memory, caplog):
    caplog.set_level(logging.CRITICAL, "libactor")
    token = Token()
    paused.spawn(Worker(token))

    def repeat():
        for _ in range(REPEATS):
            operation(paused, paused.find("worker"), token)
        gc.collect()
        return traced_memory(), sys.getrefcount(token)

    before = repeat()
    for _ in range(ROUNDS_MAX):  # a leak shows each time; what is kept for use again only until there is enough of it
        after = repeat()
        growth, before = after[0] - before[0], after
        if growth < SLACK_BYTES:
            break
    again = repeat()

    assert growth < SLACK_BYTES
    assert again[1] == before[1]


needs_testcapi = pytest.mark.skipif(
    la.CORE != "c" or importlib.util.find_spec("_testcapi") is None,
    reason="memory can be taken away from the C core only, and by the module _testcapi, which this Python lacks",
)


# Goal: whichever step of waiting lacks memory, its coroutine comes to an end. Method: the handler takes the n-th
#   allocation from its await on away; then the one who completes the future does.
@needs_testcapi
@pytest.mark.real
def test_lack_of_memory_makes_no_coroutine_wait_for_ever(program):
    script = """
    import _testcapi, logging, sys, threading
    import libactor as la

    logging.disable(logging.CRITICAL)
    sys.unraisablehook = threading.excepthook = lambda told: None  # whichever thread it is that lacks memory

    class Waiter(la.Actor):
        async def wait(self, gate, n):
            if n is not None:
                _testcapi.set_nomemory(n, n + 1)
                lacking.release()  # which takes no memory
            return await gate
        @la.exclusive
        async def alone(self, gate, n):
            return await Waiter.wait(self, gate, n)
        def answer(self):
            return 1

    def come_to(future):
        try:
            return future.get(60)
        except MemoryError:
            return 1

    lacking, never = threading.Lock(), threading.Lock()
    lacking.acquire()
    never.acquire()
    for method in (Waiter.wait, Waiter.alone):
        for n in range(30):
            for where in ("await", "set"):
                runtime = la.Runtime(helping=False)
                pid = runtime.spawn(Waiter())
                assert la.dispatch(pid, Waiter.answer).get(60) == 1
                gate = la.Promise()
                answer = la.dispatch(pid, method, gate.future, n if where == "await" else None)
                other = la.dispatch(pid, Waiter.answer)
                try:
                    if where == "await":
                        lacking.acquire()  # else a busy machine begins the handler once all have memory again
                        never.acquire(True, 0.01)  # CPython 3.12 and 3.13 crash in a `def` without memory
                    else:
                        other.get(0.01)
                except (MemoryError, TimeoutError):
                    pass
                _testcapi.remove_mem_hooks()
                if where == "set":
                    deliver = gate.set
                    _testcapi.set_nomemory(n, n + 1)
                    try:
                        deliver(1)
                    finally:
                        _testcapi.remove_mem_hooks()
                else:
                    gate.set(1)
                assert come_to(answer) == come_to(other) == 1, (method, n, where)
                runtime.close()
    print("all came to an end")
    """

    assert program(script) == "all came to an end\n"
