"""World: all that a run of the simulator consists of, and what was seen of it."""

# Who calls: life.py builds and drives it; machines, faults and checkers look things up in it.
# Everything in it runs on one thread: what the actors of the simulation tell it, they tell by calling it.
# Invariant: a checker that finds something wrong, wherever it is called, ends the run with the first such finding.

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from mesoslite.election import MemoryElection
from mesoslite.model.happenings import FrameworkRemoved
from mesoslite.registry import MemoryRegistry

from .agent_machine import AgentMachine
from .audit import is_leaving
from .master_machine import MasterMachine
from .operator import Operator
from .scheduler_machine import SchedulerMachine
from .violation import Violation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from libactor.testing import DeterministicRuntime
    from mesoslite.election import MemoryMember
    from mesoslite.model import TaskStatus
    from mesoslite.model.happenings import Happening
    from mesoslite.model.registry import Entry

    from .beliefs import TaskBelief
    from .checker import Checker
    from .containers import SimContainer
    from .options import Options
    from .seat import Seat
    from .shadow import Shadow

NOTES_MAX = 60
SESSION_SECONDS = 10.0  # until the others find out that a member of the election is gone


class World:
    """The hosts of a run, and its checkers. ``is_calm`` once nothing goes wrong any more."""

    def __init__(
        self, runtime: DeterministicRuntime, options: Options, folder: Path, checkers: Sequence[Checker]
    ) -> None:
        self.runtime = runtime
        self.options = options
        self.folder = folder
        self.checkers = tuple(checkers)
        self.is_calm = False
        self.healed_at: float | None = None
        self.began = runtime.clock.now()
        self.notes: deque[str] = deque(maxlen=NOTES_MAX)
        self.registry = MemoryRegistry()
        self.election = MemoryElection()
        self.containers: list[tuple[AgentMachine, SimContainer]] = []  # all that ever ran
        self.finding: Violation | None = None
        self.tasks: dict[str, TaskBelief] = {}  # all that schedulers ever launched
        self.torn_down: set[str] = set()  # frameworks that were asked to end
        self.removed: set[str] = set()  # frameworks that a master has removed; a later one may not know that
        self.operator = Operator(self)
        self._launches = runtime.streams("launches")
        self._expiring: list[tuple[float, Seat]] = []
        self._crashes: list[tuple[Any, BaseException]] = []
        runtime.crashes = self._crashes  # before there are hosts, which take it over
        self.masters = [MasterMachine(self, number) for number in range(1, options.masters + 1)]
        self.agents = [AgentMachine(self, number) for number in range(1, options.agents + 1)]
        self.schedulers = [SchedulerMachine(self, number) for number in range(1, options.schedulers + 1)]

    @property
    def machines(self) -> list[MasterMachine | AgentMachine | SchedulerMachine]:
        """All hosts."""
        return [*self.masters, *self.agents, *self.schedulers]

    def wants(self, feature: str) -> bool:
        """Whether the run has that feature, and is not over yet."""
        return not self.is_calm and feature in self.options.features

    def launch_fails(self) -> bool:
        """Whether the launch that is tried now is to fail."""
        return self.wants("launch failures") and self._launches.chance(0.1)

    def actor_of(self, shadow: Shadow) -> Any:
        """The master that a shadow is of."""
        return next(machine.actor for machine in self.masters if machine.shadow is shadow)

    def is_being_removed(self, agent_id: str) -> bool:
        """Whether a master is just letting go of that agent."""
        return any(is_leaving(machine.actor, agent_id) for machine in self.masters if machine.leads)

    # ---- who leads ----

    @property
    def leader(self) -> MasterMachine | None:
        """Whoever leads in the latest epoch."""
        leading = [machine for machine in self.masters if machine.leads and machine.shadow and machine.shadow.epoch]
        return max(leading, key=lambda machine: machine.shadow.epoch if machine.shadow else 0, default=None)

    def expire_later(self, seat: Seat) -> None:
        """A member of the election has gone; the others find out in a while."""
        self._expiring.append((self.runtime.clock.now() + SESSION_SECONDS, seat))

    def member_after(self, before: MemoryMember | None) -> MemoryMember:
        """A member of the election for one more start on a host, instead of that of the start before."""
        if before is not None:
            self.election.leave(before)
        return self.election.join()

    def take_crashes(self) -> list[tuple[Any, BaseException]]:
        """Who was stopped by an error since the last time, and by which."""
        crashes, self._crashes[:] = list(self._crashes), []
        return crashes

    # ---- time ----

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and look at everything then."""
        self.runtime.run_for(seconds)
        now = self.runtime.clock.now()
        due = [seat for when, seat in self._expiring if when <= now]
        self._expiring = [entry for entry in self._expiring if entry[0] > now]
        for seat in due:
            seat.leave()
        for machine in self.machines:
            machine.tick()
        self.runtime.settle()
        self.check()

    def check(self) -> None:
        """Raise what was found since the last time, or is found now."""
        for checker in self.checkers:
            checker.step(self)
        if self.finding is not None:
            raise self.finding

    # ---- what is seen ----

    def note(self, text: str) -> None:
        """Something to read in the end, if the run fails."""
        self.notes.append(f"{self.runtime.clock.now() - self.began:9.3f} s  {text}")

    def hear(self, machine: MasterMachine, shadow: Shadow, happening: Happening) -> None:
        """A master tells what has happened, inside its actor."""
        self.note(f"{machine.name}: {_brief(happening)}")
        try:
            for checker in self.checkers:
                checker.hear(self, shadow, happening)
        except Violation as found:
            self.finding = self.finding or found
        shadow.apply(happening)
        if isinstance(happening, FrameworkRemoved):
            self.removed.add(happening.framework_id)

    def told(self, machine: SchedulerMachine, task: TaskBelief | None, status: TaskStatus) -> None:
        """A scheduler has heard a status, inside its actor."""
        self.note(f"{machine.name} hears {status.task_id} {status.state.name} {status.message}")
        try:
            for checker in self.checkers:
                checker.told(self, machine, task, status)
        except Violation as found:
            self.finding = self.finding or found

    def stored(self, epoch: int, entries: Sequence[Entry]) -> None:
        """A master of that epoch has stored something."""
        try:
            for checker in self.checkers:
                checker.stored(self, epoch, entries)
        except Violation as found:
            self.finding = self.finding or found


def _brief(happening: Any) -> str:
    """A happening in a few words."""
    words = [type(happening).__name__]
    for name in ("agent_id", "framework_id", "task_id", "role", "roles", "why", "epoch", "refuse_seconds"):
        value = getattr(happening, name, None)
        if value is not None:
            words.append(f"{name.removesuffix('_id')}={value}")
    offers = getattr(happening, "offers", None) or [getattr(happening, "offer", None)]
    words += [f"{offer.id} of {offer.agent_id} to {offer.role}: {offer.resources}" for offer in offers if offer]
    task = getattr(happening, "task", None)
    if task is not None:
        words.append(f"{task.task_id} on {task.agent_id}: {task.resources}")
    old, new = getattr(happening, "old", None), getattr(happening, "new", None)
    if old is not None and new is not None:
        words.append(f"{old.name} -> {new.name}")
    return " ".join(words)
