"""Signals while the main thread helps: of every kind, and beside others who stand in front of Python's handlers."""

import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.real

ACTORS = """
import faulthandler, os, signal, sys, threading
import libactor as la

class Worker(la.Actor):
    def answer(self):
        return 1
    def signal_itself(self, number):
        os.kill(os.getpid(), number)
        for _ in range(1000): pass
        return 2

def warmed(pid):
    for _ in range(50): la.dispatch(pid, Worker.answer).get(30)
    return pid
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGALRM"])
@pytest.mark.parametrize("helping", [True, False])
def test_what_a_signal_handler_raises_comes_out_of_the_wait_and_the_actor_lives(program, name, helping):
    script = f"""
    signal.signal(signal.{name}, lambda *_: sys.exit("ended"))
    with la.Runtime(helping={helping}) as runtime:
        pid = warmed(la.spawn(Worker()))
        came = 0
        for _ in range(20):
            try:
                la.tell(pid, Worker.signal_itself, signal.{name})
                while True: la.dispatch(pid, Worker.answer).get(30)
            except SystemExit:
                came += 1
        print(came, la.dispatch(pid, Worker.answer).get(30))
    """

    assert program(ACTORS + textwrap.dedent(script)) == "20 1\n"


def run_apart(text):
    """As the fixture program, for one that writes tracebacks to its error output."""
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("when", ["before", "between", "unregistered"])
def test_ctrl_c_arrives_although_faulthandler_chains_to_who_was_there(when):
    script = f"""
    when = {when!r}
    def register(): faulthandler.register(signal.SIGINT, chain=True, all_threads=False)
    if when == "before": register()
    runtime = la.Runtime()
    pid = warmed(runtime.spawn(Worker()))
    if when != "before": register()
    warmed(pid)
    if when == "unregistered": faulthandler.unregister(signal.SIGINT)
    warmed(pid)
    try:
        os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(5)
        print("lost")
    except KeyboardInterrupt:
        print("came", la.dispatch(pid, Worker.answer).get(30))
    runtime.close()
    """

    ended = run_apart(ACTORS + textwrap.dedent(script))

    assert (ended.returncode, ended.stdout) == (0, "came 1\n"), ended.stderr[-2000:]
