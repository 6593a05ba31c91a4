"""Futures in asyncio: awaited, gathered, cancelled, and completed after the loop has gone."""

import asyncio
import gc
import threading

import pytest

import libactor as la

LIMIT = 30


class Counter(la.Actor):
    def __init__(self):
        super().__init__()
        self.n = 0

    def add(self, k):
        self.n += k
        return self.n

    def fail(self):
        raise ValueError("no")


def run(main):
    return asyncio.run(asyncio.wait_for(main(), LIMIT))


def test_a_call_can_be_awaited(runtime):
    pid = la.spawn(Counter())

    async def main():
        return await la.dispatch(pid, Counter.add, 2)

    assert run(main) == 2


def test_tasks_inherit_the_runtime_of_the_code_that_starts_them(runtime):
    async def spawn():
        return la.spawn(Counter())

    async def main():
        return await asyncio.create_task(spawn())

    assert run(main).address == runtime.address


def test_many_calls_can_be_gathered(runtime, count):
    pid = la.spawn(Counter())
    size = count(10_000)

    async def main():
        return await asyncio.gather(*[la.dispatch(pid, Counter.add, 1) for _ in range(size)])

    assert run(main) == list(range(1, size + 1))


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize(
    ("complete", "error"),
    [
        (lambda promise: promise.fail(KeyError("no")), KeyError),
        (lambda promise: promise.discard(), la.Discarded),
        (lambda promise: promise.associate(la.Promise().future), la.Abandoned),
    ],
)
def test_what_went_wrong_is_raised_where_it_is_awaited(early, complete, error):
    promise = la.Promise()

    def finish():
        complete(promise)
        gc.collect()

    async def main():
        if early:
            finish()
        else:
            asyncio.get_running_loop().call_soon(finish)
        with pytest.raises(error):
            await promise.future

    run(main)


def test_the_exception_of_an_actor_is_raised_where_the_call_is_awaited(runtime):
    pid = la.spawn(Counter())

    async def main():
        with pytest.raises(ValueError, match="no") as raised:
            await la.dispatch(pid, Counter.fail)
        return raised.value.__cause__

    assert isinstance(run(main), ValueError)


def test_one_future_may_be_awaited_by_several_tasks_and_again_when_complete(runtime):
    promise = la.Promise()

    async def wait():
        return await promise.future

    async def main():
        tasks = [asyncio.create_task(wait()) for _ in range(5)]
        await asyncio.sleep(0)
        threading.Thread(target=promise.set, args=(1,)).start()
        return await asyncio.gather(*tasks) + [await promise.future]

    assert run(main) == [1] * 6


def test_cancelling_the_task_asks_for_a_discard():
    promise = la.Promise()

    async def wait():
        return await promise.future

    async def main():
        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main)

    assert promise.future.has_discard()
    assert promise.future.is_pending()


def test_a_timeout_asks_for_a_discard():
    promise = la.Promise()

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(promise.future, 0.001)

    run(main)

    assert promise.future.has_discard()


def test_a_shielded_future_is_not_discarded():
    promise = la.Promise()

    async def wait():
        return await promise.future

    async def main():
        inner = asyncio.create_task(wait())
        outer = asyncio.shield(inner)
        await asyncio.sleep(0)
        outer.cancel()
        assert not promise.future.has_discard()
        promise.set(1)
        return await inner

    assert run(main) == 1


# Goal: a task that gave up leaves no callback in a future that lives on. Method: many give up on one future; a callback
# takes more than 100 bytes; what the loops keep for themselves (some 30,000 with sanitizers) is less than all of that.
def test_a_cancelled_await_leaves_nothing_behind(traced_memory):
    promise = la.Promise()

    async def give_up():
        task = asyncio.ensure_future(promise.future)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def main(times):
        for _ in range(times):
            await give_up()
        gc.collect()
        return traced_memory()

    before = asyncio.run(main(10))

    assert asyncio.run(main(1_000)) - before < 1_000 * 100


def test_a_future_that_completes_after_its_loop_has_closed_disturbs_nobody(caplog):
    promise, loop = la.Promise(), asyncio.new_event_loop()

    async def wait():
        return await promise.future

    task = wait()
    loop.call_soon(task.send, None)
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()

    assert promise.set(1)
    assert caplog.records == []
    task.close()


def test_a_coroutine_that_is_closed_while_it_waits_asks_for_no_discard():
    promise = la.Promise()

    async def wait():
        return await promise.future

    async def main():
        coroutine = wait()
        coroutine.send(None)
        coroutine.close()

    run(main)

    assert not promise.future.has_discard()


def test_a_loop_in_another_thread_and_actors_talk_both_ways(runtime, start):
    pid, promise = la.spawn(Counter()), la.Promise()

    async def main():
        first = await la.dispatch(pid, Counter.add, 1)
        promise.set(first + 10)
        return await la.dispatch(pid, Counter.add, 1)

    other = start(lambda: run(main))

    assert la.execute(la.spawn(la.Actor()), lambda: promise.future.get(LIMIT)).get(LIMIT) == 11
    assert other() == 2
