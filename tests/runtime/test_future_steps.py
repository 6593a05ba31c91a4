"""Steps from one future to the next, by the core; test_future.py has what they mean. Run for both cores."""

import gc
import weakref

import pytest

PENDING, READY, FAILED, DISCARDED = range(4)
ON_READY, ON_FAILED, ON_DISCARDED, ON_ANY, ON_DISCARD, ON_ABANDONED = range(6)
OUTCOMES = [(READY, "value"), (FAILED, ValueError("error")), (DISCARDED, None)]
STEPS = ["then", "repair", "recover"]
ACTS = {"then": [READY], "repair": [FAILED], "recover": [FAILED, DISCARDED]}


@pytest.fixture
def cell(core):
    return core.FutureCell()


def raising(error):
    def callback(*_):
        raise error

    return callback


# ---- what a step does ----


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize(("state", "value"), OUTCOMES)
@pytest.mark.parametrize("step", STEPS)
def test_a_step_acts_on_its_outcome_and_passes_the_others(cell, step, state, value, early):
    calls = []
    if not early:
        cell._complete(state, value)
    result = getattr(cell, step)(lambda argument: calls.append(argument) or "made")
    if early:
        cell._complete(state, value)

    if state in ACTS[step]:
        assert calls == [value if step == "then" else cell]
        assert result._outcome() == (READY, "made")
    else:
        assert calls == []
        assert result._outcome() == (state, value)


# Goal: a step is called with the callbacks for any outcome, in the order registered. Method: mix them.
def test_steps_and_callbacks_for_any_outcome_come_in_the_order_registered(cell):
    log = []
    cell._subscribe(ON_ANY, lambda _: log.append(1))
    cell.then(lambda _: log.append(2))
    cell._subscribe(ON_ANY, lambda _: log.append(3))
    cell.recover(lambda _: log.append("not called")).then(lambda _: log.append(4))
    cell._subscribe(ON_READY, lambda _: log.append(0))

    cell._complete(READY, None)

    assert log == [0, 1, 2, 3, 4]


def test_steps_and_callbacks_for_abandonment_come_in_the_order_registered(cell):
    log = []
    cell._subscribe(ON_ABANDONED, lambda: log.append(1))
    cell.then(str)._subscribe(ON_ABANDONED, lambda: log.append(2))
    cell.recover(lambda _: log.append(3))
    cell._subscribe(ON_ABANDONED, lambda: log.append(4))

    cell._abandon()

    assert log == [1, 2, 3, 4]


@pytest.mark.parametrize("step", STEPS)
def test_what_cannot_be_called_makes_no_step(cell, step):
    with pytest.raises(TypeError, match=f"{step}: got 42, expected a function"):
        getattr(cell, step)(42)


def test_a_failure_of_a_step_leads_to_its_function_and_no_further(cell):
    def guilty(_):
        raise ZeroDivisionError

    result = cell.then(guilty)
    cell._complete(READY, 1)

    trace = result._outcome()[1].__traceback__
    assert trace.tb_frame.f_code is guilty.__code__
    assert trace.tb_next is None


@pytest.mark.parametrize("depth", [1, 5, 100])
def test_an_interrupt_in_a_step_comes_out_of_completion_after_all_were_called(core, depth):
    start, log = core.FutureCell(), []
    end = start
    for _ in range(depth):
        end = end.then(lambda k: k)
    end = end.then(raising(KeyboardInterrupt()))
    end._subscribe(ON_FAILED, log.append)
    start._subscribe(ON_ANY, lambda _: log.append("last"))

    with pytest.raises(KeyboardInterrupt):
        start._complete(READY, 1)

    assert isinstance(end._outcome()[1], KeyboardInterrupt)
    assert sorted(map(repr, log)) == ["'last'", "KeyboardInterrupt()"]


def test_all_branches_of_a_deep_tree_are_reached_although_one_interrupts(core):
    start, ends = core.FutureCell(), []
    for n in range(3):
        end = start
        for _ in range(40):
            end = end.then(lambda k: k)
        ends.append(end.then(raising(KeyboardInterrupt())) if n == 1 else end)

    with pytest.raises(KeyboardInterrupt):
        start._complete(READY, 1)

    assert [end._outcome()[0] for end in ends] == [READY, FAILED, READY]


# ---- following ----


@pytest.mark.parametrize(("state", "value"), OUTCOMES)
def test_a_future_comes_out_as_the_one_it_follows(core, cell, state, value):
    source = core.FutureCell()

    assert cell._follow(source) is True
    source._complete(state, value)

    assert cell._outcome() == (state, value)


def test_a_future_follows_one_other_and_only_while_it_is_pending(core, cell):
    first, complete = core.FutureCell(), core.FutureCell()
    complete._complete(READY, 1)
    cell._follow(first)

    assert cell._follow(core.FutureCell()) is False
    assert complete._follow(first) is False


@pytest.mark.parametrize("source", [None, 1, "text", object()])
def test_what_is_no_future_cannot_be_followed(cell, source):
    with pytest.raises(TypeError, match="expected a future"):
        cell._follow(source)


@pytest.mark.parametrize("shield", [True, False])
@pytest.mark.parametrize("early", [True, False])
def test_a_shield_keeps_discards_from_the_source_and_lets_abandonment_back(core, cell, shield, early):
    source = core.FutureCell()
    if early:
        cell.discard()
    cell._follow(source, shield=shield)
    if not early:
        cell.discard()

    source._abandon()

    assert source.has_discard() is not shield
    assert cell.is_abandoned()


def test_two_futures_that_follow_each_other_do_no_harm(core, cell):
    other = core.FutureCell()
    cell._follow(other)
    other._follow(cell)

    cell.discard()
    other._abandon()

    assert [future.has_discard() and future.is_abandoned() for future in (cell, other)] == [True, True]
    cell._complete(READY, 1)
    assert other._outcome() == (READY, 1)


def test_a_step_that_returns_its_own_result_waits_for_ever_and_is_collected(core):
    source, holder = core.FutureCell(), []
    holder.append(source.then(lambda _: holder[0]))
    reference = weakref.ref(holder[0])

    source._complete(READY, 1)
    assert holder[0].is_pending()
    holder[0].discard()

    holder.clear()
    gc.collect()
    assert reference() is None


# ---- abandonment, and why ----


def test_the_cause_of_abandonment_runs_down_a_chain_until_a_value_comes(core, cell):
    mirror = core.FutureCell()
    mirror._follow(cell)
    end = mirror.then(lambda k: k + 1).repair(str)

    assert cell._abandon("cause") is True
    assert cell._abandon("another") is False

    assert [future._outcome() for future in (cell, mirror, end)] == [(PENDING, "cause")] * 3
    assert end.then(str)._outcome() == (PENDING, "cause")
    cell._complete(READY, 1)
    assert [future._outcome() for future in (cell, mirror, end)] == [(READY, 1), (READY, 1), (READY, 2)]


def test_a_recovery_finds_the_cause(cell):
    result = cell.recover(lambda lost: (lost.is_abandoned(), lost._outcome()))

    cell._abandon(["cause"])

    assert result._outcome() == (READY, (True, (PENDING, ["cause"])))


def test_a_callback_that_completes_an_abandoned_future_keeps_abandonment_from_those_after_it(core, cell):
    other = core.FutureCell()
    cell._subscribe(ON_ABANDONED, lambda: cell._complete(READY, 1))
    result = cell.then(lambda _: other)

    cell._abandon("cause")

    assert not result.is_abandoned()
    other._complete(READY, 2)
    assert result._outcome() == (READY, 2)


# ---- targets ----


def test_what_waits_for_nothing_has_no_target(core, cell):
    mirror = core.FutureCell()
    mirror._follow(cell)

    assert [future._find_target() for future in (cell, mirror, cell.then(str))] == [None] * 3


@pytest.mark.parametrize("core", ["python"], indirect=True)  # in C it is set by what has no name in Python
def test_the_target_is_found_through_steps_until_they_are_made(core, cell):
    mirror = core.FutureCell()
    mirror._follow(cell)
    end = mirror.then(str).recover(str)
    cell._target = "mailbox"

    assert end._find_target() == "mailbox"
    cell._complete(READY, 1)
    assert end._find_target() is None


# ---- a value for each reader ----


@pytest.fixture
def copies(core):
    """Values of a future are copied by this function, which tells what it copied."""
    copied = []
    core.configure(copy_value=lambda value: copied.append(value) or list(value))
    return copied


def test_each_reader_of_a_mutable_answer_gets_a_copy(core, cell, copies):
    value, seen = [1], []
    cell._subscribe(ON_READY, seen.append)
    cell._subscribe(ON_READY, seen.append)
    cell.then(seen.append)

    cell._complete(READY, value, True)
    seen.append(cell.get())
    seen.append(cell.get(timeout=0))

    assert seen == [[1]] * 5
    assert len({id(one) for one in [value, *seen]}) == 6
    assert cell._outcome()[1] is value


def test_any_other_value_is_handed_out_as_it_is(core, cell, copies):
    value = [1]
    cell._complete(READY, value)

    assert cell.get() is value
    assert copies == []


def test_who_passes_a_mutable_answer_on_does_not_copy_it(core, cell, copies):
    mirror, value = core.FutureCell(), [1]
    mirror._follow(cell)
    end = mirror.repair(str).recover(str)

    cell._complete(READY, value, True)

    assert copies == []
    assert end.get() == value
    assert end.get() is not value
    assert len(copies) == 2


@pytest.mark.parametrize("core", ["c"], indirect=True)  # Python cannot tell who else could ask
def test_the_last_who_can_ask_gets_the_value_itself(core, copies):
    def answer():
        cell = core.FutureCell()
        cell._complete(READY, [1], True)
        return cell

    value = answer().get()
    get = answer().get
    first, second = get(), get()

    assert value == first == second == [1]
    assert copies == [first]
    assert second is not first


def test_a_value_that_cannot_be_copied_is_an_error_of_its_reader(core, cell, reports):
    error = ZeroDivisionError("copy")
    core.configure(copy_value=raising(error))
    result, bad = cell.then(str), [].append
    cell._subscribe(ON_READY, bad)

    cell._complete(READY, [1], True)

    assert result._outcome() == (FAILED, error)
    assert reports.callback == [(bad, error)]
    with pytest.raises(ZeroDivisionError):
        cell.get()


@pytest.mark.parametrize("per_reader", [True, False])
def test_a_future_that_a_handler_returned_is_answered_with_what_passes(core, cell, copies, per_reader):
    core.configure(pass_answer=lambda value: (["passed", *value], per_reader))
    source = core.FutureCell()
    cell._follow(source, answer=True)

    source._complete(READY, [1])

    assert cell.get() == ["passed", 1]
    assert len(copies) == per_reader


def test_an_answer_that_does_not_pass_fails_the_future(core, cell):
    error = TypeError("not passable")
    core.configure(pass_answer=raising(error))
    source = core.FutureCell()
    cell._follow(source, answer=True)

    source._complete(READY, [1])

    assert cell._outcome() == (FAILED, error)


def test_a_failure_is_answered_as_it_is(core, cell):
    core.configure(pass_answer=raising(AssertionError("not asked")))
    source, error = core.FutureCell(), ValueError("no")
    cell._follow(source, answer=True)

    source._complete(FAILED, error)

    assert cell._outcome() == (FAILED, error)


# ---- get ----


def test_get_of_what_is_not_ready_asks_the_policy_to_wait_or_raise(core, cell):
    waits = []
    core.configure(get_slowly=lambda future, timeout, _: waits.append((future, timeout)) or future._complete(READY, 1))

    assert cell.get(timeout=2.5) == 1
    assert cell.get() == 1

    assert waits == [(cell, 2.5)]


def test_what_the_policy_raises_comes_out_of_get(core, cell):
    core.configure(get_slowly=raising(ZeroDivisionError("policy")))

    with pytest.raises(ZeroDivisionError, match="policy"):
        cell.get()


@pytest.mark.parametrize(("arguments", "named"), [((1, 2), {}), ((), {"time": 1}), ((1,), {"timeout": 1})])
def test_get_refuses_other_arguments(core, cell, arguments, named):
    cell._complete(READY, 1)

    with pytest.raises(TypeError):
        cell.get(*arguments, **named)


# ---- memory ----


@pytest.mark.parametrize("step", STEPS)
def test_the_collector_finds_cycles_through_the_function_of_a_step(core, step):
    cell = core.FutureCell()
    reference = weakref.ref(cell)
    getattr(cell, step)(lambda _, cell=cell: cell)

    del cell
    gc.collect()

    assert reference() is None


def test_a_source_that_goes_takes_the_function_of_its_steps_along(core):
    class Function:
        def __call__(self, value):
            return value

    source, function = core.FutureCell(), Function()
    reference = weakref.ref(function)
    result = source.then(function)

    del function, source

    assert reference() is None
    assert result.discard()


# Goal: upstream of a result is a source that is going, and must not be touched. Method: ask for a discard in the last
# moment Python code runs in, the end of a weak reference, and in a finalizer of what the source holds.
def test_a_discard_while_the_source_goes_does_no_harm(core):
    class Source(core.FutureCell):
        pass

    class Last:
        def __del__(self):
            log.append(result.discard())

    log = []
    source = Source()
    result = source.then(str)
    source.last = Last()
    reference = weakref.ref(source, lambda _: log.append(result.discard()))

    del source
    gc.collect()

    assert reference() is None
    assert sorted(log) == [False, True]


def test_a_long_chain_of_steps_goes_away_without_recursion(core):
    start = core.FutureCell()
    end = start
    for _ in range(100_000):
        end = end.then(str)

    del start

    assert end.discard()


# ---- what is no function to call ----


async def asks(_=None):
    return 1


class Asking:
    async def asks(self, _=None):
        return 1


CALLBACKS = ["on_ready", "on_failed", "on_discarded", "on_any", "on_discard", "on_abandoned"]


@pytest.mark.parametrize("function", [asks, Asking().asks], ids=["function", "method"])
@pytest.mark.parametrize("operation", STEPS + CALLBACKS)
def test_an_async_function_that_nobody_would_run_is_refused(cell, operation, function):
    with pytest.raises(TypeError, match=f"^{operation}: got <.*> ?.*which is `async def`.*defer"):
        getattr(cell, operation)(function)
