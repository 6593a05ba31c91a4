"""The operator API of a real master: the checks in Mesos's order, and each call by what it says and what it does."""

# Source: facts of Mesos's master.proto and http.cpp; the names in comments are those of its tests.

import gzip
import json

import pytest

import libactor as la
from mesoslite.api import master_app
from mesoslite.api.operator_calls import NOT_SERVED
from mesoslite.master import MasterOptions
from mesoslite.model import (
    NO_FRAMEWORK,
    ApplyOperation,
    Drain,
    FaultDomain,
    MasterStanding,
    OperationState,
    OperationStatus,
    OperationUpdate,
)

from .fakes import FakeMaster, request
from .live import Live

MACHINE = {"hostname": "host"}
WHEN = {"start": {"nanoseconds": 10**18}, "duration": {"nanoseconds": 5}}
WINDOW = {"machine_ids": [MACHINE], "unavailability": WHEN}
SCHEDULE = {"windows": [WINDOW]}


def agent_of(agent_id):
    return {"agent_id": {"value": agent_id}}


@pytest.mark.parametrize(
    ("body", "headers", "status", "text"),
    [
        (b"{}", {}, 400, "Content-Type"),
        (b"{}", {"content_type": "application/x-protobuf"}, 415, "application/x-protobuf"),
        (b"{", {"content_type": "application/json"}, 400, "Failed to parse body into JSON"),
        (b"[]", {"content_type": "application/json"}, 400, "Failed to validate master::Call: the document"),
        (b"{}", {"content_type": "application/json", "accept": "text/html"}, 400, "type: is missing"),
        (b'{"type": "NO_SUCH"}', {"content_type": "application/json"}, 400, "type: got 'NO_SUCH'"),
        (b'{"type": "TEARDOWN"}', {"content_type": "application/json"}, 400, "teardown: is missing"),
        (b'{"type": "GET_HEALTH"}', {"content_type": "application/json", "accept": "text/html"}, 406, "Accept"),
        (b'{"type": "UNKNOWN"}', {"content_type": "application/json", "accept": "text/html"}, 406, "Accept"),
        (b'{"type": "UNKNOWN"}', {"content_type": "application/json"}, 501, "UNKNOWN"),
        (b'{"type": "UNKNOWN"}', {"content_type": "application/json", "accept": ", ,"}, 501, "UNKNOWN"),
    ],
)
def test_a_call_that_cannot_be_answered_is_told_why(live, body, headers, status, text):
    answer = live.ask("POST", "/api/v1", body, **headers)

    assert answer.status == status
    assert text in answer.body.decode()


def test_who_leads_comes_before_the_method(runtime):
    standby = master_app(runtime.spawn(FakeMaster(standing=MasterStanding())))

    assert request(standby, "GET", "/api/v1").status == 503


def test_another_method_is_refused(live):
    refused = live.ask("GET", "/api/v1")

    assert (refused.status, refused.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/api/v1", "/master/api/v1/", "/api/v1/operator", "/master/api/v1/operator/x"])
def test_every_path_below_reaches_it_that_is_no_other_endpoint(live, path):
    assert live.call("GET_HEALTH", path) == (200, {"healthy": True})


def test_every_call_that_is_not_served_says_so(live):
    assert {live.call(kind)[0] for kind in NOT_SERVED} == {501}


# ---- what only asks ----


def test_the_version_is_a_number_that_clients_parse(live):
    status, answer = live.call("GET_VERSION")

    assert status == 200
    assert [part.isdigit() for part in answer["version_info"]["version"].split(".")] == [True] * 3


def test_a_master_says_who_it_is_and_since_when_it_leads(live):
    # Source: MasterAPITest.GetMaster
    live.runtime.clock.advance(5)

    _, answer = live.call("GET_MASTER")

    info = answer["master_info"]
    assert (info["ip"], info["port"], info["hostname"]) == (0x0100007F, 5050, "127.0.0.1")
    assert {"id", "pid", "version", "address", "capabilities"} <= info.keys()
    assert answer["elected_time"] == answer["start_time"] == live.runtime.clock.now() - 5


def test_a_master_says_where_it_is(runtime):
    # Source: MasterTest.DomainEndpoints
    live = Live(runtime, MasterOptions(domain=FaultDomain("a", "a-1")))

    _, answer = live.call("GET_MASTER")

    assert answer["master_info"]["domain"] == {"fault_domain": {"region": {"name": "a"}, "zone": {"name": "a-1"}}}


def test_metrics_are_a_list_of_names_and_values(live):
    # Source: MasterAPITest.GetMetrics
    live.agent()

    _, answer = live.call("GET_METRICS", timeout={"nanoseconds": 10**10})

    metrics = {metric["name"]: metric["value"] for metric in answer["metrics"]}
    assert (len(metrics), metrics["master/slaves_active"]) == (len(answer["metrics"]), 1.0)
    status, text = live.call("GET_METRICS", timeout={"nanoseconds": -1})
    assert (status, "get_metrics.timeout" in text) == (400, True)


def test_very_many_metrics_are_sent_a_piece_at_a_time_unless_they_are_compressed(live):
    columns = tuple([f"{place:03}" for place in range(100)])
    rows = [la.metrics.Row(f"{'shelf' * 20}-{number:03}", columns, [number] * 100) for number in range(100)]
    live.runtime.metrics.add(la.metrics.Table("shop", lambda: rows))
    body, as_json = b'{"type": "GET_METRICS"}', "application/json"

    plain = live.ask("POST", "/api/v1", body, content_type=as_json)
    compressed = live.ask("POST", "/api/v1", body, content_type=as_json, accept_encoding="gzip")

    assert "content-length" not in plain.headers
    assert len(plain.body) > 1_000_000  # several pieces
    of_shop = [
        [one for one in json.loads(text)["get_metrics"]["metrics"] if one["name"].startswith("shop/")]
        for text in (plain.body, gzip.decompress(compressed.body))
    ]
    assert (
        of_shop[0]
        == of_shop[1]
        == [{"name": f"shop/{row.name}/{column}", "value": row.values[0]} for row in rows for column in columns]
    )


# ---- frameworks and agents ----


def test_a_framework_is_torn_down_once(live):
    # Source: MasterAPITest.Teardown, TeardownTest.RecoveredFrameworkAfterMasterFailover
    _, framework_id = live.framework()

    assert live.call("TEARDOWN", framework_id={"value": framework_id}) == (200, "")
    assert live.call("TEARDOWN", framework_id={"value": framework_id})[0] == 400
    assert live.call("TEARDOWN", framework_id=framework_id)[0] == 400


def test_an_agent_is_declared_gone_and_may_be_again(live):
    # Source: MasterAPITest.MarkRegisteredAgentGone
    _, agent_id = live.agent()

    assert live.call("MARK_AGENT_GONE", **agent_of("nobody"))[0] == 404
    assert live.call("MARK_AGENT_GONE", **agent_of(agent_id)) == (200, "")
    assert live.call("MARK_AGENT_GONE", **agent_of(agent_id)) == (200, "")


# Method: the registry holds one back, and the other is asked meanwhile.
def test_what_meets_another_change_of_the_agent_is_to_be_asked_again_or_is_too_late(live):
    _, agent_id = live.agent()
    live.registry.hold()
    gone = la.dispatch(live.master, type(live.master._process.actor).mark_agent_gone, agent_id)
    live.settle()

    assert live.call("MARK_AGENT_GONE", **agent_of(agent_id))[0] == 503

    live.registry.release()
    gone.get(timeout=60)
    assert live.call("DEACTIVATE_AGENT", **agent_of(agent_id))[0] == 400


def test_an_agent_is_deactivated_and_reactivated(live):
    # Source: MasterAPITest.DeactivateAgent, ReactivateAgent
    _, agent_id = live.agent()

    assert live.call("REACTIVATE_AGENT", **agent_of(agent_id))[0] == 400
    assert live.call("DEACTIVATE_AGENT", **agent_of(agent_id)) == (200, "")
    [agent] = json.loads(live.ask("GET", "/state").body)["slaves"]
    assert (agent["active"], agent["deactivated"]) == (False, True)
    assert live.call("REACTIVATE_AGENT", **agent_of(agent_id)) == (200, "")
    assert live.call("DEACTIVATE_AGENT", **agent_of("nobody"))[0] == 400


def test_an_agent_is_drained_with_the_grace_that_was_asked_for(live):
    # Source: MasterDrainingTest.DrainAgent; the grace is a Duration of protobuf, in seconds and nanoseconds
    agent, agent_id = live.agent()
    grace = {"seconds": 9, "nanos": 500_000_000}

    assert live.call("DRAIN_AGENT", **agent_of(agent_id), max_grace_period="10mins")[0] == 400
    assert live.call("DRAIN_AGENT", **agent_of(agent_id), max_grace_period={"seconds": -1})[0] == 400
    assert live.call("DRAIN_AGENT", **agent_of(agent_id), max_grace_period=grace, mark_gone=True) == (200, "")

    [drain] = [message for message in live.heard(agent) if isinstance(message, Drain)]
    assert (drain.max_grace_seconds, drain.mark_gone) == (9.5, True)
    assert live.call("DRAIN_AGENT", **agent_of("nobody"))[0] == 400


# ---- maintenance ----


def test_a_machine_is_scheduled_taken_down_and_brought_up(live):
    # Source: MasterAPITest.UpdateAndGetMaintenanceSchedule, GetMaintenanceStatus, StartAndStopMaintenance
    assert live.call("GET_MAINTENANCE_SCHEDULE") == (200, {"schedule": {}})
    assert live.call("GET_MAINTENANCE_STATUS") == (200, {"status": {}})

    assert live.call("UPDATE_MAINTENANCE_SCHEDULE", schedule=SCHEDULE) == (200, "")
    assert live.call("GET_MAINTENANCE_SCHEDULE") == (200, {"schedule": SCHEDULE})
    assert live.call("GET_MAINTENANCE_STATUS") == (200, {"status": {"draining_machines": [{"id": MACHINE}]}})

    assert live.call("STOP_MAINTENANCE", machines=[MACHINE])[0] == 400
    assert live.call("START_MAINTENANCE", machines=MACHINE) == (200, "")
    assert live.call("GET_MAINTENANCE_STATUS") == (200, {"status": {"down_machines": [MACHINE]}})
    assert live.call("STOP_MAINTENANCE", machines=[MACHINE]) == (200, "")
    assert live.call("GET_MAINTENANCE_SCHEDULE") == (200, {"schedule": {}})


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        ({"windows": [{"machine_ids": [MACHINE]}]}, "schedule.windows[0].unavailability: is missing"),
        ({"windows": [{**WINDOW, "machine_ids": []}]}, "expected a tuple of one or more"),
        ({"windows": [{**WINDOW, "machine_ids": [{}]}]}, "host name"),
        ({"windows": [WINDOW, WINDOW]}, "named twice"),
        ({"windows": [{**WINDOW, "machine_ids": ["host"]}]}, "machine_ids[0]: got 'host', expected an object"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(live, schedule, text):
    status, answer = live.call("UPDATE_MAINTENANCE_SCHEDULE", schedule=schedule)

    assert (status, text in answer) == (400, True)


# ---- roles ----


def test_a_quota_is_set_updated_and_removed(live):
    # Source: MasterAPITest.SetQuota, UpdateAndGetQuota, RemoveQuota
    guarantee = [{"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}}]
    request = {"role": "web", "guarantee": guarantee}
    live.agent("cpus:4;mem:1024")

    assert live.call("GET_QUOTA") == (200, {"status": {}})
    assert live.call("SET_QUOTA", quota_request=request) == (200, "")
    assert live.call("SET_QUOTA", quota_request=request)[0] == 400
    one = {"role": "web", "guarantees": {"cpus": {"value": 1.0}}, "limits": {"cpus": {"value": 1.0}}}
    [info] = live.call("GET_QUOTA")[1]["status"]["infos"]
    assert info == {"role": "web", "guarantee": [{**guarantee[0], "scalar": {"value": 1.0}}]}
    assert live.call("GET_QUOTA")[1]["status"]["configs"] == [one]

    config = {"role": "web", "limits": {"mem": {"value": 0}, "cpus": {"value": 2.5}}}
    assert live.call("UPDATE_QUOTA", quota_configs=[config]) == (200, "")
    assert live.call("GET_QUOTA")[1]["status"]["configs"] == [config]
    assert live.call("REMOVE_QUOTA", role="web") == (200, "")
    assert live.call("REMOVE_QUOTA", role="web")[0] == 400


def test_more_than_the_cluster_has_is_guaranteed_only_by_force(live):
    # Source: MasterQuotaTest.InsufficientResourcesSingleAgent
    config = {"role": "web", "guarantees": {"cpus": {"value": 9}}}
    request = {"role": "web", "guarantee": [{"name": "cpus", "type": "SCALAR", "scalar": {"value": 9}}]}
    live.agent("cpus:4;mem:1024")

    assert live.call("UPDATE_QUOTA", quota_configs=config)[0] == 400
    assert live.call("SET_QUOTA", quota_request=request)[0] == 409
    assert live.call("UPDATE_QUOTA", quota_configs=config, force=True) == (200, "")


@pytest.mark.parametrize(
    "guarantee",
    [
        [],
        [{"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}}] * 2,
        [{"name": "cpus", "type": "SCALAR", "scalar": {"value": -1}}],
        [{"name": "ports", "type": "RANGES", "ranges": {"range": [{"begin": 1, "end": 2}]}}],
        [{"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}, "role": "ads", "reservation": {}}],
    ],
)
def test_what_is_no_plain_amount_cannot_be_guaranteed(live, guarantee):
    # Source: MasterQuotaTest.SetInvalidRequest
    assert live.call("SET_QUOTA", quota_request={"role": "web", "guarantee": guarantee, "force": True})[0] == 400


@pytest.mark.parametrize("amount", [-1, float("inf"), 1e30, "x", [1]])
def test_an_amount_that_is_none_is_refused(live, amount):
    config = {"role": "web", "limits": {"cpus": {"value": amount}}}

    assert live.call("UPDATE_QUOTA", quota_configs=[config])[0] == 400


def test_weights_are_given(live):
    # Source: MasterAPITest.GetWeights, UpdateWeights
    assert live.call("GET_WEIGHTS") == (200, {})
    assert live.call("UPDATE_WEIGHTS", weight_infos=[{"role": "web", "weight": 4}]) == (200, "")
    assert live.call("GET_WEIGHTS") == (200, {"weight_infos": [{"role": "web", "weight": 4.0}]})
    assert live.call("UPDATE_WEIGHTS", weight_infos=[{"role": "web", "weight": 0}])[0] == 400


DISK = {"name": "disk", "type": "SCALAR", "reservations": [{"type": "DYNAMIC", "role": "web"}]}
PERSISTENT = {"persistence": {"id": "v"}, "volume": {"mode": "RW", "container_path": "data"}}


def disk(mib, **details):
    return {**DISK, "scalar": {"value": mib}, **details}


def test_resources_are_reserved_and_made_volumes(live):
    # Source: MasterAPITest.ReserveResources, UnreserveResources, CreateAndDestroyVolumes, GrowVolume, ShrinkVolume
    agent, agent_id = live.agent("cpus:4;mem:1024;disk:100")

    for kind, fields in (
        ("RESERVE_RESOURCES", {"resources": [disk(20)]}),
        ("CREATE_VOLUMES", {"volumes": [disk(10, disk=PERSISTENT)]}),
        ("GROW_VOLUME", {"volume": disk(10, disk=PERSISTENT), "addition": disk(5)}),
        ("SHRINK_VOLUME", {"volume": disk(15, disk=PERSISTENT), "subtract": {"value": 3}}),
        ("DESTROY_VOLUMES", {"volumes": [disk(12, disk=PERSISTENT)]}),
        ("UNRESERVE_RESOURCES", {"resources": [disk(20)]}),
    ):
        assert live.call(kind, **agent_of(agent_id), **fields) == (202, ""), kind

    done = [type(one.operation).__name__ for one in live.heard(agent) if isinstance(one, ApplyOperation)]
    assert done == ["Reserve", "Create", "GrowVolume", "ShrinkVolume", "Destroy", "Unreserve"]


def test_an_operators_operation_is_listed_while_its_agent_has_not_answered(live):
    agent, agent_id = live.agent("cpus:4;mem:1024;disk:100")
    live.call("RESERVE_RESOURCES", **agent_of(agent_id), resources=[disk(20)])

    [operation] = live.call("GET_OPERATIONS")[1]["operations"]
    uuid = next(one.operation_uuid for one in live.heard(agent) if isinstance(one, ApplyOperation))
    finished = OperationState.OPERATION_FINISHED
    status = OperationStatus(state=finished, uuid=b"s" * 16, agent_id=agent_id)
    update = OperationUpdate(framework_id=NO_FRAMEWORK, operation_uuid=uuid, status=status, latest_state=finished)
    la.post(live.master, update, sender=agent)
    live.settle()

    latest = {"state": "OPERATION_PENDING", "agent_id": {"value": agent_id}}
    assert (operation["info"]["type"], operation["latest_status"]) == ("RESERVE", latest)
    assert "framework_id" not in operation
    assert live.call("GET_OPERATIONS")[1] == {}


def test_what_cannot_be_reserved_says_why(live):
    # Source: ReservationEndpointsTest.InsufficientResources, NoSlaveId
    agent_id = live.agent("cpus:4;mem:1024;disk:100")[1]

    assert live.call("RESERVE_RESOURCES", **agent_of(agent_id), resources=[disk(101)])[0] == 409
    assert live.call("RESERVE_RESOURCES", **agent_of("nobody"), resources=[disk(1)])[0] == 400
    assert live.call("RESERVE_RESOURCES", resources=[disk(1)])[0] == 400
    assert live.call("RESERVE_RESOURCES", **agent_of(agent_id))[0] == 400
    assert live.call("GROW_VOLUME", **agent_of(agent_id), volume=disk(1, disk=PERSISTENT))[0] == 400
    bad = disk(1, reservations=[{"type": "DYNAMIC", "role": "a//b"}])
    status, text = live.call("RESERVE_RESOURCES", **agent_of(agent_id), resources=[bad])
    assert status == 400
    assert "reserve_resources.resources[0]" in text
