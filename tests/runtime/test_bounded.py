"""Bounded mailboxes: what is let in, what becomes of the rest, and who hears of it."""

# The fixture `full` is an actor that is held inside a handler while as many notes wait as may.

import asyncio
import gc
import logging
import threading
import weakref

import pytest

import libactor as la
from libactor.testing import filter_events, inject_exited

LIMIT = 60  # seconds; a bound on failure
POLICIES = ("drop-new", "drop-old", "fail-sender", "block")


class Recorder(la.Actor):
    def __init__(self):
        super().__init__()
        self.seen = []

    def note(self, what):
        self.seen.append(what)
        return what

    def watch(self, pid):
        la.link(pid)

    def on_exited(self, pid, reason):
        self.seen.append("exited")

    def tell_all(self, pid, count):
        for n in range(count):
            la.tell(pid, Recorder.note, n)
        return "told"

    @la.handles(int)
    def count(self, message):
        self.seen.append(message)


class Small(Recorder, mailbox=la.Bounded(2, "drop-old")):
    pass


@pytest.fixture
def fill(hold):
    """Hold a fresh actor with a mailbox of 2 and put two notes into it: its PID, the promise, and their futures."""

    def fill_one(overflow, actor=None):
        pid = la.spawn(actor or Recorder(), mailbox=la.Bounded(2, overflow))
        opened, _ = hold(pid)
        return pid, opened, [la.dispatch(pid, Recorder.note, name) for name in ("a", "b")]

    return fill_one


def seen(pid):
    """What the actor has noted at its end, which comes after all that waits: to ask it might find no room."""
    recorder = pid._process.actor
    la.terminate(pid, inject=False)
    assert la.wait(pid, LIMIT)
    return recorder.seen


def why(future):
    """The error a reader of the future gets."""
    with pytest.raises((la.Abandoned, la.MailboxFull)) as caught:
        future.get(LIMIT)
    return caught.value


# ---- what becomes of one more ----


def test_drop_new_abandons_the_one_that_comes_and_names_the_full_mailbox(runtime, fill):
    pid, opened, _ = fill("drop-new")

    late = la.dispatch(pid, Recorder.note, "c")
    opened.set(None)

    error = why(late)
    assert (type(error), error.pid) == (la.Abandoned, pid)
    assert (type(error.reason), error.reason.pid, error.reason.capacity) == (la.MailboxFull, pid, 2)
    assert "is full: 2 events wait" in str(error)
    assert seen(pid) == ["a", "b"]


def test_drop_old_abandons_the_one_that_waits_longest(runtime, fill):
    pid, opened, waiting = fill("drop-old")

    late = la.dispatch(pid, Recorder.note, "c")
    opened.set(None)

    assert isinstance(why(waiting[0]).reason, la.MailboxFull)
    assert late.get(LIMIT) == "c"
    assert seen(pid) == ["b", "c"]


@pytest.mark.parametrize("inside", [False, True])
def test_fail_sender_fails_the_future_and_raises_nothing(runtime, fill, inside):
    pid, opened, _ = fill("fail-sender")

    late = la.dispatch(pid, Recorder.note, "c")
    if inside:
        sender = la.spawn(Recorder())
        assert la.dispatch(sender, Recorder.tell_all, pid, 3).get(LIMIT) == "told"
    opened.set(None)

    error = why(late)
    assert (type(error), error.pid, error.capacity) == (la.MailboxFull, pid, 2)
    assert runtime.dead_letters == (3 if inside else 0)


@pytest.mark.parametrize("overflow", ["drop-new", "fail-sender"])
@pytest.mark.parametrize(
    "send",
    [
        lambda pid: la.tell(pid, Recorder.note, "c"),
        lambda pid: la.post(pid, 3),
    ],
    ids=["tell", "post"],
)
def test_what_has_no_future_is_a_dead_letter(runtime, fill, overflow, send, caplog):
    pid, opened, _ = fill(overflow)

    with caplog.at_level(logging.DEBUG, "libactor"):
        send(pid)
    opened.set(None)

    assert (runtime.dead_letters, runtime.overflows, pid._process.overflows) == (1, 1, 1)
    assert "its mailbox is full" in caplog.text
    assert seen(pid) == ["a", "b"]


def test_an_old_tell_that_makes_room_is_a_dead_letter(runtime, hold):
    pid = la.spawn(Small())
    opened, _ = hold(pid)

    for n in range(5):
        la.tell(pid, Recorder.note, n)
    opened.set(None)

    assert seen(pid) == [3, 4]
    assert (runtime.dead_letters, runtime.overflows) == (3, 3)


@pytest.mark.parametrize(
    "ask",
    [
        lambda pid: la.execute(pid, lambda: None),
        lambda pid: la.defer(pid, Recorder.note)("c"),
        lambda pid: la.ready("c").then(la.defer(pid, Recorder.note)),
    ],
    ids=["execute", "defer", "then"],
)
@pytest.mark.parametrize("overflow", ["drop-new", "fail-sender"])
def test_every_way_of_asking_is_refused_alike(runtime, fill, ask, overflow):
    pid, opened, _ = fill(overflow)

    error = why(ask(pid))
    opened.set(None)

    assert isinstance(error if overflow == "fail-sender" else error.reason, la.MailboxFull)
    assert runtime.overflows == 1


def test_a_delayed_call_finds_the_mailbox_full_when_its_time_comes(paused, fill):
    pid, opened, _ = fill("block")
    la.delay(1, pid, Recorder.note, "c")

    paused.clock.advance(1)  # a timer waits for nothing, wherever it fires
    opened.set(None)
    paused.clock.settle(LIMIT)

    assert (paused.dead_letters, paused.overflows) == (1, 1)
    assert seen(pid) == ["a", "b"]


def test_a_call_that_is_served_makes_room_for_one(runtime, fill):
    pid, opened, waiting = fill("drop-new")
    opened.set(None)
    for future in waiting:
        future.get(LIMIT)

    assert [la.dispatch(pid, Recorder.note, n).get(LIMIT) for n in range(5)] == list(range(5))
    assert runtime.overflows == 0


# ---- what no bound refuses ----


def test_the_end_of_a_link_is_let_in_and_takes_no_place(runtime, hold):
    other, pid = la.spawn(Recorder()), la.spawn(Recorder(), mailbox=la.Bounded(1))
    la.dispatch(pid, Recorder.watch, other).get(LIMIT)
    opened, _ = hold(pid)
    la.terminate(other)
    la.wait(other, LIMIT)
    la.tell(pid, Recorder.note, "after")  # the exit stands before it, and takes no place
    inject_exited(other, to=pid)  # while it is full
    opened.set(None)

    assert seen(pid) == ["exited", "after", "exited"]


def test_drop_old_passes_over_what_is_not_counted(runtime, hold):
    pid = la.spawn(Recorder(), mailbox=la.Bounded(1, "drop-old"))
    opened, _ = hold(pid)
    inject_exited(pid, to=pid)
    la.tell(pid, Recorder.note, "old")

    la.tell(pid, Recorder.note, "new")
    opened.set(None)

    assert seen(pid) == ["exited", "new"]


@pytest.mark.parametrize("inject", [True, False])
def test_a_termination_is_let_in(runtime, fill, inject):
    pid, opened, _ = fill("drop-new")

    la.terminate(pid, inject)
    opened.set(None)

    assert la.wait(pid, LIMIT)


def test_the_start_is_served_first_and_takes_no_place(runtime):
    entered, opened = threading.Event(), la.Promise()

    class Slow(Recorder, mailbox=la.Bounded(1)):
        def on_start(self):
            entered.set()
            opened.future.get(LIMIT)

    pid = la.spawn(Slow())
    entered.wait(LIMIT)
    first, second = la.dispatch(pid, Slow.note, 1), la.dispatch(pid, Slow.note, 2)
    opened.set(None)

    assert first.get(LIMIT) == 1
    assert isinstance(why(second).reason, la.MailboxFull)


# ---- blocking ----


def blocked(pid):
    """Wait until a thread stands for room there: real threads, so by looking."""
    process = pid._process
    while not process.blocked:
        threading.Event().wait(0.001)


@pytest.mark.real
def test_block_lets_a_thread_wait_until_there_is_room(runtime, fill, start):
    pid, opened, _ = fill("block")
    late = start(lambda: la.dispatch(pid, Recorder.note, "c"))
    blocked(pid)

    opened.set(None)

    assert late().get(LIMIT) == "c"
    assert seen(pid) == ["a", "b", "c"]
    assert runtime.overflows == 0


@pytest.mark.real
def test_threads_that_wait_for_one_place_go_in_the_order_they_came(runtime, hold, start):
    pid = la.spawn(Recorder(), mailbox=la.Bounded(1, "block"))
    opened, _ = hold(pid)
    la.tell(pid, Recorder.note, "a")
    waits = []
    for n in range(5):
        waits.append(start(lambda n=n: la.tell(pid, Recorder.note, n)))
        while pid._process.blocked <= n:
            threading.Event().wait(0.001)

    opened.set(None)
    for wait in waits:
        wait()

    assert seen(pid) == ["a", 0, 1, 2, 3, 4]


@pytest.mark.real
@pytest.mark.parametrize("count", [1, 20])
def test_a_thread_that_waits_for_room_is_let_go_by_the_end_of_the_actor(runtime, fill, start, count):
    pid, opened, _ = fill("block")
    late = [start(lambda: la.dispatch(pid, Recorder.note, "c")) for _ in range(count)]
    blocked(pid)

    la.terminate(pid)
    opened.set(None)

    errors = [why(wait()) for wait in late]
    assert [(type(error), error.pid, error.reason) for error in errors] == [(la.Abandoned, pid, None)] * count


# Method: the next incarnation is started before the one they wait at has ended, as that of a child left behind is.
@pytest.mark.real
def test_a_thread_that_waits_for_room_waits_on_at_the_next_incarnation(runtime, fill, hold, start):
    pid, opened, _ = fill("block")
    late = [start(lambda n=n: la.dispatch(pid, Recorder.note, n)) for n in range(3)]
    while pid._process.blocked < len(late):
        threading.Event().wait(0.001)
    la.terminate(pid)
    runtime._forget(pid._process)
    runtime._spawn_as(Recorder(), pid, la.Bounded(1, "block"))
    opened_next, _ = hold(pid)
    la.tell(pid, Recorder.note, "full")

    opened.set(None)
    while pid._process.blocked < len(late):
        threading.Event().wait(0.001)
    opened_next.set(None)

    assert [wait().get(LIMIT) for wait in late] == [0, 1, 2]
    assert runtime.overflows == 0


@pytest.mark.real
def test_a_thread_that_waits_for_room_can_be_interrupted(runtime, fill, alarm):
    pid, opened, waiting = fill("block")

    def interrupt():
        raise KeyboardInterrupt

    alarm(interrupt)
    with pytest.raises(KeyboardInterrupt):
        la.dispatch(pid, Recorder.note, "c")
    opened.set(None)
    la.await_all(waiting).get(LIMIT)

    assert la.dispatch(pid, Recorder.note, "d").get(LIMIT) == "d"
    assert seen(pid) == ["a", "b", "d"]


def test_a_handler_does_not_wait_for_room(runtime, fill):
    pid, opened, _ = fill("block")
    sender = la.spawn(Recorder())

    assert la.dispatch(sender, Recorder.tell_all, pid, 3).get(LIMIT) == "told"
    opened.set(None)

    assert (runtime.dead_letters, runtime.overflows) == (3, 3)


def test_an_event_loop_does_not_wait_for_room(fill, runtime):
    pid, opened, _ = fill("block")

    async def ask():
        return la.dispatch(pid, Recorder.note, "c")

    error = why(asyncio.run(ask()))
    opened.set(None)

    assert type(error) is la.MailboxFull


def test_the_work_of_a_pool_does_not_wait_for_room(fill, runtime):
    pid, opened, _ = fill("block")

    with la.Pool(1) as pool:
        error = why(pool.submit(lambda: la.dispatch(pid, Recorder.note, "c")))
    opened.set(None)

    assert type(error) is la.MailboxFull


def test_a_finalizer_does_not_wait_for_room(runtime, fill):
    pid, opened, _ = fill("block")

    class Last:
        def __del__(self):
            la.tell(pid, Recorder.note, "last words")

    Last()
    weakly = Recorder()
    weakref.finalize(weakly, la.tell, pid, Recorder.note, "finalized")
    del weakly
    gc.collect()
    promise = la.Promise()
    promise.future.on_abandoned(lambda: la.tell(pid, Recorder.note, "abandoned"))
    del promise
    gc.collect()
    opened.set(None)

    assert runtime.dead_letters == 3
    assert seen(pid) == ["a", "b"]


def test_what_a_timer_was_set_for_does_not_wait_for_room(paused, fill):
    pid, opened, _ = fill("block")
    paused.clock.timer(1, lambda: la.tell(pid, Recorder.note, "rung"))

    paused.clock.advance(1)
    opened.set(None)
    paused.clock.settle(LIMIT)

    assert paused.dead_letters == 1


@pytest.mark.real
def test_many_producers_that_wait_for_room_lose_nothing(runtime, together, count, switching):
    pid = la.spawn(Recorder(), mailbox=la.Bounded(3, "block"))
    each = count(2_000)

    def produce(name):
        def run():
            for n in range(each):
                la.tell(pid, Recorder.note, (name, n))

        return run

    together(*(produce(name) for name in range(8)))

    lines = seen(pid)
    assert len(lines) == 8 * each
    assert all([n for who, n in lines if who == name] == list(range(each)) for name in range(8))
    assert (runtime.overflows, pid._process.overflows) == (0, 0)


# ---- how a mailbox comes by its bound ----


def test_a_class_gives_its_bound_to_subclasses_and_one_may_undo_it():
    class Inherits(Small):
        pass

    class Undoes(Small, mailbox=None):
        pass

    class Other(Small, mailbox=la.Bounded(7)):
        pass

    with la.Runtime():
        bounds = [la.spawn(kind())._process.bound for kind in (Small, Inherits, Undoes, Other, Recorder)]

    assert bounds == [(2, 1), (2, 1), None, (7, 0), None]


def test_spawn_says_it_better_than_the_class(runtime):
    bigger, without = la.Bounded(9, "block"), None

    bounds = [runtime.spawn(Small(), mailbox=mailbox)._process.bound for mailbox in (bigger, without)]
    bounds.append(la.spawn(Small())._process.bound)

    assert bounds == [(9, 3), None, (2, 1)]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((0,), ValueError),
        ((-1,), ValueError),
        ((1 << 31,), ValueError),
        ((10**30,), ValueError),
        ((1.0,), TypeError),
        (("3",), TypeError),
        ((True,), TypeError),
        ((None,), TypeError),
        ((3, "drop"), ValueError),
        ((3, ""), ValueError),
        ((3, None), ValueError),
        ((3, ["block"]), ValueError),
    ],
)
def test_a_bound_that_will_not_do_says_what_would(arguments, error):
    with pytest.raises(error, match=r"^Bounded: got the .*expected"):
        la.Bounded(*arguments)


@pytest.mark.parametrize("mailbox", [5, "block", (3, "block"), la.Bounded])
def test_only_a_bound_can_be_given_for_one(runtime, mailbox):
    actor = Recorder()

    with pytest.raises(TypeError, match="expected a Bounded, such as"):
        la.spawn(actor, mailbox=mailbox)
    with pytest.raises(TypeError, match="Wrong: got the mailbox"):
        type("Wrong", (la.Actor,), {}, mailbox=mailbox)

    assert la.spawn(actor)  # nothing was begun
    with pytest.raises(TypeError, match="unexpected"):
        la.spawn(Recorder(), inbox=la.Bounded(3))
    with pytest.raises(TypeError):
        la.spawn(mailbox=la.Bounded(3))


def test_a_bound_is_a_value_that_crosses_as_it_is(runtime):
    bound = la.Bounded(3, "block")
    pid = la.spawn(Recorder())

    assert la.dispatch(pid, Recorder.note, bound).get(LIMIT) is bound
    assert bound == la.Bounded(3, "block")
    assert hash(bound) == hash(la.Bounded(3, "block"))
    with pytest.raises(AttributeError):
        bound.capacity = 4


# ---- beside it ----


def test_what_is_handed_on_to_a_restarted_actor_finds_its_bound(runtime, hold):
    pid = la.spawn(Recorder())
    deferred = la.defer(pid, Recorder.note)  # leads to the actor of today
    la.terminate(pid)
    la.wait(pid, LIMIT)
    runtime._spawn_as(Recorder(), pid, la.Bounded(1))
    opened, _ = hold(pid)
    la.tell(pid, Recorder.note, "first")

    late = deferred("late")
    opened.set(None)

    assert isinstance(why(late).reason, la.MailboxFull)
    assert seen(pid) == ["first"]


def test_a_filter_sees_what_is_served_and_not_what_is_refused(paused, fill):
    with filter_events() as events:
        pid, opened, _ = fill("drop-new")
        refused = events.future_dispatch(Recorder.note, where=lambda one: one.arguments == ("c",))
        dropped = events.drop_dispatch(Recorder.note, where=lambda one: one.arguments == ("a",))
        la.tell(pid, Recorder.note, "c")
        opened.set(None)
        paused.clock.settle(LIMIT)

    assert dropped.is_ready()
    assert refused.is_pending()
    assert la.dispatch(pid, Recorder.note, "d").get(LIMIT) == "d"  # what was dropped has given its place back
    assert pid._process.overflows == 1


def test_a_full_mailbox_inside_a_failure_path_hides_no_failure(runtime, fill):
    pid, opened, _ = fill("fail-sender")

    class Reporting(la.Actor):
        def work(self):
            try:
                raise ValueError("of the work")
            finally:
                la.tell(pid, Recorder.note, "it failed")

    with pytest.raises(ValueError, match="of the work"):
        la.dispatch(la.spawn(Reporting()), Reporting.work).get(LIMIT)
    opened.set(None)


def test_an_actor_that_sends_to_its_own_full_mailbox_lives(runtime):
    pid = la.spawn(Recorder(), mailbox=la.Bounded(2, "block"))

    assert la.dispatch(pid, Recorder.tell_all, pid, 10).get(LIMIT) == "told"

    assert seen(pid) == [0, 1]
    assert runtime.overflows == 8


def test_what_is_refused_is_let_go_of(runtime, fill):
    pid, opened, waiting = fill("drop-old")
    big = [weakref.ref(future) for future in waiting]

    for n in range(1_000):
        la.tell(pid, Recorder.note, bytes(n))
    del waiting
    gc.collect()
    opened.set(None)

    assert [reference() for reference in big] == [None, None]
    assert len(seen(pid)) == 2


@pytest.mark.parametrize("overflow", POLICIES)
def test_refusing_for_ever_leaks_nothing(runtime, hold, traced_memory, count, overflow, monkeypatch):
    monkeypatch.setattr(logging.getLogger("libactor"), "disabled", True)  # futures that fail are not looked at
    pid, sender = la.spawn(Recorder(), mailbox=la.Bounded(2, overflow)), la.spawn(Recorder())
    opened, _ = hold(pid)

    def rounds():
        for n in range(count(5_000)):
            la.tell(pid, Recorder.note, n)
            la.dispatch(pid, Recorder.note, [n])
        gc.collect()
        return traced_memory()

    def measure():
        la.execute(sender, rounds).get(LIMIT)
        return la.execute(sender, rounds).get(LIMIT)

    before = measure()
    after = measure()
    opened.set(None)

    assert after - before < 20_000


@pytest.mark.real
def test_a_runtime_that_closes_lets_go_of_who_waits_for_room(hold, start):
    with la.Runtime() as runtime:
        pid = la.spawn(Recorder(), mailbox=la.Bounded(1, "block"))
        opened, _ = hold(pid)
        la.tell(pid, Recorder.note, 0)
        waits = [start(lambda n=n: la.dispatch(pid, Recorder.note, n)) for n in range(5)]
        blocked(pid)
        closing = start(runtime.close)
        opened.set(None)

        futures = [wait() for wait in waits]
        closing()

    assert all(future.is_ready() or future.is_abandoned() for future in futures)


@pytest.mark.parametrize("overflow", POLICIES)
def test_the_debug_mode_changes_nothing(overflow, hold):
    with la.Runtime(debug=True) as runtime:
        pid = la.spawn(Recorder(), mailbox=la.Bounded(1, overflow))
        opened, _ = hold(pid)
        la.tell(pid, Recorder.note, [1])
        sender = la.spawn(Recorder())
        la.dispatch(sender, Recorder.tell_all, pid, 2).get(LIMIT)
        opened.set(None)

        assert seen(pid) == ([1] if overflow == "drop-old" else [[1]])
        assert runtime.overflows == 2
