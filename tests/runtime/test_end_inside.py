"""An actor that ends while it is served: in a handler, between two awaits, in a filter. Nobody waits for ever."""

# The end comes by a crash of the host, which any code may bring about; on_stop is not called then.

import logging

import pytest

import libactor as la
from libactor.testing import DeterministicRuntime


class Mortal(la.Actor):
    """Has its host crash at the moment it is told."""

    def __init__(self, crash):
        super().__init__()
        self.crash = crash
        self.seen = []

    def answer(self):
        self.seen.append("served")
        return 1

    def set_aside(self):
        self.stash()
        self.crash()

    async def walk(self, crashes_at):
        try:
            for step in range(3):
                if step == crashes_at:
                    self.crash()
                self.seen.append(step)
                await la.sleep(1)
        finally:
            self.seen.append("left")
        return "done"

    async def return_at_last(self):
        await la.sleep(1)
        self.crash()
        return "returned"


class MortalLast(Mortal):
    async def on_stop(self):
        try:
            await la.sleep(1)
            self.crash()
            self.seen.append("awaits")
            await la.sleep(1)
            self.seen.append("went on")
        finally:
            self.seen.append("left")


@pytest.fixture
def simulation():
    with DeterministicRuntime(1) as runtime:
        yield runtime


@pytest.fixture
def host(simulation):
    return simulation.host("mortal")


@pytest.fixture
def crash(simulation, host):
    return lambda: simulation.network.crash(host)


@pytest.mark.parametrize("call", ["dispatch", "tell"])
def test_what_a_filter_lets_through_to_an_actor_that_it_has_ended_is_dropped(simulation, host, crash, call):
    actor = Mortal(crash)
    pid = host.spawn(actor)
    simulation.settle()
    simulation.queue.filter = lambda process, event: crash()  # None: it is to be served

    asked = getattr(la, call)(pid, Mortal.answer)
    simulation.settle()

    assert actor.seen == []
    assert asked.is_abandoned() if call == "dispatch" else simulation.dead_letters + host.dead_letters == 1


def test_what_a_filter_sets_aside_and_drops_is_not_kept(simulation):
    actor = Mortal(None)
    pid = simulation.spawn(actor)
    simulation.settle()
    simulation.queue.filter = lambda process, event: [actor.stash()]  # true: it is to be dropped

    asked = la.dispatch(pid, Mortal.answer)
    simulation.settle()

    assert asked.is_abandoned()
    assert pid._process.stashed == 0


def test_what_a_handler_has_set_aside_that_ends_the_actor_is_dropped(simulation, host, crash):
    pid = host.spawn(Mortal(crash))

    asked = la.dispatch(pid, Mortal.set_aside)
    simulation.settle()

    assert asked.is_abandoned()
    assert pid._process.stashed == 0


@pytest.mark.parametrize("crashes_at", [0, 1, 2])
def test_a_coroutine_that_ends_its_actor_is_closed_at_its_next_await_without_a_word(
    simulation, host, crash, crashes_at, caplog
):
    actor = Mortal(crash)
    asked = la.dispatch(host.spawn(actor), Mortal.walk, crashes_at)

    with caplog.at_level(logging.WARNING):
        simulation.run_for(10)

    assert asked.is_abandoned()
    assert actor.seen == [*range(crashes_at + 1), "left"]
    assert caplog.records == []


def test_a_coroutine_that_ends_its_actor_and_returns_has_answered(simulation, host, crash, caplog):
    pid = host.spawn(Mortal(crash))

    with caplog.at_level(logging.WARNING):
        answer = la.dispatch(pid, Mortal.return_at_last).get(10)

    assert answer == "returned"
    assert pid._process.suspended == 0
    assert caplog.records == []


def test_an_on_stop_in_which_the_host_crashes_goes_on_to_its_next_await_only(simulation, host, crash, caplog):
    actor = MortalLast(crash)
    pid = host.spawn(actor)
    simulation.settle()

    la.terminate(pid)
    with caplog.at_level(logging.WARNING):
        simulation.run_for(10)

    assert actor.seen == ["awaits", "left"]
    assert pid._process.suspended == 0
    assert caplog.records == []


# Goal: the choices of a run are the same on both cores. Method: nothing can be done about a control event while
#   on_start waits, so there is nothing to choose.
def test_an_urgent_event_of_an_actor_whose_on_start_waits_is_nothing_to_do(simulation):
    gate = la.Promise()

    class Slow(la.Actor):
        async def on_start(self):
            await gate.future

        @la.control
        def hurry(self):
            return "hurried"

    pid = simulation.spawn(Slow())
    simulation.settle()

    asked = la.dispatch(pid, Slow.hurry)
    to_do = len(simulation.queue)
    gate.set(None)

    assert to_do == 0
    assert asked.get(10) == "hurried"
