"""Answers of actors: each reader of a mutable one has its own; one that will not come says why."""

import re
import threading

import pytest

import libactor as la

LIMIT = 30


class Keeper(la.Actor):
    """Answers with what it keeps, or with a future."""

    def __init__(self):
        super().__init__()
        self.kept = [1]
        self.gate = threading.Event()

    def give(self):
        return self.kept

    def give_moved(self):
        return la.move([1])

    def give_later(self, future):
        return future

    def wait(self):
        self.gate.wait(LIMIT)

    def fail(self):
        raise ValueError("the reason")


@pytest.fixture
def keeper(runtime):
    return Keeper()


@pytest.fixture
def pid(keeper):
    return la.spawn(keeper)


@pytest.mark.parametrize("ask", [
    lambda pid: la.dispatch(pid, Keeper.give),
    lambda pid: la.dispatch(pid, Keeper.give_later, la.ready([1])),
    lambda pid: la.dispatch(pid, Keeper.give_later, la.dispatch(pid, Keeper.give)),
    lambda pid: la.execute(pid, lambda: [1]),
    lambda pid: la.dispatch(pid, Keeper.give).after(LIMIT, str),
    lambda pid: la.undiscardable(la.dispatch(pid, Keeper.give)),
    lambda pid: la.dispatch(pid, Keeper.give).recover(str),
], ids=["value", "future", "future of an answer", "execute", "after", "undiscardable", "recover"])  # fmt: skip
def test_each_reader_of_a_mutable_answer_gets_its_own(pid, keeper, ask):
    answer, seen = ask(pid), []
    answer.on_ready(seen.append).on_ready(seen.append)
    seen += [answer.then(lambda value: value).get(LIMIT), answer.get(LIMIT), answer.get(LIMIT)]
    seen += la.collect([answer, answer]).get(LIMIT)
    answer.get(LIMIT).append("mine")

    assert seen == [[1]] * 7
    assert len({id(one) for one in [*seen, keeper.kept]}) == 8


def test_who_asks_and_reads_at_once_gets_what_the_actor_does_not_have(pid, keeper):
    mine = la.dispatch(pid, Keeper.give).get(LIMIT)
    mine.append("mine")

    assert keeper.kept == [1]
    assert la.dispatch(pid, Keeper.give).get(LIMIT) == [1]


@pytest.mark.parametrize("waits", [True, False])
def test_a_loop_reads_an_answer_as_any_other_reader(pid, keeper, waits):
    if waits:
        la.tell(pid, Keeper.wait)
    answer = la.dispatch(pid, Keeper.give)
    rounds = la.loop(lambda: answer, lambda value: value.append("mine") or la.Break(value))
    keeper.gate.set()

    assert rounds.get(LIMIT) == [1, "mine"]
    assert answer.get(LIMIT) == [1]


def test_what_was_moved_is_handed_out_as_it_is(pid):
    answer = la.dispatch(pid, Keeper.give_moved)

    assert answer.get(LIMIT) is answer.get(LIMIT)


def test_an_answer_in_a_future_that_cannot_leave_the_actor_fails(pid):
    with pytest.raises(la.NotPassable, match="value of the future that a handler returned"):
        la.dispatch(pid, Keeper.give_later, la.ready(threading.Lock())).get(LIMIT)


@pytest.mark.parametrize("reason", [None, ValueError("the reason")], ids=["terminated", "failed"])
def test_an_answer_that_will_not_come_names_the_actor_and_why_it_stopped(pid, keeper, reason):
    la.tell(pid, Keeper.wait)
    if reason is None:
        la.terminate(pid)
    else:
        la.tell(pid, Keeper.fail)
    answers = [la.dispatch(pid, Keeper.give), la.dispatch(pid, Keeper.give).then(str)]
    answers += [la.dispatch(pid, Keeper.give).after(LIMIT, str), la.collect([la.dispatch(pid, Keeper.give)])]
    answers += [la.loop(lambda: la.dispatch(pid, Keeper.give), la.Break), la.loop(Keeper, la.Break, pid)]
    keeper.gate.set()
    la.wait(pid)
    answers.append(la.dispatch(pid, Keeper.give))

    for answer in answers:
        with pytest.raises(la.Abandoned, match=re.escape(str(pid))) as raised:
            answer.get(LIMIT)
        assert raised.value.pid == pid
        assert repr(raised.value.reason) == repr(reason)
        assert ("was terminated" if reason is None else "the reason") in str(raised.value)


def test_a_dropped_promise_abandons_without_an_actor_to_name():
    answer = la.Promise().future

    with pytest.raises(la.Abandoned, match="its promise was dropped") as raised:
        answer.get(LIMIT)
    assert (raised.value.pid, raised.value.reason) == (None, None)


def test_what_was_abandoned_may_still_be_delivered():
    promise = la.Promise()
    promise.future._abandon((None, None))

    assert promise.future.is_abandoned()
    assert promise.set(1)
    assert promise.future.get(LIMIT) == 1
    assert not promise.future.is_abandoned()


def test_a_pending_answer_leads_to_its_actor_until_it_is_served(pid, keeper):
    la.tell(pid, Keeper.wait)
    answer = la.dispatch(pid, Keeper.give)
    promise = la.Promise()
    promise.associate(answer)
    end = la.undiscardable(promise.future.then(str)).recover(str)

    targets = [future._find_target() for future in (answer, promise.future, end)]
    keeper.gate.set()
    end.get(LIMIT)

    assert targets[0] is not None
    assert targets == [targets[0]] * 3
    assert [future._find_target() for future in (answer, promise.future, end)] == [None] * 3


@pytest.mark.parametrize("name", ["get", "then", "repair", "recover", "on_ready", "on_any", "discard"])
def test_what_users_call_is_documented_where_they_look(name):
    assert len(getattr(la.Future, name).__doc__) > 30
