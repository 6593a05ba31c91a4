"""Clock: the time of one runtime, real or virtual, and the timers that hang on it."""

# Who calls: any thread reads and sets timers; workers fire what is due between turns (libactor/worker.py); tests pause,
#   advance and settle. The only module of libactor that reads the machine's clock (tests/tidy/test_banned.py).
# Invariants: 1. time never runs backwards: resume() continues from where a paused clock stands.
#   2. a timer fires once, never early, in order of deadline and then of creation.
#   3. a thunk runs without the lock, in the thread that fires it, and only hands work on (a dispatch, a promise).
#   Of two threads that fire, one waits for the other's thunk, unless that is blocked.
#   4. the heap is read and changed under the lock; what is read without it, each turn, is one integer, _next_ns.
# Time is an integer of nanoseconds since the epoch inside and seconds as float at the edges: at 2^53 ns a float of
#   nanoseconds would already be off by hundreds.
# Not sched.scheduler: it cannot be woken for an earlier timer, and cancelling there is linear.
# Source: libprocess clock.hpp; unlike there, each runtime has a clock of its own.

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger("libactor")

monotonic_ns = time.monotonic_ns  # of the machine, whatever the clocks of runtimes say

NANOSECONDS = 1_000_000_000
NEVER = 1 << 63  # later than any deadline
BLOCKED_S = 0.1  # a timer's thunk that takes longer is passed by those behind it
COMPACT_AT = 64  # cancelled timers that may stay in the heap before it is rebuilt, if they are more than half of it

# A wait of more than this is cut: threading refuses a timeout of more than about 292 years.
SECONDS_MAX = 100 * 365 * 24 * 3600.0


class Timer:
    """One appointment: ``deadline_ns`` since the epoch and, until it fired or was cancelled, what to do then."""

    __slots__ = ("_clock", "deadline_ns", "thunk")

    def __init__(self, clock: Clock, deadline_ns: int, thunk: Callable[[], object]) -> None:
        self._clock = clock
        self.deadline_ns = deadline_ns
        self.thunk: Callable[[], object] | None = thunk

    def cancel(self) -> bool:
        """Take the appointment back; False if it has fired or was cancelled before."""
        return self._clock.cancel(self)

    @property
    def pending(self) -> bool:
        """True until the timer fires or is cancelled."""
        return self.thunk is not None


class Clock:
    """Time and timers of a runtime.

    ``now`` is in seconds since the epoch. While paused, time moves only by ``advance``, and a test reads: pause,
    provoke, advance, ``settle``, look.

    ``settle_within``: real seconds after which a ``settle()`` without a timeout raises TimeoutError; None: never.
    """

    def __init__(
        self,
        wake: Callable[[], None],
        settle: Callable[[float | None], bool],
        name_busy: Callable[[], str] = lambda: "",
    ) -> None:
        self.settle_within: float | None = None
        self._wake = wake  # makes a worker ask for next_timeout, be it asleep or about to sleep
        self._wait_idle = settle  # waits until no actor has anything left to do
        self._name_busy = name_busy  # those that have something left
        self._lock = threading.RLock()  # re-entrant: a finalizer may run in any section, and set a timer
        self._order = (
            threading.RLock()
        )  # held from taking a timer to the end of its thunk, so that they keep their order
        self._offset_ns = time.time_ns() - time.monotonic_ns()  # now = monotonic + offset while running
        self._paused_ns: int | None = None  # the time, while paused
        self._heap: list[tuple[int, int, Timer]] = []
        self._next_ns = NEVER  # the first deadline of the heap, perhaps that of a cancelled timer
        self._sequence = itertools.count()
        self._woken = False  # since a worker last asked how long it may sleep
        self._cancelled = 0  # cancelled timers still in the heap
        self._changes = 0  # timers set and cancelled so far
        self._closed = False
        self._refuse: Callable[[], BaseException] | None = None  # the error for whoever uses it in the child of a fork

    def now_ns(self) -> int:
        """Nanoseconds since the epoch."""
        paused = self._paused_ns
        return time.monotonic_ns() + self._offset_ns if paused is None else paused

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.now_ns() / NANOSECONDS

    @property
    def paused(self) -> bool:
        """True between pause and resume."""
        return self._paused_ns is not None

    def pause(self) -> None:
        """Freeze time; a second pause changes nothing."""
        with self._lock:
            if self._paused_ns is None:
                self._paused_ns = self.now_ns()

    def resume(self) -> None:
        """Let time run again from where it stands."""
        with self._lock:
            if self._paused_ns is not None:
                self._offset_ns = self._paused_ns - time.monotonic_ns()
                self._paused_ns = None
        self._wake()

    def advance(self, seconds: float) -> None:
        """Move a paused clock forward and fire what falls due; what the timers set off runs on: see ``settle``.

        Raises: RuntimeError on a running clock, ValueError on a negative or undefined span.
        """
        step = _nanoseconds(seconds, "advance")
        with self._lock:
            if self._paused_ns is None:
                raise RuntimeError("advance: the clock is running; call pause() first")
            self._paused_ns += step
        self.fire_due()

    def settle(self, timeout: float | None = None) -> bool:
        """Wait until every actor has served all its events and no timer is due; False after ``timeout`` real seconds.

        Threads of the program, other processes and sockets are not covered. Raises: RuntimeError on a running clock,
        TimeoutError after ``settle_within`` seconds if no timeout is given.
        """
        self._check_here()
        if self._paused_ns is None:
            raise RuntimeError("settle: the clock is running, so there is always more to come; call pause() first")
        if timeout is None and self.settle_within is not None:
            if not self.settle(self.settle_within):
                busy = self._name_busy() or "nobody any more"
                raise TimeoutError(
                    f"settle: not at rest after {self.settle_within} s; busy: {busy}; "
                    "have them stop, or set settle_within of the clock to more seconds, or to None"
                )
            return True
        end_ns = None if timeout is None else time.monotonic_ns() + _nanoseconds(max(timeout, 0.0), "settle")
        left = timeout
        while self._wait_idle(left):
            if self.fire_due() == 0:
                return True
            if end_ns is not None:
                left = (end_ns - time.monotonic_ns()) / NANOSECONDS
                if left <= 0:
                    return False
        return False

    def timer(self, seconds: float, thunk: Callable[[], object]) -> Timer:
        """Call ``thunk`` once, not earlier than ``seconds`` from now; never on a clock that was closed.

        Raises: ValueError as ``advance``.
        """
        span = _nanoseconds(seconds, "timer")
        self._check_here()
        with self._lock:
            timer = Timer(self, self.now_ns() + span, thunk)
            if self._closed:
                timer.thunk = None
                return timer
            entry = (timer.deadline_ns, next(self._sequence), timer)
            self._changes += 1
            heapq.heappush(self._heap, entry)  # no call comes between looking the heap up and pushing
            self._note_next()
            wake = bool(self._heap) and self._heap[0] is entry and not self._woken
            self._woken = self._woken or wake
        if wake:
            self._wake()
        return timer

    @property
    def pending(self) -> int:
        """How many timers are set that have neither fired nor been cancelled."""
        with self._lock:
            return len(self._heap) - self._cancelled

    def cancel(self, timer: Timer) -> bool:
        """See Timer.cancel; the heap is rebuilt once cancelled timers are most of it."""
        with self._lock:
            if timer.thunk is None:
                return False
            timer.thunk = None
            self._changes += 1
            self._cancelled += 1
            if self._cancelled > COMPACT_AT and self._cancelled * 2 > len(self._heap):
                self._compact()
            return True

    def orphan(self, refuse: Callable[[], BaseException]) -> None:
        """In the child of a fork: no timer fires here, and the lock may be held by a thread that is not there."""
        self._refuse = refuse
        self._lock = threading.RLock()
        self._order = threading.RLock()

    def _check_here(self) -> None:
        if self._refuse is not None:
            raise self._refuse()

    def close(self) -> None:
        """Cancel every timer, and whatever is set from now on: nobody is left to fire them."""
        with self._lock:
            self._closed = True
            heap, self._heap = self._heap, []
            self._cancelled = 0
            self._note_next()
            thunks = [timer.thunk for _, _, timer in heap]
            for _, _, timer in heap:
                timer.thunk = None
        del heap, thunks  # without the lock: what a thunk held may set a timer on its way out

    def is_due(self) -> bool:
        """Whether fire_due may have something to do. Each turn of an actor asks (bench: ring), so it takes no lock."""
        next_ns = self._next_ns
        return next_ns != NEVER and next_ns <= self.now_ns()

    def fire_due(self, call: Callable[[Callable[[], object]], object] | None = None) -> int:
        """Fire every timer whose deadline has come, one after the other, each by ``call``; how many that were.

        Should one block, another thread may fire those behind it. What one adds is fired when this has returned.
        """
        now, first_new, count = self.now_ns(), next(self._sequence), 0
        interrupt: BaseException | None = None
        while True:
            order = self._order
            if not order.acquire(timeout=BLOCKED_S):
                self._pass_by(order)
                continue
            try:
                thunk = self._take_due(now, first_new)
                if thunk is None:
                    break
                count += 1
                thunk() if call is None else call(thunk)
            except Exception:  # the other timers, and the worker, are not at fault
                log.exception("clock: what a timer was set for failed")
            except BaseException as error:  # Ctrl-C; the other timers must not be lost
                interrupt = interrupt or error
            finally:
                order.release()
        if interrupt is not None:
            raise interrupt
        return count

    def next_deadline(self) -> int:
        """When a worker must next look, in nanoseconds by the machine's monotonic clock; -1 for never.

        It need not fear an earlier timer: setting one wakes, once, even if the worker is not asleep yet.
        """
        with self._lock:
            self._woken = False
            while self._heap and self._heap[0][2].thunk is None:
                heapq.heappop(self._heap)
                self._cancelled -= 1
            self._note_next()
            if not self._heap or self._paused_ns is not None:
                return -1
            return max(0, self._heap[0][0] - self._offset_ns)

    def _pass_by(self, order: threading.RLock) -> None:
        """Whoever holds ``order`` is blocked in what its timer was set for: the next ones go on without it."""
        with self._lock:
            if self._order is order:
                self._order = threading.RLock()

    def _take_due(self, now: int, first_new: int) -> Callable[[], object] | None:
        """What the first timer due at ``now`` was set for; None if none is, those from ``first_new`` on left out."""
        with self._lock:
            thunk = None
            while thunk is None and self._heap and self._heap[0][:2] < (now, first_new):
                timer = heapq.heappop(self._heap)[2]
                thunk, timer.thunk = timer.thunk, None
                self._cancelled -= thunk is None
            self._note_next()
            return thunk

    def _compact(self) -> None:
        """Rebuild the heap without cancelled timers; again, if a finalizer changed it meanwhile. The lock is held."""
        while True:
            changes = self._changes
            heap = [entry for entry in self._heap if entry[2].thunk is not None]
            heapq.heapify(heap)
            if changes == self._changes:
                break
        self._heap[:] = heap  # in its place: a step that was interrupted may hold it
        self._cancelled = 0
        self._note_next()

    def _note_next(self) -> None:
        """Set _next_ns; the lock is held."""
        self._next_ns = self._heap[0][0] if self._heap else NEVER


def _nanoseconds(seconds: float, operation: str) -> int:
    if not isinstance(seconds, (int, float)):
        raise TypeError(f"{operation}: got {seconds!r}, expected a number of seconds")
    if not seconds >= 0:  # catches NaN as well
        raise ValueError(f"{operation}: got {seconds!r}, expected a number of seconds of 0 or more")
    return round(min(seconds, SECONDS_MAX) * NANOSECONDS)
