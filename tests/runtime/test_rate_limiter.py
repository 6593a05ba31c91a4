"""RateLimiter: permits at even distances of time, by the clock of a runtime."""

import gc
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

import libactor as la

LIMIT = 30


def states(futures):
    return "".join("r" if future.is_ready() else "d" if future.is_discarded() else "." for future in futures)


# LP LimiterTest.Acquire
def test_permits_are_evenly_spaced_and_the_first_one_is_there_at_once(paused):
    limiter = la.RateLimiter(2, 1)
    futures = [limiter.acquire() for _ in range(4)]

    assert states(futures) == "r..."
    paused.clock.advance(0.499)
    assert states(futures) == "r..."
    paused.clock.advance(0.001)
    assert states(futures) == "rr.."
    paused.clock.advance(0.5)
    assert states(futures) == "rrr."
    paused.clock.advance(0.5)

    assert states(futures) == "rrrr"


# LP LimiterTest.DiscardMiddle
def test_one_in_the_middle_that_gives_up_does_not_delay_those_behind(paused):
    limiter = la.RateLimiter(1, 1)
    futures = [limiter.acquire() for _ in range(4)]

    futures[1].discard()
    assert states(futures) == "rd.."
    paused.clock.advance(1)
    assert states(futures) == "rdr."
    paused.clock.advance(1)

    assert states(futures) == "rdrr"


# LP LimiterTest.DiscardLast
def test_one_at_the_end_that_gives_up_uses_no_permit(paused):
    limiter = la.RateLimiter(1, 1)
    futures = [limiter.acquire() for _ in range(3)]

    futures[2].discard()
    paused.clock.advance(1)
    assert states(futures) == "rrd"
    paused.clock.advance(1)

    assert limiter.acquire().is_ready()


def test_all_that_wait_may_give_up_and_the_permit_is_there_for_the_next_one(paused):
    limiter = la.RateLimiter(1, 1)
    futures = [limiter.acquire() for _ in range(3)]
    for future in futures[1:]:
        future.discard()

    paused.clock.advance(0.5)
    late = limiter.acquire()
    assert late.is_pending()
    paused.clock.advance(0.5)
    assert late.is_ready()
    paused.clock.advance(1)

    assert limiter.acquire().is_ready()
    assert states(futures) == "rdd"


def test_time_that_was_not_used_is_not_made_up(paused):
    limiter = la.RateLimiter(1, 1)
    limiter.acquire()
    paused.clock.advance(100)

    futures = [limiter.acquire() for _ in range(3)]
    assert states(futures) == "r.."
    paused.clock.advance(100)

    assert states(futures) == "rr."


def test_a_callback_that_asks_again_goes_to_the_end_of_the_line(paused):
    limiter, log = la.RateLimiter(1, 1), []

    def again(name):
        limiter.acquire().on_ready(lambda _: (log.append(name), len(log) < 6 and again(name)))

    again("a")
    again("b")
    for _ in range(8):
        paused.clock.advance(1)

    assert log[:6] == ["a", "a", "b", "a", "b", "a"]


def test_one_who_comes_when_the_permit_is_due_does_not_get_in_before_those_who_wait(paused):
    limiter, late = la.RateLimiter(1, 1), []
    futures = [limiter.acquire() for _ in range(2)]
    paused.clock.timer(0.5, lambda: late.append(limiter.acquire()))

    paused.clock.advance(1)  # the timer above comes first, when the permit is due already

    assert states([*futures, *late]) == "rr."


def test_a_rate_may_be_given_by_the_second(paused):
    limiter = la.RateLimiter(2.5)
    futures = [limiter.acquire() for _ in range(2)]

    paused.clock.advance(0.399)
    assert states(futures) == "r."
    paused.clock.advance(0.001)

    assert states(futures) == "rr"


# Goal: spacing, order and use of permits for any history. Method: the model knows when the next permit is due.
@given(
    st.sampled_from([1, 2, 5]),
    st.lists(st.one_of(st.just("acquire"), st.integers(0, 9), st.sampled_from([0.25, 0.5, 1.0, 3.0])), max_size=30),
)
def test_it_behaves_as_the_model_does(permits, history):
    step = round(1_000 / permits)
    with la.Runtime() as runtime:
        runtime.clock.pause()
        limiter, futures, ready, line, now, due = la.RateLimiter(permits, 1), [], [], [], 0, 0
        for action in history:
            if action == "acquire":
                futures.append(limiter.acquire())
                if not line and now >= due:
                    ready.append(futures[-1])
                    due = now + step
                else:
                    line.append(futures[-1])
            elif isinstance(action, int):
                if action < len(futures):
                    futures[action].discard()
                    line = [future for future in line if future is not futures[action]]
            else:
                now += round(action * 1_000)
                runtime.clock.advance(action)
                if line and now >= due:  # one only, and the next is as far away as ever
                    ready.append(line.pop(0))
                    due = now + step

            assert [future for future in futures if future.is_pending()] == line
            assert sorted(map(id, ready)) == sorted(id(future) for future in futures if future.is_ready())


# ---- runtimes ----


def test_without_a_runtime_it_says_so_and_takes_one():
    with pytest.raises(la.NoRuntime, match="RateLimiter"):
        la.RateLimiter(1)
    runtime = la.Runtime()
    runtime.clock.pause()
    limiter = la.RateLimiter(1, runtime=runtime)
    futures = [limiter.acquire() for _ in range(2)]

    runtime.clock.advance(1)

    assert states(futures) == "rr"
    runtime.close()


def test_those_who_wait_are_abandoned_when_the_runtime_is_closed_and_those_who_come_later_too():
    with la.Runtime():
        limiter = la.RateLimiter(1, 3600)
        futures = [limiter.acquire() for _ in range(3)]

    assert [future.is_abandoned() for future in futures] == [False, True, True]
    assert limiter.acquire().is_abandoned()


def test_those_who_wait_are_discarded_with_it_and_no_timer_is_left(paused):
    limiter = la.RateLimiter(1, 3600)
    futures = [limiter.acquire() for _ in range(3)]

    gc.disable()
    try:
        del limiter
        assert states(futures) == "rdd"
    finally:
        gc.enable()
    assert paused.clock.next_deadline() == -1


def test_limiters_that_went_away_leave_no_memory(paused, traced_memory):
    def make(times):
        for _ in range(times):
            limiter = la.RateLimiter(1, 3600)
            limiter.acquire()
            limiter.acquire()
            limiter.acquire().discard()
        gc.collect()
        return traced_memory()

    before = make(200)

    assert make(2_000) - before < 100_000


def test_actors_and_threads_share_one(paused, together):
    limiter = la.RateLimiter(1, 1)
    pid = la.spawn(la.Actor())
    barrier = threading.Barrier(2)

    def ask():
        barrier.wait(LIMIT)
        return [limiter.acquire() for _ in range(10)]

    futures = [*la.execute(pid, lambda: [limiter.acquire() for _ in range(5)]).get(LIMIT)]
    for part in together(ask, ask):
        futures += part
    assert states(futures).count("r") == 1
    for n in range(24):
        paused.clock.advance(1)
        assert states(futures).count("r") == n + 2

    assert all(future.is_ready() for future in futures)


@pytest.mark.real
def test_real_time_does(runtime):
    limiter = la.RateLimiter(200)
    start = runtime.clock.now()

    la.collect([limiter.acquire() for _ in range(11)]).get(LIMIT)

    assert runtime.clock.now() - start >= 0.05


# ---- mistakes ----


@pytest.mark.parametrize("value", [0, -1, 0.0, float("nan"), float("inf"), -float("inf")])
def test_numbers_that_make_no_rate_are_refused(paused, value):
    with pytest.raises(ValueError, match=r"RateLimiter: got .* permits, expected a number above 0"):
        la.RateLimiter(value)
    with pytest.raises(ValueError, match=r"RateLimiter: got .* seconds, expected a number above 0"):
        la.RateLimiter(1, value)


@pytest.mark.parametrize("value", ["1", None, [1], 1j])
def test_what_is_no_number_is_refused(paused, value):
    with pytest.raises(TypeError, match=r"RateLimiter: got .*, expected a number of permits"):
        la.RateLimiter(value)
    with pytest.raises(TypeError, match=r"RateLimiter: got .*, expected a number of seconds"):
        la.RateLimiter(1, value)


@pytest.mark.parametrize(("permits", "seconds"), [(10**400, 1), (1e308, 5e-324)])
def test_a_huge_rate_still_spaces_permits(paused, permits, seconds):
    limiter = la.RateLimiter(permits, seconds)
    futures = [limiter.acquire() for _ in range(2)]

    assert states(futures) == "r."
    paused.clock.advance(1e-9)

    assert states(futures) == "rr"


@pytest.mark.parametrize(("permits", "seconds"), [(1, 10**400), (5e-324, 1e308)])
def test_a_tiny_rate_gives_one_permit_and_no_overflow(paused, permits, seconds):
    limiter = la.RateLimiter(permits, seconds)

    assert limiter.acquire().is_ready()
    assert limiter.acquire().is_pending()
    assert "every" in repr(limiter)
