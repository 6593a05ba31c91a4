"""Passing by value: what crosses from one actor to another is shared only when nobody can change it."""

# Who calls: every dispatch, tell, post and result (libactor/messages.py, libactor/events.py).
# Rules: 1. what is deeply immutable goes by reference: scalars, frozen structs and dataclasses all of whose declared
#   fields are immutable (decided once per class), (named) tuples and frozensets that turn out to hold only such
#   values.    2. list, dict, set, bytearray, deque, exceptions and other dataclasses and structs are copied; two
#   references to one object inside a message stay two references to one copy; a cycle is an error.
#   3. move(x) hands over x itself.    4. everything else is an error that names the argument.
# Structs are told by their attributes (`__struct_fields__`), so that the core needs no library for them.
# Rejected: copy.deepcopy (15 times slower, copies what need not be copied, and takes locks and sockets along silently).

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import fractions
import operator
import pathlib
import types
import typing
import uuid
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from libactor._core.errors import NotPassable
from libactor._core.exceptions import fresh_exception

T = TypeVar("T")
DEPTH_MAX = 100  # nesting of one value; far beyond any message, far below the interpreter's stack

# Exact types that nobody can change. Classes of other modules join by register_immutable (PIDs, futures).
_IMMUTABLE: set[type] = {
    int, float, complex, bool, str, bytes, type(None), type(Ellipsis), type, range, slice,
    decimal.Decimal, fractions.Fraction, uuid.UUID, datetime.datetime, datetime.date, datetime.time,
    datetime.timedelta, datetime.timezone, pathlib.PurePosixPath, pathlib.PosixPath, pathlib.PureWindowsPath,
}  # fmt: skip


class Moved(Generic[T]):
    """A value on its way: see ``move``."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value


def move(value: T) -> T:
    """Hand ``value`` itself to the receiver instead of a copy; the sender must not touch it again.

    The result is only good as an argument of dispatch, tell, post, defer, delay or as a handler's result.
    """
    return typing.cast(T, Moved(value))


def register_immutable(kind: type) -> None:
    """Declare that instances of ``kind`` never change, or change only through thread-safe methods."""
    _IMMUTABLE.add(kind)


def by_value(value: Any, where: str, *details: object) -> Any:
    """What the receiver gets for ``value``; ``where % details`` names it in the error ("argument 2 of Counter.add").

    Cost: one look-up for scalars and for instances of proven classes; O(size) otherwise.
    Raises: NotPassable for what can be neither shared nor copied, for cycles and for nesting beyond DEPTH_MAX.
    """
    kind = type(value)
    if kind in _IMMUTABLE:
        return value
    if kind is Moved:
        return value.value
    return _Copier(where, details).copy(value, 0)


def all_by_value(values: tuple[Any, ...], name: str) -> tuple[Any, ...]:
    """The arguments of a call of ``name`` as its receiver gets them; see ``by_value``."""
    for value in values:
        if type(value) not in _IMMUTABLE:
            return tuple([by_value(value, "argument %d of %s", i, name) for i, value in enumerate(values, 1)])
    return values


class _Copier:
    """One pass over one value; remembers what it copied, so that aliases stay aliases."""

    def __init__(self, where: str, details: tuple[object, ...]) -> None:
        self._where = where
        self._details = details  # put into `where` only for an error: most values cross without one
        self.copies: dict[int, Any] = {}  # id of an original -> its copy, or _OPEN while it is being made

    def copy(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind in _IMMUTABLE or _is_immutable(kind):
            return value
        if kind is Moved:
            return value.value
        if depth > DEPTH_MAX:
            raise self._refusal(f"nested more than {DEPTH_MAX} deep; flatten it or pass it with move()")
        make = _COPIERS.get(kind) or _find_copier(kind)
        if make is None:
            raise self._refusal(
                f"{kind.__module__}.{kind.__qualname__} is neither immutable nor a container, dataclass or struct that "
                "can be copied; pass plain data, or hand the object over with move()"
            )
        known = self.copies.get(id(value))
        if known is _OPEN:
            raise self._refusal(f"a {kind.__qualname__} contains itself; messages must be free of cycles")
        if known is None:
            self.copies[id(value)] = _OPEN
            known = self.copies[id(value)] = make(self, value, depth + 1)
        return known

    def _refusal(self, problem: str) -> NotPassable:
        return NotPassable(f"{self._where % self._details}: {problem}")


_OPEN = object()


def _find_copier(kind: type) -> Callable[[_Copier, Any, int], Any] | None:
    """How instances of ``kind`` are copied; None if they cannot be."""
    if issubclass(kind, BaseException):
        _COPIERS[kind] = _copy_exception
    elif issubclass(kind, tuple):
        if hasattr(kind, "_fields"):
            _COPIERS[kind] = _copy_tuple
    elif dataclasses.is_dataclass(kind):
        if kind.__new__ is object.__new__:  # else it is also a list, say, and its fields are not all there is
            _COPIERS[kind] = _copy_dataclass
    elif _field_names(kind) is not None:
        _COPIERS[kind] = _copy_struct
    return _COPIERS.get(kind)


def _copy_tuple(copier: _Copier, value: tuple[Any, ...], depth: int) -> tuple[Any, ...]:
    items = [copier.copy(item, depth) for item in value]
    return value if all(map(operator.is_, items, value)) else tuple.__new__(type(value), items)


def _copy_frozenset(copier: _Copier, value: frozenset[Any], depth: int) -> frozenset[Any]:
    originals = list(value)
    items = [copier.copy(item, depth) for item in originals]
    return value if all(map(operator.is_, items, originals)) else frozenset(items)


def _copy_exception(copier: _Copier, value: BaseException, depth: int) -> BaseException:
    return fresh_exception(value).with_traceback(value.__traceback__)


def _copy_dict(copier: _Copier, value: dict[Any, Any], depth: int) -> dict[Any, Any]:
    return {copier.copy(k, depth): copier.copy(v, depth) for k, v in value.items()}


def _copy_list(copier: _Copier, value: list[Any], depth: int) -> list[Any]:
    return [copier.copy(item, depth) for item in value]


def _copy_set(copier: _Copier, value: set[Any], depth: int) -> set[Any]:
    return {copier.copy(item, depth) for item in value}


def _copy_deque(copier: _Copier, value: deque[Any], depth: int) -> deque[Any]:
    return deque((copier.copy(item, depth) for item in value), value.maxlen)


def _copy_bytearray(copier: _Copier, value: bytearray, depth: int) -> bytearray:
    return bytearray(value)


def _copy_struct(copier: _Copier, value: Any, depth: int) -> Any:
    """A copy of a struct; the original where it is frozen and every field is its own copy."""
    kind = type(value)
    state = {name: getattr(value, name) for name in _field_names(kind) or ()}
    fields = {name: copier.copy(entry, depth) for name, entry in state.items()}
    if _is_frozen(kind) and all(fields[name] is state[name] for name in state):
        return value
    return kind(**fields)


def _copy_dataclass(copier: _Copier, value: Any, depth: int) -> Any:
    """As _copy_struct, for a dataclass; what is no field but stands in the __dict__ of one not frozen is copied too."""
    kind = type(value)
    state = {name: getattr(value, name) for name in _field_names(kind) or () if hasattr(value, name)}
    frozen = _is_frozen(kind)
    if not frozen:
        state.update(getattr(value, "__dict__", {}))
    fields = {name: copier.copy(entry, depth) for name, entry in state.items()}
    if frozen and all(fields[name] is state[name] for name in state):
        return value
    made = object.__new__(kind)
    for name, field in fields.items():
        object.__setattr__(made, name, field)
    return made


_COPIERS: dict[type, Callable[[_Copier, Any, int], Any]] = {
    dict: _copy_dict, list: _copy_list, set: _copy_set, deque: _copy_deque, bytearray: _copy_bytearray,
    tuple: _copy_tuple, frozenset: _copy_frozenset,
}  # fmt: skip


def _field_names(kind: type) -> tuple[str, ...] | None:
    """Names of the fields of a dataclass or struct class; None for any other class."""
    if dataclasses.is_dataclass(kind):
        return tuple(field.name for field in dataclasses.fields(kind))
    names = getattr(kind, "__struct_fields__", None)
    return names if isinstance(names, tuple) else None


def _is_frozen(kind: type) -> bool:
    if dataclasses.is_dataclass(kind):  # a class derived from it without the decorator is as open as any other
        return "__dataclass_params__" in vars(kind) and bool(kind.__dataclass_params__.frozen)  # type: ignore[attr-defined]
    return bool(getattr(getattr(kind, "__struct_config__", None), "frozen", False))


_refuted: set[type] = set()  # classes that are known not to be immutable by their declaration


def _is_immutable(kind: type) -> bool:
    """True if ``kind`` is an enum, a metaclass, or frozen with only immutable declared fields; the verdict is kept."""
    if kind in _refuted:
        return False
    assumed: set[type] = set()
    if _prove(kind, assumed):
        _IMMUTABLE.update(assumed)
        return True
    _refuted.add(kind)
    return False


def _prove(kind: type, assumed: set[type]) -> bool:
    """Prove ``kind``, granting that the classes in ``assumed`` hold: one that refers to itself is no obstacle."""
    if kind in _IMMUTABLE or kind in assumed:
        return True
    if issubclass(kind, (enum.Enum, type)):
        assumed.add(kind)
        return True
    if _field_names(kind) is None or not _is_frozen(kind):
        return False
    try:
        hints = typing.get_type_hints(kind)
    except (NameError, AttributeError, TypeError):  # such as declared under TYPE_CHECKING only
        return False  # nothing is proven, each instance is looked through
    assumed.add(kind)
    return all(_declares_immutable(hints.get(name), assumed) for name in _field_names(kind) or ())


def _declares_immutable(hint: Any, assumed: set[type]) -> bool:
    if isinstance(hint, typing.NewType):
        return _declares_immutable(hint.__supertype__, assumed)
    origin = typing.get_origin(hint)
    if origin is typing.Literal:
        return True
    if origin in (typing.Union, types.UnionType, tuple, frozenset):
        arguments = [a for a in typing.get_args(hint) if a is not Ellipsis]
        return all(_declares_immutable(argument, assumed) for argument in arguments)
    if origin is not None:
        return origin in _IMMUTABLE
    return isinstance(hint, type) and _prove(hint, assumed)
