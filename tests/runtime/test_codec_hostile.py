"""Whatever bytes a stranger sends, reading them is refused or makes a value: no crash, no hang, no waste of memory."""

import dataclasses
import datetime
import enum
import fractions
import re
import sys
import time
import tracemalloc
import types
import typing

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libactor.codec import NESTING_MAX, NotDecodable, NotEncodable, Reader, Writer

MODULE = __name__
PRIME = 2**61 - 1  # hash(n) is n modulo this


class Color(enum.Enum):
    RED = 1


class Flags(enum.Flag):
    A = 1
    B = 2


class Open(enum.IntFlag):
    A = 1


class Pair(typing.NamedTuple):
    first: object
    second: object


class Point(msgspec.Struct):
    x: object


@dataclasses.dataclass
class Account:
    x: object = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    x: object


class Failure(Exception):
    pass


class Loud(Exception):
    told = []

    @property
    def volume(self):
        return 0

    @volume.setter
    def volume(self, value):
        Loud.told.append(value)


def packed(tree):
    return msgspec.msgpack.encode(tree)


def read(tree):
    """What is read of ``tree``."""
    return Reader({}, []).decode(packed(tree))


def refusal_of(data):
    """Why ``data`` cannot be read."""
    with pytest.raises(NotDecodable) as caught:
        Reader({}, []).decode(data if isinstance(data, bytes) else packed(data))
    assert len(str(caught.value)) < 1000
    assert str(caught.value).isprintable()
    return str(caught.value)


BYTES = {
    "nothing": (b"", "ends too early"),
    "array of four billion": (b"\xdd\xff\xff\xff\xff", "ends too early"),
    "four billion in four billion": (b"\xdd\xff\xff\xff\xff" * 200, "ends too early"),
    "text of four billion": (b"\xdb\xff\xff\xff\xff", "ends too early"),
    "bytes of four billion": (b"\xc6\xff\xff\xff\xffab", "ends too early"),
    "deep": (b"\x91" * 100_000 + b"\xc0", f"nested more than {NESTING_MAX} deep"),
    "bytes behind": (b"\xc0\xc0", "1 bytes behind its end"),
    "map": (b"\x81\x01\x01", "the byte 129 at 0"),
    "map in an array": (b"\x92\xa4list\xdf\xff\xff\xff\xff", "the byte 223 at 6"),
    "extension": (b"\xd4\x05\x00", "the byte 212 at 0"),
    "time": (b"\xd6\xff\0\0\0\0", "the byte 214 at 0"),
    "never used": (b"\xc1", "the byte 193 at 0"),
    "half a surrogate pair": (b"\xa3\xed\xa0\x80", "utf-8"),
    "no UTF-8 in the name of a module": (b"\x95\xa6object\xa1\xff\x91\xa4list\x91\xa4dict\xc0", "not given two names"),
    "no UTF-8": (b"\x92\xa4list\xa1\xff", "utf-8"),
}


@pytest.mark.parametrize("name", BYTES)
def test_bytes_that_are_never_written_are_refused(name):
    data, expected = BYTES[name]

    assert expected in refusal_of(data)


TREES = {
    "empty array": ([], "begins with a NoneType"),
    "no code": ([1, 2], "begins with a int"),
    "array as code": ([[], 2], "begins with a list"),
    "unknown code": (["no such form"], "is not known"),
    "unknown code with names": (["no such form", "builtins", "int"], "is not known"),
    "long member": (["enum", MODULE, "Color", "x\n" * 100_000], "KeyError"),
    "long code": (["x" * 100_000], "is not known"),
    "local": (["local", 0], "only works in the process"),
    "again too far": (["list", ["again", 0]], "a number that stands for one of 0"),
    "again itself": (["list", ["list"], ["again", 1]], "a number that stands for one of 1"),
    "again backwards": (["list", ["list"], ["again", -1]], "a number that stands for one of 1"),
    "again by truth": (["list", ["list"], ["again", False]], "a number that stands for one of 1"),
    "again by text": (["list", ["list"], ["again", ""]], "a number that stands for one of 1"),
    "again by bytes": (["list", ["list"], ["again", b"0"]], "a number that stands for one of 1"),
    "again without": (["list", ["list"], ["again"]], "a number that stands for one of 1"),
    "again twice": (["list", ["list"], ["again", 0, 0]], "a number that stands for one of 1"),
    "pid of nobody": (["pid", "a", "b:1"], "KeyError"),
    "pid of numbers": (["pid", 1, 2], "not given two names"),
    "unhashable key": (["dict", ["list"], 1], "unhashable"),
    "unhashable in a set": (["set", ["dict"]], "unhashable"),
    "unhashable deep down": (["set", ["tuple", ["tuple", ["list"]]]], "unhashable"),
    "odd dict": (["dict", 1], "zip"),
    "key twice": (["dict", 1, 2, 1, 3], "the same key comes twice"),
    "equal keys": (["dict", 1, 2, True, 3], "the same key comes twice"),
    "equal in a set": (["set", 1, 1.0], "the same key comes twice"),
    "bytearray by size": (["bytearray", 10**12], "expected one bytes"),
    "bytearray by text": (["bytearray", "x"], "expected one bytes"),
    "int of a number": (["int", 5], "expected one str"),
    "int of words": (["int", "many"], "invalid literal"),
    "int of nothing": (["int"], "expected one str"),
    "decimal of a float": (["Decimal", 1.5], "expected one str"),
    "decimal of words": (["Decimal", "x"], "ConversionSyntax"),
    "signalling key": (["set", ["Decimal", "sNaN"]], "signaling NaN"),
    "path of bytes": (["PosixPath", b"x"], "expected one str"),
    "zone out of the folder": (["zone", "../../../etc/passwd"], "keys must"),
    "zone from the root": (["zone", "/etc/passwd"], "keys may not be absolute"),
    "zone of a folder": (["zone", "Europe"], "Error"),
    "zone of nothing": (["zone", ""], "Error"),
    "zone with a null": (["zone", "a\0b"], "Error"),
    "zone unheard of": (["zone", "No/Where"], "ZoneInfoNotFoundError"),
    "uuid by text": (["uuid", "0" * 32], "expected one bytes"),
    "short uuid": (["uuid", b"x"], "16"),
    "day 40": (["date", 2026, 1, 40], "day"),
    "date of text": (["date", "2026", 1, 1], "expected numbers"),
    "date of two": (["date", 2026, 1], "expected 3 parts"),
    "date packed": (["date", b"\x07\xea\x01\x01"], "expected 3 parts"),
    "time of huge numbers": (["time", ["int", hex(2**100)], 0, 0, 0, None, 0], "OverflowError"),
    "long time": (["timedelta", 10**10, 0, 0], "OverflowError"),
    "zone of a day": (["timezone", ["timedelta", 1, 0, 0]], "timedelta"),
    "range of step 0": (["range", 1, 2, 0], "must not be zero"),
    "range of objects": (["range", 1, 2, ["list"]], "expected numbers"),
    "complex of text": (["complex", "1+2j", 0.0], "expected numbers"),
    "fraction of nothing": (["Fraction", 1, 0], "ZeroDivisionError"),
    "fraction of text": (["Fraction", "1/3", 1], "expected two int"),
    "fraction of huge terms": (["Fraction", ["int", hex(2**5000)], ["int", hex(3**5000)]], "more than 4096 bits"),
    "deque of negative length": (["deque", -1], "maxlen"),
    "deque of nothing": (["deque"], "IndexError"),
    "no class": (["class", "os", "system"], "is no class of an imported module"),
    "class of a number": (["class", 1, "x"], "not given two names"),
    "class of no module": (["class", "no_such_module", "X"], "is no class of an imported module"),
    "class with parts": (["class", "builtins", "int", 1], "is not known"),
    "class below a function": (["class", "os", "system.__class__"], "is no class of an imported module"),
    "class by a dunder": (["class", "builtins", "int.__class__"], "is no class of an imported module"),
    "object of a plain class": (["object", "subprocess", "Popen", ["list"], ["dict"]], "is no dataclass"),
    "object without parts": (["object", MODULE, "Point"], "with 0 parts, expected two"),
    "struct of too few": (["object", MODULE, "Point", ["list"], ["dict"]], "Point has 1 fields, and 0 were sent"),
    "struct of too many": (
        ["object", MODULE, "Point", ["list", ["list", 1], ["list", 2]], ["dict"]],
        "has 1 fields, and 2 were sent",
    ),
    "struct unset": (["object", MODULE, "Point", ["list", ["list"]], ["dict"]], "Point was sent without x"),
    "slots of no list": (["object", MODULE, "Key", ["list", 1], ["dict"]], "slots of a Key are expected as a list"),
    "named tuple too short": (["object", MODULE, "Pair", ["list", 1], ["dict"]], "has 2 fields, and 1 were sent"),
    "attributes of no dict": (
        ["object", MODULE, "Account", ["list"], ["list"]],
        "attributes of a Account are expected as a dict",
    ),
    "attributes by number": (["object", MODULE, "Account", ["list"], ["dict", 1, 2]], "expected as a dict from text"),
    "member unheard of": (["enum", MODULE, "Color", "BLUE"], "KeyError"),
    "member by a list": (["enum", MODULE, "Color", ["list"]], "unhashable"),
    "member of no enum": (["enum", "builtins", "int", "x"], "is no Enum"),
    "member of two": (["enum", MODULE, "Color", "RED", "RED"], "TypeError"),
    "flags without names": (["enum", MODULE, "Flags", 4], "does not name all flags"),
    "open flags without names": (["enum", MODULE, "Open", 2**40], "does not name all flags"),
    "negative flags": (["enum", MODULE, "Open", -1], "does not name all flags"),
    "flags by text": (["enum", MODULE, "Flags", "A"], "does not name all flags"),
}


@pytest.mark.parametrize("name", TREES)
def test_forms_that_are_never_written_are_refused(name):
    tree, expected = TREES[name]

    assert expected in refusal_of(tree)


def error_of(module, name, arguments=(), args=(), attributes=(), rest=()):
    return ["exception", module, name, ["tuple", *arguments], ["tuple", *args], ["dict", *attributes], ["dict", *rest]]


ERRORS = {
    "of an int": (error_of("builtins", "int"), "is no Exception"),
    "that makes a class": (error_of("builtins", "type", ["x", ["tuple"], ["dict"]]), "is no Exception"),
    "that ends the program": (error_of("builtins", "SystemExit"), "is no Exception"),
    "that interrupts": (error_of("builtins", "KeyboardInterrupt"), "is no Exception"),
    "whose args are none": (["exception", MODULE, "Failure", ["tuple"], 5, ["dict"], ["dict"]], "not iterable"),
    "whose attributes are none": (["exception", MODULE, "Failure", ["tuple"], ["tuple"], 5, ["dict"]], "a dict from"),
    "whose rest is none": (["exception", MODULE, "Failure", ["tuple"], ["tuple"], ["dict"], 5], "a dict from text"),
    "with another class": (error_of(MODULE, "Failure", rest=["__class__", ["class", MODULE, "Loud"]]), "no place for"),
    "with a traceback": (error_of(MODULE, "Failure", rest=["__traceback__", None]), "no place for"),
    "with a setter": (error_of(MODULE, "Loud", rest=["volume", 11]), "no place for 'volume'"),
    "that C does not make": (error_of("builtins", "UnicodeDecodeError", [1]), "takes exactly 5 arguments"),
    "cut short": (["exception", MODULE, "Failure"], "missing 4 required"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_exception_that_is_none_is_refused(name):
    tree, expected = ERRORS[name]

    assert expected in refusal_of(tree)
    assert Loud.told == []


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit()])
def test_what_would_end_a_program_is_not_sent(error):
    with pytest.raises(NotEncodable, match="would end the program that reads it; send an Exception"):
        Writer().encode(error)


def test_a_class_that_its_module_only_makes_on_request_is_not_there(monkeypatch):
    asked = []
    module = types.ModuleType("lazy_module")
    module.__getattr__ = lambda name: asked.append(name) or int
    monkeypatch.setitem(sys.modules, "lazy_module", module)

    refusal_of(["class", "lazy_module", "Anything"])

    assert asked == []


def test_flags_that_are_read_are_not_gathered_by_their_class():
    before = len(re.RegexFlag._value2member_map_)

    for bit in range(20, 60):
        refusal_of(["enum", "re", "RegexFlag", 1 << bit])

    assert len(re.RegexFlag._value2member_map_) == before


COLLIDING = {
    "ints": [["int", hex(n * PRIME)] for n in range(1, 20_000)],
    "uuids": [["uuid", (n * PRIME).to_bytes(16, "big")] for n in range(1, 20_000)],
    "decimals": [["Decimal", str(n * PRIME)] for n in range(1, 20_000)],
    "tuples": [["tuple", ["int", hex(n * PRIME)]] for n in range(1, 20_000)],
    "objects": [
        ["object", MODULE, "Key", ["list", ["list", ["int", hex(n * PRIME)]]], ["dict"]] for n in range(1, 20_000)
    ],
}


# Goal: no keys can be chosen that take the square of time. Method: 20,000, which would take minutes.
@pytest.mark.parametrize("name", COLLIDING)
@pytest.mark.parametrize("form", ["dict", "set", "frozenset"])
def test_keys_that_were_chosen_to_collide_are_refused(name, form):
    keys = COLLIDING[name]
    parts = [part for key in keys for part in (key, 0)] if form == "dict" else keys

    assert "more than 16 keys have one hash" in refusal_of([form, *parts])


def test_keys_that_collide_by_chance_are_read():
    value = {-1, -2, *range(100)}

    assert read(["set", *value]) == value


def test_nan_may_be_a_key_more_than_once():
    value = read(["dict", float("nan"), 1, float("nan"), 2])

    assert list(value.values()) == [1, 2]


def doubled(depth, form):
    """A tree whose value comes to 2 ** depth parts, since each is twice in the next."""
    tree = [form, 1]
    for number in range(depth):
        tree = [form, tree, ["again", number]]
    return tree


@pytest.mark.parametrize("form", ["tuple", "list"])
def test_what_is_endless_once_it_is_walked_through_is_refused(form):
    assert "met again comes to more than 10000000 values" in refusal_of(doubled(90, form))


def test_a_key_that_is_endless_is_refused_before_it_is_looked_up():
    assert "met again comes to" in refusal_of(["dict", doubled(90, "tuple"), 1])


# Goal: keys take no longer than what was sent. Method: one with a number of a megabyte, which is hashed each time anew.
def test_keys_that_take_long_to_hash_are_refused_by_their_length():
    huge = ["tuple", ["int", "0x" + "f" * 1_000_000]]
    keys = [part for number in range(4000) for part in (["tuple", ["again", 0], number], 0)]

    assert "met again comes to" in refusal_of(["list", huge, ["dict", *keys]])


def test_what_is_met_again_a_few_times_is_read():
    value = read(doubled(10, "tuple"))

    assert hash(value) == hash(value)
    assert value[0] is value[1]


def test_what_is_nested_as_deep_as_values_may_be_is_read():
    value = []
    for _ in range(99):
        value = Account(value)

    arrived = Reader({}, []).decode(Writer().encode(value))

    assert arrived == value


# Goal: what a peer sent can be sent on. Method: sets that took twice as long for each around them, to bring into order.
def test_sets_in_sets_are_written_again_as_they_were_read():
    tree = ["tuple"]
    for _ in range(90):
        tree = ["frozenset", tree]

    assert Writer().encode(read(tree)) == packed(tree)


def test_sets_of_two_in_sets_are_written_again():
    value = ()
    for _ in range(16):
        value = frozenset([value, (value, 1)])

    assert Reader({}, []).decode(Writer().encode(value)) == value


def test_huge_numbers_take_no_longer_than_their_bytes():
    tree = ["int", "0x" + "f" * 2_000_000]
    started = time.process_time()

    value = read(tree)

    assert value.bit_length() == 8_000_000
    assert time.process_time() - started < 5


def test_a_fraction_of_huge_terms_is_not_sent():
    with pytest.raises(NotEncodable, match="more than 4096 bits; round it"):
        Writer().encode(fractions.Fraction(2**5000, 3))


# Goal: what is refused was not made before. Method: all that is allocated on the way, for the worst of a few bytes.
@pytest.mark.parametrize("name", BYTES)
def test_memory_stays_within_what_was_sent(name):
    data = BYTES[name][0]
    refusal_of(data)
    tracemalloc.start()

    refusal_of(data)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000 + 100 * len(data)


def test_the_worst_that_bytes_can_be_made_into_is_a_hundred_times_as_large():
    worst = b"\xdd\x00\x00\xc3\x50" + b"\x90" * 50_000
    tracemalloc.start()

    refusal_of(worst)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 * len(worst)


def test_the_reader_can_be_used_again_after_a_refusal():
    reader = Reader({}, [])
    with pytest.raises(NotDecodable):
        reader.decode(packed(["list", ["list", 1], []]))

    assert reader.decode(packed(["list", 1])) == [1]


SCALAR = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(), st.text(max_size=5), st.binary(max_size=5),
    st.sampled_from([MODULE, "builtins", "datetime", "Point", "Key", "Account", "Pair", "Color", "Failure", "OSError"]),
)  # fmt: skip
CODES = st.sampled_from(
    ["again", "local", "pid", "class", "enum", "exception", "object", "list", "tuple", "dict", "set", "frozenset",
     "deque", "bytearray", "int", "Decimal", "timezone", "ellipsis", "unset", "PosixPath", "uuid", "zone", "datetime",
     "date", "time", "timedelta", "range", "slice", "complex", "Fraction", "PureWindowsPath"]
)  # fmt: skip
TREE = st.recursive(SCALAR, lambda inner: st.builds(lambda code, parts: [code, *parts], CODES, st.lists(inner)))


def read_or_refuse(data):
    """Read what a stranger sends: anything else than a value and a refusal is a fault of ours."""
    try:
        return Reader({}, []).decode(data)
    except NotDecodable:
        return None


@given(TREE)
def test_any_tree_is_read_or_refused(tree):
    read_or_refuse(packed(tree))


@given(st.binary(max_size=500))
def test_any_bytes_are_read_or_refused(data):
    read_or_refuse(data)


SAMPLE = [
    Pair(Point([1, "é", b"\0"]), {(1, 2): {3}, None: frozenset({4})}), Color.RED, Flags.A | Flags.B, Failure("x", 1),
    datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC), 2**80, 1.5, Account(range(3)), OSError(2, "no"), int,
]  # fmt: skip


@given(st.data())
def test_bytes_of_ours_with_some_changed_are_read_or_refused(data):
    written = bytearray(Writer().encode([*SAMPLE, SAMPLE]))
    for _ in range(data.draw(st.integers(1, 4))):
        written[data.draw(st.integers(0, len(written) - 1))] = data.draw(st.integers(0, 255))

    read_or_refuse(bytes(written))


@pytest.mark.parametrize("data", ["text", None, 5, []])
def test_what_is_no_bytes_is_refused(data):
    with pytest.raises(NotDecodable, match="cannot be read"):
        Reader({}, []).decode(data)
