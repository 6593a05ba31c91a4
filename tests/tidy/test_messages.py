"""Rule: a message is frozen all the way down, so that actors can share it by reference and nobody can change it."""

# msgspec's `frozen` guards the fields, not what they hold: a frozen struct with a list in it is still shared state.
# So each declared field must be of an immutable type too: scalars, enums, tuples and frozen sets of such, other
# frozen structs. A mapping is a tuple of pairs.
# What is only ever packed into records (libactor.records) is no message: it is bytes that cross, and stay. Tuples
# would not do there: a document that may be anything is decoded into dicts and lists, and a projection writes an
# object from a map alone. All else there is tuples and frozen structs already.
# That is what the declarations say. What counts is that the runtime takes them for what they say: it must be able to
# prove each of them immutable, or it would look through every instance that is sent.

import ast
import datetime
import enum
import importlib
import types
import typing
import uuid
from collections.abc import Iterator

import msgspec

from libactor._core.values import is_shared

from .source_tree import Module, read_packages

SCALARS = (str, int, float, bool, bytes, type(None), uuid.UUID, datetime.datetime, datetime.timedelta)
SCALARS += (msgspec.UnsetType,)
CONTAINERS = (tuple, frozenset)
PACKED = ("mesoslite.model.records", "mesoslite.model.task_records")
# Nor is what an actor alone has, and sends nobody: a struct only because the collector passes it over.
KEPT = tuple(
    [f"mesoslite.master.{name}" for name in ("tasks", "agent_entry", "observer", "portions", "brought", "arrivals")]
)


def is_immutable(hint: object) -> bool:
    """Say whether every value that the annotation ``hint`` allows is immutable all the way down."""
    if isinstance(hint, typing.NewType):
        return is_immutable(hint.__supertype__)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return True
    if origin is typing.Annotated:
        return is_immutable(arguments[0])
    if origin in (typing.Union, types.UnionType) or origin in CONTAINERS:
        return bool(arguments) and all(entry is Ellipsis or is_immutable(entry) for entry in arguments)
    if origin is not None:  # such as a snapshot of records
        return is_shared(origin)
    if not isinstance(hint, type):
        return hint is None
    if issubclass(hint, msgspec.Struct):
        return hint.__struct_config__.frozen  # its own fields are checked where it is defined
    return hint in SCALARS or issubclass(hint, enum.Enum) or is_shared(hint)  # such as an end of a pipe


def faults(struct: type[msgspec.Struct]) -> Iterator[str]:
    """Yield what makes ``struct`` mutable, each with what to do."""
    name = f"{struct.__module__}.{struct.__qualname__}"
    if not struct.__struct_config__.frozen:
        yield f"{name} is not frozen; say msgspec.Struct, frozen=True"
    hints = typing.get_type_hints(struct, include_extras=True)
    for field in struct.__struct_fields__:
        if not is_immutable(hints[field]):
            yield f"{name}.{field} is {hints[field]}, which can change; use tuples, frozensets, scalars, frozen structs"


def defines_structs(module: Module) -> bool:
    if module.name in PACKED + KEPT:
        return False
    names = (node for node in ast.walk(module.tree) if isinstance(node, (ast.Name, ast.Attribute)))
    return any(getattr(node, "attr", getattr(node, "id", "")) == "Struct" for node in names)


def structs_of(module: Module) -> list[type[msgspec.Struct]]:
    """Return the structs that are defined in ``module``, which is imported for it."""
    values = vars(importlib.import_module(module.name)).values()
    classes = [value for value in values if isinstance(value, type) and issubclass(value, msgspec.Struct)]
    return [struct for struct in classes if struct.__module__ == module.name]


def test_every_message_is_immutable_all_the_way_down():
    structs = [struct for module in read_packages() if defines_structs(module) for struct in structs_of(module)]

    found = [line for struct in structs for line in faults(struct)]

    assert structs, "no message was found, so nothing was checked; look at defines_structs"
    assert not found, "\n".join(found)


def test_the_runtime_proves_every_message_immutable():
    structs = [struct for module in read_packages() if defines_structs(module) for struct in structs_of(module)]

    unproven = [f"{struct.__module__}.{struct.__qualname__}" for struct in structs if not is_shared(struct)]

    assert not unproven, "the runtime would look through each of these that is sent; what do their fields declare?"


class Point(msgspec.Struct, frozen=True):
    x: int
    tags: tuple[str, ...] = ()


class Thawed(msgspec.Struct):
    x: int


def test_a_mutable_field_is_caught_however_deep():
    good = [
        int,
        "str | None",
        tuple[str, ...],
        frozenset[int],
        tuple[tuple[str, int], ...],
        Point | None,
        uuid.UUID,
    ]
    bad = [
        list,
        list[int],
        dict[str, int],
        set[str],
        tuple,
        tuple[list[int], ...],
        Point | list[int],
        object,
        Thawed,
    ]

    assert all(is_immutable(eval(hint) if isinstance(hint, str) else hint) for hint in good)
    assert not any(is_immutable(hint) for hint in bad)


class Holder(msgspec.Struct, frozen=True):
    point: Point
    thawed: Thawed | None = None


class Deep(msgspec.Struct, frozen=True):
    holders: tuple[tuple[Holder, ...], ...]


def test_a_mutable_struct_behind_frozen_ones_is_caught():
    assert is_shared(Point)
    assert not is_shared(Holder)
    assert not is_shared(Deep)


def test_a_struct_that_is_not_frozen_is_caught():
    assert list(faults(Point)) == []
    assert len(list(faults(Thawed))) == 1
