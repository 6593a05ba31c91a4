"""LoopThread: a thread with an event loop of its own, where streams are read."""

# Who calls: connection.py, one for each connection.
# One thread for both halves of a subscription, the stream of events, which never ends by itself, and the other calls:
#   two blocking threads could not be stopped while they read.
# Invariant: after close() the thread is gone.

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import libactor as la

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

NAME = "scheduler-connection"


class LoopThread:
    """Runs coroutines that do not raise, until it is closed."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: la.Promise[None] = la.Promise()
        started = threading.Event()

        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            self._patience: asyncio.Future[float] = self._loop.create_future()
            started.set()
            patience = await self._patience
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=patience)

        def work() -> None:
            try:
                asyncio.run(serve())  # which cancels what is left
            finally:
                self._ended.set(None)

        self._thread = threading.Thread(target=work, name=NAME, daemon=True)
        self._thread.start()
        started.wait()

    def call(self, action: Callable[..., object], *arguments: Any) -> None:
        """Have ``action`` called in the thread, after what was asked for before."""
        self._loop.call_soon_threadsafe(action, *arguments)

    def run(self, coroutine: Coroutine[Any, Any, None]) -> Callable[[], None]:
        """Run it in the thread; returns what cancels it, to be called there."""
        running: asyncio.Task[None]

        def begin() -> None:
            nonlocal running
            running = self._loop.create_task(coroutine)
            self._tasks.add(running)
            running.add_done_callback(self._tasks.discard)

        def cancel() -> None:
            running.cancel()

        self.call(begin)
        return cancel

    def close(self, patience: float) -> None:
        """Wait at most so many seconds for what runs, then cancel it and end. Once.

        Inside an actor others run meanwhile.
        """
        self.call(lambda: self._patience.set_result(patience))
        self._ended.future.get()
        self._thread.join()
