"""The C core does, step by step, what its Python twin does."""

# Hypothesis drives both through the same steps and compares each answer and each call of a callback. What threads do
# is not its business; see test_future_cell.py, test_mailbox.py and test_run_queue.py. Values
# are compared in test_values_twins.py.

import inspect

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from libactor._core import _collection, _json, _projection, _record

KINDS = st.integers(-1, 6)
STATES = st.integers(-1, 4)
NAMES = st.sampled_from("abc")
QUESTIONS = ("is_pending", "is_ready", "is_failed", "is_discarded", "is_abandoned", "has_discard")
PRIVATE = ("_complete", "_abandon", "_follow", "_find_target", "_subscribe", "_unsubscribe", "_outcome")
TYPES = ["ActorCell", "FutureCell", "Mailbox", "RunQueue", "RuntimeCell", "ValueCopier"]
OF_RECORDS = (
    _collection.CollectionCell, _collection.Snapshot, _json.JsonWriterCell, _projection.Transcoder, _record.Record,
    _record.RecordKind,
)  # fmt: skip
TYPES += [kind.__name__ for kind in OF_RECORDS]


@pytest.fixture
def python(load_core):
    core = load_core("python")
    vars(core).update({kind.__name__: kind for kind in OF_RECORDS})
    return core


@pytest.fixture
def c(load_core):
    return load_core("c")


def answer(function, *arguments):
    """What a call gives, or the type and text of what it raises."""
    try:
        return function(*arguments)
    except BaseException as error:
        return type(error), str(error)


class Callback:
    """A callback that tells its calls, does one step to its cell and may raise; equal to others of its name."""

    __hash__ = None

    def __init__(self, name, cell, log, step, error):
        self.name, self.cell, self.log, self.step, self.error = name, cell, log, step, error

    def __eq__(self, other):
        return self.name == other.name

    def __call__(self, *arguments):
        told = ["cell" if argument is self.cell else argument for argument in arguments]
        self.log.append((self.name, told, answer(self.step, self.cell)))
        if self.error is not None:
            raise self.error(self.name)


STEPS = {
    "nothing": lambda cell: None,
    "complete": lambda cell: cell._complete(1, "inner"),
    "fail": lambda cell: cell._complete(2, "inner"),
    "discard": lambda cell: cell.discard(),
    "abandon": lambda cell: cell._abandon(),
    "unsubscribe": lambda cell: cell._unsubscribe(0, Callback("a", cell, [], None, None)),
}
ERRORS = st.sampled_from([None, None, None, ValueError, KeyboardInterrupt])


def future_machine(python, c):
    class FutureMachine(RuleBasedStateMachine):
        cells = Bundle("cells")

        def __init__(self):
            super().__init__()
            self.pairs, self.logs = [], ([], [])
            for core, log in zip((python, c), self.logs, strict=True):
                core.set_reporters(
                    str,  # when cells go away depends on the collector
                    lambda callback, error, log=log: log.append(("failed", callback.name, repr(error))),
                )

        def both(self, pair, step):
            one, two = (answer(step, cell, log) for cell, log in zip(pair, self.logs, strict=True))
            assert one == two

        @rule(target=cells)
        def create(self):
            self.pairs.append((python.FutureCell(), c.FutureCell()))
            return self.pairs[-1]

        @rule(pair=cells, state=STATES, value=st.sampled_from(["one", 2, None]))
        def complete(self, pair, state, value):
            self.both(pair, lambda cell, _: cell._complete(state, value))

        @rule(pair=cells, kind=KINDS, name=NAMES, step=st.sampled_from(sorted(STEPS)), error=ERRORS)
        def subscribe(self, pair, kind, name, step, error):
            self.both(pair, lambda cell, log: cell._subscribe(kind, Callback(name, cell, log, STEPS[step], error)))

        @rule(pair=cells, kind=KINDS, name=NAMES)
        def unsubscribe(self, pair, kind, name):
            self.both(pair, lambda cell, log: cell._unsubscribe(kind, Callback(name, cell, log, None, None)))

        @rule(pair=cells, method=st.sampled_from(["discard", "_abandon", "_outcome"]))
        def ask(self, pair, method):
            self.both(pair, lambda cell, _: getattr(cell, method)())

        @invariant()
        def calls_and_states_are_equal(self):
            assert self.logs[0] == self.logs[1]
            for pair in self.pairs:
                self.both(pair, lambda cell, _: [getattr(cell, name)() for name in QUESTIONS])

    return FutureMachine


def mailbox_machine(python, c):
    class MailboxMachine(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.pair = python.Mailbox(), c.Mailbox()
            self.number = 0

        @rule(method=st.sampled_from(["put", "put", "put_first"]), count=st.integers(1, 40))
        def put(self, method, count):
            for _ in range(count):
                self.number += 1
                one, two = (getattr(mailbox, method)(self.number) for mailbox in self.pair)
                assert one == two

        @rule(count=st.integers(1, 60))
        def take(self, count):
            for _ in range(count):
                one, two = (mailbox.take() for mailbox in self.pair)
                assert one == two

        @rule(really=st.sampled_from([False] * 9 + [True]))
        def close(self, really):
            if really:
                one, two = (mailbox.close() for mailbox in self.pair)
                assert one == two

        @invariant()
        def lengths_are_equal(self):
            assert len(self.pair[0]) == len(self.pair[1])

    return MailboxMachine


@pytest.mark.parametrize("machine", [future_machine, mailbox_machine], ids=["FutureCell", "Mailbox"])
def test_both_cores_answer_alike_step_by_step(python, c, machine):
    run_state_machine_as_test(machine(python, c), settings=settings(max_examples=60, stateful_step_count=40))


def signatures(kind):
    """Name -> its parameters after self as (name, kind, default), for the methods that libactor calls."""
    methods = {name: getattr(kind, name) for name in dir(kind) if name in PRIVATE or not name.startswith("_")}
    return {
        name: [
            (p.name, p.kind, ... if type(p.default) is object else p.default)  # what stands for no default
            for p in list(inspect.signature(method).parameters.values())[1:]
        ]
        for name, method in methods.items()
        if callable(method)
    }


@pytest.mark.parametrize("name", TYPES)
def test_both_cores_have_the_same_methods_and_signatures(python, c, name):
    assert signatures(getattr(c, name)) == signatures(getattr(python, name))


@pytest.mark.parametrize("name", TYPES)
def test_every_public_method_of_the_c_core_is_documented(c, name):
    kind = getattr(c, name)
    public = [getattr(kind, key) for key in dir(kind) if not key.startswith("__")]

    assert kind.__doc__
    assert all(member.__doc__ for member in public)


def test_module_instances_of_the_c_core_keep_apart(c, load_core):
    other, told = load_core("c"), []
    c.set_reporters(told.append, print)
    cell = other.FutureCell()
    cell._complete(2, "unseen")

    del cell

    assert told == []
    assert other.FutureCell is not c.FutureCell


@pytest.mark.parametrize("kind", ["a text", int, "wider"])
def test_the_c_core_makes_futures_only_of_a_class_that_adds_no_fields(c, kind):
    if kind == "wider":
        kind = type("Wider", (c.FutureCell,), {})

    with pytest.raises(TypeError, match="expected a subclass of FutureCell that adds no fields"):
        c.configure(future_type=kind)
