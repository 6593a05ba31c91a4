"""Networks: an event loop in the network of a container, for who asks a port there."""

# Who calls: prober.py, inside the agent actor.
# A namespace is a thread's: what a thread opens that has entered one is there, whoever uses it, and threads that it
#   starts, to look up names, are there too. So each question has a thread, and a loop, that end with it.
# The network is that of the container's first process, as opened: should that have ended, the question fails, or is
#   answered by nobody. A task that has made a network of its own in it is asked there.
# Nothing of the task runs in the thread, and it enters no other namespace.
# Rejected: a program that enters, as Mesos's curl does: a process for each question. Python has os.setns since 3.12.

from __future__ import annotations

import asyncio
import ctypes
import os
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

import libactor as la

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

T = TypeVar("T")

_CLONE_NEWNET = 0x40000000
_system = ctypes.CDLL(None, use_errno=True)


def other_network(pid: int | None) -> int | None:
    """Open the network of a process, if that is not ours; a descriptor. Raises: OSError, if it has ended.

    One that we may not look at, which takes root, or its user, has ours: nobody else gives it another.
    """
    if pid is None:
        return None
    try:
        network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    except PermissionError:
        return None
    if not os.path.samestat(os.fstat(network), os.stat("/proc/self/ns/net")):
        return network
    os.close(network)
    return None


def run_in(network: int, question: Callable[[], Coroutine[Any, Any, T]]) -> la.Future[T]:
    """Have a question asked in a network, which is closed. Raises: OSError, if it cannot be entered."""
    loop = asyncio.new_event_loop()
    entered: SimpleQueue[OSError | None] = SimpleQueue()
    threading.Thread(target=_serve, args=(loop, network, entered), name="check", daemon=True).start()
    problem = entered.get()
    if problem is not None:
        raise problem
    future = la.aio.run(question(), loop=loop)
    future.on_any(lambda _: loop.call_soon_threadsafe(loop.stop))
    return future


def _serve(loop: asyncio.AbstractEventLoop, network: int, entered: SimpleQueue[OSError | None]) -> None:
    try:
        problem = _enter(network)
        entered.put(problem)
        if problem is None:
            loop.run_forever()
            loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        os.close(network)
        loop.close()


def _enter(network: int) -> OSError | None:
    if _system.setns(network, _CLONE_NEWNET) == 0:
        return None
    number = ctypes.get_errno()
    return OSError(number, f"cannot enter the network of the task: {os.strerror(number)}")
