"""A bounded mailbox goes the way of a list, and in a crowd of senders nothing is lost unnoticed."""

# The machine drives one actor with a paused clock: it is held inside a handler, let go, sent to and ended. After each
#   step all that can be seen of it is compared with a list. Who sends is an actor, which waits for nothing: block is
#   there what fail-sender is.
# The crowd sends from threads while the actor serves, and ends it in between: each call and each tell must have come to
#   exactly one end.

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

import libactor as la
from libactor.testing import DeterministicRuntime, inject_exited

LIMIT = 60  # seconds; a bound on failure
CAPACITY = 3
POLICIES = ("drop-new", "drop-old", "fail-sender", "block")


class Subject(la.Actor):
    def __init__(self):
        super().__init__()
        self.seen = []

    def note(self, what):
        self.seen.append(what)

    @la.control
    def urge(self, what):
        self.seen.append(what)

    def on_exited(self, pid, reason):
        self.seen.append("exited")


def end_of(future):
    """What a call has come to."""
    if future.is_abandoned():
        with pytest.raises(la.Abandoned) as caught:
            future.get(0)
        return "full" if isinstance(caught.value.reason, la.MailboxFull) else "stopped"
    if future.is_failed():
        with pytest.raises(la.MailboxFull):
            future.get(0)
        return "failed"
    return "served" if future.is_ready() else "waits"


class BoundedMachine(RuleBasedStateMachine):
    overflow = "drop-new"

    def __init__(self):
        super().__init__()
        self.runtime = la.Runtime()
        self.runtime.clock.pause()
        self.actor = Subject()
        self.pid = self.runtime.spawn(self.actor, mailbox=la.Bounded(CAPACITY, self.overflow))
        self.sender = self.runtime.spawn(la.Actor())
        self.gate = None  # of the handler in which the actor is held
        self.futures = {}  # number of a call -> its future
        self.number = 0
        self.urgent, self.ordinary = [], []  # (kind, number)
        self.seen, self.ends = [], {}
        self.letters = self.overflows = 0
        self.stopped = False

    def teardown(self):
        self.release()
        self.runtime.close()

    # ---- the model ----

    def expect(self, kind):
        """What is to become of an event that is sent now."""
        self.number += 1
        event = kind, self.number
        counted = [waiting for waiting in self.ordinary if waiting[0] != "exited"]
        if kind == "call":
            self.ends[self.number] = "waits"
        if self.stopped:
            self.lose(event, "stopped")
        elif kind == "urge":
            self.urgent.append(event)
        elif kind == "exited" or len(counted) < CAPACITY:
            self.ordinary.append(event)
        else:
            self.overflows += 1
            if self.overflow == "drop-old":
                self.ordinary.remove(counted[0])
                self.ordinary.append(event)
                event = counted[0]
            self.lose(event, "full" if self.overflow.startswith("drop") else "failed")
        if self.gate is None:
            self.serve()

    def serve(self):
        for kind, number in self.urgent + self.ordinary:
            self.seen.append("exited" if kind == "exited" else number)
            if kind == "call":
                self.ends[number] = "served"
        self.urgent, self.ordinary = [], []

    def lose(self, event, end):
        if event[0] == "call":
            self.ends[event[1]] = end
        elif event[0] != "exited":
            self.letters += 1

    # ---- the steps ----

    def send(self, function, *arguments):
        return la.execute(self.sender, lambda: function(self.pid, *arguments)).get(LIMIT)

    @rule()
    def tell(self):
        self.expect("tell")
        self.send(la.tell, Subject.note, self.number)

    @rule()
    def call(self):
        self.expect("call")
        number = self.number
        self.send(lambda pid: self.futures.update({number: la.dispatch(pid, Subject.note, number)}))

    @rule()
    def delay(self):
        self.expect("tell")
        la.delay(1, self.pid, Subject.note, self.number)
        self.runtime.clock.advance(1)

    @rule()
    def urge(self):
        self.expect("urge")
        self.send(la.tell, Subject.urge, self.number)

    @rule()
    def link_ends(self):
        self.expect("exited")
        inject_exited(self.sender, to=self.pid)

    @precondition(lambda self: self.gate is None and not self.stopped)
    @rule()
    def hold(self):
        self.gate, entered = la.Promise(), threading.Event()
        future = self.gate.future
        la.execute(self.pid, lambda: (entered.set(), future.get(LIMIT))[0])
        assert entered.wait(LIMIT)

    @rule()
    def release(self):
        if self.gate is not None:
            gate, self.gate = self.gate, None
            gate.set(None)
            if not self.stopped:
                self.serve()

    @precondition(lambda self: not self.stopped)
    @rule()
    def terminate(self):
        la.terminate(self.pid)
        self.release_last()

    def release_last(self):
        self.stopped = True
        for event in self.urgent + self.ordinary:
            self.lose(event, "stopped")
        self.urgent, self.ordinary = [], []
        self.release()
        assert la.wait(self.pid, LIMIT)

    @invariant()
    def all_is_as_expected(self):
        if self.gate is None:
            assert self.runtime.clock.settle(LIMIT)
        assert {number: end_of(future) for number, future in self.futures.items()} == self.ends
        assert self.actor.seen == self.seen
        assert (self.runtime.dead_letters, self.runtime.overflows) == (self.letters, self.overflows)
        assert len(self.pid._process) == len(self.urgent) + len(self.ordinary)


@pytest.mark.parametrize("overflow", POLICIES)
def test_a_bounded_mailbox_goes_the_way_of_a_list(overflow):
    machine = type("Machine", (BoundedMachine,), {"overflow": overflow})

    run_state_machine_as_test(machine, settings=settings(max_examples=40, stateful_step_count=30, deadline=None))


@pytest.mark.real
@pytest.mark.parametrize("overflow", POLICIES)
@settings(max_examples=15, deadline=None)
@given(
    capacity=st.integers(1, 5),
    senders=st.integers(1, 4),
    each=st.integers(1, 60),
    end=st.one_of(st.none(), st.integers(0, 100)),
)
def test_in_a_crowd_of_senders_each_event_comes_to_one_end(overflow, capacity, senders, each, end):
    with la.Runtime() as runtime:
        subject = Subject()
        pid = la.spawn(subject, mailbox=la.Bounded(capacity, overflow))
        futures = [[] for _ in range(senders)]

        def send(number):
            for n in range(each):
                la.tell(pid, Subject.note, ("tell", number, n))
                futures[number].append(la.dispatch(pid, Subject.note, ("call", number, n)))
                if number == 0 and n == end:
                    la.terminate(pid)

        threads = [threading.Thread(target=send, args=(number,), daemon=True) for number in range(senders)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT)
        la.terminate(pid, inject=False)
        assert la.wait(pid, LIMIT)

        ends = [end_of(future) for own in futures for future in own]
        told = sum(kind == "tell" for kind, _, _ in subject.seen)
        assert (len(ends), ends.count("waits")) == (senders * each, 0)
        assert told + runtime.dead_letters == senders * each
        assert len(subject.seen) - told == ends.count("served")
        assert len(set(subject.seen)) == len(subject.seen)
        for number in range(senders):
            own = [n for kind, who, n in subject.seen if (kind, who) == ("tell", number)]
            assert own == sorted(own)
        if overflow == "block":
            assert runtime.overflows == 0
        else:
            assert runtime.overflows >= ends.count("full") + ends.count("failed")


# Goal: nobody waits for room in a simulation, which runs only while somebody waits. Method: a sender in no `with`.
def test_a_sender_outside_a_deterministic_runtime_that_is_not_open_makes_room_by_running_it():
    runtime = DeterministicRuntime(1)
    actor = Subject()
    pid = runtime.spawn(actor, mailbox=la.Bounded(1, "block"))

    for number in range(3):
        la.tell(pid, Subject.note, number)
    runtime.settle()
    runtime.close()

    assert actor.seen == [0, 1, 2]
