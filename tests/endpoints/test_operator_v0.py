"""The operators' endpoints without a version, of a real master; what they do is in test_operator_api.py."""

import json
from urllib.parse import urlencode

import pytest

from mesoslite.api import master_app
from mesoslite.model import ApplyOperation, Leader, MasterInfo, MasterStanding

from .fakes import FakeMaster, request

MACHINE = {"hostname": "host"}
SCHEDULE = {"windows": [{"machine_ids": [MACHINE], "unavailability": {"start": {"nanoseconds": 10**18}}}]}
CPU = {"name": "cpus", "type": "SCALAR", "scalar": {"value": 1.0}}
READ = ["/registrar(1)/registry", "/quota", "/weights", "/maintenance/schedule", "/maintenance/status"]
CHANGED = [
    ("POST", "/teardown"),
    ("POST", "/quota"),
    ("DELETE", "/quota/web"),
    ("PUT", "/weights"),
    ("POST", "/maintenance/schedule"),
    ("POST", "/machine/down"),
    ("POST", "/machine/up"),
    ("POST", "/reserve"),
    ("POST", "/unreserve"),
    ("POST", "/create-volumes"),
    ("POST", "/destroy-volumes"),
]


def get(live, path):
    answer = live.ask("GET", path)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    return json.loads(answer.body)


def send(live, method, path, document, **headers):
    return live.ask(method, path, json.dumps(document).encode(), **headers).status


@pytest.mark.parametrize(("method", "path"), [*CHANGED, *[("GET", path) for path in READ], ("GET", "/machine/up")])
def test_a_master_that_does_not_lead_names_the_one_that_does(runtime, method, path):
    standing = MasterStanding(leader=Leader(MasterInfo(id="m", hostname="elsewhere", port=5051)))
    app = master_app(runtime.spawn(FakeMaster(standing=standing)))

    answer = request(app, method, f"/master{path}", query="a=b")

    assert (answer.status, answer.headers["location"]) == (307, f"//elsewhere:5051/master{path}?a=b")


@pytest.mark.parametrize(("method", "path"), CHANGED)
def test_a_page_from_elsewhere_changes_nothing(live, method, path):
    evil = live.ask(method, path, host="127.0.0.1:5050", origin="https://evil.example")
    hidden = live.ask(method, path, host="127.0.0.1:5050", origin="null")
    ours = live.ask(method, path, host="127.0.0.1:5050", origin="http://127.0.0.1:5050")

    assert (evil.status, hidden.status, ours.status) == (403, 403, 400)


@pytest.mark.parametrize("path", READ)
def test_what_is_read_may_be_a_script_and_compressed_and_has_no_other_methods(live, path):
    assert live.ask("GET", f"/master{path}/", query="jsonp=f").body.startswith(b"f(")
    assert live.ask("HEAD", path).status == 200
    assert live.ask("PATCH", path).status == 405


# Source: TeardownTest.Success, BadRequest, InvalidFrameworkId
def test_a_framework_is_torn_down_by_a_form(live):
    _, framework_id = live.framework()

    assert live.ask("POST", "/teardown", b"").status == 400
    assert live.ask("POST", "/teardown", b"frameworkId=nobody").status == 400
    assert live.ask("POST", "/teardown", b"\xff").status == 400
    assert live.ask("POST", "/teardown", b"a&" * 200 + b"frameworkId=" + framework_id.encode()).status == 400
    done = live.ask("POST", "/master/teardown", f"frameworkId={framework_id.replace('-', '%2D')}".encode())
    assert (done.status, done.body) == (200, b"")
    assert live.ask("POST", "/teardown", f"frameworkId={framework_id}".encode()).status == 400
    assert live.ask("GET", "/teardown").status == 405


# Source: MasterQuotaTest.SetExistingQuota, RemoveQuotaNoQuota, StatusSingleQuota
def test_a_quota_is_set_read_and_removed(live):
    live.agent("cpus:4;mem:1024")
    request = {"role": "web", "guarantee": [CPU]}

    assert get(live, "/quota") == {}
    assert send(live, "POST", "/quota", request) == 200
    assert send(live, "POST", "/quota", request) == 400
    assert send(live, "POST", "/quota", {"role": "ads", "guarantee": [{**CPU, "scalar": {"value": 9}}]}) == 409
    one = {"role": "web", "guarantees": {"cpus": {"value": 1.0}}, "limits": {"cpus": {"value": 1.0}}}
    assert get(live, "/quota") == {"infos": [request], "configs": [one]}

    assert [live.ask("DELETE", path).status for path in ("/quota", "/quota/ads", "/master/quota/web/")] == [
        400,
        400,
        200,
    ]
    assert get(live, "/quota") == {}


# Source: DynamicWeightsTest.PutInvalidRequest, UpdateWeightsWithExplictWhitelist
def test_weights_are_put_and_read(live):
    weights = [{"role": "web", "weight": 2.5}]

    assert get(live, "/weights") == []
    assert send(live, "PUT", "/weights", weights) == 200
    assert get(live, "/weights") == weights
    assert [send(live, "PUT", "/weights", wrong) for wrong in ({}, "x", [1], [{"role": "web", "weight": -1}])] == [
        400
    ] * 4
    assert live.ask("PUT", "/weights", b"{").status == 400


RESERVED = {**CPU, "role": "web", "reservation": {"principal": "ops"}}
DISK = {**CPU, "name": "disk", "reservations": [{"type": "DYNAMIC", "role": "web"}]}
VOLUME = {**DISK, "disk": {"persistence": {"id": "v"}, "volume": {"mode": "RW", "container_path": "data"}}}


def post(live, path, **fields):
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
    return live.ask("POST", path, urlencode(texts).encode()).status


# Source: ReservationEndpointsTest.AvailableResources, PersistentVolumeEndpointsTest.StaticReservation
def test_resources_are_reserved_and_made_volumes_by_forms(live):
    agent, agent_id = live.agent("cpus:4;mem:1024;disk:10")

    for path, fields in (
        ("/reserve", {"resources": [RESERVED]}),
        ("/reserve", {"resources": [{**RESERVED, "role": "ads"}], "source": [RESERVED]}),
        ("/master/unreserve", {"resources": [{**RESERVED, "role": "ads"}]}),
        ("/reserve", {"resources": [DISK]}),
        ("/create-volumes", {"volumes": [VOLUME]}),
        ("/destroy-volumes", {"volumes": [VOLUME]}),
    ):
        assert post(live, path, slaveId=agent_id, **fields) == 202, path

    done = [type(one.operation).__name__ for one in live.heard(agent) if isinstance(one, ApplyOperation)]
    assert done == ["Reserve", "Reserve", "Unreserve", "Reserve", "Create", "Destroy"]


def test_a_large_form_is_read_as_well(live):
    agent, agent_id = live.agent("cpus:4;mem:1024")
    labels = [{"key": "k", "value": "x" * 1000}]
    many = [{**RESERVED, "scalar": {"value": 0.001}, "reservation": {"labels": {"labels": labels}}}] * 100

    assert post(live, "/reserve", slaveId=agent_id, resources=many) == 202
    assert post(live, "/reserve", slaveId=agent_id, resources=json.dumps(many)[:-1]) == 400
    [done] = [one.operation for one in live.heard(agent) if isinstance(one, ApplyOperation)]
    assert done.resources.milli("cpus") == 100


# Source: ReservationEndpointsTest.NoSlaveId, NoResources, InvalidResource, InsufficientResources
def test_a_form_that_asks_for_what_cannot_be_is_refused(live):
    agent_id = live.agent("cpus:4;mem:1024")[1]

    assert [
        post(live, "/reserve", resources=[RESERVED]),
        post(live, "/reserve", slaveId=agent_id),
        post(live, "/reserve", slaveId="nobody", resources=[RESERVED]),
        post(live, "/reserve", slaveId=agent_id, resources="[" * 100_000),
        post(live, "/reserve", slaveId=agent_id, resources="[{"),
        post(live, "/reserve", slaveId=agent_id, resources=RESERVED),
        post(live, "/reserve", slaveId=agent_id, resources=[CPU]),
        post(live, "/reserve", slaveId=agent_id, resources=[RESERVED], source="x"),
        post(live, "/create-volumes", slaveId=agent_id, resources=[VOLUME]),
    ] == [400] * 9
    assert post(live, "/reserve", slaveId=agent_id, resources=[{**RESERVED, "scalar": {"value": 5}}]) == 409


# Source: MasterMaintenanceTest.UpdateSchedule, BringDownMachines, BringUpMachines
def test_machines_are_scheduled_taken_down_and_brought_up(live):
    assert (get(live, "/maintenance/schedule"), get(live, "/maintenance/status")) == ({}, {})
    assert send(live, "POST", "/maintenance/schedule", SCHEDULE, content_type="text/plain") == 200
    assert get(live, "/maintenance/schedule") == SCHEDULE
    assert get(live, "/maintenance/status") == {"draining_machines": [{"id": MACHINE}]}

    assert send(live, "POST", "/machine/up", [MACHINE]) == 400
    assert send(live, "POST", "/machine/down", MACHINE) == 400
    assert send(live, "POST", "/machine/down", [MACHINE]) == 200
    assert get(live, "/maintenance/status") == {"down_machines": [MACHINE]}
    assert send(live, "POST", "/maintenance/schedule", {}) == 400
    assert send(live, "POST", "/machine/up", [MACHINE]) == 200
    assert get(live, "/maintenance/schedule") == {}


def test_the_registry_is_shown_as_mesos_keeps_it(live):
    # Source: Mesos src/master/registry.proto; the endpoint is the registrar's own
    assert get(live, "/registrar(1)/registry").keys() == {"master"}
    _, agent_id = live.agent()
    _, gone = live.agent(hostname="other")
    grace = {"seconds": 9}
    assert live.call("DRAIN_AGENT", agent_id={"value": agent_id}, max_grace_period=grace) == (200, "")
    assert live.call("MARK_AGENT_GONE", agent_id={"value": gone}) == (200, "")
    assert send(live, "PUT", "/weights", [{"role": "web", "weight": 2}]) == 200
    assert send(live, "POST", "/maintenance/schedule", SCHEDULE) == 200
    config = {"role": "web", "limits": {"cpus": {"value": 1.0}}}
    assert live.call("UPDATE_QUOTA", quota_configs=[config]) == (200, "")

    registry = get(live, "/registrar(1)/registry")

    assert list(registry) == [
        "master", "slaves", "machines", "schedules", "weights", "gone", "minimum_capabilities", "quota_configs",
    ]  # fmt: skip
    assert registry["master"]["info"].keys() == {"id", "port", "pid", "hostname", "version", "capabilities"}
    assert registry["master"]["info"]["pid"] == "master@localhost:5050"
    [agent] = registry["slaves"]["slaves"]
    assert agent["info"]["id"] == {"value": agent_id}
    assert agent["drain_info"]["config"] == {"max_grace_period": {"nanoseconds": 9 * 10**9}, "mark_gone": False}
    assert agent["deactivated"] is True
    [lost] = registry["gone"]["slaves"]
    assert (lost["id"], list(lost["timestamp"])) == ({"value": gone}, ["nanoseconds"])
    [machine] = registry["machines"]["machines"]
    unavailability = SCHEDULE["windows"][0]["unavailability"]
    assert machine["info"] == {"id": MACHINE, "mode": "DRAINING", "unavailability": unavailability}
    assert registry["schedules"] == [SCHEDULE]
    assert registry["weights"] == [{"info": {"role": "web", "weight": 2.0}}]
    assert {one["capability"] for one in registry["minimum_capabilities"]} == {"AGENT_DRAINING", "QUOTA_V2"}
    assert registry["quota_configs"] == [config]
