"""Fault domains: where a machine is, as far as failures spread: a zone, and the region that it is in."""

# Who calls: masters and agents say theirs, which the command line reads; the allocator compares regions.
# Source: Mesos include/mesos/v1/mesos.proto (DomainInfo), docs/fault-domains.md.

import msgspec

from .errors import InvalidRequest
from .fields import Fields


class FaultDomain(msgspec.Struct, frozen=True, gc=False):
    """The names of a region and of a zone in it."""

    region: str
    zone: str


def encode_domain(domain: FaultDomain) -> dict[str, object]:
    """Return a DomainInfo, which v0 and v1 write alike."""
    return {"fault_domain": {"region": {"name": domain.region}, "zone": {"name": domain.zone}}}


def decode_domain(fields: Fields) -> FaultDomain | None:
    """Return what a DomainInfo says; None without a fault domain. Raises: InvalidRequest."""
    if not fields.has("fault_domain"):
        return None
    found = fields.message("fault_domain")
    names = [found.message(part).text("name") for part in ("region", "zone")]
    for part, name in zip(("region", "zone"), names, strict=True):
        if not name:
            raise found.invalid(part, "has an empty name, expected what it is called")
    return FaultDomain(*names)


def parse_domain(text: str) -> FaultDomain:
    """Return the domain that a DomainInfo in JSON says. Raises: InvalidRequest."""
    try:
        domain = decode_domain(Fields(msgspec.json.decode(text)))
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidRequest(f"is no JSON: {error}") from error
    if domain is None:
        raise InvalidRequest('names no fault_domain, as {"fault_domain": {"region": {"name": "a"}, "zone": ...}} does')
    return domain
