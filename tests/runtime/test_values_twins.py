"""Both cores give equal copies, equal aliases and equal errors, for any value."""

# Hypothesis draws a plan of a value: nodes that refer to earlier nodes, and, where they can change, to later ones, so
# that aliases and cycles come about. Each core copies the same value. Copies are compared by their drawing: type and
# contents of each object, which objects are one and the same, and which are the original's.

import dataclasses
import typing
from collections import deque

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

import libactor as la
from libactor._core.values import DEPTH_MAX, Moved, make_copier


class Pair(typing.NamedTuple):
    first: object
    second: object = None


class Open(msgspec.Struct, eq=False):
    first: object


class Frozen(msgspec.Struct, frozen=True):
    first: object


@dataclasses.dataclass
class Account:
    first: object


@dataclasses.dataclass(slots=True)
class Slotted:
    first: object


@dataclasses.dataclass(frozen=True)
class Fixed:
    first: object


class OpenAndMore(Open, dict=True):
    """A struct with a __dict__."""


class PairAndMore(Pair):
    """A named tuple with a __dict__."""


@dataclasses.dataclass(eq=False)
class Key:
    """Can change, and yet can be a key; equal hashes, so that the order in a set is that of insertion."""

    first: object

    def __hash__(self):
        return 7


def one(parts):
    return parts[0] if parts else None


def more(value, parts):
    """``value`` with attributes beside its fields."""
    vars(value).update({f"more_{n}": part for n, part in enumerate(parts)})
    return value


def wrapped(parts):
    value = list(parts)
    for _ in range(DEPTH_MAX - 3):
        value = [value]
    return value


def settled(part):
    """Whether ``part`` and its copy have one hash, so that their order in a set is the same."""
    if isinstance(part, (tuple, frozenset)):
        return all(map(settled, part))
    return type(part) in (int, str, type(None), float, bytes, range, Key)


SCALARS = [1, "text", None, 2.5, b"bytes", range(3), (1, ("deep", 2))]
MAKERS = {
    "list": list, "tuple": tuple, "set": lambda parts: set(filter(settled, parts)),
    "frozenset": lambda parts: frozenset(filter(settled, parts)), "deque": lambda parts: deque(parts, 9),
    "dict": lambda parts: dict(enumerate(parts)), "keys": lambda parts: dict.fromkeys(parts, 1),
    "dict of tuples": lambda parts: {(i, "key"): part for i, part in enumerate(parts)},
    "bytearray": lambda parts: bytearray(b"bytes"), "error": lambda parts: ValueError(*parts),
    "pair": lambda parts: Pair(one(parts)), "struct": lambda parts: Open(one(parts)),
    "frozen": lambda parts: Frozen(one(parts)), "dataclass": lambda parts: Account(one(parts)),
    "slots": lambda parts: Slotted(one(parts)), "fixed": lambda parts: Fixed(one(parts)),
    "unset": lambda parts: Slotted.__new__(Slotted), "struct and more": lambda parts: more(OpenAndMore(1), parts),
    "pair and more": lambda parts: more(PairAndMore(1), parts), "fixed and more": lambda parts: more(Fixed(1), parts),
    "key": lambda parts: Key(one(parts)), "moved": lambda parts: Moved(list(parts)),
    "wrapped": wrapped, "scalar": lambda parts: SCALARS[len(parts)],
}  # fmt: skip
REFUSED = {"object": lambda parts: object(), "list subclass": type("MyList", (list,), {})}
NODES = st.tuples(st.sampled_from([*MAKERS, "list", "dict", "tuple"]), st.lists(st.integers(0, 30), max_size=4))
RARELY = st.sampled_from([False] * 7 + [True])


@st.composite
def values(draw):
    """A value of up to a dozen nodes, the last of which is its root."""
    built, later = [], []
    for kind, numbers in draw(st.lists(NODES, min_size=1, max_size=12)):
        if draw(RARELY) and draw(RARELY):
            kind = draw(st.sampled_from(sorted(REFUSED)))
        parts = [built[number % len(built)] for number in numbers if built]
        try:
            built.append((MAKERS | REFUSED)[kind](parts))
        except TypeError:  # a list as a key
            built.append(list(parts))
        if kind in ("list", "dict") and draw(RARELY):
            later.append((built[-1], draw(st.integers(0, 30))))
    for container, number in later:
        if isinstance(container, list):
            container.append(built[number % len(built)])
        else:
            container["later"] = built[number % len(built)]
    return built[-1]


def parts_of(value):
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    beside = [value for name, value in getattr(value, "__dict__", {}).items() if name != "first"]
    if isinstance(value, (list, tuple, set, frozenset, deque)):
        return [*value, *beside]
    if isinstance(value, (Open, Frozen, Account, Key, Slotted, Fixed)):
        return [*([value.first] if hasattr(value, "first") else []), *beside]
    return [*value.args] if isinstance(value, Exception) else []


def identities(value, seen):
    """Add to ``seen`` each object that ``value`` is made of, under its id; holding it keeps the id its own."""
    if id(value) not in seen:
        seen[id(value)] = value
        for part in parts_of(value.value if type(value) is Moved else value):
            identities(part, seen)
        if type(value) is Moved:
            identities(value.value, seen)
    return seen


def drawing(value, originals, numbers):
    """Nested tuples that are equal for values that are alike."""
    if id(value) in numbers:
        return "again", numbers[id(value)]
    numbers[id(value)] = len(numbers)
    inside = tuple([drawing(part, originals, numbers) for part in parts_of(value)])
    leaf = value if type(value) in (int, str, bytes, float, bytearray) else None
    return type(value).__name__, id(value) in originals, leaf, getattr(value, "maxlen", None), inside


def outcome(copier, value):
    """The drawing of the copy, or type and text of the error."""
    try:
        copy = copier.by_value(value, "argument %d of %s", 1, "test")
    except TypeError as error:  # NotPassable, and a moved list as a key
        return type(error), str(error)
    originals = identities(value, {})  # only now: during the copy nobody but the value may hold its parts
    return drawing(copy, originals, {})


@pytest.fixture
def copiers(load_core):
    return make_copier(load_core("python").ValueCopier), make_copier(load_core("c").ValueCopier)


def test_both_cores_give_equal_copies_aliases_and_errors(copiers):
    @given(values())
    def compare(value):
        python, c = (outcome(copier, value) for copier in copiers)

        event(str(python[1])[-20:] if python[0] is la.NotPassable else "copied or shared")
        assert c == python

    compare()


def test_both_cores_pass_the_arguments_of_a_call_alike(copiers):
    def passed(copier, arguments):
        try:
            copies = copier.all_by_value(arguments, "add", ("named",) if arguments else ())
        except TypeError as error:
            return type(error), str(error)
        return drawing(copies, identities(arguments, {}), {})

    @given(st.lists(values(), max_size=4), st.data())
    def compare(drawn, data):
        arguments = tuple(data.draw(st.lists(st.sampled_from(drawn), max_size=5))) if drawn else ()

        python, c = (passed(copier, arguments) for copier in copiers)

        assert c == python

    compare()


def test_both_cores_name_the_argument_of_a_call(copiers):
    texts = []
    for copier in copiers:
        with pytest.raises(la.NotPassable) as raised:
            copier.all_by_value((1, [2], object()), "Counter.add")
        texts.append(str(raised.value))

    assert texts[0] == texts[1]
    assert texts[0].startswith("argument 3 of Counter.add: builtins.object is neither ")


# Goal: the drawing tells apart what the comparison is about. Method: pairs of values of which one thing differs.
def test_the_drawing_sees_aliases_identities_and_contents():
    inner = [1]
    originals = identities(inner, {})

    def drawn(value):
        return drawing(value, originals, {})

    assert drawn([inner, inner]) != drawn([[1], [1]])
    assert drawn([inner]) != drawn([[1]])
    assert drawn([1]) != drawn([2])
    assert drawn(deque([1], 3)) != drawn(deque([1], 4))
