"""Telling: each framework hears of all offers of a plan in one message, once the last of them is made.

But for those that are more than its connection takes, which come in several; one that is by itself is taken back.
"""

# Who calls: offering.py and inverse_offering.py, inside the master actor, each with what it makes.
# Invariants: 1. offers stand from the step that makes them; of what was taken back before it was told nobody hears
#   anything.    2. the time to answer begins when an offer is told.
# Rejected: pieces of a plan, posted one after the other: they would stand behind one another in the master's mailbox,
#   and a framework would get several messages where Mesos sends one.

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from mesoslite.model import InverseOffer, Offer, Offers

from .figures import OFFERS_SENT
from .slices import in_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mesoslite.model import FrameworkID, InverseOffers, OfferID

    from .framework_entry import FrameworkEntry
    from .offer_timeouts import OfferTimeouts

FRAMEWORKS_IN_STEP = 100  # that are told

AnyOffer = TypeVar("AnyOffer", Offer, InverseOffer)


class Telling(Generic[AnyOffer]):
    """What is made and not told yet; ``standing`` is what stands, ``event`` makes of offers what is posted.

    ``take_back`` is called with an offer that cannot be told.
    """

    def __init__(
        self,
        frameworks: Mapping[FrameworkID, FrameworkEntry],
        standing: Mapping[OfferID, AnyOffer],
        event: Callable[[tuple[AnyOffer, ...]], Offers | InverseOffers],
        timeouts: OfferTimeouts,
        take_back: Callable[[AnyOffer], object],
    ) -> None:
        self._frameworks = frameworks
        self._standing: Mapping[OfferID, AnyOffer] = standing
        self._event: Callable[[tuple[AnyOffer, ...]], Offers | InverseOffers] = event
        self._timeouts = timeouts
        self._take_back: Callable[[AnyOffer], object] = take_back
        self._made: dict[FrameworkID, dict[OfferID, AnyOffer]] = {}

    def note(self, offer: AnyOffer) -> None:
        """Tell of an offer later, with the others of its plan."""
        self._made.setdefault(offer.framework_id, {})[offer.id] = offer

    def is_told(self, offer: AnyOffer) -> bool:
        """Whether its framework has heard of an offer."""
        return offer.id not in self._made.get(offer.framework_id, ())

    def all_told(self) -> Iterator[None]:
        """Tell of all that was noted and still stands, some frameworks in a step."""
        return in_steps(self._made, self._tell, FRAMEWORKS_IN_STEP)

    def _tell(self, framework_id: FrameworkID) -> None:
        made = self._made.pop(framework_id)
        offers = tuple([offer for offer_id, offer in made.items() if offer_id in self._standing])
        if offers:
            self._send(self._frameworks[framework_id], offers)

    def _send(self, framework: FrameworkEntry, offers: tuple[AnyOffer, ...]) -> None:
        """Send offers in one message, or in as many as it takes."""
        if framework.send(self._event(offers)):
            self._timeouts.watch([offer.id for offer in offers])
            if self._event is Offers:
                framework.figures[OFFERS_SENT] += len(offers)
        elif len(offers) > 1:
            half = len(offers) // 2
            self._send(framework, offers[:half])
            self._send(framework, offers[half:])
        else:
            self._take_back(offers[0])
