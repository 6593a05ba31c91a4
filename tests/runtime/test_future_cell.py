"""FutureCell: one value that arrives once; its flags and its callbacks. One body of tests for both cores."""

import functools
import itertools
import threading
import weakref

import pytest

PENDING, READY, FAILED, DISCARDED = range(4)
ON_READY, ON_FAILED, ON_DISCARDED, ON_ANY, ON_DISCARD, ON_ABANDONED = range(6)
OUTCOMES = [(READY, "value"), (FAILED, "error"), (DISCARDED, None)]
OUTCOME_KIND = {READY: ON_READY, FAILED: ON_FAILED, DISCARDED: ON_DISCARDED}
KINDS = range(6)


def subscribe_all(cell, log):
    """Subscribe to each kind, in an order that is not the order of calls; ``log`` gets (kind, arguments)."""
    for kind in (ON_ANY, ON_READY, ON_FAILED, ON_DISCARDED, ON_DISCARD, ON_ABANDONED):
        cell._subscribe(kind, lambda *arguments, kind=kind: log.append((kind, arguments)))


def expected_call(cell, kind, value=None):
    return kind, {ON_READY: (value,), ON_FAILED: (value,), ON_ANY: (cell,)}.get(kind, ())


# ---- state ----


def test_constants_are_those_of_the_other_core(core):
    states = [core.PENDING, core.READY, core.FAILED, core.DISCARDED]
    kinds = [core.ON_READY, core.ON_FAILED, core.ON_DISCARDED, core.ON_ANY, core.ON_DISCARD, core.ON_ABANDONED]

    assert states == [PENDING, READY, FAILED, DISCARDED]
    assert kinds == [ON_READY, ON_FAILED, ON_DISCARDED, ON_ANY, ON_DISCARD, ON_ABANDONED]


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


@pytest.mark.parametrize("arguments", [(), (1,), (1, 2, 3, 4), ("text", 1)])
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
