"""Projections: the JSON of records, as a table says, in both cores and as a slow rendering of decoded structs says."""

# Method: structs with every kind of field, random values of them, some with fields left out at the end as older
#   versions do; an oracle that decodes the record and builds what json then reads.

import enum
import json
import math
import threading
from functools import reduce
from operator import add
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libactor._core import _projection as twin
from libactor.records import Collection, RecordType
from libactor.records.program import finish
from libactor.records.projection import (
    Base64,
    Choice,
    Const,
    Each,
    Field,
    Float,
    ForEach,
    Groups,
    IfDiffers,
    IfEquals,
    IfFilled,
    IfOnly,
    IfThere,
    IfTrue,
    Items,
    Key,
    Named,
    Nest,
    Object,
    Pairs,
    Projection,
    Ranges,
    Scaled,
    Tally,
    Within,
)


class Struct(msgspec.Struct, array_like=True, frozen=True):
    pass


class State(enum.Enum):
    STAGING = 6
    RUNNING = 1
    LOST = -3


class Range(Struct):
    begin: int
    end: int


class Amount(Struct):
    name: str
    scalar: int | None = None
    ranges: tuple[Range, ...] = ()
    texts: tuple[str, ...] = ()
    role: str = "*"
    revocable: bool = False


class Point(Struct):
    x: int
    y: float = 2.5


class Thing(Struct):
    name: str
    state: State
    amounts: tuple[Amount, ...] = ()
    data: bytes = b""
    score: float = 1.0
    limits: dict[str, float] = {}
    point: Point | None = None
    note: str | None = None
    begun: float = 0.0
    again: float | None = None
    ready: bool = False
    anything: Any = None
    numbers: tuple[int, ...] = ()
    words: tuple[str, ...] = ("a", "b")
    ranges: tuple[Range, ...] = ()
    state_before: State | None = None


THING = RecordType(Thing, hot=("name", "state"))
AMOUNTS = {"name": "name", "scalar": "scalar", "power": 3, "ranges": "ranges", "texts": "texts"}
TABLE = Object(
    IfThere("note", Key("note", Field("note")), otherwise=(Key("no_note", Const(True)),)),
    Key('the "name"', Field("name")),
    Key("state", Choice("state", {"LOST": "TASK_LOST"})),
    Key("before", Choice("state_before")),
    Key("amounts", Tally("amounts", **AMOUNTS, first=("cpus", "mem"), suffix=("revocable", "_revocable"))),
    Key("reserved", Tally("amounts", **AMOUNTS, first=("cpus",), but=("role", "*"), group="role")),
    Key("free", Tally("amounts", **AMOUNTS, only=("role", "*"))),
    Key("data", Base64("data")),
    Key("score", Float("score")),
    IfFilled("limits", Key("limits", Pairs("limits", Object(Key("value", Float()))))),
    Key("point", Nest("point", Object(Key("x", Field("x")), Key("y", Field("y"))))),
    Within("point", Key("x", Scaled("x", 2)), IfTrue("y", Key("y", Field("y")))),
    IfDiffers("begun", "again", Key("again", Float("again"))),
    IfTrue("ready", Key("ready", Const({"value": [1, "é"]}))),
    Key("anything", Field("anything")),
    Key("numbers", Each("numbers", Field())),
    Key("words", Items("words")),
    Key("ranges", Ranges("ranges")),
    Key("named", Object(ForEach("amounts", IfThere("scalar", Named("name", Field("scalar")))))),
    Key("const", Const(None)),
    Key("web", Each("amounts", Field("name"), only=("role", "a"))),
    Key("roles", Groups("amounts", "role", Object(Key("of", Field("name"))), but="*")),
    Key("all_roles", Groups("amounts", "role", Field("scalar"))),
    IfOnly("amounts", Key("alone", Field("name")), IfEquals("role", "*", Key("free_alone", Const(1)))),
    IfEquals("state", State.LOST, Key("lost", Const(True)), otherwise=(Key("found", Const(True)),)),
    IfEquals("note", "x", Key("x_note", Const(True))),
    IfEquals("ready", True, Key("is_ready", Const(True)), otherwise=(Key("is_waiting", Const(True)),)),
    Within("point", IfEquals("x", -7, Key("is_seven", Const(True)))),
)

# --- the oracle ---


def text_of_ranges(ranges: list[Range]) -> str:
    merged: list[list[int]] = []
    for one in sorted((r for r in ranges if r.begin <= r.end), key=lambda r: r.begin):
        if merged and one.begin <= merged[-1][1] + 1:
            merged[-1][1] = max(merged[-1][1], one.end)
        else:
            merged.append([one.begin, one.end])
    return "[" + ", ".join(f"{begin}-{end}" for begin, end in merged) + "]"


def sums(amounts: list[Amount], first: tuple[str, ...], suffix: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: total([a for a in amounts if a.name == name and not (a.revocable and suffix)]) / 1000 for name in first
    }
    keys = sorted({(a.name.encode(), bool(a.revocable and suffix)) for a in amounts})
    for name, is_suffixed in keys:
        same = [a for a in amounts if a.name.encode() == name and bool(a.revocable and suffix) == is_suffixed]
        same = [a for a in same if a.scalar is not None or a.ranges or a.texts]
        if not same or (name.decode() in first and not is_suffixed):
            continue
        key = name.decode() + (suffix if is_suffixed else "")
        if same[0].scalar is not None:
            found[key] = total(same) / 1000
        elif same[0].ranges:
            found[key] = text_of_ranges([r for a in same if a.scalar is None for r in a.ranges])
        else:
            found[key] = "{" + ", ".join(t for a in same if a.scalar is None and not a.ranges for t in a.texts) + "}"
    return found


def total(amounts: list[Amount]) -> float:
    """Added one by one; sum() makes up for what rounding loses, from Python 3.12 on."""
    return reduce(add, [float(a.scalar) for a in amounts if a.scalar is not None], 0.0)


def plain(value: Any) -> Any:
    """A value that may be anything, as it is in JSON."""
    if isinstance(value, bytes):
        return __import__("base64").b64encode(value).decode()
    if isinstance(value, list):
        return [plain(one) for one in value]
    return {key: plain(one) for key, one in value.items()} if isinstance(value, dict) else value


def slowly(thing: Thing) -> dict[str, Any]:
    roles = sorted({a.role for a in thing.amounts if a.role != "*" and counts(a, ("cpus",))}, key=str.encode)
    document: dict[str, Any] = {"note": thing.note} if thing.note is not None else {"no_note": True}
    document |= {
        'the "name"': thing.name,
        "state": "TASK_LOST" if thing.state is State.LOST else thing.state.name,
        "before": None if thing.state_before is None else thing.state_before.name,
        "amounts": sums(list(thing.amounts), ("cpus", "mem"), "_revocable"),
        "reserved": {role: sums([a for a in thing.amounts if a.role == role], ("cpus",), "") for role in roles},
        "free": sums([a for a in thing.amounts if a.role == "*"], (), ""),
        "data": plain(thing.data),
        "score": float(thing.score),
    }
    if thing.limits:
        document["limits"] = {key: {"value": float(value)} for key, value in thing.limits.items()}
    document["point"] = None if thing.point is None else {"x": thing.point.x, "y": float(thing.point.y)}
    if thing.point is not None:
        document |= {"x": thing.point.x / 100, "y": float(thing.point.y)}
    if thing.begun != thing.again:
        document["again"] = thing.again
    if thing.ready:
        document["ready"] = {"value": [1, "é"]}
    document |= {
        "anything": plain(thing.anything),
        "numbers": list(thing.numbers),
        "words": "{" + ", ".join(thing.words) + "}",
        "ranges": text_of_ranges(list(thing.ranges)),
        "named": {a.name: a.scalar for a in thing.amounts if a.scalar is not None},
        "const": None,
        "web": [a.name for a in thing.amounts if a.role == "a"],
        "roles": {role: [{"of": a.name} for a in of] for role, of in by_role(thing).items() if role != "*"},
        "all_roles": {role: [a.scalar for a in of] for role, of in by_role(thing).items()},
    }
    if len(thing.amounts) == 1:
        document["alone"] = thing.amounts[0].name
        if thing.amounts[0].role == "*":
            document["free_alone"] = 1
    document["lost" if thing.state is State.LOST else "found"] = True
    if thing.note == "x":
        document["x_note"] = True
    document["is_ready" if thing.ready else "is_waiting"] = True
    if thing.point is not None and thing.point.x == -7:
        document["is_seven"] = True
    return document


def by_role(thing: Thing) -> dict[str, list[Amount]]:
    roles = sorted({a.role for a in thing.amounts}, key=str.encode)
    return {role: [a for a in thing.amounts if a.role == role] for role in roles}


def counts(amount: Amount, first: tuple[str, ...]) -> bool:
    is_first = amount.name in first
    return amount.scalar is not None or (not is_first and bool(amount.ranges or amount.texts))


# --- random things ---

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
integers = st.integers(-(2**63), 2**64 - 1)
floats = st.floats(allow_nan=False)
small = st.integers(-20, 60)
ranges = st.lists(st.builds(Range, small | integers, small | integers), max_size=5).map(tuple)
amounts = st.builds(
    Amount,
    st.sampled_from(["cpus", "mem", "ports", "disk"]) | texts,
    st.none() | st.integers(-(2**53), 2**53),
    ranges,
    st.lists(texts, max_size=3).map(tuple),
    st.sampled_from(["*", "a", "é"]) | texts,
    st.booleans(),
)
anything = st.recursive(
    st.none() | st.booleans() | integers | floats | texts | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
states = st.sampled_from(State)
things = st.builds(
    Thing,
    name=texts,
    state=states,
    amounts=st.lists(amounts, max_size=6).map(tuple),
    data=st.binary(max_size=9),
    score=floats,
    limits=st.dictionaries(texts, floats, max_size=3),
    point=st.none() | st.builds(Point, st.just(-7) | st.integers(-(2**53), 2**53), floats),
    note=st.none() | st.just("x") | texts,
    begun=st.sampled_from([0.5, 1.5]),
    again=st.none() | st.sampled_from([0.5, 1.5]),
    ready=st.booleans(),
    anything=anything,
    numbers=st.lists(integers, max_size=4).map(tuple),
    words=st.lists(texts, max_size=4).map(tuple),
    ranges=ranges,
    state_before=st.none() | states,
)


def shortened(thing: Thing, fields: int) -> bytes:
    """The record of an older version, which knew so many fields."""
    data: list[Any] = msgspec.msgpack.decode(msgspec.msgpack.encode(thing))
    return msgspec.msgpack.encode(data[:fields])


PROJECTION = Projection(THING, TABLE)
TWIN = twin.Transcoder(THING, *finish(Thing, TABLE.write))

# --- claims ---


@given(things, st.integers(2, 16))
def test_a_record_renders_as_its_decoded_struct_says(thing, fields):
    record = THING.read(shortened(thing, fields))
    wanted = slowly(record.decode())

    got = json.loads(PROJECTION.render(record))

    assert got == wanted
    assert list(got) == list(wanted)
    assert list(got["amounts"]) == list(wanted["amounts"])
    assert list(got["all_roles"]) == list(wanted["all_roles"])


# Goal: few amounts and ranges lie on the stack, more do not. Method: numbers about the limit of 32; one too many on the
# stack shows under the address sanitizer.
@pytest.mark.parametrize("count", [31, 32, 33, 34, 65, 200])
def test_amounts_and_ranges_may_be_many(count):
    spread = tuple([Range(7 * number, 7 * number + 1) for number in range(count)])
    names = tuple([Amount(f"n{number * 37 % count}", number, role=f"r{number % 3}") for number in range(count)])
    ports = (Amount("ports", ranges=spread), *[Amount("more", ranges=(one,)) for one in reversed(spread)])

    for amounts in (names, ports):
        record = THING.pack(Thing("a", State.RUNNING, amounts, ranges=spread))
        got = PROJECTION.render(record)
        assert json.loads(got) == slowly(record.decode())
        assert got == TWIN.render(record)


@pytest.mark.timeout(600)  # with five hundred examples it takes a minute, and more on a busy machine
@pytest.mark.twins
@given(st.lists(st.tuples(things, st.integers(2, 16)), max_size=4))
def test_both_cores_write_the_same_bytes(given_things):
    records = [THING.read(shortened(*one)) for one in given_things]

    assert PROJECTION.render_all(records) == TWIN.render_all(records)


# Method: whatever msgpack has for the same number, text or array, beside its shortest form.
@pytest.mark.parametrize(
    "amounts",
    [
        b"\x91\x93\xa4cpus\xcd\x00\x05\x90",
        b"\x91\x93\xd9\x04cpus\xd3" + bytes(7) + b"\x05\xdc\x00\x00",
        b"\xdd\x00\x00\x00\x01\x94\xda\x00\x04cpus\x05\xdd\x00\x00\x00\x00\xdc\x00\x00",
    ],
)
def test_other_forms_of_the_same_value_make_no_difference(amounts):
    data = b"\x93\xa1n\x06" + amounts

    text = PROJECTION.render(THING.read(data))

    assert b'"amounts":{"cpus":0.005,"mem":0.0}' in text
    assert text == TWIN.render(THING.read(data))


class Two(Struct):
    one: tuple[float, ...] | None
    other: tuple[float, ...] | None


# Method: arrays of the same numbers, in any form that msgpack has for them, and of others.
@pytest.mark.parametrize(
    ("one", "other", "differs"),
    [
        (b"\x91\x01", b"\xdc\x00\x01\xca\x3f\x80\x00\x00", False),
        (b"\x91\x01", b"\x91\xcb\x3f\xf0" + bytes(6), False),
        (b"\x91\x00", b"\x91\xcb\x80" + bytes(7), False),
        (b"\x91\x01", b"\x91\x02", True),
        (b"\x91\x01", b"\x92\x01\x01", True),
        (b"\x90", b"\xc0", True),
        (b"\xc0", b"\xc0", False),
    ],
)
def test_the_same_number_in_another_form_is_no_difference(one, other, differs):
    kind = RecordType(Two)
    table = Object(IfDiffers("one", "other", Key("differs", Const(1))))
    record = kind.read(b"\x92" + one + other)

    texts = [Projection(kind, table).render(record), twin.Transcoder(kind, *finish(Two, table.write)).render(record)]

    assert texts == [b'{"differs":1}' if differs else b"{}"] * 2


def test_many_amounts_of_many_names_are_sorted_and_summed():
    amounts = tuple(Amount(f"n{n % 97}", n) for n in range(3000))
    record = THING.pack(Thing("t", State.LOST, amounts))

    text = PROJECTION.render(record)

    assert json.loads(text) == slowly(record.decode())
    assert text == TWIN.render(record)


def test_many_groups_are_sorted_and_keep_the_order_of_their_items():
    amounts = tuple(Amount(f"n{n}", n, role=f"r{n * 7919 % 501}") for n in range(3000))
    record = THING.pack(Thing("t", State.LOST, amounts))

    text = PROJECTION.render(record)

    assert json.loads(text) == slowly(record.decode())
    assert list(json.loads(text)["roles"]) == sorted({a.role for a in amounts})
    assert text == TWIN.render(record)


def test_infinite_limits_are_bare_tokens():
    record = THING.pack(Thing("t", State.LOST, limits={"cpus": math.inf, "mem": -math.inf}))

    text = PROJECTION.render(record)

    assert b'"limits":{"cpus":{"value":Infinity},"mem":{"value":-Infinity}}' in text


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (Field("nope"), "Thing has no field 'nope'; it has name, state"),
        (Field("state"), "Thing.state is Enum; expected a scalar"),
        (Field("amounts"), "Thing.amounts is VarTuple; expected"),
        (Float("name"), "Thing.name is Str; expected a number"),
        (Choice("name"), "Thing.name is Str; expected an enumeration"),
        (Choice("state", {"GONE": "x"}), "names of State only, not \\['GONE'\\]; they are "),
        (Choice("state", {State.LOST: "x"}), "names of State only, not .*LOST.*; they are "),
        (Choice("state", ("LOST",)), r"expected names as a mapping from members' names, not \('LOST',\)"),
        (Scaled("score", 10), "got power 10, expected 0 to 9"),
        (Base64("name"), "Thing.name is Str; expected bytes"),
        (Ranges("words"), "Thing.words is VarTuple; expected an array of structs whose"),
        (Items("numbers"), "Thing.numbers is VarTuple; expected an array of texts"),
        (Each("name", Field()), "Thing.name is Str; expected an array"),
        (Each("amounts", Field("nope")), r"Thing.amounts\[\] has no field 'nope'"),
        (Each("numbers", Field("x")), r"Thing.numbers\[\] has no field 'x'; it has ITEM"),
        (Pairs("numbers", Field()), "expected a map"),
        (Pairs("limits", Choice("")), r"Thing.limits\{\} is Float; expected an enumeration"),
        (Nest("name", Field()), "Thing.name is Str; expected a struct"),
        (Nest("point", Field("z")), "Thing.point has no field 'z'"),
        (Object(Named("note", Const(1))), "Thing.note is Str or None; expected a field that is never None"),
        (Object(IfDiffers("begun", "note")), "Thing.note is Str or None; expected the type of begun"),
        (Object(Const(1)), "expected a member such as Key"),
        (Each("amounts", Field("name"), only="role"), r"got only='role', expected a pair of texts: \(field, text\)"),
        (Tally("amounts", name="name", scalar="scalar", but=("role", 1)), "got but=.* expected a pair of texts"),
        (Tally("amounts", name="name", scalar="scalar", suffix="abc"), "got suffix='abc', expected a pair of texts"),
        (Object(IfEquals("state", 1)), "Thing.state is Enum; expected a field of the type of 1"),
        (Object(IfEquals("begun", 1)), "Thing.begun is Float; expected a field of the type of 1"),
        (Object(IfEquals("ready", 1)), "Thing.ready is Bool; expected a field of the type of 1"),
        (Object(IfEquals("ready", "1")), "Thing.ready is Bool; expected a text, to be compared with '1'"),
        (Nest("point", Object(IfEquals("x", 2**31))), "Thing.point.x is Int; expected to be compared with a number of"),
        (Object(IfOnly("name")), "Thing.name is Str; expected an array"),
        (Groups("numbers", "role", Field()), "Thing.numbers is VarTuple; expected an array of structs"),
        (Groups("amounts", "scalar", Field("name")), r"Thing.amounts\[\].scalar is Int or None; expected a text"),
        (Each("amounts", Field("name"), only=("scalar", "a")), r"Thing.amounts\[\].scalar is Int or None; expected a"),
        (Tally("numbers", name="a", scalar="b"), "Thing.numbers is VarTuple; expected an array of structs"),
        (Tally("amounts", name="scalar", scalar="scalar"), r"Thing.amounts\[\].scalar is Int or None; expected a text"),
    ],
)
def test_what_does_not_fit_the_struct_is_refused_with_its_path(value, complaint):
    with pytest.raises(TypeError, match=complaint):
        Projection(THING, value)


class Far(enum.IntEnum):
    AWAY = 1 << 40


class Farther(msgspec.Struct, array_like=True, frozen=True):
    state: Far


def test_an_enumeration_that_begins_beyond_what_a_word_holds_is_refused():
    with pytest.raises(TypeError, match=r"Farther\.state is Enum; expected an enumeration whose least number is"):
        Projection(RecordType(Farther), Choice("state"))


def test_a_name_cannot_stand_first_twice():
    with pytest.raises(TypeError, match=r"Tally: got first=\('a', 'a'\); give each name once"):
        Tally("amounts", **AMOUNTS, first=("a", "a"))


def test_a_record_of_another_type_is_refused():
    other = RecordType(Thing).pack(Thing("t", State.LOST))

    with pytest.raises(TypeError, match="expected a record of Thing"):
        PROJECTION.render(other)
    with pytest.raises(TypeError, match="expected a record of Thing"):
        PROJECTION.render_all([None])


@pytest.mark.parametrize("render", [PROJECTION.render, TWIN.render])
def test_what_is_rendered_and_is_no_record_is_named_by_its_type(render):
    with pytest.raises(TypeError) as caught:
        render(Thing("t" * 100_000, State.LOST))

    assert str(caught.value) == (
        "Projection.render: got Thing, expected a record of Thing; make one by the pack() of a struct, or the read() "
        "of bytes, of its RecordType"
    )


# --- snapshots ---


def filled(count: int) -> Collection:
    collection = Collection(THING, "name")
    for number in range(count):
        collection.put(THING.pack(Thing(f"thing-{number}", State.RUNNING, note="x" * (number % 50))))
    return collection


@given(st.integers(0, 200), st.integers(1, 2000), st.integers(1, 9))
def test_pieces_and_parts_together_are_the_whole(count, bytes_max, parts):
    snapshot = filled(count).snapshot()
    whole = PROJECTION.render_all(list(snapshot))

    pieces = list(PROJECTION.pieces(snapshot, bytes_max=bytes_max))
    by_parts = [b"".join(PROJECTION.pieces(snapshot, part=part, parts=parts)) for part in range(parts)]

    assert b"".join(pieces) == whole
    assert all(0 < len(piece) <= bytes_max for piece in pieces)
    assert b",".join(filter(None, by_parts)) == whole


def test_what_changes_is_rendered_anew_and_the_snapshot_stays():
    collection = filled(100)
    before = collection.snapshot()
    text = b"".join(PROJECTION.pieces(before))
    collection.put(THING.pack(Thing("thing-7", State.LOST)))

    after = b"".join(PROJECTION.pieces(collection.snapshot()))

    assert b"".join(PROJECTION.pieces(before)) == text
    assert after == PROJECTION.render_all(list(collection))
    assert after != text


def test_two_projections_do_not_mix_their_texts():
    snapshot = filled(50).snapshot()
    names = Projection(THING, Field("name"))

    texts = [b"".join(projection.pieces(snapshot)) for projection in (PROJECTION, names, PROJECTION, names)]

    assert texts[0] == texts[2] != texts[1] == texts[3]
    assert json.loads(b"[" + texts[1] + b"]") == [record.name for record in snapshot]


def test_threads_may_render_one_snapshot_while_its_collection_changes():
    collection = filled(500)
    snapshot = collection.snapshot()
    whole = PROJECTION.render_all(list(snapshot))
    got: list[bytes] = []
    threads = [threading.Thread(target=lambda: got.append(b"".join(PROJECTION.pieces(snapshot)))) for _ in range(4)]

    for thread in threads:
        thread.start()
    for number in range(500):
        collection.put(THING.pack(Thing(f"thing-{number}", State.LOST)))
        collection.snapshot()
    for thread in threads:
        thread.join(60)

    assert got == [whole] * 4


@pytest.mark.parametrize(("part", "parts", "bytes_max"), [(1, 1, 5), (-1, 2, 5), (0, 0, 5), (0, 1, 0)])
def test_parts_that_are_none_are_refused(part, parts, bytes_max):
    snapshot = filled(1).snapshot()

    with pytest.raises(ValueError, match="expected part 0 to parts - 1"):
        list(PROJECTION.pieces(snapshot, part=part, parts=parts, bytes_max=bytes_max))


def test_a_snapshot_of_other_records_is_refused():
    snapshot = Collection(RecordType(Thing), "name").snapshot()

    with pytest.raises(TypeError, match="expected a snapshot of Thing records"):
        list(PROJECTION.pieces(snapshot))
