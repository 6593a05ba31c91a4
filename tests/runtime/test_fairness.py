"""Fairness: timers, slow handlers and floods leave everybody else a turn."""

import threading

import pytest

import libactor as la

LIMIT = 30  # seconds; a bound on failure


class Worker(la.Actor):
    def answer(self):
        return 1

    def flood(self):
        la.tell(self.pid, Worker.flood)


# Goal: a timer that sets itself again at once keeps neither the actors waiting nor the runtime from closing.
@pytest.mark.parametrize("helping", [True, False])
def test_a_timer_that_is_always_due_does_not_starve_the_actors(helping):
    with la.Runtime(helping=helping) as runtime:
        pid = la.spawn(Worker())

        def again():
            runtime.clock.timer(0, again)

        again()

        assert la.dispatch(pid, Worker.answer).get(LIMIT) == 1


def test_a_loop_over_timers_that_are_due_does_not_starve_the_actors(runtime):
    pid = la.spawn(Worker())

    endless = la.loop(lambda: la.after(0, runtime=runtime), lambda _: la.Continue())

    assert la.dispatch(pid, Worker.answer).get(LIMIT) == 1
    endless.discard()


def test_an_actor_that_floods_itself_does_not_starve_one_that_is_asked_by_a_helper(runtime):
    flooding, pid = la.spawn(Worker()), la.spawn(Worker())

    la.tell(flooding, Worker.flood)

    assert [la.dispatch(pid, Worker.answer).get(LIMIT) for _ in range(50)] == [1] * 50


# Goal: the events between two looks at the clock may be slow ones. Method: quick ones lengthen the stride, then sixteen
# of 3 ms come; another actor, asked at their first, is served among them and not after them.
@pytest.mark.real
def test_slow_handlers_behind_quick_ones_do_not_make_a_long_turn(hold):
    with la.Runtime(helping=False):
        slow, other, order = la.spawn(Worker()), la.spawn(Worker()), []
        opened, held = hold(slow)
        for _ in range(31):
            la.tell(slow, Worker.answer)
        for _ in range(16):
            la.execute(slow, lambda: (threading.Event().wait(0.003), order.append("slow")))
        first = la.execute(other, lambda: order.append("first"))
        last = la.dispatch(slow, Worker.answer)

        opened.set(None)
        last.get(LIMIT)
        first.get(LIMIT)
        held.get(LIMIT)

        assert order.index("first") < 8
