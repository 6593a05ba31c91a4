"""Large values: arrays and objects of a document that are parsed when they are read, some members at a time."""

# Who calls: fields.py reads them like others; api/large_documents.py implements them.
# Why: of a body of many megabytes the whole as dicts and lists would be ten times as large, and take a second to make
#   and to let go of, with everybody else waiting. What is made of it is small, and what nobody knows is never made.

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping


class LargeArray(ABC):
    """An array; ``size`` is the bytes of its text."""

    size: int

    @abstractmethod
    def __iter__(self) -> Iterator[object]:
        """The entries in order, each parsed when it is reached. Raises: ValueError at what is no JSON."""


class LargeObject(ABC):
    """An object; ``size`` is the bytes of its text."""

    size: int

    @abstractmethod
    def members(self) -> Mapping[str, object]:
        """The values by name; those that are large themselves are not parsed yet.

        Raises: ValueError for what is no JSON, or has too much in small members.
        """


def whole(value: object) -> object:
    """Return a value with all that is in it. Raises: ValueError, as its members."""
    if isinstance(value, LargeArray):
        return [whole(entry) for entry in value]
    if isinstance(value, LargeObject):
        return {name: whole(member) for name, member in value.members().items()}
    return value
