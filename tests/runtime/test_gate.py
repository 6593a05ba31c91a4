"""Gate: a wait ends when the gate is opened, by whomever, or its time is over."""

import threading

import pytest

from libactor._core.gate import Gate

LIMIT = 30


def test_a_gate_lets_through_who_comes_after_it_was_opened():
    gate = Gate()

    gate.open()
    gate.open()

    assert gate.wait(0) is True


def test_a_gate_that_is_opened_again_after_the_wait_does_no_harm():
    gate = Gate()
    gate.open()
    gate.wait(LIMIT)

    assert gate.open() is None


def test_opening_a_gate_ends_the_wait_of_another_thread(start):
    gate, waiting = Gate(), threading.Event()

    def wait():
        waiting.set()
        return gate.wait(LIMIT)

    ended = start(wait)
    waiting.wait(LIMIT)
    gate.open()

    assert ended() is True


@pytest.mark.parametrize("timeout", [0, 1e-9, 0.001])
def test_a_wait_ends_with_its_time_in_the_main_thread_and_in_others(start, timeout):
    here = Gate().wait(timeout)
    there = start(lambda: Gate().wait(timeout))()

    assert (here, there) == (False, False)


@pytest.mark.real
def test_a_signal_handler_may_open_the_gate_at_which_its_thread_waits(alarm):
    gate = Gate()

    alarm(gate.open)

    assert gate.wait(LIMIT) is True


@pytest.mark.real
def test_what_a_signal_handler_raises_comes_out_of_the_wait(alarm):
    def interrupt():
        raise KeyboardInterrupt

    alarm(interrupt)

    with pytest.raises(KeyboardInterrupt):
        Gate().wait(LIMIT)
