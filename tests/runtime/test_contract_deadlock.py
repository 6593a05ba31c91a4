"""Waiting inside handlers, callbacks and helping threads: what can end does, and what cannot is refused at once."""

import random
import threading

import pytest

import libactor as la

LIMIT = 60  # seconds; a bound on failure


@pytest.fixture(params=[True, False], ids=["helping", "not helping"])
def runtime(request):
    with la.Runtime(helping=request.param) as current:
        yield current


class Asker(la.Actor):
    """Asks others, and adds up what they say."""

    def __init__(self):
        super().__init__()
        self.inside = 0

    def answer(self):
        return 1

    def ask(self, *path):
        assert self.inside == 0
        self.inside += 1
        total = 1 + (la.dispatch(path[0], Asker.ask, *path[1:]).get(LIMIT) if path else 0)
        self.inside -= 1
        return total

    def ask_all(self, pids):
        return la.collect([la.dispatch(pid, Asker.answer) for pid in pids]).get(LIMIT)

    def get(self, future):
        return future.get(LIMIT)


def warmed(pid):
    for _ in range(50):
        la.dispatch(pid, Asker.answer).get(LIMIT)
    return pid


def spawn(count):
    return [warmed(la.spawn(Asker())) for _ in range(count)]


@pytest.mark.parametrize("length", [2, 3, 100])
def test_a_chain_of_asks_ends_from_the_main_thread_and_from_others(runtime, together, length):
    path = spawn(length)

    def ask():
        return [la.dispatch(path[0], Asker.ask, *path[1:]).get(LIMIT) for _ in range(20)]

    assert ask() == [length] * 20
    assert together(ask, ask) == [[length] * 20] * 2


# Goal: two helpers, each inside an actor the other's actor asks. Method: threads enter a chain of actors at each link.
def test_threads_that_help_actors_which_ask_one_another_all_get_answers(runtime, together, count, switching):
    path = spawn(4)

    def ask_from(start):
        for _ in range(count(500) + 20):
            assert la.dispatch(path[start], Asker.ask, *path[start + 1 :]).get(LIMIT) == len(path) - start

    together(*[lambda start=start: ask_from(start) for start in (0, 1, 2, 3, 0, 1)])


def test_two_hundred_threads_may_ask_fifty_actors_that_ask_one_another(runtime, together, count):
    pids = spawn(50)

    def ask(seed):
        choice = random.Random(seed)
        for _ in range(count(5) + 2):
            first, *rest = sorted(choice.sample(range(len(pids)), choice.randrange(1, 6)))
            future = la.dispatch(pids[first], Asker.ask, *[pids[rank] for rank in rest])
            assert future.get(LIMIT) == 1 + len(rest)

    together(*[lambda seed=seed: ask(seed) for seed in range(200)])

    assert la.collect([la.dispatch(pid, Asker.answer) for pid in pids]).get(LIMIT) == [1] * 50


def test_while_a_helped_handler_waits_others_may_ask_its_actor_and_wait(runtime, start):
    pid, promise = warmed(la.spawn(Asker())), la.Promise()
    asked = threading.Event()

    def ask_first():
        future = la.dispatch(pid, Asker.get, promise.future)
        asked.set()
        return future.get(LIMIT)

    first = start(ask_first)
    assert asked.wait(LIMIT)
    seconds = [start(lambda: la.dispatch(pid, Asker.answer).get(LIMIT)) for _ in range(5)]
    with pytest.raises(TimeoutError):
        la.dispatch(pid, Asker.answer).get(0.02)
    assert not la.wait(pid, 0.02)
    promise.set("opened")

    assert first() == "opened"
    assert [second() for second in seconds] == [1] * 5


def test_a_thread_may_wait_for_the_end_of_an_actor_that_another_helps(runtime, start, together):
    for _ in range(50):
        pid = warmed(la.spawn(Asker()))
        end = start(lambda pid=pid: la.wait(pid, LIMIT))
        asks = [start(lambda pid=pid: la.dispatch(pid, Asker.answer).recover(lambda _: 1).get(LIMIT)) for _ in range(3)]
        la.terminate(pid, inject=False)

        assert end()
        assert [ask() for ask in asks] == [1, 1, 1]


@pytest.mark.parametrize("moment", ["on_start", "on_stop", "on_exited"])
def test_an_actor_may_wait_at_each_moment_of_its_life(runtime, moment):
    other, target = spawn(2)
    answers = []

    class Waiting(Asker):
        def on_start(self):
            la.link(target)
            self.wait("on_start")

        def on_stop(self):
            self.wait("on_stop")

        def on_exited(self, pid, reason):
            self.wait("on_exited")

        def wait(self, now):
            if now == moment:
                answers.append(la.dispatch(other, Asker.answer).get(LIMIT))

    pid = la.spawn(Waiting())
    la.dispatch(pid, Asker.answer).get(LIMIT)
    la.terminate(target)
    la.wait(target, LIMIT)
    la.dispatch(pid, Asker.answer).get(LIMIT)
    la.terminate(pid)

    assert la.wait(pid, LIMIT)
    assert answers == [1]


def test_a_callback_may_wait_in_whichever_thread_it_runs(runtime, hold, start):
    first, second = spawn(2)
    answers = []

    def ask(_):
        answers.append(la.dispatch(second, Asker.answer).get(LIMIT))

    opened, _ = hold(first)
    in_the_actor = la.dispatch(first, Asker.answer).on_any(ask)
    opened.set(None)
    in_the_actor.get(LIMIT)
    la.dispatch(first, Asker.answer).get(LIMIT)  # the callback has returned by now
    la.dispatch(first, Asker.answer).on_any(ask).get(LIMIT)
    la.dispatch(first, Asker.answer).get(LIMIT)
    promise = la.Promise()
    promise.future.on_any(ask)
    start(lambda: promise.set(1))()

    assert answers == [1] * 3


def test_a_callback_of_a_timer_may_wait_in_the_worker_that_fires_it(runtime):
    (other,) = spawn(1)

    def ask(_):
        return la.dispatch(other, Asker.answer).get(LIMIT)

    assert la.after(0).then(ask).get(LIMIT) == 1


def test_a_helped_actor_may_wait_for_many_at_once(runtime, together):
    pids = spawn(20)
    first, *rest = pids

    def ask():
        return [la.dispatch(first, Asker.ask_all, rest).get(LIMIT) for _ in range(20)]

    assert together(ask, ask) == [[[1] * 19] * 20] * 2


def test_a_wait_between_runtimes_ends_both_ways(runtime, together):
    with la.Runtime() as other:
        here, there, last = warmed(runtime.spawn(Asker())), warmed(other.spawn(Asker())), runtime.spawn(Asker())

        def ask():
            return [la.dispatch(here, Asker.ask, there, last).get(LIMIT) for _ in range(50)]

        assert together(ask, ask) == [[3] * 50] * 2


# What could only end by itself.


class Selfish(Asker):
    def wait_for_itself(self):
        la.wait(self.pid)

    def ask_itself(self):
        return la.dispatch(self.pid, Asker.answer).get(5)

    def ask_itself_through_a_chain(self):
        return la.dispatch(self.pid, Asker.answer).then(lambda n: n).get(0.02)


@pytest.mark.parametrize("method", [Selfish.wait_for_itself, Selfish.ask_itself])
def test_a_handler_that_waits_for_its_own_actor_is_told_at_once(runtime, together, method):
    pid = warmed(la.spawn(Selfish()))

    def ask():
        for _ in range(5):
            with pytest.raises(RuntimeError, match=r"itself|of its own"):
                la.dispatch(pid, method).get(LIMIT)

    ask()
    together(ask)

    assert la.dispatch(pid, Asker.answer).get(LIMIT) == 1


def test_a_handler_that_waits_for_its_own_actor_with_a_timeout_gets_an_error(runtime):
    pid = warmed(la.spawn(Selfish()))

    with pytest.raises((RuntimeError, TimeoutError)):
        la.dispatch(pid, Selfish.ask_itself_through_a_chain).get(LIMIT)

    assert la.dispatch(pid, Asker.answer).get(LIMIT) == 1


def test_settle_and_close_inside_an_actor_are_refused_though_it_runs_in_a_thread_that_helps(runtime, together):
    pid = warmed(la.spawn(Asker()))

    def ask():
        runtime.clock.pause()
        for refused in (runtime.close, runtime.clock.settle):
            for _ in range(10):
                with pytest.raises(RuntimeError, match="inside an actor"):
                    la.execute(pid, refused).get(LIMIT)

    together(ask)

    assert runtime.clock.settle(LIMIT)
