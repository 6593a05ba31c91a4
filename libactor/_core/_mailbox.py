"""Mailbox: one actor's FIFO of pending events; many producers, one consumer."""

# Who calls: any thread puts; only the worker that now runs the actor takes (libactor/process.py).
# Invariants: 1. events of one sender leave in send order; nothing is promised across senders.
#   2. exactly one put since the mailbox was last idle answers WAKE, and its caller puts the actor on the run queue:
#   so an actor stands there at most once, and never sleeps over an event.
#   3. after close() nothing enters; close() hands out what was inside, once.
# A mailbox starts out idle. take() on an empty mailbox makes it idle again, in the same step: a put is either seen
#   by that take or answers WAKE.
# The lock is re-entrant, because a finalizer or a signal handler may run in this thread between any two calls and put
#   an event too; so no section makes a call between looking at the mailbox and changing it.
# Not queue.SimpleQueue: it cannot be closed, so a sender could slip in after the drain and wait for ever.
# Twin: csrc/mailbox.c; both pass tests/runtime/test_mailbox.py. Source: libprocess event_queue.hpp.

from __future__ import annotations

import threading
from collections import deque
from typing import Any, final

QUEUED, WAKE, CLOSED = range(3)


@final
class Mailbox:
    """Pending events of one actor, and whether the actor waits for the next one."""

    __slots__ = ("_awake", "_closed", "_events", "_lock")

    # _awake: the actor is on the run queue or running.    _closed: the actor has stopped.

    def __init__(self) -> None:
        self._events: deque[Any] = deque()
        self._awake = False
        self._closed = False
        self._lock = threading.RLock()

    def put(self, event: Any, /) -> int:
        """Append ``event``; CLOSED if refused, WAKE if the caller must now schedule the actor, else QUEUED."""
        with self._lock:
            if self._closed:
                return CLOSED
            answer = QUEUED if self._awake else WAKE
            self._awake = True
            self._events.append(event)
            return answer

    def put_first(self, event: Any, /) -> int:
        """As put, ahead of everything that waits."""
        with self._lock:
            if self._closed:
                return CLOSED
            answer = QUEUED if self._awake else WAKE
            self._awake = True
            self._events.appendleft(event)
            return answer

    def take(self) -> Any:
        """The next event, or None: then the mailbox is idle and the caller must let go of the actor."""
        with self._lock:
            if self._events:
                return self._events.popleft()
            self._awake = False
            return None

    def close(self) -> list[Any]:
        """Refuse every further event; the events that were still inside."""
        unused: deque[Any] = deque()
        with self._lock:
            self._closed = True
            rest = self._events
            self._events = unused
        return list(rest)

    def __len__(self) -> int:
        return len(self._events)
