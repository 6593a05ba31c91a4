"""What a handler sets aside waits until it is put back, and is forgotten by nobody."""

import gc
import logging
import weakref

import pytest

import libactor as la
from libactor.testing import filter_events

LIMIT = 60  # seconds; a bound on failure


class Door(la.Actor):
    """Opens late: what comes before is set aside."""

    def __init__(self):
        super().__init__()
        self.is_open = False
        self.seen = []
        self.errors = []

    def enter(self, who):
        if not self.is_open:
            self.stash()
            return "ignored"
        self.seen.append(who)
        return who

    @la.handles(str)
    def message(self, message, sender):
        if not self.is_open:
            self.stash()
            return
        self.seen.append((message, sender))

    def open(self):
        self.is_open = True
        return self.unstash()

    def again(self):
        return self.unstash()

    def change(self, values):
        values.append(len(values))
        if len(values) < 3:
            self.stash()
        return values

    def note(self, what):
        self.seen.append(what)

    def fail_after(self):
        self.stash()
        raise ValueError("after")

    def twice(self):
        self.stash()
        self.catch(self.stash)

    def both(self):
        self.stash()
        self.seen.append(("back", self.unstash()))

    def limited(self, limit):
        self.stash(limit=limit)

    def catch(self, function):
        try:
            function()
        except RuntimeError as error:
            self.errors.append(str(error))

    def link_to(self, pid):
        la.link(pid)

    def on_exited(self, pid, reason):
        self.catch(self.stash)


class Narrow(Door, stash=1):
    pass


class Life(Door):
    def on_start(self):
        self.catch(self.stash)

    def on_stop(self):
        self.catch(self.stash)
        self.catch(self.unstash)


@pytest.fixture
def door(paused):
    return la.spawn(Door())


def ask(pid, method, *arguments):
    return la.dispatch(pid, method, *arguments).get(LIMIT)


def test_who_asked_waits_until_the_event_is_served_again(paused, door):
    answer = la.dispatch(door, Door.enter, "a")
    paused.clock.settle(LIMIT)
    waits = answer.is_pending()

    count = ask(door, Door.open)

    assert (waits, count, answer.get(LIMIT)) == (True, 1, "a")


def test_what_is_put_back_goes_ahead_of_what_waits_in_its_order(paused, door, hold):
    la.tell(door, Door.enter, "a")
    la.dispatch(door, Door.enter, "b")
    la.post(door, "c", door)
    paused.clock.settle(LIMIT)
    assert door._process.stashed == 3
    opened, _ = hold(door)
    la.tell(door, Door.open)
    la.tell(door, Door.note, "waits")

    opened.set(None)
    paused.clock.settle(LIMIT)

    assert door._process.actor.seen == ["a", "b", ("c", door), "waits"]
    assert door._process.stashed == 0


def test_an_execute_can_be_set_aside(paused, door):
    actor = door._process.actor
    rounds = []

    def work():
        rounds.append(1)
        if len(rounds) == 1:
            actor.stash()
        return len(rounds)

    answer = la.execute(door, work)

    assert ask(door, Door.again) == 1
    assert answer.get(LIMIT) == 2


def test_what_was_put_back_can_be_set_aside_again(paused, door):
    answers = [la.dispatch(door, Door.enter, n) for n in range(3)]
    for _ in range(3):
        assert ask(door, Door.again) == 3
    paused.clock.settle(LIMIT)
    assert door._process.stashed == 3

    ask(door, Door.open)

    assert la.collect(answers).get(LIMIT) == [0, 1, 2]


def test_unstash_with_nothing_set_aside_does_nothing(door):
    assert ask(door, Door.again) == 0


def test_what_this_handler_sets_aside_is_not_put_back_by_it(paused, door):
    la.tell(door, Door.enter, "before")
    answer = la.dispatch(door, Door.both)
    paused.clock.settle(LIMIT)

    assert door._process.actor.seen == [("back", 1)]
    assert answer.is_pending()
    assert door._process.stashed == 2


def test_the_arguments_come_again_as_the_handler_left_them(paused, door):
    moved = [7]
    answers = [la.dispatch(door, Door.change, la.move(moved)), la.dispatch(door, Door.change, [8])]
    del moved

    ask(door, Door.again)
    ask(door, Door.again)

    assert la.collect(answers).get(LIMIT) == [[7, 1, 2], [8, 1, 2]]


@pytest.mark.real
def test_moved_arguments_in_the_debug_mode_come_again_without_another_warning(caplog):
    with la.Runtime(debug=True):
        pid = la.spawn(Door())
        answer = la.dispatch(pid, Door.change, la.move([7]))
        ask(pid, Door.again)
        ask(pid, Door.again)

        assert answer.get(LIMIT) == [7, 1, 2]
    assert ["from hand to hand" in record.getMessage() for record in caplog.records] == [True]  # when it was sent


def test_a_discard_of_what_was_set_aside_is_honoured_when_it_is_served(paused, door):
    answer = la.dispatch(door, Door.enter, "a")
    paused.clock.settle(LIMIT)
    answer.discard()

    ask(door, Door.open)
    paused.clock.settle(LIMIT)

    assert answer.is_discarded()
    assert door._process.actor.seen == []


# ---- what cannot be ----


def test_a_handler_that_fails_after_it_has_set_nothing_aside(paused, door, caplog):
    answer = la.dispatch(door, Door.fail_after)

    with pytest.raises(ValueError, match="after"):
        answer.get(LIMIT)
    assert door._process.stashed == 0

    la.tell(door, Door.fail_after)
    assert la.wait(door, LIMIT)
    assert paused.dead_letters == 0
    assert "after" in caplog.text


def test_setting_aside_twice_is_an_error_and_once_remains(paused, door):
    la.tell(door, Door.twice)
    paused.clock.settle(LIMIT)

    assert door._process.stashed == 1
    assert "set aside before" in door._process.actor.errors[0]


def test_outside_of_handlers_there_is_nothing_to_set_aside(paused):
    unspawned, other = Door(), la.spawn(Door())
    actor = other._process.actor

    for call in (unspawned.stash, unspawned.unstash, actor.stash, actor.unstash):
        with pytest.raises(RuntimeError, match="outside the handlers of door"):
            call()
    with pytest.raises(RuntimeError, match="outside the handlers"):
        la.execute(la.spawn(Door()), actor.stash).get(LIMIT)


def test_start_stop_and_ends_cannot_be_set_aside(paused, door):
    life, other = Life(), la.spawn(Door())
    pid = la.spawn(life)
    ask(door, Door.link_to, other)
    la.terminate(other)
    la.terminate(pid)
    paused.clock.settle(LIMIT)

    errors = life.errors + door._process.actor.errors
    assert len(errors) == 3
    assert all("serves no call and no message" in error for error in errors)


def test_a_limit_is_told_to_who_asks(paused, door):
    kept = la.dispatch(door, Door.limited, 1)
    refused = la.dispatch(door, Door.limited, 1)

    with pytest.raises(la.StashFull, match=r"has set 1 events aside, and its limit is 1"):
        refused.get(LIMIT)
    assert kept.is_pending()
    with pytest.raises(la.StashFull):
        la.dispatch(door, Door.limited, 0).get(LIMIT)


def test_the_class_may_set_the_limit(paused):
    pids = [la.spawn(kind()) for kind in (Narrow, type("Wide", (Narrow,), {}, stash=None))]

    states = []
    for pid in pids:
        answers = [la.dispatch(pid, Door.enter, n) for n in range(3)]
        paused.clock.settle(LIMIT)
        states.append([answer.is_failed() for answer in answers])
        for answer in answers:
            answer.on_failed(lambda error: None)

    assert states == [[False, True, True], [False, False, False]]


@pytest.mark.parametrize(("limit", "error"), [(-1, ValueError), (1.5, TypeError), ("3", TypeError), (True, TypeError)])
def test_a_limit_that_will_not_do_is_refused(door, limit, error):
    with pytest.raises(error, match="of the stash, expected"):
        ask(door, Door.limited, limit)
    with pytest.raises(error, match="Wrong: got the limit"):
        type("Wrong", (la.Actor,), {}, stash=limit)


# ---- the end ----


@pytest.mark.parametrize("inject", [True, False])
def test_at_the_end_who_waits_is_told_and_the_rest_is_counted(paused, door, inject, caplog):
    answer = la.dispatch(door, Door.enter, "a")
    la.tell(door, Door.enter, "b")
    la.post(door, "c")
    paused.clock.settle(LIMIT)

    with caplog.at_level(logging.DEBUG, "libactor"):
        la.terminate(door, inject)
        la.wait(door, LIMIT)

    with pytest.raises(la.Abandoned) as caught:
        answer.get(LIMIT)
    assert caught.value.pid == door
    assert paused.dead_letters == 2
    assert caplog.text.count("had set it aside") == 2


def test_an_actor_that_waits_for_what_it_has_set_aside_is_told(paused, door):
    answer = la.dispatch(door, Door.enter, "a")
    paused.clock.settle(LIMIT)

    with pytest.raises(RuntimeError, match="an answer of its own"):
        la.execute(door, lambda: answer.get(LIMIT)).get(LIMIT)


def test_what_is_set_aside_is_let_go_of_with_the_runtime():
    with la.Runtime():
        pid = la.spawn(Door())
        answer = la.dispatch(pid, Door.enter, "a")
        la.terminate(pid)
        la.wait(pid, LIMIT)
        gone = weakref.ref(pid._process)
        del pid, answer
    gc.collect()

    assert gone() is None


def test_setting_aside_for_ever_leaks_nothing(runtime, traced_memory, count):
    pid = la.spawn(Door())

    def rounds(number):
        for _ in range(number):
            for n in range(10):
                la.tell(pid, Door.enter, n)
            ask(pid, Door.again)
        gc.collect()
        return traced_memory()

    ask(pid, Door.again)
    actor = pid._process.actor

    def clear():
        actor.is_open = True
        ask(pid, Door.again)
        ask(pid, Door.again)
        actor.seen.clear()
        actor.is_open = False

    rounds(5)
    clear()
    before = rounds(5)
    clear()
    for _ in range(10):
        after = rounds(5)
        clear()

    assert after - before < 20_000


# ---- beside it ----


def test_a_filter_sees_it_each_time_it_is_served(paused, door):
    with filter_events() as events:
        first = events.future_dispatch(Door.enter)
        answer = la.dispatch(door, Door.enter, "a")
        paused.clock.settle(LIMIT)
        again = events.drop_dispatch(Door.enter)
        ask(door, Door.open)
        paused.clock.settle(LIMIT)

    assert first.is_ready()
    assert again.is_ready()
    assert answer.is_abandoned()


def test_what_is_put_back_is_let_into_a_full_mailbox_and_counts(paused, hold):
    pid = la.spawn(Door(), mailbox=la.Bounded(2))
    answers = [la.dispatch(pid, Door.enter, n) for n in range(2)]
    paused.clock.settle(LIMIT)
    opened, _ = hold(pid)
    la.tell(pid, Door.open)
    la.tell(pid, Door.note, "waits")

    opened.set(None)

    assert la.collect(answers).get(LIMIT) == [0, 1]
    paused.clock.settle(LIMIT)
    assert pid._process.actor.seen == [0, 1, "waits"]
    assert la.dispatch(pid, Door.note, "more").get(LIMIT) is None
    assert paused.overflows == 0


class Later(Door):
    async def before(self):
        self.catch(self.stash)
        return "served"

    async def after(self, future):
        await future
        self.catch(self.stash)
        return "served"

    @la.handles(int)
    async def number(self, message):
        self.catch(self.stash)

    @la.exclusive
    async def alone(self, future):
        await future


@pytest.mark.parametrize("arguments", [(), (1,)], ids=["before the first await", "after it"])
def test_a_coroutine_cannot_be_set_aside(paused, arguments):
    later = Later()
    pid = la.spawn(later)

    if arguments:
        promise = la.Promise()
        answer = la.dispatch(pid, Later.after, promise.future)
        paused.clock.settle(LIMIT)
        promise.set(None)
    else:
        la.post(pid, 3)
        answer = la.dispatch(pid, Later.before)

    assert answer.get(LIMIT) == "served"
    assert len(later.errors) == (1 if arguments else 2)
    assert ("go on" if arguments else "cannot be begun twice") in later.errors[0]


def test_what_was_set_aside_comes_back_behind_an_exclusive_coroutine(paused):
    later = Later()
    pid, promise = la.spawn(later), la.Promise()
    answer = la.dispatch(pid, Door.enter, "a")
    la.execute(pid, lambda: (setattr(later, "is_open", True), later.unstash()))
    alone = la.dispatch(pid, Later.alone, promise.future)
    assert answer.get(LIMIT) == "a"  # it went ahead of the exclusive one

    later.is_open = False
    waits = la.dispatch(pid, Door.enter, "b")
    paused.clock.settle(LIMIT)
    held = waits.is_pending(), later._libactor_process.stashed
    promise.set(None)
    paused.clock.settle(LIMIT)

    assert held == (True, 0)
    assert (alone.is_ready(), later._libactor_process.stashed) == (True, 1)


def test_a_coroutine_that_a_plain_method_returns_and_that_fails_has_set_nothing_aside():
    class Roundabout(la.Actor):
        def enter(self):
            return self.fail()

        async def fail(self):
            self.stash()
            raise ValueError("of the coroutine")

    with la.Runtime():
        pid = la.spawn(Roundabout())

        asked = la.dispatch(pid, Roundabout.enter)

        with pytest.raises(ValueError, match="of the coroutine"):
            asked.get(LIMIT)
        assert la.execute(pid, lambda: pid._process.stashed).get(LIMIT) == 0
