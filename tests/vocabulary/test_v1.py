"""The v1 JSON form: what is written, what is read, how leniently, and that nothing but InvalidRequest comes of it."""

import base64
import itertools
import math
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mesoslite.model import (
    Accept,
    AcceptInverseOffers,
    Acknowledge,
    AcknowledgeOperationStatus,
    AgentID,
    Attribute,
    AttributeConstraint,
    AttributeItems,
    AttributeRanges,
    CommandInfo,
    Decline,
    DeclineInverseOffers,
    Error,
    ExecutorID,
    ExecutorMessage,
    Failure,
    Filters,
    FrameworkID,
    FrameworkInfo,
    FrozenDocument,
    Heartbeat,
    InvalidRequest,
    InverseOffer,
    InverseOffers,
    Kill,
    Label,
    Launch,
    Offer,
    OfferID,
    Offers,
    OperationReference,
    OperationState,
    OperationStatus,
    Predicate,
    PseudoAttribute,
    Reason,
    Reconcile,
    ReconcileOperations,
    RequestResources,
    Rescind,
    RescindInverseOffer,
    Reservation,
    ReservationType,
    Resources,
    Revive,
    RoleConstraints,
    RoleMinimum,
    Shutdown,
    Source,
    Subscribe,
    Subscribed,
    Suppress,
    TaskID,
    TaskInfo,
    TaskReference,
    TaskState,
    TaskStatus,
    Teardown,
    TellExecutor,
    Unavailability,
    Update,
    UpdateFramework,
    UpdateOperationStatus,
    checked_message,
)
from mesoslite.model.v1 import Records, decode_call, decode_event, encode_call, encode_event, frame, role_problem

from .descriptions import commands

texts = st.text(max_size=8)
ids = st.text(min_size=1, max_size=8)
seconds = st.floats(min_value=0, max_value=1e9) | st.just(math.inf)
resources = st.dictionaries(
    st.sampled_from(["cpus", "mem", "disk", "gpus"]), st.integers(min_value=1, max_value=10**9)
).map(Resources.from_milli)
labels = st.lists(st.builds(Label, texts, texts), max_size=2).map(tuple)
graces = st.none() | st.integers(min_value=0, max_value=10**6).map(lambda ms: ms / 1000)
tasks = st.builds(
    TaskInfo,
    task_id=ids,
    name=texts,
    agent_id=ids,
    resources=resources,
    command=commands,
    labels=labels,
    kill_grace_seconds=graces,
)
filters = st.builds(Filters, seconds)
offer_ids = st.lists(ids, max_size=3).map(tuple)
roles = st.lists(texts, max_size=2).map(tuple)
minimums = st.dictionaries(texts, st.lists(resources, max_size=2).map(tuple), max_size=2).map(
    lambda found: tuple([RoleMinimum(role, alternatives) for role, alternatives in found.items()])
)
frameworks = st.builds(
    FrameworkInfo,
    name=texts,
    user=texts,
    roles=roles,
    id=st.none() | ids,
    failover_timeout=seconds,
    checkpoint=st.booleans(),
    hostname=texts,
    webui_url=texts,
    labels=labels,
    principal=texts,
    min_allocatable=minimums,
    capabilities=st.just(("MULTI_ROLE",)),
) | st.builds(FrameworkInfo, name=texts, roles=texts.map(lambda role: (role,)), capabilities=st.just(()))
constraints = st.dictionaries(
    texts,
    st.lists(
        st.lists(
            st.builds(
                AttributeConstraint, texts | st.sampled_from(PseudoAttribute), st.sampled_from(Predicate)
            ).flatmap(
                lambda one: (
                    st.just(one)
                    if "EXISTS" in one.predicate
                    else st.builds(AttributeConstraint, st.just(one.selector), st.just(one.predicate), texts)
                )
            ),
            max_size=2,
        ).map(tuple),
        max_size=2,
    ).map(tuple),
    max_size=2,
).map(lambda groups: tuple([RoleConstraints(role, some) for role, some in groups.items()]))
references = st.builds(TaskReference, ids, st.none() | ids)
uuids = st.binary(min_size=16, max_size=16)
calls = st.one_of(
    st.builds(Subscribe, frameworks, roles, constraints),
    st.builds(
        Accept,
        framework_id=ids,
        offer_ids=offer_ids,
        operations=st.lists(st.builds(Launch, st.lists(tasks, max_size=2).map(tuple)), max_size=2).map(tuple),
        filters=filters,
    ),
    st.builds(Decline, framework_id=ids, offer_ids=offer_ids, filters=filters),
    st.builds(Kill, framework_id=ids, task_id=ids, agent_id=st.none() | ids, grace_seconds=graces),
    st.builds(Acknowledge, framework_id=ids, agent_id=ids, task_id=ids, uuid=uuids),
    st.builds(Reconcile, ids, st.lists(references, max_size=2).map(tuple)),
    st.builds(AcknowledgeOperationStatus, framework_id=ids, operation_id=ids, uuid=uuids, agent_id=ids),
    st.builds(
        ReconcileOperations, ids, st.lists(st.builds(OperationReference, ids, st.none() | ids), max_size=2).map(tuple)
    ),
    st.builds(Suppress, ids, roles),
    st.builds(Revive, ids, roles),
    st.builds(RequestResources, ids),
    st.builds(Teardown, ids),
    st.builds(TellExecutor, framework_id=ids, agent_id=ids, executor_id=ids, data=st.binary(max_size=8)),
    st.builds(Shutdown, framework_id=ids, agent_id=ids, executor_id=ids),
    *[
        st.builds(kind, framework_id=ids, inverse_offer_ids=st.lists(ids, max_size=3).map(tuple), filters=filters)
        for kind in (AcceptInverseOffers, DeclineInverseOffers)
    ],
    st.builds(UpdateFramework, framework_id=ids, framework=frameworks, suppressed_roles=roles, constraints=constraints),
)
times = st.integers(min_value=0, max_value=2**53)
unavailabilities = st.builds(Unavailability, times, st.none() | times)
inverse_offers = st.builds(
    InverseOffer, id=ids, framework_id=ids, agent_id=ids, unavailability=unavailabilities, resources=resources
)
values = (
    texts
    | seconds
    | st.sampled_from([AttributeRanges(((1, 3), (7, 9))), AttributeRanges(()), AttributeItems(("a", "b"))])
)
attributes = st.lists(st.builds(Attribute, texts, values), max_size=2).map(tuple)
offers = st.builds(
    Offer,
    id=ids,
    framework_id=ids,
    agent_id=ids,
    hostname=texts,
    resources=resources,
    role=texts,
    port=st.integers(min_value=0, max_value=65535),
    unavailability=st.none() | unavailabilities,
    attributes=attributes,
    executor_ids=st.lists(ids, max_size=2).map(tuple),
    ip=texts,
    path=texts,
)
said = st.none() | st.dictionaries(texts, texts, max_size=2).map(FrozenDocument.of)
statuses = st.builds(
    TaskStatus,
    task_id=ids,
    state=st.sampled_from(TaskState),
    source=st.sampled_from(Source),
    timestamp=st.floats(min_value=0, max_value=1e10),
    agent_id=st.none() | ids,
    executor_id=st.none() | ids,
    reason=st.none() | st.sampled_from(Reason),
    message=texts,
    uuid=st.none() | uuids,
    labels=labels,
    unreachable_ns=st.none() | times,
    healthy=st.none() | st.booleans(),
    data=st.none() | st.binary(max_size=8),
    check_status=said,
    container_status=said,
    limitation=said,
)
events = st.one_of(
    st.builds(
        Subscribed,
        framework_id=ids,
        master_id=texts,
        heartbeat_interval_seconds=st.floats(min_value=0, max_value=1e6),
    ),
    st.builds(Offers, st.lists(offers, max_size=2).map(tuple)),
    st.builds(Rescind, ids),
    st.builds(InverseOffers, st.lists(inverse_offers, max_size=2).map(tuple)),
    st.builds(RescindInverseOffer, ids),
    st.builds(Update, statuses),
    st.builds(
        UpdateOperationStatus,
        st.builds(
            OperationStatus,
            state=st.sampled_from(OperationState),
            operation_id=st.none() | ids,
            message=texts,
            converted=resources,
            uuid=st.none() | uuids,
            agent_id=st.none() | ids,
        ),
    ),
    st.builds(ExecutorMessage, ids, ids, st.binary(max_size=8)),
    st.builds(Failure, ids),
    st.builds(Failure, ids, ids, st.none() | st.integers(-64, 255)),
    st.builds(Error, texts),
    st.just(Heartbeat()),
)
FIELD_NAMES = [
    "type", "framework_id", "value", "subscribe", "framework_info", "accept", "offer_ids", "operations", "launch",
    "task_infos", "task_id", "agent_id", "resources", "name", "scalar", "command", "kill", "uuid", "acknowledge",
    "filters", "refuse_seconds", "reconcile", "tasks", "capabilities", "roles", "user", "labels", "kill_policy",
    "grace_period", "nanoseconds", "update", "status", "state", "offers", "url", "address", "port", "timestamp",
    "unavailability", "start", "inverse_offers",
]  # fmt: skip
KINDS = [
    "SUBSCRIBE", "ACCEPT", "DECLINE", "KILL", "ACKNOWLEDGE", "RECONCILE", "SUPPRESS", "REVIVE", "TEARDOWN", "LAUNCH",
    "SCALAR", "SUBSCRIBED", "OFFERS", "RESCIND", "UPDATE", "FAILURE", "ERROR", "HEARTBEAT", "MULTI_ROLE",
    "INVERSE_OFFERS",
]  # fmt: skip
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.sampled_from(KINDS),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.sampled_from(FIELD_NAMES) | texts, children, max_size=5)
    ),
    max_leaves=25,
)
FRAMEWORK = FrameworkID("f-0000")


def over_json(document):
    """What the other side parses."""
    return msgspec.json.decode(msgspec.json.encode(document))


def problem_of(read, value):
    """What ``read`` has against ``value``; None if it takes it."""
    try:
        read(value)
    except InvalidRequest as error:
        return str(error)
    return None


def places(document):
    """Yield each container of a document with each of its keys."""
    entries = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in list(entries):
        yield document, key
        if isinstance(value, dict | list):
            yield from places(value)


@given(calls)
def test_a_call_survives_the_way_over_json_and_that_to_a_master_in_the_same_program(call):
    assert decode_call(over_json(encode_call(call))) == call
    assert checked_message(call) == call


@given(events)
def test_an_event_survives_the_way_over_json(event):
    assert decode_event(over_json(encode_event(event))) == event


@given(documents)
def test_reading_arbitrary_json_raises_nothing_but_invalid_request(document):
    problems = [problem_of(decode, document) for decode in (decode_call, decode_event)]

    assert "" not in problems


# Goal: also deep inside a good document. Method: one value of a valid call or event replaced by any other.
@given(calls.map(encode_call) | events.map(encode_event), documents, st.data())
def test_one_wrong_value_in_good_json_raises_nothing_but_invalid_request(document, replacement, data):
    container, key = data.draw(st.sampled_from(list(places(document))))
    container[key] = replacement

    problems = [problem_of(decode, document) for decode in (decode_call, decode_event)]

    assert "" not in problems


def test_an_accept_is_written_as_mesos_has_it():
    task = TaskInfo(
        task_id=TaskID("t-1"),
        name="t",
        agent_id=AgentID("a"),
        resources=Resources.of(cpus=0.5, mem=32),
        command=CommandInfo(value="true", environment=(("K", "V"),)),
        labels=(Label("key", "value"),),
        kill_grace_seconds=1.5,
    )

    document = encode_call(
        Accept(framework_id=FRAMEWORK, offer_ids=(OfferID("o"),), operations=(Launch((task,)),), filters=Filters(5))
    )

    assert document == {
        "type": "ACCEPT",
        "framework_id": {"value": "f-0000"},
        "accept": {
            "offer_ids": [{"value": "o"}],
            "filters": {"refuse_seconds": 5.0},
            "operations": [
                {
                    "type": "LAUNCH",
                    "launch": {
                        "task_infos": [
                            {
                                "name": "t",
                                "task_id": {"value": "t-1"},
                                "agent_id": {"value": "a"},
                                "resources": [
                                    {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.5}, "role": "*"},
                                    {"name": "mem", "type": "SCALAR", "scalar": {"value": 32.0}, "role": "*"},
                                ],
                                "command": {
                                    "shell": True,
                                    "value": "true",
                                    "environment": {"variables": [{"name": "K", "type": "VALUE", "value": "V"}]},
                                },
                                "kill_policy": {"grace_period": {"nanoseconds": 1_500_000_000}},
                                "labels": {"labels": [{"key": "key", "value": "value"}]},
                            }
                        ]
                    },
                }
            ],
        },
    }


def test_an_offer_tells_its_role_to_frameworks_of_many_roles_only():
    offer = Offer(
        id=OfferID("o"),
        framework_id=FRAMEWORK,
        agent_id=AgentID("a"),
        hostname="host",
        resources=Resources.of(cpus=1),
        role="ads",
        port=5051,
    )

    single = encode_event(Offers((offer,)), multi_role=False)["offers"]["offers"][0]
    multi = encode_event(Offers((offer,)))["offers"]["offers"][0]

    assert "allocation_info" not in single
    assert "allocation_info" not in single["resources"][0]
    assert multi["allocation_info"] == {"role": "ads"}
    assert multi["resources"][0]["allocation_info"] == {"role": "ads"}
    assert multi["url"]["address"] == {"hostname": "host", "port": 5051}


def test_an_offer_tells_of_its_agent_what_mesos_tells():
    offer = Offer(
        id=OfferID("o"),
        framework_id=FRAMEWORK,
        agent_id=AgentID("a"),
        hostname="host",
        resources=Resources.of(cpus=1),
        role="*",
        port=5051,
        attributes=(
            Attribute("rack", "r1"),
            Attribute("generation", 7),
            Attribute("cores", AttributeRanges(((0, 7),))),
            Attribute("zones", AttributeItems(("a", "b"))),
        ),
        executor_ids=(ExecutorID("e"),),
        ip="10.0.0.1",
        path="/slave(2)",
    )

    document, plain = [
        encode_event(Offers((each,)))["offers"]["offers"][0]
        for each in (offer, replace(offer, attributes=(), executor_ids=()))
    ]

    assert document["attributes"] == [
        {"name": "rack", "type": "TEXT", "text": {"value": "r1"}},
        {"name": "generation", "type": "SCALAR", "scalar": {"value": 7.0}},
        {"name": "cores", "type": "RANGES", "ranges": {"range": [{"begin": 0, "end": 7}]}},
        {"name": "zones", "type": "SET", "set": {"item": ["a", "b"]}},
    ]
    assert document["executor_ids"] == [{"value": "e"}]
    address = {"hostname": "host", "ip": "10.0.0.1", "port": 5051}
    assert document["url"] == {"scheme": "http", "address": address, "path": "/slave(2)"}
    assert not {"attributes", "executor_ids"} & {*plain}


# Goal: of a Mesos master, what is not known here is left out. Source: the header of decoding.py.
def test_an_attribute_of_an_unknown_type_is_left_out_of_an_offer():
    offer = Offer(id="o", framework_id="f", agent_id="a", hostname="h", resources=Resources(), role="*", port=1)
    document = encode_event(Offers((offer,)))
    known, unknown = {"name": "a", "type": "TEXT", "text": {"value": "b"}}, {"name": "c", "type": "COLOUR"}
    document["offers"]["offers"][0]["attributes"] = [known, unknown]

    assert decode_event(document).offers == (replace(offer, attributes=(Attribute("a", "b"),)),)


def test_seconds_between_heartbeats_are_a_double_also_when_they_are_whole():
    event = Subscribed(framework_id=FrameworkID("f"), master_id="m", heartbeat_interval_seconds=15)

    assert b'"heartbeat_interval_seconds":15.0' in msgspec.json.encode(encode_event(event))


def test_a_status_carries_uuid_as_base64_and_exit_status_as_label():
    status = TaskStatus(
        task_id=TaskID("t"),
        state=TaskState.TASK_FAILED,
        source=Source.SOURCE_EXECUTOR,
        timestamp=1.0,
        reason=Reason.REASON_COMMAND_EXECUTOR_FAILED,
        uuid=bytes(range(16)),
    ).with_exit_status(3)

    document = encode_event(Update(status))["update"]["status"]

    assert base64.b64decode(document["uuid"]) == bytes(range(16))
    assert document["labels"] == {"labels": [{"key": "exit_status", "value": "3"}]}
    assert (document["state"], document["source"]) == ("TASK_FAILED", "SOURCE_EXECUTOR")
    assert document["reason"] == "REASON_COMMAND_EXECUTOR_FAILED"
    assert "message" not in document


def test_what_mesos_reads_leniently_is_read_leniently():
    call = decode_call(
        {
            "type": "ACCEPT",
            "unknown": {"field": 1},
            "framework_id": {"value": "f-0000"},
            "accept": {
                "offer_ids": {"value": "o"},
                "filters": {"refuse_seconds": "Infinity"},
                "operations": {
                    "type": "LAUNCH",
                    "launch": {
                        "task_infos": {
                            "name": "t",
                            "task_id": {"value": "t"},
                            "agent_id": {"value": "a"},
                            "container": None,
                            "command": {"value": "true", "shell": "false", "arguments": "true"},
                            "resources": {"name": "cpus", "type": "SCALAR", "scalar": {"value": "0.25"}},
                        }
                    },
                },
            },
        }
    )

    assert isinstance(call, Accept)
    assert call.offer_ids == ("o",)
    assert call.filters.refuse_seconds == math.inf
    [launch] = call.operations
    assert isinstance(launch, Launch)
    assert launch.tasks[0].resources == Resources.of(cpus=0.25)
    assert launch.tasks[0].command == CommandInfo(value="true", shell=False, arguments=("true",))


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (("accept", 1), "accept: got 1, expected an object"),
        (("framework_id", None), "framework_id: is missing"),
        (("framework_id", "f"), "framework_id: got 'f', expected an object"),
        (("type", "LAUNCH_MISSILES"), "type: got 'LAUNCH_MISSILES', expected one of SUBSCRIBE"),
        (("accept", {"offer_ids": [{"value": "o"}, 2]}), r"accept\.offer_ids\[1\]: got 2"),
        (("accept", {"operations": [{"type": "GROW"}]}), r"accept\.operations\[0\]\.type: .*expected one of LAUNCH"),
        (("accept", {"filters": {"refuse_seconds": "soon"}}), r"accept\.filters\.refuse_seconds: got 'soon'"),
    ],
)
def test_an_error_names_the_field_and_what_was_expected(change, path):
    document = {"type": "ACCEPT", "framework_id": {"value": "f"}, "accept": {}}
    document[change[0]] = change[1]

    with pytest.raises(InvalidRequest, match=path):
        decode_call(document)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("executor", {"executor_id": {"value": "e"}, "command": {"user": 1}}),
        ("container", "DOCKER"),
        ("data", "no base64"),
        ("limits", {"cpus": 2.0}),
        ("check", {"type": "TCP", "tcp": {}}),
        ("max_completion_time", {"nanoseconds": 1e30}),
        ("resources", [{"name": "ports"}]),
        ("resources", [{"name": "cpus", "type": "SCALAR", "scalar": {"value": "much"}}]),
        ("command", {"value": "x", "uris": [{"executable": True}]}),
    ],
)
def test_what_a_task_cannot_be_given_is_refused_not_passed_over(field, value):
    task = {"name": "t", "task_id": {"value": "t"}, "agent_id": {"value": "a"}, "command": {"value": "true"}}
    launch = {"type": "LAUNCH", "launch": {"task_infos": [{**task, field: value}]}}

    with pytest.raises(InvalidRequest, match=rf"task_infos\[0\]\.{field}"):
        decode_call({"type": "ACCEPT", "framework_id": {"value": "f"}, "accept": {"operations": [launch]}})


def test_of_a_masters_offer_all_but_resources_of_unknown_sorts_are_kept():
    scalar = {"name": "cpus", "type": "SCALAR", "scalar": {"value": 2.0}}
    offer = {
        "id": {"value": "o"},
        "framework_id": {"value": "f"},
        "agent_id": {"value": "a"},
        "hostname": "h",
        "resources": [
            {**scalar, "role": "*", "allocation_info": {"role": "ads"}},
            {**scalar, "reservations": [{"type": "STATIC", "role": "ads"}]},
            {"name": "ports", "type": "RANGES", "ranges": {"range": [{"begin": 1, "end": 2}]}},
            {"name": "links", "type": "GRAPH", "graph": {}},
            {**scalar, "name": "disk", "disk": {"source": {"type": "TAPE"}}},
            {**scalar, "reservations": [{"type": "STATIC", "role": "*"}]},
        ],
    }

    event = decode_event({"type": "OFFERS", "offers": {"offers": [offer]}})

    assert event.offers[0].resources == Resources.parse("cpus:2;cpus(ads):2;ports:[1-2]")


@pytest.mark.parametrize(("refined", "reservation"), [(True, "reservations"), (False, "reservation")])
def test_a_framework_is_told_of_reservations_in_the_form_it_knows(refined, reservation):
    reserved = Resources.parse("cpus:2").pushed(Reservation(ReservationType.DYNAMIC, "ads", "me"))
    both = reserved + Resources.parse("mem:5;ports:[1-2]")
    offer = Offer(id="o", framework_id="f", agent_id="a", hostname="h", resources=both, role="ads", port=1)

    document = encode_event(Offers((offer,)), refined=refined)

    entries = {entry["name"]: entry for entry in document["offers"]["offers"][0]["resources"]}
    assert {"reservation", "reservations"} & set(entries["cpus"]) == {reservation}
    # Source: convertResourceFormat: with reservations there is no role, whether anything is reserved or not
    roles = {name: entry.get("role") for name, entry in entries.items()}
    assert roles == {"cpus": None if refined else "ads", **dict.fromkeys(("mem", "ports"), None if refined else "*")}
    assert decode_event(document).offers[0].resources == both


def test_inverse_offers_and_answers_are_written_as_mesos_has_them():
    unavailability = Unavailability(10**18, 3600 * 10**9)
    asked = InverseOffer(id="o", framework_id=FRAMEWORK, agent_id="a", unavailability=unavailability)
    answer = {"framework_id": FRAMEWORK, "inverse_offer_ids": ("o",), "filters": Filters(30.0)}
    written = {"inverse_offer_ids": [{"value": "o"}], "filters": {"refuse_seconds": 30.0}}

    assert encode_event(InverseOffers((asked,))) == {
        "type": "INVERSE_OFFERS",
        "inverse_offers": {
            "inverse_offers": [
                {
                    "id": {"value": "o"},
                    "framework_id": {"value": FRAMEWORK},
                    "agent_id": {"value": "a"},
                    "unavailability": {
                        "start": {"nanoseconds": 10**18},
                        "duration": {"nanoseconds": 3600 * 10**9},
                    },
                }
            ]
        },
    }
    assert encode_event(RescindInverseOffer("o")) == {
        "type": "RESCIND_INVERSE_OFFER",
        "rescind_inverse_offer": {"inverse_offer_id": {"value": "o"}},
    }
    for kind, name in (
        (AcceptInverseOffers, "accept_inverse_offers"),
        (DeclineInverseOffers, "decline_inverse_offers"),
    ):
        document = encode_call(kind(**answer))
        assert document == {"type": name.upper(), "framework_id": {"value": FRAMEWORK}, name: written}
        del document[name]["filters"]
        assert decode_call(document).filters == Filters()


def test_an_offer_says_when_its_agent_is_to_be_serviced():
    offer = Offer(
        id="o",
        framework_id="f",
        agent_id="a",
        hostname="h",
        resources=Resources.parse("cpus:1"),
        role="*",
        port=1,
        unavailability=Unavailability(5),
    )

    document = encode_event(Offers((offer,)))

    assert document["offers"]["offers"][0]["unavailability"] == {"start": {"nanoseconds": 5}}
    assert decode_event(document).offers == (offer,)


@pytest.mark.parametrize(
    "document",
    [
        {"type": "WORDS_TO_COME"},
    ],
)
def test_an_event_without_meaning_here_is_none(document):
    assert decode_event(document) is None


@pytest.mark.parametrize(
    ("framework", "roles"),
    [
        ({"role": "ads"}, ("ads",)),
        ({}, ("*",)),
        ({"roles": ["a", "b"], "capabilities": [{"type": "MULTI_ROLE"}]}, ("a", "b")),
    ],
)
def test_roles_are_read_in_either_form(framework, roles):
    info = {"name": "n", "user": "u", **framework}

    call = decode_call({"type": "SUBSCRIBE", "subscribe": {"framework_info": info}})

    assert call.framework.roles == roles


def test_offer_constraints_are_read_as_mesos_writes_them():
    group = [
        {"selector": {"attribute_name": "rack"}, "predicate": {"text_matches": {"regex": "r[12]"}}},
        {"selector": {"pseudoattribute_type": "HOSTNAME"}, "predicate": {"not_exists": {}}},
    ]
    subscribe = {
        "framework_info": {"name": "n", "user": "u", "role": "ads", "id": {"value": ""}},
        "suppressed_roles": ["ads"],
        "offer_constraints": {"role_constraints": {"ads": {"groups": [{"attribute_constraints": group}]}}},
    }

    call = decode_call({"type": "SUBSCRIBE", "framework_id": {"value": ""}, "subscribe": subscribe})

    first = AttributeConstraint("rack", Predicate.TEXT_MATCHES, "r[12]")
    second = AttributeConstraint(PseudoAttribute.HOSTNAME, Predicate.NOT_EXISTS)
    assert call.constraints == (RoleConstraints("ads", ((first, second),)),)
    assert call.suppressed_roles == ("ads",)
    assert call.framework.id is None


@pytest.mark.parametrize(
    ("constraint", "path"),
    [
        ({"selector": {}, "predicate": {"exists": {}}}, r"selector\.attribute_name: is missing"),
        (
            {"selector": {"pseudoattribute_type": "RACK"}, "predicate": {"exists": {}}},
            "got 'RACK', expected one of HOST",
        ),
        ({"selector": {"attribute_name": "a"}, "predicate": {}}, "predicate: names 0 predicates"),
        ({"selector": {"attribute_name": "a"}, "predicate": {"text_equals": {}}}, r"text_equals\.value: is missing"),
    ],
)
def test_an_offer_constraint_that_says_nothing_is_refused_with_its_path(constraint, path):
    constraints = {"role_constraints": {"*": {"groups": {"attribute_constraints": constraint}}}}
    subscribe = {"framework_info": {"name": "n", "user": "u"}, "offer_constraints": constraints}

    with pytest.raises(InvalidRequest, match=path):
        decode_call({"type": "SUBSCRIBE", "subscribe": subscribe})


@pytest.mark.parametrize(
    ("framework", "field"),
    [
        ({"role": "ads", "capabilities": [{"type": "MULTI_ROLE"}]}, "role"),
        ({"roles": ["ads"]}, "roles"),
    ],
)
@pytest.mark.parametrize("call", ["subscribe", "update_framework"])
def test_roles_in_the_form_of_the_other_capability_are_a_problem(call, framework, field):
    info = {"name": "n", "user": "u", **framework}
    document = {"type": call.upper(), "framework_id": {"value": ""}, call: {"framework_info": info}}

    decode_call(document)

    assert re.match(rf"{call}\.framework_info\.{field}: .*MULTI_ROLE", role_problem(document))


@pytest.mark.parametrize(
    "framework", [{}, {"role": "ads"}, {"roles": []}, {"roles": "ads", "capabilities": {"type": "MULTI_ROLE"}}]
)
def test_roles_in_the_right_form_are_none(framework):
    info = {"name": "n", "user": "u", **framework}

    assert role_problem({"type": "SUBSCRIBE", "subscribe": {"framework_info": info}}) is None
    assert role_problem({"type": "TEARDOWN", "subscribe": {"framework_info": {"roles": ["a"]}}}) is None


def test_a_subscribe_whose_two_ids_differ_is_refused():
    info = {"name": "n", "user": "u", "id": {"value": "f-1"}}

    with pytest.raises(InvalidRequest, match="framework_id: got 'f-2'"):
        decode_call({"type": "SUBSCRIBE", "framework_id": {"value": "f-2"}, "subscribe": {"framework_info": info}})


# Goal: chunk boundaries mean nothing. Method: one stream cut at arbitrary places.
@given(st.lists(st.binary(max_size=40), max_size=6), st.lists(st.integers(min_value=0, max_value=300), max_size=8))
def test_records_come_out_whole_however_the_stream_is_cut(records, cuts):
    stream = b"".join([frame(record) for record in records])
    bounds = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    reader = Records()

    received = [record for start, end in itertools.pairwise(bounds) for record in reader.feed(stream[start:end])]

    assert received == records
    assert reader.is_between_records


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_a_stream_of_anything_raises_nothing_but_invalid_request(pieces):
    reader = Records(bytes_max=100)

    problems = [problem_of(reader.feed, piece) for piece in pieces]

    assert all(problem is None or problem.startswith("stream: ") for problem in problems)


@pytest.mark.parametrize("stream", [b"\n", b"x", b"-1\n", b"1 \nx", b"9" * 30, b"101\n", b"+5\nhello"])
def test_a_bad_length_is_refused_as_soon_as_it_shows(stream):
    reader = Records(bytes_max=100)

    with pytest.raises(InvalidRequest, match="stream: "):
        reader.feed(stream)


def test_a_stream_that_ends_inside_a_record_can_be_told():
    reader = Records()

    assert reader.feed(b"5\nhel") == []
    assert not reader.is_between_records
    assert reader.feed(b"lo") == [b"hello"]
    assert reader.is_between_records
