"""Checkers bite: a fault that is planted in production code is found by the checker that is there for it."""

from collections.abc import Iterator, Sequence
from itertools import count, islice
from typing import Any

import pytest
from msgspec.structs import replace

from libactor.testing import DeterministicRuntime
from mesoslite.agent import Agent
from mesoslite.agent.checkpoints import TaskLog
from mesoslite.agent.checkpoints.contents import Acknowledged
from mesoslite.agent.commands import Commands
from mesoslite.agent.kills import Kills
from mesoslite.agent.operations import Operations
from mesoslite.agent.registration import Registration, Step
from mesoslite.agent.status_updates import StatusUpdateManager
from mesoslite.allocator.filters import AgentFilters
from mesoslite.allocator.quota import Quota
from mesoslite.master.accounts import Accounts
from mesoslite.master.departures import Departures
from mesoslite.master.ledger import Ledger
from mesoslite.master.offering import Offering
from mesoslite.master.removal import Removal
from mesoslite.master.tasks import TaskEntry
from mesoslite.model import (
    ContainerConfig,
    ContainerID,
    FrameworkID,
    Offer,
    OfferID,
    StatusUpdate,
    TaskID,
    TaskState,
    Termination,
    happenings,
)
from mesoslite.model.registry import Entry
from mesoslite.registry import MemoryRegistry, MemoryStorage
from mesoslite.sim import ALL, run
from mesoslite.sim.options import draw_options

SEEDS_MAX = 16  # within which each fault is found


def find(invariant: str, *wanted: str, first: int = 0) -> str:
    """What the checker of that invariant, on its own, says of the first seed that it refuses.

    Of the seeds that draw the features and faults that are ``wanted``; ``first`` is one that was seen to find it soon.
    """
    kinds = [kind for kind in ALL if kind.invariant == invariant]
    for seed in seeds_with(wanted, first):
        outcome = run(seed, checkers=kinds)
        if outcome.failed:
            assert outcome.invariant == invariant, outcome.error
            return outcome.error
    pytest.fail(f"{invariant} finds nothing in {SEEDS_MAX} seeds")


def seeds_with(wanted: Sequence[str], first: int) -> Iterator[int]:
    """Some seeds that draw all of these, from ``first`` on."""
    yield from islice((seed for seed in count(first) if draws(seed).issuperset(wanted)), SEEDS_MAX)


def draws(seed: int) -> set[str]:
    """The features and faults of a seed."""
    with DeterministicRuntime(seed) as runtime:
        options = draw_options(runtime.streams("options"))
    limited = {"removals"} if options.removal_limit is not None else set()
    return {*options.features, *limited, *[name for name, _ in (*options.rates, *options.events)]}


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


def offer_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is offered is offered once more."""
    make = Accounts.offer

    def generous(self: Any, *arguments: Any) -> Any:
        offer = make(self, *arguments)
        if offer is not None:
            twin = replace(offer, id=OfferID(f"{offer.id}-twin"))
            self._ledger.add_offer(twin)
            self._tell(happenings.OfferMade, twin)
        return offer

    monkeypatch.setattr(Accounts, "offer", generous)


def test_r2_one_resource_in_two_offers(monkeypatch: pytest.MonkeyPatch) -> None:
    offer_twice(monkeypatch)

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


def test_t1_a_reconciliation_that_forgets_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TaskEntry, "told_state", TaskState.TASK_RUNNING)

    assert "Reconciliation" in find("T1", "late answers")


def test_t6_an_end_that_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def _container_ended(self: Agent, container_id: Any, termination: Termination) -> None:
        """Nothing is told."""

    monkeypatch.setattr(Agent, "_container_ended", _container_ended)

    assert "runs nowhere" in find("T6")


def test_t6_statuses_that_an_agent_forgets_when_it_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StatusUpdateManager, "restore", lambda *_: None)

    assert find("T6")


def test_t7_a_status_that_an_agent_forgets_when_it_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StatusUpdateManager, "restore", lambda *_: None)

    assert "has forgotten a status" in find("T7", first=1)


def test_t7_an_acknowledgement_that_an_agent_forgets_when_it_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    append = TaskLog.append

    def forgetful(self: TaskLog, event: Any) -> None:
        if not isinstance(event, Acknowledged):
            append(self, event)

    monkeypatch.setattr(TaskLog, "append", forgetful)

    assert "again what was acknowledged" in find("T7", first=3)


# ---- resources ----


def test_r4_one_port_in_two_offers(monkeypatch: pytest.MonkeyPatch) -> None:
    offer_twice(monkeypatch)

    assert "port 31000 is held by" in find("R4")


def test_r5_a_reservation_that_the_agent_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Operations, "_convert", lambda self, message: (message.operation.resources, lambda: None))

    assert "and its master believes" in find("R5", "reservations")


def test_r6_a_limit_that_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Quota, "room", lambda self, name: None)

    assert "and its limit is" in find("R6", "quota")


# ---- offers ----


def test_o1_an_offer_that_ends_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    take_back = Accounts.take_back

    def talkative(self: Any, offer: Offer, **options: Any) -> None:
        take_back(self, offer, **options)
        self._tell(happenings.OfferRescinded, offer)

    monkeypatch.setattr(Accounts, "take_back", talkative)

    assert "ends, OfferRescinded, after" in find("O1")


def test_o2_an_offer_that_is_rescinded_and_stands_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def pretend(self: Any, offer: Offer, **_: Any) -> None:
        self._accounts._tell(happenings.OfferRescinded, offer)

    monkeypatch.setattr(Offering, "rescind", pretend)

    assert "is launched on offer" in find("O2", "draining", first=30)


def test_o3_filters_that_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AgentFilters, "block", lambda *_: False)
    monkeypatch.setattr(AgentFilters, "blocked", lambda *_: ())
    monkeypatch.setattr(AgentFilters, "block_all", lambda *_: False)

    assert "which has declined" in find("O3")


def forget_one_framework(monkeypatch: pytest.MonkeyPatch) -> None:
    """One framework is offered nothing."""
    make = Accounts.offer

    def stingy(self: Any, grant: Any, *arguments: Any) -> Any:
        if grant.framework_id.endswith("0"):
            self._recover(grant, grant.resources)
            return None
        return make(self, grant, *arguments)

    monkeypatch.setattr(Accounts, "offer", stingy)


def test_o4_a_framework_that_is_offered_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_one_framework(monkeypatch)

    assert "was offered nothing" in find("O4", first=13)


def test_f4_a_framework_whose_tasks_are_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_one_framework(monkeypatch)

    assert "more tasks of" in find("F4", first=11)


# ---- tasks ----


def test_t2_a_status_that_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    update = StatusUpdateManager.update

    def hasty(self: Any, framework_id: FrameworkID, status: Any, log: Any = None) -> None:
        update(self, framework_id, status, log)
        self._forward(StatusUpdate(framework_id=framework_id, status=status, latest_state=status.state))

    monkeypatch.setattr(StatusUpdateManager, "update", hasty)

    assert "hears that" in find("T2", first=5)


def test_t3_tasks_of_a_framework_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Kills, "kill", lambda *_: None)

    assert "which is gone" in find("T3", "teardown", "scheduler crash", first=53)


def test_t4_a_kill_that_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Kills, "kill_task", lambda *_: None)

    assert "was to be killed" in find("T4", "kills", first=31)


class Deaf:
    """Hears nothing of a container."""

    def started(self) -> None:
        pass

    def ended(self, termination: Termination) -> None:
        pass


def test_t5_a_task_that_is_started_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = Commands._start

    def eager(self: Any, run: Any, framework: Any) -> None:
        begin(self, run, framework)
        box = run.container.containerizer
        said = (("MESOS_FRAMEWORK_ID", framework.id), ("MESOS_TASK_ID", run.task.task_id))
        twin = ContainerConfig(
            container_id=ContainerID(f"{run.container_id}-2"),
            user="",
            command=run.task.command,
            sandbox=run.sandbox,
            environment=said,
        )
        box.launch(twin, Deaf())

    monkeypatch.setattr(Commands, "_start", eager)

    assert "was started on" in find("T5")


# ---- masters and agents ----


def test_h1_a_master_whose_time_is_over_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStorage.store

    def usurp(self: Any, entries: Sequence[Entry], /) -> None:
        self._epoch = self._registry.epoch
        store(self, entries)

    monkeypatch.setattr(MemoryStorage, "store", usurp)

    assert "writes, in epoch" in find("H1", "two masters")


# Goal: it is seen by what an agent says, and by what it does. Method: one that notes the last epoch, or the highest.
def test_h1_an_agent_that_does_what_an_earlier_master_says(monkeypatch: pytest.MonkeyPatch) -> None:
    def heed(self: Registration, message: Any, sender: Any) -> bool:
        self.epoch = max(self.epoch, message.epoch)
        return True

    monkeypatch.setattr(Registration, "heeds", heed)

    assert "for the master of epoch" in find("H1", "two masters", "straggle", first=107)


def test_h1_an_agent_that_takes_an_earlier_master_for_a_later_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def heed(self: Registration, message: Any, sender: Any) -> bool:
        self.epoch = message.epoch
        return True

    monkeypatch.setattr(Registration, "heeds", heed)

    assert "obeys epoch" in find("H1", "two masters")


def test_h2_an_acknowledged_change_that_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def forget(self: Any, entries: Sequence[Entry], /) -> None:
        registry: MemoryRegistry = self._registry
        registry.stores += 1

    monkeypatch.setattr(MemoryStorage, "store", forget)

    assert "which the registry does not know" in find("H2")


def test_h3_an_agent_that_is_never_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Removal, "mark_unreachable", lambda *_: None)

    assert "neither registered nor given up" in find("H3", "agent crash", first=4)


def test_h3_agents_that_are_given_up_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Removal, "schedule", Removal.mark_unreachable)

    assert "the limit is 1 in 30 s" in find("H3", "agent crash", "removals", first=56)


def test_h4_an_agent_that_does_not_look_for_its_master(monkeypatch: pytest.MonkeyPatch) -> None:
    due = Registration.due
    monkeypatch.setattr(Registration, "due", lambda self, step: None if step is Step.LOOK else due(self, step))

    assert "is not registered" in find("H4", "reset", first=8)


def test_h5_a_framework_that_is_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Departures, "failover_expired", lambda *_: None)

    assert "and is still here" in find("H5", "scheduler crash")


def test_v1_a_status_that_readers_do_not_see(monkeypatch: pytest.MonkeyPatch) -> None:
    record = Accounts.record

    def secretive(self: Any, task: TaskEntry, *arguments: Any, **options: Any) -> None:
        record(self, task, *arguments, **options)
        self._changes.tasks.pop(task, None)

    monkeypatch.setattr(Accounts, "record", secretive)

    assert "readers see, and the books say" in find("V1")


def test_a1_an_actor_that_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise ValueError("planted")

    monkeypatch.setattr(StatusUpdateManager, "acknowledge", refuse)

    assert "was stopped by ValueError('planted')" in find("A1")
