"""Checking: whether all in a message is of the types that are declared, which nobody else has looked at.

Whatever is large is looked at in steps, and let go of in steps as well: a million entries take a tenth of a second.
"""

# Who calls: master/intake.py, with every message of agents and frameworks before anything acts on it; framework/, with
#   its own calls. A struct does not look at its fields when it is made, and what comes from another program was not
#   compared either (libactor's docs/remote.md).
# Method: a message that is of exactly the declared types, as nearly all are, is passed on as it is (TypeCheck). Of any
#   other the encoder and the decoder tell what is wrong, or make one that is right (of a list a tuple, say). Either way
#   it is made of our own classes throughout, and what cannot be encoded (a number of more than 64 bits, half a
#   character) cannot be sent on either.
# What is bytes is not encoded, only looked at: it is most of what an agent sends that comes back, and would be copied
#   twice.
# Rejected: to encode and decode every message, ten times as long, and each of its texts is made and hashed anew; a walk
#   over the fields in Python; msgspec.convert, which takes a struct for good.

from __future__ import annotations

import functools
import itertools
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec
import msgspec.inspect
from msgspec.structs import replace

from libactor.records import TypeCheck

from .errors import InvalidRequest
from .messages import CompletedTasks
from .operations import Launch, LaunchGroup
from .task_groups import TaskGroup

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

HOLDERS = frozenset((Launch, LaunchGroup, CompletedTasks))  # the only entries that may be large themselves
PORTION = 64  # entries that are looked at in one step, about half a millisecond
FREED_IN_STEP = 1_000  # entries that hold no others; about a fifth of a millisecond

M = TypeVar("M")

_encode = msgspec.msgpack.Encoder().encode


_check = functools.cache(TypeCheck)


@functools.cache
def _short_check(kind: Any) -> Callable[[object], bool] | None:
    """What looks at messages of a class that declares no list; None: they may be large."""
    return None if _list_names(kind) else _check(kind).fits


@functools.cache
def _decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind)


def is_plain(message: object) -> bool:
    """Whether a message is of the declared types and declares no list, so that it is neither large nor to be changed.

    Most are, and nothing else need be asked of them; of others that says nothing.
    """
    kind: Any = type(message)
    fits = _short_check(kind)
    return fits is not None and fits(message)


def checked_message(message: M) -> M:
    """Return ``message`` if all in it is of the declared types and can be sent, or one that is, made of it.

    Raises: InvalidRequest that names the field, such as ``operations[0].tasks[0].command.environment[0][1]``.
    Cost: O(size), a fifth of a microsecond for a task; some microseconds for one that is not exactly so.
    """
    kind: Any = type(message)
    if _check(kind).fits(message):
        return message
    carried = _carried(message)
    if not carried:
        return _checked(message)
    shell = _checked(replace(cast(Any, message), **dict.fromkeys(carried, ())))
    return cast(M, replace(shell, **carried))


def _carried(message: object) -> dict[str, tuple[Any, ...]]:
    """The lists of bytes in a message, and of what has such lists, by field, checked; but for those that are none."""
    kind: Any = type(message)
    bare, holders = _carriers(kind)
    if not bare and not holders:
        return {}
    found = {name: value for name in bare if _are_all(value := getattr(message, name), bytes)}
    for name, kind in holders.items():
        value = getattr(message, name)
        if _are_all(value, kind) and any(map(_carried, value)):
            found[name] = tuple(map(checked_message, value))
    return found


def _are_all(value: Any, kind: type) -> bool:
    return type(value) is tuple and set(map(type, value)) == {kind}


def _checked(message: M) -> M:
    kind: Any = type(message)
    try:
        checked: M = _decoder(kind).decode(_encode(message))
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidRequest(f"{type(message).__name__.lower()}: {str(error).replace('`$.', '`')}") from error
    return checked


def is_large(message: object) -> bool:
    """Whether there is so much in a message that it is to be looked at in steps, by ``checking``."""
    kind: Any = type(message)
    for name in _list_names(kind):  # noqa: SIM110, a generator takes twice as long in this hot place
        if _is_large(getattr(message, name)):
            return True
    return False


def checking(message: M) -> Generator[None, None, M]:
    """As ``checked_message``, a portion of a large message in each step; the last one returns it.

    A message that is as it should be is returned itself: to copy a million entries takes ten milliseconds, in one go.
    """
    kind: Any = type(message)
    large = {name: value for name in _list_names(kind) if _is_large(value := getattr(message, name))}
    if not large:
        return checked_message(message)
    bare = replace(cast(Any, message), **dict.fromkeys(large, ()))
    shell = checked_message(bare)
    gathered = {name: _Gathered(value) for name, value in large.items()}
    try:
        for name, value in large.items():
            for portion in _portions(value):
                yield
                if len(portion) == 1 and _weight(portion) > PORTION:
                    gathered[name].add(portion, [(yield from _checking_holder(shell, name, portion[0]))])
                else:
                    gathered[name].add(portion, getattr(checked_message(replace(shell, **{name: portion})), name))
    except InvalidRequest:
        for found in gathered.values():
            yield from found.drop()
        raise
    whole = {}
    for name in large:
        whole[name] = yield from gathered[name].whole()
    if shell is bare and all(whole[name] is value for name, value in large.items()):
        return message
    return cast(M, replace(shell, **whole))


def _checking_holder(shell: Any, name: str, holder: Any) -> Generator[None, None, Any]:
    """An entry of many tasks or portions."""
    [empty] = getattr(checked_message(replace(shell, **{name: (_with_parts(holder, ()),)})), name)
    one = Launch(()) if isinstance(holder, LaunchGroup) else empty  # the group's executor is looked at once
    parts = _parts(holder)
    gathered = _Gathered(parts)
    try:
        for first in range(0, len(parts), PORTION):
            yield
            portion = parts[first : first + PORTION]
            gathered.add(portion, _parts(checked_message(_with_parts(one, portion))))
    except InvalidRequest:
        yield from gathered.drop()
        raise
    return _with_parts(empty, (yield from gathered.whole()))


class _Gathered:
    """What the portions of ``given`` came to, together: that itself, if each is as it was."""

    def __init__(self, given: Any) -> None:
        self._given = given
        self._same = 0  # entries at the beginning that are as they were
        self._found: list[Any] | None = None if type(given) is tuple else []

    def add(self, portion: Any, checked: Any) -> None:
        """Take what the next portion came to."""
        if self._found is None and checked is portion:
            self._same += len(portion)
            return
        if self._found is None:
            self._found = list(itertools.islice(self._given, self._same))
        self._found += checked

    def whole(self) -> Generator[None, None, tuple[Any, ...]]:
        """All of it; the last step returns it."""
        if self._found is None:
            return cast("tuple[Any, ...]", self._given)
        yield
        whole = tuple(self._found)
        yield from self.drop(FREED_IN_STEP)
        return whole

    def drop(self, in_step: int = PORTION) -> Generator[None, None, None]:
        """Let go of it, so many entries in a step."""
        while self._found:
            yield
            del self._found[-in_step:]


def shedding(message: object) -> Generator[None, None, None]:
    """Let go of a message, some entries in each step; whoever calls this lets go of it before the first."""
    runs: deque[Any] = deque()
    kind: Any = type(message)
    for name in _list_names(kind):
        if _is_large(getattr(message, name)):
            yield from _cutting(getattr(message, name), runs)
    del message
    while runs:
        yield
        runs.popleft()


def _cutting(entries: Any, runs: deque[Any]) -> Generator[None, None, None]:
    """Append runs of entries, and behind them what those of them hold that are large themselves."""
    for first in range(0, len(entries), FREED_IN_STEP):
        yield
        run = entries[first : first + FREED_IN_STEP]
        if HOLDERS.isdisjoint(map(type, run)):
            runs.append(run)
            continue
        runs.extend([run[at : at + PORTION] for at in range(0, len(run), PORTION)])
        for entry in run:
            if _weight((entry,)) > PORTION:
                yield from _cutting(_parts(entry), runs)


def _parts(entry: Any) -> Any:
    """What an entry holds, whatever that is; nothing if it is no holder."""
    if type(entry) is Launch:
        return entry.tasks
    if type(entry) is CompletedTasks:
        return entry.portions
    return entry.group.tasks if type(entry) is LaunchGroup and type(entry.group) is TaskGroup else ()


def _with_parts(holder: Any, parts: tuple[Any, ...]) -> Any:
    if type(holder) is LaunchGroup:
        return replace(holder, group=TaskGroup(parts))
    return replace(holder, **{"portions" if type(holder) is CompletedTasks else "tasks": parts})


def _is_large(value: Any) -> bool:
    if type(value) not in (tuple, list):
        return False
    return len(value) > PORTION or (not HOLDERS.isdisjoint(map(type, value)) and _weight(value) > PORTION)


@functools.cache
def _list_names(kind: Any) -> tuple[str, ...]:
    """The fields of a message that are declared to hold any number of entries."""
    fields = cast(Any, msgspec.inspect.type_info(kind)).fields
    return tuple([field.name for field in fields if isinstance(field.type, msgspec.inspect.VarTupleType)])


@functools.cache
def _carriers(kind: Any) -> tuple[tuple[str, ...], dict[str, type]]:
    """The fields of a message that are lists of bytes, and those of structs that have such fields, with their class."""
    bare, holders = [], {}
    for field in cast(Any, msgspec.inspect.type_info(kind)).fields:
        item = getattr(field.type, "item_type", None) if isinstance(field.type, msgspec.inspect.VarTupleType) else None
        if isinstance(item, msgspec.inspect.BytesType):
            bare.append(field.name)
        elif isinstance(item, msgspec.inspect.StructType) and _carriers(item.cls)[0]:
            holders[field.name] = item.cls
    return tuple(bare), holders


def _portions(entries: Any) -> Iterator[Any]:
    """Runs of entries that weigh ``PORTION`` at most, or are one."""
    first, weight = 0, 0
    for at, entry in enumerate(entries):
        own = _weight((entry,))
        if at > first and weight + own > PORTION:
            yield entries[first:at]
            first, weight = at, 0
        weight += own
    yield entries[first:]


def _weight(entries: Any) -> int:
    held = [_parts(entry) for entry in entries[: PORTION + 1]]
    return len(entries) + sum([len(parts) for parts in held if type(parts) in (tuple, list)])
