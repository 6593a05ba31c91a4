"""Handlers that wait: others are served meanwhile, chains of waits do not deadlock, and there is a bound."""

import itertools
import random
import threading

import pytest

import libactor as la
from libactor.worker import BLOCKED_MAX, Workers

LIMIT = 30


class Link(la.Actor):
    """Asks the next one, and waits for the answer."""

    def __init__(self, following=None):
        super().__init__()
        self.following = following

    def depth(self):
        return 1 if self.following is None else 1 + la.dispatch(self.following, Link.depth).get(LIMIT)

    def wait_for(self, future):
        return future.get(LIMIT)

    def answer(self):
        return "answer"


def chain(length):
    pid = None
    for _ in range(length):
        pid = la.spawn(Link(pid))
    return pid


def test_fifty_actors_may_wait_for_one_another(runtime):
    assert la.dispatch(chain(50), Link.depth).get(LIMIT) == 50


def test_many_such_chains_may_run_at_once(runtime, together):
    ends = [chain(20) for _ in range(8)]

    answers = together(*[lambda end=end: la.dispatch(end, Link.depth).get(LIMIT) for end in ends])

    assert answers == [20] * 8


# LP ProcessTest.Donate
def test_an_actor_may_wait_for_one_it_has_just_spawned_to_stop(runtime):
    def raise_and_bury():
        child = la.spawn(Link())
        la.terminate(child)
        return la.wait(child, LIMIT)

    assert la.execute(la.spawn(Link()), raise_and_bury).get(LIMIT) is True


def test_while_a_handler_waits_others_are_served_and_its_own_actor_is_not(runtime):
    promise, pid, other = la.Promise(), la.spawn(Link()), la.spawn(Link())
    waiting = la.dispatch(pid, Link.wait_for, promise.future)
    queued = la.dispatch(pid, Link.answer)

    assert la.dispatch(other, Link.answer).get(LIMIT) == "answer"
    assert queued.is_pending()
    promise.set("done")

    assert (waiting.get(LIMIT), queued.get(LIMIT)) == ("done", "answer")


def test_a_wait_in_a_handler_ends_in_time_though_nobody_answers(runtime):
    promise = la.Promise()
    future = la.execute(la.spawn(Link()), lambda: promise.future.get(0.001))

    with pytest.raises(TimeoutError):
        future.get(LIMIT)


def test_timers_fire_while_a_handler_waits(runtime):
    promise = la.Promise()

    def wait():
        runtime.clock.timer(0.001, lambda: promise.set("fired"))
        return promise.future.get(LIMIT)

    assert la.execute(la.spawn(Link()), wait).get(LIMIT) == "fired"


@pytest.mark.parametrize("extra", [0, 1])
def test_as_many_handlers_may_wait_as_the_bound_says_and_not_one_more(paused, extra):
    promise = la.Promise()
    waiting = [la.dispatch(la.spawn(Link()), Link.wait_for, promise.future) for _ in range(BLOCKED_MAX + extra)]
    assert paused.clock.settle(LIMIT)

    refused = [future for future in waiting if future.is_failed()]

    assert len(refused) == extra
    assert all(isinstance(future.exception(), la.TooManyBlockedHandlers) for future in refused)
    promise.set("done")
    assert [future.get(LIMIT) for future in waiting if future not in refused] == ["done"] * BLOCKED_MAX


# Goal: a wait that cannot be made because no thread can be started is an error, and spoils nothing. Method: more
# handlers wait than there are threads to go on.
def test_a_wait_for_which_no_thread_can_be_started_is_an_error(paused, monkeypatch):
    promise = la.Promise()

    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    pids = [la.spawn(Link()) for _ in range(paused.workers.threads + 1)]
    waiting = [la.dispatch(pid, Link.wait_for, promise.future) for pid in pids]
    assert paused.clock.settle(LIMIT)
    monkeypatch.undo()

    refused = [str(future.exception()) for future in waiting if future.is_failed()]
    assert refused == ["can't start new thread"] * max(1, len(refused))
    again = la.dispatch(pids[0], Link.wait_for, promise.future)
    assert paused.clock.settle(LIMIT)
    promise.set("done")
    assert again.get(LIMIT) == "done"
    assert paused.clock.settle(LIMIT)
    assert paused.workers.blocked == 0
    assert [la.dispatch(pid, Link.depth).get(LIMIT) for pid in pids] == [1] * len(pids)


# Goal: settle overlooks nobody who has something to do. Method: a handler stops just before it stands with the future
# it waits for, when that may be complete already.
def test_a_handler_counts_as_busy_until_it_can_be_woken(paused, monkeypatch):
    promise, idle = la.Promise(), []
    subscribe = la.Future._subscribe

    def look_and_subscribe(future, *arguments):
        if future is waited:
            idle.append(paused.queue.wait_idle(0.05))
        return subscribe(future, *arguments)

    waited = promise.future
    pid = la.spawn(Link())
    monkeypatch.setattr(la.Future, "_subscribe", look_and_subscribe)
    waiting = la.execute(pid, lambda: waited.get(LIMIT))
    assert paused.clock.settle(LIMIT)
    promise.set("done")

    assert waiting.get(LIMIT) == "done"
    assert set(idle) == {False}


# Goal: however many handlers waited at once, one worker goes on. Method: count those that have come to rest, however
# long the machine lets them stand on their way.
def test_after_many_waits_one_worker_goes_on_and_the_others_rest(monkeypatch):
    resting, arrived, rest = set(), threading.Semaphore(0), Workers._rest

    def rest_and_tell(workers, own):
        resting.add(own)
        arrived.release()
        try:
            return rest(workers, own)
        finally:
            resting.discard(own)

    monkeypatch.setattr(Workers, "_rest", rest_and_tell)
    with la.Runtime() as runtime:
        runtime.clock.pause()
        promise = la.Promise()
        waiting = [la.dispatch(la.spawn(Link()), Link.wait_for, promise.future) for _ in range(20)]
        assert runtime.clock.settle(LIMIT)
        promise.set(1)
        la.collect(waiting).get(LIMIT)
        assert runtime.clock.settle(LIMIT)

        for _ in range(50):
            la.dispatch(la.spawn(Link()), Link.answer).get(LIMIT)
        assert runtime.clock.settle(LIMIT)

        while len(resting) < runtime.workers.threads - 1:
            assert arrived.acquire(timeout=LIMIT), f"{len(resting)} of {runtime.workers.threads} rest"
        assert runtime.workers.threads < 50  # 20 that waited, few more if the machine let one stand: not one a call


def test_rounds_of_waits_use_the_same_threads_again(paused):
    end = chain(10)
    for _ in range(30):
        assert la.dispatch(end, Link.depth).get(LIMIT) == 10

    assert paused.clock.settle(LIMIT)
    assert len(paused.workers._threads) <= 20


def test_an_actor_is_served_by_one_thread_at_a_time(runtime, count, together):
    class Careful(la.Actor):
        def __init__(self):
            super().__init__()
            self.inside = self.overlaps = 0

        def visit(self, other):
            self.inside += 1
            self.overlaps += self.inside > 1
            la.dispatch(other, Link.answer).get(LIMIT)
            self.inside -= 1

    careful, other, barrier = Careful(), la.spawn(Link()), threading.Barrier(4)
    pid = la.spawn(careful)

    def visit():
        barrier.wait(LIMIT)
        la.collect([la.dispatch(pid, Careful.visit, other) for _ in range(count(1_000) + 5)]).get(LIMIT)

    together(*[visit] * 4)

    assert careful.overlaps == 0


# Goal: no wake-up is lost between threads that ask, handlers that wait and workers that rest.
def test_actors_that_ask_one_another_at_random_all_get_their_answers(runtime, count, together):
    class Asker(la.Actor):
        def ask(self, pids):
            if not pids:
                return 1
            return 1 + la.dispatch(pids[0], Asker.ask, pids[1:]).get(LIMIT)

    ranks = [[la.spawn(Asker()) for _ in range(3)] for _ in range(6)]  # who is asked is of a higher rank: no deadlock

    def ask(seed):
        choice = random.Random(seed)
        for _ in range(count(300) + 3):
            path = tuple(choice.choice(rank) for rank in ranks if choice.random() < 0.7)
            first, rest = (path[0], path[1:]) if path else (ranks[-1][0], ())
            assert la.dispatch(first, Asker.ask, rest).get(LIMIT) == len(rest) + 1

    together(*[lambda seed=seed: ask(seed) for seed in range(4)])

    assert la.collect([la.dispatch(pid, Asker.ask, ()) for pid in itertools.chain(*ranks)]).get(LIMIT) == [1] * 18
