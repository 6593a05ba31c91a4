"""Checkers bite: a fault that is planted in production code is found by the checker that is there for it."""

from typing import Any

import pytest
from msgspec.structs import replace

from mesoslite.agent import Agent
from mesoslite.agent.status_updates import StatusUpdateManager
from mesoslite.master.accounts import Accounts
from mesoslite.master.ledger import Ledger
from mesoslite.model import FrameworkID, OfferID, TaskID, TaskState, happenings
from mesoslite.sim import ALL, run

SEEDS_MAX = 10  # within which each fault is found


def find(invariant: str) -> str:
    """What the checker of that invariant, on its own, says of the first seed that it refuses."""
    kinds = [kind for kind in ALL if kind.invariant == invariant]
    for seed in range(SEEDS_MAX):
        outcome = run(seed, checkers=kinds)
        if outcome.failed:
            assert outcome.invariant == invariant, outcome.error
            return outcome.error
    pytest.fail(f"{invariant} finds nothing in {SEEDS_MAX} seeds")


def test_each_invariant_has_one_checker_and_a_claim() -> None:
    assert len({kind.invariant for kind in ALL}) == len(ALL)
    assert all(kind.claim for kind in ALL)


def test_r1_what_was_offered_is_not_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    remove = Ledger.remove_offer

    def forgetful(self: Ledger, offer_id: OfferID) -> Any:
        offer = remove(self, offer_id)
        self.agents[offer.agent_id].offered += offer.resources
        return offer

    monkeypatch.setattr(Ledger, "remove_offer", forgetful)

    assert "_audit_agent" in find("R1")


def test_r2_one_resource_in_two_offers(monkeypatch: pytest.MonkeyPatch) -> None:
    make = Accounts.offer

    def generous(self: Any, *arguments: Any) -> Any:
        offer = make(self, *arguments)
        if offer is not None:
            twin = replace(offer, id=OfferID(f"{offer.id}-twin"))
            self._ledger.add_offer(twin)
            self._tell(happenings.OfferMade, twin)
        return offer

    monkeypatch.setattr(Accounts, "offer", generous)

    assert "all else that is offered and used" in find("R2")


def test_t1_a_task_that_is_over_runs_again(monkeypatch: pytest.MonkeyPatch) -> None:
    acknowledge = StatusUpdateManager.acknowledge

    def restless(self: Any, framework_id: FrameworkID, task_id: TaskID, uuid: bytes) -> Any:
        status = acknowledge(self, framework_id, task_id, uuid)
        if status is not None and status.state.is_terminal:
            self.update(framework_id, replace(status, state=TaskState.TASK_RUNNING, uuid=uuid[::-1]))
        return status

    monkeypatch.setattr(StatusUpdateManager, "acknowledge", restless)

    assert "and now that it is TASK_RUNNING" in find("T1")


def test_t6_an_end_that_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Agent, "_container_exited", lambda *_: None)

    assert "runs nowhere" in find("T6")
