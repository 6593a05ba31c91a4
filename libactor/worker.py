"""Workers: the threads of a runtime: one runs the actors, one watches over it, the others stand by."""

# Who calls: the runtime starts and stops them; Future.get and wait, inside a handler, go through blocking().
# Invariants: 1. one worker is in charge and runs actors: under the interpreter's lock a second would only contend for
#   it.    2. whoever takes charge gets a new number from the run queue; the worker that had it ends its turn, whenever
#   its handler lets it, and stands by.    3. no thread outlives stop().    4. a worker never sleeps past a timer:
#   whoever sets the earliest one wakes the queue, and the worker that goes on looks at the clock, however late it comes
#   to sleep.    5. a timer waits for one turn at most, however many actors have something to do.
# Charge changes hands in two ways. A handler that waits in get() or wait() hands it to a spare at once (blocking). A
#   handler that blocks in another way, or computes for long, is overtaken: the watch, who needs no interpreter's lock
#   to notice, takes charge itself, and a spare takes over the watch.
# Rejected: running other actors on the waiting handler's stack (they would stack up on one another and deadlock when
#   the lower one's answer needs the upper one to finish).
# Threads are daemons, so that a program that forgot to close its runtime still ends; the runtime closes itself at exit.

from __future__ import annotations

import logging
import threading
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

log = logging.getLogger("libactor")

OUTDATED = -2  # a deadline that is to be asked for
BLOCKED_MAX = 256  # handlers that may wait, or be overtaken, at the same time; each holds a thread


class _Spare:
    """A thread that stands by at its gate; ``number`` is what it is to take charge with, 0: it is to look around."""

    __slots__ = ("gate", "number")

    def __init__(self) -> None:
        self.gate = threading.Lock()
        self.gate.acquire()
        self.number = 0

    def call(self, number: int) -> None:
        """Open the gate."""
        self.number = number
        self.gate.release()


@contextmanager
def off_duty(queue: RunQueue) -> Iterator[Callable[[], None]]:
    """Around a wait: the calling thread, which counts as busy in ``queue``, does not until somebody calls the function
    that is yielded, or the wait is over."""
    queue.leave()
    returned = threading.Lock()  # taken by the first call

    def enter() -> None:
        if returned.acquire(blocking=False):
            queue.enter()

    try:
        yield enter
    finally:
        enter()


class Workers:
    """The threads of one runtime."""

    def __init__(self, name: str, queue: RunQueue, clock: Clock) -> None:
        self._name = name
        self._queue = queue
        self._clock = clock
        self._lock = threading.RLock()  # re-entrant: a finalizer may run in any section, and wait or close too
        self._blocked = 0  # workers inside blocking()
        self._spares: list[_Spare] = []
        self._watched = False  # a thread is in the watch
        self._threads: set[threading.Thread] = set()
        self._started = 0  # for the names of threads
        self._stopping = False
        self.poller: Poller | None = None  # of the runtime, which the worker in charge serves

    def start(self) -> None:
        """Start the first worker, and the watch over it."""
        with self._lock:
            self._appoint()
            self._hire(0)

    @contextmanager
    def blocking(self) -> Iterator[Callable[[], None]]:
        """Around a wait inside a handler: another worker runs the other actors meanwhile.

        Yields a function for whoever ends the wait to call: from then on the thread counts as busy, and not only from
        when it comes to run, so that settle does not overlook it.
        Raises: TooManyBlockedHandlers beyond BLOCKED_MAX at the same time.
        """
        with self._lock:
            if self._blocked >= BLOCKED_MAX:
                raise TooManyBlockedHandlers(
                    f"{self._name}: {self._blocked} handlers wait inside get() or wait() already; let handlers go on "
                    "with then() and defer() instead of waiting"
                )
            if self._queue.is_in_charge() and not self._stopping:
                self._appoint()
            self._blocked += 1
        try:
            with off_duty(self._queue) as enter:
                yield enter
        finally:
            with self._lock:
                self._blocked -= 1

    def stop(self, timeout: float) -> list[str]:
        """Let every worker finish its turn and end; the names of those still in a handler after ``timeout`` s."""
        with self._lock:
            self._stopping = True
            threads = list(self._threads)
            while self._spares:
                self._spares.pop().call(0)
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
        with self._lock:
            return thread in self._threads

    @property
    def threads(self) -> int:
        """How many there are."""
        return len(self._threads)

    def _appoint(self) -> None:
        """Put another worker in charge: a spare, or a new thread. The lock is held.

        Raises: RuntimeError, with the charge where it was, if the system has no thread left, or the interpreter shuts
        down.
        """
        if self._spares:
            self._queue.enter()
            self._spares.pop().call(self._queue.take_charge())
        else:
            self._hire(-1)

    def _hire(self, number: int) -> None:
        """Start a thread: to take charge with ``number``, with a new one (-1), or to stand by (0). The lock is held."""
        ready = _Spare()
        thread = threading.Thread(
            target=self._run, args=(ready,), name=f"{self._name}-worker-{self._started + 1}", daemon=True
        )
        self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:
            self._threads.discard(thread)
            raise
        self._started += 1
        if number < 0:
            self._queue.enter()
            number = self._queue.take_charge()
        ready.call(number)

    def _run(self, hired: _Spare) -> None:
        serving.workers = self
        hired.gate.acquire()
        number = hired.number
        try:
            while True:
                if number and not self._work(number):
                    return
                number = self._rest()
                if number == 0:
                    return
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())

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

    def _report(self, error: BaseException) -> None:
        try:
            log.error("%s: a worker goes on after an error outside of any actor", self._name, exc_info=error)
        except BaseException as failure:  # of the log itself
            report_unraisable(failure, "libactor: the log failed", self)

    def _rest(self) -> int:
        """Watch, or stand by, until needed: the number to take charge with; 0 once the runtime has stopped."""
        while True:
            with self._lock:
                if self._stopping:
                    return self._last_charge()
                spare = _Spare() if self._watched else None
                if spare is None:
                    self._watched = True
                else:
                    self._spares.append(spare)
            if spare is None:
                return self._watch()
            spare.gate.acquire()
            if spare.number:
                return spare.number
            # else the runtime stops, or the watch is to be taken over

    def _last_charge(self) -> int:
        """When the runtime stops: a number if something is queued that nobody may be left to run, else 0."""
        if not len(self._queue):
            return 0
        self._queue.enter()
        return self._queue.take_charge()

    def _watch(self) -> int:
        """Watch over the worker in charge until it is stuck, and see that somebody else goes on watching."""
        number = self._queue.watch()
        with self._lock:
            self._watched = False
            if self._spares:
                self._spares.pop().call(0)
            elif number and not self._stopping and len(self._threads) < BLOCKED_MAX:
                try:
                    self._hire(0)
                except RuntimeError:  # no thread left: the next that comes to rest will watch
                    log.warning("%s: no thread could be started to watch over the workers", self._name)
        return number
