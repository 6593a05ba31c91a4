"""Lanes: the way of an event into a mailbox that is bounded or has a control lane, and the stash."""

# Who calls: Mailbox (_mailbox.py) derives from Lanes; the numbers of a bound are in Bound, of which few mailboxes have
#   one. Who is told of an event that is refused, and how: Process._overflow. Who may wait for room: libactor/bounds.py.
# Invariants: 1. a bound counts the calls and messages that wait in the ordinary lane, and nothing else: the ends of
#   links, say, are let in and stand there uncounted; what a handler puts back counts, and is let in.    2. a thread
#   that waits for room gets the next place, before any that comes later, and the one that came first is woken first.
#   3. an event that is refused is told about after the mailbox is as it will be: that runs foreign code.
# A place is taken before the event is put there, in one step with the look whether there is one: see the lock of
#   _mailbox.py.
# The stash: an event is kept after its handler has returned, not when it asks: one that raises afterwards has failed
#   like any other. Only the actor's own turn comes there, and its end.
# Twin: csrc/lanes.c and stash.c; both pass tests/runtime/test_bounded.py and test_stash.py.

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from libactor._core._policy import policy
from libactor._core.gate import Gate

DROP_NEW, DROP_OLD, FAIL_SENDER, BLOCK = range(4)

ASIDE = "the actor has stopped, and had set it aside"  # why an event in the stash is a dead letter


def is_sent(event: Any) -> bool:
    """Whether somebody has sent it, and can be refused (_events.py): a call or a message."""
    return hasattr(event, "refuse")


class Bound:
    """How many calls and messages may wait, and how many do."""

    __slots__ = ("blocked", "capacity", "overflow", "overflows", "places", "waiting")

    # overflow: what becomes of an event for which there is no room.    overflows: how many found none, or made it for
    # another.    places: kept for threads that put theirs in just now.    blocked: the gates of those that wait.

    def __init__(self, capacity: int, overflow: int) -> None:
        self.capacity = capacity
        self.overflow = overflow
        self.overflows = 0
        self.places = 0
        self.waiting = 0
        self.blocked: deque[Gate] = deque()

    def let_in(self) -> None:
        """Wake the threads that wait for the room there is. The lock is held."""
        while self.blocked and self.waiting + self.places < self.capacity:
            self.places += 1
            self.blocked.popleft().open()


class Lanes:
    """What a Mailbox does for the few actors that are bounded, have a control lane, or set something aside."""

    __slots__ = ()

    _aside: Any
    _bound: Bound | None
    _closed: bool
    _control: frozenset[Any] | None
    _events: deque[Any]
    _lock: threading.RLock
    _stash: deque[Any]

    @property
    def bound(self) -> tuple[int, int] | None:
        """Its capacity and what becomes of what finds no room; None without a bound."""
        return None if self._bound is None else (self._bound.capacity, self._bound.overflow)

    @property
    def overflows(self) -> int:
        """How many found no room in the mailbox, or made it for another."""
        return 0 if self._bound is None else self._bound.overflows

    @property
    def blocked(self) -> int:
        """How many threads wait for room."""
        return 0 if self._bound is None else len(self._bound.blocked)

    @property
    def stashed(self) -> int:
        """How many calls and messages were set aside."""
        return len(self._stash)

    def set_aside(self) -> None:
        """Keep the call or message that is being served in the stash, once its handler has returned."""
        event = self.serving
        if not is_sent(event):
            raise RuntimeError("set_aside: no call and no message is being served here")
        if self._aside is not None:
            raise RuntimeError("set_aside: the event was set aside before")
        self._aside = event

    def put_back(self) -> int:
        """Put what is in the stash ahead of what waits, in order; how many. In the actor's own turn."""
        if not self._is_running_here():
            raise RuntimeError("put_back: called outside of the actor's own turn")
        count = len(self._stash)
        with self._lock:
            while self._stash:
                event = self._stash.pop()
                self._count(event)
                self._events.appendleft(event)
        return count

    def _keep_aside(self) -> None:
        """After the handler of the event that was to be set aside has returned."""
        event, self._aside = self._aside, None
        if self._closed:  # its handler has ended the actor
            event.drop(self, ASIDE)
            return
        self._stash.append(event)
        if event.kind in ("dispatch", "execute"):  # whoever waits for the answer waits for this actor still
            event.future._target = self

    def _enter(self, event: Any, patient: bool) -> None:
        """As deliver, by the lane that the event belongs to, if there is room; one who is patient may wait for it."""
        if self._control is not None and self._is_control(event):
            self.deliver_urgent(event)
        elif self._bound is not None and is_sent(event):
            self._deliver_bounded(self._bound, event, patient)
        else:
            self._follow_up(event, self._check().put(event))

    def _enter_patiently(self, event: Any) -> None:
        """As deliver, for a thread that has waited for room where the actor has stopped meanwhile."""
        self._enter(event, True)

    def _is_control(self, event: Any) -> bool:
        if not is_sent(event) or event.kind == "execute" or self._control is None:
            return False
        return (type(event.what) if event.kind == "message" else event.what) in self._control

    def _count(self, event: Any) -> None:
        """Note that an event is about to stand in the ordinary lane. The lock is held."""
        if self._bound is not None and is_sent(event):
            self._bound.waiting += 1

    def _discount(self, event: Any) -> None:
        """Note that an event has left the ordinary lane."""
        if self._bound is not None and is_sent(event):
            with self._lock:
                self._bound.waiting -= 1
                self._bound.let_in()

    def _deliver_bounded(self, bound: Bound, event: Any, patient: bool) -> None:
        refused = None
        self._check()
        with self._lock:
            room = bound.waiting + bound.places < bound.capacity
            bound.places += room  # no call since the look
            try:
                if room or self._closed or bound.overflow == DROP_OLD:
                    outcome: int | None = self.put(event)
                else:
                    outcome = None
                if not room and outcome is not None and not self._closed:
                    refused = self._remove_oldest()
            finally:
                bound.places -= room
        if outcome is not None:
            self._follow_up(event, outcome)
        elif patient and bound.overflow == BLOCK and not self._is_inside():
            if policy.may_block(self):
                self._follow_up(event, self._put_when_there_is_room(bound, event), Lanes._enter_patiently)
            else:  # a simulation that was asked may have made room
                self._deliver_bounded(bound, event, False)
        else:
            refused = event
        if refused is not None:
            bound.overflows += 1
            self._overflow(refused)

    def _remove_oldest(self) -> Any:
        """Take the call or message out that waits longest. The lock is held."""
        index = next(index for index, event in enumerate(self._events) if is_sent(event))
        event = self._events[index]
        del self._events[index]
        self._discount(event)
        return event

    def _put_when_there_is_room(self, bound: Bound, event: Any) -> int:
        """Sleep until there is room, or the actor has stopped, and put ``event`` in."""
        gate = Gate()
        with self._lock:
            bound.blocked.append(gate)
            bound.let_in()
        try:
            if not self._closed:
                gate.wait()
        except BaseException:
            with self._lock:
                self._leave(bound, gate)
                bound.let_in()
            raise
        with self._lock:
            self._leave(bound, gate)
            return self.put(event)

    def _leave(self, bound: Bound, gate: Gate) -> None:
        """Stand for room no longer, and give back the place that was kept. The lock is held."""
        if gate in bound.blocked:
            bound.blocked.remove(gate)
        else:
            bound.places -= 1

    def _release_blocked(self) -> None:
        """Let every thread go on that waits for room: there will be none. The lock is held."""
        if self._bound is not None:
            while self._bound.blocked:
                self._bound.places += 1
                self._bound.blocked.popleft().open()

    # What a Mailbox has.

    @property
    def serving(self) -> Any:
        raise NotImplementedError

    def _check(self) -> Any:
        raise NotImplementedError

    def put(self, event: Any, /) -> int:
        raise NotImplementedError

    def deliver_urgent(self, event: Any, /) -> None:
        raise NotImplementedError

    def _follow_up(self, event: Any, outcome: int, send: Any = None) -> None:
        raise NotImplementedError

    def _overflow(self, event: Any) -> None:
        raise NotImplementedError

    def _is_running_here(self) -> bool:
        raise NotImplementedError

    def _is_inside(self) -> bool:
        raise NotImplementedError
