"""The same numbers of each of many things, packed and as JSON. Twin: csrc/json_numbers.c, which says more."""

# Who calls: libactor/metrics/rows.py and json_text.py.

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable

from libactor._core._json import double

_WHOLE_MAX = 1e15  # below it repr writes whole numbers as they are wanted


def pack_numbers(values: Iterable[float], /) -> bytes:
    """Finite numbers as doubles behind one another."""
    numbers = array("d", tuple(values))
    if not all(map(math.isfinite, numbers)):
        raise ValueError("pack_numbers() expects finite numbers")
    return numbers.tobytes()


def join_numbers(between: bytes, labels: tuple[bytes, ...], numbers: bytes, /) -> bytes:
    """Each label with the number that belongs to it, with ``between`` between them."""
    if not (type(between) is bytes and type(labels) is tuple and type(numbers) is bytes) or any(
        type(label) is not bytes for label in labels
    ):
        raise TypeError("join_numbers() expects bytes, a tuple of bytes, and bytes")
    if len(numbers) != len(labels) * array("d").itemsize:
        raise ValueError("join_numbers() expects as many numbers as labels")
    values = memoryview(numbers).cast("d")
    return between.join([label + _text(value) for label, value in zip(labels, values, strict=True)])


def _text(value: float) -> bytes:
    return repr(value).encode() if value.is_integer() and abs(value) < _WHOLE_MAX else double(value)
