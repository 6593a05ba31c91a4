"""Latch: a gate that is opened once, for threads, actors and tasks, for those who wait and those who come later."""

import gc
import threading

import pytest

import libactor as la

LIMIT = 30


@pytest.fixture
def latch():
    return la.Latch()


def test_only_the_first_call_opens_it(latch):
    assert latch.trigger()

    assert not latch.trigger()


def test_all_who_wait_and_all_who_come_are_let_in(latch):
    waiting = [latch.triggered() for _ in range(3)]
    assert all(future.is_pending() for future in waiting)

    latch.trigger()

    assert all(future.is_ready() for future in [*waiting, latch.triggered()])


def test_a_wait_ends_with_the_gate_or_with_its_time(latch):
    assert not latch.wait(0)
    assert not latch.wait(0.001)

    latch.trigger()

    assert latch.wait(0)
    assert latch.wait()


def test_threads_that_wait_go_on_together(latch, together):
    barrier = threading.Barrier(4)

    def wait():
        barrier.wait(LIMIT)
        return latch.wait(LIMIT)

    def open_it():
        barrier.wait(LIMIT)
        return latch.trigger()

    assert together(wait, wait, wait, open_it) == [True] * 4


def test_a_handler_may_wait_for_what_another_one_opens(runtime, latch):
    waiting = la.execute(la.spawn(la.Actor()), lambda: latch.wait(LIMIT))

    la.execute(la.spawn(la.Actor()), latch.trigger).get(LIMIT)

    assert waiting.get(LIMIT)


def test_one_of_many_opens_it(count, together):
    for _ in range(count(300)):
        latch = la.Latch()
        assert sorted(together(*[latch.trigger] * 3)) == [False, False, True]


def test_one_who_gives_up_takes_nobody_along(latch):
    given_up, other = latch.triggered(), latch.triggered()

    given_up.discard()
    latch.trigger()

    assert given_up.is_discarded()
    assert other.is_ready()
    assert not other.has_discard()


def test_an_error_in_a_callback_of_one_keeps_no_other_out(latch):
    first, second = latch.triggered(), latch.triggered()

    def interrupt(_):
        raise KeyboardInterrupt

    first.on_ready(interrupt)
    with pytest.raises(KeyboardInterrupt):
        latch.trigger()

    assert second.is_ready()


def test_waits_that_ended_leave_no_memory(latch, traced_memory):
    def wait(times):
        for _ in range(times):
            latch.wait(0)
            latch.triggered().discard()
        gc.collect()
        return traced_memory()

    before = wait(100)

    assert wait(1_000) - before < 50_000


def test_those_who_wait_are_abandoned_with_it():
    latch = la.Latch()
    waiting = latch.triggered()

    gc.disable()
    try:
        del latch
        assert waiting.is_abandoned()
    finally:
        gc.enable()


def test_it_says_how_it_is(latch):
    latch.triggered().on_ready(str)
    assert repr(latch) == "<Latch pending, 1 waiting>"

    latch.trigger()

    assert repr(latch) == "<Latch triggered, 0 waiting>"
