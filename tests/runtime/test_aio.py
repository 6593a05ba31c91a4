"""aio.run: a coroutine of asyncio's runs on a loop, in a thread of the runtime or of the program, and is a future."""

# Real threads and a real loop; events say when something has come to pass, and no test waits for time to pass.

import asyncio
import gc
import threading
import weakref

import pytest

import libactor as la

LIMIT = 30  # seconds; a bound on failure


class Asker(la.Actor):
    async def ask(self, value):
        return await la.aio.run(double(value))


async def double(value):
    turn = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(turn.set_result, None)
    await turn
    return value * 2


class Blocked:
    """A coroutine that waits on its loop until it is cancelled, and what became of it."""

    def __init__(self):
        self.began = threading.Event()
        self.ended = threading.Event()

    async def wait(self):
        self.began.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.ended.set()


@pytest.fixture
def own_loop(start):
    """A loop of the program's own, which runs in a thread."""
    loop = asyncio.new_event_loop()
    wait = start(loop.run_forever)
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    wait()
    loop.close()


def test_an_actor_awaits_what_asyncio_does(runtime):
    pid = la.spawn(Asker())

    assert la.dispatch(pid, Asker.ask, 21).get(LIMIT) == 42


def test_the_loop_is_one_for_each_runtime_and_ends_with_it():
    async def where():
        return threading.current_thread().name, id(asyncio.get_running_loop())

    with la.Runtime() as runtime:
        first, second = la.aio.run(where()).get(LIMIT), la.aio.run(where()).get(LIMIT)
        names = {thread.name for thread in threading.enumerate()}

    assert first == second
    assert first[0] == f"{runtime.address}-asyncio"
    assert first[0] in names
    assert first[0] not in {thread.name for thread in threading.enumerate()}


def test_a_runtime_that_needs_no_loop_has_none(runtime):
    la.spawn(Asker())

    assert f"{runtime.address}-asyncio" not in {thread.name for thread in threading.enumerate()}


def test_a_loop_of_the_program_s_own_may_be_given(runtime, own_loop):
    async def which():
        return asyncio.get_running_loop() is own_loop

    assert la.aio.run(which(), loop=own_loop).get(LIMIT) is True


def test_a_loop_of_the_program_s_own_needs_no_runtime(own_loop):
    assert la.aio.run(double(1), loop=own_loop).get(LIMIT) == 2


def test_the_failure_of_the_coroutine_is_that_of_the_future(runtime):
    async def fail():
        raise KeyError("there")

    with pytest.raises(KeyError, match="there"):
        la.aio.run(fail()).get(LIMIT)


def test_the_result_leaves_the_loop_by_value(runtime):
    kept = [1]

    async def give():
        return kept

    future = la.aio.run(give())
    given = future.get(LIMIT)

    assert given == [1]
    assert given is not kept
    assert future.get(LIMIT) is not given


def test_a_result_that_cannot_cross_fails_the_future(runtime):
    async def give():
        return threading.Lock()

    with pytest.raises(la.NotPassable, match=r"aio\.run"):
        la.aio.run(give()).get(LIMIT)


def test_a_discard_cancels_the_task(runtime):
    blocked = Blocked()
    future = la.aio.run(blocked.wait())
    assert blocked.began.wait(LIMIT)

    future.discard()

    with pytest.raises(la.Discarded):
        future.get(LIMIT)
    assert blocked.ended.wait(LIMIT)


def test_a_discard_of_the_answer_reaches_the_task(runtime):
    blocked = Blocked()
    pid = la.spawn(Asker())

    async def ask():
        return await la.aio.run(blocked.wait())

    answer = la.execute(pid, ask)
    assert blocked.began.wait(LIMIT)
    answer.discard()

    with pytest.raises(la.Discarded):
        answer.get(LIMIT)


def test_a_discard_before_the_loop_comes_to_it_keeps_it_from_being_begun(own_loop):
    blocked, gate = Blocked(), threading.Event()
    own_loop.call_soon_threadsafe(gate.wait, LIMIT)
    future = la.aio.run(blocked.wait(), loop=own_loop)

    future.discard()
    gate.set()

    with pytest.raises(la.Discarded):
        future.get(LIMIT)
    assert not blocked.began.is_set()


def test_a_task_that_was_cancelled_there_is_discarded(own_loop):
    async def give_up():
        raise asyncio.CancelledError

    with pytest.raises(la.Discarded):
        la.aio.run(give_up(), loop=own_loop).get(LIMIT)


def test_what_runs_when_the_runtime_closes_is_cancelled_and_its_future_abandoned():
    blocked = Blocked()
    with la.Runtime():
        future = la.aio.run(blocked.wait())
        assert blocked.began.wait(LIMIT)

    assert blocked.ended.is_set()
    assert future.is_abandoned()


def test_the_runtime_is_current_in_the_coroutine(runtime):
    pid = la.spawn(Asker())

    async def spawn_and_ask():
        await la.sleep(0)
        return await la.dispatch(pid, Asker.ask, 2)

    assert la.aio.run(spawn_and_ask()).get(LIMIT) == 4
    assert la.execute(pid, lambda: la.aio.run(spawn_and_ask())).get(LIMIT) == 4  # a worker has no `with` of its own


def test_an_exit_in_a_task_does_not_take_the_loop_along(runtime, caplog):
    async def leave():
        raise SystemExit(3)

    future = la.aio.run(leave())
    with pytest.raises(SystemExit):
        future.get(LIMIT)

    assert la.aio.run(double(2)).get(LIMIT) == 4


def test_many_threads_use_it_at_once(runtime, together):
    def use():
        with runtime_of(runtime):
            return [la.aio.run(double(number)).get(LIMIT) for number in range(50)]

    assert together(*[use] * 4) == [[number * 2 for number in range(50)]] * 4


def runtime_of(runtime):
    """The runtime made current in another thread, which does not close it."""

    class Current:
        def __enter__(self):
            self.token = la.context.opened.set((runtime,))

        def __exit__(self, *_):
            la.context.opened.reset(self.token)

    return Current()


def test_what_is_no_coroutine_is_refused(runtime):
    with pytest.raises(TypeError, match=r"aio\.run: got 3, expected a coroutine"):
        la.aio.run(3)
    with pytest.raises(TypeError, match="expected a coroutine, as the call"):
        la.aio.run(double)


def test_a_coroutine_that_is_refused_is_closed(recwarn):
    loop = asyncio.new_event_loop()
    loop.close()
    with pytest.raises(RuntimeError, match="the loop is closed"):
        la.aio.run(double(1), loop=loop)
    with pytest.raises(TypeError, match="expected an asyncio event loop"):
        la.aio.run(double(1), loop="loop")
    with pytest.raises(la.NoRuntime):
        la.aio.run(double(1))
    gc.collect()

    assert not [warning for warning in recwarn if "never awaited" in str(warning.message)]


def test_a_loop_that_is_closed_with_a_coroutine_in_its_queue_abandons_its_future():
    loop = asyncio.new_event_loop()
    future = la.aio.run(double(1), loop=loop)
    loop.close()

    gc.collect()

    assert future.is_abandoned()


def test_nothing_is_left_of_what_was_run(runtime):
    class Result:
        pass

    token = Result()
    gone = weakref.ref(token)

    async def use(held):
        await double(1)
        return held is not None

    future = la.aio.run(use(token))
    assert future.get(LIMIT)
    del token, future
    la.aio.run(double(1)).get(LIMIT)
    gc.collect()

    assert gone() is None


@pytest.mark.real
def test_close_names_a_coroutine_that_blocks_its_loop():
    runtime, gate = la.Runtime(), threading.Event()

    async def block():
        gate.wait(LIMIT)

    with runtime_of(runtime):
        la.aio.run(block())
    with pytest.raises(RuntimeError, match=f"{runtime.address}-asyncio"):
        runtime.close(0.05)
    gate.set()


def test_a_runtime_that_is_closed_runs_no_coroutine():
    with la.Runtime() as runtime:
        pass

    with runtime_of(runtime), pytest.raises(RuntimeError, match="is closed"):
        la.aio.run(double(1))
