"""Fork: in the child the parent's runtimes are out of reach and say so; nothing hangs, and a new runtime works."""

# Of all threads only the one that forks goes on in the child. So there nobody serves the parent's actors, and a lock
#   that another thread held stays held for ever. These programs fork with workers at rest and in the middle of things.

import pytest

pytestmark = pytest.mark.real

ACTORS = """
import os, random, sys, threading, warnings
import libactor as la

warnings.simplefilter("ignore")  # Python warns of every fork beside threads

class Counter(la.Actor):
    n = 0
    def add(self, k=1):
        self.n += k
        return self.n
    def tick(self, _):
        self.n += 1
    def hold(self, future):
        return future.get(60)
    @la.handles(int)
    def take(self, message):
        self.n += message

def in_child(function):
    "Fork, run the function in the child, which ends as a program does; its exit code."
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        function()
        sys.stdout.flush()
        sys.exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""

# A child that leaves by sys.exit goes through its caller's frames: these programs have no `with` around the fork.
CALLS = """
runtime, promise = la.Runtime(), la.Promise()
pid = runtime.spawn(Counter())
for _ in range(100): la.dispatch(pid, Counter.add).get(30)
pending = la.dispatch(pid, Counter.hold, promise.future)
parent = os.getpid()

CALLS = {
    "dispatch": lambda: la.dispatch(pid, Counter.add),
    "tell": lambda: la.tell(pid, Counter.add),
    "post": lambda: la.post(pid, 1),
    "execute": lambda: la.execute(pid, int),
    "terminate": lambda: la.terminate(pid),
    "deferred": lambda: la.defer(pid, Counter.add)(),
    "spawn": lambda: runtime.spawn(Counter()),
    "get": lambda: pending.get(),
    "get with a timeout": lambda: pending.get(5),
    "wait": lambda: la.wait(pid),
    "close": lambda: runtime.close(),
    "settle": lambda: runtime.clock.pause() or runtime.clock.settle(),
    "delay": lambda: la.delay(0.01, pid, Counter.add),
    "after": lambda: la.after(0.01, runtime=runtime),
}

def call_all():
    for name, call in CALLS.items():
        try:
            print(name, call())
        except la.ForkedRuntime as error:
            text = str(error)
            print(name, isinstance(error, RuntimeError), str(parent) in text, "Runtime" in text)

print(in_child(call_all))
promise.set("held")
print(pending.get(30), la.dispatch(pid, Counter.add, 0).get(30))
runtime.close()
"""

NAMES = [
    *("dispatch", "tell", "post", "execute", "terminate", "deferred", "spawn"),
    *("get", "get with a timeout", "wait", "close", "settle", "delay", "after"),
]


def test_in_a_forked_child_every_use_of_the_parent_s_runtime_is_a_clear_error(program):
    lines = program(ACTORS + CALLS).splitlines()

    assert lines == [f"{name} True True True" for name in NAMES] + ["0", "held 100"]


def test_a_future_that_was_complete_is_readable_in_the_child(program):
    script = """
runtime = la.Runtime()
future = la.dispatch(runtime.spawn(Counter()), Counter.add, 5)
future.get(30)
print(in_child(lambda: print(future.get(), future.then(lambda n: n + 1).get())))
"""

    assert program(ACTORS + script) == "5 6\n0\n"


def test_a_promise_of_the_child_s_own_works_without_a_runtime(program):
    script = """
runtime = la.Runtime()
la.dispatch(runtime.spawn(Counter()), Counter.add, 5).get(30)
def use():
    promise = la.Promise()
    threading.Thread(target=lambda: promise.set(7)).start()
    print(promise.future.get(30))
print(in_child(use))
"""

    assert program(ACTORS + script) == "7\n0\n"


def test_a_new_runtime_in_the_child_works_and_the_parent_s_goes_on(program):
    script = """
runtime = la.Runtime()
pid = runtime.spawn(Counter())
la.dispatch(pid, Counter.add, 5).get(30)

def live():
    with la.Runtime() as own:
        mine = la.spawn(Counter())
        answers = [la.dispatch(mine, Counter.add).get(30) for _ in range(100)]
        fired = la.after(0.001).then(lambda _: "fired").get(30)
        own.clock.pause()
        print(answers[-1], fired, own.clock.settle(30), own.address != runtime.address)

print([in_child(live) for _ in range(3)])
print(la.dispatch(pid, Counter.add, 5).get(30))
runtime.close()
"""

    assert program(ACTORS + script) == "100 fired True True\n" * 3 + "[0, 0, 0]\n10\n"


@pytest.mark.parametrize("leave", ["pass", "sys.exit(0)", "os._exit(0)"])
def test_a_child_that_does_nothing_leaves_in_silence(program, leave):
    script = f"""
runtime = la.Runtime()
pids = [runtime.spawn(Counter()) for _ in range(10)]
for pid in pids: la.tell(pid, Counter.add)
def nothing():
    {leave}
print(in_child(nothing))
runtime.close()
"""

    assert program(ACTORS + script) == "0\n"


# Goal: `with` around a fork closes the parent's runtime in the parent only.
def test_a_child_that_leaves_the_block_of_a_runtime_by_exit_leaves_in_silence(program):
    script = """
with la.Runtime() as runtime:
    pid = la.spawn(Counter())
    la.dispatch(pid, Counter.add).get(30)
    print(in_child(lambda: None))
    print(la.dispatch(pid, Counter.add).get(30))
"""

    assert program(ACTORS + script) == "0\n2\n"


def test_processes_that_are_forked_by_multiprocessing_may_have_runtimes_of_their_own(program):
    script = """
import multiprocessing
context = multiprocessing.get_context("fork")
runtime = la.Runtime()
pid = runtime.spawn(Counter())
la.dispatch(pid, Counter.add).get(30)

def work(results):
    try:
        la.dispatch(pid, Counter.add)
    except la.ForkedRuntime:
        with la.Runtime():
            results.put(la.dispatch(la.spawn(Counter()), Counter.add, 3).get(30))

results = context.Queue()
processes = [context.Process(target=work, args=(results,)) for _ in range(3)]
for process in processes: process.start()
print([results.get(timeout=30) for _ in processes])
for process in processes: process.join(30)
print([process.exitcode for process in processes], la.dispatch(pid, Counter.add).get(30))
runtime.close()
"""

    assert program(ACTORS + script) == "[3, 3, 3]\n[0, 0, 0] 2\n"


# Goal: no lock that a worker holds at the fork stops the child. Method: fork again and again beside threads that use
# every entry point; each child makes a runtime, uses what the parent's threads use, and ends.
def test_parent_and_child_draw_no_uuid_twice(program):
    script = """
la.random_uuid()
reading, writing = os.pipe()
in_child(lambda: os.write(writing, b"".join([la.random_uuid_bytes() for _ in range(100)])))
drawn = os.read(reading, 1600)
theirs = {drawn[at : at + 16] for at in range(0, 1600, 16)}
ours = {la.random_uuid_bytes() for _ in range(100)}
print(len(theirs), len(ours), len(theirs & ours))
"""

    assert program(ACTORS + script) == "100 100 0\n"


@pytest.mark.parametrize("helping", [True, False])
def test_a_fork_in_the_middle_of_things_leaves_no_lock_behind(program, helping):
    script = f"""
runtime = la.Runtime(helping={helping})
ended = threading.Event()

def use(runtime, choice):
    pid = runtime.spawn(Counter())
    other = runtime.spawn(Counter())
    la.tell(pid, Counter.add)
    la.execute(pid, lambda: la.link(other)).get(30)
    la.delay(choice.choice([0, 60]), pid, Counter.add)
    la.collect([la.dispatch(pid, Counter.add), la.dispatch(other, Counter.add)]).get(30)
    la.after(0.0001, runtime=runtime).then(la.defer(pid, Counter.tick)).discard()
    la.random_uuid()
    la.terminate(other)
    la.wait(other, 30)
    la.terminate(pid)

def use_on(seed):
    choice = random.Random(seed)
    while not ended.is_set():
        use(runtime, choice)

def live():
    with la.Runtime() as own:
        use(own, random.Random(1))

threads = [threading.Thread(target=use_on, args=(seed,)) for seed in range(3)]
for thread in threads: thread.start()
codes = [in_child(live) for _ in range(4)]
ended.set()
for thread in threads: thread.join(30)
print(set(codes))
runtime.close()
"""

    assert program(ACTORS + script) == "{0}\n"


def test_a_handler_may_fork_and_the_child_leave_at_once(program):
    script = """
def fork():
    child = os.fork()
    if child == 0:
        os._exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

with la.Runtime():
    pid = la.spawn(Counter())
    print([la.execute(pid, fork).get(30) for _ in range(5)], la.dispatch(pid, Counter.add).get(30))
"""

    assert program(ACTORS + script) == "[7, 7, 7, 7, 7] 1\n"
