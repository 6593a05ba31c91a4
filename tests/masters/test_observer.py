"""The observer pings each agent at times of its own, however many are due at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import libactor as la
from mesoslite.master.observer import AT_ONCE, AgentHeard, AgentSilent, Observer
from mesoslite.model import AgentID, Ping, Pong

from .stage import FakeAgent, Stage

MANY = 2 * AT_ONCE + 1
INTERVAL = 15.0


class Listener(la.Actor):
    """Takes what the observer tells its master, and what it sends to agents."""

    def __init__(self) -> None:
        super().__init__(la.generate_id("listener"))
        self.pings: list[Ping] = []
        self.silent: dict[AgentID, None] = {}  # each further miss is told as well
        self.answers = False

    @la.handles(Ping)
    def ping(self, message: Ping, sender: la.PID[Observer]) -> None:
        self.pings.append(message)
        if self.answers:
            la.post(sender, Pong())

    @la.handles(AgentSilent)
    def silence(self, message: AgentSilent) -> None:
        self.silent[message.agent_id] = None

    @la.handles(AgentHeard)
    def heard(self, message: AgentHeard) -> None:
        del self.silent[message.agent_id]

    def count(self) -> int:
        return len(self.pings)

    def answer(self) -> None:
        self.answers = True

    def silents(self) -> tuple[AgentID, ...]:
        return tuple(self.silent)


@pytest.fixture
def runtime() -> Iterator[la.Runtime]:
    with la.Runtime() as made:
        made.clock.pause()
        yield made


def counts(agents: list[la.PID[Listener]]) -> list[int]:
    return [la.dispatch(agent, Listener.count).get(timeout=5) for agent in agents]


def advance(runtime: la.Runtime, seconds: float) -> None:
    runtime.clock.settle()
    runtime.clock.advance(seconds)
    runtime.clock.settle()


def test_all_that_are_due_at_once_are_pinged(runtime: la.Runtime) -> None:
    observer = la.spawn(Observer(la.spawn(Listener()), 1, INTERVAL, 2))
    agents = [la.spawn(Listener()) for _ in range(MANY)]
    for number, agent in enumerate(agents):
        la.tell(observer, Observer.watch, AgentID(str(number)), agent, True)
    runtime.clock.settle()
    early = counts(agents)

    advance(runtime, INTERVAL)

    assert (early, counts(agents)) == ([1] * MANY, [2] * MANY)


def test_each_agent_has_times_of_its_own(runtime: la.Runtime) -> None:
    observer = la.spawn(Observer(la.spawn(Listener()), 1, INTERVAL, 2))
    agents = [la.spawn(Listener()) for _ in range(3)]
    for number, agent in enumerate(agents):
        la.tell(observer, Observer.watch, AgentID(str(number)), agent, True)
        advance(runtime, 5.0)

    seen = []
    for _ in range(3):
        seen.append(counts(agents))
        advance(runtime, 5.0)

    assert seen == [[2, 1, 1], [2, 2, 1], [2, 2, 2]]


def test_one_that_is_forgotten_and_watched_again_is_pinged_once_a_time(runtime: la.Runtime) -> None:
    observer = la.spawn(Observer(la.spawn(Listener()), 1, INTERVAL, 2))
    agent, other = la.spawn(Listener()), la.spawn(Listener())
    la.tell(observer, Observer.watch, AgentID("a"), agent, True)
    la.tell(observer, Observer.watch, AgentID("b"), other, True)
    advance(runtime, 5.0)
    la.tell(observer, Observer.forget, AgentID("a"))
    la.tell(observer, Observer.watch, AgentID("a"), agent, True)
    la.tell(observer, Observer.forget, AgentID("b"))

    advance(runtime, 10.0)
    early = counts([agent, other])
    advance(runtime, 5.0)

    assert (early, counts([agent, other])) == ([2, 1], [3, 1])


def test_one_that_does_not_answer_is_told_of_and_so_is_that_it_does_again(runtime: la.Runtime) -> None:
    master = la.spawn(Listener())
    observer = la.spawn(Observer(master, 1, INTERVAL, 2))
    agent = la.spawn(Listener())
    la.tell(observer, Observer.watch, AgentID("a"), agent, True)
    for _ in range(2):
        advance(runtime, INTERVAL)
    silent = la.dispatch(master, Listener.silents).get(timeout=5)

    la.tell(agent, Listener.answer)
    advance(runtime, INTERVAL)

    assert silent == ("a",)
    assert la.dispatch(master, Listener.silents).get(timeout=5) == ()


# Goal: nothing is sent, and so nothing is said to be lost, where an agent has stopped of itself; it is missed in
#   time all the same, and asked again as soon as it is back.
def test_an_agent_that_has_stopped_is_not_asked_and_missed_all_the_same(runtime: la.Runtime) -> None:
    master, agent = la.spawn(Listener()), la.spawn(Listener())
    observer = la.spawn(Observer(master, 1, INTERVAL, 2))
    la.tell(observer, Observer.watch, AgentID("a"), agent, True)
    la.tell(observer, Observer.watch, AgentID("a"), agent, False)
    la.tell(observer, Observer.ended, AgentID("a"), agent)

    for _ in range(3):
        advance(runtime, INTERVAL)
    missed, asked = la.dispatch(master, Listener.silents).get(timeout=5), counts([agent])
    la.tell(observer, Observer.watch, AgentID("a"), agent, True)
    advance(runtime, INTERVAL)

    assert (missed, asked, counts([agent])) == (("a",), [1], [2])


@pytest.mark.parametrize(("fails", "lost"), [(False, 0), (True, 2)])
def test_a_master_pings_who_was_cut_off_and_not_who_has_stopped(stage: Stage, fails: bool, lost: int) -> None:
    agent = stage.agent()
    if fails:
        la.tell(agent, FakeAgent.fail)
    else:
        la.terminate(agent)
    stage.settle()
    before = stage.runtime.dead_letters

    stage.advance(2 * INTERVAL + 1)

    assert stage.runtime.dead_letters - before == lost
