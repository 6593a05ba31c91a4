"""Patterns: which events a rule of a filter is about, said in a way that can be checked when the rule is made."""

# Who calls: libactor/testing/filters.py, for each rule; what comes back is asked for every event that is served.
# A rule that can never fit is a mistake of the test, which would wait for ever or pass for no reason: it is refused at
#   once, as far as that can be known. A class of messages that nobody handles is none, since tests look at those too.

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from libactor.actor import Actor
from libactor.events import Exited
from libactor.pid import PID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from libactor.process import Process


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a filter has met, as the actor gets it: look at it, and change nothing in it."""

    kind: str  # "message", "dispatch", "tell" (also of a delay), "execute" or "exited"
    to: PID[Any]
    what: Any  # the message; the method's name; the callable; the PID that has stopped
    sender: PID[Any] | None = None  # of a message
    arguments: tuple[Any, ...] = ()  # of a call
    keywords: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))  # of a call
    reason: BaseException | None = None  # of an exit


Pattern: TypeAlias = Callable[[Seen], bool]


def look(process: Process, event: Any) -> Seen | None:
    """What there is to see of ``event``; None of the events of an actor's start and stop."""
    if isinstance(event, Exited):
        return Seen("exited", process.pid, event.pid, reason=event.reason)
    kind = getattr(event, "kind", None)
    if kind is None:
        return None
    if kind == "message":
        return Seen(kind, process.pid, event.what, sender=event.future)
    return Seen(kind, process.pid, event.what, None, event.arguments, MappingProxyType(event.keywords))


def is_message(kind: Any, sender: Any, to: Any, where: Any) -> Pattern:
    """Whether it is a message of exactly the class ``kind``."""
    if not isinstance(kind, type):
        raise TypeError(f"filter: got {kind!r}, expected a message class, such as Reset")
    _check_pid("sender", sender)
    _check_rest(to, where)

    def fits(seen: Seen) -> bool:
        if seen.kind != "message" or type(seen.what) is not kind or (sender is not None and seen.sender != sender):
            return False
        return _fits(seen, to, where)

    return fits


def is_call(method: Any, to: Any, where: Any) -> Pattern:
    """Whether it is a call of ``method``, by whatever name the class of the actor has it."""
    if not callable(method) or not hasattr(method, "__name__") or hasattr(method, "__self__"):
        raise TypeError(f"filter: got {method!r}, expected a function of the actor's class, such as Counter.add")
    _check_rest(to, where)
    _check_method(method, to)

    def fits(seen: Seen) -> bool:
        if seen.kind not in ("dispatch", "tell"):
            return False
        kinds = seen.to._process.kind.__mro__
        return any(getattr(kind, seen.what, None) is method for kind in kinds) and _fits(seen, to, where)

    return fits


def is_exit(pid: Any, to: Any) -> Pattern:
    """Whether it is the news that the actor at ``pid`` has stopped."""
    _check_pid("pid", pid)
    _check_rest(to, None)
    return lambda seen: seen.kind == "exited" and pid in (None, seen.what) and _fits(seen, to, None)


def _fits(seen: Seen, to: PID[Any] | None, where: Pattern | None) -> bool:
    return to in (None, seen.to) and (where is None or where(seen))


def _check_pid(name: str, pid: Any) -> None:
    if pid is not None and not isinstance(pid, PID):
        raise TypeError(f"filter: got {name}={pid!r}, expected a PID, as spawn returns it, or None for any")


def _check_rest(to: Any, where: Any) -> None:
    _check_pid("to", to)
    if where is not None and not callable(where):
        raise TypeError(f"filter: got where={where!r}, expected a function from what was seen to whether it is meant")


def _check_method(method: Any, to: PID[Any] | None) -> None:
    """Raise TypeError if no actor, or not the one at ``to``, has ``method``."""
    kinds = _kinds_of_actors() if to is None else iter([to._process.kind])
    if not any(_has(kind, method) for kind in kinds):
        name = getattr(method, "__qualname__", method.__name__)
        whose = "no class of actors" if to is None else f"{to._process.kind.__qualname__}, the class of {to},"
        raise TypeError(
            f"filter: {whose} has {name}, so it would never fit; expected a function of the actor's class or of a base "
            "of it, such as Counter.add"
        )


def _has(kind: type, method: Any) -> bool:
    found = (value for base in kind.__mro__ for value in vars(base).values())
    return any(value is method or getattr(value, "__func__", None) is method for value in found)


def _kinds_of_actors() -> Iterator[type]:
    rest: list[type] = [Actor]
    while rest:
        kind = rest.pop()
        rest.extend(kind.__subclasses__())
        yield kind
