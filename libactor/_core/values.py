"""Passing by value: what crosses from one actor to another is shared only when nobody can change it."""

# Who calls: every dispatch, tell, post and result (libactor/messages.py, libactor/events.py).
# Rules: 1. what is deeply immutable goes by reference: scalars, frozen structs and dataclasses all of whose declared
#   fields are immutable (decided once per class), (named) tuples and frozensets that turn out to hold only such
#   values.    2. list, dict, set, bytearray, deque, exceptions and other dataclasses and structs are copied; two
#   references to one object inside a message stay two references to one copy; a cycle is an error.
#   3. move(x) hands over x itself (libactor/owned.py).    4. everything else is an error that names the argument.
# This file holds the policy: the plan for each type. The walk is the core's: _values.py, and its twin in C.
# Rejected: copy.deepcopy (10 to 20 times slower on containers, and takes locks and sockets along silently).

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import pathlib
import types
import typing
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

from libactor._core._impl import CYCLE, MOVED, REFUSED, SHARED, TOO_DEEP, UNKNOWN, Moved, ValueCopier, configure
from libactor._core._values import CONTAINERS
from libactor._core.errors import NotPassable
from libactor._core.exceptions import fresh_exception
from libactor._core.layouts import field_names, find_layout, is_frozen, is_unset

if typing.TYPE_CHECKING:
    from libactor._core._values import Plan

T = TypeVar("T")
DEPTH_MAX = 100  # nesting of one value; far beyond any message, far below the interpreter's stack


# Exact types that nobody can change. Classes of other modules join by register_immutable (PIDs, futures).
_IMMUTABLE: tuple[type, ...] = (
    int, float, complex, bool, str, bytes, type(None), type(Ellipsis), type, range, slice,
    decimal.Decimal, fractions.Fraction, uuid.UUID, datetime.datetime, datetime.date, datetime.time,
    datetime.timedelta, datetime.timezone, pathlib.PurePosixPath, pathlib.PosixPath, pathlib.PureWindowsPath,
)  # fmt: skip

_registered: set[type] = set()  # that register_immutable was told of: nobody looks inside
_plans: dict[type, Plan] = {Moved: MOVED, **dict.fromkeys(_IMMUTABLE, SHARED)}  # grows as types are met


def register_immutable(kind: type) -> None:
    """Declare that instances of ``kind`` never change, or change only through thread-safe methods.

    Raises: TypeError for what is no class, and for a built-in container: what it holds decides.
    """
    if not isinstance(kind, type):
        raise TypeError(f"register_immutable: got {kind!r}, expected a class")
    if kind in CONTAINERS:
        raise TypeError(
            f"register_immutable: got {kind.__qualname__}, expected no built-in container, since what one holds "
            "decides whether it is copied; hand it over with move() or Shared()"
        )
    _registered.add(kind)
    _plans[kind] = SHARED


def is_registered(kind: type) -> bool:
    """Whether ``kind`` goes by reference because somebody said so, and not because it was proven."""
    return kind in _registered


def is_shared(kind: type) -> bool:
    """Whether every instance of ``kind`` goes by reference. Containers are asked about by what they hold."""
    return kind not in CONTAINERS and (_plans.get(kind) == SHARED or _find_plan(kind) == SHARED)


def register_copy(kind: type[T], copy: Callable[[T], T]) -> None:
    """Declare that ``copy`` makes what the receiver of an instance of ``kind`` gets."""
    _plans[kind] = copy


def make_copier(kind: type[ValueCopier]) -> ValueCopier:
    """A copier of either core that goes by the plans of this module."""
    return kind(_plans, _find_plan, _refusal, DEPTH_MAX)


def _refusal(reason: int, kind: type, where: str, details: tuple[object, ...]) -> NotPassable:
    problem = {
        TOO_DEEP: f"nested more than {DEPTH_MAX} deep; flatten it or pass it with move()",
        CYCLE: f"a {kind.__qualname__} contains itself; messages must be free of cycles",
        UNKNOWN: f"{kind.__module__}.{kind.__qualname__} {_refusal_unknown(kind)}",
    }[reason]
    return NotPassable(f"{where % details}: {problem}")


def _refusal_unknown(kind: type) -> str:
    """Why an instance of ``kind`` cannot cross, and what to pass instead."""
    for container in CONTAINERS:
        if issubclass(kind, container):
            name = container.__name__
            remedy = f"pass {name}(x), or move() it within one host"
            return f"is a subclass of {name}, of which a copy might lose something; {remedy}"
    if kind is types.CoroutineType:
        return "was not awaited; await it, and pass what comes of it"
    remedy = "pass bytes(x)" if kind is memoryview else "pass plain data"
    return (
        f"is neither immutable nor a container, dataclass or struct that can be copied; {remedy}, or hand the object "
        "over with move() within one host"
    )


def _find_plan(kind: type) -> Plan:
    """How instances of ``kind``, which is in no table yet, pass; kept, except for a refusal."""
    assumed: set[type] = set()
    if _prove(kind, assumed):
        _plans.update(dict.fromkeys(assumed, SHARED))
        return SHARED
    plan = _find_layout(kind)
    if plan is not REFUSED:
        _plans[kind] = plan
    return plan


def _find_layout(kind: type) -> Plan:
    """How instances of ``kind``, which is not proven immutable, are copied; REFUSED if they cannot be."""
    if issubclass(kind, BaseException):
        return _pass_exception
    layout = find_layout(kind)
    return REFUSED if layout is None else layout


def _pass_exception(value: BaseException) -> BaseException:
    return fresh_exception(value).with_traceback(value.__traceback__)


def _prove(kind: type, assumed: set[type]) -> bool:
    """Prove that ``kind`` is an enum, a metaclass, msgspec's UNSET, or frozen with only immutable declared fields.

    Grants that the classes in ``assumed`` hold, and adds to them: one that refers to itself is no obstacle.
    """
    if _plans.get(kind) == SHARED or kind in assumed:
        return True
    if issubclass(kind, (enum.Enum, type)) or is_unset(kind):
        assumed.add(kind)
        return True
    if field_names(kind) is None or not is_frozen(kind):
        return False
    try:
        hints = typing.get_type_hints(kind)
    except Exception:  # reading one runs it: NameError, if it is declared under TYPE_CHECKING only, or anything else
        return False  # nothing is proven, each instance is looked through
    assumed.add(kind)
    return all(_declares_immutable(hints.get(name), assumed) for name in field_names(kind) or ())


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
        return _plans.get(origin) == SHARED
    return isinstance(hint, type) and _prove(hint, assumed)


_copier = make_copier(ValueCopier)
configure(copier=_copier)

# What the receiver gets for a value, and for the arguments of a call. Cost: one look-up for scalars and for instances
# of proven classes; O(size) otherwise. Raises: NotPassable for what can be neither shared nor copied, for cycles and
# for nesting beyond DEPTH_MAX; it names the place, as in by_value(x, "argument %d of %s", 2, "Counter.add").
by_value = _copier.by_value
all_by_value = _copier.all_by_value
watch_values = _copier.watch  # (passed, delivered): see libactor/debugging.py
