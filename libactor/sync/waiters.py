"""Waiters: those who stand in line for something, each with a promise of its own, and how they leave."""

# Who calls: the modules of libactor/sync.
# Invariants: 1. no promise is completed while the lock is held: callbacks run at once, and come back for more.
#   2. no section makes a call, or an object, between looking at a state and changing it: a finalizer or a signal
#   handler may use the same object between any two calls, and the lock lets it in, since its thread has it. (Taking the
#   first out of a line is such a change: the method of an OrderedDict takes it out before anything else can run.)
#   3. a future keeps neither the line nor whom it belongs to: when that goes away its waiters are abandoned at once.
# One lock for all: sections are a few loads and stores, and a child of a fork gets it free.
# A line is ordered, and one who leaves is found at once, however long it is; a deque would be searched.

from __future__ import annotations

import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from libactor._core._impl import hop
from libactor.future import Future, Promise

T = TypeVar("T")
PromiseT = TypeVar("PromiseT", bound=Promise[Any])

Waiters = OrderedDict[Future[T], Promise[T]]

lock = threading.RLock()
os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)


def leave_on_discard(future: Future[T], waiters: Waiters[T]) -> None:
    """Take ``future`` out of the line, and honour the discard, when somebody asks for one."""
    line, reference = weakref.ref(waiters), weakref.ref(future)

    def leave() -> None:
        waiting, leaver = line(), reference()
        if waiting is not None and leaver is not None:
            withdraw(leaver, waiting)

    future.on_discard(leave)


def withdraw(future: Future[T], waiters: OrderedDict[Future[T], PromiseT]) -> bool:
    """Take ``future`` out of the line and discard it; False if it is not there (any more)."""
    with lock:
        promise = waiters.pop(future, None)
    return promise is not None and promise.discard()


def take_all(waiters: Waiters[T]) -> list[Promise[T]]:
    """Empty a line that nobody joins any more."""
    with lock:
        promises = list(waiters.values())
        waiters.clear()
    return promises


def hop_all(calls: Iterable[Callable[[], object]]) -> None:
    """Make all calls, as hops; what one raises is raised when all are made, of several only the first."""
    interrupt: BaseException | None = None
    for call in calls:
        try:
            hop(call)
        except BaseException as error:
            interrupt = interrupt or error
    if interrupt is not None:
        raise interrupt


def let_in(promises: Iterable[Promise[None]]) -> None:
    """Tell those who were taken out of a line that it is their turn."""
    hop_all([lambda promise=promise: promise.set(None) for promise in promises])  # type: ignore[misc]


async def hold(future: Future[None], give_up: Callable[[Future[None]], Any]) -> None:
    """Wait in a coroutine for what ``future`` grants; call ``give_up(future)`` if it does not come back for it."""
    try:
        await future
    except BaseException:  # cancelled, or closed
        give_up(future)
        raise
