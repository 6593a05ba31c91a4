"""Bounded: how many events may wait in the mailbox of an actor, and what becomes of one more."""

# Who calls: users give one to a class of actors or to spawn; the core asks what it says, and who may wait for room.
# A full mailbox never raises in the code of a sender, which may be handling a failure just then: who waits for an
#   answer finds it in the future, the rest is counted (Runtime.overflows, Runtime.dead_letters).
# Waiting for room is for threads that keep nobody from serving the actor: not in handlers and what timers were set for,
#   where a worker would stand still, not in event loops, and not where a lock of this library may be held: a finalizer
#   or a signal handler may run in the middle of its code.
# Rejected: blocking handlers too, each on a thread of its own: two actors that send to one another would stand still.
# Source: none in libprocess, whose mailboxes have no bound.

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from libactor._core._impl import configure
from libactor.context import serving

if TYPE_CHECKING:
    from libactor.process import Process

Overflow: TypeAlias = Literal["drop-new", "drop-old", "fail-sender", "block"]

OVERFLOWS = get_args(Overflow)  # in the order of the core's numbers
CAPACITY_MAX = (1 << 31) - 1

# Modules in whose code a lock may be held, or a timer fires, or a finalizer is called.
_NEVER_WAIT = frozenset(
    {"libactor._core.clock", "libactor.process", "libactor.runtime", "libactor.waiting", "libactor.worker", "weakref"}
)


@dataclass(frozen=True, slots=True)
class Bounded:
    """At most ``capacity`` calls and messages wait in a mailbox; ``overflow`` says what becomes of one more.

    ``drop-new``: it is dropped.  ``drop-old``: the one that waits longest is.  ``fail-sender``: its future fails with
    ``MailboxFull``; it is dropped if it has none.  ``block``: the sending thread waits until there is room, or until
    the actor has stopped; handlers, the work of pools, timers, callbacks, event loops and finalizers do not wait: for
    them it is ``fail-sender``.

    What is dropped is a dead letter, or abandons its future with a ``MailboxFull`` as the reason. The ends of links and
    the control lane neither count nor find a mailbox full; nor does the event that is being served.
    Raises: TypeError, ValueError.
    """

    capacity: int
    overflow: Overflow = "drop-new"

    def __post_init__(self) -> None:
        capacity: object = self.capacity
        if not isinstance(capacity, int) or isinstance(capacity, bool):
            raise TypeError(f"Bounded: got the capacity {self.capacity!r}, expected a whole number of events")
        if not 1 <= self.capacity <= CAPACITY_MAX:
            raise ValueError(f"Bounded: got the capacity {self.capacity}, expected 1 to {CAPACITY_MAX}")
        if self.overflow not in OVERFLOWS:
            raise ValueError(f"Bounded: got the overflow {self.overflow!r}, expected one of {', '.join(OVERFLOWS)}")


def check_bounded(bounded: Any, where: str) -> None:
    """Raise TypeError, naming ``where`` it was given, for what is no Bounded and not None."""
    if bounded is not None and not isinstance(bounded, Bounded):
        raise TypeError(f"{where}: got the mailbox {bounded!r}, expected a Bounded, such as Bounded(100), or None")


def _bound_of(bounded: Any) -> tuple[int, int]:
    """Capacity and overflow as the core has them; capacity 0: as many as come."""
    check_bounded(bounded, "spawn")
    return (0, 0) if bounded is None else (bounded.capacity, OVERFLOWS.index(bounded.overflow))


def may_block(process: Process) -> bool:
    """Whether the calling thread, which is in no handler, may wait until there is room in the mailbox of ``process``.

    In a deterministic runtime nobody waits: its actors are run, and there is room, or there will be none.
    """
    if serving.workers is not None or serving.simulation is not None or asyncio._get_running_loop() is not None:
        return False
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "__del__" or frame.f_globals.get("__name__") in _NEVER_WAIT:
            return False
        frame = frame.f_back
    simulation = process.runtime.simulation
    if simulation is not None:
        simulation.settle()
    return simulation is None


configure(bound_of=_bound_of, may_block=may_block)
