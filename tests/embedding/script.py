"""A framework for tests: does what it is told on its first offers, and keeps all that it hears."""

from __future__ import annotations

from collections.abc import Callable

import libactor as la
import mesoslite
from mesoslite import Offer, TaskState, TaskStatus
from mesoslite.master import Allocator
from mesoslite.model import NOTHING


class Script(mesoslite.Framework):
    """Calls ``act(self, offer)`` on the first offer; stops when ``until(self)`` holds after an update."""

    def __init__(
        self, act: Callable[[Script, Offer], object], until: Callable[[Script], bool], role: str = "*"
    ) -> None:
        super().__init__("script", roles=(role,))
        self.act = act
        self.until = until
        self.acted = False
        self.updates: list[TaskStatus] = []

    def on_offers(self, offers: tuple[Offer, ...]) -> None:
        for offer in offers:
            if self.acted:
                self.decline(offer)
            else:
                self.acted = True
                self.act(self, offer)

    def on_update(self, status: TaskStatus) -> None:
        self.updates.append(status)
        if self.until(self):
            self.stop(self.updates)

    def states_of(self, task_id: str) -> list[TaskState]:
        return [status.state for status in self.updates if status.task_id == task_id]


def ended(*task_ids: str) -> Callable[[Script], bool]:
    """All of these tasks have ended."""

    def check(script: Script) -> bool:
        over = {status.task_id for status in script.updates if status.state.is_terminal}
        return set(task_ids) <= over

    return check


def run_command(
    cluster: mesoslite.Cluster, command: str, resources: tuple[float, float] = (0.5, 32.0)
) -> list[TaskStatus]:
    """Run one task with the id "it" and return its statuses."""
    cpus, mem = resources

    def act(script: Script, offer: Offer) -> None:
        script.launch(offer, [script.task(offer, command, cpus=cpus, mem=mem, task_id="it")])

    statuses: list[TaskStatus] = cluster.run(Script(act, ended("it")), timeout=60)
    return statuses


def check_books(cluster: mesoslite.Cluster) -> None:
    """Master and allocator agree on what is free, with frameworks and tasks still there or not."""
    state = cluster.state()
    for agent in state.agents:
        assert agent.info.id is not None
        available = la.dispatch(cluster.allocator, Allocator.available, agent.info.id).get(timeout=60)
        tasks = [task for entry in state.frameworks for task in entry.tasks if not task.state.is_terminal]
        used = sum([task.info.resources for task in tasks if task.info.agent_id == agent.info.id], NOTHING)
        offers = [offer for entry in state.frameworks for offer in entry.offers if offer.agent_id == agent.info.id]
        offered = sum([offer.resources for offer in offers], NOTHING)
        assert used + offered + available == agent.info.resources
