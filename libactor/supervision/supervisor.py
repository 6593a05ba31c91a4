"""Supervisor: an actor that starts others, in order, starts them anew when they fail, and stops them in order."""

# Who calls: users. What it does is in household.py, what it decides in plan.py and restarts.py.
# Its own failure: if a child has used up its budget, the supervisor stops its children and itself, with
#   RestartsExhausted as the reason, so that whoever supervises it decides. So do faults of its own.
# Unlike Erlang/OTP: the budget is per child; a child that cannot be started at first is tried again as one that fails
#   later, within its budget; a delay between restarts; PIDs stay.
# Source: Erlang/OTP supervisor.

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from typing import TYPE_CHECKING, Any

from libactor.actor import Actor
from libactor.future import Future
from libactor.supervision.child import Child, ChildState, check_seconds
from libactor.supervision.household import Household
from libactor.supervision.restarts import STRATEGIES, RandomStream, Strategy

if TYPE_CHECKING:
    from libactor.pid import PID


class Supervisor(Actor):
    """Starts ``children`` in their order, watches them, restarts those that fail, and stops them in reverse order.

    ``strategy``: what is started anew when one fails: "one_for_one" that child; "one_for_all" all of them;
    "rest_for_one" it and those after it. ``shutdown``: the seconds that all children together have to stop when the
    supervisor stops. ``stream``: the random numbers that jitter is drawn from; left out, one of its own.

    A child keeps its PID for good: it leads to the incarnation that was started last. A subclass that overrides
    ``on_start`` or ``on_stop`` calls the one of this class; its ``on_start`` does not wait for children, which come up
    when it is over.

    Raises: TypeError or ValueError for wrong or equal children, naming what is wrong and what was expected.
    """

    def __init__(
        self,
        children: Iterable[Child] = (),
        *,
        strategy: Strategy = "one_for_one",
        shutdown: float = 30.0,
        id: str | None = None,
        stream: RandomStream | None = None,
    ) -> None:
        super().__init__(id)
        if strategy not in STRATEGIES:
            raise ValueError(f"Supervisor: strategy got {strategy!r}, expected one of {', '.join(STRATEGIES)}")
        check_seconds("Supervisor", "shutdown", shutdown)
        if stream is not None and not hasattr(stream, "random"):
            raise TypeError(f"Supervisor: stream got {stream!r}, expected a stream such as random_stream() returns")
        self._libactor_household = Household(strategy, shutdown, stream, Supervisor)
        if not isinstance(children, Iterable):
            raise TypeError(f"Supervisor: children got {children!r}, expected several of them, as in [Child(Counter)]")
        for child in children:
            self._libactor_household.add(_check_child("Supervisor", child))

    def started(self) -> Future[None]:
        """Ready once every first child is up, or down for good; fails with what the supervisor stops with before."""
        return self._libactor_household.started()

    def start_child(self, child: Child) -> Future[PID[Any]]:
        """Take on one more child, after the others, and start it; its PID once it is up.

        If it cannot be started it is not taken on, and the future fails with the cause.
        Raises: ValueError for an id that a child has; TypeError for what is no Child.
        """
        return self._libactor_household.start_child(_check_child("start_child", child))

    def terminate_child(self, id: str) -> Future[None]:
        """Stop a child, and keep it down until restart_child; ready once it is down. A temporary one is forgotten.

        Raises: ValueError for an id that no child has.
        """
        return self._libactor_household.terminate_child(id)

    def restart_child(self, id: str) -> Future[PID[Any]]:
        """Start a child that is down, without waiting any longer; stop and start one that is up. Its PID once it is up.

        It counts as no failure. One that was down for good, and cannot be started, stays down: the future
        fails. So it does, with RestartsExhausted, if one that was up cannot be started within its budget.
        Raises: ValueError for an id that no child has.
        """
        return self._libactor_household.restart_child(id)

    def delete_child(self, id: str) -> None:
        """Forget a child that was terminated, or has ended and is not to be restarted.

        Raises: ValueError for one that is up or will be, and for an id that no child has.
        """
        self._libactor_household.delete_child(id)

    def children(self) -> tuple[ChildState, ...]:
        """Each child and what it is doing, in order."""
        return self._libactor_household.states()

    def on_start(self) -> Awaitable[object] | None:
        """Begin to start the children."""
        assert self._libactor_process is not None
        self._libactor_household.begin(self._libactor_process)
        return None

    def on_stop(self) -> Awaitable[object]:
        """Stop the children, the last one first, each within its time and all within that of the supervisor."""
        return self._libactor_household.end(self._stop_reason())


def _check_child(operation: str, child: Any) -> Child:
    if not isinstance(child, Child):
        raise TypeError(f"{operation}: got the child {child!r}, expected a Child, as in Child(Counter, id='counter')")
    return child
