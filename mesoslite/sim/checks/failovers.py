"""H: schedulers that go, and come back, or do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import happenings

from ..checker import Checker

if TYPE_CHECKING:
    from mesoslite.model.happenings import Happening

    from ..shadow import Shadow
    from ..world import World

TOLERANCE_SECONDS = 1.0


class FrameworksHaveTheirTime(Checker):
    """H5."""

    invariant = "H5"
    claim = "a framework without its scheduler is kept for its failover timeout, and removed then"

    def hear(self, world: World, shadow: Shadow, happening: Happening) -> None:
        """None is removed too early."""
        if not isinstance(happening, happenings.FrameworkRemoved):
            return
        framework = shadow.frameworks.get(happening.framework_id)
        if framework is None or happening.framework_id in world.torn_down:
            return
        lost_at, timeout = framework.lost_at, framework.failover_timeout
        if lost_at is None or happening.time < lost_at + timeout - TOLERANCE_SECONDS:
            when = "is here" if lost_at is None else f"went {happening.time - lost_at:.3f} s ago"
            raise self.violation(
                f"framework {happening.framework_id} is removed; its scheduler {when}, and has {timeout:g} s to return"
            )

    def step(self, world: World) -> None:
        """None is kept too long."""
        now = world.runtime.clock.now()
        for machine in world.masters:
            if not machine.leads or machine.shadow is None:
                continue
            for framework_id, framework in machine.shadow.frameworks.items():
                lost_at, timeout = framework.lost_at, framework.failover_timeout
                if lost_at is not None and now > lost_at + timeout + TOLERANCE_SECONDS:
                    raise self.violation(
                        f"{machine.name}: framework {framework_id} went {now - lost_at:.3f} s ago, had {timeout:g} s "
                        f"to come back, and is still here"
                    )
