"""Functions of steps that come back, let go, or end at a bad moment, in each position. Run for both cores."""

import gc
import itertools
import weakref

import pytest

PENDING, READY, FAILED, DISCARDED = range(4)
KINDS = range(6)
POSITIONS = ["then", "repair", "recover", "recover lost", "follow", "gather", *[f"kind {kind}" for kind in KINDS]]


class Stage:
    """A source with something hung on it in one position, and what came of it."""

    def __init__(self, core, position, function):
        self.core, self.source, self.position = core, core.FutureCell(), position
        self.result = core.FutureCell()
        name, _, detail = position.partition(" ")
        if name == "kind":
            self.source._subscribe(int(detail), function)
        elif name == "follow":
            self.result._follow(self.source)
            self.result._subscribe(3, function)
            self.result._subscribe(5, function)
        elif name == "gather":
            self.result = core.gather([self.source, self.source], True)
            self.result._subscribe(3, function)
        else:
            self.result = getattr(self.source, name)(function)

    def go(self):
        """Do to the source what makes the function be called."""
        if self.position in ("kind 5", "recover lost"):
            self.source._abandon("cause")
        elif self.position == "kind 4":
            self.source.discard()
        elif self.position in ("repair", "recover", "kind 1"):
            self.source._complete(FAILED, ValueError("source"))
        elif self.position == "kind 2":
            self.source._complete(DISCARDED, None)
        else:
            self.source._complete(READY, "source")


def use(core, cell):
    """Everything one can do to a future."""
    cell._subscribe(3, str)
    cell._unsubscribe(3, str)
    [cell.then(str), cell.repair(str), cell.recover(lambda _: 1)]
    core.gather([cell, cell], False).discard()
    core.FutureCell()._follow(cell, shield=True)
    cell._follow(core.FutureCell())
    cell.discard()
    cell._abandon("again")
    cell._complete(READY, "inner")
    cell._outcome()
    core.hop(cell.discard)
    core.hop_on()


@pytest.fixture(autouse=True)
def quiet(core):
    core.set_reporters(lambda error: None, lambda function, error: None)


@pytest.mark.parametrize("ending", ["value", "raise", "interrupt", "itself", "source", "result"])
@pytest.mark.parametrize("position", POSITIONS)
def test_a_function_may_use_its_own_futures_in_any_way(core, position, ending):
    calls, after = [], []

    def function(*_):
        calls.append(1)
        use(core, stage.result)
        use(core, stage.source)
        if ending == "raise":
            raise ValueError("function")
        if ending == "interrupt":
            raise KeyboardInterrupt
        return {"value": 1, "itself": function}.get(ending) or getattr(stage, ending, None)

    stage = Stage(core, position, function)
    for kind in (0, 3, 4, 5):
        stage.source._subscribe(kind, lambda *_: after.append(1))

    try:
        stage.go()
    except KeyboardInterrupt:
        assert ending == "interrupt"

    assert calls
    assert after
    assert not stage.source.is_pending() or position == "recover lost"


@pytest.mark.parametrize("position", POSITIONS)
def test_a_function_may_let_go_of_everything(core, position):
    calls = []

    def function(*_):
        calls.append(1)
        holder.clear()
        gc.collect()
        return core.FutureCell()

    holder = [Stage(core, position, function)]
    reference = weakref.ref(holder[0].source)

    holder[0].go()
    gc.collect()

    assert calls
    assert reference() is None


class Ending:
    """A function that does something when it goes away."""

    def __init__(self, at_end):
        self.at_end = at_end

    def __call__(self, *_):
        return 1

    def __del__(self):
        self.at_end()


@pytest.mark.parametrize("called", [True, False])
@pytest.mark.parametrize("position", POSITIONS)
def test_the_end_of_a_function_may_use_its_futures(core, position, called):
    ends = []

    def at_end():
        ends.append(1)
        use(core, cells[0])
        use(core, cells[1])

    cells = []
    stage = Stage(core, position, Ending(at_end))
    cells += [stage.source, stage.result]

    if called:
        stage.go()
    else:
        cells[:] = [core.FutureCell(), stage.result]
    del stage
    cells[:] = [core.FutureCell(), core.FutureCell()]
    gc.collect()

    assert ends == [1]


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_what_cannot_even_be_looked_at_is_only_called(core, position, error):
    class Hostile:
        def __getattribute__(self, name):
            raise AssertionError(name)

        __hash__ = __eq__ = __bool__ = __repr__ = __getattribute__

        def __call__(self, *_):
            raise error

    stage = Stage(core, position, Hostile())

    try:
        stage.go()
    except KeyboardInterrupt:
        assert error is KeyboardInterrupt

    assert not stage.result.is_ready() or position in ("follow", "gather")


@pytest.mark.parametrize("policy", ["copy_value", "pass_answer", "get_slowly"])
def test_the_policy_may_use_the_future_it_is_asked_about(core, policy):
    source, follower = core.FutureCell(), core.FutureCell()
    asked = []

    def hostile(*arguments):
        asked.append(1)
        if len(asked) == 1:
            use(core, source)
            use(core, follower)
        return ([1], True) if policy == "pass_answer" else [1]

    core.configure(**{policy: hostile})
    follower._follow(source, answer=True)
    if policy == "get_slowly":
        source.get()
    else:
        source._complete(READY, [1], policy == "copy_value")
        follower.get()

    assert asked
    assert not source.is_pending()


# Goal: no step is lost or made twice between `then` and completion. Method: race the two, many times.
def test_each_step_of_a_race_is_made_once(core, together):
    rounds = core.count(50_000)
    cells, calls, results = [core.FutureCell() for _ in range(rounds)], itertools.count(), []

    def chain():
        results.extend(cell.then(lambda _: next(calls)).recover(str).then(lambda k: k) for cell in cells)

    def complete():
        for cell in cells:
            cell._complete(READY, "once")

    together(chain, complete)

    assert next(calls) == rounds
    assert sorted(result._outcome() for result in results) == [(READY, n) for n in range(rounds)]


# Goal: discards on their way up meet outcomes on their way down. Method: both ends of many chains at once.
def test_discards_and_outcomes_that_meet_leave_each_future_in_one_state(core, together):
    starts = [core.FutureCell() for _ in range(core.count(20_000))]
    ends = [start.then(lambda k: k).recover(lambda _: "recovered").then(lambda k: k) for start in starts]

    together(lambda: [end.discard() for end in ends], lambda: [start._complete(READY, 1) for start in starts])

    outcomes = {end._outcome() for end in ends}
    assert outcomes <= {(READY, 1), (READY, "recovered"), (DISCARDED, None)}
