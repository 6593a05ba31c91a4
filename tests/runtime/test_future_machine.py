"""Futures made of futures, in any order of events, come out as those of a model that knows no memory and no threads."""

# The model: a node has a state, two flags, who hears of its outcome or its abandonment, and what its discard reaches.
# Each rule does one thing to a future and to its node; then all states, flags, values and calls of functions are
# compared. Chains stay short of where hops are put off, so that even the order of calls is the model's.

import itertools

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

import libactor as la

PENDING, READY, FAILED, DISCARDED = "pending", "ready", "failed", "discarded"
DEPTH_MAX = 7
ACTS = {"then": {READY}, "repair": {FAILED}, "recover": {FAILED, DISCARDED, PENDING}}


class Node:
    """What the model knows of one future; ``real`` is that future."""

    def __init__(self, depth=0):
        self.real = None
        self.depth = depth
        self.state, self.value = PENDING, None
        self.asked = self.abandoned = False
        self.downstream = []  # (arrive, lose) in the order made
        self.upstream = []  # functions that hand a discard on
        self.follows = False  # waits for another one to deliver

    def complete(self, state, value=None):
        if self.state != PENDING:
            return False
        self.state, self.value = state, value
        downstream, self.downstream, self.upstream = self.downstream, [], []
        for arrive, _ in downstream:
            arrive()
        return True

    def ask(self):
        if self.state != PENDING or self.asked:
            return False
        self.asked = True
        for hand_on in list(self.upstream):
            hand_on()
        return True

    def abandon(self):
        if self.state == PENDING and not self.abandoned:
            self.abandoned = True
            for _, lose in list(self.downstream):
                lose()

    def link(self, arrive, lose):
        if self.state != PENDING:
            arrive()
            return
        self.downstream.append((arrive, lose))
        if self.abandoned:
            lose()

    def follow(self, source, shield=False):
        if self.state != PENDING or self.follows:
            return
        self.follows = True
        if not shield:
            self.upstream.insert(0, source.ask)  # upstream hears a discard before all others
            if self.asked:
                source.ask()
        source.link(lambda: self.complete(source.state, source.value), self.abandon)

    def deliver(self, outcome):
        kind, value = outcome
        if kind == "raise":
            self.complete(FAILED, value)
        elif kind == "future":
            self.follow(value)
        else:
            self.complete(READY, value)


def step(source, kind, outcome, calls, name):
    """The node of ``source.then`` and so on, for a function that comes to ``outcome``."""
    result, made = Node(source.depth + 1), []
    result.follows = True
    hand_on = source.ask

    def arrive():
        if made:
            return
        made.append(True)
        result.follows = False
        if hand_on in result.upstream:
            result.upstream.remove(hand_on)
        if source.state not in ACTS[kind]:
            result.complete(source.state, source.value)
        elif kind == "then" and (source.asked or result.asked):
            result.complete(DISCARDED)
        else:
            if kind == "recover":
                result.asked = False
            calls.append(name)
            result.deliver(outcome)

    result.upstream.append(hand_on)
    source.link(arrive, arrive if kind == "recover" else lambda: made or result.abandon())
    return result


def join(members, collects):
    """The node of ``collect`` or ``await_all``."""
    result, arrived = Node(1 + max([member.depth for member in members], default=0)), []

    def give_up():
        for member in members:
            member.ask()
        result.complete(DISCARDED)

    def arrive(member):
        if collects and member.state == FAILED:
            result.complete(FAILED, member.value)
        elif collects and member.state == DISCARDED:
            if not result.asked:
                result.complete(FAILED, "discarded")
        else:
            arrived.append(member)
            if len(arrived) == len(members) and (collects or not result.asked):
                result.complete(READY, [one.value if collects else one.real for one in members])

    if not members:
        result.complete(READY, [])
    result.upstream.append(give_up)
    for member in members:
        member.link(lambda member=member: arrive(member), result.abandon)
    return result


def choose(members):
    """The node of ``select``."""
    result, left = Node(1 + max([member.depth for member in members], default=0)), set(range(len(members)))

    def lose(number):
        left.discard(number)
        if not left:
            result.abandon()

    def arrive(number):
        if members[number].state == READY:
            result.complete(READY, members[number].real)
        else:
            lose(number)

    result.upstream.append(lambda: result.complete(DISCARDED))
    for number, member in enumerate(members):
        member.link(lambda number=number: arrive(number), lambda number=number: lose(number))
    if not members:
        result.abandon()
    return result


class Machine(RuleBasedStateMachine):
    nodes, promises = Bundle("nodes"), Bundle("promises")

    def __init__(self):
        super().__init__()
        self.runtime = la.Runtime()
        self.runtime.clock.pause()
        self.numbers = itertools.count()
        self.all, self.timers, self.calls, self.model_calls, self.now = [], [], [], [], 0

    def teardown(self):
        for node in self.all:
            node.real.on_failed(str)  # what fails when the promises go is no news
        self.runtime.close()

    def add(self, node, real):
        node.real = real
        self.all.append(node)
        return node

    def function(self, outcome):
        """A function that comes to ``outcome``, and the name by which it tells that it was called."""
        name = next(self.numbers)
        kind, value = outcome

        def call(_):
            self.calls.append(name)
            if kind == "raise":
                raise value
            return value.real if kind == "future" else value

        return call, name

    def outcome(self, kind, other):
        if kind == "raise":
            return kind, ValueError(next(self.numbers))
        return kind, other if kind == "future" else next(self.numbers)

    @rule(target=promises, obedient=st.booleans())
    def promise(self, obedient):
        promise, node = la.Promise(), Node()
        if obedient:
            promise.future.on_discard(promise.discard)
            node.upstream.append(lambda: node.follows or node.complete(DISCARDED))
        self.add(node, promise.future)
        return [promise, node, obedient]

    @rule(target=nodes, holder=promises)
    def future(self, holder):
        return holder[1]

    @rule(holder=promises, how=st.sampled_from(["set", "set", "fail", "discard"]))
    def deliver(self, holder, how):
        promise, node, _ = holder
        if promise is None:
            return
        error, number = ValueError(next(self.numbers)), next(self.numbers)
        real = {"set": lambda: promise.set(number), "fail": lambda: promise.fail(error), "discard": promise.discard}[
            how
        ]
        outcome = {"set": (READY, number), "fail": (FAILED, error), "discard": (DISCARDED, None)}[how]
        expected = not node.follows and node.complete(*outcome)
        assert real() is expected

    @rule(holder=promises, source=nodes)
    def associate(self, holder, source):
        promise, node, _ = holder
        if promise is None or source.depth > DEPTH_MAX or source is node:
            return
        expected = not node.follows and node.state == PENDING
        node.depth = max(node.depth, source.depth + 1)
        node.follow(source)
        assert promise.associate(source.real) is expected

    @rule(holder=promises)
    def drop(self, holder):
        _, node, obedient = holder
        holder[0] = None
        if not node.follows and not obedient:  # one that obeys is kept by its own callback
            node.abandon()

    @rule(node=nodes)
    def discard(self, node):
        expected = node.ask()
        assert node.real.discard() is expected

    @rule(target=nodes, source=nodes, kind=st.sampled_from(sorted(ACTS)), other=nodes,
          outcome=st.sampled_from(["value", "raise", "future"]))  # fmt: skip
    def chain(self, source, kind, outcome, other):
        if max(source.depth, other.depth) > DEPTH_MAX:
            return source
        outcome = self.outcome(outcome, other)
        call, name = self.function(outcome)
        node = step(source, kind, outcome, self.model_calls, name)
        node.depth = max(source.depth, other.depth) + 1
        return self.add(node, getattr(source.real, kind)(call))

    @rule(target=nodes, source=nodes, seconds=st.integers(1, 3), outcome=st.sampled_from(["value", "raise", "future"]),
          other=nodes)  # fmt: skip
    def after(self, source, seconds, outcome, other):
        if max(source.depth, other.depth) > DEPTH_MAX:
            return source
        outcome = self.outcome(outcome, other)
        call, name = self.function(outcome)
        node, timer = Node(max(source.depth, other.depth) + 1), [self.now + seconds, name, None]

        def fire():
            self.model_calls.append(name)
            node.deliver(outcome)

        def arrive():
            if timer in self.timers:
                self.timers.remove(timer)
                node.complete(source.state, source.value)

        timer[2] = fire
        self.timers.append(timer)
        node.upstream.append(source.ask)
        source.link(arrive, node.abandon)
        return self.add(node, source.real.after(seconds, call, runtime=self.runtime))

    @rule(seconds=st.integers(1, 2))
    def advance(self, seconds):
        self.now += seconds
        due = sorted([timer for timer in self.timers if timer[0] <= self.now], key=lambda timer: timer[:2])
        for timer in due:
            if timer in self.timers:  # one that fired before it may have come in time for it
                self.timers.remove(timer)
                timer[2]()
        self.runtime.clock.advance(seconds)
        self.runtime.clock.settle()

    @rule(target=nodes, members=st.lists(nodes, max_size=4), how=st.sampled_from(["collect", "await_all", "select"]))
    def several(self, members, how):
        if any(member.depth > DEPTH_MAX for member in members):
            return members[0]
        node = choose(members) if how == "select" else join(members, how == "collect")
        return self.add(node, getattr(la, how)([member.real for member in members]))

    @rule(target=nodes, source=nodes)
    def shield(self, source):
        if source.depth > DEPTH_MAX:
            return source
        node = Node(source.depth + 1)
        node.follow(source, shield=True)
        return self.add(node, la.undiscardable(source.real))

    @invariant()
    def futures_are_as_the_model_says(self):
        assert self.calls == self.model_calls
        for node in self.all:
            real = node.real
            assert repr(real) == f"<Future {described(node)}>"
            assert real.is_abandoned() is (node.state == PENDING and node.abandoned)
            if node.state == READY:
                assert real.get(0) == node.value
            if node.state == FAILED:
                assert node.value in (real.exception(), "discarded")


def described(node):
    state = "abandoned" if node.state == PENDING and node.abandoned else node.state
    return state.title() + (" (with discard)" if node.asked else "")


def test_futures_made_of_futures_go_the_way_of_the_model():
    run_state_machine_as_test(Machine, settings=settings(stateful_step_count=60, deadline=None))
