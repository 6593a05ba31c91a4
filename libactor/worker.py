"""Workers: the threads of a runtime: one runs the actors, one watches over it, the others stand by."""

# Who calls: the runtime starts and stops them; Future.get and wait, inside a handler, go through blocking().
# Invariants: 1. one worker is in charge and runs actors: under the interpreter's lock a second would only contend for
#   it.    2. whoever takes charge gets a new number from the run queue; the worker that had it ends its turn, whenever
#   its handler lets it, and stands by.    3. no thread outlives stop().    4. a worker never sleeps past a timer:
#   whoever sets the earliest one wakes the queue, and the worker that goes on looks at the clock, however late it comes
#   to sleep.    5. a timer waits for one turn at most, however many actors have something to do.    6. lack of memory
#   ends no worker, and loses neither the charge nor the watch: a step that fails has changed nothing, and is made anew.
# Charge changes hands in two ways. A handler that waits in get() or wait() hands it to a spare at once (blocking). A
#   handler that blocks in another way, or computes for long, is overtaken: the watch, who needs no interpreter's lock
#   to notice, takes charge itself, and a spare takes over the watch. Both may happen at once: whoever hands over has
#   the charge at that moment, and not only when it asked, or it would be taken from a worker that sleeps.
# Rejected: running other actors on the waiting handler's stack (they would stack up on one another and deadlock when
#   the lower one's answer needs the upper one to finish).
# The lock is taken by acquire() and given back by release(), which need no memory. A `with` does: it calls the lock's
#   __exit__ with a tuple, and without memory for that the lock would stay taken for ever.
# Threads are daemons, so that a program that forgot to close its runtime still ends; the runtime closes itself at exit.

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from libactor._core._impl import ARRIVED, OVER, OVERTAKEN, RunQueue
from libactor._core.clock import Clock
from libactor._core.errors import TooManyBlockedHandlers
from libactor._core.exceptions import report_unraisable
from libactor.context import serving

if TYPE_CHECKING:
    from libactor.poller import Poller
    from libactor.runtime import Runtime

log = logging.getLogger("libactor")

ENDED = -1  # the number of a worker that is to end
OUTDATED = -2  # a deadline that is to be asked for
BLOCKED_MAX = 256  # handlers that may wait, or be overtaken, at the same time; each holds a thread


class _Spare:
    """What a worker stands by with, at its gate: ``number`` is what it is to take charge with, or ENDED; 0: it is to
    look around."""

    __slots__ = ("gate", "number", "thread")

    def __init__(self) -> None:
        self.gate = threading.Lock()
        self.gate.acquire()
        self.number = 0
        self.thread: threading.Thread | None = None

    def call(self, number: int) -> None:
        """Open the gate."""
        self.number = number
        self.gate.release()


class Absence:
    """Of a thread that counts as busy in ``queue``: from ``leave``, which it calls itself, to the first ``enter``."""

    __slots__ = ("_left", "_queue", "_returned")

    def __init__(self, queue: RunQueue) -> None:
        self._queue = queue
        self._left = False
        self._returned = threading.Lock()  # taken by the first to enter, who may come before it has left

    def leave(self) -> None:
        """Do not count any more; after whoever is to end the wait can, or the thread is overlooked in between."""
        self._left = True
        self._queue.leave()

    def enter(self) -> None:
        """Count again; for whoever ends the wait, before the thread runs."""
        if self._returned.acquire(False):
            self._queue.enter()

    def end(self) -> None:
        """Count as before, whatever has been called; from now on nothing has any effect."""
        if self._left:
            self.enter()
        elif not self._returned.acquire(False):
            self._queue.leave()


@contextmanager
def off_duty(queue: RunQueue) -> Iterator[Absence]:
    """Around a wait of the calling thread, which counts as busy in ``queue``: what it is to leave by, and whoever ends
    the wait to enter by."""
    absence = Absence(queue)
    try:
        yield absence
    finally:
        absence.end()


class Workers:
    """The threads of one runtime."""

    def __init__(self, name: str, queue: RunQueue, clock: Clock) -> None:
        self._name = name
        self._queue = queue
        self._clock = clock
        self._lock = threading.RLock()  # re-entrant: a finalizer may run in any section, and wait or close too
        self._blocked = 0  # workers inside blocking()
        self._spares: deque[_Spare] = deque()  # a list may need memory to give one back
        self._watched = False  # a thread is in the watch
        self._threads: set[threading.Thread] = set()
        self._started = 0  # for the names of threads
        self._stopping = False
        self.poller: Poller | None = None  # of the runtime, which the worker in charge serves
        self.runtime: Callable[[], Runtime | None] = lambda: None  # weakly; current in what timers set off

    def start(self) -> None:
        """Start the first worker, and the watch over it."""
        self._lock.acquire()
        try:
            self._appoint(self._queue.take_charge)
            self._hire()
        finally:
            self._lock.release()

    @contextmanager
    def blocking(self) -> Iterator[Absence]:
        """Around a wait inside a handler: another worker runs the other actors meanwhile.

        Yields what the thread is to leave by once it can be woken, and whoever ends the wait to enter by: from then on
        the thread counts as busy, and not only from when it comes to run, so that settle does not overlook it.
        Raises: TooManyBlockedHandlers beyond BLOCKED_MAX at the same time.
        """
        self._lock.acquire()
        try:
            if self._blocked >= BLOCKED_MAX:
                raise TooManyBlockedHandlers(
                    f"{self._name}: {self._blocked} handlers wait inside get() or wait() already; let handlers go on "
                    "with then() and defer() instead of waiting"
                )
            if self._queue.is_in_charge() and not self._stopping:
                self._appoint(self._queue.hand_over)
            self._blocked += 1
        finally:
            self._lock.release()
        try:
            with off_duty(self._queue) as absence:
                yield absence
        finally:
            self._lock.acquire()
            self._blocked -= 1
            self._lock.release()

    def stop(self, timeout: float) -> list[str]:
        """Let every worker finish its turn and end; the names of those still in a handler after ``timeout`` s."""
        self._lock.acquire()
        try:
            threads = list(self._threads)
            self._stopping = True
            while self._spares:
                self._spares.pop().call(0)
        finally:
            self._lock.release()
        self._queue.close()
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(timeout)
        return [thread.name for thread in threads if thread.is_alive()]

    @property
    def blocked(self) -> int:
        """How many handlers wait in get() or wait()."""
        return self._blocked

    def __contains__(self, thread: threading.Thread) -> bool:
        return thread in self._threads

    @property
    def threads(self) -> int:
        """How many there are."""
        return len(self._threads)

    def _appoint(self, take: Callable[[], int]) -> None:
        """Put a spare or a new thread in charge, with the number of ``take``; if that is 0, to stand by. The lock is
        held.

        Raises: RuntimeError, with the charge where it was, if the system has no thread left, or the interpreter shuts
        down; MemoryError likewise.
        """
        if not self._spares:
            self._hire(take)
            return
        spare, number = self._spares.pop(), 0
        try:
            number = self._take_charge(take)
        finally:
            spare.call(number)

    def _take_charge(self, take: Callable[[], int]) -> int:
        """The number of ``take`` for a worker that is in charge, and counts as busy, from now on; 0: it is not."""
        number = take()
        if number:
            self._queue.enter()
        return number

    def _hire(self, take: Callable[[], int] | None = None) -> None:
        """Start a thread: to take charge with the number of ``take``, or to stand by. The lock is held."""
        hired, number = _Spare(), 0
        self._started += 1
        hired.thread = threading.Thread(
            target=self._run, args=(hired,), name=f"{self._name}-worker-{self._started}", daemon=True
        )
        self._threads.add(hired.thread)
        try:
            hired.thread.start()
            if take is not None:
                number = self._take_charge(take)
        except BaseException:
            self._threads.discard(hired.thread)
            hired.call(ENDED)  # there is a thread all the same if what failed came after its start
            raise
        hired.call(number)

    def _run(self, own: _Spare) -> None:
        own.gate.acquire()
        while own.number != ENDED:
            try:
                serving.workers = self
                if own.number == 0:
                    own.number = self._rest(own)
                else:
                    own.number = 0 if self._work(own.number) else ENDED
            except BaseException as error:  # no memory: the same once more
                self._report(error)
        self._threads.discard(own.thread)

    def _work(self, number: int) -> bool:
        """Run actors until another worker is in charge (True) or the queue is closed (False)."""
        queue, clock = self._queue, self._clock
        deadline = OUTDATED
        while True:
            try:
                if deadline == OUTDATED:
                    if self.poller is not None and self.poller.arrived:
                        self.poller.serve()
                    deadline = self._next_deadline()
                outcome = queue.work(number, deadline)
                if outcome == ARRIVED and self.poller is not None:  # an earlier deadline wakes the queue: LOOK
                    self.poller.serve_arrivals()
                    continue
                deadline = OUTDATED
                if outcome in (OVER, OVERTAKEN):
                    queue.leave()
                    return outcome == OVERTAKEN
                if self.poller is not None:
                    self.poller.serve()
                if clock.is_due():
                    clock.fire_due(queue.run_watched)
            except BaseException as error:  # SystemExit of a timer's function, no memory: no reason to stop
                deadline = OUTDATED
                self._report(error)

    def _next_deadline(self) -> int:
        """When to look at the clock or at alarms of the poller; -1: never."""
        deadline = self._clock.next_deadline()
        if self.poller is None:
            return deadline
        alarm = self.poller.next_deadline()
        return min(deadline, alarm) if deadline >= 0 and alarm >= 0 else max(deadline, alarm)

    def _report(self, error: BaseException, what: str = "a worker goes on after an error outside of any actor") -> None:
        try:
            log.error("%s: %s", self._name, what, exc_info=error)
        except BaseException as failure:  # of the log itself
            try:
                report_unraisable(failure, "libactor: the log failed", self)
            except BaseException:  # there is no memory even to say so
                return

    def _rest(self, own: _Spare) -> int:
        """Watch, or stand by, until needed: the number to take charge with; ENDED once the runtime has stopped."""
        while True:
            self._lock.acquire()
            try:
                if self._stopping:
                    return self._last_charge()
                watches = not self._watched
                if watches:
                    self._watched = True
                else:
                    self._spares.append(own)
            finally:
                self._lock.release()
            if watches:
                return self._watch()
            own.gate.acquire()
            if own.number:
                return own.number
            # else the runtime stops, or the watch is to be taken over

    def _last_charge(self) -> int:
        """When the runtime stops: a number if something is queued that nobody may be left to run, else ENDED."""
        return self._take_charge(self._queue.succeed) or ENDED

    def _watch(self) -> int:
        """Watch over the worker in charge until it is stuck, and see that somebody else goes on watching.

        The number to take charge with; ENDED once the queue is closed.
        """
        try:
            number = self._queue.watch()
        except BaseException:
            self._watched = False  # whoever rests next will watch: this thread
            raise
        self._lock.acquire()
        try:
            self._watched = False
            if self._spares:
                self._spares.pop().call(0)
            elif number and not self._stopping and len(self._threads) < BLOCKED_MAX:
                self._hire()
        except (RuntimeError, MemoryError) as error:  # no thread left: the next that comes to rest will watch
            self._report(error, "no thread could be started to watch over the workers")
        finally:
            self._lock.release()
        return number or ENDED
