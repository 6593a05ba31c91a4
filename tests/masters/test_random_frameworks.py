"""Random lives of frameworks: whatever they, their agents and the time do, the books of master and allocator agree."""

# The ways of a life are in LIFE, as often as they are likely; each takes what it needs from the world, or does nothing.
# Replay one with Life(seed): the seed is in the name of the test that fails.

import logging
import random
from collections.abc import Callable
from typing import Any

import pytest

import libactor as la
from mesoslite.model import (
    Decline,
    Filters,
    FrameworkID,
    FrameworkInfo,
    Kill,
    Reconcile,
    Revive,
    Subscribe,
    Subscribed,
    Suppress,
    TaskInfo,
    TaskReference,
    TaskState,
    Teardown,
    UpdateFramework,
)
from tests.thoroughness import usually

from .stage import FakeAgent, FakeFramework, Stage, task

STEPS = 100
ROLES = ("*", "ads", "web", "ads/batch")
AGENTS = ("cpus:4;mem:1024", "cpus:2;mem:64", "cpus:8;mem:4096;disk(ads):100")
TASKS = ("cpus:1;mem:32", "cpus:0.5", "cpus:3;mem:3000")
STATES = (TaskState.TASK_STARTING, TaskState.TASK_RUNNING, TaskState.TASK_FINISHED, TaskState.TASK_KILLED)
UUIDS = (b"a" * 16, b"b" * 16)


class Life:
    """A cluster and what has happened in it so far."""

    def __init__(self, seed: int, runtime: la.Runtime) -> None:
        self.rng = random.Random(seed)
        choose = self.rng.choice
        self.stage = Stage(
            runtime,
            offer_timeout=choose([None, 3.0]),
            max_completed_frameworks=choose([0, 1, 50]),
            max_completed_tasks_per_framework=choose([0, 3, 1_000]),
        )
        self.agents: list[la.PID[FakeAgent]] = []
        self.frameworks: list[tuple[la.PID[FakeFramework], FrameworkID]] = []
        self.tasks: list[tuple[FrameworkID, TaskInfo]] = []

    def step(self) -> None:
        """Do something, and look at the books."""
        self.rng.choice(LIFE)(self)
        self.stage.check_books()
        for entry in self.stage.state().frameworks:
            assert entry.connected or not entry.offers
            assert {offer.role for offer in entry.offers} <= set(entry.info.roles)
            assert not {each.info.task_id for each in entry.tasks} & {
                each.info.task_id for each in entry.completed_tasks
            }

    def about(self) -> dict[str, Any]:
        roles = tuple(self.rng.sample(ROLES, self.rng.randint(1, 3)))
        aware = self.rng.choice([(), ("PARTITION_AWARE",)])
        timeout = self.rng.choice([0.0, 3.0, 30.0])
        return {"roles": roles, "capabilities": ("MULTI_ROLE", *aware), "failover_timeout": timeout}

    def enter(self, pid: la.PID[FakeFramework]) -> None:
        """Take note of a framework if it was taken."""
        ids = [event.framework_id for event in self.stage.heard(pid, Subscribed)]
        if ids:
            self.frameworks.append((pid, ids[0]))

    # ---- frameworks ----

    def subscribe(self) -> None:
        if len(self.frameworks) < 5:
            about = self.about()
            self.enter(self.stage.framework(suppressed_roles=about["roles"][1:2], **about))

    def come_back(self) -> None:
        state = self.stage.state()
        known = [entry.info.id for entry in state.frameworks + state.completed_frameworks]
        if known:
            self.enter(self.stage.framework(id=self.rng.choice(known), force=self.rng.random() < 0.8, **self.about()))

    def call(self, make: Callable[[FrameworkID], Any]) -> None:
        if self.frameworks:
            pid, framework_id = self.rng.choice(self.frameworks)
            self.stage.call(pid, make(framework_id))

    def subscribe_again(self) -> None:
        self.call(lambda own: Subscribe(FrameworkInfo(name="x", id=self.rng.choice([own, None]), **self.about())))

    def update(self) -> None:
        self.call(
            lambda own: UpdateFramework(framework_id=own, framework=FrameworkInfo(name="u", id=own, **self.about()))
        )

    def tear_down(self) -> None:
        if self.rng.random() < 0.4:
            self.call(Teardown)

    def suppress_or_revive(self) -> None:
        kind = self.rng.choice([Suppress, Revive])
        self.call(lambda own: kind(own, tuple(self.rng.sample(ROLES, self.rng.randint(0, 2)))))

    def reconcile(self) -> None:
        some = self.rng.sample(self.tasks, min(3, len(self.tasks)))
        named = tuple([TaskReference(each.task_id, each.agent_id) for _, each in some])
        self.call(lambda own: Reconcile(own, self.rng.choice([(), named])))

    def lose_scheduler(self) -> None:
        if self.frameworks:
            pid, _ = self.frameworks.pop(self.rng.randrange(len(self.frameworks)))
            self.stage.lose(pid)

    # ---- offers and tasks ----

    def accept(self) -> None:
        if self.frameworks:
            pid, _ = self.rng.choice(self.frameworks)
            for offer in self.rng.sample(self.stage.offers(pid)[-4:], min(1, len(self.stage.offers(pid)))):
                names = [f"t{len(self.tasks) + number}" for number in range(self.rng.randint(0, 3))]
                tasks = [task(offer, name, self.rng.choice(TASKS)) for name in names]
                self.stage.accept(pid, offer, *tasks, refuse_seconds=self.rng.choice([0, 1, 5]))
                self.tasks += [(offer.framework_id, each) for each in tasks]

    def decline(self) -> None:
        if self.frameworks:
            pid, own = self.rng.choice(self.frameworks)
            ids = tuple([offer.id for offer in self.stage.offers(pid)[-2:]])
            self.stage.call(pid, Decline(framework_id=own, offer_ids=ids, filters=Filters(1.0)))

    def report(self) -> None:
        if self.tasks and self.agents:
            framework_id, each = self.rng.choice(self.tasks[-8:])
            state = self.rng.choice(STATES)
            latest = state if state.is_terminal else self.rng.choice([state, TaskState.TASK_FAILED])
            own = [agent for agent in self.agents if self.stage.agent_id(agent) == each.agent_id]
            agent, uuid = self.rng.choice(own * 3 + self.agents), self.rng.choice(UUIDS)
            self.stage.report(agent, framework_id, each, state, uuid=uuid, latest=latest)

    def acknowledge(self) -> None:
        if self.tasks and self.frameworks:
            pid, _ = self.rng.choice(self.frameworks)
            self.stage.acknowledge(pid, self.rng.choice(self.tasks[-8:])[1], self.rng.choice(UUIDS))

    def kill(self) -> None:
        if self.tasks:
            _, each = self.rng.choice(self.tasks)
            agent_id = self.rng.choice([None, each.agent_id])
            self.call(lambda own: Kill(framework_id=own, task_id=each.task_id, agent_id=agent_id))

    # ---- the world ----

    def add_agent(self) -> None:
        if len(self.agents) < 4:
            self.agents.append(self.stage.agent(self.rng.choice(AGENTS)))

    def lose_agent(self) -> None:
        if self.agents and self.rng.random() < 0.4:
            self.stage.lose(self.agents.pop(self.rng.randrange(len(self.agents))))

    def pass_time(self) -> None:
        self.stage.advance(self.rng.choice([1, 1, 2, 4]))


LIFE: list[Callable[[Life], None]] = [
    *[Life.subscribe, Life.add_agent, Life.pass_time, Life.acknowledge] * 2,
    *[Life.accept, Life.report] * 4,
    *[Life.come_back, Life.subscribe_again, Life.update, Life.tear_down, Life.suppress_or_revive, Life.reconcile],
    *[Life.lose_scheduler, Life.decline, Life.kill, Life.lose_agent],
]


@pytest.mark.parametrize("seed", range(usually(5, 50)))
def test_the_books_agree_after_every_step_of_a_random_life(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    with la.Runtime() as runtime:
        life = Life(seed, runtime)

        for _ in range(STEPS):
            life.step()
