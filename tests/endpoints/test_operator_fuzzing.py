"""Whatever the body of an operator's call, a real master answers it with a status of its own, and lives on."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mesoslite.api.operator_changes import change_calls
from mesoslite.api.operator_reads import read_calls

KINDS = sorted({*change_calls(None), *read_calls(None, None, {})})
NAMES = [
    "agent_id",
    "machines",
    "schedule",
    "quota_configs",
    "quota_request",
    "role",
    "weight_infos",
    "timeout",
    "resources",
    "volumes",
    "value",
]
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.sampled_from(["", "web", "*", "host", "SCALAR", "cpus", "Infinity", "NaN", "true", "127.0.0.1", "é\x00"]),
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)),
    max_leaves=12,
)


def message(**fields):
    return st.fixed_dictionaries({}, optional={name: st.one_of(field, LEAVES) for name, field in fields.items()})


ID = message(value=LEAVES)
AMOUNTS = st.dictionaries(st.sampled_from(["cpus", "mem", "é"]), message(value=LEAVES), max_size=2)
MACHINES = st.lists(message(hostname=LEAVES, ip=LEAVES), max_size=3)
TIME = message(nanoseconds=LEAVES)
WINDOW = message(machine_ids=MACHINES, unavailability=message(start=TIME, duration=TIME))
RESOURCE = message(name=LEAVES, type=st.just("SCALAR"), scalar=message(value=LEAVES))
RESERVED = message(
    name=st.sampled_from(["cpus", "disk"]),
    type=st.just("SCALAR"),
    scalar=message(value=LEAVES),
    reservations=st.lists(message(type=st.just("DYNAMIC"), role=LEAVES, principal=LEAVES), max_size=2),
    disk=message(persistence=message(id=LEAVES), volume=message(mode=st.just("RW"), container_path=LEAVES)),
)
# All fields of all calls: each call reads its own, and passes over the others.
SHAPED = message(
    agent_id=ID,
    framework_id=ID,
    max_grace_period=message(seconds=LEAVES, nanos=LEAVES),
    mark_gone=LEAVES,
    schedule=message(windows=st.lists(WINDOW, max_size=2)),
    machines=MACHINES,
    force=st.booleans(),
    role=LEAVES,
    quota_configs=st.lists(message(role=LEAVES, guarantees=AMOUNTS, limits=AMOUNTS), max_size=2),
    quota_request=message(role=LEAVES, force=LEAVES, guarantee=st.lists(RESOURCE, max_size=2)),
    weight_infos=st.lists(message(role=LEAVES, weight=LEAVES), max_size=2),
    timeout=TIME,
    resources=st.lists(RESERVED, max_size=2),
    source=st.lists(RESERVED, max_size=2),
    volumes=st.lists(RESERVED, max_size=2),
    volume=RESERVED,
    addition=RESERVED,
    subtract=message(value=LEAVES),
)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.one_of(SHAPED, ANYTHING))
def test_any_body_is_answered(live, kind, asked):
    body = json.dumps({"type": kind, kind.lower(): asked}).encode()  # what is no number is no JSON either

    status = live.ask("POST", "/api/v1", body, content_type="application/json").status

    assert status in (200, 400, 404, 409)
    assert live.call("GET_HEALTH") == (200, {"healthy": True})
