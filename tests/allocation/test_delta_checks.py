"""Deltas with fields that are not what they are said to be: refused by name, and without effect."""

from typing import Any

import pytest
from msgspec import structs

from mesoslite.model import (
    AgentAdded,
    AgentID,
    AgentsWhitelisted,
    AgentUnavailable,
    AgentUpdated,
    AllocationConverted,
    AvailableConverted,
    Delta,
    FilterExpired,
    FrameworkActivated,
    FrameworkAdded,
    FrameworkID,
    FrameworkUpdated,
    InvalidRequest,
    InverseOfferAnswered,
    OfferUsed,
    QuotaChanged,
    RecoveryBegun,
    Resources,
    ResourcesRecovered,
    Revived,
    RoleConstraints,
    RoleMinimum,
    Suppressed,
    Unavailability,
    Usage,
    WeightChanged,
)

from .cluster import Cluster

CPU = Resources.of(cpus=1)
A, F = AgentID("agent0"), FrameworkID("a")
HELD = {"framework_id": F, "role": "*", "agent_id": A}

# A delta that is right, and what each of its fields must not be.
WRONG: list[tuple[Delta, dict[str, list[Any]]]] = [
    (
        AgentAdded(agent_id=AgentID("new"), hostname="h", total=CPU),
        {
            "agent_id": [None, 3, []],
            "hostname": [None, b"h"],
            "total": [None, "cpus:1", {"cpus": 1}],
            "used": [None, [], (3,), (Usage(F, "a//b", CPU),), (Usage(F, "*", "cpus:1"),)],  # type: ignore[arg-type]
            "attributes": [None, ("rack",)],
            "capabilities": [None, "GPU", (3,)],
            "region": [3],
            "zone": [3],
            "unavailability": [5, Unavailability(-5), Unavailability(1, -1), Unavailability(1.5)],  # type: ignore[arg-type]
        },
    ),
    (AgentUpdated(agent_id=A), {"total": ["cpus:1", 3], "attributes": ["rack"], "capabilities": ["GPU"]}),
    (AgentUnavailable(A, None), {"agent_id": [3], "unavailability": [5, Unavailability(-5)]}),
    (AgentsWhitelisted(None), {"hostnames": ["h", (3,), 3]}),
    (
        FrameworkAdded(framework_id=FrameworkID("new"), roles=("y",)),
        {
            "framework_id": [None, 3],
            "roles": ["web", ("y", None), ("we b",), ("a//b",), ("y", "y"), None, ["y"], ("d/" * 200 + "d",)],
            "active": [None, "yes", 1],
            "suppressed_roles": ["y", (None,)],
            "capabilities": ["GPU_RESOURCES", (None,)],
            "constraints": [
                3,
                (3,),
                (RoleConstraints("y", ((3,),)),),  # type: ignore[arg-type]
                (RoleConstraints("y", "x"),),  # type: ignore[arg-type]
            ],
            "min_allocatable": [3, (3,), (RoleMinimum("y", ("cpus:1",)),), (RoleMinimum("y", ()),) * 2],  # type: ignore[arg-type]
        },
    ),
    (FrameworkUpdated(framework_id=F, roles=("*",)), {"roles": ["web", ("x", None)], "min_allocatable": [3, (3,)]}),
    (FrameworkActivated(F), {"framework_id": [3, None]}),
    (OfferUsed(**HELD, resources=CPU), {"resources": [None, "cpus:1"], "agent_id": [[]], "role": [None]}),  # type: ignore[arg-type]
    (
        ResourcesRecovered(**HELD, resources=CPU),  # type: ignore[arg-type]
        {"resources": [None, 3], "filter_id": ["x", True], "declined": [None, 1], "framework_id": [None]},
    ),
    (AllocationConverted(**HELD, before=CPU, after=CPU), {"before": [None], "after": ["cpus:1"]}),  # type: ignore[arg-type]
    (AvailableConverted(agent_id=AgentID("agent1"), before=CPU, after=CPU), {"before": [None], "after": ["cpus:1"]}),
    (FilterExpired(1), {"filter_id": [None, "1"]}),
    (Suppressed(F), {"roles": ["web", (None,), None], "framework_id": [None]}),
    (Revived(F), {"roles": ["web", (None,), None]}),
    (
        WeightChanged("web", 2.0),
        {"weight": ["3", None, True, 0, -1, 1e-300, 1e300, float("nan")], "role": ["we b", None]},
    ),
    (
        QuotaChanged("web"),
        {
            "role": [None, "we b", "../x", "x" * 300],
            "guarantees": [{"cpus": 1000}, (("cpus", 1.5),), (("mem", "a"),), CPU, None, ("cpus",), ((None, 1),)],
            "limits": [{"cpus": 1000}, (("cpus", True),), "cpus:1"],
        },
    ),
    (RecoveryBegun(3), {"expected_agents": [-1, float("nan"), "3", True]}),
    (InverseOfferAnswered(framework_id=F, agent_id=A, accepted=True), {"accepted": ["yes", 1], "filter_id": ["x"]}),
]


# Goal: nothing has changed. Method: books are true after it, and the delta that is right is taken then.
@pytest.mark.parametrize(("right", "wrong"), WRONG, ids=[type(right).__name__ for right, _ in WRONG])
def test_wrong_field_is_refused_by_name_and_nothing_has_changed(right: Delta, wrong: dict[str, list[Any]]) -> None:
    cluster = Cluster(agents=1)
    cluster.add_framework("a")
    cluster.plan()
    cluster.add_agent("agent1")

    for field, values in wrong.items():
        for value in values:
            delta = structs.replace(right, **{field: value})
            with pytest.raises(InvalidRequest, match=rf"(?s){type(right).__name__}.*as {field}|role"):
                cluster.allocator.apply(delta)
            cluster.audit()

    cluster.allocator.apply(right)
    cluster.audit()


@pytest.mark.parametrize("nothing", [3, None, "AgentAdded", Cluster])
def test_what_is_no_delta_is_refused(nothing: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"apply got .*, expected a delta, such as AgentAdded"):
        Cluster(agents=0).allocator.apply(nothing)
