"""Mutex: one at a time, in the order of asking, whatever those who wait do meanwhile."""

import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

import libactor as la

LIMIT = 30


@pytest.fixture
def mutex():
    return la.Mutex()


# LP MutexTest.Lock
def test_an_unlocked_mutex_is_locked_at_once_and_again_after_unlock(mutex):
    for _ in range(3):
        assert mutex.lock().is_ready()
        mutex.unlock()


# LP MutexTest.Block
def test_a_locked_mutex_is_waited_for_until_it_is_unlocked(mutex):
    mutex.lock()
    waiting = mutex.lock()

    assert waiting.is_pending()
    mutex.unlock()

    assert waiting.is_ready()
    assert mutex.lock().is_pending()


# LP MutexTest.Queue
def test_those_who_wait_get_it_in_the_order_of_asking(mutex):
    futures = [mutex.lock() for _ in range(4)]

    for n in range(4):
        assert [future.is_ready() for future in futures] == [True] * (n + 1) + [False] * (3 - n)
        mutex.unlock()

    assert mutex.lock().is_ready()


# ---- discards ----


def test_unlock_hands_over_even_to_one_who_asked_for_a_discard(mutex):
    mutex.lock()
    given_up, next_one = mutex.lock(), mutex.lock()

    given_up.discard()
    assert given_up.is_pending()
    mutex.unlock()

    assert given_up.is_ready()
    assert next_one.is_pending()


# Goal: the usual way to use a mutex is right. Method: of three chains the middle one is discarded at each moment.
@pytest.mark.parametrize("moment", range(3))
def test_a_chain_that_unlocks_at_its_end_unlocks_once_although_it_was_discarded(mutex, moment):
    steps, log = [la.Promise() for _ in range(3)], []
    chains = [
        mutex.lock().then(lambda _, n=n: log.append(n) or steps[n].future).on_any(lambda _: mutex.unlock())
        for n in range(3)
    ]

    for n, step in enumerate(steps):
        if n == moment:
            chains[1].discard()
        step.set(n)

    assert log == ([0, 2] if moment == 0 else [0, 1, 2])
    assert all(not chain.is_pending() for chain in chains)
    assert mutex.lock().is_ready()


# ---- many, and what they leave ----


def test_many_who_unlock_when_it_is_their_turn_do_not_need_a_deep_stack(mutex):
    turns = []
    futures = [mutex.lock() for _ in range(5_000)]
    for n, future in enumerate(futures):
        if n:
            future.on_ready(lambda _, n=n: (turns.append(n), mutex.unlock()))

    mutex.unlock()

    assert turns == list(range(1, 5_000))
    assert mutex.lock().is_ready()


# Goal: exclusion and order hold for any history. Method: a list is the model: its first has the lock.
@given(st.lists(st.one_of(st.just("lock"), st.just("unlock"), st.integers(0, 9)), max_size=40))
def test_it_behaves_as_a_list_does(history):
    mutex, line, futures = la.Mutex(), [], []
    for step in history:
        if step == "lock":
            futures.append(mutex.lock())
            line.append(futures[-1])
        elif step != "unlock":
            if step < len(futures):
                futures[step].discard()
        elif line:
            mutex.unlock()
            line.pop(0)
        else:
            with pytest.raises(RuntimeError, match="not locked"):
                mutex.unlock()

        assert [future.is_pending() for future in futures] == [future in line[1:] for future in futures]
        assert not any(future.is_discarded() for future in futures)


def test_threads_and_actors_have_it_one_at_a_time(runtime, count, together, mutex):
    rounds, inside, met = count(1_000) // 4, [], []

    def work():
        for _ in range(rounds):
            mutex.lock().get(LIMIT)
            inside.append(1)
            met.append(len(inside))
            inside.pop()
            mutex.unlock()

    actors = [la.execute(la.spawn(la.Actor()), work) for _ in range(2)]
    together(work, work)
    la.collect(actors).get(LIMIT)

    assert met == [1] * (4 * rounds)
    assert mutex.lock().is_ready()


def test_those_who_wait_are_abandoned_with_it():
    mutex = la.Mutex()
    mutex.lock()
    waiting = [mutex.lock() for _ in range(2)]
    waiting[0].discard()

    gc.disable()
    try:
        del mutex
        assert [future.is_abandoned() for future in waiting] == [True, True]
    finally:
        gc.enable()


def test_it_keeps_nobody_who_had_it(mutex):
    mutex.lock()
    seen = weakref.ref(mutex.lock())

    mutex.unlock()

    assert seen() is None


# ---- mistakes ----


def test_unlock_without_a_lock_is_an_error_that_says_what_to_do(mutex):
    with pytest.raises(RuntimeError, match=r"unlock: this Mutex is not locked; call it once for each lock\(\)"):
        mutex.unlock()

    mutex.lock()
    mutex.unlock()
    with pytest.raises(RuntimeError, match="not locked"):
        mutex.unlock()
    assert mutex.lock().is_ready()


def test_it_says_how_it_is(mutex):
    assert repr(mutex) == "<Mutex unlocked, 0 waiting>"
    mutex.lock()
    mutex.lock()

    assert repr(mutex) == "<Mutex locked, 1 waiting>"
