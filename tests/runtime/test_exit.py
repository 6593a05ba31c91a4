"""Programs end as their users expect: Ctrl-C gets through, and live actors do not hold up or spoil the end."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.real

LIMIT = 60  # seconds; a bound on failure

ACTORS = """
import os, signal, sys, threading
import libactor as la

class Counter(la.Actor):
    def add(self, k): return k
    def on_stop(self): print("stopped", flush=True)
"""


def run(script, expect=0):
    """Run a program; its output, after a look that it ended with the status expected and said nothing else."""
    program = ACTORS + textwrap.dedent(script)
    result = subprocess.run(
        [sys.executable, "-X", "dev", "-c", program], capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert (result.returncode, result.stderr if expect == 0 else "") == (expect, ""), result.stderr
    return result.stdout


def test_a_program_that_forgets_to_close_ends_cleanly_and_its_actors_stop():
    assert run("runtime = la.Runtime(); [runtime.spawn(Counter()) for _ in range(3)]") == "stopped\n" * 3


def test_a_program_that_leaves_by_an_exception_inside_the_block_stops_its_actors():
    script = """
    with la.Runtime():
        la.dispatch(la.spawn(Counter()), Counter.add, 1).get()
        sys.exit(3)
    """

    assert run(script, expect=3) == "stopped\n"


def test_a_program_ends_although_a_handler_waits_in_vain():
    script = """
    import logging
    logging.disable(logging.CRITICAL)
    runtime, promise = la.Runtime(), la.Promise()
    la.execute(runtime.spawn(Counter()), promise.future.get)
    runtime.clock.pause()
    runtime.clock.settle()
    """

    assert run(script) == ""


def test_a_program_ends_although_a_handler_does_not_return():
    script = """
    import logging
    logging.disable(logging.CRITICAL)
    runtime, entered = la.Runtime(), threading.Event()
    def hold():
        entered.set()
        threading.Event().wait()
    for _ in range(50): runtime.spawn(Counter())
    la.execute(runtime.spawn(Counter()), hold)
    entered.wait()
    """

    assert run(script) == "stopped\n" * 50


# Goal: an actor may wait on its way out although the program is at its end. Method: on_stop needs a second thread.
@pytest.mark.skipif(
    sys.version_info[:3] in ((3, 12, 0), (3, 12, 1)),
    reason="Python 3.12.0 and 3.12.1 start no thread any more once the main thread has ended (CPython gh-113964)",
)
def test_at_the_end_of_a_program_on_stop_may_still_ask_other_actors():
    script = """
    class Last(la.Actor):
        def on_stop(self):
            print(la.dispatch(helper, Counter.add, 7).get(30), flush=True)
    runtime = la.Runtime()
    helper = runtime.spawn(Counter())
    runtime.spawn(Last())
    """

    assert run(script) == "7\nstopped\n"


def test_a_runtime_nobody_refers_to_any_more_does_not_hold_up_the_end():
    assert run("la.Runtime(); [la.Runtime() for _ in range(5)]") == ""


def test_a_forked_child_that_leaves_at_once_does_not_disturb_its_parent():
    script = """
    import warnings
    warnings.simplefilter("ignore")  # Python warns of every fork beside threads
    with la.Runtime():
        pid = la.spawn(Counter())
        child = os.fork()
        if child == 0:
            os._exit(7)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), la.dispatch(pid, Counter.add, 5).get())
    """

    assert run(script) == "7 5\nstopped\n"


# Ctrl-C again and again until it is seen: one that comes between Python's last look at signals and its going to sleep
# shows only when that sleep ends.
INTERRUPTER = """
import asyncio
interrupted = threading.Event()

def interrupt(*_):
    interrupted.set()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt

def insist():
    while not interrupted.wait(0.05):
        os.kill(os.getpid(), signal.SIGINT)

def start_interrupting():
    signal.signal(signal.SIGINT, interrupt)
    threading.Thread(target=insist).start()
"""

INTERRUPTED = """
async def main():
    start_interrupting()
    await promise.future

with la.Runtime():
    pid = la.spawn(Counter())
    promise = la.Promise()
    try:
        {wait}
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    print(la.dispatch(pid, Counter.add, 5).get(30), flush=True)
"""

WAITS = {
    "get": "start_interrupting(); promise.future.get(30)",
    "get without time": "start_interrupting(); promise.future.get()",
    "wait": "start_interrupting(); la.wait(pid, 30)",
    "await": "asyncio.run(main())",
}


# Goal: Ctrl-C ends a wait on the main thread, and all goes on.
@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS.keys())
def test_ctrl_c_ends_a_wait_on_the_main_thread(wait):
    assert run(INTERRUPTER + INTERRUPTED.format(wait=wait)) == "interrupted\n5\nstopped\n"


# Goal: as above where settle waits for a handler that does not come to an end.
def test_ctrl_c_ends_a_settle_on_the_main_thread():
    script = """
    opened = threading.Event()
    def hold():
        assert opened.wait(30)
    with la.Runtime() as runtime:
        pid = la.spawn(Counter())
        runtime.clock.pause()
        try:
            held = la.execute(pid, hold)
            start_interrupting()
            runtime.clock.settle()
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        opened.set()
        print(held.get(30), runtime.clock.settle(30))
    """

    assert run(INTERRUPTER + textwrap.dedent(script)) == "interrupted\nNone True\nstopped\n"


# Goal: Ctrl-C during close leaves a runtime that can be closed again.
def test_a_close_that_was_interrupted_can_be_repeated():
    script = """
    opened = threading.Event()
    def hold():
        assert opened.wait(30)
    runtime = la.Runtime()
    pid = runtime.spawn(Counter())
    try:
        held = la.execute(pid, hold)
        start_interrupting()
        runtime.close()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    opened.set()
    runtime.close()
    print(runtime.pids(), [t for t in threading.enumerate() if "worker" in t.name])
    """

    assert run(INTERRUPTER + textwrap.dedent(script)) == "interrupted\nstopped\n() []\n"


def test_ctrl_c_ends_a_program_that_waits_for_ever():
    script = """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with la.Runtime():
        pid = la.spawn(Counter())
        print("ready", flush=True)
        la.wait(pid)
    """
    program = subprocess.Popen(
        [sys.executable, "-c", ACTORS + textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"

    os.kill(program.pid, signal.SIGINT)
    output, errors = program.communicate(timeout=LIMIT)

    assert output == "stopped\n"
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert program.returncode == -signal.SIGINT
