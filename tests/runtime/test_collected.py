"""A runtime that nobody can reach any more is collected with its actors; code that runs meanwhile is told so."""

# What the collector takes apart runs code all the same: a call that was not served is abandoned, and somebody may have
#   subscribed to that. A bound method of a tuple is taken apart by no collector, so it still knows the PIDs.

import gc
import types

import pytest

import libactor as la
from libactor._core._impl import RunQueue, RuntimeCell


class Table(RuntimeCell):
    """A runtime without threads and clock, which nobody keeps."""

    simulation = None


class Holder(la.Actor):
    @la.exclusive
    async def hold(self, future):
        await future

    def answer(self):
        return 1


OPERATIONS = {
    "terminate": la.terminate,
    "terminate last": lambda pid: la.terminate(pid, inject=False),
    "wait": lambda pid: la.wait(pid, 0),
    "tell": lambda pid: la.tell(pid, Holder.answer),
    "dispatch": lambda pid: la.dispatch(pid, Holder.answer),
    "execute": lambda pid: la.execute(pid, dir),
    "post": lambda pid: la.post(pid, "message"),
}


@pytest.mark.skipif(la.CORE != "c", reason="objects of Python are taken apart by nobody while code can reach them")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_who_reaches_an_actor_that_is_being_collected_is_told_so(operation):
    errors = []

    def on_abandoned(pids):
        for pid in pids:
            try:
                OPERATIONS[operation](pid)
            except RuntimeError as error:
                errors.append(str(error))

    def leave_behind():
        table = Table("nowhere", RunQueue())
        gate = la.Promise()
        pids = tuple(table.spawn(Holder()) for _ in range(3))
        for pid in pids:
            la.dispatch(pid, Holder.hold, gate.future)
        waiting = [la.dispatch(pid, Holder.answer) for pid in pids]  # behind an exclusive one
        while len(table.queue):
            table.queue.step(0)
        for answer in waiting:
            answer.on_abandoned(types.MethodType(on_abandoned, pids))

    leave_behind()
    gc.collect()

    assert errors
    assert all("is being collected" in error for error in errors)
