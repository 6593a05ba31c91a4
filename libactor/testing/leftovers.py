"""Leftovers: what is wrong at the end of a test although nothing in it has failed."""

# Who calls: the pytest plugin, when the test is over and its runtime is still open.
# A handler waits for ever if nothing is left to do, now or at any later time: while a timer is set nobody can tell, and
#   nothing is said. A handler in get() is not meant: close() itself is an error then.

from __future__ import annotations

from typing import TYPE_CHECKING

from libactor._core.errors import Stuck
from libactor.testing.event_log import name_handler
from libactor.testing.wait import say_awaited

if TYPE_CHECKING:
    from libactor.runtime import Runtime
    from libactor.testing.deterministic import DeterministicRuntime


def find_waiting(runtime: DeterministicRuntime) -> list[str]:
    """The handlers that wait at an ``await`` for what will never come."""
    if runtime.ended:
        return []
    try:
        runtime.settle()
    except Stuck:  # actors that never come to rest: what they may still complete is not known
        return []
    if not runtime.simulation.at_rest:
        return []
    return [
        f"{name_handler(what)} of {process.pid} awaits {say_awaited(awaited)}"
        for home in runtime.homes
        for process in list(home._processes.values())
        for what, awaited in process.awaiting()
    ]


def find_crashes(runtime: Runtime, allowed: tuple[type[BaseException], ...]) -> list[str]:
    """The actors that an error has stopped, other than those of ``allowed``."""
    return [f"{pid} by {error!r}" for pid, error in runtime.crashes or () if not isinstance(error, allowed)]
