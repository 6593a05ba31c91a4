"""Layouts: what an object of a dataclass, struct or named tuple consists of, and where that lies."""

# Who calls: libactor/_core/values.py, once for each class it meets; both cores copy by what comes out.
# A copy has the state of the original, slots and `__dict__`, and no code of its class has run to make it: neither
#   __init__ nor __post_init__, no setter, no getter. So a frozen class is as easy as any other.
# Structs are msgspec's. The core does not import msgspec: where nobody has imported it, there are no structs.
# Rejected: getattr and the constructor (a __post_init__ that counts, checks or opens something did so for each copy).

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any, NamedTuple, cast


class Layout(NamedTuple):
    """What an object of ``kind`` consists of. csrc/objects.c reads the fields by their order."""

    kind: type
    slots: tuple[MemberDescriptorType, ...]
    state: GetSetDescriptorType | None  # gives the __dict__ of an instance; None: it has none
    items: bool  # it is a tuple, which has items instead of slots
    frozen: bool  # one whose parts all pass themselves passes itself
    shallow: Callable[[Any], Any] | None  # makes a shallow copy; None: an empty object will do


def find_layout(kind: type) -> Layout | None:
    """What an object of ``kind`` consists of; None if that cannot be told."""
    state = _state_of(kind)
    if state is None and kind.__dictoffset__:
        return None
    if issubclass(kind, tuple):
        return Layout(kind, (), state, True, state is None, None) if hasattr(kind, "_fields") else None
    if is_struct(kind):
        slots = tuple([slot for slot in _slots_of(kind) if slot.__name__ in cast(Any, kind).__struct_fields__])
        return Layout(kind, slots, state, False, is_frozen(kind), _shallow_struct(kind))
    # If it makes its objects another way it is also a list, say, and its fields are not all there is.
    if dataclasses.is_dataclass(kind) and kind.__new__ is object.__new__:
        return Layout(kind, _slots_of(kind), state, False, is_frozen(kind), None)
    return None


def read_slots(value: Any, layout: Layout) -> list[list[Any]]:
    """What stands in each slot of ``value``, in a list that is empty if it is not set."""
    return [_read_slot(slot, value) for slot in layout.slots]


def field_names(kind: type) -> tuple[str, ...] | None:
    """Names of the fields of a dataclass or struct class; None for any other class."""
    if dataclasses.is_dataclass(kind):
        return tuple(field.name for field in dataclasses.fields(kind))
    return cast(Any, kind).__struct_fields__ if is_struct(kind) else None


def is_frozen(kind: type) -> bool:
    """Whether the fields of this dataclass or struct class cannot be assigned to."""
    if dataclasses.is_dataclass(kind):  # a class derived from it without the decorator is as open as any other
        return "__dataclass_params__" in vars(kind) and bool(kind.__dataclass_params__.frozen)  # type: ignore[attr-defined]
    return bool(cast(Any, kind).__struct_config__.frozen)


def is_struct(kind: type) -> bool:
    """Whether instances of ``kind`` are structs of msgspec."""
    return issubclass(kind, getattr(sys.modules.get("msgspec"), "Struct", ()))  # () while msgspec is being imported


def is_unset(kind: type) -> bool:
    """Whether ``kind`` is the class of msgspec's UNSET, which is its only instance."""
    return kind is getattr(sys.modules.get("msgspec"), "UnsetType", None)


def _read_slot(slot: MemberDescriptorType, value: Any) -> list[Any]:
    try:
        return [slot.__get__(value)]
    except AttributeError:
        return []


def _slots_of(kind: type) -> tuple[MemberDescriptorType, ...]:
    entries = [entry for base in kind.__mro__ if "__slots__" in vars(base) for entry in vars(base).values()]
    return tuple([entry for entry in entries if isinstance(entry, MemberDescriptorType)])


def _state_of(kind: type) -> GetSetDescriptorType | None:
    """What gives the ``__dict__`` of an instance; None if it has none, or if the class hides it behind its own."""
    entries = [vars(base).get("__dict__") for base in kind.__mro__]
    return next((entry for entry in reversed(entries) if isinstance(entry, GetSetDescriptorType)), None)


def _shallow_struct(kind: type) -> Callable[[Any], Any]:
    """msgspec's own ``__copy__``, which does not call ``__post_init__``."""
    copies: list[Callable[[Any], Any]] = [vars(base)["__copy__"] for base in kind.__mro__ if "__copy__" in vars(base)]
    return copies[-1]
