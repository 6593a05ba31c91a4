"""Offer records: offers as readers see them (records.Offer)."""

# Who calls: the master.
# Source: Mesos include/mesos/v1/mesos.proto (Offer).

from .agent_records import packed_attributes, packed_domain
from .offers import Offer as Offered
from .records import Offer
from .resource_records import packed_resources
from .v1.encoding import encode_url
from .v1.parts import encode_unavailability


def packed_offer(offer: Offered) -> Offer:
    """Return an offer as it is kept."""
    return Offer(
        id=offer.id,
        framework_id=offer.framework_id,
        agent_id=offer.agent_id,
        hostname=offer.hostname,
        role=offer.role,
        resources=packed_resources(offer.resources, offer.role),
        attributes=packed_attributes(offer.attributes),
        executor_ids=offer.executor_ids,
        domain=packed_domain(offer.domain),
        url=encode_url(offer),
        unavailability=encode_unavailability(offer.unavailability) if offer.unavailability is not None else None,
    )
