"""The calls of the operator API that show the cluster: their documents, of views made by hand and of a real master."""

import json

import msgspec.inspect as inspect
import pytest
from msgspec.structs import replace

import libactor as la
from mesoslite.api import master_app
from mesoslite.api.shown_calls import PARTS
from mesoslite.model import AgentID, FrameworkID, InverseOffer, OfferID, Unavailability
from mesoslite.model.records import Agent, Executor, Framework, Offer, Operation, Task

from .fakes import FakeMaster, request
from .made_structs import versions
from .slow_v1 import (
    agent_v1,
    executor_v1,
    framework_end_v1,
    framework_v1,
    offer_v1,
    operation_v1,
    recovered_agent_v1,
    task_v1,
)
from .views import agent, framework, task, view

CALLS = sorted(PARTS)
INVERSE = InverseOffer(
    id=OfferID("m-O9"), framework_id=FrameworkID("f"), agent_id=AgentID("m-S0"), unavailability=Unavailability(5)
)
INVERSE_V1 = {
    "id": {"value": "m-O9"},
    "framework_id": {"value": "f"},
    "agent_id": {"value": "m-S0"},
    "unavailability": {"start": {"nanoseconds": 5}},
}


class ShownMaster(FakeMaster):
    """A master whose books look like that."""

    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    def view(self, known_number=None):
        return self.seen


def filled(kind, **fields):
    """A record with something in each field."""
    return replace(versions(inspect.type_info(kind))[0][1], **fields)


AGENTS = [filled(Agent), agent("m-S1", active=False)]
RECOVERED = [filled(Agent, id="m-S2"), agent("m-S3")]
TASKS, LOST = [filled(Task), task("bare")], [filled(Task, task_id="lost")]
OVER = [[filled(Task, task_id="old")], [filled(Task, task_id="older")]]
EXECUTORS = [filled(Executor), filled(Executor, executor_id="bare", command=None)]
OFFERS, OPERATIONS = [filled(Offer), filled(Offer, id="second")], [filled(Operation)]
FRAMEWORK, GONE, BARE = filled(Framework), filled(Framework, id="gone"), Framework("bare", "bare", "root", 4)

FULL = view(
    agents=AGENTS,
    recovered=RECOVERED,
    operations=OPERATIONS,
    frameworks=[
        replace(
            framework(
                tasks=TASKS, unreachable=LOST, completed=OVER, executors=EXECUTORS, offers=OFFERS, record=FRAMEWORK
            ),
            inverse_offers=(INVERSE,),
        ),
        framework("bare", record=BARE),
    ],
    completed=[framework("gone", record=GONE, completed=([filled(Task, task_id="oldest")],))],
)


WANTED = {
    "get_tasks": {
        "tasks": list(map(task_v1, TASKS)),
        "unreachable_tasks": list(map(task_v1, LOST)),
        "completed_tasks": [
            *[task_v1(one) for block in OVER for one in block], task_v1(filled(Task, task_id="oldest")),
        ],
    },
    "get_executors": {"executors": list(map(executor_v1, EXECUTORS))},
    "get_frameworks": {
        "frameworks": [
            framework_v1(FRAMEWORK)
            | {"offers": list(map(offer_v1, OFFERS)), "inverse_offers": [INVERSE_V1]}
            | framework_end_v1(FRAMEWORK),
            framework_v1(BARE) | framework_end_v1(BARE),
        ],
        "completed_frameworks": [framework_v1(GONE) | framework_end_v1(GONE)],
    },
    "get_agents": {"agents": list(map(agent_v1, AGENTS)), "recovered_agents": list(map(recovered_agent_v1, RECOVERED))},
    "get_operations": {"operations": list(map(operation_v1, OPERATIONS))},
}  # fmt: skip
PARTS_OF_STATE = ("get_tasks", "get_executors", "get_frameworks", "get_agents")
WANTED["get_state"] = {part: WANTED[part] for part in PARTS_OF_STATE}


def shown(app, kind, **headers):
    body = json.dumps({"type": kind}).encode()
    return request(app, "POST", "/api/v1", body, stays=True, content_type="application/json", **headers)


@pytest.fixture
def full(runtime):
    return master_app(runtime.spawn(ShownMaster(FULL)))


# Goal: what Mesos shows is there, in its order, and nothing else. Method: a slow rendering of the structs, which were
# compared with random ones in test_projections.py; texts are compared, so that order and the form of numbers count.
# Source: MasterAPITest.GetState, GetTasks, GetExecutors, GetFrameworks, GetAgents, GetOperations
@pytest.mark.parametrize("kind", CALLS)
def test_each_call_shows_what_mesos_shows(full, kind):
    answer = shown(full, kind)

    assert answer.headers["content-type"] == "application/json"
    document = json.loads(answer.body)
    assert list(document) == ["type", kind.lower()]
    assert document["type"] == kind
    assert json.dumps(document[kind.lower()]) == json.dumps(WANTED[kind.lower()])


@pytest.mark.parametrize("kind", CALLS)
def test_a_list_without_entries_is_left_out(runtime, kind):
    app = master_app(runtime.spawn(ShownMaster(view())))

    empty = {part: {} for part in PARTS_OF_STATE} if kind == "GET_STATE" else {}
    assert json.loads(shown(app, kind).body) == {"type": kind, kind.lower(): empty}


def test_a_framework_without_anything_of_its_own_ends_where_it_ends(runtime):
    app = master_app(runtime.spawn(ShownMaster(view(frameworks=[framework(record=BARE)]))))

    [seen] = json.loads(shown(app, "GET_FRAMEWORKS").body)["get_frameworks"]["frameworks"]

    assert seen == framework_v1(BARE)


def test_what_is_large_is_compressed_for_who_wants_it(runtime):
    many = [task(f"task-{number}") for number in range(5_000)]
    app = master_app(runtime.spawn(ShownMaster(view(frameworks=[framework(tasks=many)]))))

    plain, compressed = shown(app, "GET_STATE"), shown(app, "GET_STATE", accept_encoding="gzip")

    assert len(json.loads(plain.body)["get_state"]["get_tasks"]["tasks"]) == len(many)
    assert compressed.headers["content-encoding"] == "gzip"
    assert len(compressed.body) * 5 < len(plain.body)


# ---- of a real master ----


def test_a_real_master_shows_who_is_there_and_who_was(live):
    _, agent_id = live.agent()
    _, framework_id = live.framework(roles=("web",))
    _, gone = live.framework()
    assert live.call("TEARDOWN", framework_id={"value": gone}) == (200, "")

    _, state = live.call("GET_STATE")

    [seen] = state["get_agents"]["agents"]
    assert (seen["agent_info"]["id"]["value"], seen["active"]) == (agent_id, True)
    frameworks = state["get_frameworks"]
    assert [one["framework_info"]["id"]["value"] for one in frameworks["frameworks"]] == [framework_id]
    assert [one["framework_info"]["id"]["value"] for one in frameworks["completed_frameworks"]] == [gone]
    [live_one] = frameworks["frameworks"]
    assert live_one["offers"][0]["agent_id"]["value"] == agent_id
    assert {one["name"] for one in live_one["offered_resources"]} == {"cpus", "mem"}


def test_an_answer_is_never_older_than_what_was_acknowledged_before(live):
    _, agent_id = live.agent()

    for call, active in (("DEACTIVATE_AGENT", False), ("REACTIVATE_AGENT", True)):
        assert live.call(call, agent_id={"value": agent_id}) == (200, "")
        [seen] = live.call("GET_AGENTS")[1]["agents"]
        assert (seen["active"], seen["deactivated"]) == (active, not active)


def test_who_does_not_lead_says_so(runtime):
    pid = runtime.spawn(FakeMaster())
    la.terminate(pid)
    la.wait(pid)

    assert shown(master_app(pid), "GET_STATE").status == 503
