"""Ctrl-C: it ends a wait in the main thread, but no handler in the middle, whichever thread the handler runs in."""

# Programs of their own get real signals. On the C core the main thread helps, so a handler may run in it when one
#   comes: the signal is handed on when the handler has ended. The second one is not kept back: a handler may never end.

import signal
import textwrap

import pytest

import libactor as la

pytestmark = pytest.mark.real

ACTORS = """
import asyncio, itertools, os, random, signal, sys, threading
import libactor as la

MAIN = threading.main_thread()

def interrupt():
    os.kill(os.getpid(), signal.SIGINT)

class Pair(la.Actor):
    "Two numbers that are equal whenever no handler runs."
    a = b = broken = 0

    def step(self):
        try:
            self.a += 1
            for _ in range(50): pass
            self.b += 1
        except KeyboardInterrupt:
            self.broken += 1

    def state(self):
        return self.a == self.b, self.broken

    def in_main(self):
        return threading.current_thread() is MAIN

    def interrupt_itself(self, signals, rounds):
        if threading.current_thread() is not MAIN:
            return "elsewhere"
        self.a += 1
        for _ in range(signals): interrupt()
        for _ in range(rounds): pass
        self.b += 1

def warmed(pid):
    for _ in range(50): la.dispatch(pid, Pair.step).get(30)
    return pid
"""

in_c = pytest.mark.skipif(la.CORE != "c", reason="on the Python core the main thread does not help")


# Goal: signals at any moment break no handler, and each comes out of the wait. Method: many at random moments, one a
# round; the thread that sends them waits until the main thread asks.
@pytest.mark.parametrize("helping", [True, False])
def test_ctrl_c_at_any_moment_comes_out_of_the_wait_and_breaks_no_handler(program, helping):
    script = f"""
    choice = random.Random(1)
    go, ended = threading.Semaphore(0), threading.Event()

    def send():
        while go.acquire() and not ended.is_set():
            for _ in range(choice.choice([0, 10, 100, 1000, 10000])): pass
            interrupt()

    threading.Thread(target=send, daemon=True).start()
    came = 0
    with la.Runtime(helping={helping}) as runtime:
        pid = warmed(la.spawn(Pair()))
        for _ in range(200):
            try:
                go.release()
                for _ in itertools.count():
                    la.dispatch(pid, Pair.step).get(30)
            except KeyboardInterrupt:
                came += 1
            assert la.dispatch(pid, Pair.state).get(30) == (True, 0)
        ended.set()
        runtime.clock.pause()
        assert runtime.clock.settle(30)
    print(came)
    """

    assert program(ACTORS + textwrap.dedent(script)) == "200\n"


@in_c
def test_ctrl_c_is_kept_until_the_handler_in_the_main_thread_has_ended(program):
    script = """
    with la.Runtime():
        pid = warmed(la.spawn(Pair()))
        for _ in range(1000):
            try:
                if la.dispatch(pid, Pair.interrupt_itself, 1, 1000).get(30) == "elsewhere":
                    continue
                print("not interrupted")
            except KeyboardInterrupt:
                print("interrupted", la.dispatch(pid, Pair.state).get(30))
                break
        print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
    """

    assert program(ACTORS + textwrap.dedent(script)) == "interrupted (True, 0)\nTrue\n"


@in_c
def test_a_second_ctrl_c_interrupts_the_handler_in_the_main_thread(program):
    script = """
    import logging
    logging.disable(logging.CRITICAL)
    with la.Runtime():
        pid = warmed(la.spawn(Pair()))
        for _ in range(1000):
            try:
                if la.dispatch(pid, Pair.interrupt_itself, 2, 10**12).get(30) == "elsewhere":
                    continue
                print("not interrupted")
            except KeyboardInterrupt:
                print("interrupted")
                break
        other = warmed(la.spawn(Pair()))
        print(la.dispatch(other, Pair.state).get(30))
    """

    assert program(ACTORS + textwrap.dedent(script)) == "interrupted\n(True, 0)\n"


def test_a_call_that_was_interrupted_can_be_repeated_and_its_future_still_completes(program):
    script = """
    class Slow(Pair):
        def hold(self, entered, opened):
            entered.value.set()
            opened.value.wait(30)
            return "done"

    entered, opened = threading.Event(), threading.Event()
    def send():
        entered.wait()
        while not opened.wait(0.02): interrupt()
    threading.Thread(target=send).start()
    with la.Runtime():
        pid = la.spawn(Slow())
        future = la.dispatch(pid, Slow.hold, la.Shared(entered), la.Shared(opened))
        try:
            future.get(30)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            opened.set()
        print(future.get(30), la.dispatch(pid, Pair.state).get(30))
    """

    assert program(ACTORS + textwrap.dedent(script)) == "done (True, 0)\n"


# What Python and others know of signals is not changed.


def test_the_handler_of_ctrl_c_that_python_knows_stays_its_own(program):
    script = """
    default = signal.default_int_handler
    seen = [signal.getsignal(signal.SIGINT) is default]

    class Looker(Pair):
        def look(self):
            return signal.getsignal(signal.SIGINT) is default

    with la.Runtime() as runtime:
        pid = warmed(la.spawn(Looker()))
        seen += [la.dispatch(pid, Looker.look).get(30) for _ in range(20)]
        seen.append(signal.getsignal(signal.SIGINT) is default)
    seen.append(signal.getsignal(signal.SIGINT) is default)
    print(set(seen))
    """

    assert program(ACTORS + textwrap.dedent(script)) == "{True}\n"


def test_a_handler_of_the_user_s_is_called_before_as_after_helping(program):
    script = """
    hits = []
    with la.Runtime():
        pid = warmed(la.spawn(Pair()))
        signal.signal(signal.SIGINT, lambda *_: hits.append("first"))
        interrupt()
        warmed(pid)
        interrupt()
        warmed(pid)
        signal.signal(signal.SIGINT, lambda *_: hits.append("second"))
        warmed(pid)
        interrupt()
        warmed(pid)
    print(hits)
    """

    assert program(ACTORS + textwrap.dedent(script)) == "['first', 'first', 'second']\n"


@pytest.mark.parametrize("disposition", ["SIG_DFL", "SIG_IGN"])
def test_a_signal_that_ends_or_is_ignored_does_so_during_helping(program, disposition):
    script = f"""
    signal.signal(signal.SIGINT, signal.{disposition})
    with la.Runtime():
        pid = warmed(la.spawn(Pair()))
        sys.stdout.flush()
        interrupt()
        warmed(pid)
        print("here")
    """

    ended = program(ACTORS + textwrap.dedent(script), expect=-signal.SIGINT if disposition == "SIG_DFL" else 0)

    assert ended == ("" if disposition == "SIG_DFL" else "here\n")


ASYNCIO = """
promise = la.Promise()
inside = []

async def main(pid):
    inside.append(signal.getsignal(signal.SIGINT))
    for _ in range(50):
        await la.dispatch(pid, Pair.step)
    threading.Thread(target=interrupt).start()
    try:
        await promise.future
    except asyncio.CancelledError:
        print("cancelled")
        raise

with la.Runtime():
    pid = la.spawn(Pair())
    {before}
    seen = [signal.getsignal(signal.SIGINT) is signal.default_int_handler]
    try:
        asyncio.run(main(pid))
    except KeyboardInterrupt:
        print("interrupted", promise.future.has_discard())
    seen.append(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
    print(inside[0] is signal.default_int_handler, seen, la.dispatch(pid, Pair.state).get(30))
"""


@pytest.mark.parametrize("before", ["pass", "warmed(pid)"], ids=["before any helping", "after helping"])
def test_ctrl_c_in_asyncio_cancels_the_main_task_as_ever(program, before):
    printed = program(ACTORS + ASYNCIO.format(before=before))

    assert printed == "cancelled\ninterrupted True\nFalse [True, True] (True, 0)\n"


def test_a_wait_without_a_bound_passes_on_the_timeout_error_of_an_alarm(program):
    script = """
    def ring(*_): raise TimeoutError("the program's own")
    signal.signal(signal.SIGALRM, ring)
    with la.Runtime():
        pid = la.spawn(Pair())
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        try:
            print(la.wait(pid))
        except TimeoutError as error:
            print(error)
    """

    assert program(ACTORS + textwrap.dedent(script)) == "the program's own\n"
