"""Stress: every public entry point from many threads at once; afterwards the books must balance."""

# Each thread is a user with a seed of its own, counted on from that in the name of the test: what a user does is the
#   same for the same seed, how they meet is the machine's choice. Work is bounded by counts and never by time.
# The books: what was sent is what was served plus what was counted as lost. An actor keeps its own.

import gc
import itertools
import random
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

import libactor as la
from tests.thoroughness import usually

LIMIT = 60  # seconds; a bound on failure
USERS = 16
SEEDS = usually([0], [0, 1_000])


@dataclass(frozen=True)
class Note:
    sender: int
    number: int


class Books:
    """What went wrong, and counters that threads may raise at the same time."""

    def __init__(self):
        self.wrong = []
        self._lock = threading.RLock()
        self._counts = Counter()

    def add(self, name):
        with self._lock:
            self._counts[name] += 1

    def __getitem__(self, name):
        return self._counts[name]


class Target(la.Actor):
    """Notices a second thread inside, an event out of order and one after its end."""

    def __init__(self, books, rank=0):
        super().__init__()
        self.books, self.rank = books, rank
        self.inside = self.ended = False
        self.last = {}
        self.asked = itertools.count()
        books.add("made")

    @contextmanager
    def turn(self, sender=None, number=0):
        if self.inside:
            self.books.wrong.append(f"{self.pid} was entered twice")
        if self.ended:
            self.books.wrong.append(f"{self.pid} served after its end")
        if sender is not None:
            if number <= self.last.get(sender, -1):
                self.books.wrong.append(f"{self.pid} served {number} of {sender} after {self.last[sender]}")
            self.last[sender] = number
        self.inside = True
        try:
            yield
        finally:
            self.inside = False

    def on_stop(self):
        with self.turn():
            self.books.add("stopped")
        self.ended = True

    def on_exited(self, pid, reason):
        with self.turn():
            if reason is not None:
                self.books.wrong.append(f"{pid} stopped by {reason!r}")

    def visit(self, sender, number):
        with self.turn(sender, number):
            self.books.add("answered")
            return number

    def visit_out_of_order(self, *_):
        with self.turn():
            self.books.add("answered")

    def hear(self, sender, number):
        with self.turn(sender, number):
            self.books.add("heard")

    def hear_late(self):
        with self.turn():
            self.books.add("heard")

    @la.handles(Note)
    def read(self, note):
        with self.turn(note.sender, note.number):
            self.books.add("heard")

    def watch(self, other):
        with self.turn():
            self.books.add("heard")
            if other != self.pid:
                la.link(other)

    def ask(self, sender, number, others):
        """Asks ``others`` in turn, all of a higher rank: nobody can come to wait for himself."""
        with self.turn(sender, number):
            self.books.add("answered")
            for other in others:
                try:
                    la.dispatch(other, Target.visit, self.pid.id, next(self.asked)).get(LIMIT)
                    self.books.add("got")
                except la.Abandoned:
                    self.books.add("lost")
            return number


class User:
    """One thread's worth of calls, chosen by its seed."""

    def __init__(self, runtime, seed, books, targets, lock):
        self.runtime, self.seed, self.books, self.targets, self.lock = runtime, seed, books, targets, lock
        self.choice = random.Random(seed)
        self.number = itertools.count()
        self.ranks = itertools.count(2 * USERS + seed, USERS)  # above those there are, and nobody else's
        self.calls = []  # futures: ready if, and only if, a method of a Target was called for it
        self.others = []

    def run(self, steps):
        names = [name for name in dir(self) if name.startswith("do_")]
        for _ in range(steps):
            getattr(self, self.choice.choice(names))(self.some())

    def some(self):
        with self.lock:
            return self.choice.choice(self.targets).pid

    def send(self, pid):
        future = la.dispatch(pid, Target.visit, self.seed, next(self.number))
        self.calls.append(future)
        return future

    def answer(self, future, timeout=LIMIT):
        try:
            future.get(timeout)
        except (la.Abandoned, TimeoutError):
            self.books.add("no answer")

    def do_spawn(self, _):
        target = Target(self.books, next(self.ranks))
        self.runtime.spawn(target)
        with self.lock:
            self.targets.append(target)

    def do_terminate(self, _):
        with self.lock:
            if len(self.targets) < USERS:
                return
            target = self.targets.pop(self.choice.randrange(len(self.targets)))
        la.terminate(target.pid, inject=self.choice.random() < 0.5)
        if self.choice.random() < 0.5 and not la.wait(target.pid, LIMIT):
            self.books.wrong.append(f"{target.pid} did not stop")

    def do_wait(self, pid):
        la.wait(pid, 0.0001)

    def do_dispatch(self, pid):
        self.send(pid)

    def do_get(self, pid):
        self.answer(self.send(pid))

    def do_get_briefly(self, pid):
        self.answer(self.send(pid), self.choice.choice([0, 0.0001, 0.001]))

    def do_ask_along_the_ranks(self, _):
        with self.lock:
            chosen = self.choice.sample(self.targets, 3)
        first, *others = [target.pid for target in sorted(chosen, key=lambda target: target.rank)]
        future = la.dispatch(first, Target.ask, self.seed, next(self.number), others)
        self.calls.append(future)
        if self.choice.random() < 0.5:
            self.answer(future)

    def do_tell(self, pid):
        self.books.add("told")
        la.tell(pid, Target.hear, self.seed, next(self.number))

    def do_post(self, pid):
        self.books.add("told")
        la.post(pid, Note(self.seed, next(self.number)))

    def do_execute(self, pid):
        self.calls.append(la.execute(pid, lambda: self.books.add("answered")))

    def do_defer(self, pid):
        self.calls.append(self.send(pid).then(la.defer(self.some(), Target.visit_out_of_order)))

    def do_delay(self, pid):
        timer = la.delay(self.choice.choice([0, 0.0005, 0.002]), pid, Target.hear_late)
        if self.choice.random() < 0.5 or not timer.cancel():
            self.books.add("told")

    def do_link(self, pid):
        self.books.add("told")
        la.tell(pid, Target.watch, self.some())

    def do_discard(self, pid):
        self.send(pid).discard()

    def do_combine(self, pid):
        combine = self.choice.choice([la.collect, la.await_all, la.select])
        self.others.append(combine([self.send(pid), self.send(self.some())]))

    def do_repeat(self, pid):
        rounds = itertools.count(1)

        def once():  # in whichever thread completes the round before
            self.calls.append(la.dispatch(pid, Target.visit_out_of_order))
            return self.calls[-1]

        self.others.append(la.loop(once, lambda _: la.Break(1) if next(rounds) == 3 else la.Continue()))

    def do_promise(self, pid):
        promise = la.Promise()
        self.others += [promise.future, la.execute(pid, lambda: promise.set(1))]

    def do_side_runtime(self, pid):
        with la.Runtime() as side:
            self.calls.append(la.dispatch(side.spawn(Target(self.books)), Target.ask, 0, 0, [pid]))
            self.calls[-1].get(LIMIT)

    def do_settle_a_side_runtime(self, _):
        with la.Runtime() as side:
            side.clock.pause()
            pid = side.spawn(Target(self.books))
            self.do_tell(pid)
            self.do_post(pid)
            self.books.add("told")
            la.delay(5, pid, Target.hear_late)
            side.clock.advance(5)
            if not side.clock.settle(LIMIT):
                self.books.wrong.append("a side runtime did not settle")

    def do_look(self, pid):
        self.runtime.find(pid.id)
        self.runtime.pids()
        repr(self.runtime)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.usefixtures("switching")
def test_every_entry_point_may_be_used_by_all_threads_at_once(together, count, seed):
    threads = set(threading.enumerate())
    books, runtime, lock = Books(), la.Runtime(), threading.Lock()
    targets = [Target(books, rank) for rank in range(2 * USERS)]
    for target in targets:
        runtime.spawn(target)
    users = [User(runtime, seed + n, books, targets, lock) for n in range(USERS)]

    together(*[lambda user=user: user.run(count(1_000) + 30) for user in users])
    la.after(0.01, runtime=runtime).get(LIMIT)  # and thereby all delays, which are shorter
    runtime.close()

    calls = [call for user in users for call in user.calls]
    others = [future for user in users for future in user.others]
    users.clear()
    gc.collect()
    assert books.wrong == []
    assert books["stopped"] == books["made"]
    assert books["heard"] + runtime.dead_letters == books["told"]
    assert sum(call.is_ready() for call in calls) + books["got"] == books["answered"]
    assert [call for call in calls + others if call.is_failed()] == []
    assert [call for call in calls + others if call.is_pending() and not call.is_abandoned()] == []
    assert set(threading.enumerate()) <= threads
    assert runtime.pids() == ()
