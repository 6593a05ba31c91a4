"""Combinators: one future of several, and a future that passes no discard on."""

# Who calls: users.
# As along a chain, discards flow upstream and outcomes and abandonment downstream; what each combinator makes of them
#   is in its docstring. Members that decided nothing are left to go on.
# Source: libprocess collect.hpp, future.hpp (select, undiscardable).

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ParamSpec, TypeVar, cast, overload

from libactor._core._impl import DISCARDED, ON_ABANDONED, ON_ANY, READY, gather, hop
from libactor.future import Future

T = TypeVar("T")
P = ParamSpec("P")

NOBODY_LEFT = "select: none of the futures can become ready any more"  # why its result is abandoned


def collect(futures: Iterable[Future[T]]) -> Future[list[T]]:
    """The future of all values, in the order of ``futures``.

    The first failure fails it, a discarded member fails it, an abandoned member abandons it; a discard of it reaches
    every member and is then honoured. No futures: ready at once with an empty list. Source: libprocess collect.hpp.
    """
    return cast(Future[list[T]], gather(futures, True))


def await_all(futures: Iterable[Future[T]]) -> Future[list[Future[T]]]:
    """The future of ``futures`` themselves, as a list, when all of them are complete, whatever their outcome.

    An abandoned member abandons it; a discard of it reaches every member and is then honoured, also if no member
    does. No futures: ready at once with an empty list. Source: libprocess collect.hpp (await).
    """
    return cast(Future[list[Future[T]]], gather(futures, False))


def select(futures: Iterable[Future[T]]) -> Future[Future[T]]:
    """The future of the first of ``futures`` that is ready: that future itself, and not its value.

    Other outcomes do not count; when no member can become ready any more, or there is none, the result is abandoned. A
    discard of it is honoured and reaches no member. Raises: TypeError for a member that is no future.
    Source: libprocess future.hpp.
    """
    members = list(futures)
    for number, member in enumerate(members, 1):
        if not isinstance(member, Future):
            raise TypeError(f"select: got {member!r} as number {number} of the futures, expected a future")
    result: Future[Future[T]] = Future()
    left = set(range(len(members)))  # members that can still win, and the one that did

    def arrived(number: int, member: Future[T]) -> None:
        if member.is_ready():
            hop(result._complete, READY, member)
        else:
            lost(number)

    def lost(number: int) -> None:
        left.discard(number)
        if not left:
            hop(result._abandon, NOBODY_LEFT)

    result.on_discard(lambda: result._complete(DISCARDED, None))
    for number, member in enumerate(members):
        member._subscribe(ON_ANY, partial(arrived, number))
        member._subscribe(ON_ABANDONED, partial(lost, number))
    if not members:
        result._abandon(NOBODY_LEFT)
    return result


@overload
def undiscardable(source: Future[T]) -> Future[T]: ...
@overload
def undiscardable(source: Callable[P, Future[T]]) -> Callable[P, Future[T]]: ...
def undiscardable(source: Future[T] | Callable[..., Future[T]]) -> Future[T] | Callable[..., Future[T]]:
    """A future that comes out as ``source`` and keeps discards from it.

    Of a function that returns a future: the function that returns such a one instead, for ``then`` and its like; a
    plain value passes through.
    Raises: TypeError for what is neither. Source: libprocess future.hpp.
    """
    if isinstance(source, Future):
        return _shield(source)
    if not callable(source):
        raise TypeError(f"undiscardable: got {source!r}, expected a future or a function that returns one")
    function = source

    def shielded(*args: Any, **kwargs: Any) -> Any:
        value: Any = function(*args, **kwargs)
        return _shield(value) if isinstance(value, Future) else value

    return shielded


def _shield(source: Future[T]) -> Future[T]:
    result: Future[T] = Future()
    result._follow(source, shield=True)
    return result
