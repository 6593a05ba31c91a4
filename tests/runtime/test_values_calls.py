"""Arguments of one call: one object among them becomes one copy, and an error names the argument."""

import pytest

import libactor as la
from libactor._core.values import make_copier


@pytest.fixture
def called(core):
    """A function from the arguments of a call of ``add``, by position and by name, to what the receiver gets."""
    copier = make_copier(core.ValueCopier)
    return lambda *args, **kwargs: copier.all_by_value((*args, *kwargs.values()), "add", tuple(kwargs))


def test_one_object_given_twice_becomes_one_copy(called):
    items = [1]

    first, second, third = called(items, 5, items)[:2] + called(items)

    assert first == items
    assert first is not items
    assert (second, third) == (5, items)
    assert third is not first


def test_one_object_given_by_position_and_by_name_becomes_one_copy(called):
    items = [1]

    first, second, third = called(items, again=items, number=3)

    assert first is second is not items
    assert third == 3


def test_a_part_of_one_argument_is_the_same_part_of_another(called):
    inner = {"a": [1]}

    first, second, third = called([inner, inner["a"]], inner, inner["a"])

    assert first[0] is second
    assert first[1] is second["a"] is third


def test_shared_arguments_are_the_very_objects(called):
    point, number = (1, ("a", 2)), 10**30

    passed = called(point, number, "text", again=point)

    assert all(got is given for got, given in zip(passed, (point, number, "text", point), strict=True))


def test_of_a_copied_call_the_shared_arguments_are_the_very_objects(called):
    point = (1, ("a", 2))

    copied, shared, moved = called([1], point, la.move(point))

    assert copied == [1]
    assert shared is moved is point


def test_a_moved_object_and_its_copy_are_two(called):
    items = [1]

    copied, moved, again = called(items, la.move(items), items)

    assert moved is items
    assert copied is again is not items


NAMED = {
    "argument 1 of add": lambda: ((object(), [1]), {}),
    "argument 3 of add": lambda: ((1, [1], object(), [2]), {"named": 1}),
    "argument named of add": lambda: ((1, [1]), {"fine": [2], "named": object()}),
}


@pytest.mark.parametrize("place", NAMED)
def test_an_error_names_the_argument_by_its_number_or_its_name(called, place):
    args, kwargs = NAMED[place]()

    with pytest.raises(la.NotPassable, match=f"^{place}: builtins.object is neither "):
        called(*args, **kwargs)


def test_a_call_without_arguments_passes_none(called):
    assert called() == ()


def test_more_names_than_values_are_refused(core):
    copier = make_copier(core.ValueCopier)

    with pytest.raises((TypeError, ValueError)):
        copier.all_by_value(([1],), "add", ("one", "two"))


class Receiver(la.Actor):
    def compare(self, first, second=None, *rest, named=None):
        return first is second, first is named, [first is other for other in rest]

    @la.handles(list)
    def on_list(self, message):
        self.same = message[0] is message[1]

    def was_same(self):
        return self.same


# Goal: what the copier promises holds on the way through the runtime.
def test_aliases_among_arguments_reach_the_actor(runtime):
    pid, items = la.spawn(Receiver()), [1]

    asked = la.dispatch(pid, Receiver.compare, items, items, items, [1], named=items)

    assert asked.get(30) == (True, True, [True, False])


def test_aliases_among_named_arguments_of_a_delayed_call_reach_the_actor(paused):
    seen, items = [], [1]

    class Delayed(Receiver):
        def compare(self, first, second=None, *rest, named=None):
            seen.append((first is second, first is named, first is items))

    la.delay(1, la.spawn(Delayed()), Receiver.compare, items, items, named=items)
    paused.clock.advance(1)
    assert paused.clock.settle(30)

    assert seen == [(True, True, False)]


def test_aliases_within_a_message_reach_the_actor(runtime):
    pid, items = la.spawn(Receiver()), [1]

    la.post(pid, [items, items])

    assert la.dispatch(pid, Receiver.was_same).get(30)
