"""Whoever uses records wrongly is told what was wrong, and what was expected."""

import enum
from typing import Any

import msgspec
import pytest

from libactor.records import Collection, JsonWriter, Projection, RecordType
from libactor.records.projection import (
    Choice,
    Const,
    Each,
    Field,
    Groups,
    IfEquals,
    IfThere,
    Key,
    Object,
    Tally,
    Within,
)


class State(enum.Enum):
    ON = 1


class Item(msgspec.Struct, array_like=True, frozen=True):
    id: str
    n: int = 0
    tags: tuple[str, ...] = ()
    state: State = State.ON


ITEM = RecordType(Item)
WRONG: Any = "n"
writer_class: Any = JsonWriter


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        (lambda: Object(Key("id", WRONG)), "got 'n' in Item, expected a value such as Field"),
        (lambda: Object(Key("id", Field)), "expected a value such as Field"),  # the class
        (lambda: Each("tags", WRONG), r"got 'n' in Item.tags\[\], expected a value such as Field"),
        (lambda: Object(Key(5, Field("id"))), "got key 5 in Item, expected a text"),
        (lambda: Choice("state", {"ON": 5}), r"Item.state is Enum; .* names that are texts; that of 'ON' is 5"),
        (lambda: Choice("state", {"ON": None}), r"Item.state is Enum; .* names that are texts; that of 'ON' is None"),
        (lambda: Const(object()), "which has no form in JSON"),
        (lambda: Const("\ud800"), "which has no form in JSON"),
        (lambda: Object(Key("\ud800", Field("id"))), "which has no form in JSON"),
        (lambda: Object(IfThere("n", WRONG)), "got 'n' in Item, expected a member such as Key"),
        (
            lambda: Object(IfThere("n", otherwise=Key("a", Const(1)))),
            "got otherwise=Key.*, expected a tuple of",
        ),
    ],
)
def test_tables_that_are_none_are_refused(table, complaint):
    with pytest.raises(TypeError, match=complaint):
        Projection(ITEM, table())


def test_tables_show_what_they_are_made_of():
    table = Object(IfEquals("n", 1, Key("id", Field("id"))), Within("a", Key("b", Const(None))))

    assert repr(table) == (
        "Object(IfEquals('n', Key(name='id', value=Field(name='id'))), "
        "Within('a', Key(name='b', value=Const(value=None))))"
    )
    assert repr(Tally("used", name="name", scalar="scalar")) == "Tally('used')"
    assert repr(Groups("a", "b", Field())) == "Groups(name='a', group='b', value=Field(name=''), but=None)"
    assert repr(JsonWriter()) == "<JsonWriter, 0 bytes to be taken>"


@pytest.mark.parametrize(
    ("act", "complaint"),
    [
        (lambda: RecordType(Item, hot=5), "got hot fields 5, expected a tuple"),
        (lambda: Collection(ITEM, 5), "got key 5, expected the name of a field"),
        (lambda: Collection(ITEM, "n"), "^Collection: Item by 'n': field 'n' cannot be a key, expected a text that"),
        (lambda: Collection(ITEM, ("id", "id")), "got key .'id', 'id'., expected each field once; 'id' is there twice"),
        (lambda: list(Projection(ITEM, Field("id")).pieces(Collection(ITEM, "id").snapshot(), part=WRONG)), "whole"),
        (lambda: JsonWriter().records(Collection(ITEM, "id").snapshot(), WRONG), "got 'n', expected a Projection"),
        (lambda: writer_class([].append), r"^JsonWriter\.__new__\(\) takes 1 positional argument but 2 were given$"),
        (lambda: RecordType(msgspec.defstruct("X", [("a", complex)], array_like=True)), "X.a .* msgpack: complex"),
        (lambda: RecordType(msgspec.defstruct("X", [("a", "Nope")], array_like=True)), "X is no type that .*'Nope'"),
    ],
)
def test_arguments_of_the_wrong_type_are_refused(act, complaint):
    with pytest.raises(TypeError, match=complaint):
        act()
