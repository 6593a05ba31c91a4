"""Runtimes: current where they are opened, several at once, closed to the last thread."""

import asyncio
import contextvars
import itertools
import threading

import pytest

import libactor as la

LIMIT = 30


class Counter(la.Actor):
    def __init__(self, n=0):
        super().__init__()
        self.n = n

    def add(self, k):
        self.n += k
        return self.n

    def ask(self, other, k):
        return la.dispatch(other, Counter.add, k).get(LIMIT)

    def bear(self):
        return la.spawn(Counter())


def threads_of(runtime):
    return [thread for thread in threading.enumerate() if thread.name.startswith(f"{runtime.address}-worker")]


def test_spawning_without_a_runtime_says_how_to_open_one():
    with pytest.raises(la.NoRuntime, match=r"spawn: no runtime is current.*with libactor\.Runtime"):
        contextvars.Context().run(la.spawn, Counter())


def test_the_innermost_runtime_is_current():
    with la.Runtime() as outer:
        with la.Runtime() as inner:
            assert la.spawn(Counter()).address == inner.address
        assert la.spawn(Counter()).address == outer.address


def test_a_thread_does_not_inherit_the_runtime_of_another(runtime, start):
    with pytest.raises(la.NoRuntime):
        start(lambda: la.spawn(Counter()))()


# Goal: what comes after a timer or a descriptor finds the runtime in whose workers it runs. Method: real time, in which
# nobody else comes to it; the innermost `with` there goes before.
@pytest.mark.real
def test_what_a_worker_is_called_back_for_runs_in_its_runtime():
    def spawn_two(_=None):
        own = la.spawn(Counter())
        with la.Runtime() as inner:
            return own.address, la.spawn(Counter()).address == inner.address

    called = la.Promise()
    with la.Runtime() as runtime:
        fired = la.after(0.001).then(spawn_two)
        runtime.poller.call(lambda: called.set(spawn_two()))

        assert fired.get(LIMIT) == called.future.get(LIMIT) == (runtime.address, True)


def test_an_actor_spawns_in_its_own_runtime(runtime):
    pid = la.spawn(Counter())

    with la.Runtime():
        child = la.dispatch(pid, Counter.bear).get(LIMIT)

    assert child.address == runtime.address


def test_actors_of_several_runtimes_talk_to_one_another(runtime):
    with la.Runtime() as second, la.Runtime() as third:
        pids = [each.spawn(Counter(n)) for n, each in enumerate([runtime, second, third])]

        answers = [la.dispatch(a, Counter.ask, b, 10).get(LIMIT) for a, b in itertools.permutations(pids, 2)]

    assert sorted(answers) == [10, 11, 12, 20, 21, 22]


def test_a_runtime_shows_its_state(runtime):
    la.spawn(Counter())
    assert repr(runtime) == f"<Runtime {runtime.address}, 1 actors>"

    runtime.close()

    assert repr(runtime) == f"<Runtime {runtime.address}, 0 actors, closed>"


def test_closing_stops_the_last_spawned_first_and_serves_what_was_sent():
    lines = []

    class Diary(la.Actor):
        def __init__(self, name):
            super().__init__(name)

        def write(self):
            lines.append(f"{self.pid.id} served")

        def on_stop(self):
            lines.append(f"{self.pid.id} stopped")

    with la.Runtime():
        for name in "abc":
            la.tell(la.spawn(Diary(name)), Diary.write)

    assert [line for line in lines if "stopped" in line] == ["c stopped", "b stopped", "a stopped"]
    assert all(lines.index(f"{name} served") < lines.index(f"{name} stopped") for name in "abc")


def test_no_thread_is_left_after_close(runtime):
    pids = [la.spawn(Counter()) for _ in range(10)]
    la.collect([la.dispatch(a, Counter.ask, b, 1) for a, b in itertools.pairwise(pids)]).get(LIMIT)
    assert threads_of(runtime)

    runtime.close()

    assert threads_of(runtime) == []
    assert runtime.clock.paused is False


def test_closing_twice_and_using_a_closed_runtime_does_no_harm(runtime):
    pid = la.spawn(Counter())
    runtime.close()
    runtime.close()

    with pytest.raises(la.SpawnError, match="is closed"):
        la.spawn(Counter())
    assert la.dispatch(pid, Counter.add, 1).is_abandoned()
    la.delay(0, pid, Counter.add, 1)
    runtime.clock.pause()
    assert runtime.clock.settle(LIMIT)


def test_two_threads_may_close_at_once_and_both_find_it_closed(runtime, together):
    for _ in range(10):
        la.spawn(Counter())

    def close():
        runtime.close()
        return runtime.pids(), threads_of(runtime)

    assert together(close, close) == [((), []), ((), [])]


def test_an_actor_cannot_close_its_own_runtime(runtime):
    with pytest.raises(RuntimeError, match="close: called inside an actor"):
        la.execute(la.spawn(Counter()), runtime.close).get(LIMIT)

    assert la.dispatch(la.spawn(Counter()), Counter.add, 1).get(LIMIT) == 1


def test_an_actor_may_open_and_close_another_runtime(runtime):
    def nested():
        with la.Runtime() as inner:
            answer = la.dispatch(inner.spawn(Counter()), Counter.add, 3).get(LIMIT)
        return answer, len(threads_of(inner))

    assert la.execute(la.spawn(Counter()), nested).get(LIMIT) == (3, 0)


def test_spawning_while_the_runtime_closes_is_refused():
    errors = []

    class Late(la.Actor):
        def on_stop(self):
            try:
                la.spawn(Counter())
            except la.SpawnError as error:
                errors.append(str(error))

    with la.Runtime():
        la.spawn(Late())

    assert len(errors) == 1
    assert "is closed" in errors[0]


# Goal: one stuck handler costs close() twice its timeout, not once more for each actor behind it; and is named.
def test_a_stuck_handler_is_named_and_does_not_hold_close_up_for_each_actor_behind_it():
    entered, opened = threading.Event(), threading.Event()

    def hold():
        entered.set()
        assert opened.wait(LIMIT)

    runtime = la.Runtime()
    for _ in range(100):
        runtime.spawn(Counter())
    stuck = runtime.spawn(Counter())
    held = la.execute(stuck, hold)
    assert entered.wait(LIMIT)
    before = runtime.clock.now()

    with pytest.raises(RuntimeError, match="close: still in a handler") as raised:
        runtime.close(timeout=0.05)

    assert str(stuck) in str(raised.value)
    assert "worker" not in str(raised.value)
    assert runtime.clock.now() - before < 100 * 0.05
    opened.set()
    held.get(LIMIT)
    runtime.close()
    assert threads_of(runtime) == []


def test_a_handler_that_waits_in_vain_does_not_keep_the_other_actors_from_stopping(runtime):
    stopped = []

    class Polite(la.Actor):
        def on_stop(self):
            stopped.append(1)

    promise = la.Promise()
    for _ in range(10):
        la.spawn(Polite())
    waiting = la.execute(la.spawn(Counter()), lambda: promise.future.get(LIMIT))

    with pytest.raises(RuntimeError, match="still in a handler"):
        runtime.close(timeout=0.5)

    assert len(stopped) == 10
    promise.set(1)
    assert waiting.get(LIMIT) == 1
    runtime.close()
    assert threads_of(runtime) == []


def test_an_exception_in_the_block_passes_through_and_the_runtime_is_closed():
    runtime = la.Runtime()

    def fail_inside():
        with runtime:
            la.spawn(Counter())
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail_inside()

    assert runtime.pids() == ()
    assert threads_of(runtime) == []


def test_many_actors_come_and_go(runtime, count):
    pids = [la.spawn(Counter()) for _ in range(count(100_000))]
    answers = [la.dispatch(pid, Counter.add, 1) for pid in pids]
    assert len(runtime.pids()) == len(pids)

    for pid in pids:
        la.terminate(pid, inject=False)
    la.collect([pid._process.stopped for pid in pids]).get(LIMIT)

    assert runtime.pids() == ()
    assert all(answer.get(0) == 1 for answer in answers)


def test_many_runtimes_come_and_go():
    for _ in range(50):
        with la.Runtime() as runtime:
            assert la.dispatch(la.spawn(Counter()), Counter.add, 1).get(LIMIT) == 1
        assert threads_of(runtime) == []


# Goal: nobody waits for a timer that nobody is left to fire.
def test_timers_of_a_closed_runtime_are_abandoned():
    runtime = la.Runtime()
    before = la.after(100, runtime=runtime)
    runtime.close()
    after = la.after(0, runtime=runtime)

    for future in (before, after):
        assert future.is_abandoned()
    assert not runtime.clock.timer(1, print).pending


def test_an_actor_that_would_wait_for_itself_is_told_so(runtime):
    class Narcissus(la.Actor):
        def ask_myself(self):
            return la.dispatch(self.pid, Narcissus.answer).get(LIMIT)

        def ask_about_myself(self):
            return la.dispatch(self.pid, Narcissus.answer).then(lambda value: value + 1).get()

        def look(self):
            with pytest.raises(TimeoutError):
                la.dispatch(self.pid, Narcissus.answer).get(0)
            return "looked"

        def answer(self):
            return 1

    pid = la.spawn(Narcissus())

    for method in (Narcissus.ask_myself, Narcissus.ask_about_myself):
        with pytest.raises(RuntimeError, match="would wait for an answer of its own"):
            la.dispatch(pid, method).get(LIMIT)
    assert la.dispatch(pid, Narcissus.look).get(LIMIT) == "looked"


def test_in_asyncio_the_loop_goes_on_while_actors_stop(start):
    entered, opened, passed = threading.Event(), threading.Event(), []

    def hold():
        entered.set()
        assert opened.wait(LIMIT)

    async def tick():
        await asyncio.to_thread(entered.wait, LIMIT)
        passed.append("the loop went on")
        opened.set()

    async def main():
        async with la.Runtime() as runtime:
            la.execute(la.spawn(Counter()), hold)
            ticking = asyncio.create_task(tick())
        await ticking
        return runtime

    runtime = asyncio.run(main())

    assert passed == ["the loop went on"]
    with pytest.raises(RuntimeError, match="is closed; make a new one"):
        runtime.__enter__()


# Goal: a timeout is kept also when an actor that was quick blocks for the first time.
def test_a_short_timeout_is_kept_by_who_could_help(runtime):
    opened = threading.Event()
    pid = la.spawn(Counter())
    for _ in range(10):
        la.execute(pid, lambda: None).get()

    blocked = la.execute(pid, lambda: opened.wait(LIMIT))

    with pytest.raises(TimeoutError):
        blocked.get(0.01)
    opened.set()
    assert blocked.get(LIMIT) is True


def test_a_failure_is_an_exception_object():
    for wrong in (3, None, ValueError):
        with pytest.raises(TypeError, match=r"failed: got .* expected an exception object"):
            la.failed(wrong)


def test_the_names_a_prompt_completes_are_the_public_ones():
    assert set(dir(la)) == set(la.__all__)
