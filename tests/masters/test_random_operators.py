"""Random operators: whatever they ask a master for, it answers, lives, and leaves a registry that the next one reads.

What they ask for is of the declared types with anything in it, or of other types altogether: dispatch compares none.
"""

# Replay one with Office(seed): the seed is in the name of the test that fails.

from __future__ import annotations

import logging
import random
from typing import Any

import pytest

import libactor as la
from mesoslite.master import Master
from mesoslite.model import (
    AgentID,
    ApplyOperation,
    Create,
    Destroy,
    FrameworkID,
    GrowVolume,
    MesosliteError,
    OperationState,
    Reserve,
    Resources,
    ShrinkVolume,
    Unavailability,
    Unreserve,
)
from mesoslite.model.registry import MachineID, QuotaConfig, Schedule, Weight, Window
from tests.thoroughness import usually

from .stage import Stage
from .test_accept import reserved, volume
from .words import Words

STEPS = 60
NO_TYPES = (None, 0, -1, 1.5, "x", b"x", (), (1,), (None, None), [], {}, object)
ROLES = ["*", "ads", "ads/batch", "web", ""]
LATER = 10**18
RESOURCES = [
    *[Resources.parse(text) for text in ("cpus:1", "mem:100", "disk:20")],
    *[reserved(text) for text in ("cpus:1", "cpus:3", "disk:20", "disk:100")],
    *[volume(mib, name, shared) for mib in (20, 40) for name, shared in (("v", False), ("w", True))],
]
OPERATIONS = (Reserve, Unreserve, Create, Destroy, GrowVolume, ShrinkVolume)
SOUND = [
    *[kind(one) for kind in (Reserve, Unreserve) for one in (reserved("cpus:1"), reserved("disk:100"))],
    *[kind(one) for kind in (Create, Destroy) for one in (volume(20), volume(20, "w", True), volume(40))],
    GrowVolume(volume(20), reserved("disk:20")),
    ShrinkVolume(volume(40), 20_000),
]


class Office:
    """A cluster with some agents and frameworks, and an operator who asks for anything."""

    def __init__(self, seed: int, runtime: la.Runtime) -> None:
        self.rng = random.Random(seed)
        self.stage = Stage(runtime)
        self.agents = [self.stage.agent("cpus:4;mem:1024;disk:300") for _ in range(3)]
        self.agent_ids = [self.stage.agent_id(agent) for agent in self.agents]
        self.framework_ids = [
            self.stage.framework_id(self.stage.framework(roles=(role,), failover_timeout=9.0))
            for role in ("ads", "web")
        ]
        self.words = Words(
            self.rng,
            {
                "role": lambda: ROLES,
                "hostname": lambda: ["host", "HOST", "other"],
                "ip": lambda: ["", "192.0.2.1", "::1"],
                "resources": lambda: RESOURCES,
            },
        )

    def step(self) -> None:
        """Ask for something, and see what becomes of it."""
        call, *given = self.request()
        if self.rng.random() < 0.3:
            given[self.rng.randrange(len(given))] = self.rng.choice(NO_TYPES)
        answer = la.dispatch(self.stage.master, call, *given)
        self.stage.settle()
        assert not la.wait(self.stage.master, 0), f"the master ended of {call.__name__}{tuple(given)}"
        assert not answer.is_pending()
        if answer.is_failed():
            with pytest.raises(MesosliteError):
                answer.get(0)
        if self.rng.random() < 0.3:
            self.stage.advance(self.rng.choice([1, 30]))
        if self.rng.random() < 0.3:
            self.answer(self.rng.choice(self.agents))
        self.stage.check_books()

    def answer(self, agent: la.PID[Any]) -> None:
        """Have an agent say of an operation that it has done it, or has not."""
        asked = self.stage.heard(agent, ApplyOperation)
        books = {one.info.id: one for one in self.stage.state().agents}.get(self.stage.agent_id(agent))
        if not asked or books is None:
            return
        if self.rng.random() < 0.7:
            self.stage.answer(agent, self.rng.choice(asked))
        else:
            total = self.rng.choice([books.info.resources, Resources.parse("cpus:4;mem:1024;disk:300")])
            self.stage.answer(agent, self.rng.choice(asked), OperationState.OPERATION_DROPPED, total)

    def request(self) -> tuple[Any, ...]:
        choose = self.rng.choice
        agent_id = choose([*self.agent_ids, AgentID(""), AgentID("nobody")])
        machines = tuple([self.words.message(MachineID) for _ in range(choose([0, 1, 1, 2]))])
        windows = (Window(machines, Unavailability(LATER)), self.words.message(Window))
        schedule = Schedule(windows[: choose([0, 1, 1, 2])])
        quota = QuotaConfig(choose(ROLES), (("cpus", choose([1, 1_000, 50_000])),), (("cpus", choose([500, 60_000])),))
        configs = [quota, self.words.message(QuotaConfig), self.words.spoil(quota)]
        weights = [Weight(choose(ROLES), choose([0.5, 2.0])), self.words.message(Weight)]
        grace = choose([None, 0.0, 5.0, -1.0, float("nan"), float("inf"), 1e300])
        operation = self.words.message(choose(OPERATIONS))
        return choose(
            [
                *[(Master.apply_operation, agent_id, one) for one in (operation, operation, choose(SOUND))],
                (Master.update_quota, tuple(self.rng.choices(configs, k=choose([0, 1, 2]))), choose([True, False])),
                (Master.update_weights, tuple(self.rng.choices(weights, k=choose([0, 1, 2])))),
                (Master.remove_quota, choose(ROLES)),
                (Master.update_schedule, schedule),
                (Master.start_maintenance, machines),
                (Master.stop_maintenance, machines),
                (Master.drain_agent, agent_id, grace, choose([True, False, False])),
                (Master.deactivate_agent, agent_id),
                (Master.reactivate_agent, agent_id),
                (Master.mark_agent_gone, choose([agent_id, AgentID("nobody")])),
                (Master.teardown_framework, choose([*self.framework_ids, FrameworkID("nobody")])),
            ]
        )

    def decided(self) -> tuple[Any, ...]:
        """What outlives the master."""
        calls = (Master.quotas, Master.weights, Master.schedule, Master.machines)
        answers = [la.dispatch(self.stage.master, call).get(timeout=60) for call in calls]
        return tuple([answer if isinstance(answer, Schedule) else {str(one) for one in answer} for answer in answers])


@pytest.mark.parametrize("seed", range(usually(5, 50)))
def test_the_master_lives_and_the_next_one_goes_on(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    with la.Runtime() as runtime:
        office = Office(seed, runtime)
        for _ in range(STEPS):
            office.step()
        before = office.decided()

        office.stage.fail_over()

        assert office.decided() == before
        la.dispatch(office.stage.master, Master.wait_leading).get(timeout=60)
