"""Workers: the threads that run actors, one at a time under the interpreter's lock."""

# Who calls: the runtime starts and stops them; Future.get and wait, inside a handler, go through blocking().
# Invariants: 1. one worker is active: under the interpreter's lock a second would only contend for it.
#   2. a handler that waits gives its role to a spare, so the actors it waits for can run; when it comes back there are
#   two for a moment, and the first of them that ends a turn becomes a spare.
#   3. no thread outlives stop().    4. a worker never sleeps past a timer: whoever sets the earliest one, and whoever
#   ends a turn to become a spare, queues a Look, which the worker that goes on finds however late it comes to sleep.
#   5. a timer waits for one turn at most, however many actors have something to do.
# Rejected: running other actors on the waiting handler's stack (they would stack up on one another and deadlock when
#   the lower one's answer needs the upper one to finish).
# Threads are daemons, so that a program that forgot to close its runtime still ends; the runtime closes itself at exit.

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from libactor._core._impl import RunQueue
from libactor._core.clock import Clock
from libactor._core.errors import TooManyBlockedHandlers

if TYPE_CHECKING:
    from libactor.process import Process

log = logging.getLogger("libactor")

BLOCKED_MAX = 256  # handlers that may wait at the same time; each holds a thread


class Look:
    """Takes the place of an actor in the run queue, so that a worker comes by and looks at the clock."""

    __slots__ = ()

    def run_turn(self) -> None:
        """Nothing to do: looking at the clock is what a worker does before it pops, and again before it sleeps."""


LOOK = Look()


class Workers:
    """The threads of one runtime."""

    def __init__(self, name: str, queue: RunQueue, clock: Clock) -> None:
        self._name = name
        self._queue = queue
        self._clock = clock
        self._lock = threading.Lock()
        self._active = 0  # workers that pop from the queue or run a turn; at most one for long
        self._blocked = 0  # workers inside blocking()
        self._spares: list[threading.Lock] = []  # one gate per idle spare, held until it is needed
        self._threads: set[threading.Thread] = set()
        self._started = 0  # for the names of threads
        self._stopping = False

    def start(self) -> None:
        """Start the first worker."""
        with self._lock:
            self._add()

    @contextmanager
    def blocking(self) -> Iterator[Callable[[], None]]:
        """Around a wait inside a handler: another worker runs the other actors meanwhile.

        Yields a function for whoever ends the wait to call: from then on the worker counts as busy, and not only from
        when its thread comes to run, so that settle does not overlook it.
        Raises: TooManyBlockedHandlers beyond BLOCKED_MAX at the same time.
        """
        with self._lock:
            if self._blocked >= BLOCKED_MAX:
                raise TooManyBlockedHandlers(
                    f"{self._name}: {self._blocked} handlers wait inside get() or wait() already; let handlers go on "
                    "with then() and defer() instead of waiting"
                )
            if self._active == 1 and not self._stopping:
                self._add()
            self._blocked += 1
            self._active -= 1
        self._queue.leave()
        returned = threading.Lock()  # taken by the first call

        def enter() -> None:
            if returned.acquire(blocking=False):
                self._queue.enter()

        try:
            yield enter
        finally:
            enter()
            with self._lock:
                self._blocked -= 1
                self._active += 1

    def stop(self, timeout: float) -> list[str]:
        """Let every worker finish its turn and end; the names of those still in a handler after ``timeout`` s."""
        with self._lock:
            self._stopping = True
            threads = list(self._threads)
            while self._spares:
                self._add()
        self._queue.close()
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(timeout)
        return [thread.name for thread in threads if thread.is_alive()]

    def __contains__(self, thread: threading.Thread) -> bool:
        with self._lock:
            return thread in self._threads

    def _add(self) -> None:
        """Make one more worker active: a spare, or a new thread. The lock is held.

        Raises: RuntimeError, with nothing changed, if the system has no thread left, or the interpreter shuts down.
        """
        self._active += 1
        self._queue.enter()
        if self._spares:
            self._spares.pop().release()
            return
        thread = threading.Thread(target=self._run, name=f"{self._name}-worker-{self._started + 1}", daemon=True)
        self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:
            self._threads.discard(thread)
            self._active -= 1
            self._queue.leave()
            raise
        self._started += 1

    def _run(self) -> None:
        try:
            while self._work() and self._rest():
                pass
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _work(self) -> bool:
        """Run actors until the queue is closed (False), or until another worker is active too (True)."""
        queue, clock = self._queue, self._clock
        while True:
            if clock.is_due():
                self._fire_due()
            process: Process | Look | None = queue.pop(0.0)
            if process is None:  # only now it is worth the clock's lock to know how long to sleep
                process = queue.pop(clock.next_timeout())
            if process is not None:
                process.run_turn()
            elif queue.closed:
                self._leave()
                return False
            if self._active > 1:
                with self._lock:
                    if self._active > 1:
                        self._active -= 1
                        self._queue.push(LOOK)
                        self._queue.leave()
                        return True

    def _fire_due(self) -> None:
        try:
            self._clock.fire_due()
        except BaseException:  # SystemExit and its like: it must not take the worker along
            log.exception("%s: what a timer was set for failed", self._name)

    def _rest(self) -> bool:
        """Wait as a spare until needed (True) or until the runtime stops (False)."""
        gate = threading.Lock()
        gate.acquire()
        with self._lock:
            if self._stopping:
                return False
            self._spares.append(gate)
        gate.acquire()
        return True

    def _leave(self) -> None:
        with self._lock:
            self._active -= 1
            self._queue.leave()
