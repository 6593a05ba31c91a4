"""Every call of Mesos's v1 API: each is known, and what an empty one is answered by a master and an agent that live."""

# Source: Mesos include/mesos/v1/{master/master,agent/agent,scheduler/scheduler,executor/executor}.proto (Call.Type).

import base64
import json

import pytest

from mesoslite.agent import RecoveryOptions
from mesoslite.api import agent_app
from mesoslite.model import OperationID, Reserve
from tests.agents.house import AGENT, FRAMEWORK, House
from tests.agents.test_operations import ONE, UUID, apply

from .contained import Contained
from .fakes import request

AS_JSON = {"content_type": "application/json"}

MASTER_ANSWERS = [
    "GET_HEALTH",
    "GET_FLAGS",
    "GET_VERSION",
    "GET_METRICS",
    "GET_LOGGING_LEVEL",
    "GET_STATE",
    "GET_AGENTS",
    "GET_FRAMEWORKS",
    "GET_EXECUTORS",
    "GET_OPERATIONS",
    "GET_TASKS",
    "GET_ROLES",
    "GET_WEIGHTS",
    "GET_MASTER",
    "GET_MAINTENANCE_STATUS",
    "GET_MAINTENANCE_SCHEDULE",
    "GET_QUOTA",
]
MASTER_LACKS = [
    "SET_LOGGING_LEVEL",
    "LIST_FILES",
    "READ_FILE",
    "UPDATE_WEIGHTS",
    "RESERVE_RESOURCES",
    "UNRESERVE_RESOURCES",
    "CREATE_VOLUMES",
    "DESTROY_VOLUMES",
    "GROW_VOLUME",
    "SHRINK_VOLUME",
    "UPDATE_MAINTENANCE_SCHEDULE",
    "START_MAINTENANCE",
    "STOP_MAINTENANCE",
    "DRAIN_AGENT",
    "DEACTIVATE_AGENT",
    "REACTIVATE_AGENT",
    "UPDATE_QUOTA",
    "SET_QUOTA",
    "REMOVE_QUOTA",
    "TEARDOWN",
    "MARK_AGENT_GONE",
]
AGENT_ANSWERS = [
    "GET_HEALTH",
    "GET_FLAGS",
    "GET_VERSION",
    "GET_METRICS",
    "GET_LOGGING_LEVEL",
    "GET_STATE",
    "GET_CONTAINERS",
    "GET_FRAMEWORKS",
    "GET_EXECUTORS",
    "GET_OPERATIONS",
    "GET_TASKS",
    "GET_AGENT",
    "GET_RESOURCE_PROVIDERS",
    "PRUNE_IMAGES",
]
AGENT_LACKS = [
    "SET_LOGGING_LEVEL",
    "LIST_FILES",
    "READ_FILE",
    "LAUNCH_CONTAINER",
    "WAIT_CONTAINER",
    "KILL_CONTAINER",
    "REMOVE_CONTAINER",
    "LAUNCH_NESTED_CONTAINER",
    "WAIT_NESTED_CONTAINER",
    "KILL_NESTED_CONTAINER",
    "REMOVE_NESTED_CONTAINER",
    "LAUNCH_NESTED_CONTAINER_SESSION",
    "ATTACH_CONTAINER_OUTPUT",
    "UPDATE_RESOURCE_PROVIDER_CONFIG",
    "REMOVE_RESOURCE_PROVIDER_CONFIG",
    "MARK_RESOURCE_PROVIDER_GONE",
]
SCHEDULER_LACKS = [
    "SUBSCRIBE",
    "ACCEPT",
    "DECLINE",
    "ACCEPT_INVERSE_OFFERS",
    "DECLINE_INVERSE_OFFERS",
    "KILL",
    "SHUTDOWN",
    "ACKNOWLEDGE",
    "ACKNOWLEDGE_OPERATION_STATUS",
    "RECONCILE",
    "MESSAGE",
    "REQUEST",
    "UPDATE_FRAMEWORK",
]
SCHEDULER_WHOLE = ["TEARDOWN", "REVIVE", "SUPPRESS", "RECONCILE_OPERATIONS"]
EXECUTOR_LACKS = ["SUBSCRIBE", "UPDATE", "MESSAGE"]


@pytest.fixture
def agent(runtime, tmp_path):
    return Contained(runtime, tmp_path)


def post(app, path, kind, **fields):
    body = json.dumps({"type": kind, **fields}).encode()
    answer = request(app, "POST", path, body, stays=True, **AS_JSON)
    return answer.status, answer.body.decode()


def lacks(answer, kind):
    """Whether a call was refused for the message that it lacks, by its path, and so is known."""
    return (answer[0], f"{kind.lower()}: is missing" in answer[1]) == (400, True), answer


@pytest.mark.parametrize("kind", MASTER_ANSWERS)
def test_a_master_answers(live, kind):
    status, text = post(live.app, "/api/v1", kind)

    assert (status, json.loads(text)["type"]) == (200, kind)


@pytest.mark.parametrize("kind", MASTER_LACKS)
def test_a_master_knows(live, kind):
    assert lacks(post(live.app, "/api/v1", kind), kind)[0]


@pytest.mark.parametrize("kind", AGENT_ANSWERS)
def test_an_agent_answers(agent, kind):
    agent.house.advance(1)
    status, text = post(agent.app, "/api/v1", kind)

    assert (status, json.loads(text)["type"] if text else kind) == (200, kind)


@pytest.mark.parametrize("kind", AGENT_LACKS)
def test_an_agent_knows(agent, kind):
    assert lacks(post(agent.app, "/api/v1", kind), kind)[0]


@pytest.mark.parametrize("kind", SCHEDULER_LACKS)
def test_a_master_knows_of_schedulers(live, kind):
    answer = post(live.app, "/api/v1/scheduler", kind, framework_id={"value": "f"})

    assert lacks(answer, kind)[0]


@pytest.mark.parametrize("kind", SCHEDULER_WHOLE)
def test_a_master_needs_no_more_than_who_asks(live, kind):
    answer = post(live.app, "/api/v1/scheduler", kind, framework_id={"value": "f"})

    assert answer == (400, "Framework cannot be found")


@pytest.mark.parametrize("kind", EXECUTOR_LACKS)
def test_an_agent_knows_of_executors(agent, kind):
    who = {"framework_id": {"value": "f"}, "executor_id": {"value": "e"}}
    assert lacks(post(agent.app, "/api/v1/executor", kind, **who), kind)[0]
    assert post(agent.app, "/api/v1/executor", "HEARTBEAT", **who)[0] == 202


# ---- what agents have none of ----


@pytest.mark.parametrize(
    ("kind", "fields", "status"),
    [
        ("GET_RESOURCE_PROVIDERS", None, 200),
        ("MARK_RESOURCE_PROVIDER_GONE", {"resource_provider_id": {"value": "p"}}, 404),
        ("UPDATE_RESOURCE_PROVIDER_CONFIG", {"info": {"type": "t", "name": "n"}}, 404),
        ("REMOVE_RESOURCE_PROVIDER_CONFIG", {"type": "t", "name": "n"}, 200),
        ("REMOVE_RESOURCE_PROVIDER_CONFIG", {"type": "t"}, 400),
        ("ADD_RESOURCE_PROVIDER_CONFIG", {"info": {"type": "t", "name": "n"}}, 501),
        ("PRUNE_IMAGES", {"excluded_images": [{"type": "DOCKER", "docker": {"name": "x"}}]}, 200),
        ("PRUNE_IMAGES", {"excluded_images": [{}]}, 400),
    ],
)
def test_there_are_no_resource_providers_and_no_images_to_prune(agent, kind, fields, status):
    answer = post(agent.app, "/api/v1", kind, **({kind.lower(): fields} if fields is not None else {}))

    assert answer[0] == status, answer


# [AgentAPITest.GetOperations]
def test_an_agent_tells_of_operations_until_they_are_acknowledged(runtime, tmp_path):
    house = House(runtime, tmp_path)
    house.open(id="slave(1)", recovery=RecoveryOptions())
    apply(house, Reserve(ONE, id=OperationID("o")))
    app = agent_app(house.agent, tmp_path, runtime=runtime)

    [operation] = json.loads(post(app, "/api/v1", "GET_OPERATIONS")[1])["get_operations"]["operations"]

    assert (operation["info"]["type"], operation["info"]["id"]) == ("RESERVE", {"value": "o"})
    assert operation["uuid"] == {"value": base64.b64encode(UUID).decode()}
    assert (operation["framework_id"], operation["agent_id"]) == ({"value": FRAMEWORK}, {"value": AGENT})
    assert operation["latest_status"]["state"] == "OPERATION_FINISHED"
    assert operation["statuses"] == [operation["latest_status"]]

    house.fall()
    house.come_back()
    app = agent_app(house.agent, tmp_path, runtime=runtime)
    [again] = json.loads(post(app, "/api/v1", "GET_OPERATIONS")[1])["get_operations"]["operations"]
    assert again == operation
