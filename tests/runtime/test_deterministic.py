"""DeterministicRuntime: one seed, one run; virtual time; waits that cannot end; nothing left behind."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading

import pytest

import libactor as la
from libactor.testing import DeterministicRuntime, EventLog, Stuck, filter_events

SEEDS = range(5)


class Counter(la.Actor):
    def __init__(self) -> None:
        super().__init__()
        self.n = 0

    def add(self, k: int) -> int:
        self.n += k
        return self.n


class Asker(la.Actor):
    """Waits inside its handler, so that others must run meanwhile."""

    def __init__(self, counter: la.PID[Counter]) -> None:
        super().__init__()
        self.counter = counter

    def ask(self) -> int:
        first = la.dispatch(self.counter, Counter.add, 1).get()
        return first * 100 + la.dispatch(self.counter, Counter.add, 1).get(timeout=3)


class Ticker(la.Actor):
    def __init__(self, seconds: float, times: list[tuple[str, float]]) -> None:
        super().__init__()
        self.seconds, self.times = seconds, times

    def on_start(self) -> None:
        la.delay(self.seconds, self.pid, Ticker.tick)

    def tick(self) -> None:
        self.times.append((self.pid.id, self.runtime.clock.now()))
        la.delay(self.seconds, self.pid, Ticker.tick)


def run(seed: int | None, tape: la.testing.Tape | None = None) -> tuple[object, ...]:
    """A run with waits inside handlers, timers at the same time, ids and randomness: all that it has come to."""
    with DeterministicRuntime(seed, tape, log=EventLog(arguments=True)) as rt:
        counter = la.spawn(Counter())
        askers = [la.spawn(Asker(counter)) for _ in range(5)]
        answers = [la.dispatch(asker, Asker.ask) for asker in askers]
        for asker in askers:
            la.delay(1.5, asker, Asker.ask)
        values = [answer.get(timeout=5) for answer in answers]
        rt.run_for(10)
        return values, rt.log.text(), rt.tape, rt.clock.now(), la.random_uuid(), la.random_stream().random()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_gives_the_same_run_each_time(seed):
    assert run(seed) == run(seed)


def test_another_seed_gives_another_run():
    logs = {run(seed)[1] for seed in SEEDS}

    assert len(logs) == len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_tape_of_a_run_gives_the_run_again(seed):
    first = run(seed)

    assert run(None, first[2]) == first


def test_an_empty_tape_serves_in_the_order_of_sending():
    served = []
    with DeterministicRuntime(tape=la.testing.Tape(7)) as rt:
        pids = [la.spawn(Counter()) for _ in range(5)]
        rt.settle()
        for pid in pids:
            la.execute(pid, lambda name=pid.id: served.append(name))
        rt.settle()

    assert served == [f"counter({number})" for number in range(1, 6)]
    assert len(rt.tape) == 0


def test_each_step_serves_one_event():
    with DeterministicRuntime(1, log=True) as rt:
        pid = la.spawn(Counter())
        for _ in range(3):
            la.tell(pid, Counter.add, 1)
        rt.settle()
        steps = [line.split(maxsplit=2)[2] for line in rt.log]

    assert steps == ["counter(1)@sim start", *["counter(1)@sim tell add"] * 3]


def test_ids_count_from_one_in_each_runtime_and_go_on_outside():
    before = la.generate_id("outside")
    with DeterministicRuntime(1):
        inside = [la.generate_id("outside"), la.spawn(Counter()).id]
    after = la.generate_id("outside")

    assert inside == ["outside(1)", "counter(1)"]
    assert int(after[8:-1]) == int(before[8:-1]) + 1


def test_uuids_and_streams_in_handlers_come_of_the_seed():
    def draw(seed: int) -> tuple[object, ...]:
        with DeterministicRuntime(seed):
            pid = la.spawn(Counter())
            return la.execute(pid, lambda: (la.random_uuid(), la.random_stream().random())).get(), la.random_uuid()

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)
    assert la.random_uuid() != la.random_uuid()


def test_the_bytes_of_a_uuid_are_those_of_the_uuid_that_the_seed_gives():
    with DeterministicRuntime(1):
        whole = [la.random_uuid().bytes for _ in range(3)]
    with DeterministicRuntime(1):
        alone = [la.random_uuid_bytes() for _ in range(3)]

    assert alone == whole
    assert la.random_uuid_bytes() != la.random_uuid_bytes()


def test_time_jumps_to_the_next_timer_when_nothing_is_left_to_do():
    times = []
    with DeterministicRuntime(1) as rt:
        begun = rt.clock.now()
        la.spawn(Ticker(3600.0, times))
        rt.run_for(3 * 3600.0)
        ended = rt.clock.now()

    assert [now - begun for _, now in times] == [3600.0, 7200.0, 10800.0]
    assert ended - begun == 10800.0


def test_timers_of_one_time_fire_in_an_order_that_the_seed_decides():
    def order(seed: int, tape: la.testing.Tape | None = None) -> list[int]:
        fired = []
        with DeterministicRuntime(seed, tape) as rt:
            for number in range(5):
                rt.clock.timer(1.0, lambda number=number: fired.append(number))
            rt.run_for(1.0)
        return fired

    orders = [order(seed) for seed in range(10)]

    assert order(0, la.testing.Tape(0)) == [0, 1, 2, 3, 4]
    assert all(sorted(fired) == [0, 1, 2, 3, 4] for fired in orders)
    assert len({tuple(fired) for fired in orders}) > 1


def test_a_cancelled_timer_does_not_fire_even_if_it_is_due():
    fired = []
    with DeterministicRuntime(tape=la.testing.Tape(0)) as rt:
        timers = []
        rt.clock.timer(1.0, lambda: [timer.cancel() for timer in timers])
        timers.append(rt.clock.timer(1.0, lambda: fired.append("cancelled")))
        rt.clock.timer(1.0, lambda: fired.append("kept"))
        rt.run_for(1.0)

    assert fired == ["kept"]


def test_a_timer_that_fails_is_logged_and_the_run_goes_on(caplog):
    with DeterministicRuntime(1) as rt:
        rt.clock.timer(1.0, lambda: 1 // 0)
        pid = la.spawn(Counter())
        rt.run_for(2.0)
        answer = la.dispatch(pid, Counter.add, 1).get()

    assert answer == 1
    assert "what a timer was set for failed" in caplog.text


def test_a_paused_clock_moves_by_advance_only():
    times = []
    with DeterministicRuntime(1) as rt:
        rt.clock.pause()
        la.spawn(Ticker(1.0, times))
        rt.clock.settle()
        rt.clock.advance(0.5)
        rt.clock.settle()
        early = len(times)
        rt.clock.advance(0.5)
        rt.clock.settle()
        on_time = len(times)
        rt.clock.resume()
        rt.run_for(2.0)

    assert (early, on_time, len(times)) == (0, 1, 3)


def test_a_run_for_a_time_needs_a_clock_that_goes_on():
    with DeterministicRuntime(1) as rt:
        rt.clock.pause()
        with pytest.raises(RuntimeError, match="the clock is paused"):
            rt.run_for(1)


def test_a_wait_runs_the_runtime_whose_actor_is_to_answer():
    with DeterministicRuntime(1, address="outer") as outer:
        outer_pid = la.spawn(Counter())
        with DeterministicRuntime(1, address="inner") as inner:
            values = [la.dispatch(pid, Counter.add, 1).get() for pid in (outer_pid, la.spawn(Counter()))]
            steps = outer.simulation.steps, inner.simulation.steps
    with la.Runtime() as real:
        real_pid = real.spawn(Counter())
        with DeterministicRuntime(1):
            values.append(la.dispatch(real_pid, Counter.add, 1).get(timeout=60))

    assert (values, steps) == ([1, 1, 1], (2, 2))


@pytest.mark.parametrize("what", ["metrics", "filters", "debug"])
def test_what_a_runtime_has_besides_works_in_a_simulation(what):
    with DeterministicRuntime(1, debug=what == "debug") as rt, filter_events() as events:
        pid = la.spawn(Counter())
        seen = events.future_dispatch(Counter.add)
        la.dispatch(pid, Counter.add, 1).get()
        snapshot = rt.metrics.snapshot(timeout=1).get()

    assert seen.get(0).to == pid
    assert isinstance(snapshot, dict)


def test_work_in_a_pool_is_part_of_the_run():
    def run(seed: int) -> tuple[list[str], object, str]:
        done = []

        def work(name: str) -> str:
            done.append(name)
            return name

        with DeterministicRuntime(seed, log=True) as rt:
            opened = la.Promise()
            with la.Pool(2) as pool:
                waits = pool.submit(opened.future.get)
                answers = [pool.submit(work, f"work {number}") for number in range(4)]
                values = [answer.get(timeout=5) for answer in answers]
                pending = waits.is_pending()
                opened.set("opened")
            return done, (values, pending, waits.get()), rt.log.text()

    first = run(1)

    assert first == run(1)
    assert first[1] == ([f"work {number}" for number in range(4)], True, "opened")
    assert sorted(first[0]) == sorted(first[1][0])


def test_a_pool_is_closed_with_its_simulation():
    threads = set(threading.enumerate())
    with DeterministicRuntime(1) as rt:
        pool = la.Pool(3)
        left = pool.submit(lambda: 1)
        done = pool.submit(lambda: 2).get()
        held = la.Promise()
        pool.submit(held.future.get)
        rt.settle()
        late = [pool.submit(lambda: 3) for _ in range(2)]
        rt.host("a").spawn(la.Actor())
        held.set(4)

    assert (left.get(), done) == (1, 2)
    assert all(answer.is_ready() or answer.is_abandoned() for answer in late)
    assert set(threading.enumerate()) == threads


@pytest.mark.real
def test_a_runtime_that_is_not_closed_does_not_keep_the_program_from_ending(program):
    output = program(
        """
        import libactor as la
        from libactor.testing import DeterministicRuntime
        rt = DeterministicRuntime(1)
        promise = la.Promise()
        pid = rt.spawn(la.Actor("it"))
        held = la.execute(pid, lambda: promise.future.get())
        rt.settle()
        held.on_any(lambda future: print("ended", future.exception().__class__.__name__))
        import logging
        logging.getLogger("libactor").disabled = True
        """
    )

    assert output == "ended Stuck\n"


@pytest.mark.real
def test_the_child_of_a_fork_says_so(program):
    output = program(
        """
        import os, warnings
        import libactor as la
        from libactor.testing import DeterministicRuntime
        warnings.simplefilter("ignore")
        with DeterministicRuntime(1) as rt:
            answer = la.dispatch(la.spawn(la.Actor("it")), la.Actor.on_start)
            child = os.fork()
            if child == 0:
                for ask in (rt.settle, answer.get, lambda: rt.run_for(1)):
                    try:
                        ask()
                    except la.ForkedRuntime:
                        print("forked", flush=True)
                os._exit(0)
            os.waitpid(child, 0)
            print(answer.get())
        """
    )

    assert output == "forked\n" * 3 + "None\n"


def test_a_timeout_is_one_of_the_clock():
    with DeterministicRuntime(1) as rt:
        begun, promise = rt.clock.now(), la.Promise()
        with pytest.raises(TimeoutError, match="still pending after 1000 s"):
            promise.future.get(timeout=1000)
        passed = rt.clock.now() - begun

    assert passed == 1000.0


def test_a_timeout_inside_a_handler_is_one_of_the_clock():
    def wait() -> float:
        promise = la.Promise()
        with pytest.raises(TimeoutError):
            promise.future.get(timeout=60)
        return rt.clock.now()

    with DeterministicRuntime(1) as rt:
        begun = rt.clock.now()
        ended = la.execute(la.spawn(Counter()), wait).get()

    assert ended - begun == 60.0


def test_get_without_time_runs_nothing():
    with DeterministicRuntime(1) as rt:
        answer = la.dispatch(la.spawn(Counter()), Counter.add, 1)
        with pytest.raises(TimeoutError):
            answer.get(timeout=0)
        steps = rt.simulation.steps

    assert steps == 0


def test_a_wait_that_nothing_can_end_says_who_waits_for_what():
    with DeterministicRuntime(3) as rt:
        promise = la.Promise()
        counter = la.spawn(Counter())
        answer = la.execute(counter, promise.future.get)
        with pytest.raises(Stuck, match=r"seed 3, .*nothing is left to do and no timer is set.*counter\(1\)@sim waits"):
            answer.get()
        promise.set(5)
        value = answer.get()
        rt.settle()

    assert value == 5


def test_two_actors_that_wait_for_one_another_are_found():
    class Mutual(la.Actor):
        other: la.PID["Mutual"]

        def meet(self, other: la.PID["Mutual"]) -> None:
            self.other = other

        def answer(self) -> int:
            return 1

        def ask(self) -> int:
            return la.dispatch(self.other, Mutual.answer).get()

    def meet() -> None:
        with DeterministicRuntime(1):
            one, two = la.spawn(Mutual()), la.spawn(Mutual())
            la.tell(one, Mutual.meet, two)
            la.tell(two, Mutual.meet, one)
            asked = [la.dispatch(pid, Mutual.ask) for pid in (one, two)]
            asked[0].get()

    with pytest.raises(Stuck) as caught:
        meet()

    assert "mutual(1)@sim waits for an answer of mutual(2)@sim" in str(caught.value)
    assert "still in a handler" in caught.value.__notes__[0]


def test_a_promise_that_goes_away_in_a_cycle_abandons_its_future_at_a_step_of_its_own():
    def lose() -> la.Future:
        promise = la.Promise()
        cycle = [promise]
        cycle.append(cycle)
        return promise.future

    with DeterministicRuntime(1), pytest.raises(la.Abandoned):
        lose().get()


def test_the_program_goes_on_although_a_handler_that_ran_for_it_waits():
    with DeterministicRuntime(1) as rt:
        promise = la.Promise()
        held, other = la.spawn(Counter()), la.spawn(Counter())
        waiting = la.execute(held, promise.future.get)
        rt.settle()
        answer = la.dispatch(other, Counter.add, 2).get()
        promise.set("opened")
        value = waiting.get()

    assert (answer, value) == (2, "opened")


def test_wait_terminate_and_find_work_as_ever():
    with DeterministicRuntime(1) as rt:
        pid = la.spawn(Counter())
        found = rt.find("counter(1)")
        la.terminate(pid)
        stopped = la.wait(pid, timeout=1)

    assert (found, stopped, rt.find("counter(1)"), rt.pids()) == (pid, True, None, ())


def test_a_runtime_that_is_not_current_runs_for_whoever_waits_for_its_actors():
    rt = DeterministicRuntime(1)
    pid = rt.spawn(Counter())

    value = la.dispatch(pid, Counter.add, 4).get()
    rt.close()

    assert value == 4


def test_after_close_no_thread_is_left_and_the_collector_is_as_it_was():
    threads, enabled = set(threading.enumerate()), gc.isenabled()

    with DeterministicRuntime(1) as rt:
        inside = gc.isenabled()
        pid = la.spawn(Counter())
        for _ in range(10):
            la.execute(la.spawn(Counter()), lambda: la.dispatch(pid, Counter.add, 1).get())
        rt.settle()

    assert set(threading.enumerate()) == threads
    assert (inside, gc.isenabled()) == (False, enabled)


def test_what_a_suite_has_frozen_stays_frozen():
    gc.freeze()
    before = gc.get_freeze_count()

    with DeterministicRuntime(1):
        later = [[] for _ in range(1_000)]

    assert before - 100 < gc.get_freeze_count() <= before  # some die by themselves
    assert len(later) == 1_000


@pytest.mark.real
def test_what_was_there_before_is_frozen_while_a_runtime_is_open(program):
    output = program(
        """
        import gc
        from libactor.testing import DeterministicRuntime
        gc.unfreeze()  # what the program has begun with
        before = gc.get_freeze_count()
        with DeterministicRuntime(1), DeterministicRuntime(1):
            inside = gc.get_freeze_count()
        print(inside > before + 1000, gc.get_freeze_count() <= before)
        """
    )

    assert output == "True True\n"


def test_close_ends_waits_and_names_the_actors():
    rt = DeterministicRuntime(1)
    promise = la.Promise()
    answer = la.execute(rt.spawn(Counter()), promise.future.get)
    rt.settle()

    with pytest.raises(RuntimeError, match=r"still in a handler after 10.0 s: counter\(\d+\)@sim"):
        rt.close()

    assert isinstance(answer.exception(), Stuck)
    rt.close()


def test_a_second_thread_that_waits_is_refused(start):
    inside, go_on = threading.Event(), threading.Event()
    with DeterministicRuntime(1) as rt:
        pid = la.spawn(Counter())

        def hold() -> None:
            inside.set()
            go_on.wait(60)

        held = la.execute(pid, hold)
        driving = start(lambda: rt.run_until(held))
        assert inside.wait(60)
        with pytest.raises(RuntimeError, match="another one runs the simulation"):
            rt.settle()
        go_on.set()
        driving()


def test_settle_and_close_inside_an_actor_are_refused():
    with DeterministicRuntime(1) as rt:
        pid = la.spawn(Counter())
        for method in (rt.settle, rt.close, rt.clock.settle):
            with pytest.raises(RuntimeError, match="called inside an actor"):
                la.execute(pid, method).get()


@pytest.mark.parametrize("seed", ["1", 1.5, True, None])
def test_a_seed_that_is_no_integer_is_refused(seed):
    if seed is None:
        with pytest.raises(ValueError, match="leave the seed out"):
            DeterministicRuntime(1, la.testing.Tape(2))
    else:
        with pytest.raises(TypeError, match="expected an integer"):
            DeterministicRuntime(seed)


def test_hosts_have_addresses_of_their_own_and_share_time():
    with DeterministicRuntime(1) as rt:
        with rt.host("a"):
            one = la.spawn(Counter())
        two = rt.host("b").spawn(Counter())
        own = la.spawn(Counter())
        values = [la.dispatch(pid, Counter.add, 1).get() for pid in (one, two, own)]
        places = [pid.address for pid in (one, two, own)]
        times = {rt.clock.now_ns(), rt.host("a").clock.now_ns(), rt.host("b").clock.now_ns()}

    assert (values, places, len(times)) == ([1, 1, 1], ["a", "b", "sim"], 1)


class Sender(la.Actor):
    def send(self, to: la.PID[Counter]) -> la.Future[int]:
        return la.dispatch(to, Counter.add, 1)


# Goal: only what goes from one host to another is offered. Method: a network that keeps all it is offered.
def test_a_network_takes_over_what_goes_from_host_to_host():
    kept = []
    with DeterministicRuntime(1) as rt:
        here, there = rt.host("a").spawn(Counter()), rt.host("b").spawn(Counter())
        with rt.host("a"):
            sender = la.spawn(Sender())
        asked = [la.dispatch(sender, Sender.send, to) for to in (here, there)]
        rt.queue.network = lambda *crossing: kept.append(crossing) or True
        rt.settle()
        [(source, target, event)] = kept
        pending = [answer.is_pending() for answer in asked]
        target.arrive(event)
        values = [answer.get() for answer in asked]
        rt.queue.network = None

    assert (source.pid, target.pid, event.what) == (sender, there, "add")
    assert (pending, values) == ([False, True], [1, 1])


def test_a_network_may_put_itself_between_an_answer_and_who_asked():
    answers = []
    with DeterministicRuntime(1) as rt:
        there = rt.host("b").spawn(Counter())

        def take(source: object, target: object, event: object) -> bool:
            asked, between = event.future, la.Promise()
            event.future = between.future
            answers.append((asked, between.future))
            target.arrive(event)
            return True

        rt.queue.network = take
        answer = la.dispatch(there, Counter.add, 3)
        rt.settle()
        rt.queue.network = None
        [(asked, between)] = answers
        states = answer.is_pending(), between.is_ready()
        asked._follow(between)

    assert states == (True, True)
    assert answer.get() == 3


def test_an_asyncio_task_may_await_an_actor():
    async def ask() -> int:
        async with DeterministicRuntime(1):
            pid = la.spawn(Counter())
            return await la.dispatch(pid, Counter.add, 1) + await la.dispatch(pid, Counter.add, 1)

    assert asyncio.run(ask()) == 3


def test_a_full_mailbox_that_blocks_has_the_actor_run_instead():
    with DeterministicRuntime(1) as rt:
        pid = la.spawn(Counter(), mailbox=la.Bounded(2, "block"))
        answers = [la.dispatch(pid, Counter.add, 1) for _ in range(10)]
        values = [answer.get() for answer in answers]
        overflows = rt.overflows

    assert (values, overflows) == (list(range(1, 11)), 0)


def test_a_full_mailbox_whose_actor_waits_fails_the_sender():
    with DeterministicRuntime(1) as rt:
        promise = la.Promise()
        pid = la.spawn(Counter(), mailbox=la.Bounded(1, "block"))
        held = la.execute(pid, promise.future.get)
        rt.settle()
        fits, refused = la.dispatch(pid, Counter.add, 1), la.dispatch(pid, Counter.add, 1)
        promise.set(0)
        values = held.get(), fits.get()

    assert values == (0, 1)
    assert isinstance(refused.exception(), la.MailboxFull)


def test_supervised_actors_restart_alike_with_each_seed():
    class Fragile(la.Actor):
        def work(self) -> None:
            if la.random_stream().random() < 0.5:
                raise ValueError("broken")

    def supervise() -> str:
        with DeterministicRuntime(5, log=True) as rt:
            backoff = la.Backoff(0.1, 10.0, factor=2.0, jitter=0.5, reset_after=60.0)
            child = la.Child(Fragile, id="fragile", restart="permanent", intensity=100, backoff=backoff)
            supervisor = la.spawn(la.Supervisor([child]))
            la.dispatch(supervisor, la.Supervisor.started).get()
            pid = rt.find("fragile")
            for second in range(20):
                la.delay(second, pid, Fragile.work)
            rt.run_for(100)
            return rt.log.text()

    first = supervise()

    assert first == supervise()
    assert first.count("fragile@sim start") > 3


@pytest.mark.real
def test_ctrl_c_comes_between_steps_and_leaves_the_runtime_usable():
    def interrupt() -> None:
        interrupted.append(True)
        os.kill(os.getpid(), signal.SIGINT)

    def ask_until_interrupted() -> None:
        while True:
            la.dispatch(pid, Counter.add, 1).get()

    interrupted, values = [], []
    for _ in range(100):  # it may come at any place
        with DeterministicRuntime(1) as rt:
            pid = la.spawn(Counter())
            la.execute(pid, interrupt)
            with pytest.raises(KeyboardInterrupt):
                ask_until_interrupted()
            rt.settle()
            values.append(la.dispatch(pid, Counter.add, 0).get())

    assert len(interrupted) == 100
    assert min(values) >= 1


@pytest.mark.real
def test_a_second_ctrl_c_leaves_a_runtime_that_says_so_and_a_program_that_ends(program):
    output = program(
        """
        import os, signal, threading
        import libactor as la
        from libactor.testing import DeterministicRuntime
        rt = DeterministicRuntime(1)
        entered = threading.Event()

        def stay():
            entered.set()
            threading.Event().wait()

        def interrupt():
            entered.wait()
            while not stopped.is_set():
                os.kill(os.getpid(), signal.SIGINT)
                stopped.wait(0.05)

        stopped = threading.Event()
        threading.Thread(target=interrupt, daemon=True).start()
        answer = la.execute(rt.spawn(la.Actor("it")), stay)
        try:
            answer.get()
        except KeyboardInterrupt:
            stopped.set()
            print("interrupted")
        try:
            rt.settle()
        except RuntimeError:
            print("refused")
        import logging
        logging.getLogger("libactor").disabled = True
        """
    )

    assert output == "interrupted\nrefused\n"


PROGRAM = """
import libactor as la
from libactor.testing import DeterministicRuntime, EventLog

class Gossip(la.Actor):
    def __init__(self, others):
        super().__init__()
        self.others, self.known = others, set()
    def hear(self, words):
        self.known |= words
        stream = la.random_stream()
        for pid in self.others:
            la.delay(stream.randrange(3), pid, Gossip.learn, {f"{self.pid.id} {len(self.known)}"} | words)
    def learn(self, words):
        self.known |= words
        if "boom" in words:
            raise ValueError(words, object())
        return len(self.known)

with DeterministicRuntime(11, log=EventLog(arguments=True)) as rt:
    pids = [la.spawn(Gossip([])) for _ in range(4)]
    last = [la.spawn(Gossip(pids)) for _ in range(4)]
    asked = [la.dispatch(pid, Gossip.hear, {"a", "b", str(la.random_uuid())}) for pid in last]
    la.tell(pids[0], Gossip.learn, {"boom", "bang"})
    rt.run_for(5)
print(rt.log.text())
print(rt.log.digest(), rt.tape.to_json(), rt.clock.now_ns())
"""


@pytest.mark.real
def test_the_log_is_the_same_for_other_hash_seeds_and_for_both_cores():
    def log(hash_seed: str, pure: str) -> str:
        environment = os.environ | {"PYTHONHASHSEED": hash_seed, "LIBACTOR_PURE": pure}
        command = [sys.executable, "-c", PROGRAM]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout

    logs = {log(hash_seed, pure) for hash_seed in ("0", "1", "77") for pure in ("0", "1")}

    assert len(logs) == 1
    assert len(logs.pop().splitlines()) > 40
