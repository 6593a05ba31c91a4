"""Operations of the core, repeated many times, leave no memory and no references behind."""

# Each operation runs in a loop; afterwards as much memory is allocated as before, and an object that went through it
# has as many references as before. A debug build of Python counts all references, and then so does this test.

import gc
import sys

import pytest

REPEATS = 300
WINDOWS = 3
SLACK_BYTES = 4000  # less than any leak of one object for each repeat, on either core
SLACK_REFERENCES = 100

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


def let_go(function, *arguments):
    """Call a function that may be interrupted."""
    try:
        function(*arguments)
    except KeyboardInterrupt:
        return


def step(core, sentinel):
    core.set_reporters(sentinel, sentinel)
    for state in (READY, FAILED, DISCARDED):
        for method in ("then", "repair", "recover"):
            for function in (sentinel, raising, interrupting):
                early, late = core.FutureCell(), core.FutureCell()
                late._complete(state, sentinel)
                result = getattr(early, method)(function)
                let_go(getattr(late, method), function)
                let_go(early._complete, state, sentinel)
                result._outcome()


def lose_a_step(core, sentinel):
    cell = core.FutureCell()
    results = [cell.then(sentinel), cell.recover(sentinel), cell.repair(sentinel).then(sentinel)]
    cell._abandon(sentinel)
    results[0].discard()
    core.FutureCell().then(sentinel).recover(sentinel)
    cell._complete(READY, sentinel)


def follow(core, sentinel):
    core.set_reporters(sentinel, sentinel)
    core.configure(copy_value=sentinel, pass_answer=lambda value: (value, True))
    for state in (READY, FAILED, DISCARDED):
        source, mirror, shielded = core.FutureCell(), core.FutureCell(), core.FutureCell()
        mirror._follow(source, answer=True)
        shielded._follow(mirror, shield=True)
        shielded._subscribe(0, sentinel)
        source._complete(state, sentinel)
        shielded._follow(source)
        shielded._outcome()
    refused(source._follow, sentinel)
    shielded.then(lambda _: mirror)


def join(core, sentinel):
    core.set_reporters(sentinel, sentinel)
    for collects in (True, False):
        for end in (READY, FAILED, DISCARDED, None):
            members = [core.FutureCell() for _ in range(3)]
            joined = core.gather(members * 2, collects)
            if end is None:
                joined.discard()
                members[0]._abandon(sentinel)
            for member in members:
                member._complete(end or READY, sentinel)
            joined._outcome()
        core.gather([], collects)
        core.gather([core.FutureCell()], collects)
        refused(core.gather, [sentinel], collects)


def promise(core, sentinel):
    for deliver in ("set", "fail", "associate"):
        refused(getattr(core.PromiseCell(), deliver), sentinel) if deliver != "set" else core.PromiseCell().set(
            sentinel
        )
    core.PromiseCell().future._subscribe(5, sentinel)
    one, other = core.PromiseCell(), core.PromiseCell()
    one.future._subscribe(4, [one, sentinel].__contains__)
    one.set(other.future)
    other.discard()
    refused(core.PromiseCell, sentinel)


def go_deep(core, sentinel):
    core.set_reporters(sentinel, sentinel)
    start = core.FutureCell()
    end = start
    for _ in range(40):
        end = end.then(lambda value: value)
    end.then(interrupting)
    refused(start._complete, READY, sentinel)
    core.hop(sentinel, sentinel)
    refused(core.hop, raising)
    refused(core.hop)
    core.hop_on()


def read(core, sentinel):
    core.configure(copy_value=lambda value: [*value], get_slowly=raising)
    cell = core.FutureCell()
    cell._complete(READY, [sentinel], True)
    cell.get(timeout=sentinel)
    get = cell.get
    del cell
    get()
    get(None)
    refused(core.FutureCell().get, 1)
    refused(get, 1, 2)
    core.configure(copy_value=raising)
    refused(get)


def use_a_mailbox(core, sentinel):
    mailbox = core.Mailbox()
    for _ in range(70):
        mailbox.put(sentinel)
        mailbox.put_first(sentinel)
    for _ in range(130):
        mailbox.waiting(3)
        refused(mailbox.waiting, "3")
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
    make_cycles, subclass, step, lose_a_step, follow, join, promise, go_deep, read, use_a_mailbox, use_a_run_queue,
]  # fmt: skip


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
def test_an_operation_leaves_nothing_behind(core, operation, traced_memory):
    sentinel, repeats = Sentinel(), REPEATS
    count_references = getattr(sys, "gettotalrefcount", lambda: 0)

    def repeat(times):
        for _ in range(times):
            operation(core, sentinel)
        gc.collect()  # failures that are left in cycles are still to be reported
        core.set_reporters(None, None)
        gc.collect()
        return traced_memory(), count_references(), sys.getrefcount(sentinel)

    repeat(max(core.count(repeats), 20))
    before = repeat(max(core.count(repeats), 20))
    for _ in range(WINDOWS):  # a leak shows in each; what a thread of an earlier test is still at does not
        after = repeat(repeats)
        memory, references, sentinel_references = (now - then for now, then in zip(after, before, strict=True))
        if memory < SLACK_BYTES and references < SLACK_REFERENCES:
            break
        before = after

    assert sentinel_references == 0
    assert memory < SLACK_BYTES
    assert references < SLACK_REFERENCES
