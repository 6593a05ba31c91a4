"""StateMachine: one state of several, changed only from where it is expected to be, and waited for."""

# Who calls: users.
# A line of waiters is kept for each state that was waited for: there are few.
# Those who wait are told before the function is called, unless a long chain of callbacks stands on the stack: then,
#   when it has unwound.
# Source: libprocess state_machine.hpp.

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar, final, overload

from libactor._core.errors import InvalidTransition
from libactor._core.values import register_immutable
from libactor.future import Future, Promise
from libactor.sync.waiters import Waiters, leave_on_discard, let_in, lock, take_all

S = TypeVar("S", bound=Hashable)
R = TypeVar("R")


@final
class StateMachine(Generic[S]):
    """A state, best a member of an enum, that any thread, actor or task may change and wait for.

    When it goes away, those who wait find their futures abandoned.
    """

    __slots__ = ("__weakref__", "_lines", "_state")

    def __init__(self, state: S) -> None:
        hash(state)  # states are looked up
        self._state = state
        self._lines: dict[S, Waiters[None]] = {}  # by the state that is waited for

    @property
    def state(self) -> S:
        """The state now."""
        return self._state

    def is_in(self, state: S) -> bool:
        """Whether that is the state now."""
        return self._state == state

    @overload
    def transition(self, source: S, target: S) -> None: ...
    @overload
    def transition(self, source: S, target: S, function: Callable[[], R]) -> R: ...
    def transition(self, source: S, target: S, function: Callable[[], Any] | None = None) -> Any:
        """Change from ``source`` to ``target``, tell those who wait for it, and then call ``function``: its result.

        Raises: InvalidTransition if the state is not ``source``, and nothing has changed; what ``function`` raises, and
        then the state has changed.
        """
        hash(target)  # one that cannot be waited for is refused before anything changes
        promises: list[Promise[None]] = []
        with lock:
            now = self._state
            fits = now == source
            if fits:
                self._state = target
                promises = take_all(self._lines.get(target, OrderedDict()))
        if not fits:
            raise InvalidTransition(
                f"transition: the state is {now!r}, expected {source!r}, to go on to {target!r}; look at `state`, or "
                "wait with when()"
            )
        let_in(promises)
        return None if function is None else function()

    def when(self, state: S) -> Future[None]:
        """A future, one for each call, that is ready when the state is ``state``: now, or the next time it is entered.

        A discard gives up waiting. It may be another state again by the time its callbacks are called.
        """
        promise: Promise[None] = Promise()
        future, line = promise.future, OrderedDict[Future[None], Promise[None]]()
        with lock:
            line = self._lines.setdefault(state, line)
            entered = self._state == state
            if not entered:
                line[future] = promise
        if entered:
            promise.set(None)
        else:
            leave_on_discard(future, line)
        return future

    def __repr__(self) -> str:
        return f"<StateMachine in {self._state!r}, {sum(map(len, list(self._lines.values())))} waiting>"


register_immutable(StateMachine)
