"""A runtime goes the way of a model that fits on a page: order, exits, lost events, abandoned and discarded calls."""

# Hypothesis drives a runtime with a paused clock through random steps, and a model made of plain lists. An actor may be
#   held inside a handler, so that what is sent to it waits; one that is not held is served before the next step.
#   After each step the runtime settles, and all that can be seen of it is compared with the model.
# What the schedule decides (who runs first of two actors) no step depends on.

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

import libactor as la

LIMIT = 60  # seconds; a bound on failure


class Boom(Exception):
    pass


class Subject(la.Actor):
    """Writes down what it is served."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def note(self, line):
        self.lines.append(line)
        return line

    def boom(self):
        raise Boom

    def hold(self, future):
        self.lines.append("held")
        future.get(LIMIT)

    def watch(self, pid):
        la.link(pid)

    def on_start(self):
        self.lines.append("start")

    def on_stop(self):
        self.lines.append("stop")

    def on_exited(self, pid, reason):
        self.lines.append((pid.id, type(reason).__name__))


class Model:
    """What an actor is: a queue of events and the lines they made. An event is (kind, argument, future)."""

    def __init__(self, name):
        self.name = name
        self.queue = []
        self.lines = ["start"]
        self.linkers = []
        self.held = self.stopped = False
        self.reason = "NoneType"


class World:
    """All models together: what is served, and whom an end concerns."""

    def __init__(self):
        self.dead_letters = 0
        self.states = {}  # number of a call -> its state as its future prints it

    def send(self, actor, kind, argument=None, call=None, first=False):
        event = (kind, argument, call)
        if actor.stopped:
            self.drop(event)
        else:
            actor.queue.insert(0 if first else len(actor.queue), event)
            self.serve(actor)

    def serve(self, actor):
        while actor.queue and not actor.held and not actor.stopped:
            kind, argument, call = actor.queue.pop(0)
            if call is not None and self.states[call] == "asked for discard":
                self.states[call] = "Discarded"
            elif kind == "note":
                actor.lines.append(argument)
                self.finish(call, "Ready")
            elif kind == "hold":
                actor.lines.append("held")
                actor.held = True
            elif kind == "watch":
                self.link(actor, argument)
            elif kind == "exited":
                actor.lines.append(argument)
            elif kind == "boom" and call is not None:
                self.finish(call, "Failed")
            else:
                self.stop(actor, "Boom" if kind == "boom" else "NoneType")

    def link(self, actor, other):
        if other.stopped:
            self.send(actor, "exited", (other.name, other.reason))
        elif actor not in other.linkers:
            other.linkers.append(actor)

    def stop(self, actor, reason):
        actor.lines.append("stop")
        actor.stopped, actor.reason = True, reason
        for event in actor.queue:
            self.drop(event)
        for linker in actor.linkers:
            self.send(linker, "exited", (actor.name, reason))

    def drop(self, event):
        kind, _, call = event
        if call is not None:
            self.finish(call, "Abandoned")
        elif kind in ("note", "boom", "watch"):
            self.dead_letters += 1

    def finish(self, call, state):
        if call is not None:
            discard = self.states[call] == "asked for discard"
            self.states[call] = f"{state} (with discard)" if discard else state


class RuntimeMachine(RuleBasedStateMachine):
    actors = Bundle("actors")
    calls = Bundle("calls")

    def __init__(self):
        super().__init__()
        self.runtime = la.Runtime()
        self.runtime.clock.pause()
        self.world = World()
        self.pairs = []  # (PID, actor object, model)
        self.futures = []
        self.gates = {}  # model of an actor that is held -> its promise
        self.timers = []  # (deadline, number, timer, what the model does then)
        self.now = self.count = 0

    def teardown(self):
        for promise in self.gates.values():
            promise.set(None)
        self.runtime.close()
        for future in self.futures:
            future.exception()  # or each failure would be logged when it goes away

    def call(self, state="Pending"):
        self.world.states[len(self.futures)] = state
        return len(self.futures)

    @precondition(lambda self: len(self.pairs) < 4)
    @rule(target=actors)
    def spawn(self):
        actor = Subject()
        pid = self.runtime.spawn(actor)
        self.pairs.append((pid, actor, Model(pid.id)))
        return self.pairs[-1]

    @rule(to=actors)
    def tell(self, to):
        self.count += 1
        la.tell(to[0], Subject.note, self.count)
        self.world.send(to[2], "note", self.count)

    @rule(target=calls, to=actors, fails=st.sampled_from([False, False, True]))
    def dispatch(self, to, fails):
        self.count += 1
        number = self.call()
        if fails:
            self.futures.append(la.dispatch(to[0], Subject.boom))
            self.world.send(to[2], "boom", None, number)
        else:
            self.futures.append(la.dispatch(to[0], Subject.note, self.count))
            self.world.send(to[2], "note", self.count, number)
        return number

    @rule(number=calls)
    def discard(self, number):
        asked = self.futures[number].discard()
        state = self.world.states[number]
        assert asked == (state in ("Pending", "Abandoned"))
        if asked:
            self.world.states[number] = "asked for discard" if state == "Pending" else "Abandoned (with discard)"

    @rule(to=actors)
    def tell_that_it_fails(self, to):
        la.tell(to[0], Subject.boom)
        self.world.send(to[2], "boom")

    @rule(to=actors)
    def hold(self, to):
        if to[2] in self.gates or to[2].stopped:
            return
        promise = self.gates[to[2]] = la.Promise()
        la.tell(to[0], Subject.hold, promise.future)
        self.world.send(to[2], "hold")

    @precondition(lambda self: self.gates)
    @rule(data=st.data())
    def release(self, data):
        model = data.draw(st.sampled_from(list(self.gates)))
        self.gates.pop(model).set(None)
        model.held = False
        self.world.serve(model)

    @rule(to=actors, inject=st.booleans())
    def terminate(self, to, inject):
        la.terminate(to[0], inject)
        self.world.send(to[2], "terminate", first=inject)

    @rule(watcher=actors, other=actors, times=st.integers(1, 2))
    def link(self, watcher, other, times):
        if watcher is not other:
            for _ in range(times):
                la.tell(watcher[0], Subject.watch, other[0])
                self.world.send(watcher[2], "watch", other[2])

    @rule(to=actors, seconds=st.integers(0, 5))
    def delay(self, to, seconds):
        self.count += 1
        line = self.count
        timer = la.delay(seconds, to[0], Subject.note, line)
        self.timers.append((self.now + seconds, line, timer, to[2]))
        self.fire()

    @precondition(lambda self: self.timers)
    @rule(data=st.data())
    def cancel(self, data):
        entry = data.draw(st.sampled_from(self.timers))
        assert entry[2].cancel()
        self.timers.remove(entry)

    @rule(seconds=st.integers(0, 5))
    def advance(self, seconds):
        self.now += seconds
        self.runtime.clock.advance(seconds)
        self.fire()

    def fire(self):
        due = sorted(entry[:2] for entry in self.timers if entry[0] <= self.now)
        for deadline, line in due:
            entry = next(entry for entry in self.timers if entry[:2] == (deadline, line))
            self.timers.remove(entry)
            self.world.send(entry[3], "note", line)

    @invariant()
    def the_runtime_is_as_the_model(self):
        assert self.runtime.clock.settle(LIMIT)
        assert [actor.lines for _, actor, _ in self.pairs] == [model.lines for *_, model in self.pairs]
        assert list(self.runtime.pids()) == [pid for pid, _, model in self.pairs if not model.stopped]
        assert self.runtime.dead_letters == self.world.dead_letters
        shown = [repr(future)[len("<Future ") : -1] for future in self.futures]
        asked = {"asked for discard": "Pending (with discard)", "Discarded": "Discarded (with discard)"}
        assert shown == [asked.get(state, state) for state in self.world.states.values()]
        assert not [timer for *_, timer, _ in self.timers if not timer.pending]


@pytest.mark.parametrize("steps", [30, 100])
def test_a_runtime_goes_the_way_of_its_model(steps, caplog):
    caplog.set_level("CRITICAL")  # that failures are logged is shown elsewhere

    examples = 40 * settings.default.max_examples // steps
    run_state_machine_as_test(RuntimeMachine, settings=settings(max_examples=examples, stateful_step_count=steps))
