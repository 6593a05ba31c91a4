"""`async with` of the locks: what is entered is left, and a task that is cancelled, wherever it stands, has nothing."""

import asyncio
import gc
import random

import pytest

import libactor as la

LIMIT = 30


def run(main):
    return asyncio.run(asyncio.wait_for(main(), LIMIT))


async def settle():
    """Let every task go as far as it can; a wake-up of a task takes two rounds of the loop."""
    for _ in range(6):
        await asyncio.sleep(0)


def lock_itself(make):
    def both():
        lock = make()
        return lock, lambda: lock

    return both


def section_of(method):
    def both():
        lock = la.ReadWriteLock()
        return lock, getattr(lock, method)

    return both


# name: what makes a lock and a function to what is entered, and how many may be inside at once.
WAYS = {
    "mutex": (lock_itself(la.Mutex), 1),
    "semaphore": (lock_itself(la.Semaphore), 1),
    "two permits": (lock_itself(lambda: la.Semaphore(2)), 2),
    "write": (section_of("write"), 1),
    "read": (section_of("read"), 1_000),
}


@pytest.fixture(params=WAYS)
def way(request):
    return WAYS[request.param]


class Visitors:
    """Tasks that go through one lock and stay inside until they are told to leave."""

    def __init__(self, section):
        self.section = section
        self.inside, self.leave, self.tasks = [], [], []

    def start(self):
        self.leave.append(asyncio.get_running_loop().create_future())
        self.tasks.append(asyncio.create_task(self.visit(len(self.tasks))))

    async def visit(self, n):
        async with self.section():
            self.inside.append(n)
            try:
                await self.leave[n]
            finally:
                self.inside.remove(n)


def test_what_is_entered_is_left_also_by_an_exception(way):
    make, size = way
    lock, section = make()

    async def main():
        for _ in range(3):
            with pytest.raises(KeyError):
                async with section():
                    raise KeyError
        visitors = Visitors(section)
        for _ in range(3):
            visitors.start()
        await settle()
        assert len(visitors.inside) == min(size, 3)
        for leave in visitors.leave:
            leave.set_result(None)
        await asyncio.gather(*visitors.tasks)

    before = repr(lock)
    run(main)

    assert repr(lock) == before


@pytest.mark.parametrize("name", [name for name in WAYS if name != "read"])
def test_a_task_that_is_cancelled_while_it_waits_leaves_the_line(name):
    make, size = WAYS[name]
    lock, section = make()

    async def main():
        visitors = Visitors(section)
        for _ in range(size + 2):
            visitors.start()
        await settle()
        assert "2 waiting" in repr(lock)
        visitors.tasks[size].cancel()
        await settle()
        assert "1 waiting" in repr(lock)
        visitors.leave[0].set_result(None)
        await settle()
        assert visitors.inside == [*range(1, size), size + 1]
        for leave in visitors.leave:
            leave.cancel()
        await asyncio.gather(*visitors.tasks, return_exceptions=True)

    before = repr(lock)
    run(main)

    assert repr(lock) == before


# Goal: the lock is not lost between its arrival and the task that runs next. Method: cancel in that very moment.
def test_a_task_that_is_cancelled_when_it_has_just_got_it_gives_it_back():
    mutex = la.Mutex()

    async def main():
        await mutex.lock()
        task = asyncio.create_task(mutex.__aenter__())
        await settle()
        mutex.unlock()  # the task's turn, of which it does not know yet
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main)

    assert mutex.lock().is_ready()


def test_a_coroutine_that_is_closed_while_it_waits_has_nothing_in_the_end(way):
    make, size = way
    lock, section = make()
    other = lock.write if isinstance(lock, la.ReadWriteLock) else section  # a reader waits for a writer only
    held = size if other is section else 1

    async def main():
        for _ in range(held):
            await other().__aenter__()
        waiting = section().__aenter__()
        waiting.send(None)
        assert "1 waiting" in repr(lock)
        waiting.close()
        assert "0 waiting" in repr(lock)
        for _ in range(held):
            await other().__aexit__(None, None, None)

    before = repr(lock)
    run(main)

    assert repr(lock) == before


def test_readers_behind_a_writer_that_gives_up_are_let_in_at_once():
    rwlock = la.ReadWriteLock()

    async def main():
        async with rwlock.read():
            writer = asyncio.create_task(rwlock.write().__aenter__())
            await settle()
            reader = rwlock.read_lock()
            assert reader.is_pending()
            writer.cancel()
            await settle()
            assert reader.is_ready()
            rwlock.read_unlock()

    run(main)

    assert repr(rwlock) == "<ReadWriteLock, 0 reading, 0 waiting>"


def test_a_section_may_be_kept_and_used_again_by_several_tasks():
    rwlock, log = la.ReadWriteLock(), []
    section = rwlock.write()

    async def visit(n):
        async with section:
            log.append(n)
            await asyncio.sleep(0)
            log.append(n)

    async def main():
        await asyncio.gather(*[visit(n) for n in range(3)])

    run(main)

    assert log == [0, 0, 1, 1, 2, 2]


# Goal: whatever is cancelled and whenever, never more are inside than may be, they enter in order, and in the end the
# lock is free. Method: random histories of tasks that come, are cancelled or are told to leave.
@pytest.mark.parametrize("seed", range(20))
def test_a_random_history_of_cancellations_loses_nothing(way, seed):
    make, size = way
    choose = random.Random(seed)
    lock, section = make()
    before = repr(lock)

    async def main():
        visitors, order = Visitors(section), []
        for _ in range(60):
            action = choose.random()
            if action < 0.4 or not visitors.tasks:
                visitors.start()
            elif action < 0.7:
                choose.choice(visitors.tasks).cancel()
            else:
                leave = choose.choice(visitors.leave)
                if not leave.done():
                    leave.set_result(None)
            for _ in range(choose.randrange(3)):
                await asyncio.sleep(0)
                assert len(visitors.inside) <= size
                order += [n for n in visitors.inside if n not in order]
        for leave in visitors.leave:
            if not leave.done():
                leave.set_result(None)
        await asyncio.gather(*visitors.tasks, return_exceptions=True)
        assert order == sorted(order)
        assert all(task.cancelled() or task.exception() is None for task in visitors.tasks)

    run(main)

    assert repr(lock) == before


def test_tasks_and_threads_exclude_one_another(count, start):
    mutex, inside, met, rounds = la.Mutex(), [], [], count(500)

    def in_a_thread():
        for _ in range(rounds):
            mutex.lock().get(LIMIT)
            inside.append(1)
            met.append(len(inside))
            inside.pop()
            mutex.unlock()

    async def in_a_task():
        for _ in range(rounds):
            async with mutex:
                inside.append(1)
                met.append(len(inside))
                await asyncio.sleep(0)
                inside.pop()

    async def main():
        await asyncio.gather(in_a_task(), in_a_task())

    wait = start(in_a_thread)
    run(main)
    wait()

    assert met == [1] * (3 * rounds)


def test_those_who_gave_up_leave_no_memory(traced_memory, way):
    make, _ = way
    lock, section = make()

    async def give_up(times):
        for _ in range(times):
            task = asyncio.create_task(section().__aenter__())
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        gc.collect()
        return traced_memory()

    async def main():
        if isinstance(lock, la.ReadWriteLock):
            await lock.write_lock()
        elif isinstance(lock, la.Mutex):
            await lock.lock()
        else:
            while lock.acquire().is_ready():
                continue
        before = await give_up(50)
        assert await give_up(500) - before < 50_000

    run(main)


def test_a_limiter_a_latch_and_a_queue_are_awaited_as_any_future(paused):
    limiter, latch, queue = la.RateLimiter(1, 1), la.Latch(), la.Queue()

    async def main():
        loop = asyncio.get_running_loop()
        await limiter.acquire()
        loop.call_soon(paused.clock.advance, 1)
        await limiter.acquire()
        loop.call_soon(latch.trigger)
        await latch.triggered()
        loop.call_soon(queue.put, "a")
        return await queue.get()

    assert run(main) == "a"
