"""Fields: reads one JSON object field by field, as leniently as Mesos does, and knows the path to each for errors."""

# Who calls: v1/decoding.py, resource_json.py, api/operator_calls.py.
# Leniency, all of it Mesos's: unknown fields are passed over, null is unset, numbers and booleans may come as text,
#   "Infinity" is a number, a single value stands for a list of one, an unknown name of an optional enum is unset.
# Of a large document what is asked for is parsed when it is asked for (large.py): lists of messages entry by entry.
# Invariant: whatever the JSON, only InvalidRequest is raised, and its text starts with the path of the bad field.
# Source: Mesos 3rdparty/stout/include/stout/protobuf.hpp (Parser).

import base64
import binascii
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Any, TypeVar, cast

from .errors import InvalidRequest
from .large import LargeArray, LargeObject, whole

E = TypeVar("E", bound=Enum)

_INT64_MAX = 2**63 - 1
_UINT64_MAX = 2**64 - 1
_SPECIAL = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}
VALUES_BYTES_MAX = 64 * 1024  # of what is kept as it came
_DIGITS_MAX = 400  # of a number in text; more than a double can tell apart
_JSON_NAMES = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}


class Fields:
    """One JSON object; ``path`` is where it stands in the document, "" for the document itself.

    A getter without default, or with None for it, raises InvalidRequest if the field is unset.
    """

    def __init__(self, value: object, path: str = "") -> None:
        self._values: Mapping[str, object] = value if type(value) is dict else _members(value, path)
        self.path = path

    def has(self, name: str) -> bool:
        """Whether the field is set."""
        return self._values.get(name) is not None

    def names(self) -> list[str]:
        """The names of all fields that are set."""
        return [name for name, value in self._values.items() if value is not None]

    def values(self) -> Mapping[str, object]:
        """All fields as they came. Raises: InvalidRequest, if they are large, so nobody could keep them."""
        size = sum([value.size for value in self._values.values() if isinstance(value, LargeArray | LargeObject)])
        if size > VALUES_BYTES_MAX:
            raise InvalidRequest(f"{self.path}: takes {size} bytes, and {VALUES_BYTES_MAX} at most are kept")
        try:
            return {name: whole(value) for name, value in self._values.items()} if size else self._values
        except ValueError as error:
            raise _unreadable(self.path, error) from error

    def where(self, name: str) -> str:
        """The path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def invalid(self, name: str, problem: str) -> InvalidRequest:
        """The error for a field that is well-formed but will not do."""
        return InvalidRequest(f"{self.where(name)}: {problem}")

    def text(self, name: str, default: str | None = None) -> str:
        """A text."""
        value = self._get(name, default)
        if not isinstance(value, str):
            raise wrong(self.where(name), value, "a string")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """A floating point number."""
        return as_number(self._get(name, default), self.where(name))

    def whole(self, name: str, default: int | None = None) -> int:
        """A number of at most 64 bits without its fraction."""
        value = as_number(self._get(name, default), self.where(name))
        if not abs(value) <= _INT64_MAX:
            raise wrong(self.where(name), value, "an integer of 64 bits")
        return int(value)

    def unsigned(self, name: str) -> int:
        """A whole number of 64 bits from zero on, exactly."""
        value = self._get(name, None)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _DIGITS_MAX:
            value = int(value)
        number = value if isinstance(value, int) else as_number(value, self.where(name))
        if isinstance(value, bool) or not 0 <= number <= _UINT64_MAX or number != int(number):
            raise wrong(self.where(name), value, "a whole number of 64 bits, zero or more")
        return int(number)

    def boolean(self, name: str, default: bool | None = None) -> bool:
        """True or false."""
        value = self._get(name, default)
        if value in ("true", "false"):
            return value == "true"
        if not isinstance(value, bool):
            raise wrong(self.where(name), value, "true or false")
        return value

    def data(self, name: str) -> bytes:
        """Bytes, which JSON carries as base64."""
        text = self.text(name)
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise wrong(self.where(name), text, "base64") from error

    def enum(self, name: str, kind: type[E]) -> E:
        """A member of an enum, by its name."""
        member = self.enum_or_none(name, kind)
        if member is None:
            raise self.invalid(name, f"got {_shown(self._get(name, None))}, expected one of {_names(kind)}")
        return member

    def enum_or_none(self, name: str, kind: type[E]) -> E | None:
        """A member of an enum; None if it is unset or has a name that we do not know."""
        if not self.has(name):
            return None
        return kind.__members__.get(self.text(name))

    def identifier(self, name: str) -> str:
        """What Mesos wraps as an id: the text under ``value``."""
        return self.message(name).text("value")

    def identifier_or_none(self, name: str) -> str | None:
        """As identifier; None if it is unset."""
        return self.identifier(name) if self.has(name) else None

    def identifiers(self, name: str) -> tuple[str, ...]:
        """A list of ids."""
        return tuple([entry.text("value") for entry in self.messages(name)])

    def message(self, name: str) -> "Fields":
        """A nested object."""
        return Fields(self._get(name, None), self.where(name))

    def message_or_empty(self, name: str) -> "Fields":
        """A nested object; one without fields if it is unset."""
        return self.message(name) if self.has(name) else Fields({}, self.where(name))

    def messages(self, name: str) -> Iterable["Fields"]:
        """A list of objects; empty if it is unset. May be gone through several times."""
        value = self._values.get(name)
        if value is None:
            return ()
        if isinstance(value, LargeArray):
            return _Messages(self, name)
        return [Fields(value, path) for value, path in self.entries(name)]

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; empty if it is unset."""
        if self._values.get(name) is None:
            return ()
        texts = []
        for value, path in self.entries(name):
            if not isinstance(value, str):
                raise wrong(path, value, "a string")
            texts.append(value)
        return tuple(texts)

    def wholes(self, name: str) -> tuple[int, ...]:
        """A list of numbers without their fractions; empty if it is unset."""
        return tuple([Fields({path: value}).whole(path) for value, path in self.entries(name)])

    def entries(self, name: str) -> Iterator[tuple[object, str]]:
        """The entries of a list as they came, each with its path; none if it is unset."""
        value = self._values.get(name)
        if value is None:
            return
        where = self.where(name)
        entries = iter(value if isinstance(value, list | LargeArray) else [value])
        for index in itertools.count():
            try:
                entry = next(entries)
            except StopIteration:
                return
            except ValueError as error:
                raise _unreadable(f"{where}[{index}]", error) from error
            yield entry, f"{where}[{index}]"

    def _get(self, name: str, default: object) -> object:
        value = self._values.get(name)
        if value is None:
            value = default
        if value is None:
            raise self.invalid(name, "is missing; it is required")
        return value


class _Messages:
    """A large list of objects, each of which is there as long as somebody looks at it."""

    def __init__(self, fields: Fields, name: str) -> None:
        self._fields = fields
        self._name = name

    def __iter__(self) -> Iterator[Fields]:
        return (Fields(value, path) for value, path in self._fields.entries(self._name))


def as_number(value: object, path: str) -> float:
    """Return a JSON number, or text that holds one, as a float."""
    if isinstance(value, str):
        return _number_of_text(value, path)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong(path, value, "a number")
    try:
        return float(value)
    except OverflowError as error:
        raise wrong(path, value, "a number within the range of a double") from error


def wrong(path: str, value: object, expected: str) -> InvalidRequest:
    """The error for a value of the wrong kind or form."""
    return InvalidRequest(f"{path}: got {_shown(value)}, expected {expected}")


def _members(value: object, path: str) -> Mapping[str, object]:
    if not isinstance(value, LargeObject):
        raise wrong(path or "the document", value, "an object")
    try:
        return value.members()
    except ValueError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: ValueError) -> InvalidRequest:
    return InvalidRequest(f"{path}: cannot be parsed: {error}")


def _number_of_text(text: str, path: str) -> float:
    if text in _SPECIAL:
        return _SPECIAL[text]
    if len(text) <= _DIGITS_MAX and text.isascii() and text[-1:].isalnum() and "_" not in text:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if math.isfinite(number):
            return number
    raise wrong(path, text, "a number")


def _names(kind: type[Enum]) -> str:
    return ", ".join(cast("Mapping[str, Any]", kind.__members__))


def _shown(value: object) -> str:
    """A value for an error: short, and in JSON's words."""
    if value is None or isinstance(value, dict | list):
        return _JSON_NAMES[type(value)]
    if isinstance(value, LargeArray | LargeObject):
        return f"{'an array' if isinstance(value, LargeArray) else 'an object'} of {value.size} bytes"
    text = (
        repr(value)
        if isinstance(value, str | bool)
        else f"{value:.17g}"
        if isinstance(value, float)
        else _integer(value)
    )
    return text if len(text) <= 80 else f"{text[:77]}..."


def _integer(value: object) -> str:
    assert isinstance(value, int)
    return str(value) if abs(value) < 10**30 else "a very large integer"
