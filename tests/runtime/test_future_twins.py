"""Steps, gathers and promises of the C core go, call by call, as those of the Python core, whatever functions do."""

# Each future exists twice, once in each core. Every rule is applied to both, Python first; functions tell their calls,
# do something to any of the futures, and come to a value, an error, an interrupt or a future. Then the answers, the
# calls in their order, and all states must be the same. What a model says of them is in test_future_machine.py.

import gc

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test

READY, FAILED, DISCARDED = 1, 2, 3
KINDS = range(6)
QUESTIONS = ("is_pending", "is_ready", "is_failed", "is_discarded", "is_abandoned", "has_discard")
DEEP = 20  # longer than what the stack takes before hops are put off

DOINGS = {
    "nothing": lambda cell: None,
    "complete": lambda cell: cell._complete(READY, "inner"),
    "fail": lambda cell: cell._complete(FAILED, ValueError("inner")),
    "discard": lambda cell: cell.discard(),
    "abandon": lambda cell: cell._abandon("inner cause"),
    "then": lambda cell: cell.then(repr) and None,
    "mirror": lambda cell: type(cell)()._follow(cell),
}
doings = st.sampled_from(["nothing"] * 6 + sorted(DOINGS))
endings = st.sampled_from(["value", "value", "list", "raise", "interrupt", "future", "future"])


class Function:
    """A function or callback of one core: tells its call, does something to one future, comes to its ending."""

    def __init__(self, machine, core, name, doing, target, ending, other):
        self.machine, self.core, self.name = machine, core, name
        self.doing, self.target, self.ending, self.other = doing, target, ending, other

    def __call__(self, *arguments):
        machine, core = self.machine, self.core
        if machine.over:
            return None
        done = machine.answer(core, lambda: DOINGS[self.doing](machine.pairs[self.target][core]))
        machine.logs[core].append((self.name, [machine.shown(core, one) for one in arguments], done))
        if self.ending == "raise":
            raise ValueError(self.name)
        if self.ending == "interrupt":
            raise KeyboardInterrupt(self.name)
        if self.ending == "future":
            return machine.pairs[self.other][core]
        return [self.name] if self.ending == "list" else self.name


class TwinMachine(RuleBasedStateMachine):
    """Both cores, which a subclass names, side by side."""

    cores: tuple
    cells, promises = Bundle("cells"), Bundle("promises")

    def __init__(self):
        super().__init__()
        self.pairs, self.logs, self.names, self.over = [], ([], []), 0, False
        for number, core in enumerate(self.cores):
            core.set_reporters(str, lambda function, error, log=self.logs[number]: log.append(repr(error)))
            core.configure(
                copy_value=lambda value, log=self.logs[number]: log.append("copied") or [*value],
                pass_answer=lambda value, log=self.logs[number]: (log.append("passed") or value, True),
            )

    def teardown(self):
        self.over = True  # promises that go from here on call functions that do nothing
        for core in self.cores:
            core.set_reporters(str, lambda function, error: None)
            core.configure(copy_value=list, pass_answer=lambda value: (value, True))
        self.pairs.clear()
        gc.collect()

    def shown(self, core, value):
        """``value`` as both cores show it: a future as the number of its pair."""
        if isinstance(value, self.cores[core].FutureCell):
            return next(f"cell {n}" for n, pair in enumerate([*self.pairs, (value, value)]) if pair[core] is value)
        if isinstance(value, list):
            return [self.shown(core, one) for one in value]
        return repr(value)

    def answer(self, core, step):
        try:
            return self.shown(core, step())
        except BaseException as error:
            return type(error), str(error)

    def both(self, step):
        """Apply ``step`` to both cores; its results, which must be alike."""
        results = []

        def keep(core):
            results.append(step(core))
            return results[-1] if isinstance(results[-1], bool) else None

        one, two = (self.answer(core, lambda core=core: keep(core)) for core in (0, 1))
        assert one == two
        assert len(results) in (0, 2)
        return results

    def add(self, results):
        """Register what both made, if they made it."""
        if not results:
            return multiple()
        self.pairs.append(tuple(results))
        return len(self.pairs) - 1

    def functions(self, doing, target, ending, other):
        self.names += 1
        return [Function(self, core, f"f{self.names}", doing, target, ending, other) for core in (0, 1)]

    @rule(target=cells)
    def create(self):
        return self.add([core.FutureCell() for core in self.cores])

    @rule(target=promises)
    def promise(self):
        pair = [core.PromiseCell() for core in self.cores]
        self.add([promise.future for promise in pair])
        return pair

    @rule(target=cells, pair=promises)
    def future(self, pair):
        return next(iter(n for n, cells in enumerate(self.pairs) if pair and cells[0] is pair[0].future)) if pair else 0

    @rule(pair=promises, how=st.sampled_from(["set", "fail", "discard", "associate", "drop"]), source=cells)
    def deliver(self, pair, how, source):
        if pair and how == "drop":
            pair.clear()
        elif pair and how == "associate":
            self.both(lambda core: pair[core].associate(self.pairs[source][core]))
        elif pair:
            value = [] if how == "discard" else [ValueError("delivered")]
            self.both(lambda core: getattr(pair[core], how)(*value))

    @rule(cell=cells, state=st.integers(READY, DISCARDED), per_reader=st.booleans())
    def complete(self, cell, state, per_reader):
        value = ["mutable"] if per_reader else "value"
        self.both(lambda core: self.pairs[cell][core]._complete(state, value, per_reader))

    @rule(cell=cells, method=st.sampled_from(["discard", "discard", "_abandon"]))
    def flag(self, cell, method):
        self.both(lambda core: getattr(self.pairs[cell][core], method)())

    @rule(target=cells, cell=cells, step=st.sampled_from(["then", "repair", "recover"]), doing=doings, object=cells,
          ending=endings, other=cells)  # fmt: skip
    def step(self, cell, step, doing, object, ending, other):
        functions = self.functions(doing, object, ending, other)
        return self.add(self.both(lambda core: getattr(self.pairs[cell][core], step)(functions[core])))

    @rule(target=cells, cell=cells)
    def chain(self, cell):
        def extend(core):
            end = self.pairs[cell][core]
            for _ in range(DEEP):
                end = end.then(lambda value: value)
            return end

        return self.add(self.both(extend))

    @rule(cell=cells, kind=st.sampled_from(KINDS), doing=doings, object=cells,
          ending=endings)  # fmt: skip
    def subscribe(self, cell, kind, doing, object, ending):
        functions = self.functions(doing, object, ending, object)
        self.both(lambda core: self.pairs[cell][core]._subscribe(kind, functions[core]))

    @rule(cell=cells, source=cells, answer=st.booleans(), shield=st.booleans())
    def follow(self, cell, source, answer, shield):
        self.both(lambda core: self.pairs[cell][core]._follow(self.pairs[source][core], answer, shield))

    @rule(target=cells, members=st.lists(cells, max_size=4), collects=st.booleans())
    def gather(self, members, collects):
        return self.add(
            self.both(lambda core: self.cores[core].gather([self.pairs[n][core] for n in members], collects))
        )

    @invariant()
    def all_is_alike(self):
        assert self.logs[0] == self.logs[1]
        for pair in self.pairs:
            one, two = ([getattr(cell, name)() for name in QUESTIONS] for cell in pair)
            assert one == two
            one, two = (self.shown(core, cell._outcome()[1]) for core, cell in enumerate(pair))
            assert one == two


@pytest.fixture
def collected_by_hand():
    """No collection but those asked for: one at any other time calls what is left of an example within the next."""
    gc.collect()
    gc.freeze()
    gc.disable()
    yield
    gc.enable()
    gc.unfreeze()


@pytest.mark.timeout(600)  # 500 examples, as `make check-all` has it, take a minute on a quiet machine
@pytest.mark.usefixtures("collected_by_hand")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # an interrupt while a promise goes
def test_both_cores_make_futures_of_futures_alike(load_core):
    machine = type("Machine", (TwinMachine,), {"cores": (load_core("python"), load_core("c"))})

    run_state_machine_as_test(machine, settings=settings(stateful_step_count=40, deadline=None))
