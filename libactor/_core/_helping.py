"""Helping: a thread outside the actors that waits runs the actor it waits for."""

# Who calls: FutureCell.get, before it waits.
# Rules: 1. only the actor that the future leads to is run, never a stranger's, and only what it was sent before the
#   answer comes.    2. only an actor whose last turns were quick: a handler that blocks would keep the waiting thread
#   from its timeout.    3. not with less than HELP_NS left before the timeout, which is to be kept even if the actor
#   blocks for the first time; one of that length is a net.    4. not inside a handler: helping
#   there would stack actors on one another and deadlock (libactor/worker.py).    5. a handler finds what it would find
#   on a worker: context variables of its own, no exception being handled, no running event loop, most of the stack.
#   6. here, other than in C, not in the
#   main thread: Ctrl-C would come in the middle of a handler, and Python has no way to keep it back unnoticed.
# Twin: csrc/help.c.

from __future__ import annotations

import sys
import threading
from contextvars import Context
from typing import Any

from libactor._core._mailbox import QUICK_TURNS, Mailbox, running
from libactor._core._policy import policy
from libactor._core.clock import monotonic_ns

HELP_NS = 10_000_000_000
DEPTH_MAX = 200  # calls on the stack of a thread that helps


def help_with(future: Any, timeout: float | None) -> float | None:
    """Run the actor that ``future`` waits for in this thread, until it is complete or helping will not do.

    ``timeout`` in seconds or None; what is left of it, which may be negative, or None.
    """
    if timeout is not None and timeout != timeout:
        raise ValueError("get: the timeout is NaN, expected seconds or None")
    end = None if timeout is None else monotonic_ns() + round(min(max(timeout, 0.0), 1e9) * 1e9)
    process, target = running(), future._find_target()
    if target is not None and target.queue is not None and target.queue.orphaned:
        raise target._orphaned()
    if process is not None and future._awaits(process) and (end is None or end > monotonic_ns()):
        raise RuntimeError(
            f"get: {process.pid} would wait for an answer of its own, which it can give only after this handler; "
            "let the handler return, and go on with then() and defer()"
        )
    if process is None and target is not None and _finds_what_a_worker_finds():
        _help(future, end)
    return None if end is None else (end - monotonic_ns()) / 1e9


def _help(future: Any, end: int | None) -> None:
    """Help as long as it does; ``end`` by the monotonic clock, None: never."""
    while future.is_pending() and not future.is_abandoned():
        mailbox = future._find_target()
        if mailbox is None or not _may_help(mailbox) or (end is not None and end - monotonic_ns() < HELP_NS):
            break
        mailbox.queue.enter()
        try:
            if not Context().run(mailbox._run_turn, future):
                break
            mailbox.queue._note_help()
        finally:
            mailbox.queue.leave()


def _may_help(mailbox: Mailbox) -> bool:
    queue = mailbox.queue
    return queue is not None and queue.helping and not queue.orphaned and mailbox.quick >= QUICK_TURNS


def _finds_what_a_worker_finds() -> bool:
    """Whether a handler would find here what it finds on a worker, context variables apart."""
    if threading.current_thread() is threading.main_thread() or sys.exc_info()[1] is not None:
        return False
    if policy.running_loop is not None and policy.running_loop() is not None:
        return False
    try:
        sys._getframe(DEPTH_MAX)
    except ValueError:
        return True
    return False
