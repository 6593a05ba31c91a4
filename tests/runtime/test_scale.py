"""Scale: actors by the hundred thousand, a queue of ten million events, and the memory back afterwards."""

import gc
import sys

import pytest

import libactor as la

LIMIT = 100  # seconds; a bound on failure
CIRCLE = 256  # small numbers, which Python keeps one object each of: what is measured is the queue


class Counter(la.Actor):
    n = stopped = 0
    wrong = 0

    def add(self):
        self.n += 1
        return self.n

    def check(self, number):
        self.wrong += number != self.n % CIRCLE
        self.n += 1

    def numbers(self):
        return self.n, self.wrong

    def on_exited(self, pid, reason):
        self.stopped += 1

    def watch(self, pids):
        for pid in pids:
            la.link(pid)

    def bear(self, generations):
        child = la.spawn(Counter())
        if generations:
            return la.dispatch(child, Counter.bear, generations - 1)
        return "born"


@pytest.fixture
def blocks():
    """How many blocks of memory Python has given out since the test began."""
    gc.collect()
    before = sys.getallocatedblocks()

    def since():
        gc.collect()
        return sys.getallocatedblocks() - before

    return since


def stop_all(runtime):
    """All at once: close would wait for each before it asks the next."""
    for pid in runtime.pids():
        la.terminate(pid)


def test_a_hundred_thousand_actors_are_spawned_told_watched_and_stopped(count, blocks):
    actors = count(100_000)
    with la.Runtime() as runtime:
        watcher = Counter()
        home = la.spawn(watcher)
        pids = [la.spawn(Counter()) for _ in range(actors)]
        la.dispatch(home, Counter.watch, pids).get(LIMIT)
        for _ in range(2):
            for pid in pids:
                la.tell(pid, Counter.add)
        answers = la.collect([la.dispatch(pid, Counter.add) for pid in pids]).get(LIMIT)

        for pid in pids:
            la.terminate(pid)
        runtime.clock.pause()
        assert runtime.clock.settle(LIMIT)

        assert answers == [3] * actors
        assert runtime.pids() == (home,)
        assert watcher.stopped == actors
    del pids, answers, pid

    assert blocks() < actors  # not one block of each actor is left


def test_a_runtime_closes_with_many_actors_that_have_events_left(count):
    actors = [Counter() for _ in range(count(20_000))]
    with la.Runtime() as runtime:
        for actor in actors:
            la.tell(runtime.spawn(actor), Counter.add)

    assert [actor.n for actor in actors] == [1] * len(actors)


def test_a_queue_of_millions_of_events_is_drained_in_order_and_gives_its_memory_back(runtime, hold, count, blocks):
    events = count(4_000_000)
    pid = la.spawn(Counter())
    opened, _ = hold(pid)

    for number in range(events):
        la.tell(pid, Counter.check, number % CIRCLE)
    queued = blocks()
    opened.set(None)

    assert la.dispatch(pid, Counter.numbers).get(LIMIT) == (events, 0)
    assert blocks() < queued / 100 + 1_000


# Goal: those who wait are told, all of them, when the actor stops in front of its queue.
def test_all_calls_in_the_long_queue_of_an_actor_that_stops_are_abandoned(runtime, hold, count, blocks):
    pid = la.spawn(Counter())
    opened, _ = hold(pid)
    calls = [la.dispatch(pid, Counter.add) for _ in range(count(300_000))]

    la.terminate(pid)
    opened.set(None)

    assert la.wait(pid, LIMIT)
    assert all(call.is_abandoned() for call in calls)
    calls.clear()
    assert blocks() < 1_000


def test_a_hundred_thousand_generations_answer_through_one_another(runtime, count):
    answer = la.dispatch(la.spawn(Counter()), Counter.bear, count(100_000))

    assert answer.get(LIMIT) == "born"
    stop_all(runtime)


def test_a_hundred_thousand_timers_of_as_many_actors_fire_at_once(paused, count):
    actors = [Counter() for _ in range(count(100_000))]
    for actor in actors:
        la.delay(60, la.spawn(actor), Counter.add)

    paused.clock.advance(60)
    assert paused.clock.settle(LIMIT)

    assert sum(actor.n for actor in actors) == len(actors)
    stop_all(paused)
