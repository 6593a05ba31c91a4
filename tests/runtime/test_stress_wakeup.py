"""Stress: no wake-up is lost between senders and workers that go to sleep, and settle is neither early nor late."""

# Each round sends to an actor whose worker is just about to park, or has just parked: the sender waits for the round
#   before, and then a random moment. A wake-up that is lost shows as a wait that reaches its limit.

import queue
import random
import threading

import pytest

import libactor as la

LIMIT = 60  # seconds; a bound on failure


class Counter(la.Actor):
    def __init__(self):
        super().__init__()
        self.n = 0

    def add(self):
        self.n += 1

    def add_and_answer(self):
        self.n += 1
        return self.n

    def add_and_put(self, into):
        self.n += 1
        into.value.put(self.n)

    def pass_on(self, ring, rounds, into):
        self.n += 1
        if rounds:
            la.tell(ring[rounds % len(ring)], Counter.pass_on, ring, rounds - 1, into)
        else:
            into.value.put("round")

    def add_after(self, future):
        self.n += future.get(LIMIT)


def linger(choice):
    """Let a random moment pass, as long as a worker takes to fall asleep."""
    for _ in range(choice.choice([0, 0, 1, 10, 100, 1_000])):
        choice.random()


@pytest.mark.usefixtures("switching")
@pytest.mark.parametrize("senders", [1, 3])
def test_no_tell_is_slept_over_however_it_meets_a_parking_worker(runtime, together, count, senders):
    pids = [la.spawn(Counter()) for _ in range(senders)]

    def send(pid, seed):
        choice, arrivals = random.Random(seed), queue.SimpleQueue()
        for number in range(1, count(40_000) // senders + 1):
            la.tell(pid, Counter.add_and_put, la.Shared(arrivals))
            assert arrivals.get(timeout=LIMIT) == number
            if number % 7 == 0:
                linger(choice)

    together(*[lambda pid=pid, seed=seed: send(pid, seed) for seed, pid in enumerate(pids)])


@pytest.mark.usefixtures("switching")
@pytest.mark.parametrize("helping", [True, False])
def test_no_ask_is_slept_over_with_helping_and_without(together, count, helping):
    with la.Runtime(helping=helping) as runtime:
        pids = [runtime.spawn(Counter()) for _ in range(3)]

        def ask(seed):
            choice = random.Random(seed)
            for _ in range(count(8_000)):
                assert la.dispatch(choice.choice(pids), Counter.add_and_answer).get(LIMIT) > 0
                if choice.random() < 0.1:
                    linger(choice)

        together(*[lambda seed=seed: ask(seed) for seed in range(3)])

        total = sum(la.dispatch(pid, Counter.add_and_answer).get(LIMIT) for pid in pids)

    assert total == 3 * count(8_000) + 3


def test_messages_between_two_runtimes_wake_one_another_for_ever(count):
    arrivals = queue.SimpleQueue()
    with la.Runtime() as one, la.Runtime() as two:
        ring = [one.spawn(Counter()), two.spawn(Counter())]

        la.tell(ring[0], Counter.pass_on, ring, count(60_000), la.Shared(arrivals))

        assert arrivals.get(timeout=LIMIT) == "round"


def test_bursts_of_all_sizes_from_several_threads_are_all_served(runtime, together, count):
    pid, arrivals = la.spawn(Counter()), queue.SimpleQueue()

    def send(seed):
        choice = random.Random(seed)
        for _ in range(count(200)):
            for _ in range(choice.choice([1, 2, 3, 255, 256, 257, 700])):
                la.tell(pid, Counter.add)
            la.dispatch(pid, Counter.add_and_answer).get(LIMIT)

    sizes = [random.Random(seed) for seed in range(3)]
    expected = sum(sum(1 + size.choice([1, 2, 3, 255, 256, 257, 700]) for _ in range(count(200))) for size in sizes)
    together(*[lambda seed=seed: send(seed) for seed in range(3)])
    la.tell(pid, Counter.add_and_put, la.Shared(arrivals))

    assert arrivals.get(timeout=LIMIT) == expected + 1


# Goal: when settle returns, all that was sent before it was called has been served, and what that sent in turn.
# Method: several threads send, settle and look at once; meanwhile others ask, and by that may serve actors themselves.
@pytest.mark.usefixtures("switching")
def test_settle_returns_when_all_is_served_and_not_before(paused, together, count):
    ended = threading.Event()

    def send_and_settle(seed):
        choice, mine, expected = random.Random(seed), Counter(), 0
        ring = [paused.spawn(mine)]
        nobody = la.Shared(queue.SimpleQueue())
        for _ in range(count(1_000)):
            hops = choice.choice([0, 0, 1, 3, 300])
            la.tell(ring[0], Counter.pass_on, ring, hops, nobody)
            expected += hops + 1
            assert paused.clock.settle(LIMIT)
            assert mine.n == expected

    def ask():
        pid, rounds = paused.spawn(Counter()), 0
        while not ended.is_set():
            rounds += 1
            assert la.dispatch(pid, Counter.add_and_answer).get(LIMIT) == rounds
            ended.wait(0.0001)  # settle needs a moment in which nobody asks

    def users():
        try:
            together(*[lambda seed=seed: send_and_settle(seed) for seed in range(3)])
        finally:
            ended.set()

    together(users, ask)


def test_settle_covers_handlers_whose_wait_just_ended(paused, count):
    actors = [Counter() for _ in range(5)]
    pids = [la.spawn(actor) for actor in actors]

    for rounds in range(1, count(1_000) + 2):
        promise = la.Promise()
        for pid in pids:
            la.tell(pid, Counter.add_after, promise.future)
        assert paused.clock.settle(LIMIT)
        promise.set(1)
        assert paused.clock.settle(LIMIT)

        assert [actor.n for actor in actors] == [rounds] * 5


def test_settle_covers_what_timers_set_off(paused, count):
    actor = Counter()
    pid = la.spawn(actor)

    for rounds in range(1, count(3_000) + 2):
        la.delay(1, pid, Counter.add)
        paused.clock.advance(1)
        assert paused.clock.settle(LIMIT)

        assert actor.n == rounds
