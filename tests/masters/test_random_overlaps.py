"""Random overlaps: whatever is under way for an agent at once, the registry and the master's books agree in the end."""

# Goal: what test_overlaps.py shows of some pairs, for any. Method: agents come, come back, leave, fall silent, are cut
#   off, operators ask for anything, while the registry is held and let go of and each step of long work is a slice of
#   its own. Replay one with Life(seed, ...).live(): the seed is in the name of the test that fails.

from __future__ import annotations

import itertools
import logging
import random
from collections.abc import Callable
from typing import Any

import pytest

import libactor as la
from mesoslite.master import AgentOptions, Master, maintenance, named, removal, returns
from mesoslite.model import (
    NOTHING,
    AgentID,
    AgentInfo,
    AgentRegistered,
    RegisterAgent,
    ReregisterAgent,
    Resources,
    Unavailability,
    UnregisterAgent,
    task_records,
)
from mesoslite.model.registry import MachineID, Schedule, Window
from mesoslite.registry.rows import decode
from tests.thoroughness import usually

from .packing import packed, packed_infos
from .stage import FakeAgent, Stage, task

STEPS = 60
HOSTS = ("h0", "h1", "h2", "h3")
RESOURCES = Resources.parse("cpus:4;mem:512")
LIMIT = (1, 60)  # agents in seconds, that may be given up


class Machine:
    """A host, and the agent that runs there now."""

    def __init__(self, host: str, stage: Stage, rng: random.Random) -> None:
        self.host, self.stage, self.rng = host, stage, rng
        self.number = 0
        self.begin()

    def begin(self) -> None:
        """A new agent, at an address of its own."""
        self.incarnation = self.rng.randbytes(16)
        self.agent = la.spawn(FakeAgent(self.stage.master, NOTHING, self.greeting))
        self.stage.fakes.append(self.agent)

    @property
    def greeting(self) -> RegisterAgent:
        return RegisterAgent(AgentInfo(hostname=self.host, port=1, resources=RESOURCES), incarnation=self.incarnation)

    @property
    def lives(self) -> bool:
        return not la.wait(self.agent, 0)

    @property
    def agent_id(self) -> AgentID | None:
        """The id that it was told last."""
        told = self.stage.heard(self.agent, AgentRegistered) if self.lives else []
        return told[-1].agent_id if told else None

    def say(self, message: Any) -> None:
        la.tell(self.agent, FakeAgent.say, message)

    def come_back(self) -> None:
        """Say what it runs, or that it runs nothing; and sometimes that it is larger."""
        agent_id = self.agent_id
        if agent_id is None:
            return
        self.number += 1
        frameworks = self.stage.state().frameworks if self.rng.random() < 0.7 else ()
        tasks = [record for each in frameworks for record in each.tasks if record.info.agent_id == agent_id]
        resources = self.rng.choice([RESOURCES, RESOURCES, Resources.parse("cpus:8;mem:512")])
        self.say(
            ReregisterAgent(
                info=AgentInfo(hostname=self.host, port=1, resources=resources, id=agent_id),
                tasks=packed(*tasks),
                frameworks=packed_infos(*[each.info for each in frameworks]),
                incarnation=self.incarnation,
                number=self.number,
            )
        )


class Life:
    """Four machines, two frameworks, an operator, and a registry that may be slow."""

    def __init__(self, seed: int, runtime: la.Runtime) -> None:
        self.rng = random.Random(seed)
        limit, most = self.rng.choice([None, LIMIT]), self.rng.choice([1, 100])
        options = AgentOptions(agent_removal_rate_limit=limit, registry_max_agent_count=most, registry_gc_interval=60.0)
        self.stage = Stage(runtime, options)
        self.master: Any = self.stage.master._process.actor
        self.master._slices._now = itertools.count().__next__  # each slice is over at once
        self.frameworks = [self.stage.framework(str(each), failover_timeout=1e6, checkpoint=each) for each in (0, 1)]
        self.machines = [Machine(host, self.stage, self.rng) for host in HOSTS]
        self.stage.settle()
        self.is_held = False

    def live(self) -> None:
        steps: list[Callable[[Machine], None]] = [
            self.launch,
            Machine.come_back,
            Machine.come_back,
            self.leave,
            lambda machine: machine.say(machine.greeting),
            lambda machine: la.tell(machine.agent, FakeAgent.live, self.rng.random() < 0.5),
            self.end,
            self.cut_off,
            self.ask,
            self.ask,
            self.ask_of_machines,
            self.ask_of_machines,
            lambda _: la.execute(self.stage.master, self.master._agents.pruning.run),
            lambda _: self.hold(),
            lambda _: self.release(),
            lambda _: self.wait(self.rng.choice([1, 5, 30, 100])),
        ]
        for _ in range(STEPS):
            self.rng.choice(steps)(self.rng.choice(self.machines))
            assert not la.wait(self.stage.master, 0), "the master has ended"
            if self.rng.random() < 0.3:
                self.stage.settle()
        self.wait(330)

    # ---- what may happen ----

    def launch(self, _: Machine) -> None:
        framework = self.rng.choice(self.frameworks)
        for offer in self.stage.offers(framework)[-2:]:
            self.stage.accept(framework, offer, task(offer, f"on-{offer.id}"))

    def leave(self, machine: Machine) -> None:
        agent_id = machine.agent_id
        if agent_id is not None:
            machine.say(UnregisterAgent(agent_id))

    def end(self, machine: Machine) -> None:
        la.terminate(machine.agent)
        machine.begin()

    def cut_off(self, machine: Machine) -> None:
        def cut() -> None:
            agent = self.master._ledger.agent_at(machine.agent)
            if agent is not None:
                self.master._agents.removal.disconnect(agent, "the cable is cut")

        la.execute(self.stage.master, cut)

    def ask(self, machine: Machine) -> None:
        """Have an operator say what is to be done about an agent."""
        agent_id = machine.agent_id
        if agent_id is None:
            return
        calls: list[tuple[Any, ...]] = [
            (Master.drain_agent, agent_id, None, self.rng.random() < 0.4),
            (Master.deactivate_agent, agent_id),
            (Master.reactivate_agent, agent_id),
            (Master.mark_agent_gone, agent_id),
        ]
        self.dispatch(*self.rng.choices(calls, weights=(3, 3, 3, 1))[0])

    def ask_of_machines(self, _: Machine) -> None:
        ids = tuple([MachineID(host) for host in self.rng.sample(HOSTS, self.rng.randint(1, 2))])
        when = Unavailability(10**18 + self.rng.randrange(100))
        calls: list[tuple[Any, ...]] = [
            (Master.update_schedule, Schedule((Window(ids, when),))),
            (Master.start_maintenance, ids),
            (Master.stop_maintenance, ids),
        ]
        self.dispatch(*self.rng.choice(calls))

    def dispatch(self, call: Any, *given: Any) -> None:
        la.dispatch(self.stage.master, call, *given).on_failed(lambda _: None)  # it may be refused

    def hold(self) -> None:
        if not self.is_held:
            self.stage.registry.hold()
        self.is_held = True

    def release(self) -> None:
        if self.is_held:
            self.stage.registry.release()
        self.is_held = False

    def wait(self, seconds: float) -> None:
        """Let time pass; a store that takes too long would end the master."""
        if seconds > 5:
            self.release()
            self.stage.settle()
        self.stage.advance(seconds)
        self.release()
        self.stage.settle()

    # ---- what is to be so in the end ----

    def rows(self, kind: str) -> dict[str, Any]:
        return {key: decode(at, key, data) for (at, key), data in self.stage.registry.rows.items() if at == kind}

    def check(self) -> None:
        agents, roster = self.master._ledger.agents, self.master._ledger.roster
        admitted, lost, gone = self.rows("agent"), self.rows("unreachable"), self.rows("gone")
        known = {**admitted, **lost}
        assert admitted.keys() == agents.keys()
        assert {key: row.since_ns for key, row in lost.items()} == roster.unreachable
        assert {key: row.since_ns for key, row in gone.items()} == roster.gone
        assert {key for key, row in known.items() if row.deactivated} == roster.deactivated
        assert {key: row.drain for key, row in known.items() if row.drain is not None} == roster.draining
        assert {key for key, agent in agents.items() if not agent.active} == roster.deactivated & agents.keys()
        assert {key: row.info for key, row in admitted.items()} == {key: agent.info for key, agent in agents.items()}
        assert {row.id: row for row in self.rows("machine").values()} == {
            machine.id: machine for machine in roster.machines.values()
        }
        under_way = (roster.registering, roster.reregistering, roster.entering, roster.removing)
        assert not any([*under_way, roster.marking_unreachable, roster.marking_gone])
        self.stage.check_books()


@pytest.mark.parametrize("seed", range(usually(8, 50)))
def test_registry_and_books_agree_whatever_is_under_way_at_once(
    seed: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    for module, name in (
        (removal, "ENTRIES_IN_STEP"),
        (returns, "TASKS_IN_STEP"),
        (task_records, "PORTION_TASKS"),
        (named, "IN_STEP"),
        (maintenance, "AGENTS_IN_STEP"),
        (maintenance, "MACHINES_IN_STEP"),
    ):
        monkeypatch.setattr(module, name, 1)
    with la.Runtime() as runtime:
        life = Life(seed, runtime)
        life.live()

        life.check()
