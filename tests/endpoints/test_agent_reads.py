"""What an agent shows over HTTP without a version in the path: the members of its documents, in Mesos's order."""

# Source: Mesos src/slave/http.cpp (FrameworkWriter, ExecutorWriter, Http::containers, Http::statistics),
#   src/common/http.cpp (json of Task and TaskInfo); git_*, external_log_file and what draining asks of an
#   agent are left out, as docs/http-api.md says.

import json

import pytest
from msgspec.structs import replace

import libactor as la
from mesoslite.api import agent_app
from mesoslite.model import (
    AgentFramework,
    Attribute,
    CommandInfo,
    ContainerID,
    ContainerUsage,
    ExecutorID,
    ExecutorInfo,
    ExecutorRun,
    ExecutorType,
    FaultDomain,
    FrameworkID,
    FrameworkInfo,
    Label,
    Resources,
    TaskState,
)
from mesoslite.model.documents import FrozenDocument

from .fakes import FakeAgent, agent_snapshot, request
from .schemas_v0 import (
    ANY,
    ATTRIBUTES,
    BY_ROLE,
    DOMAIN,
    FLAG,
    LABELS,
    NUMBER,
    RESOURCES,
    TEXT,
    WHOLE,
    never_there,
    problems,
)
from .schemas_v0 import TASK as MASTERS_TASK
from .test_agent_api import run_of

REFUSED = ("limits?", "container?", "health_check?")  # agents take no tasks with these
TASK = {"role?" if key == "role" else key: each for key, each in MASTERS_TASK.items() if key not in REFUSED}
QUEUED: dict = {
    "id": TEXT,
    "name": TEXT,
    "slave_id": TEXT,
    "resources": RESOURCES,
    "role?": TEXT,
    "executor_id": TEXT,
    "discovery?": ANY,
}
EXECUTOR: dict = {
    "id": TEXT,
    "name": TEXT,
    "source": TEXT,
    "container": TEXT,
    "directory": TEXT,
    "resources": RESOURCES,
    "role?": TEXT,
    "labels?": LABELS,
    "type?": TEXT,
    "tasks": [TASK],
    "queued_tasks": [QUEUED],
    "completed_tasks": [TASK],
}
FRAMEWORK: dict = {
    "id": TEXT,
    "name": TEXT,
    "user": TEXT,
    "failover_timeout": NUMBER,
    "checkpoint": FLAG,
    "hostname": TEXT,
    "principal?": TEXT,
    "role?": TEXT,  # or roles
    "roles?": [TEXT],
    "executors": [EXECUTOR],
    "completed_executors": [{**EXECUTOR, "tasks": [ANY], "queued_tasks": [ANY]}],
}
RAN = {"executor_id": TEXT, "executor_name": TEXT, "framework_id": TEXT, "source": TEXT}
STATISTICS = {
    "timestamp": NUMBER,
    "processes": WHOLE,
    "threads": WHOLE,
    "cpus_user_time_secs": NUMBER,
    "cpus_system_time_secs": NUMBER,
    "mem_rss_bytes": WHOLE,
    "cpus_limit?": NUMBER,
    "cpus_soft_limit?": NUMBER,
    "mem_limit_bytes?": WHOLE,
    "mem_soft_limit_bytes?": WHOLE,
}
SCHEMAS: dict = {
    "/state": {
        "version": TEXT,
        "build_date": TEXT,
        "build_time": NUMBER,
        "build_user": TEXT,
        "mesoslite": {"version": TEXT},  # ours
        "start_time": NUMBER,
        "id": TEXT,
        "pid": TEXT,
        "hostname": TEXT,
        "capabilities": [TEXT],
        "domain?": DOMAIN,
        "resources": RESOURCES,
        "reserved_resources": BY_ROLE,
        "unreserved_resources": RESOURCES,
        "reserved_resources_full": {"...": [ANY]},
        "unreserved_resources_full": [ANY],
        "reserved_resources_allocated": BY_ROLE,
        "unreserved_resources_allocated": RESOURCES,
        "resource_providers": [ANY],
        "attributes": ATTRIBUTES,
        "master_hostname?": TEXT,
        "log_dir?": TEXT,
        "flags": {"...": TEXT},
        "frameworks": [FRAMEWORK],
        "completed_frameworks": [{**FRAMEWORK, "executors": [ANY]}],
    },
    "/containers": [
        {
            "framework_id": TEXT,
            "executor_id": TEXT,
            "executor_name": TEXT,
            "source": TEXT,
            "container_id": TEXT,
            "status": {"container_id": {"value": TEXT}, "executor_pid": WHOLE},
            "statistics?": STATISTICS,
        }
    ],
    "/monitor/statistics": [{**RAN, "statistics": STATISTICS}],
    "/containerizer/debug": {"pending": [ANY]},
}


class Meter:
    def measure(self):
        usage = ContainerUsage(
            processes=2, threads=5, cpus_user_time_secs=1.5, cpus_system_time_secs=0.25, mem_rss_bytes=4096
        )
        return {ContainerID("c-run"): usage, ContainerID("c-e"): usage}


OWN = ExecutorInfo(
    executor_id=ExecutorID("e"),
    type=ExecutorType.CUSTOM,
    command=CommandInfo(value="serve", user="operator"),
    resources=Resources.of(cpus=1, mem=64),
    labels=(Label("tier"), Label("a", "b")),
)
DISCOVERY = FrozenDocument.of({"visibility": "CLUSTER"})


def run(task_id, state=TaskState.TASK_RUNNING, *, pid=None, role="ads", where=None, statuses=True, **details):
    made = run_of(task_id, state)
    record = replace(made.task, info=replace(made.task.info, **details), role=role)
    record = record if statuses else replace(record, statuses=())
    return replace(made, task=record, pid=pid, container_id=ContainerID(where or f"c-{task_id}"))


def said(made, **details):
    """That run, whose status says these as well."""
    [status] = made.task.statuses
    return replace(made, task=replace(made.task, statuses=(replace(status, **details),)))


def of_executor(task_id, **details):
    made = run(task_id, where="c-e", command=None, executor=OWN, **details)
    return replace(made, executor_container_id=ContainerID("c-e"))


def framework(framework_id, **details):
    told = {name: details.pop(name) for name in ("roles", "principal", "capabilities") if name in details}
    return AgentFramework(info=FrameworkInfo(name="f", id=FrameworkID(framework_id), **told), **details)


def executor_run(container_id="c-e", **details):
    return ExecutorRun(info=OWN, container_id=ContainerID(container_id), sandbox="/s/e", pid=7, **details)


OVER = (run("over", TaskState.TASK_FINISHED),)
FRAMEWORKS = (
    framework(
        "f-1",
        roles=("ads",),
        principal="p",
        tasks=(
            said(
                run("run", pid=42, discovery=DISCOVERY, command=CommandInfo(value="true", user="root")),
                labels=(Label("a", "b"),),
                healthy=True,
                container_status=FrozenDocument.of({"executor_pid": 42}),
            ),
            run("bare", pid=43, labels=(), statuses=False, resources=Resources()),
            run("ended", TaskState.TASK_FAILED),
        ),
        completed_tasks=OVER,
    ),
    framework(
        "f-2",
        roles=("ads", "web"),
        capabilities=("MULTI_ROLE",),
        tasks=(
            of_executor("inside"),
            of_executor("waits", discovery=DISCOVERY),
            of_executor("waits-too", role=""),
            run("whose", role=""),
        ),
        executors=(executor_run(role="ads", queued=("waits", "waits-too")),),
        completed_executors=(executor_run("c-past"),),
    ),
)
PAST = (
    framework("f-3", completed_tasks=OVER, principal="p"),
    framework("f-4", roles=("ads", "web"), completed_executors=(executor_run("c-past", role="ads"),)),
    framework("f-5", completed_tasks=(said(OVER[0], labels=(Label("a"),), healthy=False),)),
)
FLAGS = {"log_dir": "/var/log"}
RESERVED = Resources.parse("cpus(web):1;cpus:2;mem:512;ports:[1-9];zones:{a,b}")


def snapshot(*frameworks, completed=(), master="master@192.0.2.1:5050"):
    bare = agent_snapshot(*frameworks)
    attributes, domain = (Attribute("rack", "r1"), Attribute("ssds", 2.0)), FaultDomain("a", "a-1")
    info = replace(bare.info, resources=RESERVED, attributes=attributes, domain=domain)
    return replace(bare, info=info, completed_frameworks=completed, master=master)


FULL = snapshot(*FRAMEWORKS, completed=PAST)
EMPTY = replace(agent_snapshot(), master=None)


def answer_to(what, path, method="GET", query="", flags=FLAGS, work_dir="/nowhere"):
    with la.Runtime() as runtime:
        runtime.clock.pause()
        app = agent_app(runtime.spawn(FakeAgent(what)), work_dir, runtime=runtime, flags=flags, meter=Meter())
        return request(app, method, path, query=query)


def shown(what, path, **asked):
    answer = answer_to(what, path, **asked)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    return json.loads(answer.body)


# Goal: what clients of Mesos read is there, of the type it has there, and nothing else. Method: an agent with something
# in each field, and one with nothing; each member that may be absent is seen once.
@pytest.mark.parametrize("path", SCHEMAS)
def test_a_document_has_the_members_of_its_schema(path):
    documents = [shown(FULL, path), shown(EMPTY, path, flags={})]

    assert [line for document in documents for line in problems(document, SCHEMAS[path])] == []
    seldom = never_there(SCHEMAS[path], documents)  # completed executors are of the same form as others
    assert [line for line in seldom if ".completed_" not in line] == []


@pytest.mark.parametrize("path", SCHEMAS)
def test_an_endpoint_is_a_scripts_as_well_and_only_read(path):
    assert answer_to(FULL, f"/slave(1){path}/", query="jsonp=f").body.startswith((b"f({", b"f(["))
    assert answer_to(FULL, f"{path}.json").status == 200
    assert answer_to(FULL, path, "HEAD").status == 200
    refused = answer_to(FULL, path, "POST")
    assert (refused.status, refused.headers["allow"]) == (405, "GET")


def test_members_that_say_nothing_are_absent():
    framework, several = shown(FULL, "/state")["frameworks"]
    by_id = {one["id"]: one for one in framework["executors"]}
    queued = {one["id"]: one for one in several["executors"][0]["queued_tasks"]}

    assert not framework.keys() & {"roles"}
    assert not several.keys() & {"role", "principal"}
    assert not by_id["bare"].keys() & {"labels", "type"}
    assert not by_id["bare"]["tasks"][0].keys() & {"user", "labels", "discovery"}
    assert not queued["waits-too"].keys() & {"role", "discovery"}
    assert not shown(EMPTY, "/state", flags={}).keys() & {"master_hostname", "log_dir"}


# Source: Mesos src/common/protobuf_utils.cpp (createTask)
def test_a_task_says_the_user_of_its_command_or_of_its_executors():
    framework, several = shown(FULL, "/state")["frameworks"]
    [of_command] = [one["tasks"][0] for one in framework["executors"] if one["id"] == "run"]

    assert (of_command["user"], several["executors"][0]["tasks"][0]["user"]) == ("root", "operator")
    assert (of_command["executor_id"], of_command["discovery"]) == ("", {"visibility": "CLUSTER"})


def test_the_operator_api_says_it_as_well(runtime, tmp_path):
    app = agent_app(runtime.spawn(FakeAgent(FULL)), tmp_path)

    body = b'{"type": "GET_TASKS"}'
    answer = request(app, "POST", "/api/v1", body, content_type="application/json")

    launched = json.loads(answer.body)["get_tasks"]["launched_tasks"]
    assert {one["task_id"]["value"]: one["user"] for one in launched if "user" in one} == {
        "run": "root",
        "inside": "operator",
    }


@pytest.mark.parametrize(
    ("master", "hostname"),
    [("master@192.0.2.1:5050", "192.0.2.1"), ("master@[::1]:5050", "::1"), ("master@local-1", "localhost")],
)
def test_the_host_of_the_master_is_told(master, hostname):
    assert shown(snapshot(master=master), "/state")["master_hostname"] == hostname


def test_what_is_reserved_and_allocated_is_told_apart():
    state = shown(FULL, "/state")

    assert state["resources"] == {"cpus": 3, "gpus": 0, "mem": 512, "disk": 0, "ports": "[1-9]", "zones": "{a, b}"}
    assert state["reserved_resources"] == {"web": {"cpus": 1, "gpus": 0, "mem": 0, "disk": 0}}
    assert (state["unreserved_resources"]["cpus"], state["attributes"]) == (2, {"rack": "r1", "ssds": 2})
    assert state["unreserved_resources_allocated"]["mem"] == 64
    assert [one["reservations"][0]["role"] for one in state["reserved_resources_full"]["web"]] == ["web"]
    assert "*" in [one["role"] for one in state["unreserved_resources_full"]]
