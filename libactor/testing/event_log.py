"""EventLog: what a deterministic run has done, step by step, as text that two equal runs have in common."""

# Who calls: the simulation notes each step if it was asked for a log; tests compare digests.
# Invariant: a line says nothing that differs between equal runs: no address of an object, no order that comes of
#   hash(). So values are written by canonical(), not by their repr.
# The digest runs along, so that a log may forget its older lines.

from __future__ import annotations

import dataclasses
import enum
import hashlib
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from libactor.events import Exited
from libactor.pid import PID

DEPTH_MAX = 6  # of values within values that are written out


class EventLog:
    """The steps of a run, one line each: number, nanoseconds since the epoch, actor, what it did.

    ``keep``: how many lines stay, the last ones; None: all. ``arguments``: write down those of calls, and messages.
    """

    def __init__(self, *, keep: int | None = None, arguments: bool = False) -> None:
        self.arguments = arguments
        self.count = 0
        self._lines: deque[str] = deque(maxlen=keep)
        self._hash = hashlib.sha256()

    def note(self, now_ns: int, who: str, what: str) -> None:
        """Add a step."""
        self.count += 1
        line = f"{self.count} {now_ns} {who} {what}"
        self._hash.update(line.encode(errors="backslashreplace") + b"\n")
        self._lines.append(line)

    def note_event(self, now_ns: int, pid: PID[Any], event: Any) -> None:
        """Add that the actor at ``pid`` serves ``event``, or its "start" or "stop", or that a handler goes on."""
        self.note(now_ns, str(pid), event if isinstance(event, str) else self._describe(event))

    def digest(self) -> str:
        """The hash of all lines so far, those that were forgotten included."""
        return self._hash.hexdigest()

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._lines))

    def text(self) -> str:
        """The lines that stay."""
        return "\n".join(self._lines)

    def _describe(self, event: Any) -> str:
        if isinstance(event, tuple):
            return f"{event[0]} {name_handler(event[1])}"
        if isinstance(event, Exited):
            return f"exited {event.pid} {canonical(event.reason)}"
        kind = getattr(event, "kind", None)
        if kind is None:
            return type(event).__name__.lower()
        if kind == "message":
            return f"message {canonical(event.what) if self.arguments else type(event.what).__qualname__}"
        what = name_handler(event.what)
        if not self.arguments:
            return f"{kind} {what}"
        values = [canonical(value) for value in event.arguments]
        values += [f"{name}={canonical(value)}" for name, value in event.keywords.items()]
        return f"{kind} {what}({', '.join(values)})"


def name_handler(what: Any) -> str:
    """The name of a method, class of messages or callable."""
    return what if isinstance(what, str) else getattr(what, "__qualname__", "callable")


def canonical(value: Any, depth: int = 0) -> str:
    """``value`` as text that is equal in equal runs: without addresses, sets in order of their texts."""
    name = type(value).__qualname__
    if isinstance(value, enum.Enum):
        return f"{name}.{value.name}"
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return repr(value)
    if isinstance(value, PID):
        return str(value)
    if depth >= DEPTH_MAX:
        return f"{name}(…)"
    if isinstance(value, BaseException):
        return f"{name}{_row(value.args, depth)}"
    if isinstance(value, (tuple, list)):
        return f"{name}{_row(value, depth)}"
    if isinstance(value, (set, frozenset)):
        return f"{name}({', '.join(sorted(canonical(item, depth + 1) for item in value))})"
    if isinstance(value, Mapping):
        return (
            f"{name}({', '.join(f'{canonical(key, depth + 1)}: {canonical(value[key], depth + 1)}' for key in value)})"
        )
    fields = _fields(value)
    return f"{name}({', '.join(f'{key}={canonical(getattr(value, key, None), depth + 1)}' for key in fields)})"


def _row(values: Any, depth: int) -> str:
    return f"({', '.join(canonical(value, depth + 1) for value in values)})"


def _fields(value: Any) -> tuple[str, ...]:
    """The names of the fields of a dataclass or a struct; of others nothing is known that could be relied on."""
    if dataclasses.is_dataclass(value):
        return tuple(field.name for field in dataclasses.fields(value))
    return tuple(getattr(type(value), "__struct_fields__", ()))
