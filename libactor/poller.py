"""Poller: how a runtime notices what arrives on descriptors, without a thread for it."""

# Who calls: transports, io and subprocesses watch descriptors; the runtime makes one poller on first use
#   (Runtime.poller) and closes it; the worker in charge serves it (libactor/worker.py).
# How: the worker sleeps in epoll when there is no actor to run, and looks at it about once a millisecond when actors
#   keep it busy (RunQueue.poll_by). So what arrives is read, delivered and handled on one thread. Should a handler
#   block, whoever takes over the charge polls from then on.
# Invariants: 1. what is called here is called by a worker, outside of any actor, and never twice at the same time for
#   one descriptor.    2. what was noted for a descriptor is not lost if the worker that has it is held up: another one
#   goes on with the rest.    3. times are real, whatever the clock of the runtime does: peers do not stop with it.
#   4. nothing is told of a descriptor that has arrived on another one of the same number before. What is watched only
#   since the last arrivals were taken may be such a one, so it is asked itself; all others were watched before the
#   worker went to sleep, and whatever that sleep has brought is theirs.
# Edge triggered: a descriptor is reported when it becomes ready, so whoever is told reads until there is no more.
# Rejected: a generation in what epoll hands back: select.epoll has no room for one, so the twin could not have it.
# Rejected: a thread of its own. Each message would cost two switches of threads more, and both would want the
#   interpreter's lock. Rejected: running what it brings in that thread: a handler that waits would stop all input.

from __future__ import annotations

import errno
import heapq
import itertools
import logging
import math
import os
import select
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from libactor._core.clock import NANOSECONDS, monotonic_ns

if TYPE_CHECKING:
    from libactor._core._impl import RunQueue

log = logging.getLogger("libactor")

Ready = Callable[[int], object]
EVENTS = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
CALLS_MAX = 1000  # that are made before the worker looks at its actors again


class Kept(Protocol):
    """What the poller keeps for a module that uses it, one of each kind: see ``Poller.keep``."""

    def end(self, timeout: float) -> list[str]:
        """The actors have stopped: end as well; what would not within ``timeout`` seconds, as text."""

    def orphan(self) -> None:
        """In the child of a fork: nothing of it runs here, and locks may be held by threads that are not there."""


KeptT = TypeVar("KeptT", bound=Kept)


class Alarm:
    """What ``Poller.after`` returns."""

    __slots__ = ("deadline_ns", "function")

    def __init__(self, deadline_ns: int, function: Callable[[], object]) -> None:
        self.deadline_ns = deadline_ns
        self.function: Callable[[], object] | None = function  # None once called or cancelled

    def cancel(self) -> bool:
        """Do not call it; False if it was called or cancelled before."""
        function, self.function = self.function, None
        return function is not None


class _Watched:
    """One descriptor."""

    __slots__ = ("fd", "masks", "ready", "since", "turn")

    def __init__(self, fd: int, ready: Ready) -> None:
        self.fd = fd
        self.ready = ready
        self.since: float = math.inf  # how often arrivals had been taken once it was watched; until then endless
        self.masks: deque[int] = deque()  # that nobody has been told of yet
        self.turn = threading.Lock()  # whoever tells has it


class Poller:
    """Tells of descriptors that are ready, calls what is to be called soon or later. Callbacks must not block."""

    def __init__(self, name: str, queue: RunQueue) -> None:
        self._name = name
        self._queue = queue
        self._epoll = select.epoll()
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        try:
            self._epoll.register(self._bell, select.EPOLLIN | select.EPOLLET)
        except BaseException:
            os.close(self._bell)
            raise
        self._watched: dict[int, _Watched] = {}
        self._takes = 0  # how often a worker has taken what epoll has brought
        self.arrived: deque[_Watched] = deque()  # shared, so that a worker that is held up keeps back one
        self._calls: deque[Callable[[], object]] = deque()
        self._turn = threading.Lock()  # whoever makes a call has it, since they are made in order
        self._lock = threading.RLock()  # of alarms; re-entrant, since finalizers may run in any section
        self._alarms: list[tuple[int, int, Alarm]] = []
        self._numbers = itertools.count()
        self._closers: list[Callable[[float], list[str]]] = []
        self._kept: dict[Any, Kept] = {}  # by what has made them
        self._winding_down = False
        self._closed = False
        queue.poll_by(self._epoll.fileno(), self._bell)

    def watch(self, fd: int, ready: Ready) -> None:
        """Have ``ready(mask)`` called, of EPOLLIN, EPOLLOUT and so on, when ``fd`` becomes ready; soon, if it is.

        Raises: OSError for what cannot be watched (EPERM: a regular file, which is always ready), ValueError for what
        is no descriptor, FileExistsError for what is watched already; RuntimeError after close.
        """
        if self._closed:
            raise RuntimeError(f"{self._name}: the runtime is closed, nothing can be watched any more")
        watched = _Watched(fd, ready)
        if self._watched.setdefault(fd, watched) is not watched:
            raise FileExistsError(errno.EEXIST, f"{self._name}: descriptor {fd} is watched already; forget it first")
        try:
            self._epoll.register(fd, EVENTS)
        except BaseException:
            self._watched.pop(fd, None)
            raise
        watched.since = self._takes
        if fd not in self._watched:  # another thread has forgotten it meanwhile
            self._unregister(fd)

    def forget(self, fd: int) -> None:
        """Watch ``fd`` no longer, before it is closed; nothing happens if it is not watched."""
        if self._watched.pop(fd, None) is not None:
            self._unregister(fd)

    def _unregister(self, fd: int) -> None:
        with suppress(FileNotFoundError):  # the thread that watches it has not come to that, and finds it forgotten
            if not self._closed:
                self._epoll.unregister(fd)

    def lend(self, fd: int) -> None:
        """Report nothing of ``fd`` but that it has broken until take_back: the calling thread waits for it itself."""
        self._modify(fd, select.EPOLLET)  # at the edge too, or a broken one would be reported for ever

    def take_back(self, fd: int) -> None:
        """Report it again, at once if it is ready."""
        self._modify(fd, EVENTS)

    def _modify(self, fd: int, events: int) -> None:
        watched = self._watched.get(fd)
        try:
            if watched is not None:
                self._epoll.modify(fd, events)
        except OSError:
            if self._watched.get(fd) is watched:  # else another thread has forgotten it just now, closed it perhaps,
                raise  # and may watch another one of that number by now

    def call(self, function: Callable[[], object]) -> None:
        """Have ``function`` called soon, after what was given before. Never, after close."""
        self._calls.append(function)
        self._queue.wake()

    def after(self, seconds: float, function: Callable[[], object]) -> Alarm:
        """Have ``function`` called once, not earlier than ``seconds`` of real time from now."""
        alarm = Alarm(monotonic_ns() + round(seconds * NANOSECONDS), function)
        with self._lock:
            heapq.heappush(self._alarms, (alarm.deadline_ns, next(self._numbers), alarm))
            first = self._alarms[0][2] is alarm
        if first:
            self._queue.wake()
        return alarm

    def at_close(self, function: Callable[[float], list[str]]) -> None:
        """Have ``function(timeout)`` called when the runtime closes, its actors having stopped; the last one first.

        It answers what would not end within ``timeout`` seconds, as text.
        """
        self._closers.append(function)

    def keep(self, kind: Callable[[Poller], KeptT]) -> KeptT:
        """What ``kind`` makes of this poller: made when first asked for, and ended when the runtime closes.

        Raises: RuntimeError once that has begun, and what ``kind`` raises.
        """
        with self._lock:
            kept = self._kept.get(kind)
            if kept is None:
                if self._winding_down:
                    raise RuntimeError(f"{self._name}: the runtime is closed; make a new one")
                kept = self._kept[kind] = kind(self)
                self.at_close(kept.end)
            return cast("KeptT", kept)

    def next_deadline(self) -> int:
        """When serve is to be called for the first alarm, by the monotonic clock in nanoseconds; -1: there is none."""
        with self._lock:
            while self._alarms and self._alarms[0][2].function is None:
                heapq.heappop(self._alarms)
            return self._alarms[0][0] if self._alarms else -1

    def serve_arrivals(self) -> None:
        """Tell of what has arrived. By the worker in charge."""
        takes = self._takes
        self._takes = takes + 1
        arrived = self.arrived
        for fd, mask in self._queue.arrivals():
            watched = self._watched.get(fd)
            if watched is not None:
                watched.masks.append(mask if watched.since < takes else _ask(fd, mask))
                arrived.append(watched)
        while arrived:
            try:
                watched = arrived.popleft()
            except IndexError:  # another worker was quicker
                break
            self._tell(watched)

    def serve(self) -> None:
        """Tell of what has arrived, make the calls and those alarms that are due. By the worker in charge."""
        self.serve_arrivals()
        if self._calls:
            self._make_calls()
        if self._alarms:
            self._fire_due()

    def wind_down(self, timeout: float) -> list[str]:
        """Call what at_close was given; what would not end, as text."""
        with self._lock:
            self._winding_down = True
        stuck: list[str] = []
        while self._closers:
            try:
                stuck += self._closers.pop()(timeout)
            except Exception:  # the others are to end all the same
                log.exception("%s: closing failed", self._name)
        return stuck

    def close(self) -> None:
        """Give the descriptors back, when no worker is left. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._queue.poll_by(-1, -1)
        self._epoll.close()
        os.close(self._bell)
        self._watched.clear()

    def orphan(self) -> None:
        """In the child of a fork: give back what is the child's copy; what is watched belongs to the parent."""
        self._lock = threading.RLock()
        for kept in self._kept.values():
            kept.orphan()
        self.close()

    def _tell(self, watched: _Watched) -> None:
        masks, turn = watched.masks, watched.turn
        while masks and turn.acquire(False):
            try:
                while masks:
                    mask = masks.popleft()
                    if mask and self._watched.get(watched.fd) is watched:
                        self._queue.run_watched(watched.ready, mask)
            except BaseException as error:  # SystemExit too: of one, who must not keep the others from theirs
                self._log(error)
            finally:
                turn.release()

    def _make_calls(self) -> None:
        for _ in range(CALLS_MAX):
            if not self._calls or not self._turn.acquire(blocking=False):
                return
            try:
                if self._calls:
                    self._make(self._calls.popleft())
            finally:
                self._turn.release()
        self._queue.wake()

    def _fire_due(self) -> None:
        now_ns = monotonic_ns()
        while True:
            with self._lock:
                if not self._alarms or self._alarms[0][0] > now_ns:
                    return
                alarm = heapq.heappop(self._alarms)[2]
            function, alarm.function = alarm.function, None
            if function is not None:
                self._make(function)

    def _make(self, function: Callable[[], object]) -> None:
        try:
            self._queue.run_watched(function)
        except BaseException as error:  # as in _tell
            self._log(error)

    def _log(self, error: BaseException) -> None:
        log.error("%s: a callback of the poller failed", self._name, exc_info=error)


def _ask(fd: int, mask: int) -> int:
    """What of ``mask``, error and end is so now."""
    asked = select.poll()
    asked.register(fd, mask)
    ready = asked.poll(0)
    return ready[0][1] & ~select.POLLNVAL if ready else 0
