"""Code that runs inside a copy, and values made to hurt: the copy is what stood there at first, or a clear error."""

import dataclasses
import gc
from collections import deque

import pytest

import libactor as la
from libactor._core import values
from libactor._core.layouts import find_layout


class Trap:
    """Is copied by a function that runs ``action``, which stands for whatever hostile code may run within a copy."""

    def __init__(self, action=None):
        self.action = action or (lambda: None)

    def cross(self):
        self.action()
        return type(self)()


class Key(Trap):
    """A trap that can be a key."""

    def __hash__(self):
        self.action()
        return 7


@dataclasses.dataclass
class Account:
    first: object = None


@dataclasses.dataclass(slots=True)
class Slotted:
    first: object = None


def find_plan(kind):
    return Trap.cross if kind in (Trap, Key) else values._find_plan(kind)


@pytest.fixture
def copied(core):
    copier = core.ValueCopier({}, find_plan, values._refusal, values.DEPTH_MAX)
    return lambda value: copier.by_value(value, "argument")


def emptied(value):
    """``value`` filled with two lists and, between them, a trap that empties it."""
    trap = Trap(lambda: value.clear() or gc.collect())
    if isinstance(value, dict):
        value.update(enumerate([[1], trap, [2]]))
    else:
        value.extend([[1], trap, [2]])
    return value


@pytest.mark.parametrize("kind", [list, deque, dict])
def test_a_container_that_is_emptied_meanwhile_is_copied_as_it_stood(copied, kind):
    value = emptied(kind())

    copy = copied(value)

    assert not value
    first, trap, last = copy.values() if kind is dict else copy
    assert (first, type(trap), last) == ([1], Trap, [2])


@pytest.mark.parametrize("kind", [list, deque, dict])
def test_a_container_that_grows_meanwhile_is_copied_as_it_stood(copied, kind):
    value = kind()
    trap = Trap(lambda: value.update({i: i for i in range(99)}) if kind is dict else value.extend(range(99)))
    value.update({-1: trap, -2: [2]}) if kind is dict else value.extend([trap, [2]])

    copy = copied(value)

    assert len(value) > 99
    assert len(copy) == 2


@pytest.mark.parametrize("kind", [dict, set, frozenset])
def test_keys_whose_hash_empties_the_container_are_copied_as_they_stood(copied, kind):
    keys = [Key(), Key()]
    value = dict.fromkeys(keys, 1) if kind is dict else kind(keys)
    if kind is not frozenset:
        keys[0].action = value.clear

    copy = copied(value)

    assert type(copy) is kind
    assert len(copy) == 2
    assert not set(copy) & set(keys)


@pytest.mark.parametrize("wrap", [lambda key: {key: 1}, lambda key: {key}, lambda key: frozenset({key})])
def test_an_error_of_a_hash_is_the_caller_s(copied, wrap):
    key = Key()
    value = wrap(key)

    def fail():
        raise ValueError("hash")

    key.action = fail

    with pytest.raises(ValueError, match="hash"):
        copied(value)


def test_a_copy_may_be_made_within_a_copy(copied):
    inner = [[1]]
    trap = Trap(lambda: made.append(copied(inner)))
    made = []

    copy = copied([inner, trap, inner])

    assert copy[0] is copy[2]
    assert made[0] == inner
    assert made[0] is not copy[0]


@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: (v,), lambda v: {"a": v}, lambda v: deque([v])])
def test_a_hundred_thousand_levels_are_refused(copied, wrap):
    value = [1]
    for _ in range(100_000):
        value = wrap(value)

    with pytest.raises(la.NotPassable, match="nested more than"):
        copied(value)


def test_ten_thousand_aliases_stay_aliases(copied):
    inner = [[n] for n in range(10_000)]

    copy = copied([inner, list(inner)])

    assert copy == [inner, inner]
    assert all(one is two for one, two in zip(*copy, strict=True))
    assert not any(one is original for one, original in zip(copy[0], inner, strict=True))


def test_an_object_whose_class_changes_while_it_is_looked_up_is_an_error_or_a_copy(core):
    class Meta(type):
        act = None

        def __hash__(cls):
            if Meta.act is not None:
                Meta.act()
            return 7

    one, other = (dataclasses.make_dataclass(name, ["x"], namespace={}) for name in ("One", "Other"))
    one, other = (Meta(kind.__name__, (kind,), {}) for kind in (one, other))
    value, rest = one([1]), []
    plans = {one: find_layout(one), other: find_layout(other), **dict.fromkeys((str, int), core.SHARED)}
    copier = core.ValueCopier(plans, values._find_plan, values._refusal, 100)

    def turn():
        Meta.act = None
        value.__class__ = other
        rest.extend([0] * 100)

    Meta.act = turn

    with pytest.raises(TypeError, match="a One turned into a Other"):
        copier.by_value([value], "argument")
    assert copier.by_value([value], "argument")[0].x == [1]


class Dying:
    """Runs ``action`` when it dies."""

    def __init__(self, action):
        self.action = action

    def __del__(self):
        self.action()


@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: {"a": v}, lambda v: deque([v]), Account])
def test_a_part_that_dies_while_it_is_copied_may_change_what_is_copied(copied, wrap):
    parts = [[1], Trap(), [2]]
    value = wrap(parts)
    holder = [Dying(lambda: parts.clear() or copied([[3]]))]
    parts[1].action = holder.clear

    copy = copied([value, parts])

    assert parts == []
    assert copy[1][0] == [1]
    assert copy[1][2] == [2]


def test_wide_and_long_values_are_copied(copied, core):
    size = core.count(1_000_000)
    value = {
        "list": [[]] * size,
        "dict": dict.fromkeys(range(size)),
        "set": set(range(size)),
        "ints": [1] * (10 * size),
    }

    copy = copied(value)

    assert {name: len(part) for name, part in copy.items()} == {name: len(part) for name, part in value.items()}
    assert copy["list"][0] is copy["list"][-1] is not value["list"][0]


def test_a_class_that_cannot_be_looked_up_is_an_error(copied):
    class Meta(type):
        __hash__ = None

    with pytest.raises(TypeError, match="unhashable"):
        copied([Meta("Kind", (), {})()])


LAYOUT = find_layout(Slotted)


@pytest.mark.parametrize("plan", [99, (), (1, 2, 3, 4, 5, 6), LAYOUT._replace(kind=Account)], ids=str)
def test_a_plan_that_is_none_is_a_type_error(core, plan):
    copier = core.ValueCopier({}, lambda kind: plan, None, 100)

    with pytest.raises((TypeError, ValueError)):
        copier.by_value(Slotted([1]), "argument")


def test_errors_of_the_policy_come_through(core):
    def fail(*_):
        raise RuntimeError("policy")

    for find_plan in (fail, lambda kind: core.REFUSED):
        copier = core.ValueCopier({}, find_plan, fail, 100)

        with pytest.raises(RuntimeError, match="policy"):
            copier.by_value([object()], "argument")


@pytest.mark.real
def test_a_list_that_other_threads_change_is_copied_again_and_again(copied, together, count):
    value, rounds = [], range(count(20_000))

    def change():
        for n in rounds:
            value.append([n])
            if len(value) > 50:
                value.clear()

    def copy():
        for _ in rounds:
            numbers = [inner[0] for inner in copied(value)]
            assert numbers == sorted(numbers)

    together(change, copy)

    assert len(value) <= 50
