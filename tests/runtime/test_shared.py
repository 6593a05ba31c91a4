"""Shared: an object of several holders, each of its own; own() takes it back when the others have gone."""

import gc

import pytest

import libactor as la

EMPTY = "this Shared is empty"
TRANSFERRED = "ownership has already been transferred"


class Keeper(la.Actor):
    def __init__(self):
        super().__init__()
        self.kept = None

    def keep(self, shared):
        self.kept = shared

    def kept_is(self, shared):
        return self.kept.value is shared.value

    def let_go(self):
        self.kept = None

    def give(self):
        return self.kept


def ask(pid, method, *args):
    return la.dispatch(pid, method, *args).get(30)


# LP SharedTest.ConstAccess
def test_the_object_is_the_very_one_and_cannot_be_exchanged():
    items = [1]
    shared = la.Shared(items)

    assert shared.value is shared.share().value is items
    with pytest.raises(AttributeError):
        shared.value = [2]


USES = {"value": lambda shared: shared.value, "share": lambda shared: shared.share()}


# LP SharedTest.Null
@pytest.mark.parametrize("empty", ["reset", "own"])
@pytest.mark.parametrize("use", USES)
def test_every_use_of_an_empty_holder_is_an_error(empty, use):
    shared = la.Shared([1])
    getattr(shared, empty)()

    with pytest.raises(la.MovedError, match=EMPTY):
        USES[use](shared)
    with pytest.raises(la.MovedError, match=EMPTY):
        shared.own().get(0)
    assert not shared.unique()


def test_an_empty_holder_does_not_cross(runtime):
    pid, shared = la.spawn(Keeper()), la.Shared([1])
    shared.reset()

    with pytest.raises(la.MovedError, match=EMPTY):
        la.dispatch(pid, Keeper.keep, shared)


# LP SharedTest.Reset
def test_a_reset_concerns_one_holder_only():
    shared = la.Shared([1])
    other = shared.share()

    shared.reset()

    assert other.value == [1]
    assert other.unique()


# LP SharedTest.Own
def test_own_waits_until_the_last_other_holder_has_gone():
    items = [1]
    shared = la.Shared(items)
    other = shared.share()
    assert not shared.unique()
    assert not other.unique()

    future = other.own()

    assert future.is_pending()
    assert shared.unique()
    assert shared.value is items
    del shared
    assert future.get(0).release() is items


def test_own_of_the_only_holder_is_ready_at_once():
    items = [1]
    shared = la.Shared(items)

    assert shared.own().get(0).value is items


def test_a_second_own_fails_and_the_holder_keeps_its_object():
    shared, other = (shared := la.Shared([1])), shared.share()
    first = shared.own()

    with pytest.raises(la.MovedError, match=TRANSFERRED):
        other.own().get(0)

    assert other.value == [1]
    assert first.is_pending()
    other.reset()
    assert first.get(0).value == [1]


def test_the_callbacks_of_own_run_where_the_last_holder_goes():
    shared, calls = la.Shared([1]), []
    other = shared.share()
    shared.own().on_ready(lambda owned: calls.append(owned.release()))

    other.reset()

    assert calls == [[1]]


def test_holders_in_garbage_go_with_it():
    shared = la.Shared([1])
    cycle = [shared.share()]
    cycle.append(cycle)
    future = shared.own()

    del cycle
    gc.collect()

    assert future.get(0).value == [1]


def test_a_receiver_is_another_holder_and_own_waits_for_it(runtime):
    pid, lock = la.spawn(Keeper()), object()
    shared = la.Shared(lock)

    ask(pid, Keeper.keep, shared)

    assert not shared.unique()
    assert ask(pid, Keeper.kept_is, shared)
    future = shared.own()
    assert future.is_pending()
    ask(pid, Keeper.let_go)
    assert future.get(30).value is lock


def test_a_holder_that_is_moved_is_the_receiver_s_only_one(runtime):
    pid, shared = la.spawn(Keeper()), la.Shared([1])
    other = shared.share()

    ask(pid, Keeper.keep, la.move(shared))
    del shared
    future = other.own()

    assert future.is_pending()
    ask(pid, Keeper.let_go)
    assert future.get(30).value == [1]


def test_a_result_is_another_holder(runtime):
    pid, items = la.spawn(Keeper()), [1]
    ask(pid, Keeper.keep, la.Shared(items))

    assert ask(pid, Keeper.give).value is items
    assert ask(pid, Keeper.give) is not ask(pid, Keeper.give)


def test_one_holder_in_two_places_of_a_message_stays_one(runtime):
    pid, shared = la.spawn(Keeper()), la.Shared([1])

    class Pair(la.Actor):
        def same(self, first, second):
            return first[0] is second

    assert ask(la.spawn(Pair()), Pair.same, [shared], shared)
    assert ask(pid, Keeper.keep, shared) is None


def test_the_text_of_a_holder_tells_whether_it_is_empty():
    shared = la.Shared([1])
    full = repr(shared)
    shared.reset()

    assert (full, repr(shared)) == ("Shared([1])", "Shared(<moved>)")


@pytest.mark.real
def test_of_many_threads_that_own_one_gets_the_object(together):
    for number in range(200):
        holders = [la.Shared(number)]
        holders += [holders[0].share() for _ in range(2)]

        futures = together(*[holder.own for holder in holders])
        for holder in holders:
            holder.reset()

        ready = [future.get(30).value for future in futures if not future.is_failed()]
        failures = [str(future.recover(lambda done: None).get(30)) for future in futures if future.is_failed()]
        assert ready == [number]
        assert len(failures) == 2


def test_an_actor_answers_with_what_it_owns_again_by_a_move(runtime):
    class Host(la.Actor):
        def take_back(self):
            return la.Shared([1]).own().then(la.move)

    assert la.dispatch(la.spawn(Host()), Host.take_back).get(30) == [1]
