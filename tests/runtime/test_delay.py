"""Delay: not early, not late, in order, cancelled without a trace. All on the virtual clock but one."""

import threading

import pytest

import libactor as la
from libactor._core.clock import COMPACT_AT

LIMIT = 30


class Diary(la.Actor):
    def __init__(self):
        super().__init__()
        self.lines = []

    def write(self, line):
        self.lines.append(line)

    def read(self):
        return tuple(self.lines)


@pytest.fixture
def pid(paused):
    return la.spawn(Diary())


def read(pid):
    return la.dispatch(pid, Diary.read).get(LIMIT)


# LP ProcessTest.Delay
# Goal: neither early nor late. Method: stop 1 ns short of the deadline, then step over it.
def test_a_delayed_call_comes_at_its_deadline_and_not_before(paused, pid):
    la.delay(5, pid, Diary.write, "now")

    paused.clock.advance(5 - 1e-9)
    assert paused.clock.settle(LIMIT)
    assert read(pid) == ()

    paused.clock.advance(1e-9)
    assert paused.clock.settle(LIMIT)
    assert read(pid) == ("now",)


def test_delayed_calls_come_in_order_of_deadline_and_then_of_creation(paused, pid):
    for seconds, line in [(3, "c"), (1, "a"), (2, "b1"), (2, "b2"), (0, "0")]:
        la.delay(seconds, pid, Diary.write, line)

    paused.clock.advance(10)
    paused.clock.settle(LIMIT)

    assert read(pid) == ("0", "a", "b1", "b2", "c")


def test_a_cancelled_call_does_not_come_and_is_cancelled_once(paused, pid):
    timer = la.delay(1, pid, Diary.write, "no")

    assert timer.pending
    assert timer.cancel()
    assert not timer.cancel()
    assert not timer.pending

    paused.clock.advance(1)
    paused.clock.settle(LIMIT)
    assert read(pid) == ()


def test_a_call_that_has_come_cannot_be_cancelled(paused, pid):
    timer = la.delay(1, pid, Diary.write, "yes")
    paused.clock.advance(1)

    assert not timer.pending
    assert not timer.cancel()


def test_a_handler_that_delays_itself_ticks_once_a_period(paused):
    class Ticker(la.Actor):
        ticks = 0

        def on_start(self):
            la.delay(1, self.pid, Ticker.tick)

        def tick(self):
            self.ticks += 1
            la.delay(1, self.pid, Ticker.tick)

        def read(self):
            return self.ticks

    pid = la.spawn(Ticker())
    paused.clock.settle(LIMIT)
    for _ in range(10):
        paused.clock.advance(1)
        paused.clock.settle(LIMIT)

    assert la.dispatch(pid, Ticker.read).get(LIMIT) == 10


def test_arguments_are_those_of_the_moment_of_the_delay(paused, pid):
    line = ["a"]
    la.delay(1, pid, Diary.write, line)
    line.append("b")
    paused.clock.advance(1)
    paused.clock.settle(LIMIT)

    assert read(pid) == (["a"],)


@pytest.mark.parametrize("seconds", [-1, -1e-12, float("nan")])
def test_a_time_that_is_none_is_refused(pid, seconds):
    with pytest.raises(ValueError, match="expected a number of seconds"):
        la.delay(seconds, pid, Diary.write, "no")


def test_an_infinite_delay_is_no_error_and_does_not_come(paused, pid):
    timer = la.delay(float("inf"), pid, Diary.write, "no")
    paused.clock.advance(1e9)

    assert timer.pending


def test_what_cannot_be_delayed_is_refused_at_once(pid):
    with pytest.raises(la.NotPassable):
        la.delay(1, pid, Diary.write, object())
    with pytest.raises(TypeError, match="delay: "):
        la.delay(1, pid, len)


def test_a_call_delayed_for_a_stopped_actor_is_a_dead_letter(paused, pid):
    la.delay(1, pid, Diary.write, "late")
    la.terminate(pid)
    la.wait(pid, LIMIT)

    paused.clock.advance(1)

    assert paused.dead_letters == 1


def test_many_timers_fire_all_and_in_order(paused, pid, count):
    size = count(100_000)
    for n in range(size):
        la.delay((n * 7919 % size) / 1000, pid, Diary.write, n * 7919 % size)

    paused.clock.advance(size)
    paused.clock.settle(LIMIT)

    assert read(pid) == tuple(range(size))


# Goal: a program that sets and cancels for ever does not grow.
def test_cancelled_timers_leave_the_heap(paused, pid):
    kept = la.delay(50, pid, Diary.write, "kept")
    for _ in range(100 * COMPACT_AT):
        la.delay(10, pid, Diary.write, "no").cancel()

    assert len(paused.clock._heap) <= 2 * COMPACT_AT
    paused.clock.advance(50)
    paused.clock.settle(LIMIT)
    assert not kept.pending
    assert read(pid) == ("kept",)


def test_on_a_running_clock_a_delayed_call_wakes_a_parked_worker(runtime):
    done = threading.Event()

    class Waiter(la.Actor):
        def wake(self):
            done.set()

    before = runtime.clock.now()
    la.delay(0.01, la.spawn(Waiter()), Waiter.wake)

    assert done.wait(LIMIT)
    assert runtime.clock.now() - before >= 0.01


# Goal: no worker sleeps past a timer. Method: set one in the moment between its look at the clock and its sleep.
def test_a_timer_set_while_the_worker_goes_to_sleep_is_not_slept_over(runtime):
    done, set_one = threading.Event(), threading.Event()
    original = runtime.clock.next_deadline

    def next_deadline():
        timeout = original()
        if not set_one.is_set():
            set_one.set()
            runtime.clock.timer(0, done.set)
        return timeout

    runtime.clock.next_deadline = next_deadline
    runtime.queue.wake()

    assert done.wait(LIMIT)


# Goal: as above, with two workers. Method: while A's handler waits, B's worker falls asleep; A sets a timer and ends.
def test_a_timer_set_by_a_handler_that_had_waited_fires(runtime):
    done, promise = threading.Event(), la.Promise()

    class Waiter(la.Actor):
        def run(self):
            promise.future.get(LIMIT)
            la.delay(0.001, self.pid, Waiter.wake)

        def wake(self):
            done.set()

    la.tell(la.spawn(Waiter()), Waiter.run)
    runtime.clock.pause()
    assert runtime.clock.settle(LIMIT)
    runtime.clock.resume()
    promise.set(None)

    assert done.wait(LIMIT)


class Runner(la.Actor):
    """Keeps itself and the next one busy until told to stop."""

    def __init__(self, done):
        super().__init__()
        self.done = done

    def run(self, following):
        if not self.done.is_set():
            la.tell(following, Runner.run, self.pid)


# Goal: work without end does not keep timers waiting. Method: the run queue (two actors that keep each other busy) or a
# mailbox (of one that keeps itself busy) is never empty until the timer ends it.
@pytest.mark.parametrize("actors", [1, 2])
def test_a_timer_fires_though_there_is_always_an_actor_to_run(runtime, actors):
    done = threading.Event()
    pids = [la.spawn(Runner(done)) for _ in range(actors)]
    for pid in pids * 2:
        la.tell(pid, Runner.run, pids[0] if pid is pids[-1] else pids[-1])

    runtime.clock.timer(0.001, done.set)

    assert done.wait(LIMIT)


def test_a_delay_to_what_is_no_address_is_refused(runtime):
    with pytest.raises(TypeError, match="delay: got 'x', expected a PID"):
        la.delay(1, "x", la.Actor.on_start)
