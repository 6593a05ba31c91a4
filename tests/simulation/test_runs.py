"""Runs of the simulator: seeds hold every invariant, and one seed is one run."""

import functools
import logging
import subprocess
import sys
from collections.abc import Sequence

import pytest

import libactor as la
from libactor.testing import Tape
from mesoslite.model.registry import Entry
from mesoslite.sim import Checker, run, shrink_failure
from mesoslite.sim.storage import SimStorage
from mesoslite.sim.world import World

SEEDS = (4, 11, 17)  # short ones; a hundred run in CI on their own: make sim
STEPS_MAX = 60


@pytest.mark.parametrize("seed", SEEDS)
def test_every_invariant_holds(seed: int) -> None:
    outcome = run(seed)

    assert outcome.error == ""
    assert outcome.virtual_seconds > 1500


def test_who_comes_after_a_run_is_heard_again(caplog: pytest.LogCaptureFixture) -> None:
    run(4)

    logging.getLogger("mesoslite").warning("as ever")

    assert caplog.messages == ["as ever"]


def test_the_same_seed_is_the_same_run() -> None:
    assert run(4) == run(4)


def test_another_seed_is_another_run() -> None:
    assert len({run(seed).digest for seed in (4, 11)}) == 2


# Goal: nothing depends on the order of sets of texts. Method: a process of its own, in which they are hashed otherwise.
@pytest.mark.real
@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_a_seed_is_the_same_run_whatever_texts_hash_to(hash_seed: str) -> None:
    program = "from mesoslite.sim import run; print(run(4).digest)"

    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": hash_seed},
        timeout=60,
    )

    assert done.stdout.strip() == run(4).digest


class NoAgentCrashes(Checker):
    """Fails as soon as an agent's host is down."""

    invariant = "X1"
    claim = "no agent crashes"

    def step(self, world: World) -> None:
        for machine in world.agents:
            if not machine.up:
                raise self.violation(f"{machine.name} is down")


class EndsSoon(Checker):
    """Ends whatever goes on for long, so that what does not fail soon costs little."""

    invariant = "X2"
    claim = "a run is short"

    def __init__(self) -> None:
        self.steps = 0

    def step(self, world: World) -> None:
        self.steps += 1
        if self.steps > STEPS_MAX:
            raise self.violation("it goes on")


@functools.cache
def failing_seed() -> int:
    return next(seed for seed in range(4, 20) if run(seed, checkers=[NoAgentCrashes]).failed)


def test_a_failure_has_all_that_is_needed_to_see_it_again() -> None:
    outcome = run(failing_seed(), checkers=[NoAgentCrashes])

    assert outcome.invariant == "X1"
    assert "agent crash" in outcome.options
    assert outcome.notes
    assert outcome.events
    again = run(tape=Tape.from_json(outcome.tape), checkers=[NoAgentCrashes])
    assert (again.error, again.digest) == (outcome.error, outcome.digest)


def test_the_tape_of_a_failure_is_made_small() -> None:
    outcome = run(failing_seed(), checkers=[NoAgentCrashes, EndsSoon])
    tape = Tape.from_json(outcome.tape)

    smaller = shrink_failure(tape, seconds=1, checkers=[NoAgentCrashes, EndsSoon])
    same = shrink_failure(tape, seconds=0, checkers=[NoAgentCrashes, EndsSoon])

    assert len(smaller) < len(tape)
    assert same == tape
    assert run(tape=smaller, checkers=[NoAgentCrashes, EndsSoon]).invariant == "X1"


def test_the_tape_of_nothing_is_a_quiet_run() -> None:
    outcome = run(tape=Tape(1))

    assert outcome.options == "3 agents, 2 schedulers, 1 masters, 50 steps; features: none; faults: none"
    assert outcome.error == ""


class NobodyStores(Checker):
    """Fails while a registry is being written."""

    invariant = "X3"
    claim = "nobody writes to the registry"
    is_stored_to = False

    def step(self, world: World) -> None:
        if self.is_stored_to:
            raise self.violation("somebody does")


def test_a_run_that_fails_while_a_registry_takes_its_time_is_told_as_any(monkeypatch: pytest.MonkeyPatch) -> None:
    store = SimStorage.store

    def slow(self: SimStorage, entries: Sequence[Entry], /) -> None:
        NobodyStores.is_stored_to = True
        la.after(30).get()
        store(self, entries)

    monkeypatch.setattr(SimStorage, "store", slow)
    monkeypatch.setattr(NobodyStores, "is_stored_to", False)

    assert run(1, checkers=[NobodyStores]).invariant == "X3"
