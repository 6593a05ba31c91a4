"""Passing values, repeated many times, leaves no memory and no references behind."""

# As in test_core_leaks.py: each operation runs in a loop, and an object that went through it has as many references
# afterwards as before; so has whatever else there is, by the memory in use.

import dataclasses
import gc
import sys
import typing
from collections import deque

import msgspec
import pytest

import libactor as la
from libactor._core.layouts import find_layout
from libactor._core.values import make_copier

REPEATS = 1000
SLACK_BYTES = REPEATS * 16  # less than one object for each repeat, and more than the caches of the interpreter vary


INNER = [1]


@dataclasses.dataclass
class Account:
    first: object
    second: object = None


class Open(msgspec.Struct):
    first: object


class Pair(typing.NamedTuple):
    first: object
    second: object


@dataclasses.dataclass(slots=True)
class Slotted:
    first: object


@dataclasses.dataclass(frozen=True)
class Fixed:
    first: object


class Kept(Pair):
    """A named tuple with a __dict__."""


class Wide(msgspec.Struct, dict=True):
    first: object
    rest: tuple = (1, 2)


WIDEST = msgspec.defstruct("Widest", [(f"field_{n}", object) for n in range(20)], frozen=True)


def with_extra(value):
    value.extra = [INNER]
    return value


@dataclasses.dataclass(eq=False)
class Key:
    first: object


def nest(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def cycle():
    value = []
    value.append({"a": (value,)})
    return value


KEY = Key([1])
VALUES = {
    "scalar": 1, "tuple": (1, ("a",)), "list": [1, [2], INNER, INNER], "dict": {"a": [1], "b": INNER, "c": INNER},
    "set": {1, 2}, "frozenset": frozenset({KEY}), "set of keys": {KEY}, "keys": {KEY: [KEY], (1, 2): []},
    "shared keys": {(1, 2): 3}, "deque": deque([[1], INNER], 5), "bytearray": bytearray(b"a"),
    "tuples": ([1], (INNER, INNER)),
    "pair": Pair([1], 2), "same pair": Pair(1, 2), "struct": Open([1]), "dataclass": Account([1], INNER),
    "slots": Slotted([INNER]), "frozen": Fixed([1]), "frozen, shared": Fixed((1, 2)), "unset": Slotted.__new__(Slotted),
    "kept": with_extra(Kept([1], 2)), "wide": with_extra(Wide([1])), "widest": WIDEST(*[[n] for n in range(20)]),
    "refused in slots": Slotted(object()), "refused in the last": WIDEST(*range(19), object()),
    "refused in a dict": with_extra(Kept(1, object())), "refused in a pair": Pair([1], object()),
    "refused extra": Account([1], object()),
    "error": ValueError([1]), "moved": [la.move([1])], "many aliases": [[INNER, n] for n in range(20)] * 2,
    "cycle": cycle(), "deep": nest(200), "refused": [[1], {"a": [object()]}], "refused in a set": {Key(object())},
    "refused key": {Key(object()): 1}, "refused in a struct": [Open(object())], "unhashable": {la.move([1])},
    "refused in a deque": deque([[1], object()]), "unhashable key": {la.move([1]): 1},
}  # fmt: skip


def answer(function, *arguments):
    """What a call gives, or the text of its error: NotPassable, or what a set says to a list."""
    try:
        return function(*arguments)
    except TypeError as error:
        return str(error)


@pytest.mark.parametrize("name", VALUES)
def test_a_value_that_passes_or_is_refused_leaves_nothing_behind(core, name, traced_memory):
    copier, value, sentinel = make_copier(core.ValueCopier), VALUES[name], f"where {name}"
    arguments = (value, sentinel, value)

    def repeat(times):
        for _ in range(times):
            for pass_on in (
                lambda: copier.by_value([value], sentinel),
                lambda: copier.all_by_value(arguments, sentinel),
            ):
                try:
                    pass_on()
                except TypeError:  # NotPassable among them
                    continue
        gc.collect()
        return traced_memory(), sys.getrefcount(sentinel), sys.getrefcount(value), sys.getrefcount(INNER)

    repeat(max(core.count(REPEATS), 20))
    memory, *references = repeat(max(core.count(REPEATS), 20))
    memory_after, *references_after = repeat(max(core.count(REPEATS), 20))

    assert references_after == references
    assert memory_after - memory < SLACK_BYTES


def test_plans_keep_their_references(core):
    class Known:
        pass

    class Asked:
        pass

    def rule(value):
        return []

    plans = {Known: rule, Account: find_layout(Account), str: core.SHARED, int: core.SHARED}
    copier, value = core.ValueCopier(plans, lambda kind: rule, None, 100), [Known(), Asked(), Account([1]), (Known(),)]
    watched = (rule, Known, Asked, Account, plans[Account], plans[Account].state, plans)
    before = [sys.getrefcount(held) for held in watched]

    for _ in range(REPEATS):
        copier.by_value(value, "argument")

    assert [sys.getrefcount(held) for held in watched] == before


def test_copiers_and_what_they_hold_are_collected(core, traced_memory):
    def repeat():
        for _ in range(REPEATS):
            plans = {}
            copier = core.ValueCopier(plans, lambda kind, plans=plans: plans[kind], str, 100)
            plans["copier"] = copier
        del copier, plans
        gc.collect()
        return traced_memory()

    repeat()
    memory = repeat()

    assert repeat() - memory < SLACK_BYTES


# Goal: every allocation of a pass may fail. Method: the interpreter's own hook lets one after the other fail.
@pytest.mark.parametrize("name", ["list", "keys", "deque", "wide", "widest", "kept", "slots", "frozen", "many aliases"])
def test_a_lack_of_memory_is_an_error_and_leaves_nothing_behind(load_core, name):
    _testcapi = pytest.importorskip("_testcapi", reason="the interpreter comes without its test hooks")
    copier, value, failures = make_copier(load_core("c").ValueCopier), VALUES[name], 0
    arguments, sentinel = (value, INNER, value), f"where {name}"
    copier.all_by_value(arguments, sentinel)
    before = sys.getrefcount(value), sys.getrefcount(INNER), sys.getrefcount(sentinel)

    for number in range(1, 200):
        _testcapi.set_nomemory(number, number + 1)
        try:
            copier.all_by_value(arguments, sentinel)
        except MemoryError:
            failures += 1
        finally:
            _testcapi.remove_mem_hooks()
    gc.collect()

    assert failures > 3
    assert (sys.getrefcount(value), sys.getrefcount(INNER), sys.getrefcount(sentinel)) == before
