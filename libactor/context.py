"""Where the calling code runs: in which actor, and under which runtime."""

# Who calls: the core sets the actor for each turn; `with Runtime()` sets the runtime; the module functions ask
#   (libactor/messages.py).
# The actor hangs on the thread, because a turn never leaves its thread. The runtime hangs on the context, so that
#   asyncio tasks inherit the runtime of the code that started them.

from __future__ import annotations

import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, cast

from libactor._core import randomness
from libactor._core._impl import configure, running
from libactor._core.errors import NoRuntime

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import Protocol

    from libactor.process import Process
    from libactor.runtime import Runtime
    from libactor.testing.life import Life
    from libactor.testing.simulation import Simulation
    from libactor.worker import Absence

    class Waits(Protocol):
        """What a thread that serves a runtime goes through when it waits: Workers, or the threads of a Pool."""

        runtime: Callable[[], Runtime | None]  # a weak reference

        def blocking(self) -> AbstractContextManager[Absence]:
            """Around a wait; yields what the thread leaves by, and whoever ends the wait has it enter by first."""


class _Serving(threading.local):
    workers: Waits | None = None
    simulation: Simulation | None = None
    life: Life | None = None


# .workers, .simulation: those of which the calling thread is one, or None.
# .life: of the simulated host whose code runs in it, outside of actors; None: there is none, or it runs in an actor.
serving = _Serving()
opened: ContextVar[tuple[Runtime, ...]] = ContextVar("opened", default=())  # runtimes entered by `with`, innermost last


if TYPE_CHECKING:

    def running_process() -> Process | None:
        """The actor whose handler the calling thread is in, or None."""

else:
    running_process = running  # as it is: several times for each message of a framework or timer, it is asked


def running_runtime() -> Runtime | None:
    """The runtime of the running actor, or of the simulated host whose code runs; None outside."""
    process = running_process()
    if process is not None:
        return process.runtime
    return None if serving.life is None else cast("Runtime", serving.life.host)


def current_runtime(operation: str) -> Runtime:
    """The runtime of the running actor, else of the innermost ``with``, else of the worker that runs what a timer or a
    descriptor has set off; raises NoRuntime naming ``operation``."""
    running = running_runtime()
    if running is not None:
        return running
    stack = opened.get()
    if stack:
        return stack[-1]
    served = None if serving.workers is None else serving.workers.runtime()
    if served is None:
        raise NoRuntime(
            f"{operation}: no runtime is current here; open one with `with libactor.Runtime():`, or call the method "
            "of a Runtime object (threads of your own do not inherit the `with` of another thread)"
        )
    return served


def current_process(operation: str) -> Process:
    """The actor the caller runs in; raises NoRuntime naming ``operation`` outside of actors."""
    process = running_process()
    if process is None:
        raise NoRuntime(f"{operation}: called outside an actor; it works only inside a handler")
    return process


def current_simulation() -> Simulation | None:
    """That in which the calling code runs, in an actor, a timer or a ``with``; None in the real world."""
    process = running_process()
    if process is not None:
        return process.runtime.simulation
    if serving.simulation is not None or serving.workers is not None:
        return serving.simulation
    stack = opened.get()
    return stack[-1].simulation if stack else None


randomness.configure(current_simulation)
configure(opened=opened, current_runtime=current_runtime)
