"""FrozenDocument: a part of a description that is kept as it came and handed on, and that nobody can change."""

# Who calls: tasks.py and executors.py have such parts (container, discovery); v1/ reads and writes them; containers.py
#   looks into the few fields of a container that a rule is about.
# Invariant: documents that say the same have the same text, so that descriptions are equal if what they say is.
# Rejected: a dict inside a frozen struct (actors share messages, and anybody could change it); a struct for each of
#   Mesos's nested messages (dozens, of which nothing here would read a field).

from typing import Any

import msgspec

from .errors import InvalidRequest

_encode = msgspec.json.Encoder(order="sorted").encode


class FrozenDocument(msgspec.Struct, frozen=True, gc=False):
    """JSON as one text; make it by ``of``."""

    text: str

    @classmethod
    def of(cls, value: object) -> "FrozenDocument":
        """Return the document that dicts, lists, texts and numbers say. Raises: InvalidRequest, for anything else."""
        try:
            return cls(_encode(value).decode())
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise InvalidRequest(
                f"a document cannot be written as JSON: {error}; use dicts, lists and texts"
            ) from error

    @property
    def value(self) -> Any:
        """What it says, as a copy. Raises: InvalidRequest, if the text is no JSON."""
        try:
            return msgspec.json.decode(self.text)
        except (ValueError, RecursionError) as error:
            raise InvalidRequest(f"a document has a text that is not JSON: {error}; make it by of()") from error
