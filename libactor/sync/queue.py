"""Queue: what some put in, others get, both in order."""

# Who calls: users.
# Invariant: there are never elements and waiters at the same time.
# An element is passed by value when it is put in, since the two ends may be different actors. move(x) puts in x itself;
#   debug mode does not watch that one, since it looks for moved objects where an actor is served, and here none is.
# A get whose future nobody looks at any more takes an element all the same, unless it is discarded, as in libprocess.
# Source: libprocess queue.hpp.

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Any, Generic, TypeVar, final

from libactor._core._impl import READY, Moved, hop
from libactor._core.values import by_value, register_immutable
from libactor.future import Future, Promise
from libactor.sync.waiters import Waiters, leave_on_discard, lock

T = TypeVar("T")


@final
class Queue(Generic[T]):
    """A first-in, first-out queue without a bound; ``get`` is waited for by a future.

    When it goes away, those who wait find their futures abandoned.
    """

    __slots__ = ("__weakref__", "_elements", "_waiters")

    # _elements: each with whether its readers get copies of it.

    def __init__(self) -> None:
        self._elements: deque[tuple[Any, bool]] = deque()
        self._waiters: Waiters[T] = OrderedDict()

    def put(self, value: T) -> None:
        """Give ``value`` to whoever has waited longest, or keep it for the next one who asks.

        It passes by value, as an argument of ``dispatch`` does. Raises: NotPassable if it cannot.
        """
        passed = value.value if isinstance(value, Moved) else by_value(value, "what was put into a Queue")
        copied = passed is not value and not isinstance(value, Moved)
        element = passed, copied
        with lock:
            promise = None
            if self._waiters:
                promise = self._waiters.popitem(False)[1]
            else:
                self._elements.append(element)
        if promise is not None:
            hop(promise.future._complete, READY, passed, copied)

    def get(self) -> Future[T]:
        """The future of the first element that nobody who asked before gets.

        A discard leaves the line, and the future is discarded. One that comes when the element is already on its way
        changes nothing.
        """
        promise: Promise[T] = Promise()
        future = promise.future
        with lock:
            element = None
            if self._elements:
                element = self._elements.popleft()
            else:
                self._waiters[future] = promise
        if element is None:
            leave_on_discard(future, self._waiters)
        else:
            future._complete(READY, *element)
        return future

    def size(self) -> int:
        """How many elements lie in it."""
        return len(self._elements)

    def __repr__(self) -> str:
        return f"<Queue of {len(self._elements)}, {len(self._waiters)} waiting>"


register_immutable(Queue)
