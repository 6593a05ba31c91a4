"""Random lives of agents that are serviced: scheduled, left, taken down, brought up, while all else goes on as well."""

# The books are true after every step, those of inverse offers too. In the end all is mended: whoever holds something on
#   an agent that is to be serviced has been asked to leave it.
# Replay one with Serviced(seed): the seed is in the name of the test that fails.

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import libactor as la
from libactor.testing import DeterministicRuntime
from mesoslite.master import Master
from mesoslite.model import (
    AcceptInverseOffers,
    Conflict,
    DeclineInverseOffers,
    Filters,
    InvalidRequest,
    NotFound,
    Unavailability,
)
from mesoslite.model.registry import MachineID, MachineMode, Schedule, Window

from .test_random_returns import LIFE, Host, Life

STEPS = 100
HOSTS = 3


class Serviced(Life):
    """A cluster of machines with names, whose operators service them."""

    def ways(self) -> list[Callable[[Any], None]]:
        return SERVICED

    def add_agent(self) -> None:
        names = {f"host{number}" for number in range(HOSTS)} - {host.hostname for host in self.hosts}
        if names:
            self.names += 1
            name = self.rng.choice(sorted(names))
            self.hosts.append(Host(self.stage, self.work_dir / str(self.names), name))

    def ask(self, what: Callable[..., la.Future[None]], *arguments: Any) -> None:
        """Have operators ask for that, which may be refused."""
        try:
            la.dispatch(self.stage.master, what, *arguments).get(timeout=60)
        except (InvalidRequest, NotFound, Conflict):
            pass

    def machines(self, *modes: MachineMode) -> list[MachineID]:
        found = la.dispatch(self.stage.master, Master.machines).get(timeout=60)
        return [machine.id for machine in found if machine.mode in modes]

    def reschedule(self) -> None:
        wanted = {MachineID(f"host{number}") for number in range(HOSTS) if self.rng.random() < 0.5}
        windows = [
            Window((machine,), Unavailability(self.rng.choice([1, 2]) * 10**18))
            for machine in sorted(wanted | set(self.machines(MachineMode.DOWN)), key=lambda each: each.hostname)
        ]
        self.ask(Master.update_schedule, Schedule(tuple(windows)))

    def take_down(self) -> None:
        draining = self.machines(MachineMode.DRAINING)
        if draining:
            self.ask(Master.start_maintenance, (self.rng.choice(draining),))

    def bring_up(self) -> None:
        down = self.machines(MachineMode.DOWN)
        if down:
            self.ask(Master.stop_maintenance, tuple(down))

    def deactivate(self) -> None:
        known = [agent.info.id for agent in self.stage.state().agents]
        if known:
            self.ask(self.rng.choice([Master.deactivate_agent, Master.reactivate_agent]), self.rng.choice(known))

    def answer(self) -> None:
        for own, pid in self.each():
            for inverse in self.stage.inverse_offers(pid)[-3:]:
                kind, seconds = (
                    self.rng.choice([AcceptInverseOffers, DeclineInverseOffers]),
                    self.rng.choice([0.0, 9.0]),
                )
                self.stage.call(pid, kind(framework_id=own, inverse_offer_ids=(inverse.id,), filters=Filters(seconds)))

    def settle(self) -> None:
        """Machines that are down are up, and everything is there and is heard."""
        self.bring_up()
        for agent in self.stage.state().agents:
            self.ask(Master.reactivate_agent, agent.info.id)
        super().settle()

    def check_asked(self) -> None:
        """Whoever holds something on an agent that is to be serviced, and nobody else for long, has been asked."""
        ledger = self.stage.master._process.actor._ledger  # type: ignore[attr-defined]
        for agent in ledger.agents.values():
            holders = {task.framework_id for task in agent.tasks}
            holders |= {offer.framework_id for offer in agent.offers.values()}
            connected = {framework_id for framework_id in holders if ledger.frameworks[framework_id].connected}
            if agent.unavailability is not None and agent.connected and agent.active:
                assert set(agent.inverse_offers) >= connected
            else:
                assert not agent.inverse_offers


SERVICED: list[Callable[[Any], None]] = [
    *LIFE,
    *[Serviced.reschedule, Serviced.answer, Serviced.answer, Serviced.deactivate] * 3,
    *[Serviced.take_down, Serviced.bring_up],
]


@pytest.mark.parametrize("seed", range(5))
def test_books_are_true_and_everybody_is_asked_whatever_is_serviced(
    seed: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    with DeterministicRuntime(seed) as runtime:
        life = Serviced(seed, runtime, tmp_path)

        for _ in range(STEPS):
            life.step()
        life.settle()

        life.check_settled()
        life.check_asked()
