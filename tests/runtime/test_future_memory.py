"""The end of a FutureCell: failures that nobody saw, weak references, cycles, chains. Run for both cores."""

import gc
import sys
import weakref

import pytest

PENDING, READY, FAILED, DISCARDED = range(4)
ON_READY, ON_FAILED, ON_DISCARDED, ON_ANY, ON_DISCARD, ON_ABANDONED = range(6)
KINDS = range(6)


def raising(error):
    def callback(*_):
        raise error

    return callback


# ---- failures that nobody looks at ----


def test_a_failure_that_goes_away_unseen_is_reported_once(core, reports):
    error = ValueError("unseen")
    cell = core.FutureCell()
    cell._complete(FAILED, error)

    del cell
    gc.collect()

    assert reports.unobserved == [error]


SUBSCRIPTIONS = [lambda cell: cell._subscribe(ON_FAILED, str), lambda cell: cell._subscribe(ON_ANY, str)]


@pytest.mark.parametrize("look", [lambda cell: cell._outcome(), *SUBSCRIPTIONS], ids=["outcome", "failed", "any"])
def test_a_failure_that_was_looked_at_is_not_reported(core, reports, look):
    cell = core.FutureCell()
    cell._complete(FAILED, ValueError("seen"))
    look(cell)

    del cell

    assert reports.unobserved == []


@pytest.mark.parametrize("look", SUBSCRIPTIONS, ids=["failed", "any"])
def test_a_failure_that_was_awaited_is_not_reported(core, reports, look):
    cell = core.FutureCell()
    look(cell)
    cell._complete(FAILED, ValueError("seen"))

    del cell

    assert reports.unobserved == []


def test_a_look_at_a_pending_cell_is_no_look_at_the_failure(core, reports):
    cell = core.FutureCell()
    cell._outcome()
    cell._complete(FAILED, ValueError("unseen"))

    del cell

    assert len(reports.unobserved) == 1


@pytest.mark.parametrize(
    "look", [lambda c: c.is_failed(), lambda c: c._subscribe(ON_READY, str), lambda c: c.discard()]
)
def test_other_questions_are_no_look(core, reports, look):
    cell = core.FutureCell()
    cell._complete(FAILED, ValueError("unseen"))
    look(cell)

    del cell

    assert len(reports.unobserved) == 1


@pytest.mark.parametrize("outcome", [None, (READY, 1), (DISCARDED, None)])
def test_what_is_no_failure_is_not_reported(core, reports, outcome):
    cell = core.FutureCell()
    if outcome:
        cell._complete(*outcome)

    del cell

    assert reports.unobserved == []


def test_a_failure_in_a_cycle_is_reported_by_the_collector(core, reports):
    class Future(core.FutureCell):
        __slots__ = ()

    for kind in (core.FutureCell, Future):
        error = ValueError("in a cycle")
        cell = kind()
        error.cell = cell
        cell._complete(FAILED, error)
        del cell, error

    gc.collect()

    assert [str(error) for error in reports.unobserved] == ["in a cycle"] * 2


def test_a_reporter_may_keep_the_failed_cell(core):
    kept = []
    error = ValueError("resurrected")
    core.set_reporters(lambda error: kept.append(error.cell()), print)
    cell = core.FutureCell()
    error.cell = lambda cell=cell: cell
    cell._complete(FAILED, error)

    del cell, error
    gc.collect()

    assert kept[0].is_failed()
    assert isinstance(kept[0]._outcome()[1], ValueError)


# Goal: a finalizer keeps the exception on its way. Method: the list, and with it the cell, goes with IndexError set.
def test_the_report_does_not_disturb_an_exception_on_its_way(core, reports):
    def failed_cell():
        cell = core.FutureCell()
        cell._complete(FAILED, "unseen")
        return cell

    index = 5
    with pytest.raises(IndexError, match="out of range"):
        [failed_cell()][index]

    assert reports.unobserved == ["unseen"]


def test_a_reporter_that_raises_at_the_end_of_a_cell_is_unraisable(core, monkeypatch):
    unraisable = []
    monkeypatch.setattr(sys, "unraisablehook", lambda report: unraisable.append(type(report.exc_value)))
    core.set_reporters(raising(ZeroDivisionError()), print)
    cell = core.FutureCell()
    cell._complete(FAILED, "unseen")

    del cell

    assert unraisable == [ZeroDivisionError]


def test_reporters_are_named_by_position_or_by_name(core):
    seen = []
    core.set_reporters(callback=print, unobserved=seen.append)
    cell = core.FutureCell()
    cell._complete(FAILED, 1)

    del cell

    assert seen == [1]
    with pytest.raises(TypeError):
        core.set_reporters(print)


# ---- memory ----


class Finalized:
    """A callback, value or event that calls ``at_end`` when it goes away."""

    def __init__(self, at_end):
        self.at_end = at_end

    def __call__(self, *arguments):
        pass

    def __del__(self):
        self.at_end()


def test_a_cell_can_be_referred_to_weakly(core):
    ended = []
    cell = core.FutureCell()
    reference = weakref.ref(cell, ended.append)
    assert reference() is cell

    del cell

    assert reference() is None
    assert ended == [reference]


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_the_collector_finds_cycles_through_callbacks(core, kind, count):
    cell = core.FutureCell()
    reference = weakref.ref(cell)
    for _ in range(count):
        cell._subscribe(kind, lambda *_, cell=cell: cell)

    del cell
    gc.collect()

    assert reference() is None


@pytest.mark.parametrize("subclass", [False, True])
def test_the_collector_finds_cycles_through_values(core, subclass):
    class Future(core.FutureCell):
        __slots__ = ()

    cell = Future() if subclass else core.FutureCell()
    reference = weakref.ref(cell)
    cell._complete(READY, [cell])

    del cell
    gc.collect()

    assert reference() is None


def test_the_collector_finds_cycles_through_fields_of_a_subclass(core):
    class WithDict(core.FutureCell):
        pass

    class WithSlot(core.FutureCell):
        __slots__ = ("itself",)

    cells = [WithDict(), WithSlot()]
    references = [weakref.ref(cell) for cell in cells]
    for cell in cells:
        cell.itself = cell

    del cell
    cells.clear()
    gc.collect()

    assert [reference() for reference in references] == [None, None]


def test_a_finalizer_in_a_collected_cycle_finds_the_cell_in_order(core):
    log = []
    cell = core.FutureCell()
    cycle = Finalized(lambda cell=cell: log.append((cell._outcome()[0], cell._complete(READY, 1))))
    cell._complete(READY, cycle)

    del cell, cycle
    gc.collect()

    assert log == [(READY, False)]


@pytest.mark.parametrize("through", ["value", "callback"])
def test_a_long_chain_of_cells_goes_away_without_recursion(core, through):
    class Future(core.FutureCell):
        __slots__ = ()

    kinds = [core.FutureCell] if core.name == "c" else []  # the interpreter guards what is defined in Python
    for kind in [*kinds, Future]:
        cell = None
        for _ in range(100_000):
            outer = kind()
            if through == "value":
                outer._complete(READY, cell)
            else:
                outer._subscribe(ON_READY, cell)
            cell, outer = outer, None
        reference = weakref.ref(cell)

        del cell

        assert reference() is None


def test_a_subclass_without_fields_is_no_larger(core):
    class Future(core.FutureCell):
        __slots__ = ()

        def double(self):
            return 2 * self._outcome()[1]

    future = Future()
    future._complete(READY, 21)

    assert future.double() == 42
    assert sys.getsizeof(future) == sys.getsizeof(core.FutureCell())
    assert isinstance(future, core.FutureCell)


def test_a_subclass_may_have_a_constructor_with_arguments(core):
    class Future(core.FutureCell):
        def __init__(self, name, *, size=0):
            super().__init__()
            self.name, self.size = name, size

    future = Future("answer", size=3)

    assert (future.name, future.size) == ("answer", 3)
    assert future.is_pending()


# Goal: most cells cost the collector nothing. Method: ask it; the Python core has no say in that.
@pytest.mark.parametrize("core", ["c"], indirect=True)
def test_only_a_cell_that_could_be_in_a_cycle_is_tracked(core):
    class Future(core.FutureCell):
        __slots__ = ()

    idle, number, text, with_list, with_callback = (Future() for _ in range(5))
    number._complete(READY, 1)
    text._complete(FAILED, "text")
    with_list._complete(READY, [])
    with_callback._subscribe(ON_READY, str)

    assert [gc.is_tracked(cell) for cell in (idle, number, text, with_list, with_callback)] == [False] * 3 + [True] * 2


# Goal: what a cell made for several callbacks goes with it, though all were taken back before it was completed.
def test_callbacks_that_were_taken_back_leave_no_memory(core, traced_memory):
    def take_back(times):
        for _ in range(times):
            cell = core.FutureCell()
            for kind in (ON_ANY, ON_ABANDONED):
                cell._subscribe(kind, str)
            for kind in (ON_ANY, ON_ABANDONED):
                cell._unsubscribe(kind, str)
            cell._complete(READY, None)
        gc.collect()
        return traced_memory()

    before = take_back(100)

    assert take_back(1_000) - before < 1_000 * 16
