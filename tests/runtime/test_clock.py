"""The clock of a runtime: paused it moves by advance alone, and settle returns when nothing is left to do."""

import threading

import pytest

import libactor as la
from libactor._core import clock as clock_module
from libactor._core.clock import COMPACT_AT, Clock

LIMIT = 30


class Worker(la.Actor):
    """Does things that take more than one step."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def see(self, thing):
        self.seen.append(thing)

    def relay(self, pids):
        if pids:
            la.tell(pids[0], Worker.relay, pids[1:])
        else:
            self.see("arrived")

    def later(self, seconds):
        la.delay(seconds, self.pid, Worker.see, "later")

    def wait_for(self, future):
        self.see(future.get(LIMIT))


def test_time_passes_on_a_running_clock(runtime):
    first = runtime.clock.now_ns()
    done = threading.Event()
    runtime.clock.timer(0.001, done.set)

    assert done.wait(LIMIT)
    assert runtime.clock.now_ns() - first >= 1_000_000
    assert not runtime.clock.paused


def test_a_paused_clock_moves_by_advance_alone_and_exactly(paused):
    start = paused.clock.now_ns()

    assert paused.clock.now_ns() == start
    paused.clock.advance(0.1)
    paused.clock.advance(0.2)

    assert paused.clock.now_ns() - start == 300_000_000
    assert paused.clock.now() == pytest.approx(start / 1e9 + 0.3)


def test_a_second_pause_changes_nothing(paused):
    before = paused.clock.now_ns()

    paused.clock.pause()

    assert paused.clock.now_ns() == before


def test_time_goes_on_from_where_it_was_advanced_to(paused):
    paused.clock.advance(3600)
    before = paused.clock.now_ns()

    paused.clock.resume()
    paused.clock.resume()

    assert before <= paused.clock.now_ns() < before + 60 * 10**9


def test_a_timer_of_a_paused_clock_fires_after_it_was_resumed(paused):
    done = threading.Event()
    paused.clock.timer(0.001, done.set)

    paused.clock.resume()

    assert done.wait(LIMIT)


def test_advance_and_settle_need_a_paused_clock(runtime):
    with pytest.raises(RuntimeError, match=r"call pause\(\) first"):
        runtime.clock.advance(1)
    with pytest.raises(RuntimeError, match=r"call pause\(\) first"):
        runtime.clock.settle()


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("-inf")])
def test_time_does_not_run_backwards(paused, seconds):
    with pytest.raises(ValueError, match="expected a number of seconds"):
        paused.clock.advance(seconds)


# LP ProcessTest.Settle
def test_settle_waits_for_all_that_an_event_sets_off(paused, count):
    pids = tuple(la.spawn(Worker()) for _ in range(100))
    last = Worker()

    la.tell(pids[0], Worker.relay, (*(pids * (1 + count(20)))[1:], la.spawn(last)))

    assert paused.clock.settle(LIMIT)
    assert last.seen == ["arrived"]


# LP ProcessTest.Settle
def test_settle_fires_what_has_fallen_due_meanwhile(paused):
    actor = Worker()
    la.tell(la.spawn(actor), Worker.later, 0)

    assert paused.clock.settle(LIMIT)
    assert actor.seen == ["later"]


def test_settle_gives_up_after_its_time(paused):
    entered, opened = threading.Event(), threading.Event()

    def hold():
        entered.set()
        assert opened.wait(LIMIT)

    la.execute(la.spawn(la.Actor()), hold)
    assert entered.wait(LIMIT)

    assert not paused.clock.settle(0.001)

    opened.set()
    assert paused.clock.settle(LIMIT)


class Chain(list):
    """A time that moves by one second for each timer it fires, of which each sets the next."""

    def __init__(self, monkeypatch):
        super().__init__()
        self.real_ns = 0
        monkeypatch.setattr(clock_module, "time", self)
        self.clock = Clock(lambda: None, self.wait_idle)
        self.clock.pause()
        self.clock.timer(0, self.fire)

    def time_ns(self):
        return 0

    def monotonic_ns(self):
        return self.real_ns

    def wait_idle(self, timeout):
        self.append(timeout)
        return True

    def fire(self):
        self.real_ns += 10**9
        self.clock.timer(0, self.fire)


# Goal: timers that for ever set timers do not keep settle beyond its time. Method: a time of our own.
def test_the_timeout_of_settle_is_for_all_its_turns_together(monkeypatch):
    chain = Chain(monkeypatch)

    assert not chain.clock.settle(3)

    assert chain == [3, 2, 1]


def test_settle_without_any_time_says_whether_all_is_at_rest_now(paused):
    assert paused.clock.settle(LIMIT)

    assert paused.clock.settle(0)
    assert paused.clock.settle(-1)


class Guarded(list):
    """A heap that only the holder of the lock may look at."""

    def __init__(self, lock):
        super().__init__()
        self.lock = lock

    def __len__(self):
        assert self.lock._is_owned()
        return super().__len__()

    def __getitem__(self, index):
        assert self.lock._is_owned()
        return super().__getitem__(index)


# Goal: no thread looks at timers while another takes them away. Method: the heap itself asks for the lock.
def test_the_timers_are_looked_at_under_the_lock_only():
    clock = Clock(lambda: None, lambda timeout: True)
    clock._heap = Guarded(clock._lock)
    clock.pause()
    fired = []

    for seconds in (1, 2, 3):
        clock.timer(seconds, lambda: fired.append(1))
    clock.timer(0, fired.clear).cancel()
    clock.next_deadline()
    clock.advance(2)
    clock.settle()

    assert len(fired) == 2


def test_no_timer_is_due_once_all_have_fired_or_are_cancelled():
    clock = Clock(lambda: None, lambda timeout: True)

    clock.timer(0, list)
    assert clock.is_due()
    assert clock.fire_due() == 1
    assert not clock.is_due()

    for _ in range(COMPACT_AT + 1):
        clock.timer(0, list).cancel()
    assert not clock.is_due()


# Goal: a handler that waits does not keep settle, and once its wait ends settle waits for it again. The second half
# failed one time in a few, hence the rounds.
def test_settle_returns_while_a_handler_waits_and_waits_for_it_once_it_goes_on(paused, count):
    actor = Worker()
    pid = la.spawn(actor)
    for n in range(count(1_000)):
        promise = la.Promise()
        la.tell(pid, Worker.wait_for, promise.future)
        assert paused.clock.settle(LIMIT)
        assert len(actor.seen) == n

        promise.set(n)

        assert paused.clock.settle(LIMIT)
        assert actor.seen[n:] == [n]


def test_settle_holds_with_many_handlers_waiting(paused):
    actors, promise = [Worker() for _ in range(40)], la.Promise()
    for actor in actors:
        la.tell(la.spawn(actor), Worker.wait_for, promise.future)
    assert paused.clock.settle(LIMIT)

    promise.set("go")

    assert paused.clock.settle(LIMIT)
    assert [actor.seen for actor in actors] == [["go"]] * 40


def test_settle_inside_an_actor_is_an_error(paused):
    pid = la.spawn(la.Actor())

    with pytest.raises(RuntimeError, match="inside an actor"):
        la.execute(pid, paused.clock.settle).get(LIMIT)


def test_an_actor_may_settle_another_runtime(paused):
    pid = la.spawn(la.Actor())

    with la.Runtime() as other:
        other.clock.pause()
        assert la.execute(pid, lambda: other.clock.settle(LIMIT)).get(LIMIT)


def test_each_runtime_has_a_clock_of_its_own(paused):
    with la.Runtime() as other:
        before = paused.clock.now_ns()
        other.clock.pause()
        other.clock.advance(1000)

        assert paused.clock.now_ns() == before
        paused.clock.resume()
        assert other.clock.paused


def test_a_timer_belongs_to_the_clock_of_its_actor(paused):
    actor = Worker()
    pid = la.spawn(actor)
    with la.Runtime() as other:
        other.clock.pause()
        la.delay(1, pid, Worker.see, "tick")

        other.clock.advance(1)
        assert other.clock.settle(LIMIT)
        assert actor.seen == []

        paused.clock.advance(1)
        assert paused.clock.settle(LIMIT)
        assert actor.seen == ["tick"]


def test_a_failing_timer_harms_neither_the_others_nor_the_worker(runtime, caplog):
    done = threading.Event()

    def fail():
        raise ValueError("no")

    def leave():
        raise SystemExit

    for thunk in (fail, leave, done.set):
        runtime.clock.timer(0, thunk)

    assert done.wait(LIMIT)
    assert la.execute(la.spawn(la.Actor()), lambda: "alive").get(LIMIT) == "alive"
    assert "ValueError: no" in caplog.text


# Goal: Ctrl-C in a timer that advance fires reaches the caller, and the other timers are not lost.
def test_an_interrupt_in_a_timer_passes_through_advance_after_the_other_timers(paused):
    fired = []

    def interrupt():
        raise KeyboardInterrupt

    for thunk in (interrupt, lambda: fired.append(1)):
        paused.clock.timer(1, thunk)
    assert paused.clock.settle(LIMIT)  # the worker sleeps, so it cannot come first

    with pytest.raises(KeyboardInterrupt):
        paused.clock.advance(1)
    assert fired == [1]


def test_a_thunk_may_set_and_cancel_timers(paused):
    fired = []
    victim = paused.clock.timer(2, lambda: fired.append("victim"))

    def thunk():
        fired.append("thunk")
        victim.cancel()
        paused.clock.timer(1, lambda: fired.append("next"))

    paused.clock.timer(1, thunk)
    paused.clock.advance(1)
    paused.clock.advance(5)
    assert paused.clock.settle(LIMIT)

    assert fired == ["thunk", "next"]


def test_timers_set_and_cancelled_by_many_threads_are_neither_lost_nor_doubled(paused, count, together):
    fired, kept = [], []

    def set_timers():
        for n in range(count(20_000)):
            timer = paused.clock.timer(1 + n % 7, lambda: fired.append(1))
            if n % 2:
                assert timer.cancel()
            else:
                kept.append(timer)

    together(*[set_timers] * 4)
    paused.clock.advance(8)
    assert paused.clock.settle(LIMIT)

    assert len(fired) == len(kept) == 2 * count(20_000)


class Restless(la.Actor):
    """Sends to itself for ever."""

    def on_start(self) -> None:
        la.tell(self.pid, Restless.again)

    def again(self) -> None:
        la.tell(self.pid, Restless.again)


@pytest.mark.real
def test_a_settle_that_is_bounded_names_who_never_comes_to_rest():
    with la.Runtime() as rt:
        rt.clock.pause()
        rt.clock.settle_within = 0.2
        la.spawn(la.Actor())
        restless = la.spawn(Restless())

        with pytest.raises(TimeoutError) as caught:
            rt.clock.settle()
        answered = rt.clock.settle(timeout=0.01)
        la.terminate(restless)

    assert f"not at rest after 0.2 s; busy: {restless}, " in str(caught.value)
    assert "actor(" not in str(caught.value)
    assert answered is False


@pytest.mark.real
def test_a_bounded_settle_names_a_handler_that_holds_its_thread_with_nothing_queued():
    with la.Runtime() as rt:
        rt.clock.pause()
        rt.clock.settle_within = 0.1
        gate = threading.Event()
        pid = la.spawn(la.Actor("held"))
        la.execute(pid, gate.wait)

        with pytest.raises(TimeoutError, match=r"busy: held@local-\d+, 0 waiting; have them"):
            rt.clock.settle()
        gate.set()
        rt.clock.settle_within = None

        assert rt.clock.settle() is True


# Goal: threads that fire at the same time keep the timers in order. Method: look from another one, inside a thunk.
def test_no_other_thread_takes_a_timer_before_the_thunk_of_the_one_before_is_over(paused, start):
    clock, free = paused.clock, []

    def look():
        free.append(start(lambda: clock._order.acquire(blocking=False))())

    clock.timer(1, look)
    clock.advance(1)

    assert free == [False]


def test_a_thunk_that_blocks_is_passed_by(paused, start, monkeypatch):
    monkeypatch.setattr("libactor._core.clock.BLOCKED_S", 0.0)
    clock, gate, entered, fired = paused.clock, threading.Event(), threading.Event(), []

    def block():
        entered.set()
        assert gate.wait(60)

    clock.timer(1, block)
    blocked = start(lambda: clock.advance(1))
    assert entered.wait(60)
    clock.timer(0, lambda: fired.append("behind it"))

    start(clock.fire_due)()
    gate.set()
    blocked()

    assert fired == ["behind it"]
