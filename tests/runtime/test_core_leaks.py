"""Operations of the core, repeated many times, leave no memory and no references behind."""

# Each operation runs in a loop; afterwards as much memory is allocated as before, and an object that went through it
# has as many references as before. A debug build of Python counts all references, and then so does this test.

import gc
import sys

import pytest

REPEATS = 1000
SLACK_BYTES = REPEATS * 4  # less than any leak of one object for each repeat
SLACK_REFERENCES = REPEATS // 10

READY, FAILED, DISCARDED = 1, 2, 3


class Sentinel:
    """An object that goes through an operation as value, callback and event; so all that could leak is one of it."""

    def __call__(self, *arguments):
        return self


def raising(*_):
    raise ValueError("callback")


def interrupting(*_):
    raise KeyboardInterrupt


def refused(function, *arguments):
    try:
        function(*arguments)
    except (KeyboardInterrupt, TypeError, ValueError):
        return
    raise AssertionError(f"{function} should have raised")


def create(core, sentinel):
    core.FutureCell()


def complete(core, sentinel):
    for state in (READY, FAILED, DISCARDED):
        cell = core.FutureCell()
        cell._complete(state, sentinel)
        cell._complete(state, sentinel)
        cell._outcome()


def call_back(core, sentinel):
    for count in (1, 2, 9):
        cell = core.FutureCell()
        for kind in list(range(6)) * count:
            cell._subscribe(kind, sentinel)
        cell.discard()
        cell._abandon()
        cell._complete(READY, sentinel)
        for kind in range(6):
            cell._subscribe(kind, sentinel)


def drop_pending(core, sentinel):
    for count in (1, 2, 9):
        cell = core.FutureCell()
        for kind in list(range(6)) * count:
            cell._subscribe(kind, sentinel)


def unsubscribe(core, sentinel):
    cell = core.FutureCell()
    for kind in list(range(6)) * 3:
        cell._subscribe(kind, sentinel)
    for kind in list(range(6)) * 4:
        cell._unsubscribe(kind, sentinel)
        cell._unsubscribe(kind, None)


def fail_in_callbacks(core, sentinel):
    core.set_reporters(sentinel, sentinel)
    for callback in (raising, interrupting):
        cell = core.FutureCell()
        cell._subscribe(0, callback)
        cell._subscribe(0, callback)
        if callback is raising:
            cell._complete(READY, sentinel)
        else:
            refused(cell._complete, READY, sentinel)
    core.set_reporters(raising, interrupting)
    cell = core.FutureCell()
    cell._subscribe(0, raising)
    refused(cell._complete, READY, sentinel)


def misuse(core, sentinel):
    cell, queue = core.FutureCell(), core.RunQueue()
    for state in (0, 9, "text"):
        refused(cell._complete, state, sentinel)
    refused(cell._subscribe, 9, sentinel)
    refused(cell._unsubscribe, 9, sentinel)
    refused(core.FutureCell, sentinel)
    refused(core.Mailbox, sentinel)
    refused(core.RunQueue, sentinel)
    refused(queue.pop, sentinel)
    refused(queue.pop, float("nan"))
    refused(queue.wait_idle, 1, 2)


def leave_a_failure_unseen(core, sentinel):
    core.set_reporters(sentinel, sentinel)
    core.FutureCell()._complete(FAILED, sentinel)


def make_cycles(core, sentinel):
    cell = core.FutureCell()
    cell._subscribe(0, [cell, sentinel].__contains__)
    other = core.FutureCell()
    other._complete(READY, [other, sentinel])
    mailbox = core.Mailbox()
    mailbox.put([mailbox, sentinel])
    queue = core.RunQueue()
    queue.push([queue, sentinel])


def subclass(core, sentinel):
    future = type("Future", (core.FutureCell,), {"__slots__": ()})()
    future._subscribe(0, sentinel)
    future._complete(READY, sentinel)


def use_a_mailbox(core, sentinel):
    mailbox = core.Mailbox()
    for _ in range(70):
        mailbox.put(sentinel)
        mailbox.put_first(sentinel)
    for _ in range(130):
        mailbox.take()
    mailbox.close()
    mailbox.put(sentinel)
    core.Mailbox().put(sentinel)


def use_a_run_queue(core, sentinel):
    queue = core.RunQueue()
    queue.enter()
    for _ in range(70):
        queue.push(sentinel)
    for _ in range(71):
        queue.pop(0)
    queue.pop(timeout=1e-6)
    queue.wait_idle(timeout=1e-6)
    queue.wake()
    queue.push(sentinel)
    queue.close()
    assert queue.closed


OPERATIONS = [
    create, complete, call_back, drop_pending, unsubscribe, fail_in_callbacks, misuse, leave_a_failure_unseen,
    make_cycles, subclass, use_a_mailbox, use_a_run_queue,
]  # fmt: skip


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
def test_an_operation_leaves_nothing_behind(core, operation, traced_memory):
    sentinel = Sentinel()
    count_references = getattr(sys, "gettotalrefcount", lambda: 0)

    def repeat(times):
        for _ in range(times):
            operation(core, sentinel)
        core.set_reporters(None, None)
        gc.collect()
        return traced_memory(), count_references(), sys.getrefcount(sentinel)

    repeat(max(core.count(REPEATS), 20))
    memory, references, sentinel_references = repeat(max(core.count(REPEATS), 20))
    memory_after, references_after, sentinel_references_after = repeat(REPEATS)

    assert sentinel_references_after == sentinel_references
    assert memory_after - memory < SLACK_BYTES
    assert references_after - references < SLACK_REFERENCES
