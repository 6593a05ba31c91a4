"""RunQueue: first in, first out; no wake-up is lost; idle means nothing queued and nobody busy. Run for both cores."""

# When a worker is parked tests learn from the queue itself: a worker is counted busy before its thread starts, so
# wait_idle() answers once it has parked. Timeouts are bounds on failure, or about timeouts.

import functools
import gc
import math
import signal
import sys
import threading
import time
import weakref

import pytest

BOUND_SECONDS = 30
SHORT_SECONDS = 0.01


def park(queue, start, body=None):
    """Start a worker, which pops once or does ``body``, and return when it is parked; the result is its waiter."""
    queue.enter()
    wait = start(body or (lambda: queue.pop(BOUND_SECONDS)))
    assert queue.wait_idle(BOUND_SECONDS)
    return wait


# ---- queue ----


def test_items_leave_in_the_order_they_came(core):
    queue = core.RunQueue()
    for number in range(100):
        queue.push(number)

    assert len(queue) == 100
    assert [queue.pop() for _ in range(100)] == list(range(100))
    assert len(queue) == 0


def test_order_holds_through_bursts_of_every_size(core):
    queue, pushed, popped = core.RunQueue(), 0, 0
    for burst in [*range(40), 257, 1000, 3]:
        for _ in range(burst):
            queue.push(pushed)
            pushed += 1
        for _ in range(burst * 2 // 3):
            assert queue.pop() == popped
            popped += 1

    assert [queue.pop(0) for _ in range(len(queue))] == list(range(popped, pushed))


@pytest.mark.parametrize("timeout", [0, 0.0, -1, -0.5, -math.inf, SHORT_SECONDS, 1e-9])
def test_an_empty_queue_answers_none_after_the_timeout(core, timeout):
    queue = core.RunQueue()
    queue.enter()

    assert queue.pop(timeout) is None

    assert queue.pop(timeout=timeout) is None


def test_a_timeout_is_waited_for(core):
    queue = core.RunQueue()
    queue.enter()
    began = time.monotonic()

    queue.pop(0.05)
    queue.wait_idle(0.05)

    assert time.monotonic() - began >= 0.1


@pytest.mark.parametrize("timeout", [None, math.inf, 1e300, threading.TIMEOUT_MAX, 10**18])
def test_a_huge_timeout_is_no_bound(core, start, timeout):
    queue = core.RunQueue()
    worker = park(queue, start, lambda: queue.pop(timeout))
    waiter = start(lambda: (queue.push("item"), queue.wait_idle(timeout))[1])

    item = worker()
    queue.leave()

    assert item == "item"
    assert waiter() is True


@pytest.mark.parametrize("method", ["pop", "wait_idle"])
@pytest.mark.parametrize("filled", [True, False])
def test_a_timeout_that_is_no_number_is_refused(core, method, filled):
    queue = core.RunQueue()
    queue.enter()
    if filled:
        queue.push("item")

    with pytest.raises(ValueError, match="timeout is NaN, expected seconds or None"):
        getattr(queue, method)(math.nan)
    with pytest.raises(TypeError):
        getattr(queue, method)("soon")

    assert len(queue) == int(filled)


@pytest.mark.parametrize("method", ["pop", "wait_idle"])
def test_wrong_arguments_are_a_type_error(core, method):
    queue = core.RunQueue()

    with pytest.raises(TypeError):
        getattr(queue, method)(0, 0)
    with pytest.raises(TypeError):
        getattr(queue, method)(seconds=0)
    with pytest.raises(TypeError):
        getattr(queue, method)(0, timeout=0)
    with pytest.raises(TypeError):
        queue.push()
    with pytest.raises(TypeError):
        core.RunQueue(1)


# ---- parking ----


def test_a_push_wakes_a_parked_worker(core, start):
    queue = core.RunQueue()
    worker = park(queue, start)

    queue.push("item")

    assert worker() == "item"


def test_the_worker_parked_last_is_woken_first(core, start):
    queue = core.RunQueue()
    workers = [park(queue, start) for _ in range(4)]

    items = []
    for worker in reversed(workers):
        queue.push(object())
        items.append(worker())

    assert None not in items
    assert len(set(items)) == 4


def test_a_push_wakes_one_worker_only(core, start):
    queue = core.RunQueue()
    first, second = park(queue, start), park(queue, start)

    queue.push("one")
    woken = second()
    queue.leave()

    assert woken == "one"
    assert queue.wait_idle(BOUND_SECONDS)  # the first is still parked, and counts as such
    queue.push("two")
    assert first() == "two"


def test_wake_lets_one_worker_look_around(core, start):
    queue = core.RunQueue()
    first, second = park(queue, start), park(queue, start)

    queue.wake()
    answer = second()
    queue.leave()

    assert answer is None
    assert queue.wait_idle(BOUND_SECONDS)
    queue.wake()
    assert first() is None


# Goal: the child of a fork is not held up by a lock that a thread of its parent had. Method: a thread has it for good,
# which only the Python core lets a test do; in C there is none.
def test_an_orphaned_queue_waits_for_no_lock(load_core, start):
    queue = load_core("python").RunQueue()
    taken, gate = threading.Event(), threading.Event()

    def hold():
        with queue._lock:
            taken.set()
            return gate.wait(BOUND_SECONDS)

    held = start(hold)
    assert taken.wait(BOUND_SECONDS)

    queue.orphan()
    queue.wake()

    gate.set()
    assert held()  # it was still there


# Goal: who wakes a worker that has looked and is about to sleep is not overlooked. Method: wake it just then, which the
# Python core lets a test do; in C nothing can come in between.
def test_a_wake_between_the_look_and_the_sleep_is_not_lost(load_core):
    core = load_core("python")

    class Woken(core.RunQueue):
        def _park(self, deadline_ns):
            self.wake()
            super()._park(deadline_ns)

    queue = Woken()
    queue.enter()
    number, deadline = queue.take_charge(), time.monotonic_ns() + BOUND_SECONDS * 10**9

    assert queue.work(number, deadline) == core.LOOK

    assert time.monotonic_ns() < deadline
    queue.close()
    assert queue.work(number, -1) == core.OVER


# Goal: who runs a callback is overtaken late, whoever was overtaken before. Method: the one before comes to his end
# meanwhile. The watch grants 50 looks of 2 ms, and a callback nobody is patient with 2 of them.
def test_the_end_of_a_callback_that_was_overtaken_does_not_hasten_the_next_one(core, together):
    queue = core.RunQueue()
    first, second, done = (threading.Event() for _ in range(3))

    def work(callback):
        queue.enter()
        number = queue.take_charge()
        queue.wake()
        assert queue.work(number, -1) == core.LOOK
        queue.run_watched(callback)
        return queue.work(number, -1)

    def overtaken():
        first.set()
        assert second.wait(BOUND_SECONDS)

    def patient():
        second.set()
        assert done.wait(BOUND_SECONDS)

    def one():
        outcome = work(overtaken)
        queue.push("wanted")
        begin = time.monotonic()
        queue.watch()
        lasted = time.monotonic() - begin
        done.set()
        return outcome, lasted

    def other():
        assert first.wait(BOUND_SECONDS)
        return work(patient)

    (outcome, lasted), last = together(one, other)

    assert (outcome, last) == (core.OVERTAKEN, core.OVERTAKEN)
    assert lasted > 0.06


def test_wake_without_a_parked_worker_is_forgotten(core):
    queue = core.RunQueue()
    queue.enter()

    queue.wake()

    assert queue.pop(SHORT_SECONDS) is None


def test_close_wakes_all_and_pop_no_longer_waits(core, start):
    queue = core.RunQueue()
    workers = [park(queue, start, queue.pop) for _ in range(3)]
    assert queue.closed is False

    queue.close()

    assert [worker() for worker in workers] == [None] * 3
    assert queue.closed is True
    assert queue.pop() is None
    queue.close()


def test_a_closed_queue_hands_out_what_is_left(core):
    queue = core.RunQueue()
    queue.push(1)
    queue.close()
    queue.push(2)

    assert [queue.pop(), queue.pop(), queue.pop()] == [1, 2, None]


def test_closed_cannot_be_set(core):
    with pytest.raises(AttributeError):
        core.RunQueue().closed = True


def test_a_woken_worker_whose_item_was_taken_returns_without(core, start):
    queue = core.RunQueue()
    gate = threading.Event()
    worker = park(queue, start)

    # The switch interval is far longer than these two calls, so the woken worker has not run between them. Should it
    # have, the item is its own, and both answers below are still consistent.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(10)
    try:
        queue.push("item")
        mine = queue.pop(0)
    finally:
        sys.setswitchinterval(interval)
    gate.set()

    assert sorted([str(worker()), str(mine)]) == ["None", "item"]


def test_a_worker_that_timed_out_is_not_woken_any_more(core, start):
    queue = core.RunQueue()
    first = park(queue, start)
    queue.enter()
    assert queue.pop(SHORT_SECONDS) is None  # parked after the first, and gone again

    queue.push("item")

    assert first() == "item"


# Goal: leaving the list of the parked works at its head, in its middle and at its end. Method: three that time out in
# each order, beside one that stays.
@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_workers_time_out_from_any_place_in_the_list(core, start, order):
    queue = core.RunQueue()
    stays = park(queue, start)
    timeouts = [SHORT_SECONDS * (1 + order.index(place)) for place in range(3)]
    for _ in range(3):
        queue.enter()
    leavers = [start(functools.partial(queue.pop, timeout)) for timeout in timeouts]

    assert [leaver() for leaver in leavers] == [None] * 3

    queue.push("item")
    assert stays() == "item"


# ---- busy ----


def test_a_new_queue_is_idle(core):
    assert core.RunQueue().wait_idle(0) is True


def test_a_queued_item_or_a_busy_worker_is_not_idle(core):
    queue = core.RunQueue()
    queue.push("item")
    answers = [queue.wait_idle(0)]
    queue.enter()
    queue.pop()
    answers.append(queue.wait_idle(SHORT_SECONDS))
    queue.leave()
    answers.append(queue.wait_idle(0))

    assert answers == [False, False, True]


@pytest.mark.parametrize("timeout", [0, -1, -0.5, -math.inf])
def test_wait_idle_without_time_answers_at_once(core, timeout):
    queue = core.RunQueue()
    queue.enter()

    assert queue.wait_idle(timeout) is False

    queue.leave()
    assert queue.wait_idle(timeout) is True


def test_the_last_worker_to_leave_releases_all_who_wait(core, start):
    queue = core.RunQueue()
    queue.enter()
    queue.enter()
    entered = threading.Barrier(4)

    def wait():
        entered.wait(BOUND_SECONDS)
        return queue.wait_idle(BOUND_SECONDS)

    waiters = [start(wait) for _ in range(3)]
    entered.wait(BOUND_SECONDS)
    queue.leave()
    assert queue.wait_idle(0) is False
    queue.leave()

    assert [waiter() for waiter in waiters] == [True] * 3


def test_the_last_worker_to_park_releases_who_waits(core, start):
    queue = core.RunQueue()
    queue.enter()
    waiter = start(lambda: queue.wait_idle(BOUND_SECONDS))

    worker = start(lambda: queue.pop(BOUND_SECONDS))

    assert waiter() is True
    queue.push("item")
    assert worker() == "item"


def test_a_woken_worker_is_busy_from_the_push_on(core, start):
    queue = core.RunQueue()
    worker = park(queue, start)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(10)
    try:
        queue.wake()
        idle = queue.wait_idle(0)
    finally:
        sys.setswitchinterval(interval)
    worker()

    assert idle is False


def test_a_worker_is_busy_again_after_a_timeout(core):
    queue = core.RunQueue()
    queue.enter()
    queue.pop(SHORT_SECONDS)

    assert queue.wait_idle(0) is False

    queue.leave()
    assert queue.wait_idle(0) is True


def test_leaving_while_items_wait_is_not_idle(core):
    queue = core.RunQueue()
    queue.enter()
    queue.push("item")

    queue.leave()

    assert queue.wait_idle(0) is False


# ---- threads ----


# Goal: no item is lost or served twice, and nobody waits for ever, however parking, timeouts and pushes mix.
# Method: workers with all kinds of patience against several producers; the end is told through the queue itself.
@pytest.mark.parametrize(("workers", "producers"), [(1, 1), (1, 4), (4, 1), (4, 4)])
def test_no_wake_up_is_lost(core, start, workers, producers):
    queue, count = core.RunQueue(), core.count(200_000) // producers
    patience = [None, BOUND_SECONDS, 0.0001, 0]

    def work(number):
        served = []
        while not (queue.closed and len(queue) == 0):
            item = queue.pop(patience[number % 4])
            if item is not None:
                served.append(item)
        queue.leave()
        return served

    def produce(first):
        for number in range(first, count * producers, producers):
            queue.push(number)

    for _ in range(workers):
        queue.enter()
    served = [start(functools.partial(work, number)) for number in range(workers)]
    for wait in [start(functools.partial(produce, first)) for first in range(producers)]:
        wait()
    queue.close()

    assert sorted(item for wait in served for item in wait()) == list(range(count * producers))
    assert queue.wait_idle(BOUND_SECONDS) is True


# Goal: ping-pong parks and wakes at each step, so that one lost wake-up stops it. Method: two queues, many rounds.
def test_two_workers_hand_an_item_to_and_fro(core, together):
    there, back, rounds = core.RunQueue(), core.RunQueue(), core.count(20_000)

    def serve():
        there.enter()
        for _ in range(rounds):
            back.push(there.pop())

    def ask():
        back.enter()
        for number in range(rounds):
            there.push(number)
            assert back.pop() == number

    together(serve, ask)

    assert len(there) == len(back) == 0


def test_idle_is_never_told_too_early(core, start):
    queue, rounds, done = core.RunQueue(), core.count(5_000), []

    def work():
        while (steps := queue.pop()) is not None:
            if steps:
                queue.push(steps - 1)
            else:
                done.append(True)
        queue.leave()

    for _ in range(2):
        queue.enter()
    workers = [start(work) for _ in range(2)]
    counts = []
    for _ in range(rounds):
        queue.push(3)
        queue.push(3)
        assert queue.wait_idle(BOUND_SECONDS)
        counts.append(len(done))
    queue.close()
    for worker in workers:
        worker()

    assert counts == list(range(2, 2 * rounds + 1, 2))


# ---- signals ----


class Stop(BaseException):
    """What the handler of the tests below raises."""


def stop():
    raise Stop


# Goal: Ctrl-C ends a wait. Method: SIGINT from a handler of the alarm, because the alarm rings again should it come
# just before the thread sleeps.
@pytest.mark.real
@pytest.mark.parametrize("method", ["wait_idle", "pop"])
def test_ctrl_c_ends_a_wait_in_the_main_thread(core, alarm, method):
    queue = core.RunQueue()
    queue.enter()
    queue.enter()
    alarm(lambda: None, lambda: signal.raise_signal(signal.SIGINT))

    with pytest.raises(KeyboardInterrupt):
        getattr(queue, method)(BOUND_SECONDS)

    queue.leave()
    queue.leave()
    assert queue.wait_idle(0) is True


@pytest.mark.real
@pytest.mark.parametrize("method", ["wait_idle", "pop"])
def test_a_wait_goes_on_after_a_signal_until_a_handler_raises(core, alarm, method):
    queue, rings = core.RunQueue(), []
    queue.enter()
    queue.enter()
    alarm(lambda: rings.append(1), lambda: rings.append(2), stop)

    with pytest.raises(Stop):
        getattr(queue, method)(BOUND_SECONDS)

    assert rings == [1, 2]
    queue.leave()
    queue.leave()
    assert queue.wait_idle(0) is True


@pytest.mark.real
@pytest.mark.parametrize("method", ["wait_idle", "pop"])
def test_signals_do_not_prolong_a_timeout(core, alarm, method):
    queue = core.RunQueue()
    queue.enter()
    queue.enter()
    began = time.monotonic()
    alarm(*[lambda: None] * 1000)

    answer = getattr(queue, method)(0.1)

    assert answer in (False, None)
    assert 0.1 <= time.monotonic() - began < BOUND_SECONDS  # the alarm rings on for ever


@pytest.mark.real
def test_a_handler_may_push_for_the_worker_it_interrupts(core, alarm):
    queue = core.RunQueue()
    queue.enter()
    alarm(lambda: queue.push("from the handler"))

    assert queue.pop(BOUND_SECONDS) == "from the handler"


# Goal: a wake-up is not lost with the worker that got it. Method: the handler pushes, which wakes the interrupted
# worker as the one parked last, and then raises; the other worker must hear of the item.
@pytest.mark.real
def test_an_interrupted_worker_hands_its_wake_up_on(core, start, alarm):
    queue = core.RunQueue()
    other = park(queue, start)
    queue.enter()
    alarm(lambda: (queue.push("item"), stop()))

    with pytest.raises(Stop):
        queue.pop(BOUND_SECONDS)

    assert other() == "item"
    queue.leave()
    queue.leave()
    assert queue.wait_idle(0) is True


@pytest.mark.real
def test_a_signal_handler_may_push_within_any_operation(core, alarm):
    queue, rings, popped = core.RunQueue(), [], []
    queue.enter()
    alarm(*[lambda: (queue.push("signal"), rings.append(queue.wait_idle(0)))] * 300, seconds=0.0001)

    while len(rings) < 300:
        queue.push("direct")
        popped.append(queue.pop(0))
        queue.wake()
    popped.extend(queue.pop(0) for _ in range(len(queue)))

    assert popped.count("signal") == 300
    assert not any(rings)


# ---- memory ----


class Finalized:
    """An item that calls ``at_end`` when it goes away."""

    def __init__(self, at_end):
        self.at_end = at_end

    def __del__(self):
        self.at_end()


# Goal: a finalizer that the collector runs in the middle of an operation may push. Method: collect at every allocation
# while garbage with such finalizers is made.
def test_the_collector_may_run_finalizers_within_any_operation(core, start):
    queue, popped = core.RunQueue(), []

    def operate():
        queue.enter()
        for _ in range(300):
            garbage = Finalized(lambda: queue.push("from a finalizer"))
            garbage.itself = garbage
            del garbage
            queue.push("direct")
            popped.append(queue.pop(0))
            popped.append(queue.pop(1e-6))
            queue.wait_idle(0)

    threshold = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        start(operate)()
    finally:
        gc.set_threshold(*threshold)
    gc.collect()
    popped.extend(queue.pop(0) for _ in range(len(queue)))

    assert popped.count("direct") == popped.count("from a finalizer") == 300


def test_items_go_down_with_their_queue_and_may_use_it(core):
    queue, ended = core.RunQueue(), []
    for number in range(5):
        queue.push(Finalized(functools.partial(ended.append, number)))

    del queue

    assert ended == list(range(5))


def test_the_collector_finds_cycles_through_items(core):
    class Item:
        pass

    item = Item()
    item.queue = core.RunQueue()
    item.queue.push(item)
    reference = weakref.ref(item)

    del item
    gc.collect()

    assert reference() is None


@pytest.mark.parametrize("core", ["c"], indirect=True)
def test_a_queue_gives_back_what_a_burst_took(core, traced_memory):
    queue = core.RunQueue()
    queue.push(None)
    before = traced_memory()

    for _ in range(100_000):
        queue.push(None)
    full = traced_memory() - before
    for _ in range(100_001):
        queue.pop(0)
    drained = traced_memory() - before

    assert full >= 100_000 * 8
    assert drained <= 1024
