"""A user's framework is asked to leave a machine that is to be serviced, over HTTP and in one program alike."""

from __future__ import annotations

import pytest

import libactor as la
import mesoslite
from mesoslite.framework import submit
from mesoslite.framework.http import HttpConnection
from mesoslite.master import Master
from mesoslite.model import InvalidRequest, InverseOffer, Offer, OfferID, Unavailability, happenings
from mesoslite.model.registry import MachineID, Schedule, Window

pytestmark = pytest.mark.real

BOUND = 120.0
LATER = Unavailability(10**18, 3600 * 10**9)


class Tenant(mesoslite.Framework):
    """Keeps its offers; declines to leave first, agrees then, and stops when it may stay."""

    def __init__(self) -> None:
        super().__init__()
        self.subscribed: la.Promise[None] = la.Promise()
        self.offered: list[Unavailability | None] = []
        self.asked: list[InverseOffer] = []

    def on_offers(self, offers: tuple[Offer, ...]) -> None:
        self.offered += [offer.unavailability for offer in offers]
        if not self.asked and len(self.offered) == 1:
            self.subscribed.set(None)

    def on_inverse_offers(self, inverse_offers: tuple[InverseOffer, ...]) -> None:
        self.asked += inverse_offers
        if len(self.asked) == 1:
            with pytest.raises(InvalidRequest, match="decline_inverse: got 'o', expected inverse offers"):
                self.decline_inverse("o")  # type: ignore[arg-type]
            self.decline_inverse(*inverse_offers, refuse_seconds=0)
        elif len(self.asked) == 2:
            self.accept_inverse(*inverse_offers, refuse_seconds=0)

    def on_rescind_inverse_offer(self, inverse_offer_id: OfferID) -> None:
        self.stop((self.offered, [one.unavailability for one in self.asked], inverse_offer_id == self.asked[-1].id))


class Witness(la.Actor):
    """Waits until a framework has been asked three times, and keeps what it has said until then."""

    def __init__(self, done: la.Promise[list[bool]]) -> None:
        super().__init__()
        self.done = done
        self.made, self.answers = 0, list[bool]()

    @la.handles(happenings.InverseOfferMade)
    @la.handles(happenings.InverseOfferAnswered)
    def note(self, happening: happenings.InverseOfferMade | happenings.InverseOfferAnswered) -> None:
        if isinstance(happening, happenings.InverseOfferAnswered):
            self.answers.append(happening.accepted)
        else:
            self.made += 1
        if self.made == 3:
            self.done.set(self.answers)


@pytest.mark.parametrize("over_http", [True, False])
def test_a_framework_is_asked_to_leave_an_agent_and_may_stay_after_all(over_http: bool) -> None:
    tenant, done = Tenant(), la.Promise[list[bool]]()
    with mesoslite.Cluster(agents=1) as cluster, la.Runtime() as runtime:
        kinds = frozenset({happenings.InverseOfferMade, happenings.InverseOfferAnswered})
        la.dispatch(cluster.master, Master.follow, cluster.runtime.spawn(Witness(done)), kinds).get(timeout=BOUND)
        stopped = submit(runtime, tenant, HttpConnection(cluster.url)) if over_http else cluster.submit(tenant)
        tenant.subscribed.future.get(timeout=BOUND)
        machine = MachineID(cluster.state().agents[0].info.hostname)
        schedule = Schedule((Window((machine,), LATER),))
        la.dispatch(cluster.master, Master.update_schedule, schedule).get(timeout=BOUND)
        answers = done.future.get(timeout=BOUND)
        status = la.dispatch(cluster.master, Master.maintenance_status).get(timeout=BOUND)
        la.dispatch(cluster.master, Master.update_schedule, Schedule()).get(timeout=BOUND)
        offered, asked, is_last = stopped.get(timeout=BOUND)

    [draining] = status.draining
    assert (answers, [one.accepted for one in draining.answers]) == ([False, True], [True])
    assert (asked, is_last) == ([LATER] * 3, True)
    assert offered[:2] == [None, LATER]
