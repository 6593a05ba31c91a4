"""O: how offers begin and end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import happenings

from ..audit import ledger_of
from ..checker import Checker

if TYPE_CHECKING:
    from mesoslite.model import AgentID, FrameworkID, Resources
    from mesoslite.model.happenings import Happening

    from ..shadow import Shadow
    from ..world import World

ENDS = (happenings.OffersAccepted, happenings.OffersDeclined, happenings.OfferRescinded, happenings.OfferExpired)


class EachOfferEndsOnce(Checker):
    """O1."""

    invariant = "O1"
    claim = "each offer begins once and ends once"

    def hear(self, world: World, shadow: Shadow, happening: Happening) -> None:
        """Compare with the offers that stand."""
        if isinstance(happening, happenings.OfferMade):
            offer_id = happening.offer.id
            if offer_id in shadow.offers or offer_id in shadow.ended_offers:
                raise self.violation(f"offer {offer_id} is made twice")
        elif isinstance(happening, ENDS):
            ended = happening.offers if hasattr(happening, "offers") else (happening.offer,)
            for offer in ended:
                if offer.id not in shadow.offers:
                    how = shadow.ended_offers.get(offer.id, "it was never made")
                    raise self.violation(f"offer {offer.id} ends, {type(happening).__name__}, after {how}")

    def step(self, world: World) -> None:
        """Compare with the books."""
        for machine in world.masters:
            if machine.leads and machine.shadow is not None:
                books = ledger_of(machine.actor).offers.keys()
                for offer_id in sorted(books ^ machine.shadow.offers.keys()):
                    where = "is in the books, and has ended" if offer_id in books else "is not in the books, nor ended"
                    raise self.violation(f"{machine.name}: offer {offer_id} {where}")


class VoidOffersLaunchNothing(Checker):
    """O2."""

    invariant = "O2"
    claim = "nothing is launched but on an offer that stands, by a master that says so"

    def __init__(self) -> None:
        self._launched: set[str] = set()

    def hear(self, world: World, shadow: Shadow, happening: Happening) -> None:
        """Look at each launch."""
        if isinstance(happening, happenings.TaskLaunched):
            task_id, offer_id = happening.task.task_id, happening.offer_id
            self._launched.add(task_id)
            how = shadow.ended_offers.get(offer_id, "it was never made, or was not taken up")
            if how != "OffersAccepted":
                raise self.violation(f"task {task_id} is launched on offer {offer_id} after {how}")
            if world.tasks[task_id].is_stale:
                raise self.violation(f"task {task_id} is launched on offer {offer_id}, which was rescinded before")

    def step(self, world: World) -> None:
        """Look at what runs."""
        for machine in world.agents:
            for container in machine.containers:
                if container.task_id not in self._launched:
                    raise self.violation(f"task {container.task_id} runs on {machine.name}; no master launched it")


class FiltersAreHonoured(Checker):
    """O3. What was granted in the instant of the refusal may still come."""

    invariant = "O3"
    claim = "what was declined is not offered again before its time, nor anything to a role that is suppressed"

    def __init__(self) -> None:
        # by master, framework and agent: role, what was declined, from when and until when
        self._filters: dict[tuple[str, FrameworkID, AgentID], list[tuple[str, Resources, float, float]]] = {}
        self._suppressed: dict[tuple[str, FrameworkID], float] = {}  # when that changed

    def hear(self, world: World, shadow: Shadow, happening: Happening) -> None:
        """Take note of what is declined and suppressed, and look at each offer."""
        match happening:
            case happenings.OffersDeclined() if happening.refuse_seconds > 0:
                until = happening.time + happening.refuse_seconds
                for offer in happening.offers:
                    key = (shadow.master_id, happening.framework_id, offer.agent_id)
                    self._filters.setdefault(key, []).append((offer.role, offer.resources, happening.time, until))
            case happenings.AgentReturned() | happenings.AgentRemoved() | happenings.AgentUnreachable():
                self._forget(shadow, agent_id=happening.agent_id)
            case (
                happenings.FrameworkRevived()
                | happenings.FrameworkUpdated()
                | happenings.FrameworkConnected()
                | happenings.FrameworkDisconnected()
                | happenings.FrameworkRemoved()
                | happenings.FrameworkSuppressed()
                | happenings.FrameworkAdded()
            ):
                if not isinstance(happening, happenings.FrameworkSuppressed):
                    self._forget(shadow, framework_id=happening.framework_id)
                self._suppressed[shadow.master_id, happening.framework_id] = happening.time
            case happenings.OfferMade():
                self._look(shadow, happening)
            case _:
                pass

    def _forget(self, shadow: Shadow, agent_id: AgentID | None = None, framework_id: FrameworkID | None = None) -> None:
        for key in list(self._filters):
            if key[0] == shadow.master_id and (framework_id in (None, key[1])) and (agent_id in (None, key[2])):
                del self._filters[key]

    def _look(self, shadow: Shadow, happening: happenings.OfferMade) -> None:
        offer, now = happening.offer, happening.time
        key = (shadow.master_id, offer.framework_id, offer.agent_id)
        for role, declined, since, until in self._filters.get(key, ()):
            if role == offer.role and since < now < until and declined.contains(offer.resources):
                raise self.violation(
                    f"offer {offer.id} of {offer.resources} of agent {offer.agent_id} is made to {offer.framework_id} "
                    f"({role}), which has declined {declined} {now - since:.3f} s ago for {until - since:g} s"
                )
        framework = shadow.frameworks.get(offer.framework_id)
        changed = self._suppressed.get(key[:2], 0.0)
        if framework is not None and offer.role in framework.suppressed and changed < now:
            raise self.violation(
                f"offer {offer.id} is made to {offer.framework_id}, which has suppressed {offer.role} "
                f"{now - changed:.3f} s ago"
            )
