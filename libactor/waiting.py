"""Waiting for a future: a thread that blocks, an asyncio task that is suspended, a coroutine of an actor."""

# Who calls: Future.get and Future.__await__ (libactor/future.py).
# Invariant: a wait that ends early leaves no callback behind, so that polling does not fill a future with them.

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Protocol

from libactor._core._impl import ON_ABANDONED, ON_ANY, FutureCell, configure, hop_on
from libactor._core.clock import SECONDS_MAX
from libactor._core.gate import Gate
from libactor.context import current_simulation, running_process, serving

if TYPE_CHECKING:
    from libactor.testing.simulation import Simulation
    from libactor.worker import Absence


class Helper(Protocol):
    """What can bring about the answer that a thread outside of actors waits for."""

    def help(self, future: FutureCell, timeout: float | None) -> float | None:
        """Do so in the calling thread, for ``timeout`` seconds at most; what is left of them, None if unbounded."""


awaited: dict[FutureCell, Helper] = {}  # answers that come over a connection, which whoever waits may read itself


def wait_for(future: FutureCell, timeout: float | None, left: float | None) -> None:
    """Block the calling thread until ``future`` is complete or abandoned, or ``left`` seconds of ``timeout`` are over.

    In a deterministic runtime nobody sleeps: its actors run until it is, or ``timeout`` seconds of its clock are over.
    """
    hop_on()
    process = running_process()
    if process is None and awaited:
        helper = awaited.get(future) if serving.workers is None else None
        if helper is not None:
            left = helper.help(future, left)
            if not future.is_pending() or future.is_abandoned():
                return
    elif process is not None:
        process.runtime.check_here()
    simulation = _simulation_for(future)
    if simulation is not None:
        simulation.wait_for(future, timeout)
        return
    workers = serving.workers if process is None else process.runtime.workers
    if workers is None:
        _sleep(future, left, None)
    else:
        with workers.blocking() as absence:
            _sleep(future, left, absence)


def _simulation_for(future: FutureCell) -> Simulation | None:
    """That which is to run while the caller waits: outside of actors that of the actor whose answer ``future`` is."""
    outside = running_process() is None and serving.workers is None and serving.simulation is None
    target = future._find_target() if outside else None
    return current_simulation() if target is None else target.runtime.simulation


def _sleep(future: FutureCell, timeout: float | None, absence: Absence | None) -> None:
    """As wait_for; the thread leaves once it can be woken, and whoever does so has it enter first."""
    gate = Gate()
    arrived = False

    def arrive(_: object = None) -> None:
        try:
            if absence is not None:
                absence.enter()
        finally:
            gate.open()

    try:
        future._subscribe(ON_ANY, arrive)
        future._subscribe(ON_ABANDONED, arrive)
        if absence is not None:
            absence.leave()
        arrived = gate.wait(SECONDS_MAX if timeout is None else min(max(0.0, timeout), SECONDS_MAX))
    finally:
        if not arrived:  # the time is over, or Ctrl-C
            future._unsubscribe(ON_ANY, arrive)
            future._unsubscribe(ON_ABANDONED, arrive)


def is_driven() -> bool:
    """Whether what awaits here is a coroutine of an actor: its driver takes the future itself."""
    return running_process() is not None and asyncio._get_running_loop() is None


def arrival(future: FutureCell) -> Generator[Any, None, None]:
    """Suspend the running asyncio task until ``future`` is complete or abandoned.

    In a deterministic runtime the loop stands still instead, while the actors run: nobody else would run them.
    """
    simulation = _simulation_for(future)
    if simulation is not None:
        simulation.wait_for(future, None)
        return
    loop = asyncio.get_running_loop()
    waiter = loop.create_future()

    def wake() -> None:
        if not waiter.done():
            waiter.set_result(None)

    def wake_from_anywhere(_: object = None) -> None:
        try:
            loop.call_soon_threadsafe(wake)
        except RuntimeError:
            if not loop.is_closed():  # else nobody waits any more
                raise

    future._subscribe(ON_ANY, wake_from_anywhere)
    future._subscribe(ON_ABANDONED, wake_from_anywhere)
    try:
        yield from waiter
    except BaseException as error:  # cancelled, or the coroutine was closed
        future._unsubscribe(ON_ANY, wake_from_anywhere)
        future._unsubscribe(ON_ABANDONED, wake_from_anywhere)
        if isinstance(error, asyncio.CancelledError):
            future.discard()
        raise


configure(running_loop=asyncio._get_running_loop)
