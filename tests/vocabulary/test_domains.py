"""Fault domains as documents: read as Mesos has them, and written so that Mesos reads them."""

from __future__ import annotations

import pytest

from mesoslite.model import (
    AgentID,
    AgentInfo,
    FaultDomain,
    FrameworkID,
    InvalidRequest,
    Offer,
    OfferID,
    Offers,
    Resources,
    Subscribed,
    encode_domain,
    parse_domain,
)
from mesoslite.model.fields import Fields
from mesoslite.model.v1 import decode_event, encode_event
from mesoslite.model.v1.agents import decode_agent, encode_agent

DOMAIN = FaultDomain("a", "a-1")
TEXT = '{"fault_domain": {"region": {"name": "a"}, "zone": {"name": "a-1"}}}'


def test_a_domain_is_read_from_what_it_is_written_as() -> None:
    assert parse_domain(TEXT) == DOMAIN
    assert encode_domain(DOMAIN) == {"fault_domain": {"region": {"name": "a"}, "zone": {"name": "a-1"}}}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("{}", "names no fault_domain"),
        ('{"fault_domain": {"region": {"name": "a"}}}', "fault_domain.zone: is missing"),
        (TEXT.replace('"a"', '""'), "fault_domain.region: has an empty name"),
    ],
)
def test_what_is_none_is_refused_with_where(text: str, problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        parse_domain(text)


@pytest.mark.parametrize("domain", [None, DOMAIN])
def test_agents_offers_and_masters_say_where_they_are(domain: FaultDomain | None) -> None:
    resources = Resources.parse("cpus:1")
    info = AgentInfo(hostname="h", port=1, resources=resources, domain=domain)
    offer = Offer(
        id=OfferID("o"),
        framework_id=FrameworkID("f"),
        agent_id=AgentID("a"),
        hostname="h",
        resources=resources,
        role="*",
        port=1,
        domain=domain,
    )
    subscribed = Subscribed(
        framework_id=FrameworkID("f"), master_id="m", heartbeat_interval_seconds=15.0, domain=domain
    )

    assert decode_agent(Fields(encode_agent(info))) == info
    assert decode_event(encode_event(Offers((offer,)))) == Offers((offer,))
    assert decode_event(encode_event(subscribed)) == subscribed
