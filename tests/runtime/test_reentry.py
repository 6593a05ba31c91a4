"""Re-entry: finalizers and functions of timers use the runtime from within its own steps."""

import gc
import threading

import pytest

import libactor as la

LIMIT = 30  # seconds; a bound on failure


class Worker(la.Actor):
    def answer(self):
        return 1


class Trash:
    """Garbage in a cycle, which runs ``action`` when the collector finds it."""

    def __init__(self, action):
        self.action, self.me = action, self

    def __del__(self):
        self.action()


@pytest.fixture
def pid(runtime):
    return la.spawn(Worker())


@pytest.fixture
def eager_collector():
    before = gc.get_threshold()
    gc.set_threshold(20)
    yield
    gc.set_threshold(*before)


# Goal: the clock's lock is re-entrant. Method: a program of its own, since a lock that is not hangs for ever.
@pytest.mark.real
def test_a_finalizer_may_set_and_cancel_timers_within_any_step_of_the_clock(program):
    script = """
    import faulthandler, gc
    import libactor as la
    faulthandler.dump_traceback_later(20, exit=True)

    class Trash:
        def __init__(self): self.me = self
        def __del__(self): runtime.clock.timer(1000, print).cancel()

    runtime = la.Runtime()
    gc.set_threshold(20)
    for _ in range(5000):
        Trash()
        runtime.clock.timer(1000, print).cancel()
    gc.set_threshold(0)
    runtime.close()
    print("done")
    """

    assert program(script) == "done\n"


# Goal: as above, for signals, which come in the main thread between two instructions under the lock.
@pytest.mark.real
def test_a_signal_handler_may_use_delay_within_any_step_of_the_clock(program):
    script = """
    import faulthandler, signal
    import libactor as la
    faulthandler.dump_traceback_later(20, exit=True)

    class Worker(la.Actor):
        def answer(self): return 1

    came = 0
    def ring(*_):
        global came
        came += 1
        la.delay(1000, pid, Worker.answer).cancel()
        signal.setitimer(signal.ITIMER_REAL, 0.001 if came < 100 else 0)

    runtime = la.Runtime()
    pid = runtime.spawn(Worker())
    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    while came < 100: runtime.clock.timer(1000, print).cancel()
    runtime.close()
    print("done")
    """

    assert program(script) == "done\n"


def test_a_finalizer_that_asks_for_the_end_while_the_end_is_made_gets_the_same_future(runtime, eager_collector):
    for round_ in range(200):
        pid = la.spawn(Worker())
        process, kept = pid._process, []
        Trash(lambda process=process, kept=kept: kept.append(process.stopped))
        gc.set_threshold(1 + round_ % 7)
        stopped = process.stopped
        gc.set_threshold(0)
        gc.collect()
        la.terminate(pid)

        stopped.get(LIMIT)

        assert kept[0].is_ready()


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(
            lambda: la.PID.__new__(la.PID),
            id="new",
            marks=pytest.mark.skipif(la.CORE != "c", reason="a class of Python can be made without its __init__"),
        ),
        pytest.param(lambda: la.PID("x", "y", None), id="None"),
    ],
)
def test_no_pid_is_made_by_hand(make):
    with pytest.raises(TypeError):
        make()


def test_a_runtime_that_gets_no_second_thread_leaves_none(monkeypatch):
    real, started, before = threading.Thread.start, [], set(threading.enumerate())

    def start(thread):
        if started:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        real(thread)

    monkeypatch.setattr(threading.Thread, "start", start)

    with pytest.raises(RuntimeError, match="start new thread"):
        la.Runtime()
    for thread in started:
        thread.join(LIMIT)

    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("wait", ["ask", "lock"])
def test_a_timer_s_function_that_waits_or_blocks_is_overtaken(runtime, pid, wait):
    opened, entered, done = threading.Event(), threading.Event(), la.Promise()
    result = done.future

    def function():
        entered.set()
        done.set(la.dispatch(pid, Worker.answer).get(LIMIT) if wait == "ask" else opened.wait(LIMIT))

    runtime.clock.timer(0.001, function)
    assert entered.wait(LIMIT)

    assert la.dispatch(pid, Worker.answer).get(LIMIT) == 1
    opened.set()
    assert result.get(LIMIT)
