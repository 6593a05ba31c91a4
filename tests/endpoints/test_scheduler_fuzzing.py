"""Whatever a subscribed framework calls, it is refused or a real master takes it, and lives on."""

import copy
import json
from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import libactor as la
from mesoslite.model import InvalidRequest, Offers
from mesoslite.model.v1 import decode_call

FRAMEWORK = {"value": "FRAMEWORK"}  # these stand for those that there are
OFFER = {"value": "OFFER"}
AGENT = {"value": "AGENT"}
TASK_ID = {"value": "t"}
UUID = "AAECAwQFBgcICQoLDA0ODw=="
CPUS = {"name": "cpus", "type": "SCALAR", "scalar": {"value": 1.0}}
PORTS = {"name": "ports", "type": "RANGES", "ranges": {"range": [{"begin": 1, "end": 2}]}}
RESERVED = {**CPUS, "reservations": [{"type": "DYNAMIC", "role": "ads", "principal": "p"}]}
VOLUME = {
    "name": "disk",
    "type": "SCALAR",
    "scalar": {"value": 8},
    "reservations": [{"type": "DYNAMIC", "role": "ads"}],
    "disk": {"persistence": {"id": "v", "principal": "p"}, "volume": {"mode": "RW", "container_path": "v"}},
}
COMMAND = {"value": "true", "environment": {"variables": [{"name": "A", "value": "b"}]}}
EXECUTOR = {"executor_id": {"value": "e"}, "type": "CUSTOM", "command": COMMAND, "resources": [CPUS]}
TASK = {
    "name": "t",
    "task_id": TASK_ID,
    "agent_id": AGENT,
    "resources": [CPUS],
    "command": COMMAND,
    "labels": {"labels": [{"key": "k", "value": "v"}]},
    "kill_policy": {"grace_period": {"nanoseconds": 1}},
    "health_check": {"type": "COMMAND", "command": COMMAND, "delay_seconds": 1.0},
    "max_completion_time": {"nanoseconds": 1},
}
OPERATIONS = [
    {"type": "LAUNCH", "launch": {"task_infos": [TASK, {**TASK, "executor": EXECUTOR}]}},
    {"type": "LAUNCH_GROUP", "launch_group": {"executor": EXECUTOR, "task_group": {"tasks": [TASK]}}},
    {"type": "RESERVE", "id": {"value": "o"}, "reserve": {"resources": [RESERVED]}},
    {"type": "UNRESERVE", "unreserve": {"resources": [RESERVED]}},
    {"type": "CREATE", "create": {"volumes": [VOLUME]}},
    {"type": "DESTROY", "destroy": {"volumes": [VOLUME]}},
    {"type": "GROW_VOLUME", "grow_volume": {"volume": VOLUME, "addition": CPUS}},
]
INFO = {
    "name": "f",
    "user": "root",
    "id": FRAMEWORK,
    "roles": ["ads"],
    "failover_timeout": 9.0,
    "capabilities": [{"type": "MULTI_ROLE"}],
    "offer_filters": {"ads": {"min_allocatable_resources": {"quantities": [{"quantities": {"cpus": {"value": 1}}}]}}},
}
SELF = {"framework_info": INFO, "suppressed_roles": ["ads"]}
FILTERS = {"refuse_seconds": 5.0}
BODIES = [
    *[
        ("ACCEPT", {"offer_ids": [OFFER], "operations": [operation], "filters": FILTERS})
        for operation in [*OPERATIONS, *OPERATIONS[:1] * 3]
    ],
    ("DECLINE", {"offer_ids": [OFFER], "filters": FILTERS}),
    ("ACCEPT_INVERSE_OFFERS", {"inverse_offer_ids": [OFFER], "filters": FILTERS}),
    ("DECLINE_INVERSE_OFFERS", {"inverse_offer_ids": [OFFER], "filters": FILTERS}),
    ("SUPPRESS", {"roles": ["ads"]}),
    ("REVIVE", {"roles": ["ads"]}),
    ("KILL", {"task_id": TASK_ID, "agent_id": AGENT, "kill_policy": {"grace_period": {"nanoseconds": 1}}}),
    ("ACKNOWLEDGE", {"task_id": TASK_ID, "agent_id": AGENT, "uuid": UUID}),
    ("ACKNOWLEDGE_OPERATION_STATUS", {"operation_id": TASK_ID, "agent_id": AGENT, "uuid": UUID}),
    ("RECONCILE", {"tasks": [{"task_id": TASK_ID, "agent_id": AGENT}]}),
    ("RECONCILE_OPERATIONS", {"operations": [{"operation_id": TASK_ID, "agent_id": AGENT}]}),
    ("REQUEST", {"requests": [{"agent_id": AGENT, "resources": [CPUS, PORTS]}]}),
    ("SUBSCRIBE", SELF),
    ("UPDATE_FRAMEWORK", SELF),
]
OTHER = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.sampled_from(["", "*", "SCALAR", "cpus", "Infinity", "-1", "/", "é\x00", UUID, "x" * 5_000]),
    st.sampled_from([[], {}, FRAMEWORK, AGENT, CPUS, PORTS, RESERVED, VOLUME, EXECUTOR, [CPUS, CPUS], [TASK, TASK]]),
)
CALLS = st.tuples(st.sampled_from(BODIES), st.lists(st.tuples(st.floats(0, 0.999), OTHER), max_size=2))


def places(document):
    """Each container in a document with each of its keys."""
    for key, value in list(document.items() if isinstance(document, dict) else enumerate(document)):
        yield document, key
        if isinstance(value, dict | list):
            yield from places(value)


def broken(kind, body, faults):
    """The call with some of what it says replaced."""
    document = {"type": kind, "framework_id": FRAMEWORK, kind.lower(): copy.deepcopy(body)}
    for share, other in faults:
        found = list(places(document[kind.lower()]))
        if found:
            container, key = found[int(share * len(found))]
            container[key] = copy.deepcopy(other)
    return json.dumps(document)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(CALLS, min_size=1, max_size=6))
def test_any_call_is_refused_or_taken(live, calls):
    agent, agent_id = live.agent("cpus:4;mem:1024;disk:64;ports:[1-9]")
    framework, framework_id = live.framework(roles=("ads",), capabilities=("MULTI_ROLE",))
    for (kind, body), faults in calls:
        live.runtime.clock.advance(1)
        live.settle()
        offers = [offer for event in live.heard(framework) if isinstance(event, Offers) for offer in event.offers]
        text = broken(kind, body, faults)
        for name, actual in (("FRAMEWORK", framework_id), ("AGENT", agent_id), ("OFFER", offers[-1].id)):
            text = text.replace(f'"{name}"', f'"{actual}"')
        with suppress(InvalidRequest):
            la.post(live.master, decode_call(json.loads(text)), sender=framework)
        live.settle()
    la.terminate(framework)
    la.terminate(agent)
    live.settle()

    assert live.call("GET_HEALTH") == (200, {"healthy": True})
