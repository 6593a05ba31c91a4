"""Stepping: what queue and mailbox add for a run queue without workers, whose owner says which actor is next."""

# Who calls: libactor/testing/simulation.py; the mailbox, which derives from Steppable, before it takes an event in.
# The network: what passes from an actor of one runtime to one of another that shares the queue is offered to
#   `network` of the queue first.
# Twin: csrc/stepping.c.

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, cast

from libactor._core._coroutine import Task, close_all

if TYPE_CHECKING:
    from libactor._core._mailbox import Mailbox
    from libactor._core._run_queue import RunQueue


class Network(Protocol):
    """What lies between the runtimes of one run queue. True: it sees to it, at its time; False: let it be done now."""

    def __call__(self, sender: Any, receiver: Any, event: Any, /) -> object:
        """``sender``, a process, or None outside of actors, sends ``event`` to the process ``receiver``."""

    def link(self, watcher: Any, process: Any, /) -> bool:
        """One process wants to hear of the end of another."""

    def terminate(self, process: Any, inject: bool, /) -> bool:
        """A process is asked to stop."""


class SteppableQueue:
    """What a RunQueue can do without workers."""

    __slots__ = ()

    def step(self, index: int, /) -> None:
        """Take the actor at ``index`` out of the queue and have it serve one event, its start and stop being one each.

        Raises: IndexError if there is none at that place.
        """
        item = self.peek(index)
        queue = cast("RunQueue", self)
        del queue._items[index]
        item._leave_queue()
        queue._turn_over = True  # after one event
        item.run_turn()

    def peek(self, index: int, /) -> Any:
        """The actor at ``index``; raises as step."""
        items = cast("RunQueue", self)._items
        if not 0 <= index < len(items):
            raise IndexError(f"step: got the place {index}, expected 0 to less than {len(items)}")
        return items[index]


class Steppable:
    """What a Mailbox can do besides: show its next event, and have a network asked."""

    __slots__ = ()

    def peek(self) -> Any:
        """What is served next: "start", "stop", ("resume", which handler) or an event; None."""
        mailbox = cast("Mailbox", self)
        if mailbox._starting or mailbox._ending:
            return "start" if mailbox._starting else "stop"
        events = mailbox._urgent or mailbox._events
        event = events[0] if events else None
        task = mailbox._life if mailbox._life_due else event
        return ("resume", task.what) if type(task) is Task else event

    def waiting(self, most: int, /) -> list[Any]:
        """What is in the mailbox, in the order of serving, ``most`` of it: events, or ("resume", which handler)."""
        mailbox = cast("Mailbox", self)
        with mailbox._lock:
            events = [*islice(mailbox._urgent, max(most, 0)), *islice(mailbox._events, max(most, 0))]
        return [("resume", event.what) if type(event) is Task else event for event in events[: max(most, 0)]]

    def awaiting(self) -> list[tuple[Any, Any]]:
        """Which handlers wait at an await, and for which futures: pairs, in order of first waits."""
        tasks = cast("Mailbox", self)._tasks
        return [(task.what, task.awaited) for task in tasks if task.awaited is not None]

    def crash(self, reason: BaseException | None, /) -> None:
        """As stop, and on_stop is not called: the machine of the actor has gone."""
        mailbox = cast("Mailbox", self)
        if mailbox._stopping:
            close_all(mailbox)  # an on_stop that waits
            mailbox._finish()
        else:
            mailbox.started = False
            mailbox.stop(reason)

    def arrive(self, event: Any, /) -> None:
        """As deliver, at the end of its way through a network, which is not asked again."""
        cast("Mailbox", self)._enter(event, False)

    def _is_ended_elsewhere(self, inject: bool) -> bool:
        """Whether a network sees that the actor is asked to stop."""
        queue = cast("Mailbox", self)._queue
        return queue is not None and queue.network is not None and queue.network.terminate(self, inject)

    def _is_taken(self, event: Any, sender: Mailbox | None) -> bool:
        """Whether a network takes ``event`` over, which ``sender`` sends."""
        mailbox = cast("Mailbox", self)
        network = None if mailbox._queue is None else mailbox._queue.network
        if network is None or (sender is not None and sender.runtime is mailbox.runtime):
            return False
        future = event.future if getattr(event, "kind", None) in ("dispatch", "execute") else None
        taken = bool(network(sender, mailbox, event))
        if taken and future is not None:
            future._target = None  # it is in no mailbox yet
        return taken
