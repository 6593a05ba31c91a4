"""The wire codec: one value to bytes and back, with its types and its aliases."""

# Who calls: libactor/debugging.py, which sends every value through it to show what would not arrive elsewhere; the
#   network of libactor.testing, with what crosses from host to host.
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
# Rejected: msgspec's enc_hook and ext_hook: it never asks about types that it knows, tuples and dates among them.

from __future__ import annotations

import enum
import sys
from collections.abc import Iterable
from types import MemberDescriptorType, ModuleType
from typing import Any, Protocol, cast

import msgspec

from libactor._core._impl import check_packed
from libactor._core.errors import NotPassable
from libactor._core.exceptions import build_exception, exception_parts
from libactor._core.layouts import Layout, find_layout, is_struct
from libactor._core.values import DEPTH_MAX
from libactor.forms import CONTAINERS, PLAIN, Form, NotDecodable, NotEncodable, set_of
from libactor.pid import PID

__all__ = ["NotDecodable", "NotEncodable", "Reader", "Writer", "find_class", "name_of", "parts_of", "round_trip"]

INTEGERS = range(-(2**63), 2**64)  # those that msgpack has
SCALARS = (str, bytes, float, bool, type(None))
NESTING_MAX = 3 * DEPTH_MAX + 20  # an object is three arrays deep
AGAIN_MAX = 10_000_000  # values, of those that are met again, each time with all that is in them


class Writer:
    """Writes values, each of which was passed by value before. ``pids`` and ``local`` gather what is not written."""

    def __init__(self) -> None:
        self.pids: dict[tuple[str, str], PID[Any]] = {}
        self.local: list[Any] = []
        self._numbers: dict[int, tuple[int, Any]] = {}  # id -> number, and the object, so that the id stays its own

    def encode(self, value: Any) -> bytes:
        """The bytes of ``value``. Raises: NotEncodable."""
        try:
            return msgspec.msgpack.encode(self.tree(value))
        except UnicodeEncodeError:
            raise NotEncodable("a str holds half a surrogate pair, which UTF-8 has not; pass it as bytes") from None

    def tree(self, value: Any) -> Any:
        """``value`` in the types of msgpack."""
        kind = type(value)
        if kind in SCALARS or (kind is int and value in INTEGERS):
            return value
        if id(value) in self._numbers:
            return ["again", self._numbers[id(value)][0]]
        if kind in PLAIN:
            code, apart, _ = PLAIN[kind]
            return [code, *map(self.tree, apart(value))]
        tree = self._tree_of_compound(kind, value)
        self._numbers[id(value)] = len(self._numbers), value
        return tree

    def _tree_of_compound(self, kind: type, value: Any) -> list[Any]:
        if kind in _CONTAINERS:
            code, apart, _ = _CONTAINERS[kind]
            return [code, *map(self.tree, apart(value))]
        if kind is PID:
            self.pids[value.id, value.address] = value
            return ["pid", value.id, value.address]
        if issubclass(kind, type):
            return ["class", *name_of(value)]
        if isinstance(value, enum.Enum):
            return ["enum", *name_of(kind), self.tree(value.value if isinstance(value, enum.Flag) else value.name)]
        if isinstance(value, BaseException):
            if not isinstance(value, Exception):
                raise NotEncodable(f"a {kind.__qualname__} would end the program that reads it; send an Exception")
            return ["exception", *name_of(kind), *map(self.tree, exception_parts(value))]
        layout = find_layout(kind)
        return self._tree_of_local(value) if layout is None else self._tree_of_object(value, layout)

    def _tree_of_object(self, value: Any, layout: Layout) -> list[Any]:
        name = name_of(layout.kind)
        return ["object", *name, *map(self.tree, parts_of(value, layout))]

    def _tree_of_local(self, value: Any) -> list[Any]:
        self.local.append(value)
        return ["local", len(self.local) - 1]


class Names(Protocol):
    """Where PIDs come from, by id and address."""

    def __getitem__(self, name: tuple[str, str], /) -> PID[Any]: ...


class Reader:
    """Reads what a Writer wrote; ``pids`` and ``local`` are as the Writer gathered them, or stand for that."""

    def __init__(self, pids: Names, local: list[Any]) -> None:
        self._pids = pids
        self._local = local
        self._made: list[Any] = []
        self._sizes: list[int] = []  # of each: the values in it, those met again counted each time
        self._size = 0  # of all that was read so far, counted like that
        self._again = 0  # of that, what was met again

    def decode(self, data: bytes) -> Any:
        """The value whose bytes are ``data``. Raises: NotDecodable."""
        try:
            check_packed(data, NESTING_MAX)
            tree = msgspec.msgpack.decode(data)
        except (
            TypeError,
            ValueError,
            msgspec.DecodeError,
            RecursionError,
        ) as error:  # what is no UTF-8 is a ValueError
            raise NotDecodable(f"cannot be read: {_plain(error)}") from error
        return self.value(tree)

    def value(self, tree: Any) -> Any:
        """The value that was written as ``tree``, whoever wrote it. Raises: NotDecodable."""
        try:
            return self._read(tree)
        except NotDecodable:
            raise
        except Exception as error:  # of classes that check what they are given, ours and those of users
            raise NotDecodable(f"cannot be made of what was sent ({type(error).__name__}: {_plain(error)})") from error

    def _read(self, tree: Any) -> Any:
        kind = type(tree)
        if kind is not list:
            if kind is int or kind in SCALARS:
                self._size += 1
                return tree
            raise NotDecodable(f"a {kind.__name__} of msgpack, which is never written; the peer is another program")
        code = tree[0] if tree else None
        if type(code) is not str:
            raise NotDecodable(f"a value begins with a {type(code).__name__}, expected the name of its form")
        if code == "again":
            return self._read_again(tree)
        before = self._size
        made = self._read_compound(code, tree)
        self._size += 1
        if code not in _PLAIN_CODES:
            self._made.append(made)
            self._sizes.append(self._size - before)
        return made

    def _read_again(self, tree: list[Any]) -> Any:
        number = _place(tree, len(self._made))
        self._again += self._sizes[number]
        self._size += self._sizes[number]
        if self._again > AGAIN_MAX:
            raise NotDecodable(f"what is met again comes to more than {AGAIN_MAX} values; send them apart")
        return self._made[number]

    def _read_compound(self, code: str, tree: list[Any]) -> Any:
        make = _READ.get(code)
        if make is not None:
            return make([self._read(part) for part in tree[1:]])
        if code == "local":
            if not self._local:
                raise NotDecodable("a value that only works in the process it is of")
            return self._local[_place(tree, len(self._local))]
        if len(tree) < 3 or type(tree[1]) is not str or type(tree[2]) is not str:
            raise NotDecodable(f"the form {code!r:.40} is not known, or not given two names; let both run one release")
        if code == "pid":
            return self._pids[tree[1], tree[2]]
        kind = find_class(tree[1], tree[2])
        parts = [self._read(part) for part in tree[3:]]
        if code == "class" and not parts:
            return kind
        if code == "enum":
            return _member(kind, *parts)
        if code == "exception":
            return _build_error(kind, *parts)
        if code == "object":
            return _build_object(kind, *parts)
        raise NotDecodable(f"the form {code!r:.40} is not known; let both run the same release")


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
    parts = list(tuple.__iter__(value)) if layout.items else [_read_slot(slot, value) for slot in layout.slots]
    return parts, dict(layout.state.__get__(value)) if layout.state is not None else {}


def _read_slot(slot: MemberDescriptorType, value: Any) -> list[Any]:
    """What stands in ``slot``, in a list that is empty if it is not set."""
    try:
        return [slot.__get__(value)]
    except AttributeError:
        return []


def _build_object(kind: type, parts: list[Any], state: dict[str, Any]) -> Any:
    layout = find_layout(kind)
    if layout is None:
        raise LookupError(f"{kind.__module__}.{kind.__qualname__} is no dataclass, struct or named tuple")
    _check_names(state)
    if layout.items:
        if len(parts) != len(cast(Any, kind)._fields):
            raise ValueError(
                f"{kind.__qualname__} has {len(cast(Any, kind)._fields)} fields, and {len(parts)} were sent"
            )
        made = cast(Any, tuple).__new__(kind, parts)
    elif is_struct(kind):  # as msgspec does when it decodes: with __post_init__
        made = kind(**{slot.__name__: part for slot, [part] in zip(layout.slots, parts, strict=True)})
    else:
        made = object.__new__(kind)
        for slot, part in zip(layout.slots, parts, strict=True):
            if part:
                slot.__set__(made, part[0])
    if layout.state is not None:
        layout.state.__get__(made).update(state)
    return made


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


def _place(tree: list[Any], count: int) -> int:
    """The second part of ``tree``, which numbers one of ``count``."""
    if len(tree) != 2 or type(tree[1]) is not int or not 0 <= tree[1] < count:
        raise NotDecodable(f"a number that stands for one of {count} parts, and does not")
    return tree[1]


def _ordered(value: Iterable[Any]) -> list[Any]:
    """The items of a set in an order that is the same for equal sets."""
    return sorted(value, key=lambda item: Writer().encode(item))


_SETS: dict[type, Form] = {
    set: ("set", _ordered, set_of(set)),
    frozenset: ("frozenset", _ordered, set_of(frozenset)),
}
_CONTAINERS = CONTAINERS | _SETS  # what may be met again
_READ = {code: make for table in (PLAIN, _CONTAINERS) for code, _, make in table.values()}
_PLAIN_CODES = frozenset(code for code, _, _ in PLAIN.values())
