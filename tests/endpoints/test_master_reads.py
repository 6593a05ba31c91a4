"""What a master shows over HTTP without a version in the path: its documents, from views of its books."""

import json

import msgspec.inspect as inspect
import pytest
from msgspec.structs import replace

import libactor as la
from mesoslite.api import master_app
from mesoslite.model import FaultDomain, ValueType
from mesoslite.model.records import Agent, Executor, Framework, Offer, Range, Resource, Status, Task
from mesoslite.model.states import TaskState

from .fakes import FakeMaster, request
from .made_structs import versions
from .schemas_v0 import SCHEMAS, never_there, problems
from .slow_v0 import agent_full_v0, agent_v0, executor_v0, framework_end_v0, framework_v0, offer_v0, task_v0
from .views import agent, amounts, framework, task, view


def filled(kind, **fields):
    """A record with something in each field; resources are some that can be."""
    whole = versions(inspect.type_info(kind))[0][1]
    held = (*amounts("web", cpus=2), Resource("ports", ValueType.RANGES, ranges=(Range(1, 3),)))
    resources = {name: held for name in ("resources", "used", "offered") if hasattr(whole, name)}
    return replace(whole, **{**resources, **fields})


FULL = view(
    domain=FaultDomain("a", "a-1"),
    agents=[filled(Agent), agent("m-S1", active=False)],
    recovered=[filled(Agent, id="m-S2")],
    frameworks=[
        framework(
            "text",
            record=filled(Framework, reregistered_time=9),
            tasks=[filled(Task), task("bare")],
            unreachable=[filled(Task, task_id="lost")],
            completed=([filled(Task, task_id="old")], [filled(Task, task_id="older")]),
            offers=[filled(Offer)],
            executors=[filled(Executor), filled(Executor, executor_id="bare", command=None)],
        ),
        framework("several", record=filled(Framework, id="several", role=None)),
        framework("bare"),
    ],
    completed=[
        framework("gone", record=filled(Framework, id="gone", reregistered_time=9), completed=([filled(Task)],)),
        framework("bare", record=filled(Framework, id="past", role=None)),
    ],
)
EMPTY = view()


FLAGS = {"port": "5050", "log_dir": "/var/log", "cluster": "north"}


def shown(what, path, flags=FLAGS, **query):
    """The document at a path, as a master with that view shows it."""
    with la.Runtime() as runtime:
        app = master_app(runtime.spawn(FakeMaster(what)), flags=flags)
        answer = request(app, "GET", path, query="&".join([f"{name}={value}" for name, value in query.items()]))
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    return json.loads(answer.body)


# Goal: what clients of Mesos read is there, of the type it has there, and nothing else. Method: books with something in
# each field, with nothing in any that may be empty, and empty ones; each member that may be absent is seen once.
@pytest.mark.parametrize("path", SCHEMAS)
def test_a_document_has_the_members_of_its_schema(path):
    documents = [shown(what, path) for what in (FULL, EMPTY)]

    assert [line for document in documents for line in problems(document, SCHEMAS[path])] == []
    assert never_there(SCHEMAS[path], documents) == []


@pytest.mark.parametrize("path", SCHEMAS)
def test_an_endpoint_is_a_scripts_as_well_and_only_read(runtime, path):
    app = master_app(runtime.spawn(FakeMaster(FULL)))

    assert request(app, "GET", f"/master{path}", query="jsonp=f").body.startswith(b"f({")
    assert request(app, "POST", path).status == 405
    assert request(app, "HEAD", path).body == b""


def test_members_that_say_nothing_are_absent():
    [bare] = [each for each in shown(FULL, "/state")["frameworks"] if each["id"] == "bare"]
    [away] = [each for each in shown(FULL, "/state")["slaves"] if each["id"] == "m-S1"]

    assert not bare.keys() & {"pid", "principal", "reregistered_time", "role", "labels"}
    assert (bare["roles"], bare["offer_constraints"], bare["unregistered_time"]) == ([], {}, 0.0)
    assert not away.keys() & {"domain", "reregistered_time", "drain_info", "estimated_drain_start_time_seconds"}


def test_offer_constraints_are_told_by_framework():
    asked = {"role_constraints": {"web": {"groups": []}}}
    some = view(frameworks=[framework(record=filled(Framework, id="f", offer_constraints=asked)), framework("bare")])

    assert shown(some, "/hierarchical-allocator(1)/offer_constraints_debug") == {"f": asked}
    assert shown(EMPTY, "/hierarchical-allocator(1)/offer_constraints_debug") == {}


def test_the_state_shows_all_that_there_is():
    state = shown(FULL, "/state")

    first = FULL.frameworks[0]
    assert state["slaves"] == [agent_v0(one.decode()) for one in FULL.agents]
    assert [one["id"] for one in state["recovered_slaves"]] == ["m-S2"]
    assert state["frameworks"][0] == {
        **framework_v0(first.framework.decode()),
        "tasks": [task_v0(one.decode()) for one in first.tasks],
        "unreachable_tasks": [task_v0(one.decode()) for one in first.unreachable_tasks],
        "completed_tasks": [task_v0(one.decode()) for part in first.completed_tasks for one in part],
        "offers": [offer_v0(one.decode()) for one in first.offers],
        "executors": [executor_v0(one.decode()) for one in first.executors],
        **framework_end_v0(first.framework.decode()),
    }
    assert [each["id"] for each in state["completed_frameworks"]] == ["gone", "past"]
    assert [one["id"] for one in state["completed_frameworks"][0]["completed_tasks"]] == ["text"]


def test_the_state_says_who_the_master_is_and_counts_agents():
    state = shown(FULL, "/state")

    assert state["leader"] == state["pid"] == "master@localhost:5050"
    assert state["domain"] == {"fault_domain": {"region": {"name": "a"}, "zone": {"name": "a-1"}}}
    told = {"id": "m", "pid": state["pid"], "port": 5050, "hostname": "localhost", "domain": state["domain"]}
    assert state["leader_info"] == told
    assert (state["start_time"], state["elected_time"]) == (1.5, 2.5)
    assert (state["activated_slaves"], state["deactivated_slaves"], state["unreachable_slaves"]) == (1, 1, 2)
    assert state["capabilities"] == ["AGENT_UPDATE", "AGENT_DRAINING", "QUOTA_V2"]
    assert (state["flags"], state["log_dir"]) == (FLAGS, "/var/log")
    assert shown(view(hostname="::1"), "/state")["pid"] == "master@[::1]:5050"


def test_agents_are_shown_with_their_resources_in_full():
    slaves = shown(FULL, "/slaves")

    assert slaves["slaves"] == [agent_full_v0(one.decode()) for one in FULL.agents]


@pytest.mark.parametrize(
    ("agent_id", "expected"), [("m-S1", (["m-S1"], [])), ("m-S2", ([], ["m-S2"])), ("m-S9", ([], [])), ("", ([], []))]
)
def test_one_agent_can_be_asked_for(agent_id, expected):
    found = shown(FULL, "/slaves", slave_id=agent_id)

    assert ([one["id"] for one in found["slaves"]], [one["id"] for one in found["recovered_slaves"]]) == expected


@pytest.mark.parametrize(("framework_id", "expected"), [("bare", (1, 0)), ("gone", (0, 1)), ("none", (0, 0))])
def test_one_framework_can_be_asked_for(framework_id, expected):
    found = shown(FULL, "/frameworks", framework_id=framework_id)

    assert (len(found["frameworks"]), len(found["completed_frameworks"])) == expected
    assert {each["id"] for each in found["frameworks"] + found["completed_frameworks"]} <= {framework_id}


TASKS = view(
    frameworks=[
        framework("f", tasks=[task("b", timestamp=2.0), task("e", timestamp=5.0), task("none")]),
        framework("g", unreachable=[task("c", framework="g", timestamp=3.0)]),
    ],
    completed=[
        framework("h", completed=([task("a", framework="h", timestamp=1.0)], [task("d", framework="h", timestamp=4.0)]))
    ],
)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "e d c b a none"),
        ({"order": "asc"}, "none a b c d e"),
        ({"order": "des"}, "e d c b a none"),
        ({"limit": "2"}, "e d"),
        ({"limit": "2", "offset": "1", "order": "asc"}, "a b"),
        ({"limit": "0"}, ""),
        ({"offset": "9"}, ""),
        ({"limit": "many", "offset": "-1"}, "e d c b a none"),
        ({"offset": "999999999999999999"}, ""),
        ({"framework_id": "f"}, "e b none"),
        ({"framework_id": "h", "order": "asc"}, "a d"),
        ({"framework_id": "x"}, ""),
        ({"task_id": "d"}, "d"),
        ({"task_id": "d", "framework_id": "f"}, ""),
        ({"task_id": "none"}, "none"),
    ],
)
def test_tasks_are_pages_by_the_time_of_their_first_status(query, expected):
    found = shown(TASKS, "/tasks", **query)

    assert [one["id"] for one in found["tasks"]] == expected.split()


def test_a_hundred_tasks_are_shown_unless_told():
    many = view(frameworks=[framework("f", tasks=[task(f"t-{one}", timestamp=float(one)) for one in range(150)])])

    found = shown(many, "/tasks", order="asc")

    assert [one["id"] for one in found["tasks"]] == [f"t-{one}" for one in range(100)]
    assert len(shown(many, "/tasks", limit="140")["tasks"]) == 140


def test_a_task_that_changed_its_state_is_sorted_by_its_first_status():
    late = replace(task("late", timestamp=1.0), statuses=(_status(1.0), _status(9.0)))
    both = view(frameworks=[framework("f", tasks=[late, task("t", timestamp=5.0)])])

    assert [one["id"] for one in shown(both, "/tasks")["tasks"]] == ["t", "late"]


def _status(timestamp):
    return Status("late", TaskState.TASK_RUNNING, timestamp)


def test_a_summary_counts_the_tasks_of_agents_and_frameworks():
    done = TaskState.TASK_FINISHED
    what = view(
        agents=[agent("m-S0"), agent("m-S1")],
        frameworks=[
            framework(
                "f",
                tasks=[task("a"), task("b"), task("c", agent="m-S1", state=TaskState.TASK_STAGING)],
                unreachable=[task("d", state=TaskState.TASK_UNREACHABLE)],
                completed=([task("e", state=done)], [task("e", state=done), task("g", state=TaskState.TASK_GONE)]),
            ),
            framework("g", tasks=[task("a", agent="m-S1")]),
        ],
        completed=[framework("h", completed=([task("z")],))],
    )

    summary = shown(what, "/state-summary")

    counts = [{name: one[name] for name in one if name.startswith("TASK_") and one[name]} for one in summary["slaves"]]
    assert counts == [
        {"TASK_RUNNING": 2, "TASK_UNREACHABLE": 1, "TASK_FINISHED": 2},
        {"TASK_RUNNING": 1, "TASK_STAGING": 1},
    ]
    assert [one["framework_ids"] for one in summary["slaves"]] == [["f"], ["f", "g"]]
    assert [(one["id"], one["TASK_RUNNING"]) for one in summary["frameworks"]] == [("f", 2), ("g", 1)]
    assert [sorted(one["slave_ids"]) for one in summary["frameworks"]] == [["m-S0", "m-S1"], ["m-S1"]]


def holder(framework_id, role, cpus, *, state=TaskState.TASK_RUNNING, reserved="*"):
    """A framework with a task of that role."""
    held = replace(task("t", state=state), role=role, resources=amounts(reserved, cpus=cpus))
    record = Framework(framework_id, framework_id, "root", 4, role=role)
    offer = Offer(f"o-{framework_id}", framework_id, "m-S0", "host", role, amounts(mem=64))
    return framework(framework_id, record=record, tasks=[held], offers=[offer])


# Goal: what a role has, and those above it consume. Method: tasks that are reserved for, that are over, of a role
# below; by hand.
def test_roles_are_added_up_over_frameworks_and_agents():
    what = view(
        agents=[agent("m-S0", resources=amounts("web", cpus=8)), agent("m-S1", resources=amounts("web/a/b", cpus=2))],
        frameworks=[
            holder("f", "web", 1),
            holder("g", "web", 2, reserved="web"),
            holder("h", "web/a/b", 4),
            holder("i", "ads", 8, state=TaskState.TASK_FINISHED),
        ],
    )

    roles = {one["name"]: one for one in shown(what, "/roles")["roles"]}

    assert list(roles) == ["ads", "web", "web/a", "web/a/b"]
    web = roles["web"]
    assert (web["weight"], web["quota"]["guarantee"], web["quota"]["limit"]) == (
        2.5,
        {"cpus": 1.0},
        {"cpus": 4.0, "mem": 0.0},
    )
    assert (web["allocated"], web["offered"], web["reserved"]) == ({"cpus": 3.0}, {"mem": 128.0}, {"cpus": 8.0})
    assert web["resources"] == {"cpus": 3.0, "gpus": 0.0, "mem": 128.0, "disk": 0.0}
    assert web["frameworks"] == ["f", "g"]
    consumed = {name: one["quota"]["consumed"] for name, one in roles.items()}
    assert consumed == {"ads": {}, "web": {"cpus": 15.0}, "web/a": {"cpus": 6.0}, "web/a/b": {"cpus": 6.0}}
    assert (roles["ads"]["weight"], roles["ads"]["allocated"], roles["ads"]["frameworks"]) == (1.0, {}, ["i"])


def test_only_the_roles_that_are_served_are_shown_if_told():
    what = view(frameworks=[holder("f", "ads", 1)])

    roles = shown(what, "/roles", flags={"roles": " a/b ,,*"})["roles"]

    assert [one["name"] for one in roles] == ["*", "a", "a/b"]


def test_an_empty_cluster_has_no_roles(live):
    assert json.loads(live.ask("GET", "/roles").body) == {"roles": []}
    assert live.call("GET_ROLES") == (200, {})


def test_the_call_shows_roles_with_what_they_hold_and_are_offered(live):
    live.agent("cpus:4;mem:1024;ports:[1-9]")
    _, framework_id = live.framework(roles=("web",))

    status, told = live.call("GET_ROLES")

    [role] = told["roles"]
    assert (status, role["name"], role["weight"], role["frameworks"]) == (200, "web", 1.0, [{"value": framework_id}])
    offered = {one["name"]: one.get("scalar", one.get("ranges")) for one in role["resources"]}
    assert offered == {
        "cpus": {"value": 4.0},
        "mem": {"value": 1024.0},
        "ports": {"range": [{"begin": 1, "end": 9}]},
    }


def test_a_weight_that_was_set_is_seen_by_who_has_the_tag_of_before(live):
    live.framework(roles=("web",))
    tag = live.ask("GET", "/roles").headers["etag"]
    assert live.ask("GET", "/roles", if_none_match=tag).status == 304

    live.call("UPDATE_WEIGHTS", weight_infos=[{"role": "web", "weight": 3.0}])

    [role] = json.loads(live.ask("GET", "/roles", if_none_match=tag).body)["roles"]
    assert (role["name"], role["weight"]) == ("web", 3.0)


# Goal: a reply never predates a write that was acknowledged before. Method: each write through the API of a real
# master, then a read; and a poller that has the tag of what was there before the write.
def test_what_was_acknowledged_is_seen_by_whoever_asks_then(live):
    first = live.ask("GET", "/state")
    _, agent_id = live.agent()
    _, framework_id = live.framework(failover_timeout=9.0)

    answer = live.ask("GET", "/state", if_none_match=first.headers["etag"])

    state = json.loads(answer.body)
    assert [one["id"] for one in state["slaves"]] == [agent_id]
    assert [one["id"] for one in state["frameworks"]] == [framework_id]
    assert live.ask("GET", "/state", if_none_match=answer.headers["etag"]).status == 304

    assert live.call("DEACTIVATE_AGENT", agent_id={"value": agent_id})[0] == 200
    after = live.ask("GET", "/state", if_none_match=answer.headers["etag"])
    assert json.loads(after.body)["slaves"][0]["deactivated"]

    live.call("TEARDOWN", framework_id={"value": framework_id})
    found = json.loads(live.ask("GET", "/frameworks").body)
    assert (found["frameworks"], [one["id"] for one in found["completed_frameworks"]]) == ([], [framework_id])
