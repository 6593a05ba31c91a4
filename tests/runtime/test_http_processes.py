"""What waits in mailboxes, told without asking the actors."""

import asyncio
import json

import pytest

import libactor as la
from libactor.http.processes import EVENTS_MAX, SLICE, answer_processes

LIMIT = 30


class Ping:
    pass


la.register_immutable(Ping)


class Idle(la.Actor):
    def __init__(self, id):
        super().__init__(id)

    @la.handles(Ping)
    def ping(self, message, sender):
        pass

    def look(self):
        pass

    @la.control
    def hurry(self):
        pass

    async def linger(self, future):
        await future


class Hostile:
    """A callable that has something against being looked at."""

    def __call__(self):
        pass

    def __getattr__(self, name):
        raise RuntimeError("no")

    __repr__ = __str__ = None


la.register_immutable(Hostile)


def listed(runtime):
    """What the page says."""
    return json.loads(asyncio.run(answer_processes(runtime)).body)


def events_of(runtime, id):
    return next(entry for entry in listed(runtime) if entry["id"] == id)["events"]


def test_actors_are_listed_in_order_of_spawning_and_idle_ones_have_no_events(paused):
    for name in ("b", "a", "c(1)"):
        la.spawn(Idle(name))
    paused.clock.settle()

    assert listed(paused) == [{"id": name, "events": []} for name in ("b", "a", "c(1)")]


# Goal: a crowd does not hold up the event loop. Method: another task of the loop runs between two slices.
def test_of_a_crowd_a_slice_is_looked_at_at_a_time(paused):
    for number in range(2 * SLICE + 1):
        la.spawn(Idle(f"idle-{number}"))
    paused.clock.settle()
    turns = []

    async def look():
        page = asyncio.ensure_future(answer_processes(paused))
        while not page.done():
            turns.append(None)
            await asyncio.sleep(0)
        return json.loads(page.result().body)

    assert len(asyncio.run(look())) == 2 * SLICE + 1
    assert len(turns) > 2


# LP MpscLinkedQueueTest.ForEach
# LP ProcessTest.ProcessesEndpointNoHang
def test_what_waits_for_a_stuck_actor_is_told_in_the_order_of_serving(runtime, hold):
    stuck, other = la.spawn(Idle("stuck")), la.spawn(Idle("other"))
    opened, held = hold(stuck)
    la.dispatch(stuck, Idle.look)
    la.tell(stuck, Idle.look)
    la.post(stuck, Ping())
    la.post(stuck, Ping(), sender=other)
    la.execute(stuck, dict)
    la.execute(stuck, Hostile())
    la.dispatch(stuck, Idle.hurry)
    la.terminate(stuck, inject=False)

    found = events_of(runtime, "stuck")

    opened.set(None)
    held.get(LIMIT)
    assert found == [
        {"type": "DISPATCH", "name": "hurry"},
        {"type": "DISPATCH", "name": "look"},
        {"type": "DISPATCH", "name": "look"},
        {"type": "MESSAGE", "name": "Ping"},
        {"type": "MESSAGE", "name": "Ping", "from": str(other)},
        {"type": "DISPATCH", "name": "dict"},
        {"type": "DISPATCH", "name": "Hostile"},
        {"type": "TERMINATE"},
    ]


def test_the_end_of_a_linked_actor_and_a_handler_that_goes_on_are_told(runtime, hold):
    stuck, other, promise = la.spawn(Idle("stuck")), la.spawn(Idle("other")), la.Promise()
    lingering = la.dispatch(stuck, Idle.linger, promise.future)
    la.execute(stuck, lambda: la.link(other)).get(LIMIT)
    opened, held = hold(stuck)
    promise.set(None)
    la.terminate(other)
    la.wait(other)

    found = events_of(runtime, "stuck")

    opened.set(None)
    held.get(LIMIT)
    lingering.get(LIMIT)
    assert {"type": "RESUME", "name": "linger"} in found
    assert {"type": "EXITED", "pid": str(other)} in found


def test_of_a_flooded_actor_the_first_events_are_told_and_how_many_more_there_are(runtime, hold):
    stuck = la.spawn(Idle("stuck"))
    opened, held = hold(stuck)
    for _ in range(EVENTS_MAX + 7):
        la.tell(stuck, Idle.look)

    [found] = listed(runtime)

    opened.set(None)
    held.get(LIMIT)
    assert len(found["events"]) == EVENTS_MAX
    assert found["events_left_out"] == 7


@pytest.mark.parametrize("most", [0, -1, 1, 2, 3])
def test_a_mailbox_shows_as_much_as_is_wanted(core, most):
    mailbox = core.Mailbox()
    for event in "ab":
        mailbox.put(event)

    assert mailbox.waiting(most) == list("ab")[: max(most, 0)]
    assert len(mailbox) == 2
