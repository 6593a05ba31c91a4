"""Pack: one value to the bytes that other hosts read."""

# Who calls: libactor/codec.py, which says what is written how.
# Here are lists, tuples, dicts and objects by their layouts. For all else `apart` gives [code, part, ...], and the
#   parts are written here again. A class is asked about once for each value: `find_plan` gives how its objects begin
#   and what they consist of.
# Aliases: what is finished is numbered, and what is met again is written as its number. The lists around the parts of
#   an object count as well, since whoever reads may make them.
# Twin: csrc/pack.c, which remembers only what somebody else holds as well.

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from libactor._core._wire import put_array, put_int, put_scalar, put_text
from libactor._core.layouts import Layout, read_slots

Plan = tuple[bytes, Layout] | None

LIST, TUPLE, DICT, AGAIN = (put_text(code) for code in ("list", "tuple", "dict", "again"))


def pack(
    value: Any,
    depth_max: int,
    refusal: type[Exception],
    find_plan: Callable[[type], Plan],
    apart: Callable[[Any], tuple[list[Any], bool]],
    /,
) -> bytes:
    """The bytes of ``value``; see the twin."""
    packer = _Packer(depth_max, refusal, find_plan, apart)
    try:
        packer.put(value, 0)
    except RecursionError:  # this twin goes down the stack of the interpreter
        packer.refuse_depth()
    return b"".join(packer.chunks)


class _Packer:
    """One value that is written."""

    def __init__(
        self,
        depth_max: int,
        refusal: type[Exception],
        find_plan: Callable[[type], Plan],
        apart: Callable[[Any], tuple[list[Any], bool]],
    ) -> None:
        self.chunks: list[bytes] = []
        self._depth_max = depth_max
        self._refusal = refusal
        self._find_plan = find_plan
        self._apart = apart
        self._plans: dict[type, Plan] = {}
        self._numbered = 0
        self._numbers: dict[int, tuple[int, Any]] = {}  # id -> number, and the object, so that the id stays its own

    def put(self, value: Any, depth: int) -> None:
        """Write ``value``, which has ``depth`` arrays around it."""
        scalar = put_scalar(value)
        if scalar is not None:
            self.chunks.append(scalar)
        elif id(value) in self._numbers:
            self.chunks += put_array(2), AGAIN, put_int(self._numbers[id(value)][0])
        elif self._put_compound(value, self._deeper(depth, 1)):
            self._numbers[id(value)] = self._numbered, value
            self._numbered += 1

    def _put_compound(self, value: Any, depth: int) -> bool:
        """Write what is no scalar; whether such values are numbered."""
        kind = type(value)
        if kind is list:
            self._put_parts(LIST, list(value), depth)
        elif kind is tuple:
            self._put_parts(TUPLE, value, depth)
        elif kind is dict:
            self._put_dict(value, depth)
        else:
            if kind not in self._plans:
                self._plans[kind] = self._find_plan(kind)
            plan = self._plans[kind]
            if plan is None:
                return self._put_apart(value, depth)
            self._put_object(value, *plan, depth)
        return True

    def _put_parts(self, code: bytes, parts: Any, depth: int) -> None:
        self.chunks += put_array(len(parts) + 1), code
        for part in parts:
            self.put(part, depth)

    def _put_dict(self, value: dict[Any, Any], depth: int) -> None:
        self._put_parts(DICT, [part for pair in value.items() for part in pair], depth)

    def _put_apart(self, value: Any, depth: int) -> bool:
        (code, *parts), is_numbered = self._apart(value)
        self._put_parts(put_text(code), parts, depth)
        return is_numbered

    def _put_object(self, value: Any, head: bytes, layout: Layout, depth: int) -> None:
        self.chunks.append(head)
        if layout.items:
            self._put_parts(LIST, tuple(tuple.__iter__(value)), self._deeper(depth, 1))
        else:
            self._put_slots(read_slots(value, layout), self._deeper(depth, 2 if layout.slots else 1))
        self._numbered += 1  # the list of parts
        self._put_dict({} if layout.state is None else dict(layout.state.__get__(value)), depth + 1)
        self._numbered += 1  # the dict

    def _put_slots(self, slots: Iterable[list[Any]], depth: int) -> None:
        """Each slot: a list of what stands there, or of nothing."""
        slots = list(slots)
        self.chunks += put_array(len(slots) + 1), LIST
        for slot in slots:
            self._put_parts(LIST, slot, depth)
            self._numbered += 1

    def _deeper(self, depth: int, by: int) -> int:
        if depth + by > self._depth_max:
            self.refuse_depth()
        return depth + by

    def refuse_depth(self) -> NoReturn:
        """Raise that a value is nested too deep."""
        raise self._refusal(f"it is nested more than {self._depth_max} deep as it is written; flatten it")
