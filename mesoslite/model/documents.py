"""FrozenDocument: a part of a description that is kept as it came and handed on, and that nobody can change."""

# Who calls: tasks.py and executors.py have such parts (container, discovery); v1/ reads and writes them; containers.py
#   looks into the few fields of a container that a rule is about.
# Invariant: documents that say the same have the same text, so that descriptions are equal if what they say is.
# An agent tells each new master of its tasks as records, documents included, and is not believed if one of them is
#   none: so a task whose document no record can hold must not come to an agent (``document_problem``).
# Rejected: a dict inside a frozen struct (actors share messages, and anybody could change it); a struct for each of
#   Mesos's nested messages (dozens, of which nothing here would read a field).

from typing import Any

import msgspec

from .errors import InvalidRequest

DEPTH_MAX = 32  # of arrays and objects in one another, as of what may be anything in a record

_encode = msgspec.json.Encoder(order="sorted").encode
_pack = msgspec.msgpack.Encoder().encode


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


def document_problem(name: str, document: FrozenDocument | None) -> str | None:
    """Return why no record can hold a document, as the end of a sentence; None if one can, or there is none."""
    if document is None:
        return None
    try:
        value = document.value
        _pack(value)
    except InvalidRequest as error:
        return f"has a {name} that cannot be read: {error}"
    except OverflowError:
        return f"has a {name} with a number of more than 64 bits; write it as text"
    if not isinstance(value, dict):
        return f"has a {name} that is no object; say what it is by names"
    text = document.text
    if text.count("{") + text.count("[") <= DEPTH_MAX or not _is_too_deep(value):
        return None
    return f"has a {name} nested more than {DEPTH_MAX} deep; make it flatter"


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEPTH_MAX):
        level = [child for one in level for child in (one.values() if isinstance(one, dict) else one)]
        level = [child for child in level if isinstance(child, (dict, list))]
        if not level:
            return False
    return True
