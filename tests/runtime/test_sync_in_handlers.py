"""`async with` of the locks in handlers that await: what is entered is left, also by an actor that is terminated."""

import random

import pytest

import libactor as la

LIMIT = 30


class Visitor(la.Actor):
    def __init__(self):
        super().__init__()
        self.log = []

    async def visit(self, section, name, gate):
        async with section:
            self.log.append(f"{name} in")
            await gate
            self.log.append(f"{name} out")
        return name

    async def take(self, queue, limiter):
        await limiter.acquire()
        return await queue.get()

    def seen(self):
        return self.log


# name: what makes a lock, how to ask for it and how to give it back.
LOCKS = {
    "mutex": (la.Mutex, la.Mutex.lock, la.Mutex.unlock),
    "semaphore": (la.Semaphore, la.Semaphore.acquire, la.Semaphore.release),
}


@pytest.fixture(params=LOCKS)
def way(request):
    make, ask, give_back = LOCKS[request.param]
    lock = make()
    return lock, lambda: ask(lock), lambda: give_back(lock)


def test_handlers_of_one_actor_and_of_others_go_through_one_at_a_time(paused, way):
    lock, _, _ = way
    pids = [la.spawn(Visitor()) for _ in range(2)]
    gates = [la.Promise() for _ in range(3)]
    asked = []
    for n in range(3):
        asked.append(la.dispatch(pids[n % 2], Visitor.visit, lock, n, gates[n].future))
        paused.clock.settle()  # so that they come to the lock in this order, whichever workers the actors are run by

    for n in (2, 1, 0):  # the last one's gate first: it does not help him
        gates[n].set(None)
        paused.clock.settle()
        assert [future.is_pending() for future in asked] == ([True] * 3 if n else [False] * 3)

    assert [future.get(LIMIT) for future in asked] == [0, 1, 2]
    assert la.dispatch(pids[0], Visitor.seen).get(LIMIT) == ["0 in", "0 out", "2 in", "2 out"]
    assert "0 waiting" in repr(lock)


# Goal: whatever an actor held or waited for is free when it is gone. Method: terminate it inside, then in the line.
@pytest.mark.parametrize("inside", [True, False])
def test_an_actor_that_is_terminated_keeps_nothing(paused, way, inside):
    lock, ask, give_back = way
    pid, gate = la.spawn(Visitor()), la.Promise()
    assert inside or ask().is_ready()
    visit = la.dispatch(pid, Visitor.visit, lock, 1, gate.future)
    paused.clock.settle()

    la.terminate(pid)
    la.wait(pid, LIMIT)
    assert "0 waiting" in repr(lock)
    if not inside:
        give_back()

    assert ask().is_ready()
    assert not visit.is_ready()


# A lock does not hear the discard, and comes in its turn; a permit is given up, which ends the handler.
def test_a_discarded_call_that_waits_keeps_nothing_in_the_end(paused, way):
    lock, ask, give_back = way
    pid, gate = la.spawn(Visitor()), la.ready(None)
    assert ask().is_ready()
    visit = la.dispatch(pid, Visitor.visit, lock, 1, gate)
    paused.clock.settle()

    visit.discard()
    paused.clock.settle()
    assert visit.is_discarded() == isinstance(lock, la.Semaphore)
    give_back()
    paused.clock.settle()

    assert not visit.is_pending()
    assert ask().is_ready()


# Goal: no end of an actor, wherever its handlers stand, keeps a lock. Method: random histories of visits, gates that
# open, discards and terminations.
@pytest.mark.parametrize("seed", range(10))
def test_a_random_history_of_terminations_loses_nothing(paused, way, seed):
    lock, ask, _ = way
    choose, gates, visits = random.Random(seed), [], []
    pids = [la.spawn(Visitor()) for _ in range(8)]
    for n in range(60):
        action = choose.random()
        if action < 0.5:
            gates.append(la.Promise())
            visits.append(la.dispatch(choose.choice(pids), Visitor.visit, lock, n, gates[-1].future))
        elif action < 0.75 and gates:
            choose.choice(gates).set(None)
        elif action < 0.9 and visits:
            choose.choice(visits).discard()
        elif action < 0.95:
            la.terminate(choose.choice(pids))
        if choose.random() < 0.5:
            paused.clock.settle()
    for gate in gates:
        gate.set(None)
    paused.clock.settle()

    assert "0 waiting" in repr(lock)
    assert ask().is_ready()
    assert not any(visit.is_pending() and not visit.is_abandoned() for visit in visits)


def test_a_handler_awaits_a_limiter_and_a_queue(paused):
    queue, limiter = la.Queue(), la.RateLimiter(1, 1)
    pid = la.spawn(Visitor())
    asked = [la.dispatch(pid, Visitor.take, queue, limiter) for _ in range(3)]
    for n in range(3):
        queue.put(n)
    paused.clock.settle()

    assert [future.is_ready() for future in asked] == [True, False, False]
    for _ in range(2):
        paused.clock.advance(1)
        paused.clock.settle()

    assert [future.get(LIMIT) for future in asked] == [0, 1, 2]
