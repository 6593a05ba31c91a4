"""What a master shows operators without a version in the path: the members of the documents, in Mesos's order."""

# Source: Mesos's messages as JSON: include/mesos/{quota,maintenance}/*.proto, src/master/registry.proto, and
#   src/master/{quota,weights}_handler.cpp. As Mesos makes JSON of its messages, a list that is empty is left out.
# What each of the changes does is in test_operator_v0.py.

import json

import pytest

import libactor as la
from mesoslite.api import master_app
from mesoslite.model import AgentID, AgentInfo, Attribute, FrameworkID, MasterInfo, Resources, Unavailability
from mesoslite.model.maintenance import DrainingMachine, InverseAnswer, MaintenanceStatus
from mesoslite.model.registry import (
    DrainInfo,
    DrainState,
    GoneAgent,
    Machine,
    MachineID,
    MachineMode,
    QuotaConfig,
    RegistryAgent,
    RegistryState,
    Schedule,
    UnreachableAgent,
    Weight,
    Window,
)

from .fakes import FakeMaster, request
from .schemas_v0 import ANY, FLAG, NUMBER, TEXT, WHOLE, never_there, problems

ID = {"value": TEXT}
TIME = {"nanoseconds": WHOLE}
AMOUNTS = {"...": {"value": NUMBER}}
MACHINE = {"hostname?": TEXT, "ip?": TEXT}
SCALAR = {"name": TEXT, "type": TEXT, "scalar": {"value": NUMBER}}
UNAVAILABILITY = {"start": TIME, "duration?": TIME}
SCHEDULE = {"windows?": [{"machine_ids": [MACHINE], "unavailability": UNAVAILABILITY}]}
QUOTA = {"role": TEXT, "guarantees?": AMOUNTS, "limits?": AMOUNTS}
WITHDRAWN = {
    "drain_info?": {"state": TEXT, "config": {"max_grace_period?": TIME, "mark_gone": FLAG}},
    "deactivated?": FLAG,
}
AGENT = {"hostname": TEXT, "port": WHOLE, "resources": [ANY], "attributes?": [ANY], "id": ID}
SCHEMAS: dict = {
    "/quota": {"infos?": [{"role": TEXT, "guarantee?": [SCALAR]}], "configs?": [QUOTA]},
    "/weights": [{"role": TEXT, "weight": NUMBER}],
    "/maintenance/schedule": SCHEDULE,
    "/maintenance/status": {
        "draining_machines?": [
            {"id": MACHINE, "statuses?": [{"status": TEXT, "framework_id": ID, "timestamp": TIME}]},
        ],
        "down_machines?": [MACHINE],
    },
    "/registrar(1)/registry": {
        "master?": {
            "info": {
                "id": TEXT,
                "port": WHOLE,
                "pid": TEXT,
                "hostname": TEXT,
                "version": TEXT,
                "capabilities": [{"type": TEXT}],
            }
        },
        "slaves?": {"slaves": [{"info": AGENT, **WITHDRAWN}]},
        "machines?": {"machines": [{"info": {"id": MACHINE, "mode": TEXT, "unavailability": UNAVAILABILITY}}]},
        "schedules?": [SCHEDULE],
        "weights?": [{"info": {"role": TEXT, "weight": NUMBER}}],
        "unreachable?": {"slaves": [{"id": ID, "timestamp": TIME, **WITHDRAWN}]},
        "gone?": {"slaves": [{"id": ID, "timestamp": TIME}]},
        "minimum_capabilities?": [{"capability": TEXT}],
        "quota_configs?": [QUOTA],
    },
}

HERE, THERE = MachineID("here", "192.0.2.1"), MachineID(ip="192.0.2.2")
LATER, OPEN = Unavailability(10**18, 10**12), Unavailability(10**18)
WINDOWS = Schedule((Window((HERE, THERE), LATER), Window((MachineID("alone"),), OPEN)))
QUOTAS = (QuotaConfig("ads", (), (("mem", 0),)), QuotaConfig("web", (("cpus", 1500),), (("cpus", 4000),)))
WEIGHTS = (Weight("web", 2.5),)
DRAIN = DrainInfo(DrainState.DRAINING, 5.0, True)


def agent(agent_id, *attributes):
    resources = Resources.of(cpus=2)
    return AgentInfo(hostname="here", port=5051, resources=resources, attributes=attributes, id=AgentID(agent_id))


STATUS = MaintenanceStatus(
    (
        DrainingMachine(HERE, (InverseAnswer(FrameworkID("f"), AgentID("s"), accepted=True, time=1.5),)),
        DrainingMachine(THERE),
    ),
    (MachineID("down"), MachineID(ip="192.0.2.3")),
)
REGISTRY = RegistryState(
    master=MasterInfo(id="m", hostname="here", port=5050, pid="master@here:5050"),
    agents=(
        RegistryAgent(agent("s-0", Attribute("rack", "r1")), DRAIN, True),
        RegistryAgent(agent("s-1"), DrainInfo(DrainState.DRAINED)),
    ),
    unreachable=(UnreachableAgent(AgentID("s-2"), 10**18, DRAIN, True), UnreachableAgent(AgentID("s-3"), 10**18)),
    gone=(GoneAgent(AgentID("s-4"), 10**18),),
    machines=(Machine(HERE, MachineMode.DRAINING, LATER), Machine(THERE, MachineMode.DOWN, OPEN)),
    schedule=WINDOWS,
    quotas=QUOTAS,
    weights=WEIGHTS,
    minimum_capabilities=("QUOTA_V2",),
)


class Full(FakeMaster):
    """Has something in each field."""

    def quotas(self):
        return QUOTAS

    def schedule(self):
        return WINDOWS

    def maintenance_status(self):
        return STATUS

    def registry(self):
        return REGISTRY


class Empty(FakeMaster):
    def quotas(self):
        return ()

    def weights(self):
        return ()

    def schedule(self):
        return Schedule()

    def maintenance_status(self):
        return MaintenanceStatus()

    def registry(self):
        return RegistryState()


def shown(master, path):
    with la.Runtime() as runtime:
        answer = request(master_app(runtime.spawn(master())), "GET", path)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    return json.loads(answer.body)


# Goal: what clients of Mesos read is there, of the type it has there, and nothing else. Method: a master with something
# in each field, and one with nothing; each member that may be absent is seen once.
@pytest.mark.parametrize("path", SCHEMAS)
def test_a_document_has_the_members_of_its_schema(path):
    documents = [shown(Full, path), shown(Empty, path)]

    assert [line for document in documents for line in problems(document, SCHEMAS[path])] == []
    assert never_there(SCHEMAS[path], documents) == []
    assert documents[1] == ([] if path == "/weights" else {})


def test_a_quota_is_told_in_both_forms():
    told = shown(Full, "/quota")

    guarantee = {"name": "cpus", "type": "SCALAR", "scalar": {"value": 1.5}}
    assert told["infos"] == [{"role": "ads"}, {"role": "web", "guarantee": [guarantee]}]
    assert told["configs"] == [
        {"role": "ads", "limits": {"mem": {"value": 0.0}}},
        {"role": "web", "guarantees": {"cpus": {"value": 1.5}}, "limits": {"cpus": {"value": 4.0}}},
    ]


def test_machines_are_told_by_the_names_they_have():
    [draining, other] = shown(Full, "/maintenance/status")["draining_machines"]

    assert draining["id"] == {"hostname": "here", "ip": "192.0.2.1"}
    assert draining["statuses"] == [
        {"status": "ACCEPT", "framework_id": {"value": "f"}, "timestamp": {"nanoseconds": 1_500_000_000}}
    ]
    assert other == {"id": {"ip": "192.0.2.2"}}


# The methods of whatever operators ask for; GET's answers HEAD too. What is left out is refused.
METHODS = {
    "/state": "GET",
    "/state-summary": "GET",
    "/slaves": "GET",
    "/frameworks": "GET",
    "/tasks": "GET",
    "/roles": "GET",
    "/redirect": "GET",
    "/quota": "GET, POST, DELETE",
    "/weights": "GET, PUT",
    "/maintenance/schedule": "GET, POST",
    "/maintenance/status": "GET",
    "/machine/down": "POST",
    "/machine/up": "POST",
    "/teardown": "POST",
    "/reserve": "POST",
    "/unreserve": "POST",
    "/create-volumes": "POST",
    "/destroy-volumes": "POST",
    "/registrar(1)/registry": "GET",
    "/api/v1": "POST",
    "/api/v1/scheduler": "POST",
}


def test_each_path_has_its_methods_and_says_them(runtime):
    app = master_app(runtime.spawn(Full()))

    for path, allowed in METHODS.items():
        others = {"GET", "POST", "PUT", "DELETE", "PATCH"} - set(allowed.split(", "))
        told = [request(app, method, path) for method in others]
        assert [(path, each.status, each.headers["allow"]) for each in told] == [(path, 405, allowed)] * len(told)


@pytest.mark.parametrize(("path", "status"), [("/redirect", 503), ("/master/redirect/", 503), ("/redirect/state", 404)])
def test_a_redirect_leads_to_the_leader_alone(runtime, path, status):
    # Source: Mesos src/master/http.cpp (Master::Http::redirect)
    assert request(master_app(runtime.spawn(Empty())), "GET", path).status == status


@pytest.mark.parametrize("path", ["/state", "/slaves", "/frameworks", "/tasks", "/roles", "/quota", "/weights"])
def test_a_name_of_before_mesos_1_is_served_too(runtime, path):
    app = master_app(runtime.spawn(Full()))

    assert request(app, "GET", f"/master{path}.json").body == request(app, "GET", path).body
