"""RunQueue: the actors that have something to do, and the workers that wait for one."""

# Who calls: any thread pushes; workers work (libactor/worker.py); whoever settles the clock waits for idleness.
# Invariants: 1. first in, first out.    2. a push unparks one worker if, and only if, one is parked; the worker that
#   was parked last goes first, because its caches are warm.    3. `busy` counts the threads that run actors or are
#   about to look; whoever unparks a worker counts it busy at once, so that "nothing queued and nobody busy" is idle.
#   4. one worker is in charge; it has the newest number, and any other that finds its own older returns.    5. the
#   charge is taken from a worker that is awake only, inside a turn or outside of work(), or that has gone: two in epoll
#   would take the rings of each other's bell, and one of them would sleep for ever.
# No lost wake-up: a worker looks at the queue and enters the list of parked workers under one lock, and a push
#   appends and looks at that list under the same lock.
#   That lock is re-entrant, because a finalizer or a signal handler may run in this thread between any two calls and
#   push too; so no section makes a call between looking at the queue and changing it.
# Parking is a lock per parked worker and not one condition variable: a push then wakes exactly the worker it chose.
# Twin: csrc/run_queue.c and worker.c; both pass tests/runtime/test_run_queue.py. The watch here needs the interpreter's
#   lock to look, so what it finds it finds up to a switch interval later. Source: libprocess run_queue.hpp.

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, final

from libactor._core._polling import Polling
from libactor._core._stepping import Network, SteppableQueue
from libactor._core._waiter import Waiter, clip
from libactor._core.clock import monotonic_ns

DUE, LOOK, OVERTAKEN, OVER, ARRIVED = range(1, 6)  # why work() returns


WATCH_S = 0.002
STUCK_TICKS, PATIENT_TICKS, QUIET_TICKS = 2, 50, 10  # looks: see watch()


class _Own(threading.local):
    """The queue that this thread works for, and its number there."""

    queue: RunQueue | None = None
    number = 0


_own = _Own()


@final
class RunQueue(SteppableQueue):
    """FIFO of runnable actors with parking for workers and for those who wait until all is idle."""

    __slots__ = (
        "__weakref__", "_attention", "_awake", "_busy", "_closed", "_deadline_ns", "_helped", "_idle_waiters",
        "_in_turn", "_items", "_lock", "_number", "_parked", "_patient", "_polling", "_progress", "_turn_over",
        "_turns", "_vacant", "_watch_gate", "filter", "helping", "network", "orphaned",
    )  # fmt: skip

    # _attention: somebody wants a worker to look at the clock.    _number: of the worker in charge.
    # _progress: events that the workers have begun.    _in_turn: the worker in charge is inside a turn.
    # _turns: that were begun.    _turn_over: the watch wants the turn to end.    _awake: a worker is not parked.
    # _vacant: nobody is in charge: the worker that was has returned OVER, or there was none yet.
    # _deadline_ns: when it is to look at the clock; -1: never.
    # _watch_gate: set whenever the watch, should it sleep, is to look.
    # filter: asked, with process and event, before an event is served: True drops it. None: nobody is asked.
    # network: asked, with the process that sends (None outside of actors), the one that is sent to and the event,
    # before one goes from one runtime to another on this queue: True takes it.
    # helping: threads outside that wait may run actors.
    # _polling: the epoll in which the worker in charge sleeps, if there is one.
    # _helped: turns that threads outside which wait have run.
    # orphaned: the process is a fork of the one whose threads run this queue.

    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._parked: list[Waiter] = []  # workers; the last one parked is the first to go
        self._idle_waiters: list[Waiter] = []
        self._busy = 0
        self._closed = False
        self._lock = threading.RLock()
        self._attention = self._in_turn = self._awake = False
        self._turn_over = False
        self._vacant = True
        self._deadline_ns = -1
        self._patient = False
        self._number = self._progress = self._turns = 0
        self._watch_gate = threading.Event()
        self.filter: Callable[[Any, Any], bool] | None = None
        self._helped = 0
        self._polling = Polling()
        self.network: Network | None = None
        self.helping = True
        self.orphaned = False

    def push(self, item: Any, /) -> None:
        """Append ``item`` and unpark a worker if one is parked."""
        with self._lock:
            self._items.append(item)
            self._unpark()

    def pop(self, timeout: float | None = None) -> Any:
        """The next item; None after ``timeout`` seconds, after wake(), once the queue is closed and empty, or when
        another worker was quicker.

        None as timeout waits without bound. The caller must be counted busy (enter) and is again on return.
        Raises: ValueError if ``timeout`` is NaN.
        """
        return self._pop(clip(timeout), Waiter(), None)

    def _pop(self, bound: float | None, parked: Waiter, polling: Polling | None, is_worker: bool = False) -> Any:
        """As pop; the caller sleeps in epoll if there is one, and what arrives there ends it too.

        The worker in charge does not sleep if somebody has woken it since it looked.
        """
        with self._lock:
            if self._items:
                return self._items.popleft()
            if self._closed or bound == 0 or (is_worker and self._attention):
                return None
            self._parked.append(parked)
            self._leave()
        interrupted = True
        try:
            if polling is None:
                parked.sleep(bound)
            else:
                polling.ask(bound)
            interrupted = False
        finally:
            with self._lock:
                self._return(parked, interrupted)
        with self._lock:
            return self._items.popleft() if self._items else None

    def wake(self) -> None:
        """Have a worker look at the clock before it sleeps, or sleeps on: its work returns LOOK, and the pop of one
        that is parked None if there is nothing to run."""
        with self._lock:
            self._attention = True
            self._unpark()

    def close(self) -> None:
        """Unpark every worker; pop no longer waits."""
        with self._lock:
            self._closed = True
            while self._parked:
                self._unpark()
        self._watch_gate.set()

    def work(self, number: int, deadline_ns: int, /) -> int:
        """Run actors as worker ``number`` until something else is to be done: DUE, LOOK, ARRIVED, OVERTAKEN or OVER.

        DUE: it is ``deadline_ns`` by the monotonic clock (-1: never). LOOK: see wake(). ARRIVED: see poll_by().
        OVERTAKEN: another worker is in charge. OVER: the queue is closed and empty. The caller must be counted busy
        (enter) and is still on return.
        """
        _own.queue, _own.number = self, number
        self._deadline_ns = deadline_ns
        self._stay_awake()
        outcome, item = OVERTAKEN if self._is_overtaken() else 0, None
        while outcome == 0:
            if item is None:
                item = self._take()
            if item is not None:
                self._run(item)
            outcome = self._is_called(deadline_ns)
            item = self._park(deadline_ns) if outcome == 0 and item is None else None
        if outcome in (OVERTAKEN, OVER):
            with self._lock:
                self._vacant = self._vacant or (outcome == OVER and self.is_in_charge())
            _own.queue = None
        return outcome

    def run_watched(self, function: Callable[..., object], /, *arguments: Any) -> object:
        """Call ``function`` as the worker in charge outside of any actor.

        Should it block, another worker takes charge.
        """
        if self._is_overtaken():
            return function(*arguments)  # the watch looks at another worker by now
        self._patient = True  # or those behind it come before it
        self._begin_watched()
        self._progress += 1
        try:
            return function(*arguments)
        finally:
            self._end_watched()

    def watch(self) -> int:
        """Wait until the worker in charge is stuck in a handler while others have something to do.

        The caller is then in charge and counted busy. Its number, or 0 once the queue is closed. Stuck: it has been
        inside the same event for STUCK_TICKS looks, or for PATIENT_TICKS if nobody waits for it.
        """
        seen, number, turns, still, quiet = self._progress, self._number, self._turns, 0, 0
        while not self._closed:
            quiet = 0 if self._awake else quiet + 1
            self._watch_gate.wait(WATCH_S if quiet < QUIET_TICKS else None)
            if quiet >= QUIET_TICKS:
                quiet = 0
            self._watch_gate.clear()
            with self._lock:
                if self._turns == turns and self._progress != seen:
                    self._turn_over = True  # at the next event: it is longer than a tick
                turns = self._turns
                if not self._in_turn or self._progress != seen or self._number != number:
                    seen, number, still = self._progress, self._number, 0
                    continue
                still += 1
                if still >= PATIENT_TICKS or (still >= STUCK_TICKS and not self._patient and self._is_wanted()):
                    taken = self._take_charge()
                    self._busy += 1
                    return taken
        return 0

    def take_charge(self) -> int:
        """The number for a worker that is in charge from now on; whoever was is overtaken."""
        with self._lock:
            return self._take_charge()

    def is_in_charge(self) -> bool:
        """Whether the calling thread is the worker in charge."""
        return _own.queue is self and _own.number == self._number

    def hand_over(self) -> int:
        """The number for whoever the calling worker hands the charge to; 0 if it does not have it, having been
        overtaken."""
        with self._lock:
            return self._take_charge() if self.is_in_charge() else 0

    def succeed(self) -> int:
        """The number for a worker that takes charge because something is queued, and whoever is in charge is inside a
        turn or has gone; else 0: nothing is queued, or it will be run."""
        with self._lock:
            return self._take_charge() if self._items and (self._in_turn or self._vacant) else 0

    def orphan(self) -> None:
        """In the child of a fork: the threads that ran this queue are not there, and one may have held the lock."""
        self.orphaned = True
        self._lock = threading.RLock()

    def _note_help(self) -> None:
        """A thread outside has run a turn."""
        with self._lock:
            self._helped += 1

    def enter(self) -> None:
        """Count the calling worker busy: when it starts, and when a handler of its returns from a wait."""
        with self._lock:
            self._busy += 1

    def leave(self) -> None:
        """Take the calling worker off the count: when it ends, and when a handler of its is about to wait."""
        with self._lock:
            self._leave()

    def wait_idle(self, timeout: float | None = None) -> bool:
        """Wait until nothing is queued and no worker is busy; False if ``timeout`` seconds pass before.

        Raises: ValueError if ``timeout`` is NaN; in the main thread, what a signal handler raises.
        """
        bound = clip(timeout)
        parked = Waiter()
        with self._lock:
            if not self._items and self._busy == 0:
                return True
            if bound == 0:
                return False
            self._idle_waiters.append(parked)
        try:
            parked.sleep(bound)
        finally:
            with self._lock:
                if not parked.woken:
                    self._idle_waiters.remove(parked)
        return parked.woken

    @property
    def busy(self) -> int:
        """Threads that run actors or are about to look; and what else counts as busy by enter()."""
        return self._busy

    @property
    def helped(self) -> int:
        """Turns that were run by threads outside which wait."""
        return self._helped

    @property
    def closed(self) -> bool:
        """True after close()."""
        return self._closed

    def __len__(self) -> int:
        return len(self._items)

    def poll_by(self, epoll: int, bell: int, /) -> None:
        """Have the worker in charge sleep in this epoll, and look at it once a millisecond while actors keep it busy.

        Its work returns ARRIVED when there is something. ``bell``: an eventfd that is registered there, edge triggered.
        Both are descriptors, which stay the caller's; -1 ends it, but for a worker that sleeps there just now.
        """
        with self._lock:
            self._polling.use(epoll, bell)
        self.wake()  # a worker that sleeps at its gate goes to sleep there

    def arrivals(self) -> list[tuple[int, int]]:
        """What epoll has brought since the last call: pairs of descriptor and event mask."""
        return self._polling.take()

    def _is_overtaken(self) -> bool:
        """Whether the calling thread is a worker of this queue that is not in charge any more."""
        return _own.queue is self and _own.number != self._number

    def _is_wanted(self) -> bool:
        """Whether an actor, a timer or an arrival waits for the worker in charge. The lock is held."""
        if self._items or self._attention or 0 <= self._deadline_ns <= monotonic_ns():
            return True
        return self._polling.is_ready()

    def _note_progress(self) -> None:
        """A worker begins an event."""
        self._progress += 1

    def _take(self) -> Any:
        with self._lock:
            return self._items.popleft() if self._items else None

    def _is_called(self, deadline_ns: int) -> int:
        """Why the worker is to look at something else than actors, or 0; asked after a turn, if there was one."""
        now = monotonic_ns()
        with self._lock:
            if self._is_overtaken():
                return OVERTAKEN
            if self.orphaned:
                return OVER  # the handler forked: what runs on here is not the worker
            if self._closed and not self._items:
                return OVER  # whatever timers are due
            if self._attention:
                self._attention = False
                return LOOK
            if 0 <= deadline_ns <= now:
                return DUE
            return ARRIVED if self._polling.look(now) else 0

    def _park(self, deadline_ns: int) -> Any:
        """Sleep until there is something to do, which is returned if it is an actor's, or until the deadline."""
        self._awake = False
        try:
            bell = self._polling.bell
            bound = None if deadline_ns < 0 else (deadline_ns - monotonic_ns()) / 1e9
            return self._pop(clip(bound), Waiter(bell), None if bell < 0 else self._polling, is_worker=True)
        finally:
            self._stay_awake()

    def _stay_awake(self) -> None:
        self._awake = True
        self._watch_gate.set()

    def _run(self, mailbox: Any) -> None:
        mailbox._leave_queue()
        self._begin_watched()
        mailbox.run_turn()
        self._end_watched()

    def _begin_watched(self) -> None:
        """Have the watch look at what the worker in charge does now."""
        self._turn_over = False
        self._turns += 1
        self._in_turn = True

    def _end_watched(self) -> None:
        with self._lock:  # or who has found it in a turn takes charge of what it does after that
            if not self._is_overtaken():  # else it is about another worker's turn
                self._in_turn = self._patient = False

    def _take_charge(self) -> int:
        number = self._number + 1  # without memory the charge stays where it was
        self._in_turn = self._patient = self._vacant = False
        self._number = number
        return number

    def _unpark(self) -> None:
        if self._parked:
            parked = self._parked.pop()
            self._busy += 1
            parked.wake()

    def _return(self, parked: Waiter, interrupted: bool) -> None:
        """Count a worker that has stopped waiting; one that was interrupted hands on a wake-up that it got."""
        if not parked.woken:
            self._parked.remove(parked)
            self._busy += 1
        elif interrupted and self._items:
            self._unpark()

    def _leave(self) -> None:
        self._busy -= 1
        if self._busy == 0 and not self._items:
            while self._idle_waiters:
                self._idle_waiters.pop().wake()
