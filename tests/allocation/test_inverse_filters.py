"""Inverse offers in the allocator's books: what one framework does costs what it has answered, and no more."""

from __future__ import annotations

import random
from collections import UserDict
from collections.abc import Iterator
from typing import Any

import pytest

from mesoslite.allocator import HierarchicalAllocator
from mesoslite.model import (
    AgentAdded,
    AgentID,
    Delta,
    FrameworkActivated,
    FrameworkAdded,
    FrameworkDeactivated,
    FrameworkID,
    FrameworkRemoved,
    InverseOfferAnswered,
    Resources,
    Revived,
    Unavailability,
    Usage,
)

WEB, ADS = FrameworkID("web"), FrameworkID("ads")


class NoWalk(UserDict[Any, Any]):
    """A dictionary that one may look something up in, and not walk through."""

    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("all agents that are to be serviced were looked at")


def scheduled(count: int) -> HierarchicalAllocator:
    """Agents that are to be serviced, each of which both frameworks use and were asked to leave."""
    allocator = HierarchicalAllocator()
    for framework_id in (WEB, ADS):
        allocator.apply(FrameworkAdded(framework_id=framework_id, roles=("*",), active=True))
    for number in range(count):
        allocator.apply(
            AgentAdded(
                agent_id=AgentID(f"agent-{number}"),
                hostname="host",
                total=Resources.parse("cpus:2;mem:256"),
                used=tuple([Usage(each, "*", Resources.parse("cpus:1;mem:128")) for each in (WEB, ADS)]),
                unavailability=Unavailability(1),
            )
        )
    assert len(asked(allocator)) == 2 * count
    return allocator


def asked(allocator: HierarchicalAllocator) -> set[tuple[FrameworkID, AgentID]]:
    """Whom a run asks to leave what."""
    return {(one.framework_id, one.agent_id) for one in allocator.plan(random.Random(1)).inverse}


def refuse(allocator: HierarchicalAllocator, framework_id: FrameworkID, number: int, filter_id: int) -> None:
    allocator.apply(
        InverseOfferAnswered(
            framework_id=framework_id, agent_id=AgentID(f"agent-{number}"), accepted=False, filter_id=filter_id
        )
    )


def test_a_revival_ends_the_filters_of_its_framework_and_nobody_elses() -> None:
    allocator = scheduled(3)
    for number in range(3):
        refuse(allocator, WEB, number, number)
        refuse(allocator, ADS, number, 100 + number)

    ended = allocator.apply(Revived(WEB, ()))

    assert set(ended) == {0, 1, 2}
    assert asked(allocator) == {(WEB, AgentID(f"agent-{number}")) for number in range(3)}


@pytest.mark.parametrize("delta", [Revived(WEB, ()), FrameworkDeactivated(WEB), FrameworkRemoved(WEB)])
def test_what_a_framework_does_takes_no_look_at_all_agents_that_are_to_be_serviced(delta: Delta) -> None:
    allocator: Any = scheduled(5)
    refuse(allocator, WEB, 3, 7)
    maintenance = allocator._books.maintenance
    maintenance._services = NoWalk(maintenance._services)

    assert allocator.apply(delta) == (7,)


def test_frameworks_that_come_back_together_take_one_look() -> None:
    allocator: Any = scheduled(5)
    for framework_id in (WEB, ADS):
        allocator.apply(FrameworkDeactivated(framework_id))
    maintenance = allocator._books.maintenance
    services, maintenance._services = maintenance._services, NoWalk(maintenance._services)

    for framework_id in (WEB, ADS):
        allocator.apply(FrameworkActivated(framework_id))

    maintenance._services = services
    assert len(maintenance.due()) == 5
