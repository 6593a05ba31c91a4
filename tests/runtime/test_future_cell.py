"""FutureCell: one value that arrives once; its flags and its callbacks. One body of tests for both cores."""

import functools
import gc
import itertools
import sys
import threading
import weakref

import pytest

PENDING, READY, FAILED, DISCARDED = range(4)
ON_READY, ON_FAILED, ON_DISCARDED, ON_ANY, ON_DISCARD, ON_ABANDONED = range(6)
OUTCOMES = [(READY, "value"), (FAILED, "error"), (DISCARDED, None)]
OUTCOME_KIND = {READY: ON_READY, FAILED: ON_FAILED, DISCARDED: ON_DISCARDED}
KINDS = range(6)


class Reports:
    """What the two reporters were told."""

    def __init__(self, core):
        self.unobserved = []
        self.callback = []
        core.set_reporters(self.unobserved.append, lambda function, error: self.callback.append((function, error)))


@pytest.fixture
def reports(core):
    return Reports(core)


def subscribe_all(cell, log):
    """Subscribe to each kind, in an order that is not the order of calls; ``log`` gets (kind, arguments)."""
    for kind in (ON_ANY, ON_READY, ON_FAILED, ON_DISCARDED, ON_DISCARD, ON_ABANDONED):
        cell._subscribe(kind, lambda *arguments, kind=kind: log.append((kind, arguments)))


def expected_call(cell, kind, value=None):
    return kind, {ON_READY: (value,), ON_FAILED: (value,), ON_ANY: (cell,)}.get(kind, ())


# ---- state ----


def test_constants_are_those_of_the_other_core(core):
    names = "PENDING READY FAILED DISCARDED ON_READY ON_FAILED ON_DISCARDED ON_ANY ON_DISCARD ON_ABANDONED".split()

    assert [getattr(core, name) for name in names] == [*range(4), *range(6)]


def test_a_new_cell_is_pending_and_has_no_flag(core):
    cell = core.FutureCell()

    assert cell._outcome() == (PENDING, None)
    assert cell.is_pending()
    assert not any([cell.is_ready(), cell.is_failed(), cell.is_discarded(), cell.is_abandoned(), cell.has_discard()])


@pytest.mark.parametrize(("state", "value"), OUTCOMES)
def test_completion_sets_state_and_value(core, state, value):
    cell = core.FutureCell()

    assert cell._complete(state, value) is True

    assert cell._outcome() == (state, value)
    assert (cell.is_ready(), cell.is_failed(), cell.is_discarded()) == (
        state == READY,
        state == FAILED,
        state == DISCARDED,
    )
    assert not cell.is_pending()


@pytest.mark.parametrize(("first", "second"), list(itertools.product(OUTCOMES, OUTCOMES)))
def test_only_the_first_completion_counts(core, first, second):
    cell = core.FutureCell()
    cell._complete(*first)

    assert cell._complete(*second) is False

    assert cell._outcome() == first


def test_a_discard_request_leaves_the_cell_pending_and_counts_once(core):
    cell = core.FutureCell()

    assert cell.discard() is True
    assert cell.discard() is False

    assert cell.is_pending()
    assert cell.has_discard()


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_requested_discard_does_not_bind_the_completing_side(core, outcome):
    cell = core.FutureCell()
    cell.discard()

    assert cell._complete(*outcome) is True

    assert cell._outcome() == outcome
    assert cell.has_discard()


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_discard_request_to_a_complete_cell_is_refused(core, outcome):
    cell = core.FutureCell()
    cell._complete(*outcome)

    assert cell.discard() is False

    assert not cell.has_discard()


def test_an_abandoned_cell_stays_pending_and_is_abandoned_once(core):
    cell = core.FutureCell()

    assert cell._abandon() is True
    assert cell._abandon() is False

    assert cell.is_pending()
    assert cell.is_abandoned()


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_complete_cell_is_not_abandoned_in_either_order(core, outcome):
    before, after = core.FutureCell(), core.FutureCell()
    before._abandon()
    after._complete(*outcome)

    assert before._complete(*outcome) is True
    assert after._abandon() is False

    assert not before.is_abandoned()
    assert not after.is_abandoned()


@pytest.mark.parametrize("state", [PENDING, -1, 4, 2**40])
def test_a_completion_with_what_is_no_outcome_is_refused(core, state):
    cell = core.FutureCell()

    with pytest.raises(ValueError, match=r"state is .*, expected 1 to 3"):
        cell._complete(state, None)

    assert cell.is_pending()


@pytest.mark.parametrize("kind", [-1, 6])
@pytest.mark.parametrize("method", ["_subscribe", "_unsubscribe"])
def test_a_kind_that_does_not_exist_is_refused(core, kind, method):
    cell = core.FutureCell()

    with pytest.raises(ValueError, match=r"kind is .*, expected 0 to 5"):
        getattr(cell, method)(kind, print)


@pytest.mark.parametrize("arguments", [(), (1,), (1, 2, 3), ("text", 1)])
def test_wrong_arguments_are_a_type_error(core, arguments):
    cell = core.FutureCell()

    with pytest.raises(TypeError):
        cell._complete(*arguments)
    with pytest.raises(TypeError):
        cell._subscribe(*arguments)
    with pytest.raises(TypeError):
        cell._unsubscribe(*arguments)


def test_a_cell_takes_no_arguments(core):
    with pytest.raises(TypeError):
        core.FutureCell(1)
    with pytest.raises(TypeError):
        core.FutureCell(value=1)


# ---- callbacks ----


@pytest.mark.parametrize(("state", "value"), OUTCOMES)
def test_completion_calls_those_of_its_outcome_then_those_of_any(core, state, value):
    cell, log = core.FutureCell(), []
    subscribe_all(cell, log)

    cell._complete(state, value)

    assert log == [expected_call(cell, OUTCOME_KIND[state], value), expected_call(cell, ON_ANY)]


@pytest.mark.parametrize(("state", "value"), OUTCOMES)
def test_a_late_subscription_is_called_at_once_or_never(core, state, value):
    cell, log = core.FutureCell(), []
    cell._complete(state, value)

    subscribe_all(cell, log)

    assert log == [expected_call(cell, ON_ANY), expected_call(cell, OUTCOME_KIND[state], value)]


@pytest.mark.parametrize(("method", "kind"), [("discard", ON_DISCARD), ("_abandon", ON_ABANDONED)])
@pytest.mark.parametrize("early", [True, False])
def test_a_flag_calls_its_subscribers_once_whether_early_or_late(core, method, kind, early):
    cell, log = core.FutureCell(), []
    if early:
        subscribe_all(cell, log)

    getattr(cell, method)()
    if not early:
        subscribe_all(cell, log)
    getattr(cell, method)()

    assert log == [(kind, ())]


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_flags_raised_before_the_end_are_still_told_in_their_order(core, outcome):
    cell, log = core.FutureCell(), []
    subscribe_all(cell, log)

    cell.discard()
    cell._abandon()
    cell._complete(*outcome)

    assert [kind for kind, _ in log] == [ON_DISCARD, ON_ABANDONED, OUTCOME_KIND[outcome[0]], ON_ANY]


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_request_before_completion_is_told_to_late_subscribers_but_abandonment_is_not(core, outcome):
    cell, log = core.FutureCell(), []
    cell.discard()
    cell._abandon()
    cell._complete(*outcome)

    subscribe_all(cell, log)

    assert [kind for kind, _ in log] == [ON_ANY, OUTCOME_KIND[outcome[0]], ON_DISCARD]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 100])
def test_callbacks_of_one_kind_are_called_in_the_order_registered(core, count):
    cell, log = core.FutureCell(), []
    for number in range(count):
        cell._subscribe(ON_READY, lambda _, number=number: log.append(number))

    cell._complete(READY, None)

    assert log == list(range(count))


# Goal: taking callbacks out of the middle keeps the order of the rest. Method: outcomes and requests alternate.
@pytest.mark.parametrize("first_kind", [ON_DISCARD, ON_READY])
def test_a_request_takes_its_callbacks_and_leaves_the_others_in_order(core, first_kind):
    cell, log = core.FutureCell(), []
    for number in range(9):
        kind = first_kind if number % 2 == 0 else ON_DISCARD + ON_READY - first_kind
        cell._subscribe(kind, lambda *_, number=number: log.append(number))
    cell.discard()
    cell._subscribe(ON_READY, lambda _: log.append("last"))

    cell._complete(READY, None)

    even, odd = [0, 2, 4, 6, 8], [1, 3, 5, 7]
    assert log == ([*even, *odd, "last"] if first_kind == ON_DISCARD else [*odd, *even, "last"])


def test_callbacks_run_in_the_thread_that_completes(core, together):
    cell, threads = core.FutureCell(), []
    cell._subscribe(ON_ANY, lambda _: threads.append(threading.get_ident()))

    [worker] = together(lambda: (cell._complete(READY, 1), threading.get_ident())[1])

    assert threads == [worker]


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_completion_lets_go_of_every_callback(core, outcome):
    cell = core.FutureCell()
    callbacks = [functools.partial(int) for _ in KINDS]
    references = [weakref.ref(callback) for callback in callbacks]
    for kind in KINDS:
        cell._subscribe(kind, callbacks[kind])
    core.set_reporters(lambda *_: None, lambda *_: None)
    callbacks.clear()

    cell._complete(*outcome)

    assert [reference() for reference in references] == [None] * 6


# ---- taking a subscription back ----


class Equal:
    """A callback that equals every other with the same key."""

    __hash__ = None

    def __init__(self, key, log):
        self.key, self.log = key, log

    def __eq__(self, other):
        return isinstance(other, Equal) and self.key == other.key

    def __call__(self, *arguments):
        self.log.append(self)


def test_a_subscription_taken_back_is_not_called(core):
    cell, log = core.FutureCell(), []
    cell._subscribe(ON_READY, log.append)

    assert cell._unsubscribe(ON_READY, log.append) is True
    assert cell._unsubscribe(ON_READY, log.append) is False
    cell._complete(READY, 1)

    assert log == []


@pytest.mark.parametrize("place", range(5))
def test_the_others_stay_in_order(core, place):
    cell, log = core.FutureCell(), []
    callbacks = [functools.partial(log.append, number) for number in range(5)]
    for callback in callbacks:
        cell._subscribe(ON_DISCARDED, callback)

    cell._unsubscribe(ON_DISCARDED, callbacks[place])
    cell._subscribe(ON_DISCARDED, functools.partial(log.append, 5))
    cell._complete(DISCARDED, None)

    assert log == [number for number in range(6) if number != place]


def test_of_equal_subscriptions_the_oldest_goes(core):
    cell, log = core.FutureCell(), []
    old, new = Equal(1, log), Equal(1, log)
    cell._subscribe(ON_ANY, old)
    cell._subscribe(ON_ANY, new)

    cell._unsubscribe(ON_ANY, Equal(1, []))
    cell._complete(READY, None)

    assert len(log) == 1
    assert log[0] is new


def test_the_same_callback_of_another_kind_stays(core):
    cell, log = core.FutureCell(), []
    callback = functools.partial(log.append, "called")
    cell._subscribe(ON_DISCARDED, callback)
    cell._subscribe(ON_DISCARD, callback)

    assert cell._unsubscribe(ON_ABANDONED, callback) is False
    assert cell._unsubscribe(ON_DISCARD, callback) is True
    cell._complete(DISCARDED, None)

    assert log == ["called"]


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_there_is_nothing_to_take_back_after_completion(core, outcome):
    cell = core.FutureCell()
    cell._subscribe(ON_ANY, str)
    cell._complete(*outcome)

    assert cell._unsubscribe(ON_ANY, str) is False


def test_a_comparison_that_raises_leaves_the_subscription(core):
    class Hostile:
        __hash__ = None

        def __eq__(self, other):
            raise ZeroDivisionError("no comparison")

        def __call__(self, value):
            log.append(value)

    cell, log = core.FutureCell(), []
    cell._subscribe(ON_READY, Hostile())

    with pytest.raises(ZeroDivisionError):
        cell._unsubscribe(ON_READY, print)
    cell._complete(READY, 1)

    assert log == [1]


def test_a_comparison_that_completes_the_cell_finds_nothing_to_take_back(core):
    class Hostile:
        __hash__ = None

        def __eq__(self, other):
            return cell._complete(READY, 1)

        def __call__(self, value):
            log.append(value)

    cell, log = core.FutureCell(), []
    cell._subscribe(ON_READY, Hostile())

    assert cell._unsubscribe(ON_READY, print) is False

    assert log == [1]


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


# Goal: a chain longer than the stack ends in a reported error, not in a crash. Method: only C functions in between.
def test_a_chain_deeper_than_the_stack_is_reported(core, reports):
    cells = [core.FutureCell() for _ in range(100_000)]
    for one, next_one in itertools.pairwise(cells):
        one._subscribe(ON_READY, functools.partial(next_one._complete, READY))

    cells[0]._complete(READY, "too far")

    assert cells[0].is_ready()
    assert [type(error) for _, error in reports.callback] == [RecursionError]
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
# allocation while garbage with such finalizers is made. With a plain lock the Python core stood still here.
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


def test_the_report_does_not_disturb_an_exception_on_its_way(core):
    seen = []
    core.set_reporters(lambda error: seen.append(str(error)), print)

    def fail():
        cell = core.FutureCell()
        cell._complete(FAILED, "unseen")
        raise KeyError("on its way")

    with pytest.raises(KeyError, match="on its way"):
        try:
            fail()
        except KeyError as error:
            raise error.with_traceback(None)

    assert seen == ["unseen"]


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


class Referable:
    pass


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


# ---- threads ----


def test_of_many_threads_one_completes(core, together):
    for _ in range(core.count(500)):
        cell, log = core.FutureCell(), []
        cell._subscribe(ON_READY, log.append)
        barrier = threading.Barrier(4)

        def complete(number, cell=cell, barrier=barrier):
            barrier.wait(60)
            return cell._complete(READY, number)

        won = together(*[functools.partial(complete, number) for number in range(4)])

        assert won.count(True) == 1
        assert log == [won.index(True)]


# Goal: a callback is never lost between subscribing and completing. Method: race the two, many times.
def test_each_subscription_of_a_race_is_called_once(core, together):
    rounds = core.count(100_000)
    cells = [core.FutureCell() for _ in range(rounds)]
    calls = [[] for _ in range(rounds)]

    def subscribe():
        for cell, log in zip(cells, calls, strict=True):
            cell._subscribe(ON_READY, log.append)
            cell._subscribe(ON_READY, log.append)

    def complete():
        for cell in cells:
            cell._complete(READY, "once")

    together(subscribe, complete)

    assert all(log == ["once", "once"] for log in calls)
