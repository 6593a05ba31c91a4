"""RuntimeCell: the table of the actors that live in a runtime; spawn, terminate and wait."""

# Who calls: libactor.Runtime derives from the cell; users call the functions.
# Invariants: 1. an id names at most one live actor, that of the table.    2. nothing enters the table once it is shut:
#   one lock around the look and the entry; re-entrant, because a finalizer may run in this thread between any two calls
#   and spawn too.    3. an actor's start waits in its mailbox before anybody can know its PID.
# Twin: csrc/runtime.c; both pass tests/runtime/test_actor.py.

from __future__ import annotations

import threading
from typing import Any

from libactor._core._actor import KIND_QUICK, ActorCell, kind_of
from libactor._core._lanes import Bound
from libactor._core._mailbox import QUICK_TURNS, Mailbox, running
from libactor._core._pid import PID, receiver
from libactor._core._policy import policy
from libactor._core._run_queue import RunQueue


class RuntimeCell:
    """The table of the actors that live in a runtime."""

    def __init__(self, address: str, queue: RunQueue) -> None:
        self.address = address
        self.queue = queue
        self._processes: dict[str, Any] = {}
        self._closed = False
        self.spawned = 0  # actors so far
        self._table_lock = threading.RLock()

    def spawn(self, actor: Any, /, *, mailbox: Any = ...) -> Any:
        """Start ``actor`` and return its address; its on_start is served before anything that is sent to it.

        ``mailbox``: a Bounded, or None for no bound; left out, what the actor's class says.
        Raises: TypeError for what is no such bound; SpawnError if its id is taken, if it was spawned before, if its
        class forgot ``super().__init__()``, or if the runtime is closed.
        """
        return self._spawn(actor, None, mailbox)

    def _spawn_as(self, actor: Any, name: Any, mailbox: Any = ..., /) -> Any:
        """As spawn, under the id ``name``, whatever the actor's own; or at a PID ``name`` whose actor has stopped."""
        pid = name if isinstance(name, PID) else None
        if _is_fresh(actor):
            actor._libactor_id = name if pid is None else pid.id
        return self._spawn(actor, pid, mailbox)

    def _spawn(self, actor: Any, pid: Any, mailbox: Any) -> Any:
        if not self._admits(actor):
            raise self._refuse(actor)
        process = self._make(actor, pid, mailbox)
        with self._table_lock:
            admitted = self._admits(actor)
            if admitted:
                self.spawned += 1
                self._processes[actor._libactor_id] = actor._libactor_process = process
                object.__setattr__(process.pid, "_process", process)
        if not admitted:
            raise self._refuse(actor)
        process.enqueue()
        return process.pid

    def _admits(self, actor: Any) -> bool:
        """Whether ``actor`` may enter the table."""
        return (
            not self._closed
            and not self.queue.orphaned
            and _is_fresh(actor)
            and actor._libactor_id not in self._processes
        )

    def _make(self, actor: Any, pid: Any, mailbox: Any) -> Any:
        """The process of ``actor``, with its PID, which may be there already; entered nowhere yet."""
        process = policy.process_type()
        process.runtime = self
        process.queue = self.queue
        process.actor = actor
        process.kind = type(actor)
        kind = kind_of(process.kind)
        process.quick = QUICK_TURNS if kind.quick >= KIND_QUICK else 0
        capacity, overflow = kind.bound if mailbox is ... else policy.bound_of(mailbox)
        process._bound = Bound(capacity, overflow) if capacity else None
        process._control = kind.control
        process.pid = PID(actor._libactor_id, self.address, process) if pid is None else pid
        process._begin()
        return process

    def _stand_in(self, id: str, kind: type, /) -> Any:
        """The PID of a fresh process that stands for the actor ``id`` of class ``kind``, which the network of the queue
        knows how to reach: nothing is ever served in it."""
        given: tuple[object, object] = (id, kind)
        if not isinstance(given[0], str) or not isinstance(given[1], type):
            raise TypeError(f"_stand_in() got {id!r} and {kind!r}, expected an id and a class")
        process = policy.process_type()
        process.runtime = self
        process.queue = self.queue
        process.kind = kind
        process._distant = True
        process.pid = PID(id, self.address, process)
        return process.pid

    def _shut(self) -> list[Any]:
        """Let nothing be spawned any more; the processes that live, the last one first."""
        with self._table_lock:
            self._closed = True
            return list(reversed(self._processes.values()))

    def _forget(self, process: Any) -> None:
        """Take a process out of the table, if it is there, which may live on without its id."""
        with self._table_lock:
            name = process.pid.id
            if self._processes.get(name) is process:
                del self._processes[name]

    def _refuse(self, actor: Any) -> Exception:
        """The error for an actor that cannot be spawned."""
        raise NotImplementedError


def _is_fresh(actor: Any) -> bool:
    """Whether it is an actor that was never spawned."""
    return isinstance(actor, ActorCell) and hasattr(actor, "_libactor_id") and actor._libactor_process is None


def spawn(actor: Any, /, *, mailbox: Any = ...) -> Any:
    """Start an actor in the current runtime: see Runtime.spawn."""
    return policy.current_runtime("spawn").spawn(actor, mailbox=mailbox)


def terminate(pid: Any, inject: bool = True) -> None:
    """Ask an actor to stop: ahead of what waits in its mailbox, or after it if ``inject`` is False.

    The handler that runs is not interrupted. Nothing happens if the actor has stopped already.
    """
    mailbox = receiver(pid, "terminate")
    if not mailbox._is_ended_elsewhere(inject):
        mailbox._terminate(None if inject else policy.terminate_event)


def wait(pid: Any, timeout: float | None = None) -> bool:
    """Wait until an actor has stopped; False if ``timeout`` seconds pass before.

    Raises: RuntimeError if an actor waits for itself. Inside a handler another worker runs meanwhile.
    """
    process: Mailbox = receiver(pid, "wait")._check()
    if running() is process:
        raise RuntimeError(f"wait: {pid} would wait for itself; use terminate and let the handler return")
    try:
        process.stopped.get(timeout)
    except TimeoutError:
        if timeout is None:  # it is a signal handler's own
            raise
        return False
    return True
