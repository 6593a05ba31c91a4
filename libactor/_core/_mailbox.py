"""Mailbox: one actor's FIFO of pending events; many producers, one consumer; and the turns that serve them."""

# Who calls: any thread puts and delivers; only the thread that now runs the actor takes: a worker, or one that helps.
# Invariants: 1. events of one sender leave in send order; nothing is promised across senders.
#   2. exactly one put since the mailbox was last idle answers WAKE, and its caller puts the actor on the run queue:
#   so an actor stands there at most once, and never sleeps over an event.
#   3. after close() nothing enters; close() hands out what was inside, once.    4. one thread at a time is in a turn.
# A mailbox starts out idle. take() on an empty mailbox makes it idle again, in the same step: a put is either seen
#   by that take or answers WAKE. A thread that helps runs an actor which may stand in the run queue still: the worker
#   that comes to it there finds it running or idle, and goes on; an end of a turn with events left enqueues it again.
# The lock is re-entrant, because a finalizer or a signal handler may run in this thread between any two calls and put
#   an event too; so no section makes a call between looking at the mailbox and changing it.
# How the actor begins and ends: _life.py.
# A turn is bounded: an actor that is sent to faster than it serves goes to the back of the queue after TURN_NS.
# Not queue.SimpleQueue: it cannot be closed, so a sender could slip in after the drain and wait for ever.
# Twin: csrc/mailbox.c and turn.c; both pass tests/runtime/test_mailbox.py. Source: libprocess event_queue.hpp.

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from libactor._core._actor import kind_of
from libactor._core._coroutine import Task
from libactor._core._lanes import Bound, Lanes
from libactor._core._life import Life
from libactor._core._pid import hand_on
from libactor._core._policy import policy
from libactor._core._run_queue import RunQueue
from libactor._core._stepping import Steppable
from libactor._core.clock import monotonic_ns
from libactor._core.exceptions import report_unraisable

QUEUED, WAKE, CLOSED = range(3)

TURN_NS = 1_000_000
SLOW_NS = 2_000_000  # of a turn: its actor is not quick
STRIDE_MAX = 16  # events between two looks at the clock
QUICK_TURNS = 4  # that make an actor fit to be helped
NO_LINKS: dict[Any, None] = {}  # stays empty: what every process has in the place of its first link


class _Running(threading.local):
    mailbox: Mailbox | None = None
    event: Any = None  # that is being served


_running = _Running()


def running() -> Mailbox | None:
    """The process in whose handler the calling thread is, or None."""
    return _running.mailbox


class Mailbox(Lanes, Steppable, Life):
    """Pending events of one actor, and whether the actor waits for the next one."""

    __slots__ = (
        "__weakref__", "_aside", "_bound", "_control", "_distant", "_events", "_held", "_linked", "_linkers", "_lock",
        "_queue", "_queued", "_running", "_stash", "_urgent", "pid", "quick",
    )  # fmt: skip

    # actor: whose methods are called; gone after the end.    kind: its class.    pid: its address.
    # reason: what stopped it; None before, or if it was terminated.    quick: turns since one took too long.
    # _awake: it has been scheduled and is not idle yet.    _queued: it stands in the run queue.
    # _running: a thread is in one of its turns.    _closed: the actor has stopped.    _gone: and those who waited know.
    # runtime: where the actor lives.    _starting: on_start is to be called, before all else.    started: it has
    # returned.    _ending: the actor is to stop, ahead of what waits.
    # _delegates: to whom messages of a class go on that the actor has no handler for; used in its own turn only.
    # _linkers: who is to hear of the end, in order of linking; None once that is being told.
    # _linked: those of whose end this one is to hear.
    # _stopped: see stopped; None until somebody asks for it.
    # _urgent: the control lane, whose events are served ahead of all others, in their order.
    # _held: how many handlers that let nothing else in have not come to their end: only the control lane is served.
    # _tasks: coroutines that have awaited, in order of their first suspension.    _suspended: those that wait now.
    # _life: that of on_start or on_stop, while it waits: nothing is served.    _life_due: what it waits for has come.
    # _stopping: the end has begun.
    # _parts: what ends with the actor, each by its end(process).
    # _bound: how many events may wait; None: as many as come.    _control: what goes by the control lane, or None.
    # _distant: it only stands for an actor of another host.
    # _stash: what was set aside.    _aside: the event being served, if it is to be.

    actor: Any
    kind: type
    pid: Any
    runtime: Any

    def __init__(self) -> None:
        self._events: deque[Any] = deque()
        self._urgent: deque[Any] = deque()
        self._parts: list[Any] = []
        self._stash: deque[Any] = deque()
        self._aside: Any = None
        self._bound: Bound | None = None
        self._control: frozenset[Any] | None = None
        self._awake = self._closed = self._gone = self._queued = self._running = False
        self._starting = self._ending = self._stopping = self.started = self._life_due = False
        self._held = self._suspended = 0
        self._tasks: dict[Task, None] = {}
        self._life: Task | None = None
        self._delegates: dict[type, Any] | None = None
        self._linkers: dict[Any, None] | None = NO_LINKS
        self._linked: dict[Any, None] = NO_LINKS
        self._lock = threading.RLock()
        self._queue: RunQueue | None = None
        self._stopped: Any = None
        self._distant = False
        self.quick = 0
        self.reason: BaseException | None = None

    @property
    def queue(self) -> RunQueue | None:
        """The RunQueue it is put on; None for a bare mailbox."""
        return self._queue

    @queue.setter
    def queue(self, queue: RunQueue | None) -> None:
        if queue is not None and not isinstance(queue, RunQueue):
            raise TypeError(f"got {queue!r}, expected a RunQueue")
        self._queue = queue

    @property
    def stopped(self) -> Any:
        """Ready, with None, once the actor is gone. Who waits for it may help the actor to its end."""
        if self._queue is None:
            raise RuntimeError("stopped: a bare mailbox has no actor that could stop")
        if self._distant:
            raise RuntimeError(
                f"wait, stopped: {self.pid} is an actor of another host, whose end only a link tells of: call link in "
                "an actor"
            )
        fresh = policy.future_type()
        with self._lock:
            if self._stopped is None:
                self._stopped = fresh
                fresh._target = None if self._gone else self
            stopped = self._stopped
            gone = self._gone
        if gone:
            stopped._complete(1, None)
        return stopped

    def _open_linkers(self) -> dict[Any, None] | None:
        """A dict of its own for the first link; None once the actor has ended."""
        if self._linkers is NO_LINKS:
            self._linkers = {}
        return self._linkers

    def put(self, event: Any, /) -> int:
        """Append ``event``; CLOSED if refused, WAKE if the caller must now schedule the actor, else QUEUED."""
        with self._lock:
            if self._closed:
                return CLOSED
            self._count(event)
            self._events.append(event)
            return self._rouse()

    def put_first(self, event: Any, /) -> int:
        """As put, ahead of everything that waits."""
        with self._lock:
            if self._closed:
                return CLOSED
            self._count(event)
            self._events.appendleft(event)
            return self._rouse()

    def _rouse(self) -> int:
        """What an insertion answers: WAKE if there is something to do now, which there was not before."""
        if self._awake or self._life is not None or (self._held and not self._urgent):
            return QUEUED
        self._awake = True
        return WAKE

    def hold(self, held: bool, /) -> None:
        """Serve only the control lane, and a termination, from now on; with False, once for each time, all again.

        In the actor's own turn.
        """
        self._held = self._held + 1 if held else max(self._held - 1, 0)

    def belong(self, part: Any, /) -> None:
        """Have ``part.end(process)`` called at the end of the actor, in its own turn, before on_stop."""
        self._parts.append(part)

    def enqueue(self) -> None:
        """Put the mailbox on its run queue, unless it stands there."""
        if self._queue is None:
            raise RuntimeError("enqueue: a bare mailbox has no run queue")
        with self._lock:
            queued, self._queued = self._queued, True
        if not queued:
            self._queue.push(self)

    def deliver(self, event: Any, /) -> None:
        """Put ``event`` in and see that it is served; a stopped actor's events are dropped."""
        self._send(event, False)

    def _send(self, event: Any, patient: bool) -> None:
        if not self._is_taken(event, _running.mailbox):
            self._enter(event, patient)

    def deliver_first(self, event: Any, /) -> None:
        """As deliver, ahead of everything that waits."""
        self._follow_up(event, self._check().put_first(event), Mailbox.deliver_first)

    def deliver_urgent(self, event: Any, /) -> None:
        """As deliver, by the control lane: ahead of everything else, in order, and although the mailbox is held."""
        with self._check()._lock:
            outcome = CLOSED
            if not self._closed:
                self._urgent.append(event)
                outcome = self._rouse()
        self._follow_up(event, outcome, Mailbox.deliver_urgent)

    def take(self) -> Any:
        """The next event, or None: then the mailbox is idle and the caller must let go of the actor."""
        with self._lock:
            if self._urgent or self._events:
                return self._take_any()
            self._awake = False
            return None

    def _take_any(self) -> Any:
        """The first event of all, which there is."""
        if self._urgent:
            return self._urgent.popleft()
        event = self._events.popleft()
        self._discount(event)
        return event

    def close(self) -> list[Any]:
        """Refuse every further event; the events that were still inside."""
        unused: deque[Any] = deque()
        with self._lock:
            self._closed = True
            self._starting = self._ending = False
            urgent, rest = self._urgent, self._events
            self._urgent = self._events = unused
            self._release_blocked()
        return [*urgent, *rest]

    def __len__(self) -> int:
        return len(self._urgent) + len(self._events)

    def run_turn(self) -> bool:
        """Serve events until none is left or the turn is over; False if it is idle, bare or being run by another
        thread."""
        return self._run_turn(None)

    def _run_turn(self, until: Any) -> bool:
        """As run_turn, by a thread that helps: until the future ``until`` is complete."""
        with self._lock:
            if self._running or not self._awake or self._queue is None:
                return False
            self._running = True
        _running.mailbox = self
        try:
            self._serve(until)
        finally:
            _running.mailbox = None
            with self._lock:
                self._running = False
                again = self._has_work()
                self._awake = again
            if again:
                self.enqueue()
        return True

    def _serve(self, until: Any) -> None:
        begun = monotonic_ns()
        stride = left = 1
        while self._has_work():
            if until is None and self._queue is not None:
                self._queue._note_progress()
            self._step()
            if self._closed or (self._queue is not None and self._queue.orphaned) or self._is_over(until):
                break
            left -= 1
            if left == 0:
                if monotonic_ns() - begun >= TURN_NS:
                    break
                left = stride = min(stride * 2, STRIDE_MAX)
        if monotonic_ns() - begun < SLOW_NS:
            self.quick = min(self.quick + 1, QUICK_TURNS)
        else:
            self.quick = 0
            if hasattr(self, "kind"):  # else a bare mailbox
                kind_of(self.kind).quick = 0

    def _has_work(self) -> bool:
        """Whether a turn would find something to do."""
        if self._starting or self._ending:
            return True
        if self._life is not None:
            return self._life_due
        return bool(self._urgent or (self._events and not self._held))

    def _step(self) -> None:
        """The next step of the actor's life, or its next event unless a filter drops it. Nothing that is raised,
        SystemExit included, may take the worker along."""
        try:
            if self._starting or self._ending or self._life_due:
                self._live()
            else:
                self._serve_event(self._take_any())
        except BaseException as error:
            try:
                self._fail(error)
            except BaseException as failure:  # a handler of the log that fails, no memory
                report_unraisable(failure, "libactor: stopping an actor failed", self)

    def _serve_event(self, event: Any) -> None:
        _running.event = event
        try:
            if type(event) is Task or not self._is_filtered(event):
                event.serve(self)
            else:
                self._aside = None
        except BaseException:
            self._aside = None
            raise
        finally:
            _running.event = None
        if self._aside is not None:
            self._keep_aside()

    def _is_filtered(self, event: Any) -> bool:
        """Whether a filter wants the event dropped: who waits for its answer hears so when it goes away.

        Where the filter raises the actor ends, and whoever waits for the answer is told.
        """
        ask = self._queue.filter if self._queue is not None else None
        try:
            if ask is None or ask(self, event):
                return ask is not None
            if self._stopping:  # the filter has ended the actor
                event.drop(self)
            return self._stopping
        except BaseException as error:
            self._fail(error)
            event.drop(self)
            return True

    def _is_over(self, until: Any) -> bool:
        if until is not None:
            return not until.is_pending() or until.is_abandoned()
        return self._queue is not None and (self._queue._is_overtaken() or self._queue._turn_over)

    def _leave_queue(self) -> None:
        """Note that a worker took it from the run queue."""
        with self._lock:
            self._queued = False

    def _check(self) -> Mailbox:
        if self._queue is not None and self._queue.orphaned:
            raise self._orphaned()
        return self

    @property
    def serving(self) -> Any:
        """The event whose handler the calling thread is in here, or None."""
        return _running.event if _running.mailbox is self else None

    def _is_running_here(self) -> bool:
        return _running.mailbox is self

    def _is_inside(self) -> bool:
        return _running.mailbox is not None

    def _follow_up(self, event: Any, outcome: int, send: Callable[[Mailbox, Any], None] | None = None) -> None:
        if outcome == WAKE and self._queue is not None:
            self.enqueue()
        elif outcome == CLOSED:
            hand_on(self, event, send or Mailbox.arrive)

    # What a process knows (libactor/process.py).

    def _fail(self, error: BaseException) -> None:
        raise error

    def _dead_letter(self, what: str, why: str) -> None:
        raise NotImplementedError

    def _unhandled(self, event: Any) -> None:
        raise NotImplementedError

    def _orphaned(self) -> BaseException:
        raise NotImplementedError

    def _end_links(self) -> None:
        raise NotImplementedError

    def _report_last(self, what: str, error: BaseException) -> None:
        raise error
