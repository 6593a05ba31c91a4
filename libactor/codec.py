"""The wire codec: one value to bytes and back, with its types and its aliases."""

# Who calls: libactor/transport, with what goes to other hosts and comes from there; libactor/debugging.py, which sends
#   every value through it to show what would not arrive elsewhere; the network of libactor.testing.
# The walk is the core's (_core/_pack.py, _core/_unpack.py and their twins in C), for all that is common. This file has
#   the policy: what may be written, and how what is rare is taken apart and made.
# A value is written as a tree that msgpack knows: scalars as they are, everything else as [code, part, ...]. Whoever
#   reads gets the types that were written, where msgspec's own forms keep none: a tuple is no list, a set no list.
# Aliases: containers and objects are numbered in the order in which they are finished, the same for writer and reader;
#   one met again is ["again", number]. There are no cycles: what is written was passed by value before.
# Classes are written by name and looked up in modules that are imported already; reading imports nothing, and makes
#   instances of dataclasses, structs, named tuples, enums and exceptions only.
# What only works here, in this process (futures, Shared and classes declared immutable), is written as its place in
#   `local`, and whoever calls decides what to say about it.
# What is read may come from a stranger, or from a peer who means us harm. 1. Bytes are looked at before anything is
#   made of them (_core/_packed.py).    2. Each part has to be of the very type that it is written with (forms.py).
#   3. Keys that were chosen to have one hash are refused, and so is what would be endless once it is walked through,
#   since parts of it are met again and again.    4. Whatever goes wrong, in the code of a user's class as well, is
#   NotDecodable.
# What of a class runs: __post_init__ of structs, __hash__ and __eq__ of what is a key, _missing_ of flags, in the end
#   __del__; nothing else. What a class holds is not compared with what its fields are declared as.
# Rejected: msgspec's enc_hook and ext_hook: it never asks about types that it knows, tuples and dates among them. A
#   tree of lists that msgspec then encodes: ten to fifty times as slow as pickle, by the lists and their collection.

from __future__ import annotations

import enum
import functools
import sys
from collections.abc import Iterable
from types import MemberDescriptorType, ModuleType
from typing import Any, Protocol, cast

import msgspec

from libactor._core._impl import check_packed, pack, unpack
from libactor._core._unpack import Find
from libactor._core.errors import NotPassable
from libactor._core.exceptions import build_exception, exception_parts
from libactor._core.layouts import Layout, field_names, find_layout, is_struct, read_slots
from libactor._core.values import DEPTH_MAX
from libactor.forms import CONTAINERS, PLAIN, Form, NotDecodable, NotEncodable, set_of
from libactor.pid import PID

__all__ = ["NotDecodable", "NotEncodable", "Reader", "Writer", "find_class", "name_of", "parts_of", "round_trip"]

SCALARS = (str, bytes, float, bool, type(None))
NESTING_MAX = 3 * DEPTH_MAX + 20  # an object is three arrays deep
CLASSES_MAX = 1000  # whose layouts are kept
AGAIN_MAX = 10_000_000  # values, of those that are met again, each time with all that is in them


class Writer:
    """Writes values, each of which was passed by value before. ``pids`` and ``local`` gather what is not written."""

    def __init__(self) -> None:
        self.pids: dict[tuple[str, str], PID[Any]] = {}
        self.local: list[Any] = []
        self._orders: dict[int, tuple[Any, list[Any]]] = {}  # id -> set, and its items in order; of one value

    def encode(self, value: Any) -> bytes:
        """The bytes of ``value``. Raises: NotEncodable."""
        self._orders = {}
        return self._encode(value)

    def _encode(self, value: Any) -> bytes:
        try:
            return pack(value, NESTING_MAX, NotEncodable, _plan_to_write, self._apart)
        except UnicodeEncodeError:
            raise NotEncodable("a str holds half a surrogate pair, which UTF-8 has not; pass it as bytes") from None

    def _apart(self, value: Any) -> tuple[list[Any], bool]:
        """The code of ``value`` and what it consists of; and whether it may be met again."""
        kind = type(value)
        if kind in PLAIN:
            code, apart, _ = PLAIN[kind]
            return [code, *apart(value)], False
        return self._apart_of_compound(kind, value), True

    def _apart_of_compound(self, kind: type, value: Any) -> list[Any]:
        if kind in _CONTAINERS:
            code, apart, _ = _CONTAINERS[kind]
            return [code, *(self._ordered(value) if kind in _SETS else apart(value))]
        if kind is PID:
            self.pids[value.id, value.address] = value
            return ["pid", value.id, value.address]
        if issubclass(kind, type):
            return ["class", *name_of(value)]
        if issubclass(kind, enum.Enum):
            return ["enum", *name_of(kind), value.value if isinstance(value, enum.Flag) else value.name]
        if issubclass(kind, BaseException):
            if not issubclass(kind, Exception):
                raise NotEncodable(f"a {kind.__qualname__} would end the program that reads it; send an Exception")
            return ["exception", *name_of(kind), *exception_parts(value)]
        self.local.append(value)
        return ["local", len(self.local) - 1]

    def _ordered(self, value: Iterable[Any]) -> list[Any]:
        """The items of a set in an order that is the same for equal sets. Each set is brought into order once: sets in
        sets would take twice as long for each that is around them."""
        if id(value) not in self._orders:
            self._orders[id(value)] = value, sorted(value, key=self._rank)
        return self._orders[id(value)][1]

    def _rank(self, item: Any) -> bytes:
        """Where ``item`` stands in a set: its bytes, whatever else is written."""
        writer = Writer()
        writer._orders = self._orders
        return writer._encode(item)


def _plan_to_write(kind: type) -> tuple[bytes, Layout] | None:
    """How objects of ``kind`` begin, and what they consist of; None if they are none of a layout."""
    if kind in PLAIN or kind in _CONTAINERS or kind is PID or issubclass(kind, (type, enum.Enum, BaseException)):
        return None
    layout = _layout_of(kind)
    return None if layout is None else (_head_of(*name_of(kind)), layout)


@functools.lru_cache(maxsize=CLASSES_MAX)
def _head_of(module: str, name: str) -> bytes:
    """An object is an array of five: its form, two names, a list of parts and a dict of attributes."""
    return b"\x95" + b"".join(map(msgspec.msgpack.encode, ("object", module, name)))


class Names(Protocol):
    """Where PIDs come from, by id and address."""

    def __getitem__(self, name: tuple[str, str], /) -> PID[Any]: ...


class Reader:
    """Reads what a Writer wrote; ``pids`` and ``local`` are as the Writer gathered them, or stand for that."""

    def __init__(self, pids: Names, local: list[Any]) -> None:
        self._pids = pids
        self._local = local

    def decode(self, data: bytes) -> Any:
        """The value whose bytes are ``data``, whoever wrote them. Raises: NotDecodable."""
        try:
            check_packed(data, NESTING_MAX)
        except (TypeError, ValueError) as error:
            raise NotDecodable(f"cannot be read: {_plain(error)}") from error
        try:
            return unpack(data, NESTING_MAX, AGAIN_MAX, NotDecodable, _plan_to_read, self._make)
        except NotDecodable:
            raise
        except UnicodeDecodeError as error:
            raise NotDecodable(f"cannot be read: {_plain(error)}") from error
        except Exception as error:  # of classes that check what they are given, ours and those of users
            raise NotDecodable(f"cannot be made of what was sent ({type(error).__name__}: {_plain(error)})") from error

    def _make(self, code: str, parts: list[Any]) -> tuple[Any, bool]:
        """The value of the form ``code``, and whether it may be met again."""
        make = _READ.get(code)
        if make is not None:
            return make(parts), code not in _PLAIN_CODES
        if code == "local":
            if not self._local:
                raise NotDecodable("a value that only works in the process it is of")
            return self._local[_place(parts, len(self._local))], True
        if len(parts) < 2 or type(parts[0]) is not str or type(parts[1]) is not str:
            raise NotDecodable(f"the form {code!r:.40} is not known, or not given two names; let both run one release")
        return self._make_named(code, *parts), True

    def _make_named(self, code: str, first: str, second: str, /, *parts: Any) -> Any:
        if code == "pid":
            return self._pids[first, second]
        kind = find_class(first, second)
        if code == "class" and not parts:
            return kind
        if code == "enum":
            return _member(kind, *parts)
        if code == "exception":
            return _build_error(kind, *parts)
        if code == "object":
            raise ValueError(f"a {kind.__qualname__} was sent with {len(parts)} parts, expected two")
        raise NotDecodable(f"the form {code!r:.40} is not known; let both run the same release")


def _plan_to_read(module: str, name: str) -> Find:
    """What has to be known of a class whose objects are read. Raises: LookupError."""
    kind = find_class(module, name)
    plan = _plans.get(kind)
    if plan is None:
        plan = _new_plan(kind)
        if len(_plans) >= CLASSES_MAX:
            _plans.clear()
        _plans[kind] = plan
    return plan


def _new_plan(kind: type) -> Find:
    layout = _layout_of(kind)
    if layout is None:
        raise LookupError(f"{kind.__module__}.{kind.__qualname__} is no dataclass, struct or named tuple")
    if layout.items:
        return Find(layout, len(cast(Any, kind)._fields), (), False)
    if is_struct(kind):  # as msgspec does when it decodes: with __post_init__
        return Find(layout, len(layout.slots), tuple([slot.__name__ for slot in layout.slots]), True)
    return Find(layout, len(layout.slots), field_names(kind) or (), False)


_layouts: dict[type, Layout] = {}  # of classes that were met; at most CLASSES_MAX
_plans: dict[type, Find] = {}  # of those of them that were read


def _layout_of(kind: type) -> Layout | None:
    """As find_layout, which looks through all that the class has."""
    layout = _layouts.get(kind)
    if layout is None:
        layout = find_layout(kind)
        if layout is not None:
            if len(_layouts) >= CLASSES_MAX:
                _layouts.clear()
            _layouts[kind] = layout
    return layout


def round_trip(value: Any, place: str, remedy: str) -> tuple[Any, list[Any]]:
    """``value`` as it comes back from the wire, and what of it went by reference, since it only works here.

    Raises: NotPassable, naming ``place`` and ending with ``remedy``, if it cannot be encoded or comes back different.
    """
    writer = Writer()
    try:
        data = writer.encode(value)
        made = Reader(writer.pids, writer.local).decode(data)
        again = Writer().encode(made)
    except NotEncodable as error:
        raise NotPassable(f"{place}: {error}, {remedy}") from error
    except NotDecodable as error:
        raise NotPassable(f"{place}: {error}; let the class take back what its objects hold, {remedy}") from error
    if again != data:
        raise NotPassable(
            f"{place}: comes back from the wire as something else; let a __post_init__ keep what it is given, {remedy}"
        )
    return made, writer.local


def describe_error(data: bytes) -> str | None:
    """Class and text of an error that cannot be made here, as far as they are plain; None if ``data`` is no error."""
    check_packed(data, NESTING_MAX)
    tree = msgspec.msgpack.decode(data)
    if type(tree) is not list or len(tree) != 7 or tree[0] != "exception" or type(tree[2]) is not str:
        return None
    args = next((part[1:] for part in (tree[4], tree[3]) if type(part) is list and part[:1] == ["tuple"]), [])
    text = ", ".join(str(part) if type(part) in (*SCALARS, int) else "..." for part in args)
    return f"{tree[2]}: {text}" if text else tree[2]


def name_of(kind: type) -> tuple[str, str]:
    """Module and name of a class. Raises: NotEncodable if the class is not what is found there."""
    try:
        found = find_class(kind.__module__, kind.__qualname__)
    except LookupError:
        found = None
    if found is not kind:
        raise NotEncodable(
            f"the class {kind.__module__}.{kind.__qualname__} is not found by its name; define it at the top of its "
            "module"
        )
    return kind.__module__, kind.__qualname__


def find_class(module: str, name: str) -> type:
    """The class of that name. Raises: LookupError if its module was not imported or does not have it.

    No code of the module runs: what it would make when it is asked for is not there.
    """
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = vars(found).get(part) if isinstance(found, (ModuleType, type)) else None
    if not isinstance(found, type):
        raise LookupError(
            f"{module:.100}.{name:.100} is no class of an imported module; import it where it is read, from a module "
            "that both programs import: a main script is __main__ in its own program, and in no other"
        )
    return found


def parts_of(value: Any, layout: Layout) -> tuple[list[Any], dict[str, Any]]:
    """The items, or what stands in each slot as a list of one or none, and the ``__dict__`` of ``value``."""
    parts = list(tuple.__iter__(value)) if layout.items else read_slots(value, layout)
    return parts, dict(layout.state.__get__(value)) if layout.state is not None else {}


def _build_error(kind: type, arguments: Any, args: Any, attributes: Any, rest: Any) -> BaseException:
    if not issubclass(kind, Exception):
        raise TypeError(f"{kind.__qualname__} is no Exception")  # SystemExit and its like would end who reads them
    _check_names(attributes)
    _check_names(rest)
    for name in rest:
        if not any(isinstance(vars(base).get(name), MemberDescriptorType) for base in kind.__mro__):
            raise ValueError(f"{kind.__qualname__} has no place for {name!r:.40}")
    return build_exception(kind, arguments, args, attributes, rest)


def _member(kind: type, value: Any) -> Any:
    """A member of an enumeration by its name, or flags by their value: only those that have names, as the others
    would be remembered for ever by the class, each that was ever asked for."""
    if not issubclass(kind, enum.Enum):
        raise TypeError(f"{kind.__qualname__} is no Enum")
    if not issubclass(kind, enum.Flag):
        return kind[value]
    if type(value) is not int or value & ~cast(Any, kind)._flag_mask_:
        raise ValueError(f"{kind.__qualname__} does not name all flags that were sent")
    return kind(value)


def _plain(error: Exception) -> str:
    """The text of ``error``, in which there may be anything that was sent, as it may stand in a log."""
    text = f"{error!s:.300}"
    return text if text.isprintable() else ascii(text)


def _check_names(state: Any) -> None:
    if type(state) is not dict or any(type(name) is not str for name in state):
        raise TypeError(f"attributes are a {type(state).__name__}, expected a dict from text")


def _place(parts: list[Any], count: int) -> int:
    """The one part, which numbers one of ``count``."""
    if len(parts) != 1 or type(parts[0]) is not int or not 0 <= parts[0] < count:
        raise NotDecodable(f"a number that stands for one of {count} parts, and does not")
    return parts[0]


_SETS: dict[type, Form] = {  # whose items the Writer brings into an order
    set: ("set", list, set_of(set)),
    frozenset: ("frozenset", list, set_of(frozenset)),
}
_CONTAINERS = CONTAINERS | _SETS  # what may be met again
_READ = {code: make for table in (PLAIN, _CONTAINERS) for code, _, make in table.values()}
_PLAIN_CODES = frozenset(code for code, _, _ in PLAIN.values())
