"""Actors of a deterministic runtime that never come to rest, and what the log says of those that go on."""

import pytest

import libactor as la
from libactor.testing import DeterministicRuntime, Stuck


class Ticker(la.Actor):
    """Is never done, but takes its time."""

    def on_start(self) -> None:
        la.delay(1e-3, self.pid, Ticker.tick)

    def tick(self) -> None:
        la.delay(1e-3, self.pid, Ticker.tick)


def test_what_goes_on_for_ever_ends_after_steps_max():
    class Endless(la.Actor):
        def on_start(self) -> None:
            la.tell(self.pid, Endless.go)

        def go(self) -> None:
            la.tell(self.pid, Endless.go)

    with DeterministicRuntime(1, steps_max=5000):
        promise, endless = la.Promise(), la.spawn(Endless())
        with pytest.raises(Stuck, match="5000 steps"):
            promise.future.get()
        la.terminate(endless)


class Player(la.Actor):
    """Sends back what it is sent, at once, for ever."""

    def ball(self, other: la.PID) -> None:
        la.tell(other, Player.ball, self.pid)


def test_actors_that_never_rest_end_a_settle_and_the_busiest_are_named():
    with DeterministicRuntime(1, instant_steps_max=5000) as rt:
        first, second, other = la.spawn(Player()), la.spawn(Player()), la.spawn(la.Actor())
        la.tell(first, Player.ball, second)
        la.execute(other, lambda: None)

        with pytest.raises(Stuck, match=r"5000 steps at one instant.*of player\(.\)@sim \(500\), player.* \(500\)$"):
            rt.settle()


@pytest.mark.skipif(la.CORE == "python", reason="many seconds there, and who counts is the same: test above")
def test_by_default_a_settle_that_never_ends_is_given_up_soon():
    with DeterministicRuntime(1) as rt:
        first = la.spawn(Player())
        la.tell(first, Player.ball, first)

        with pytest.raises(Stuck, match=r"1000000 steps at one instant"):
            rt.clock.settle()


def test_steps_are_counted_anew_when_time_goes_on():
    with DeterministicRuntime(1, instant_steps_max=2000) as rt:
        ticker = la.spawn(Ticker())
        rt.run_for(10)

        assert rt.simulation.steps > 10_000
        assert rt.find(ticker.id) == ticker


class Awaits(la.Actor):
    """Awaits in its start, in a method and in a handler of messages."""

    async def on_start(self) -> None:
        await la.sleep(1)

    async def process(self) -> None:
        await la.sleep(1)

    @la.handles(int)
    async def number(self, n: int, _: la.PID) -> None:
        await la.sleep(n)


def test_a_handler_that_goes_on_is_named_in_the_log():
    with DeterministicRuntime(1, log=True) as rt:
        pid = la.spawn(Awaits())
        rt.run_for(2)
        la.tell(pid, Awaits.process)
        rt.run_for(2)
        la.post(pid, 1)
        rt.run_for(2)
        steps = [line.split(maxsplit=2)[2] for line in rt.log if "resume" in line]

    assert steps == [f"awaits(1)@sim resume {name}" for name in ("on_start", "process", "int")]
