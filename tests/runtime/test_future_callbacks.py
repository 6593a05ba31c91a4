"""Callbacks of a FutureCell that raise, interrupt, come back or end at a bad moment. Run for both cores."""

import functools
import gc
import itertools
import threading
import weakref

import pytest

PENDING, READY, FAILED, DISCARDED = range(4)
ON_READY, ON_FAILED, ON_DISCARDED, ON_ANY, ON_DISCARD, ON_ABANDONED = range(6)
OUTCOMES = [(READY, "value"), (FAILED, "error"), (DISCARDED, None)]


# ---- callbacks that misbehave ----


def raising(error):
    def callback(*_):
        raise error

    return callback


def test_a_callback_that_raises_is_reported_and_the_others_run(core, reports):
    cell, log, error = core.FutureCell(), [], ValueError("callback")
    bad = raising(error)
    cell._subscribe(ON_READY, bad)
    cell._subscribe(ON_READY, log.append)
    cell._subscribe(ON_ANY, log.append)

    assert cell._complete(READY, 1) is True

    assert log == [1, cell]
    assert reports.callback == [(bad, error)]
    assert error.__traceback__ is not None


@pytest.mark.parametrize("kind", [ON_DISCARD, ON_ABANDONED])
def test_a_callback_of_a_flag_that_raises_is_reported(core, reports, kind):
    cell = core.FutureCell()
    cell._subscribe(kind, raising(ValueError("callback")))

    assert (cell.discard() if kind == ON_DISCARD else cell._abandon()) is True

    assert len(reports.callback) == 1


def test_a_late_callback_that_raises_is_reported_as_well(core, reports):
    cell = core.FutureCell()
    cell._complete(READY, 1)

    cell._subscribe(ON_READY, raising(ValueError("late")))

    assert len(reports.callback) == 1


def test_what_cannot_be_called_is_reported(core, reports):
    cell = core.FutureCell()
    cell._subscribe(ON_READY, 42)

    cell._complete(READY, 1)

    [(function, error)] = reports.callback
    assert function == 42
    assert isinstance(error, TypeError)


def test_without_reporters_a_failing_callback_does_no_harm(core):
    cell, log = core.FutureCell(), []
    cell._subscribe(ON_READY, raising(ValueError("nobody hears")))
    cell._subscribe(ON_READY, log.append)

    cell._complete(READY, 1)

    assert log == [1]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt("first"), SystemExit("first")])
def test_an_interrupt_in_a_callback_is_raised_after_all_were_called(core, reports, interrupt):
    cell, log = core.FutureCell(), []
    cell._subscribe(ON_READY, raising(interrupt))
    cell._subscribe(ON_READY, raising(KeyboardInterrupt("second")))
    cell._subscribe(ON_READY, log.append)
    cell._subscribe(ON_ANY, log.append)

    with pytest.raises(type(interrupt), match="first"):
        cell._complete(READY, 1)

    assert log == [1, cell]
    assert cell._outcome() == (READY, 1)
    assert reports.callback == []


@pytest.mark.parametrize("method", ["discard", "_abandon"])
def test_an_interrupt_in_a_callback_of_a_flag_is_raised(core, method):
    cell = core.FutureCell()
    cell._subscribe(ON_DISCARD, raising(KeyboardInterrupt()))
    cell._subscribe(ON_ABANDONED, raising(KeyboardInterrupt()))

    with pytest.raises(KeyboardInterrupt):
        getattr(cell, method)()

    assert cell.is_pending()


def test_what_the_reporter_raises_comes_out_after_all_were_called(core):
    cell, log = core.FutureCell(), []
    core.set_reporters(print, raising(RuntimeError("reporter")))
    cell._subscribe(ON_READY, raising(ValueError("callback")))
    cell._subscribe(ON_READY, log.append)

    with pytest.raises(RuntimeError, match="reporter"):
        cell._complete(READY, 1)

    assert log == [1]


def test_an_exception_that_denies_its_truth_is_raised_all_the_same(core):
    class Falsy(BaseException):
        def __bool__(self):
            raise AssertionError("nobody may ask")

    cell = core.FutureCell()
    cell._subscribe(ON_READY, raising(Falsy()))
    cell._subscribe(ON_READY, raising(KeyboardInterrupt()))

    with pytest.raises(Falsy):
        cell._complete(READY, 1)


# ---- callbacks that come back ----


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_callback_finds_the_cell_complete_and_cannot_complete_it_again(core, outcome):
    cell, log = core.FutureCell(), []
    cell._subscribe(ON_ANY, lambda _: log.append((cell._outcome(), cell._complete(READY, 2), cell.discard())))

    cell._complete(*outcome)

    assert log == [(outcome, False, False)]


def test_a_callback_that_subscribes_is_served_at_once(core):
    cell, log = core.FutureCell(), []

    def subscribe(_):
        cell._subscribe(ON_READY, lambda value: log.append(("inner", value)))

    cell._subscribe(ON_READY, subscribe)
    cell._subscribe(ON_READY, lambda value: log.append(("outer", value)))

    cell._complete(READY, 1)

    assert log == [("inner", 1), ("outer", 1)]


@pytest.mark.parametrize("kind", [ON_DISCARD, ON_ABANDONED])
def test_a_callback_of_a_flag_may_complete_the_cell(core, kind):
    cell, log = core.FutureCell(), []
    cell._subscribe(kind, lambda: log.append(cell._complete(DISCARDED, None)))
    cell._subscribe(kind, lambda: log.append("second"))
    cell._subscribe(ON_DISCARDED, lambda: log.append("discarded"))

    assert (cell.discard() if kind == ON_DISCARD else cell._abandon()) is True

    assert log == ["discarded", True, "second"]


def test_completion_runs_down_a_chain(core):
    cells = [core.FutureCell() for _ in range(50)]
    for one, next_one in itertools.pairwise(cells):
        one._subscribe(ON_READY, functools.partial(next_one._complete, READY))

    cells[0]._complete(READY, "through")

    assert [cell._outcome() for cell in cells] == [(READY, "through")] * 50


# Goal: a chain longer than the stack ends in a reported error, not in a crash. Method: only C functions in between, on
# the stack of a thread that has half of the usual; in Python 3.13 the interpreter's own guard comes too late there.
def test_a_chain_deeper_than_the_stack_is_reported(core, reports, start):
    cells = [core.FutureCell() for _ in range(100_000)]
    for one, next_one in itertools.pairwise(cells):
        one._subscribe(ON_READY, functools.partial(next_one._complete, READY))
    size = threading.stack_size(4 * 2**20)
    try:
        wait = start(lambda: cells[0]._complete(READY, "too far"))
    finally:
        threading.stack_size(size)

    assert wait() is True

    assert [type(error) for _, error in reports.callback] == [RecursionError]
    assert cells[100].is_ready()
    assert cells[-1].is_pending()


def test_a_callback_may_drop_the_last_reference_to_the_cell(core):
    log = []
    holder = [core.FutureCell()]
    reference = weakref.ref(holder[0])
    holder[0]._subscribe(ON_READY, lambda _: holder.clear())
    holder[0]._subscribe(ON_READY, log.append)

    holder[0]._complete(READY, 1)

    assert log == [1]
    assert reference() is None


class Finalized:
    """A callback, value or event that calls ``at_end`` when it goes away."""

    def __init__(self, at_end):
        self.at_end = at_end

    def __call__(self, *arguments):
        pass

    def __del__(self):
        self.at_end()


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("kind", [ON_READY, ON_FAILED, ON_DISCARD, ON_ANY])
def test_a_callback_whose_end_touches_the_cell_does_no_harm(core, kind, count):
    cell, log = core.FutureCell(), []

    def touch():
        cell._subscribe(ON_READY, log.append)
        log.append((cell._complete(FAILED, 2), cell.discard(), cell._outcome()))

    for _ in range(count):
        cell._subscribe(kind, Finalized(touch))

    cell._complete(READY, 1)

    assert log == [1, (False, False, (READY, 1))] * count


@pytest.mark.parametrize("method", ["discard", "_abandon"])
def test_a_callback_of_a_flag_whose_end_completes_the_cell_does_no_harm(core, method):
    cell, log = core.FutureCell(), []
    kind = ON_DISCARD if method == "discard" else ON_ABANDONED
    for _ in range(3):
        cell._subscribe(kind, Finalized(lambda: log.append(cell._complete(READY, 1))))
        cell._subscribe(ON_READY, log.append)

    assert getattr(cell, method)() is True

    assert sorted(map(repr, log)) == sorted(map(repr, [1, 1, 1, True, False, False]))


def test_a_subscription_taken_back_whose_end_touches_the_cell_does_no_harm(core):
    cell, log = core.FutureCell(), []
    callback = Finalized(lambda: log.append(cell._complete(READY, 1)))
    cell._subscribe(ON_READY, callback)
    cell._subscribe(ON_READY, log.append)
    holder = [callback]
    del callback

    cell._unsubscribe(ON_READY, holder[0])
    holder.clear()

    assert log == [1, True]


# Goal: a finalizer that the collector runs in the middle of an operation may use any cell. Method: collect at every
# allocation while garbage with such finalizers is made.
def test_the_collector_may_run_finalizers_within_any_operation(core, start):
    cell = core.FutureCell()

    def touch():
        cell._subscribe(ON_READY, str)
        cell._unsubscribe(ON_READY, str)
        other = core.FutureCell()
        other._subscribe(ON_ANY, str)
        other._complete(READY, None)

    def operate():
        for _ in range(300):
            garbage = Finalized(touch)
            garbage.itself = garbage
            del garbage
            other = core.FutureCell()
            other._subscribe(ON_DISCARD, str)
            other._subscribe(ON_READY, str)
            other.discard()
            other._abandon()
            other._complete(READY, [])

    threshold = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        start(operate)()
    finally:
        gc.set_threshold(*threshold)

    assert cell.is_pending()


@pytest.mark.real
def test_a_signal_handler_may_use_a_cell_within_any_operation(core, alarm):
    rings, calls, cells = [], [], [core.FutureCell()]

    def use():
        cells[-1]._subscribe(ON_READY, calls.append)
        cells[-1]._unsubscribe(ON_READY, str)
        rings.append(cells[-1]._complete(READY, "signal"))

    alarm(*[use] * 300, seconds=0.0001)
    direct = []
    while len(rings) < 300:
        cells.append(core.FutureCell())
        cells[-1]._subscribe(ON_DISCARD, str)
        cells[-1]._subscribe(ON_READY, str)
        cells[-1].discard()
        cells[-1]._unsubscribe(ON_READY, print)
        direct.append(cells[-1]._complete(READY, "direct"))

    assert len(calls) == 300
    assert (rings + direct).count(True) == sum(cell.is_ready() for cell in cells)
