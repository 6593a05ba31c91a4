"""The bridge to asyncio: a coroutine of its libraries runs on a loop in a thread, and is a future for actors."""

# Who calls: users, in actors or anywhere.
# Invariants: 1. a loop that the bridge has started ends with its runtime: what runs there then is cancelled, and its
#   future abandoned; no thread is left.    2. a coroutine that was handed over is run or closed, never forgotten.
# One loop for each runtime, started with the first coroutine: most runtimes need none.
# Actors are not run on the loop: one that blocked would stop all that runs there.

from __future__ import annotations

import asyncio
import logging
import threading
import weakref
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from libactor._core._impl import DISCARDED, FAILED, READY, Moved
from libactor._core.values import by_value
from libactor.context import current_runtime, opened
from libactor.future import Future

if TYPE_CHECKING:
    from libactor.runtime import Runtime

log = logging.getLogger("libactor")

R = TypeVar("R")


def run(coroutine: Coroutine[Any, Any, R], /, *, loop: asyncio.AbstractEventLoop | None = None) -> Future[R]:
    """Run an asyncio coroutine on a loop; the future of its result, which leaves the loop by value.

    ``loop`` is one of the program's own; left out, one that the current runtime keeps in a thread. A discard cancels
    the task; one that was cancelled, by whomever, is discarded. When the runtime closes, its loop ends: what runs there
    is cancelled, and its future abandoned. On a loop of the program's own it goes on.

    Raises: TypeError for what is no coroutine; RuntimeError for a loop or a runtime that is closed; NoRuntime.
    """
    if not asyncio.iscoroutine(coroutine):
        raise TypeError(f"aio.run: got {coroutine!r}, expected a coroutine, as the call of an `async def` returns it")
    work = _Work(coroutine)
    try:
        if loop is None:
            runtime = current_runtime("aio.run")
            loop = runtime.loop_thread().take(work)
        elif isinstance(loop, asyncio.AbstractEventLoop):
            _call_soon(loop, work.begin)
        else:
            raise TypeError(f"aio.run: got the loop {loop!r}, expected an asyncio event loop")
    except BaseException:
        work.drop()
        raise
    return work.future.on_discard(partial(_cancel_soon, loop, weakref.ref(work)))


def _call_soon(loop: asyncio.AbstractEventLoop, function: Callable[[], object]) -> None:
    try:
        loop.call_soon_threadsafe(function)
    except RuntimeError:
        raise RuntimeError("aio.run: the loop is closed; give one that runs, or leave it out") from None


def _cancel_soon(loop: asyncio.AbstractEventLoop, reference: weakref.ref[_Work]) -> None:
    work = reference()
    if work is not None and not loop.is_closed():  # else nobody goes on with it
        _call_soon(loop, work.cancel)


class _Work:
    """One coroutine on its way: to the loop, there, and back. All but ``drop`` is called in the loop's thread."""

    __slots__ = ("__weakref__", "coroutine", "future", "keeper", "task")

    # keeper: the thread of a runtime that runs it; None on a loop of the program's own.

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.coroutine: Coroutine[Any, Any, Any] | None = coroutine
        self.future: Future[Any] = Future()
        self.keeper: LoopThread | None = None
        self.task: asyncio.Task[Any] | None = None

    def begin(self) -> None:
        """Make the task, unless it was given up before."""
        coroutine, self.coroutine = self.coroutine, None
        if coroutine is None:
            return
        if self.future.has_discard():
            coroutine.close()
            self.future._complete(DISCARDED, None)
            return
        if self.keeper is not None:  # this is a context of its own
            opened.set((*opened.get(), self.keeper.runtime))
        self.task = asyncio.get_running_loop().create_task(coroutine)
        self.task.add_done_callback(self.finish)

    def cancel(self) -> None:
        """Honour a discard."""
        if self.task is not None:
            self.task.cancel()

    def finish(self, task: asyncio.Task[Any]) -> None:
        """Complete the future as the task."""
        self.task = None
        if not task.cancelled():
            error = task.exception()
            if error is None:
                self._answer(task.result())
            else:
                self.future._complete(FAILED, error)
        elif self.keeper is not None and self.keeper.ending and not self.future.has_discard():
            self.future._abandon()
        else:
            self.future._complete(DISCARDED, None)

    def _answer(self, value: Any) -> None:
        try:
            passed = by_value(value, "result of a coroutine that aio.run has run")
        except Exception as refused:
            self.future._complete(FAILED, refused)
            return
        self.future._complete(READY, passed, passed is not value and type(value) is not Moved)

    def drop(self) -> None:
        """Nobody will run it."""
        coroutine, self.coroutine = self.coroutine, None
        if coroutine is not None:
            coroutine.close()
        self.future._abandon()

    def __del__(self) -> None:
        if not self.future.is_ready():  # the loop has gone, or stands still for good
            self.drop()


class LoopThread:
    """A thread with an asyncio loop, which ends with its runtime."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.ending = False
        self._lock = threading.RLock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=f"{runtime.address}-asyncio", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            self._loop.close()
            raise

    def take(self, work: _Work) -> asyncio.AbstractEventLoop:
        """Have ``work`` begun, ahead of the end of the loop; that loop."""
        with self._lock:
            if self.ending:
                raise RuntimeError(f"aio.run: runtime {self.runtime.address} is closed; make a new one")
            work.keeper = self
            _call_soon(self._loop, work.begin)
            return self._loop

    def end(self, timeout: float) -> list[str]:
        """Cancel what runs there and end the loop; its name, if it is still there after ``timeout`` seconds."""
        with self._lock:
            before, self.ending = self.ending, True
            if not before:
                self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout)
        return [self._thread.name] if self._thread.is_alive() else []

    def __contains__(self, thread: threading.Thread) -> bool:
        return thread is self._thread

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        while not self.ending:
            try:
                self._loop.run_forever()
            except BaseException:  # SystemExit of a task, which its future has too: no reason to stop
                log.exception("%s: the loop goes on after an error of a task", self.runtime.address)
        try:
            self._loop.run_until_complete(self._cancel_all())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        finally:
            self._loop.close()

    async def _cancel_all(self) -> None:
        """Cancel every task, until there is none: one may start others on its way out."""
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
