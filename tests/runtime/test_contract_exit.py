"""The end of a program: silent, with status 0 and soon, whatever its actors and its threads are at."""

# "Soon" is the bound on one run in the fixture `program`; what the runtime itself grants a handler that does not end
#   at the program's end is a second. Warnings that name such handlers go to the log, which these programs switch off.

import pytest

pytestmark = pytest.mark.real

ACTORS = """
import itertools, logging, threading
import libactor as la

logging.disable(logging.CRITICAL)

class Counter(la.Actor):
    n = 0
    def add(self):
        self.n += 1
        return self.n
    def again(self):
        la.tell(self.pid, Counter.again)
    def loop(self, entered):
        entered.value.set()
        for _ in itertools.count(): pass
    def block(self, entered):
        entered.value.release()
        threading.Event().wait()

runtime = la.Runtime()
pids = [runtime.spawn(Counter()) for _ in range(20)]
for _ in range(50): la.dispatch(pids[0], Counter.add).get(30)
"""

ENDS = {
    "with actors at rest": "",
    "with actors that tell themselves for ever": """
for pid in pids: la.tell(pid, Counter.again)
""",
    "with a queue of events": """
for _ in range(100_000): la.tell(pids[0], Counter.add)
""",
    "with timers": """
for pid in pids:
    for seconds in (0, 0.001, 1, 3600): la.delay(seconds, pid, Counter.add)
alarm = la.after(3600, runtime=runtime)
""",
    "with a handler that loops": """
entered = threading.Event()
la.tell(pids[1], Counter.loop, la.Shared(entered))
entered.wait(30)
""",
    "with many handlers that block": """
entered = threading.Semaphore(0)
for pid in pids: la.tell(pid, Counter.block, la.Shared(entered))
for pid in pids: entered.acquire(timeout=30)
""",
    "with threads that ask": """
def ask():
    try:
        while True: la.dispatch(pids[2], Counter.add).get()
    except la.Abandoned:
        pass
for _ in range(4): threading.Thread(target=ask, daemon=True).start()
""",
    "with threads that wait in vain": """
promise = la.Promise()
for _ in range(4): threading.Thread(target=promise.future.get, daemon=True).start()
for _ in range(4): threading.Thread(target=la.wait, args=(pids[3],), daemon=True).start()
""",
    "with a thread that helps a handler that blocks": """
entered = threading.Semaphore(0)
def ask():
    for _ in range(50): la.dispatch(pids[4], Counter.add).get(30)
    la.dispatch(pids[4], Counter.block, la.Shared(entered)).get()
threading.Thread(target=ask, daemon=True).start()
entered.acquire(timeout=30)
""",
    "with several runtimes": """
others = [la.Runtime() for _ in range(10)]
for other in others: la.tell(other.spawn(Counter()), Counter.again)
""",
    "with a runtime that was dropped": """
for pid in pids: la.terminate(pid)
del runtime, pids, pid
""",
    "with an exception in the main thread": "raise SystemExit(0)",
    "while another thread closes the runtime": """
threading.Thread(target=runtime.close).start()
""",
    "while another thread opens runtimes": """
def open_some():
    try:
        for _ in range(200): la.Runtime()
    except RuntimeError as error:  # from Python 3.12 on no thread is started any more at the end of a program
        assert "new thread" in str(error)
threading.Thread(target=open_some).start()
""",
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_a_program_ends_in_silence(program, end):
    assert program(ACTORS + end) == ""


def test_actors_are_stopped_at_the_end_although_others_keep_the_workers_busy(program):
    script = """
class Polite(Counter):
    def on_stop(self):
        print("stopped", flush=True)

for pid in pids: la.tell(pid, Counter.again)
for _ in range(3): runtime.spawn(Polite())
"""

    assert program(ACTORS + script) == "stopped\n" * 3
