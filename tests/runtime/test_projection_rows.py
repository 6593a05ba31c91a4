"""Arrays of structs of texts, which the C core copies at a go, are written as everything else is."""

# Method: texts of each length around 16, 32 and 64 with what has to be escaped, or is more than one byte, at each
#   place; lengths around the largest one that a row takes; items that are no rows among others; texts that just
#   fit the room there is. The oracles are json, which reads what was written, and
#   the core in Python, which knows no rows.

import json

import msgspec
import pytest

from libactor._core import _projection as twin
from libactor.records import RecordType
from libactor.records.program import finish
from libactor.records.projection import Each, Field, IfThere, Key, Object, Projection


class Label(msgspec.Struct, array_like=True, frozen=True):
    key: str
    value: str | None = None


class Thing(msgspec.Struct, array_like=True, frozen=True):
    labels: tuple[Label, ...]
    name: str = ""
    words: tuple[str, ...] = ()


THING = RecordType(Thing)
LABEL = Object(Key("key", Field("key")), IfThere("value", Key("value", Field("value"))))
TABLE = Object(
    Key("labels", Each("labels", LABEL)),
    Key("words", Each("words", Object(Key("w", Field())))),
    Key("name", Field("name")),
)
PROJECTION = Projection(THING, TABLE)
TWIN = twin.Transcoder(THING, *finish(Thing, TABLE.write))
LENGTHS = [*range(71), *range(250, 261), 65_535, 65_536]


def shown(thing: Thing) -> dict[str, object]:
    labels = [{"key": one.key} | ({} if one.value is None else {"value": one.value}) for one in thing.labels]
    return {"labels": labels, "words": [{"w": word} for word in thing.words], "name": thing.name}


def check(thing: Thing) -> None:
    record = THING.pack(thing)

    text = PROJECTION.render(record)

    assert json.loads(text) == shown(thing)
    assert text == TWIN.render(record)


@pytest.mark.parametrize("mark", ['"', "\\", "\0", "\x1f", "\x7f", "é", "\U0001f600"])
def test_each_place_of_a_text_is_written_as_it_has_to_be(mark):
    for length in LENGTHS[:-2]:
        text = "x" * length
        marked = [text[:place] + mark + text[place:] for place in range(length + 1)]
        check(Thing(tuple([Label(one, marked[-1 - place]) for place, one in enumerate(marked)]), marked[-1]))


@pytest.mark.parametrize("length", LENGTHS)
def test_a_text_of_each_length_may_end_the_record(length):
    check(Thing((Label("k", "v" * length),)))
    check(Thing((Label("k" * length),)))
    check(Thing((Label("k", "v"),), "n" * length))
    check(Thing((), "n", ("w" * length,)))


def test_items_that_are_no_rows_stand_among_others():
    data = msgspec.msgpack.encode(
        [
            [
                ["a"],
                ["b", "2"],
                ["c", None],
                ["d", "4", "more"],
                ["e" * 300, "5"],
                ["f", "6" * 300],
                ["g", '"'],
                ["h", '"' * 300],
                ["i", "9"],
            ]
        ]
    )
    record = THING.read(data)

    text = PROJECTION.render(record)

    assert [one.get("value") for one in json.loads(text)["labels"]] == [
        None, "2", None, "4", "5", "6" * 300, '"', '"' * 300, "9",
    ]  # fmt: skip
    assert text == TWIN.render(record)


@pytest.mark.parametrize("filling", ["x", '"', "\n\0"])
def test_a_text_that_just_fits_the_room_is_whole(filling):
    for count in range(0, 80, 3):
        for length in range(0, 40, 3):
            check(Thing(tuple([Label("k" * (count % 5), filling * length)] * count), "n" * length))


def test_a_first_item_without_a_row_has_no_comma_and_the_next_one_has():
    check(Thing((Label("only"), Label("a", "b"), Label("last"))))


@pytest.mark.parametrize("count", [0, 1, 15, 16, 70_000])
def test_any_number_of_rows_is_written(count):
    check(Thing(tuple([Label(f"k{number}", "v") for number in range(count)])))


@pytest.mark.parametrize("fields", [1, 8, 9])
def test_a_row_of_any_number_of_fields_is_written(fields):
    names = [f"f{number}" for number in range(fields)]
    inner = msgspec.defstruct("Inner", [(name, str) for name in names], array_like=True, frozen=True)
    outer = msgspec.defstruct("Outer", [("items", tuple[inner, ...])], array_like=True, frozen=True)
    kind = RecordType(outer)
    table = Each("items", Object(*[Key(name, Field(name)) for name in names]))
    record = kind.pack(outer((inner(*names), inner(*['"'] * fields))))

    text = Projection(kind, table).render(record)

    assert json.loads(text) == [dict(zip(names, names, strict=True)), dict.fromkeys(names, '"')]


@pytest.mark.parametrize(
    "item",
    [
        Object(Key("value", Field("value")), Key("key", Field("key"))),
        Object(Key("key", Field("key"))),
        Object(IfThere("value", Key("key", Field("key")))),
        Object(IfThere("value", Key("value", Field("value")), otherwise=(Key("none", Field("key")),))),
        Object(Key("key", Field("key")), Key("value", Field("value")), IfThere("value", Key("again", Field("key")))),
        Field("key"),
    ],
)
def test_other_orders_and_other_members_are_written_as_the_table_says(item):
    table = Each("labels", item)
    record = THING.pack(Thing((Label("a", "1"), Label("b"), Label("c", "3"))))

    text = Projection(THING, table).render(record)

    assert text == twin.Transcoder(THING, *finish(Thing, table.write)).render(record)
    assert len(json.loads(text)) == 3
