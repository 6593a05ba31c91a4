"""Coroutines of some actors, driven at random, beside a model of them: who waits, what each answer comes to."""

# The model knows gates (futures that a rule completes), and of each call at which of its gates it stands. After every
#   rule the runtime settles, and both must agree: states of the answers, how many wait, and which blocks were left.

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import libactor as la

LIMIT = 30  # seconds; a bound on failure

OUTCOMES = ("ready", "failed", "discarded", "abandoned")


class Worker(la.Actor):
    def __init__(self):
        super().__init__()
        self.entered = self.left = 0

    async def work(self, gates):
        for gate in gates:
            self.entered += 1
            try:
                await gate
            finally:
                self.left += 1
        return len(gates)


class Gate:
    """A future, and what the model says of it; an obedient one honours a discard."""

    def __init__(self, obedient):
        self.promise = la.Promise()
        self.future = self.promise.future
        self.obedient = obedient
        self.state = "pending"
        if obedient:
            self.future.on_discard(self.promise.discard)

    def ask(self):
        if self.obedient and self.state == "pending":
            self.state = "discarded"


class Call:
    """A call of work, and what the model says of it."""

    def __init__(self, owner, gates, answer):
        self.owner = owner
        self.gates = gates
        self.answer = answer
        self.place = 0
        self.state = "pending"
        self.discard = False

    def step(self):
        """Go on as far as the gates let it; whether anything has changed."""
        before = (self.place, self.state, [gate.state for gate in self.gates])
        while self.state == "pending":
            if self.place == len(self.gates):
                self.state = "ready"
                break
            gate = self.gates[self.place]
            if self.discard:
                gate.ask()
            if gate.state == "pending":
                break
            if gate.state == "ready":
                self.place += 1
            else:  # an Abandoned that escapes is a failure
                self.state = "failed" if gate.state == "abandoned" else gate.state
        return before != (self.place, self.state, [gate.state for gate in self.gates])


class CoroutineMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.runtime = la.Runtime()
        self.runtime.clock.pause()
        self.workers = {}
        self.gates = [Gate(True), Gate(False)]
        self.calls = []

    def teardown(self):
        self.runtime.close()
        assert all(not call.answer.is_pending() or call.answer.is_abandoned() for call in self.calls)
        for actor in self.workers.values():
            assert actor.entered == actor.left
        assert self.runtime.suspended() == 0

    @rule()
    def spawn(self):
        actor = Worker()
        self.workers[self.runtime.spawn(actor)] = actor

    @rule(obedient=st.booleans())
    def make_gate(self, obedient):
        self.gates.append(Gate(obedient))

    @precondition(lambda self: self.workers)
    @rule(data=st.data())
    def call(self, data):
        pid = data.draw(st.sampled_from(list(self.workers)))
        gates = data.draw(st.lists(st.sampled_from(self.gates), max_size=4))
        answer = la.dispatch(pid, Worker.work, [gate.future for gate in gates])
        call = Call(pid, gates, answer)
        if self.runtime.find(pid.id) is None:
            call.state = "abandoned"
        self.calls.append(call)

    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES))
    def complete(self, data, outcome):
        gate = data.draw(st.sampled_from(self.gates))
        if gate.state != "pending":
            return
        gate.state = outcome
        if outcome == "ready":
            gate.promise.set(1)
        elif outcome == "failed":
            gate.promise.fail(KeyError("gate"))
        elif outcome == "discarded":
            gate.promise.discard()
        else:
            gate.future._abandon()

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def discard(self, data):
        call = data.draw(st.sampled_from(self.calls))
        call.answer.discard()
        call.discard = True

    @precondition(lambda self: self.workers)
    @rule(data=st.data(), inject=st.booleans())
    def terminate(self, data, inject):
        pid = data.draw(st.sampled_from(list(self.workers)))
        la.terminate(pid, inject)
        assert la.wait(pid, LIMIT)
        for call in self.calls:
            if call.owner == pid and call.state == "pending":
                call.state = "abandoned"
                call.gates[call.place].ask()

    @invariant()
    def agrees(self):
        assert self.runtime.clock.settle(LIMIT)
        changed = True
        while changed:
            changed = sum(call.step() for call in self.calls) > 0
        for call in self.calls:
            assert observed(call.answer) == call.state
        waiting = sum(call.state == "pending" for call in self.calls)
        assert self.runtime.suspended() == waiting
        assert sum(actor.entered - actor.left for actor in self.workers.values()) == waiting


def observed(future):
    """The state of a future as the model names it; a failure is thereby looked at."""
    if future.is_pending():
        return "abandoned" if future.is_abandoned() else "pending"
    future.exception()
    return "ready" if future.is_ready() else "failed" if future.is_failed() else "discarded"


TestCoroutines = CoroutineMachine.TestCase
TestCoroutines.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
