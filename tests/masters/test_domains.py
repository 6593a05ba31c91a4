"""Fault domains, and who may join at all: what a master makes of where its agents are, and of its ACLs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

import libactor as la
from mesoslite.model import (
    REGION_AWARE,
    AgentInfo,
    AgentRegistered,
    AgentReregistered,
    Attribute,
    FaultDomain,
    RegisterAgent,
    ReregisterAgent,
    Resources,
    ShutdownAgent,
    Subscribed,
    parse_acls,
)

from .stage import FakeAgent, Stage, Staging

HERE, NEXT_DOOR, AWAY = FaultDomain("a", "1"), FaultDomain("a", "2"), FaultDomain("b", "1")


def agent(stage: Stage, domain: FaultDomain | None, **details: Any) -> la.PID[FakeAgent]:
    info = AgentInfo(hostname="host", port=5051, resources=Resources.parse("cpus:4;mem:1024"), domain=domain, **details)
    return stage.greet(RegisterAgent(info) if info.id is None else ReregisterAgent(info=info))


def is_in(stage: Stage, pid: la.PID[FakeAgent]) -> bool:
    return bool(stage.heard(pid, AgentRegistered) or stage.heard(pid, AgentReregistered))


# Source: MasterTest.AgentDomainSameRegion, AgentDomainDifferentRegion
@pytest.mark.parametrize(("domain", "expected"), [(HERE, 2), (NEXT_DOOR, 2), (None, 2), (AWAY, 1)])
def test_another_region_is_for_frameworks_that_know_of_regions(
    staged: Staging, domain: FaultDomain | None, expected: int
) -> None:
    stage = staged(domain=HERE)
    agent(stage, domain)
    aware = stage.framework("aware", capabilities=(REGION_AWARE,))
    offered = stage.offers(aware)
    stage.lose(aware)
    stage.settle()

    plain = stage.framework("plain")
    stage.advance(1)

    assert [offer.domain for offer in offered] == [domain]
    assert len(offered) + len(stage.offers(plain)) == expected
    assert [event.domain for event in stage.heard(plain, Subscribed)] == [HERE]


# Source: MasterTest.AgentDomainUnset, AgentDomainMismatch, (Re)RegistrationWithoutRequiredAgentDomain
@pytest.mark.parametrize(
    ("options", "domain", "expected"),
    [
        ({}, None, True),
        ({}, HERE, False),
        ({"domain": HERE}, None, True),
        ({"domain": HERE, "require_agent_domain": True}, None, False),
        ({"domain": HERE, "require_agent_domain": True}, AWAY, True),
    ],
)
@pytest.mark.parametrize("known", [None, "m-S7"])
def test_who_is_nowhere_or_somewhere_where_that_means_nothing_hears_nothing(
    staged: Staging, options: dict[str, Any], domain: FaultDomain | None, expected: bool, known: Any
) -> None:
    stage = staged(**options)

    pid = agent(stage, domain, id=known)

    assert is_in(stage, pid) is expected
    assert expected or not stage.heard(pid, ShutdownAgent)


# Source: MasterAuthorizationTest.UnauthorizedToRegisterAgent (refusal is silence), AuthorizedToRegisterAgents
@pytest.mark.parametrize(
    ("acls", "expected"),
    [
        ({"permissive": False}, False),
        ({"register_agents": [{"principals": {"type": "ANY"}, "agents": {"type": "NONE"}}]}, False),
        ({"register_agents": [{"principals": {"values": ["ann"]}, "agents": {"type": "ANY"}}]}, True),
        ({"permissive": False, "register_agents": [{"principals": {"type": "ANY"}, "agents": {"type": "ANY"}}]}, True),
    ],
)
def test_agents_join_as_far_as_the_acls_let_those_join_whom_nobody_knows(
    staged: Staging, acls: dict[str, Any], expected: bool
) -> None:
    stage = staged(acls=parse_acls(json.dumps(acls)))

    assert is_in(stage, agent(stage, None)) is expected


def test_a_domain_that_is_added_counts_and_another_one_is_refused(staged: Staging) -> None:
    stage = staged(domain=HERE)
    first = agent(stage, None, attributes=(Attribute("rack", "1"),))
    agent_id = stage.agent_id(first)
    stage.lose(first)
    aware = stage.framework(capabilities=(REGION_AWARE,))

    second = agent(stage, AWAY, id=agent_id)
    stage.advance(1)
    moved = stage.offers(aware)
    stage.lose(second)
    third = agent(stage, HERE, id=agent_id)

    assert [offer.domain for offer in moved] == [AWAY]
    assert [message.message for message in stage.heard(third, ShutdownAgent)] == [
        "Agent attempted to re-register with a different domain"
    ]


def test_the_region_of_an_agent_that_is_back_is_known_to_the_allocator(staged: Staging) -> None:
    stage = staged(domain=HERE)
    first = agent(stage, None)
    agent_id = stage.agent_id(first)
    stage.lose(first)

    agent(stage, AWAY, id=agent_id)
    plain = stage.framework("plain")
    stage.advance(1)

    assert stage.offers(plain) == []


def test_names_of_regions_are_not_empty(staged: Staging) -> None:
    stage = staged(domain=HERE)

    assert not is_in(stage, agent(stage, replace(HERE, region="")))
