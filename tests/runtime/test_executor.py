"""Any actor runs functions, one at a time: what libprocess has an Executor for."""

import pytest

import libactor as la

LIMIT = 30


@pytest.fixture
def executor(runtime):
    return la.spawn(la.Actor())


# LP ProcessTest.Executor_Execute
def test_functions_are_executed_in_order_and_answer_with_futures(executor, count):
    ran = []

    futures = [la.execute(executor, lambda n=n: ran.append(n) or n) for n in range(count(10_000))]

    assert la.collect(futures).get(LIMIT) == ran == list(range(count(10_000)))


# LP ProcessTest.Executor_Defer
def test_functions_can_be_deferred_to_it(executor):
    promise = la.Promise()
    length = promise.future.then(la.defer(executor, len))

    promise.set("four")

    assert length.get(LIMIT) == 4


# LP ProcessTest.Executor_Defer
def test_what_is_deferred_to_one_that_has_stopped_is_abandoned(executor):
    deferred = la.defer(executor, len)
    la.terminate(executor)
    la.wait(executor, LIMIT)

    assert deferred("four").is_abandoned()
