"""Granting: what the allocator decides is offered, and what nobody answers expires, a step of the master at a time."""

# Who calls: the allocator posts what it grants; master.py inherits the rest and lends its timers to offer_timeouts.py.
# Source: Mesos src/master/master.cpp (Master::offer, inverseOffer, offerTimeout).

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libactor as la

from .allocator_messages import Granted

if TYPE_CHECKING:
    from .allocation import Allocator
    from .metrics import MasterMetrics
    from .offering import Offering


class Granting(la.Actor):
    """The part of a master that makes offers."""

    _allocator: la.PID[Allocator]
    _metrics: MasterMetrics
    _offering: Offering

    @la.handles(Granted)
    def granted(self, message: Granted, sender: la.PID[Any] | None) -> None:
        """Offer what the allocator granted, one message a framework; a large plan in several steps."""
        if sender != self._allocator:
            self._metrics.drop(message, sender, "it is not the allocator")
        elif self._offering.take(message):
            self._go_on_offering()

    def _go_on_offering(self) -> None:
        if self._offering.go_on():
            la.tell(self.pid, Granting._go_on_offering)

    def _wait_for_answers(self, seconds: float) -> la.Timer:
        return la.delay(seconds, self.pid, Granting._expire_offers)

    def _expire_offers(self) -> None:
        if self._offering.expire():
            la.tell(self.pid, Granting._expire_offers)
