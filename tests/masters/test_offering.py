"""Large plans: offered in several steps, and heard of in one message a framework."""

import logging
from typing import Any

import pytest

import libactor as la
from mesoslite.master import Master, framework_entry, offering
from mesoslite.master.allocation import Allocator
from mesoslite.model import Offers, Rescind, Resources

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


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """No message with an offer of so many cpus arrives at a framework, as if that were more than a message takes."""
    real = framework_entry.post

    def post(pid: la.PID[Any], message: Any, to: str) -> bool:
        is_large = isinstance(message, Offers) and any(offer.resources.get("cpus") >= 3 for offer in message.offers)
        return not is_large and real(pid, message, to)

    monkeypatch.setattr(framework_entry, "post", post)


@pytest.mark.usefixtures("narrow")
def test_an_offer_that_cannot_be_told_is_taken_back_and_others_of_its_plan_are_told(
    full: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    la.dispatch(full.allocator, Allocator.pause).get(timeout=60)
    small = [full.agent("cpus:1;mem:64") for _ in range(3)]
    la.dispatch(full.allocator, Allocator.resume).get(timeout=60)

    with caplog.at_level(logging.ERROR, "mesoslite.master"):
        framework = full.framework()

    assert {offer.agent_id for offer in full.offers(framework)} == {full.agent_id(agent) for agent in small}
    assert len(full.state().frameworks[0].offers) == len(small)
    assert sum("it is taken back" in record.getMessage() for record in caplog.records) == AGENTS
    assert full.heard(framework, Rescind) == []


# Filters outlast the run at their end, so it is in the next one that the framework is asked again.
@pytest.mark.usefixtures("narrow")
def test_what_cannot_be_told_is_offered_again_after_a_minute(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stage.agent()
    with caplog.at_level(logging.CRITICAL, "mesoslite.master"):
        framework = stage.framework()
        for _ in range(58):
            stage.advance(1)
    monkeypatch.undo()
    stage.advance(1)
    early = stage.offers(framework)

    stage.advance(3)

    assert early == []
    assert [offer.resources for offer in stage.offers(framework)] == [Resources.parse("cpus:4;mem:1024")]
