"""Pool: threads that run functions beside the actors, each with a future of what comes of it."""

# Who calls: users; handlers that have blocking work to do (libactor/runtime.py closes what they leave open).
# Invariants: 1. at most `size` threads, each started when work comes that no idle one is there for.
#   2. work is begun in the order it was submitted in; what was discarded before is never begun.
#   3. from submit to the end of its callbacks work counts as busy in the runtime's queue, so that settle does not
#   overlook it; a function that waits in get() or wait() meanwhile does not.    4. no thread outlives close(), unless a
#   function would not end, which close() reports.
# A token is put for each submission and each thread that is to end; a thread that gets one looks what there is to do,
#   and may find nothing, if that was discarded. The queue of tokens is one that a finalizer may put into at any time.
# Not concurrent.futures: its threads are waited for at exit without bound, and it knows neither the runtime's clock
#   nor abandonment. Not actors of their own (libactor.run): these are for what is to go on beside others, and nothing
#   bounds how many of them block.
# Threads are daemons, as the workers are (libactor/worker.py).
# In a deterministic runtime nothing may run beside its one thread: there each piece of work is done by an actor.

from __future__ import annotations

import asyncio
import inspect
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from contextvars import copy_context
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from libactor._core._impl import DISCARDED, Moved, generate_id, hop
from libactor._core.clock import NANOSECONDS, SECONDS_MAX, _nanoseconds, monotonic_ns
from libactor._core.errors import PoolFull, SpawnError, Stuck
from libactor.context import current_runtime, opened, serving
from libactor.deferred import callable_name, pass_bound
from libactor.future import Future, Promise, deliver, fail_for
from libactor.thunk import run_in
from libactor.worker import Absence, off_duty

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from libactor.runtime import Runtime

P = ParamSpec("P")
R = TypeVar("R")

CLOSE_TIMEOUT_S = 10.0  # what close() waits for the work that was submitted, unless told otherwise


class _Work:
    """A function to call, and the future of what comes of it."""

    __slots__ = ("__weakref__", "arguments", "function", "future", "names")

    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, ...], names: tuple[str, ...]) -> None:
        self.function = function
        self.arguments = arguments
        self.names = names
        self.future: Future[Any] = Future()

    def do(self) -> None:
        """Call the function and complete the future; nothing that is raised, SystemExit included, ends the thread."""
        arguments, self.arguments = self.arguments, ()
        count = len(arguments) - len(self.names)
        try:
            value = self.function(*arguments[:count], **dict(zip(self.names, arguments[count:], strict=True)))
            hop(deliver, self.future, value.value if type(value) is Moved else value)
        except BaseException as error:
            fail_for(self, "future", error)


class _Waits:
    """How a thread of a pool waits: it does not count as busy meanwhile."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime: Callable[[], Runtime | None] = weakref.ref(runtime)
        self._queue = runtime.queue

    def blocking(self) -> AbstractContextManager[Absence]:
        """See Workers.blocking."""
        return off_duty(self._queue)


class Pool:
    """At most ``size`` threads that call functions; ``submit`` gives the future of what a function returns.

    Use it as a context manager (in asyncio by ``async with``), or close it; it is closed with its runtime at the
    latest. ``name`` is that of its threads. ``runtime``, left out: the current one; inside the functions it is current.
    ``capacity`` bounds how much may wait for a thread; left out, nothing does.

    Raises: TypeError, ValueError for a size, name or capacity that will not do; NoRuntime; RuntimeError in a closed
    runtime.
    """

    def __init__(
        self, size: int, *, name: str | None = None, runtime: Runtime | None = None, capacity: int | None = None
    ) -> None:
        _check_count("size", size)
        if capacity is not None:
            _check_count("capacity", capacity)
        if name is not None:
            _check_name(name)
        self._runtime = runtime if runtime is not None else current_runtime("Pool")
        self._size = size
        self._capacity = capacity
        self._name = f"{self._runtime.address}-{name or generate_id('pool')}"
        self._queue = self._runtime.queue
        self._lock = threading.RLock()  # re-entrant: a finalizer may run in any section, and submit too
        self._waiting: OrderedDict[_Work, None] = OrderedDict()
        self._tokens: SimpleQueue[None] = SimpleQueue()
        self._threads: set[threading.Thread] = set()
        self._leaving: set[threading.Thread] = set()  # that do nothing more, and may not be gone yet
        self._started = 0  # for the names of threads
        self._hands = 0  # threads, or in a deterministic runtime actors, that work or are about to
        self._idle = 0  # of these, those that wait for something to do, or will when they come to it
        self._rest: Promise[None] | None = None  # what waits until there is no hand left, in a deterministic runtime
        self._closed = False
        self._runtime.take_in(self)

    @property
    def queued(self) -> int:
        """How much waits for a thread."""
        return len(self._waiting)

    @property
    def running(self) -> int:
        """How many threads are inside a function."""
        with self._lock:
            return self._hands - self._idle

    @overload
    def submit(self, function: Callable[P, Future[R]], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]: ...
    @overload
    def submit(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]: ...
    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have ``function`` called in a thread of the pool; the future of its result, or of what it raises.

        Arguments are passed by value; the result is handed over as it is. Of a future that the function returns, the
        outcome is that of the result. A discard before the function is begun keeps it from being called; afterwards it
        goes on. Context variables are those of the pool, the same for each call.

        Raises: TypeError for what is not callable, or a coroutine function; NotPassable for an argument; PoolFull;
        RuntimeError for a closed pool, or if the system has no thread left; ForkedRuntime.
        """
        _check_function(function)
        where = f"submit({callable_name(function)})"
        work = _Work(function, pass_bound(args, kwargs, where, once=True), tuple(kwargs))
        self._runtime.check_here()
        future, reference = work.future, weakref.ref(work)
        with self._lock:
            attended = self._admit(work)
        if not attended:
            self._work_as_actor()

        def discard() -> None:
            dropped = reference()
            if dropped is not None and self._take_out(dropped):
                hop(dropped.future._complete, DISCARDED, None)

        return future.on_discard(discard)

    def close(self, timeout: float = CLOSE_TIMEOUT_S) -> None:
        """Take nothing more, and wait until all that was submitted is done, at most ``timeout`` seconds.

        What was not begun by then is abandoned. A second close finds nothing to do, or what the first one left.
        Raises: RuntimeError naming the threads that are still inside a function, or from inside one; TypeError,
        ValueError for a timeout that is none; ForkedRuntime.
        """
        _nanoseconds(timeout, "close")  # of one that is none, before anything has happened
        self._runtime.check_here()
        if threading.current_thread() in self:
            raise RuntimeError("close: called inside a function of the same pool, which it would wait for")
        self._shut()
        self._join(timeout)
        stuck = self.end(0.0)
        if stuck:
            raise RuntimeError(
                f"close: still in a function after {timeout} s: {', '.join(stuck)}; their threads live on"
            )

    def end(self, timeout: float) -> list[str]:
        """As close, but what has not been begun is abandoned at once; the threads still inside a function."""
        self._abandon_waiting()
        stuck = self._join(timeout)
        self._runtime.let_out(self)
        return stuck

    def crash(self) -> None:
        """In a deterministic runtime: as end, but nobody is waited for: the host has crashed."""
        self._abandon_waiting()
        with self._lock:
            self._hands = 0
        self._runtime.let_out(self)

    def orphan(self) -> None:
        """In the child of a fork: no thread of it is here, and the lock may be held by one that is not."""
        self._lock = threading.RLock()

    def __contains__(self, thread: threading.Thread) -> bool:
        with self._lock:
            return thread in self._threads

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._queue.orphaned:  # the parent closes it
            self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._queue.orphaned:
            await asyncio.to_thread(self.close)  # the work may need time, and the loop; it goes on meanwhile

    def __repr__(self) -> str:
        return f"<Pool {self._name}, {self.running} running, {self.queued} queued{', closed' if self._closed else ''}>"

    def _admit(self, work: _Work) -> bool:
        """Enter ``work`` among what waits, and see that somebody comes to it; False: the caller. The lock is held."""
        if self._closed:
            raise RuntimeError(f"submit: the pool {self._name} is closed; make a new one")
        if self._capacity is not None and len(self._waiting) - self._idle >= self._capacity:
            raise PoolFull(f"submit: {self._capacity} wait in the pool {self._name} already; submit less, or later")
        wanted = len(self._waiting) >= self._idle and self._hands < self._size
        if wanted and self._runtime.simulation is None:
            self._hire()
        self._tokens.put(None)
        self._queue.enter()
        self._waiting[work] = None
        return not wanted or self._runtime.simulation is None or self._summon()

    def _hire(self) -> None:
        """Start a thread; if there is none to be had, the others have to do. The lock is held.

        Raises: RuntimeError if there are no others.
        """
        thread = threading.Thread(target=self._run, name=f"{self._name}-{self._started + 1}", daemon=True)
        self._threads.add(thread)
        self._hands += 1
        self._idle += 1
        try:
            thread.start()
        except RuntimeError:  # the system has none left, or the interpreter shuts down
            self._threads.discard(thread)
            self._hands -= 1
            self._idle -= 1
            if not self._threads:
                raise
        self._started += 1

    def _summon(self) -> bool:
        """In a deterministic runtime: have an actor do what is next; False if none is spawned any more, and the caller
        is to do it. The lock is held."""
        self._hands += 1
        self._idle += 1
        try:
            run_in(self._runtime, self._work_as_actor, "pool", (), {})
        except SpawnError:  # the runtime is being closed
            return False
        return True

    def _work_as_actor(self) -> None:
        """Do what is next, and see that somebody does the rest: an actor each, so that the order is one of choices."""
        again = True
        while again:
            with self._lock:
                self._idle -= 1
                work = self._take_next()
            if work is not None:
                try:
                    work.do()
                finally:
                    self._queue.leave()
            with self._lock:
                self._hands -= 1
                again = len(self._waiting) > self._idle and not self._summon()
                rest = self._rest if self._hands == 0 else None
            if rest is not None:
                rest.set(None)

    def _take_next(self) -> _Work | None:
        """What has waited longest, if anything does. The lock is held."""
        return self._waiting.popitem(last=False)[0] if self._waiting else None

    def _take_out(self, work: _Work) -> bool:
        """Take out what was not begun; False if it was."""
        with self._lock:
            found = work in self._waiting
            if found:
                del self._waiting[work]
        if found:
            self._queue.leave()
        return found

    def _shut(self) -> None:
        with self._lock:
            if not self._closed:
                self._closed = True
                for _ in self._threads:
                    self._tokens.put(None)

    def _abandon_waiting(self) -> None:
        """Begin nothing more."""
        self._shut()
        with self._lock:
            rest, self._waiting = self._waiting, OrderedDict()
        for work in rest:
            work.future._abandon()
            self._queue.leave()

    def _join(self, timeout: float) -> list[str]:
        """Wait for the threads, ``timeout`` seconds in all; the names of those that still run."""
        if self._runtime.simulation is not None:
            return self._join_actors(timeout)
        with self._lock:
            threads = [*self._threads, *self._leaving]
        end = monotonic_ns() + round(min(max(timeout, 0.0), SECONDS_MAX) * NANOSECONDS)
        for thread in threads:
            thread.join(max(0.0, (end - monotonic_ns()) / NANOSECONDS))
        return sorted(thread.name for thread in threads if thread.is_alive())

    def _join_actors(self, timeout: float) -> list[str]:
        """As _join, in a deterministic runtime, by its clock."""
        with self._lock:
            if self._hands == 0:
                return []
            self._rest = self._rest or Promise()
        try:
            self._rest.future.get(timeout)
        except (TimeoutError, Stuck):
            return [self._name]
        return []

    def _run(self) -> None:
        serving.workers = _Waits(self._runtime)
        opened.set((self._runtime,))
        context = copy_context()
        try:
            for work in self._all_work():
                context.copy().run(work.do)
                del work  # or it would live on until the next comes
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())
                self._leaving = {thread for thread in self._leaving if thread.is_alive()}
                self._leaving.add(threading.current_thread())
                self._hands -= 1
                self._idle -= 1

    def _all_work(self) -> Iterator[_Work]:
        """What this thread is to do, one after the other, until the pool is closed."""
        while True:
            self._tokens.get()
            with self._lock:
                work = self._take_next()
                if work is None and self._closed:
                    return
                self._idle -= work is not None
            if work is not None:
                try:
                    yield work
                finally:
                    del work
                    with self._lock:
                        self._idle += 1
                    self._queue.leave()


def _check_function(function: object) -> None:
    if not callable(function) or inspect.iscoroutinefunction(function):
        raise TypeError(f"submit: got {function!r}, expected a plain function; a coroutine is awaited instead")


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"Pool: got the name {name!r}, expected text, or None for a made one")


def _check_count(what: str, count: object) -> None:
    if not isinstance(count, int) or isinstance(count, bool):
        raise TypeError(f"Pool: got the {what} {count!r}, expected a whole number")
    if count < 1:
        raise ValueError(f"Pool: got the {what} {count}, expected 1 or more")
