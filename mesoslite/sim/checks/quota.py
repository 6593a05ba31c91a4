"""R: quota."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mesoslite.model import happenings

from ..audit import quotas_of
from ..checker import Checker

if TYPE_CHECKING:
    from mesoslite.model.happenings import Happening

    from ..shadow import Shadow
    from ..world import World


class LimitsHold(Checker):
    """R6. What is reserved counts already; a limit may be put below what is used, then nothing more is offered."""

    invariant = "R6"
    claim = "no offer takes a role, with all below it, beyond the limit of its quota"

    def __init__(self) -> None:
        self._limits: dict[str, dict[str, dict[str, int]]] = {}  # by master and role, as they were last
        self._changed: dict[str, float] = {}  # when, by master

    def hear(self, world: World, shadow: Shadow, happening: Happening) -> None:
        """Look at each offer."""
        if not isinstance(happening, happenings.OfferMade):
            return
        quotas = quotas_of(world.actor_of(shadow))
        limits = {role: dict(quota.limits) for role, quota in quotas.items()}
        if limits != self._limits.get(shadow.master_id):
            self._limits[shadow.master_id] = limits
            self._changed[shadow.master_id] = happening.time
        if happening.time == self._changed[shadow.master_id]:
            return  # it was granted before the allocator has heard of it
        top = happening.offer.role.split("/")[0]
        limit = limits.get(top, {})
        taken = self._taken(shadow, top) if limit else Counter()
        offered = happening.offer.resources.unreserved().scalars()
        for name, most in limit.items():
            if offered.get(name) and taken[name] + offered[name] > most:
                raise self.violation(
                    f"offer {happening.offer.id} of {happening.offer.resources} gives {top} "
                    f"{(taken[name] + offered[name]) / 1000:g} of {name}, and its limit is {most / 1000:g}"
                )

    @staticmethod
    def _taken(shadow: Shadow, top: str) -> Counter[str]:
        """What a role and all below it use and are offered."""
        taken: Counter[str] = Counter()
        held = [(task.role, task.holds) for task in shadow.tasks.values()]
        held += [(offer.role, offer.resources) for offer in shadow.offers.values()]
        for role, resources in held:
            if role.split("/")[0] == top:
                taken.update(resources.not_shared().scalars())
        return taken
