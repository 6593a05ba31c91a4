"""Unpack: bytes of another host to the value that was written."""

# Who calls: libactor/codec.py, with bytes that check_packed has let through.
# Here are lists, tuples, dicts and objects by their layouts; all else is made by `make`, of its code and its parts. A
#   class is looked up once for each value: `find` gives what it needs to be known of it.
# An object is an array of five: its form, module and name of its class, a list of its items or of what stands in each
#   slot as a list of one or none, and a dict of its attributes. These lists and that dict are numbered as all are, yet
#   nobody has them twice: who asks for them is refused.
# What runs of a class: the constructor of structs, with all fields by name, as when msgspec decodes: __post_init__.
#   Nothing of dataclasses and named tuples. All parts are there before the object is made.
# What is met again is counted each time, since it may be endless once it is walked through.
# Twin: csrc/unpack.c and unpack_object.c.

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, cast

from libactor._core._wire import BYTES, CONSTANTS, SIGNED, TEXT, WIDTH_OF, WIDTHS
from libactor._core.layouts import Layout

FLOATS = {0xCA: ">f", 0xCB: ">d"}
ARRAYS = {0xDC: 2, 0xDD: 4}
COLLISIONS_MAX = 16  # keys with one hash, as in libactor/forms.py
PLAIN_BYTES = 256  # of what is not numbered, a long int say, count as one more value: each time it is hashed anew


class Find(NamedTuple):
    """What has to be known of a class. csrc/unpack_object.c reads the fields by their order."""

    layout: Layout
    parts: int  # how many items or slots
    fields: tuple[str, ...]  # of a struct, as many as slots and in their order
    is_struct: bool


Make: TypeAlias = Callable[[str, list[Any]], tuple[Any, bool]]


def unpack(
    data: bytes,
    depth_max: int,
    again_max: int,
    refusal: type[Exception],
    find: Callable[[str, str], Find],
    make: Make,
    /,
) -> Any:
    """The value whose bytes are ``data``; see the twin."""
    if type(data) is not bytes:
        raise TypeError(f"unpack() got a {type(data).__name__}, expected bytes")
    unpacker = _Unpacker(data, depth_max, again_max, refusal, find, make)
    value = unpacker.value(0)
    unpacker.check_end()
    return value


class _Unpacker:
    """One value that is read."""

    def __init__(
        self,
        data: bytes,
        depth_max: int,
        again_max: int,
        refusal: type[Exception],
        find: Callable[[str, str], Find],
        make: Make,
    ) -> None:
        self._data = data
        self._at = 0
        self._depth_max = depth_max
        self._again_max = again_max
        self._refusal = refusal
        self._find = find
        self._make = make
        self._finds: dict[tuple[bytes, bytes], Find] = {}  # by module and name
        self._made: list[Any] = []  # by number
        self._sizes: list[int] = []  # of each: the values in it, those met again counted each time
        self._size = 0  # of all that was read so far, counted like that
        self._again = 0  # of that, what was met again

    def check_end(self) -> None:
        """Raise ValueError if there is more."""
        if self._at < len(self._data):
            raise ValueError(f"msgpack with {len(self._data) - self._at} bytes behind its end")

    def value(self, depth: int) -> Any:
        """The next value, which has ``depth`` arrays around it."""
        before = self._size
        count = self._array()
        if count is None:
            self._size += 1
            text = self._text()
            return self._scalar() if text is None else text
        if depth == self._depth_max:
            raise self._refusal(f"it is nested more than {self._depth_max} deep")
        code = self._text() if count else None
        if code is None:
            raise self._refusal(f"a value begins with a {self._kind(count)}, expected the name of its form")
        if code == "again":
            return self._take_again(count)
        start = self._at
        made, is_numbered = self._take_form(code, count, depth + 1)
        if is_numbered:
            self._number(made, before)
        else:
            self._size += 1 + (self._at - start) // PLAIN_BYTES
        return made

    def _take_form(self, code: str, count: int, depth: int) -> tuple[Any, bool]:
        """The value of an array that begins with ``code``, and whether it is numbered."""
        if code == "object" and count == 5:
            return self._take_object(depth + 1), True
        salted = code == "dict"
        parts = []
        for place in range(count - 1):
            salted = salted and (place % 2 != 0 or self._is_salted())
            parts.append(self.value(depth))
        if code == "list":
            return parts, True
        if code == "tuple":
            return tuple(parts), True
        if code == "dict" and len(parts) % 2 == 0 and (salted or len(parts) <= 2 * COLLISIONS_MAX):
            return _dict_of(parts), True
        return self._make(code, parts)

    def _take_again(self, count: int) -> Any:
        number = self._scalar() if count == 2 and self._is_int() else None
        if number is None or not 0 <= number < len(self._made) or self._made[number] is _HIDDEN:
            raise self._refusal(f"a number that stands for one of {len(self._made)} parts, and does not")
        self._again += self._sizes[number]
        self._size += self._sizes[number]
        if self._again > self._again_max:
            raise self._refusal(f"what is met again comes to more than {self._again_max} values; send them apart")
        return self._made[number]

    def _number(self, made: Any, before: int) -> None:
        self._size += 1
        self._made.append(made)
        self._sizes.append(self._size - before)

    # Objects.

    def _take_object(self, depth: int) -> Any:
        found = self._class()
        parts = self._take_parts(found, depth)
        state = self._take_state(found.layout, depth)
        return _with_state(found, _object_of(found, parts), state)

    def _class(self) -> Find:
        module = self._span()
        name = None if module is None else self._span()
        if module is None or name is None:
            raise self._refusal("the form 'object' is not known, or not given two names; let both run one release")
        if (module, name) not in self._finds:
            self._finds[module, name] = self._find(module.decode(), name.decode())
        return self._finds[module, name]

    def _take_parts(self, found: Find, depth: int) -> list[Any]:
        before = self._size
        name = found.layout.kind.__name__
        count = self._head(name, "the parts", b"list")
        if count != found.parts:
            raise ValueError(f"{name} has {found.parts} fields, and {count} were sent")
        parts = [self.value(depth) if found.layout.items else self._take_slot(name, depth) for _ in range(count)]
        self._number(_HIDDEN, before)
        return parts

    def _take_slot(self, name: str, depth: int) -> Any:
        before = self._size
        count = self._head(name, "the slots", b"list")
        if count > 1:
            raise TypeError(f"the slots of a {name} are expected as a list of one or none")
        part = self.value(depth) if count else _UNSET
        self._number(_HIDDEN, before)
        return part

    def _take_state(self, layout: Layout, depth: int) -> list[Any]:
        before = self._size
        name = layout.kind.__name__
        count = self._head(name, "the attributes", b"dict")
        if count % 2 != 0:
            raise TypeError(f"the attributes of a {name} are expected as a dict of names and values in turn")
        parts: list[Any] = []
        for place in range(count):
            parts.append(self.value(depth))
            if place % 2 == 0 and type(parts[-1]) is not str:
                raise TypeError(f"the attributes of a {name} are expected as a dict from text")
        self._number(_HIDDEN, before)
        return parts

    def _head(self, name: str, what: str, code: bytes) -> int:
        """How many parts the next array has, which is to begin with ``code``."""
        count = self._array()
        if not count or self._span() != code:
            raise TypeError(f"{what} of a {name} are expected as a {code.decode()}")
        return count - 1

    # Scalars.

    def _array(self) -> int | None:
        """How many values the next array has; None if none is next."""
        code = self._peek()
        if 0x90 <= code <= 0x9F:
            self._at += 1
            count = code & 0x0F
        elif code in ARRAYS:
            self._at += 1
            count = self._take_number(ARRAYS[code])
        else:
            return None
        if len(self._data) - self._at < count:
            raise ValueError("msgpack that ends too early")
        return count

    def _text(self) -> str | None:
        """The next text; None if none is next."""
        span = self._span()
        return None if span is None else span.decode()

    def _span(self) -> bytes | None:
        """The bytes of the next text; None if none is next."""
        code = self._peek()
        if 0xA0 <= code <= 0xBF:
            self._at += 1
            return self._take(code & 0x1F)
        if code not in TEXT:
            return None
        self._at += 1
        return self._take(self._take_number(WIDTH_OF[code]))

    def _scalar(self) -> Any:
        """What is neither text nor array."""
        code = self._peek()
        self._at += 1
        if code <= 0x7F or code >= 0xE0:
            return code if code <= 0x7F else code - 0x100
        if code in CONSTANTS:
            return CONSTANTS[code]
        if code in FLOATS:
            return struct.unpack(FLOATS[code], self._take(WIDTHS[code - 0xC8]))[0]
        if code not in WIDTH_OF:
            raise ValueError(f"msgpack with the byte {code}, where no array, text, bytes or number begins")
        if code in BYTES:
            return self._take(self._take_number(WIDTH_OF[code]))
        return int.from_bytes(self._take(WIDTH_OF[code]), "big", signed=code in SIGNED)

    def _is_int(self) -> bool:
        code = self._data[self._at] if self._at < len(self._data) else 0xC0
        return code <= 0x7F or code >= 0xE0 or 0xCC <= code <= 0xD3

    def _kind(self, count: int) -> str:
        """What to call the next value of an array of ``count``, which is no text."""
        code = self._peek() if count else 0xC0
        if code in CONSTANTS:
            return type(CONSTANTS[code]).__name__
        if code in FLOATS:
            return "float"
        if code in BYTES:
            return "bytes"
        return "list" if 0x90 <= code <= 0x9F or code in ARRAYS else "int"

    def _is_salted(self) -> bool:
        """Whether a stranger cannot choose many keys like the next value with one hash: those of texts and bytes are
        salted, and there are few integers of 64 bits for each."""
        code = self._peek()
        return not (0x90 <= code <= 0x9F or code in ARRAYS or code in FLOATS)

    def _peek(self) -> int:
        if self._at == len(self._data):
            raise ValueError("msgpack that ends too early")
        return self._data[self._at]

    def _take_number(self, size: int) -> int:
        return int.from_bytes(self._take(size), "big")

    def _take(self, size: int) -> bytes:
        if len(self._data) - self._at < size:
            raise ValueError("msgpack that ends too early")
        self._at += size
        return self._data[self._at - size : self._at]


_HIDDEN = object()  # the list or dict around the parts of an object
_UNSET = object()  # of a slot


def _dict_of(parts: list[Any]) -> dict[Any, Any]:
    """Of keys and entries in turn."""
    made = dict(zip(parts[::2], parts[1::2], strict=True))
    if len(made) != len(parts) // 2:
        raise ValueError("the same key comes twice")
    return made


def _object_of(found: Find, parts: list[Any]) -> Any:
    kind: Any = found.layout.kind
    if found.layout.items:
        return cast(Any, tuple).__new__(kind, parts)
    if found.is_struct:
        for name, part in zip(found.fields, parts, strict=True):
            if part is _UNSET:
                raise ValueError(f"{kind.__name__} was sent without {name}")
        made = kind(**dict(zip(found.fields, parts, strict=True)))
        if type(made) is not kind:
            raise TypeError(f"{kind.__name__} made a {type(made).__name__}")
        return made
    if kind.__new__ is not object.__new__:
        raise TypeError(f"{kind.__name__} makes its objects itself")
    made = object.__new__(kind)
    for slot, part in zip(found.layout.slots, parts, strict=True):
        if part is not _UNSET:
            slot.__set__(made, part)
    return made


def _with_state(found: Find, made: Any, state: list[Any]) -> Any:
    attributes = _dict_of(state)
    if found.layout.state is not None:
        found.layout.state.__get__(made).update(attributes)
    return made
