"""Programs on simulated hosts: retries, a leader that is cut off, recovery from disk; and planted faults, found."""

# Each program is run with many seeds while hosts are cut off and crash, and what must hold is looked at. Each has a
# fault that can be planted: it must be found, shrunk to a few choices, and replayed by them.

import dataclasses
import json

import pytest

import libactor as la
from libactor.testing import Conditions, DeterministicRuntime, Tape, shrink
from libactor.testing.collector import held
from tests.thoroughness import usually

SEEDS = usually(50, 500) if la.CORE == "c" else 20
ATTEMPTS = 100  # to shrink: enough to come within what is claimed
ROUGH = Conditions(loss=0.1, duplicate=0.1, reset=0.02, straggle=0.3, tail=0.05, notice=(1.0, 3.0))


def run_seeds(run):
    with held():
        for seed in range(SEEDS):
            run(seed, None, [])


def find_failure(run):
    """The tape of the first seed with which ``run`` fails."""
    with held():
        for seed in range(1000):
            tapes = []
            try:
                run(seed, None, tapes)
            except AssertionError:
                return tapes[0]
    raise LookupError("no seed fails")


def check_planted(run, deviations_max):
    """A fault that was planted is found, shrunk to at most so many choices, and replayed twice alike."""
    small = shrink(lambda tape: run(None, tape, []), find_failure(run), attempts=ATTEMPTS)
    again = Tape.from_json(small.to_json())
    messages = []
    for _ in range(2):
        with pytest.raises(AssertionError) as caught:
            run(None, again, [])
        messages.append(str(caught.value))

    assert messages[0] == messages[1]
    assert len(small) <= deviations_max, small.deviations()


# 1. A counter on another host: who counts retries until there is an answer, so each request must count once.


class Counter(la.Actor):
    def __init__(self, forgetful):
        super().__init__("counter")
        self.forgetful = forgetful
        self.total = 0
        self.answers = {}

    @la.remote
    def add(self, request: int, k: int) -> int:
        if request not in self.answers or self.forgetful:
            self.total += k
            self.answers[request] = self.total
        return self.answers[request]

    @la.remote
    def sum(self) -> int:
        return self.total


class Teller(la.Actor):
    """Counts to ten, one after the other."""

    def __init__(self, counter):
        super().__init__("teller")
        self.counter = counter
        self.request = 0
        self.done = la.Promise()

    def on_start(self):
        self.next(None)

    @la.remote
    def next(self, _):
        self.request += 1
        if self.request > 10:
            self.done.set(None)
        else:
            self.attempt(self.request)

    @la.remote
    def attempt(self, request):
        if request == self.request and self.request <= 10:
            la.dispatch(self.counter, Counter.add, request, 1).then(la.defer(self.pid, Teller.answered, request))
            la.delay(0.5, self.pid, Teller.attempt, request)

    @la.remote
    def answered(self, request, total):
        if request == self.request:
            self.next(None)

    @la.remote
    def finished(self) -> la.Future[None]:
        return self.done.future


def count(seed, tape, tapes, *, forgetful=False):
    with DeterministicRuntime(seed, tape) as rt:
        try:
            counter = rt.host("b").spawn(Counter(forgetful))
            teller = rt.host("a").spawn(Teller(counter))
            rt.network.conditions = ROUGH
            la.dispatch(teller, Teller.finished).get(1000)
            rt.run_for(20)

            total = la.dispatch(counter, Counter.sum).get()
            assert total == 10
        finally:
            tapes.append(rt.tape)


def test_a_counter_counts_each_request_once_however_often_it_is_sent():
    run_seeds(count)


def test_a_counter_that_forgets_what_it_was_asked_is_found_out():
    check_planted(lambda seed, tape, tapes: count(seed, tape, tapes, forgetful=True), 3)


# 2. A lease: who holds it leads. There must never be two leaders, whoever is cut off from whom.

LEASE_S = 3.0


class Keeper(la.Actor):
    def __init__(self):
        super().__init__("keeper")
        self.holder, self.until = None, 0.0

    @la.remote
    def ask(self, who: str) -> bool:
        now = self.runtime.clock.now()
        if self.holder not in (None, who) and now < self.until:
            return False
        self.holder, self.until = who, now + LEASE_S
        return True


class Candidate(la.Actor):
    """Asks for the lease each second, and leads while it knows that it holds it."""

    def __init__(self, keeper, careless):
        super().__init__()
        self.keeper = keeper
        self.careless = careless
        self.until = 0.0
        self.led = 0

    def on_start(self):
        self.ask()

    @la.remote
    def ask(self):
        asked = self.runtime.clock.now()
        answer = la.dispatch(self.keeper, Keeper.ask, self.pid.id)
        answer.then(la.defer(self.pid, Candidate.answered, asked))
        la.delay(1.0, self.pid, Candidate.ask)

    @la.remote
    def answered(self, asked, granted):
        if granted:
            begun = self.runtime.clock.now() if self.careless else asked  # the lease began before the answer came
            self.until = begun + LEASE_S
        self.led += self.leads()

    @la.remote
    def leads(self) -> bool:
        return self.runtime.clock.now() < self.until


def lead(seed, tape, tapes, *, careless=False):
    with DeterministicRuntime(seed, tape) as rt:
        try:
            faults = rt.streams("faults")
            keeper = rt.host("keeper").spawn(Keeper())
            names = ["a", "b"]
            actors = [Candidate(keeper, careless) for _ in names]
            for name, actor in zip(names, actors, strict=True):
                rt.host(name).spawn(actor)
            rt.network.conditions = dataclasses.replace(ROUGH, delay=(0.001, 1.0), duplicate=0.0)
            for _ in range(100):
                if faults.chance(0.05):
                    rt.network.partition([faults.pick(names)], ["keeper"], both_ways=faults.chance(0.5))
                elif faults.chance(0.1):
                    rt.network.heal()
                rt.run_for(0.25)
                leaders = [actor.pid.id for actor in actors if actor.leads()]
                assert len(leaders) <= 1, f"two lead at {rt.clock.now()}"
            rt.network.heal()
            rt.network.conditions = Conditions()
            rt.run_for(20)
            leaders = [actor.pid.id for actor in actors if actor.leads()]
            assert len(leaders) == 1, "nobody leads although all is well"
        finally:
            tapes.append(rt.tape)


def test_there_is_never_more_than_one_leader_and_one_again_once_all_is_well():
    run_seeds(lead)


def test_a_leader_that_counts_its_lease_from_the_answer_is_found_out():
    check_planted(lambda seed, tape, tapes: lead(seed, tape, tapes, careless=True), 12)


# 3. A store on disk: what it has acknowledged is there after any crash.


class Store(la.Actor):
    """Keeps one value: it writes a new file, and puts it in the place of the old one."""

    def __init__(self, disk, hasty):
        super().__init__("store")
        self.disk = disk
        self.hasty = hasty

    @la.remote
    def put(self, n: int) -> int:
        self.disk.write("new", json.dumps({"n": n, "rest": "x" * 2000}).encode())
        if not self.hasty:
            self.disk.sync("new")
        self.disk.rename("new", "value")
        self.disk.sync(".")
        return n

    @la.remote
    def get(self) -> int:
        return json.loads(self.disk.read("value"))["n"] if self.disk.exists("value") else 0


class Writer(la.Actor):
    """Puts 1, 2, 3 and so on, whatever becomes of it, and knows what was acknowledged."""

    def __init__(self, store):
        super().__init__("writer")
        self.store = store
        self.sent = self.acknowledged = 0

    def on_start(self):
        self.put()

    @la.remote
    def put(self):
        self.sent += 1
        la.dispatch(self.store, Store.put, self.sent).then(la.defer(self.pid, Writer.note))
        la.delay(0.1, self.pid, Writer.put)

    @la.remote
    def note(self, n):
        self.acknowledged = max(self.acknowledged, n)


def store(seed, tape, tapes, *, hasty=False):
    with DeterministicRuntime(seed, tape) as rt:
        try:
            faults, host = rt.streams("faults"), rt.host("b")
            actor = Store(host.disk, hasty)
            writer = Writer(host.spawn(actor))
            rt.host("a").spawn(writer)
            rt.network.conditions = dataclasses.replace(ROUGH, loss=0.02, reset=0.01, duplicate=0.0, straggle=0.0)
            for _ in range(10):
                rt.run_for(0.1 * faults.between(1, 10))
                rt.network.crash(host)
                rt.network.start(host)
                kept = Store(host.disk, hasty).get()
                assert writer.acknowledged <= kept <= writer.sent, "what was acknowledged is lost"
                host.spawn(Store(host.disk, hasty))
        except json.JSONDecodeError as error:
            raise AssertionError("what is on disk cannot be read") from error
        finally:
            tapes.append(rt.tape)


def test_what_a_store_has_acknowledged_survives_any_crash():
    run_seeds(store)


def test_a_store_that_renames_before_it_syncs_is_found_out():
    check_planted(lambda seed, tape, tapes: store(seed, tape, tapes, hasty=True), 3)
