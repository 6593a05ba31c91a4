"""Large plans: offered in several steps, and heard of in one message a framework."""

from typing import Any

import pytest

import libactor as la
from mesoslite.master import Master, offering
from mesoslite.master.allocation import Allocator
from mesoslite.model import Offers, Rescind

from .stage import Stage

AGENTS = 7


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offering, "GRANTS_IN_STEP", 2)


class Watched:
    """The offers that a master makes: how many in each of its steps, and what else happens after one of them."""

    def __init__(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps: list[int] = []
        self.then: dict[int, Any] = {}  # by step, what happens after it
        actor: Any = stage.master._process.actor
        offer, go_on = actor._accounts.offer, actor._offering.go_on

        def offered(grant: Any, *rest: Any) -> Any:
            self.steps[-1] += 1
            return offer(grant, *rest)

        def gone_on() -> Any:
            self.steps.append(0)
            is_left = go_on()
            self.then.pop(len(self.steps), lambda: None)()
            return is_left

        monkeypatch.setattr(actor._accounts, "offer", offered)
        monkeypatch.setattr(actor._offering, "go_on", gone_on)


@pytest.fixture
def full(stage: Stage) -> Stage:
    """Agents that are all granted in one plan, once a framework comes."""
    la.dispatch(stage.allocator, Allocator.pause).get(timeout=60)
    for _ in range(AGENTS):
        stage.agent()
    stage.advance(1)
    la.dispatch(stage.allocator, Allocator.resume).get(timeout=60)
    return stage


def test_no_step_makes_more_offers_than_a_few_and_the_framework_hears_of_all_at_once(
    full: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(full, monkeypatch)

    framework = full.framework()

    assert watched.steps == [2, 2, 2, 1]
    assert [len(event.offers) for event in full.heard(framework, Offers)] == [AGENTS]


def test_others_are_served_between_two_steps(full: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(full, monkeypatch)
    answered: list[int] = []
    ask = la.dispatch
    watched.then[1] = lambda: ask(full.master, Master.ping).on_any(lambda _: answered.append(len(watched.steps)))

    full.framework()

    assert answered
    assert answered[0] < len(watched.steps)


def test_what_is_lost_before_it_was_told_is_neither_offered_nor_rescinded(
    full: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(full, monkeypatch)
    actor: Any = full.master._process.actor
    lost: list[str] = []

    def lose() -> None:
        offer = next(iter(actor._ledger.offers.values()))
        lost.append(offer.agent_id)
        actor._agents.removal.disconnect(actor._ledger.agents[offer.agent_id], "a test takes it")

    watched.then[2] = lose

    framework = full.framework()

    [event] = full.heard(framework, Offers)
    assert len(event.offers) == AGENTS - 1
    assert lost[0] not in {offer.agent_id for offer in event.offers}
    assert full.heard(framework, Rescind) == []


def test_framework_that_leaves_before_it_was_told_leaves_nothing_behind(
    full: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(full, monkeypatch)
    actor: Any = full.master._process.actor
    watched.then[2] = lambda: actor._departures.remove(next(iter(actor._ledger.frameworks.values())))

    framework = full.framework()
    other = full.framework("other")

    assert full.heard(framework, Offers) == []
    full.advance(1)
    assert sum([len(event.offers) for event in full.heard(other, Offers)]) == AGENTS
