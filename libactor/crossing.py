"""Crossing: what becomes of values on their way from one host to another."""

# Who calls: the network of libactor.testing, which tries what it carries; the transport, which writes it into frames.
#   Both refuse the same values in the same words.
# The transport does not read back what it writes, as the simulation does: a class that does not come back the same is
#   found in a simulation, or in debug mode.

from __future__ import annotations

import itertools
import traceback
from typing import Any

from libactor._core.errors import NotPassable
from libactor._core.exceptions import fresh_exception
from libactor.codec import NotEncodable, Writer, round_trip

REMEDY = "or keep both actors on one host"
FRAMES_MAX, TRACE_MAX = 5, 2000  # innermost calls, and characters, of the traceback that goes with an error
CAUSES_MAX = 3  # errors that led to it, of which the same is told
PLAIN = frozenset({int, float, bool, bytes, type(None)})  # any of these can be encoded, and comes back the same


def cross_error(error: BaseException, raised_in: str = "") -> BaseException:
    """What another host gets for ``error``; a RuntimeError with its name and text, if it cannot be encoded.

    A note says where it was ``raised_in``, and by which lines.
    """
    told = _with_note(error, raised_in)
    try:
        crossed: BaseException = cross_value(told, "error")
    except NotPassable:
        return _told(told)
    return crossed


def write_error(error: BaseException | None, raised_in: str = "") -> bytes | None:
    """As cross_error, for a frame; None for None."""
    if error is None:
        return None
    told = _with_note(error, raised_in)
    try:
        return write_value(told, "error")
    except NotPassable:
        return write_value(_told(told), "error")


def cross_value(value: Any, place: str) -> Any:
    """What another host gets for ``value``. Raises: NotPassable."""
    if type(value) in PLAIN:
        return value
    crossed, local = round_trip(value, place, REMEDY)
    _check_local(local, place)
    return crossed


def write_value(value: Any, place: str) -> bytes:
    """``value`` as the codec writes it, for a frame. Raises: NotPassable."""
    writer = Writer()
    try:
        coded = writer.encode(value)
    except NotEncodable as error:
        raise NotPassable(f"{place}: {error}, {REMEDY}") from error
    _check_local(writer.local, place)
    for pid in writer.pids.values():
        if ":" not in pid.address:
            raise NotPassable(
                f"{place}: {pid} is an actor of a runtime that nobody can reach; open that with Runtime(remote=...)"
            )
    return coded


def check_event(event: Any) -> None:
    """Raise NotPassable if what ``event`` brings cannot cross."""
    if event.kind == "message":
        cross_value(event.what, f"message {type(event.what).__qualname__}")
        return
    for place, value in itertools.chain(enumerate(event.arguments, 1), event.keywords.items()):
        cross_value(value, f"argument {place} of {event.what}")


def unmarked(kind: type, method: str) -> NotPassable:
    """The error for a call of a method that is not for other hosts."""
    if not any(method in vars(base) for base in kind.__mro__):
        return NotPassable(
            f"dispatch: {kind.__qualname__}.{method} is not for other hosts: {kind.__qualname__} has no such method; "
            "correct the name, or the class that was given to parse_pid"
        )
    return NotPassable(
        f"dispatch: {kind.__qualname__}.{method} is not for other hosts; mark it with @libactor.remote, or call one "
        "that is marked"
    )


def unmade(what: str, host: str, error: Exception) -> str:
    """Why ``what`` has not come to be at ``host``: what was sent makes no value there."""
    missing = error.__cause__
    return f"{what} cannot be made at {host}: {missing if isinstance(missing, LookupError) else error}"


def _with_note(error: BaseException, raised_in: str) -> BaseException:
    if not raised_in:
        return error
    note = f"raised in {raised_in}\n{_lines(error)}{_causes(error)}"
    told = fresh_exception(error)
    told.add_note(note.encode("utf-8", "backslashreplace").decode().rstrip())
    return told


def _causes(error: BaseException) -> str:
    """What led to ``error``, the nearest first: on its way it loses its causes, which often say more than it does."""
    said = ""
    for _ in range(CAUSES_MAX):
        cause, relation = error.__cause__, "caused by"
        if cause is None and not error.__suppress_context__:
            cause, relation = error.__context__, "while handling"
        if cause is None:
            break
        text = traceback.format_exception_only(cause)[0].rstrip()[:TRACE_MAX]  # also of one whose __str__ raises
        said += f"{relation} {text}\n{_lines(cause)}"
        error = cause
    return said


def _lines(error: BaseException) -> str:
    return "".join(traceback.format_tb(error.__traceback__, -FRAMES_MAX))[-TRACE_MAX:]


def _told(error: BaseException) -> RuntimeError:
    told = RuntimeError(f"{type(error).__qualname__}: {error}".encode("utf-8", "backslashreplace").decode())
    for note in getattr(error, "__notes__", ()):
        told.add_note(str(note).encode("utf-8", "backslashreplace").decode())
    return told


def _check_local(local: list[Any], place: str) -> None:
    if local:
        raise NotPassable(
            f"{place}: a {type(local[0]).__qualname__} works inside one host only; send what it stands for"
        )
