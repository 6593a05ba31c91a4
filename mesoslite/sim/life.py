"""Life: one run from its seed to its end: warm-up, faults, heal, settle, check."""

# Who calls: runs.py.
# After the phase of faults everything is mended, and there is time for all that waits: agents that do not come back
#   within ten minutes are given up, one after the other if there is a limit on that, a new master waits as long before
#   it offers under quota, and statuses are repeated after ten minutes at the latest.

from __future__ import annotations

from typing import TYPE_CHECKING

from .faults import Faults
from .options import draw_options
from .world import World

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from libactor.testing import DeterministicRuntime, Stream

    from .checker import Checker

STEP_SECONDS = (1.0, 0.1, 3.0, 12.0)
WARM_UP_SECONDS = 6.0
MEND_SECONDS, MEND_STEP_SECONDS = 300.0, 15.0
SETTLE_SECONDS, SETTLE_STEP_SECONDS = 1200.0, 60.0
ASK_SECONDS = 30.0


class Life:
    """A run on ``runtime``; sandboxes go to ``folder``."""

    def __init__(self, runtime: DeterministicRuntime, folder: Path, checkers: Sequence[Checker]) -> None:
        self.options = draw_options(runtime.streams("options"))
        self.world = World(runtime, self.options, folder, checkers)
        self.steps = 0
        self._runtime = runtime
        self._faults = Faults(self.world)

    def go(self) -> None:
        """Live. Raises: Violation."""
        world = self.world
        for machine in world.machines:
            machine.start()
        while self._runtime.clock.now() < world.began + WARM_UP_SECONDS:
            world.pass_time(1.0)
        self._faults.begin()
        for number in range(self.options.steps):
            self.steps = number + 1
            self._step(self._runtime.streams(f"step {number}"))
        world.note("all is mended")
        self._faults.heal()
        self._settle()

    def _step(self, stream: Stream) -> None:
        self._faults.strike(stream)
        self._act(stream)
        self.world.operator.act(stream)
        self._faults.mend_due()
        self.world.pass_time(stream.pick(STEP_SECONDS))

    def _wait(self, seconds: float, step_seconds: float) -> None:
        end = self._runtime.clock.now() + seconds
        while self._runtime.clock.now() < end:
            self.world.operator.mend()
            self.world.pass_time(step_seconds)

    def _act(self, stream: Stream) -> None:
        machine = stream.pick(self.world.schedulers)
        if not machine.up:
            return
        if self.world.wants("kills") and stream.chance(0.2) and machine.beliefs.living:
            machine.kill(stream.pick(machine.beliefs.living))
        if self.world.wants("updates") and stream.chance(0.05):
            machine.update(stream.choose(2))
        if self.world.wants("teardown") and stream.chance(0.06):
            machine.tear_down()

    def _removals_seconds(self) -> float:
        """How long it takes at most, with the limit on that, to give up all agents that do not come back."""
        if self.options.removal_limit is None:
            return 0.0
        count, seconds = self.options.removal_limit
        admitted = sum([kind == "agent" for kind, _ in self.world.registry.rows])
        return max(0, admitted - len(self.world.agents)) * seconds / count

    def _settle(self) -> None:
        world = self.world
        world.is_calm = True
        world.healed_at = self._runtime.clock.now()
        self._wait(MEND_SECONDS, MEND_STEP_SECONDS)
        self._wait(SETTLE_SECONDS + self._removals_seconds(), SETTLE_STEP_SECONDS)
        for machine in world.schedulers:
            machine.ask()
        self._wait(ASK_SECONDS, ASK_SECONDS)
        for checker in world.checkers:
            checker.settled(world)
