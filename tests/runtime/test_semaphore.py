"""Semaphore: so many at a time, in the order of asking; who gives up leaves the line."""

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

import libactor as la

LIMIT = 30


def test_so_many_have_a_permit_and_the_others_wait_in_the_order_of_asking():
    semaphore = la.Semaphore(2)
    futures = [semaphore.acquire() for _ in range(4)]

    assert [future.is_ready() for future in futures] == [True, True, False, False]
    semaphore.release()
    assert [future.is_ready() for future in futures] == [True, True, True, False]
    semaphore.release()

    assert futures[3].is_ready()


def test_one_who_gives_up_leaves_the_line():
    semaphore = la.Semaphore()
    semaphore.acquire()
    given_up, next_one = semaphore.acquire(), semaphore.acquire()

    given_up.discard()
    assert given_up.is_discarded()
    semaphore.release()

    assert next_one.is_ready()


def test_a_discard_after_the_permit_changes_nothing():
    semaphore = la.Semaphore()
    permit = semaphore.acquire()

    assert not permit.discard()

    assert permit.is_ready()
    assert semaphore.acquire().is_pending()


def test_many_who_release_when_it_is_their_turn_do_not_need_a_deep_stack():
    semaphore, turns = la.Semaphore(), []
    futures = [semaphore.acquire() for _ in range(5_000)]
    for n, future in enumerate(futures):
        if n:
            future.on_ready(lambda _, n=n: (turns.append(n), semaphore.release()))

    semaphore.release()

    assert turns == list(range(1, 5_000))
    assert semaphore.acquire().is_ready()


# Goal: permits are neither lost nor made, and the order holds. Method: two lists are the model: who has one, who waits.
@given(st.integers(1, 3), st.lists(st.one_of(st.just("acquire"), st.just("release"), st.integers(0, 9)), max_size=40))
def test_it_behaves_as_two_lists_do(permits, history):
    semaphore, held, line, futures = la.Semaphore(permits), [], [], []
    for step in history:
        if step == "acquire":
            futures.append(semaphore.acquire())
            (held if len(held) < permits else line).append(futures[-1])
        elif step != "release":
            if step < len(futures):
                futures[step].discard()
                line = [future for future in line if future is not futures[step]]
        elif held:
            semaphore.release()
            held.pop(0)
            if line:
                held.append(line.pop(0))
        else:
            with pytest.raises(RuntimeError, match=f"all {permits} permits"):
                semaphore.release()

        assert [future.is_pending() for future in futures] == [future in line for future in futures]
        assert all(future.is_ready() for future in held)


# Goal: no permit is lost when discards and releases race. Method: who is ready releases, who gave up does not; at the
# end all permits are there.
def test_threads_that_give_up_now_and_then_lose_no_permit(count, together):
    semaphore, rounds = la.Semaphore(2), count(2_000)

    def work():
        for n in range(rounds):
            permit = semaphore.acquire()
            if n % 3 == 0:
                permit.discard()
            if n % 2 == 0 and permit.is_pending():
                permit.on_ready(lambda _: semaphore.release())
            else:
                permit.recover(lambda _: None).get(LIMIT)
                if permit.is_ready():
                    semaphore.release()

    together(work, work, work, work)

    assert [semaphore.acquire().is_ready() for _ in range(3)] == [True, True, False]


def test_those_who_wait_are_abandoned_with_it():
    semaphore = la.Semaphore()
    semaphore.acquire()
    waiting = semaphore.acquire()

    gc.disable()
    try:
        del semaphore
        assert waiting.is_abandoned()
    finally:
        gc.enable()
    assert waiting.discard()


def test_those_who_gave_up_leave_no_memory(traced_memory):
    semaphore = la.Semaphore()
    semaphore.acquire()

    def give_up(times):
        for _ in range(times):
            semaphore.acquire().discard()
        gc.collect()
        return traced_memory()

    before = give_up(100)

    assert give_up(2_000) - before < 50_000


@pytest.mark.parametrize("permits", [0, -1, -(10**30)])
def test_a_number_of_permits_that_nobody_could_acquire_is_refused(permits):
    with pytest.raises(ValueError, match="expected 1 or more"):
        la.Semaphore(permits)


@pytest.mark.parametrize("permits", [1.0, float("nan"), "2", None, [1]])
def test_what_is_no_whole_number_is_refused(permits):
    with pytest.raises(TypeError, match=r"Semaphore: got .*, expected a whole number"):
        la.Semaphore(permits)


def test_there_may_be_more_permits_than_anybody_needs():
    semaphore = la.Semaphore(10**30)

    assert all(semaphore.acquire().is_ready() for _ in range(100))
    assert repr(semaphore) == f"<Semaphore, {10**30 - 100} of {10**30} free, 0 waiting>"


def test_a_release_beyond_is_an_error_that_says_what_to_do():
    semaphore = la.Semaphore(2)
    semaphore.acquire()
    semaphore.release()

    with pytest.raises(RuntimeError, match=r"release: all 2 permits .* free; call it once for each acquire\(\)"):
        semaphore.release()
    assert [semaphore.acquire().is_ready() for _ in range(3)] == [True, True, False]
