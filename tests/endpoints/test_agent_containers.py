"""What an agent tells of its containers: the exact keys of each answer, who is in it, and how often it is looked."""

# Source: facts of Mesos's slave/http.cpp; the names in comments are those of its tests.

import asyncio
import json
import threading

import msgspec
import pytest

from libactor.http.breathing import breathe
from mesoslite.api import agent_app
from mesoslite.model import (
    AgentFramework,
    ContainerID,
    ContainerUsage,
    ExecutorID,
    ExecutorInfo,
    ExecutorRun,
    ExecutorType,
    FrameworkID,
    FrameworkInfo,
    FrozenDocument,
    Resources,
    TaskState,
)

from .fakes import BOUND, FakeAgent, agent_snapshot, ask, request
from .test_agent_api import run_of

USAGE = ContainerUsage(processes=2, threads=5, cpus_user_time_secs=1.5, cpus_system_time_secs=0.25, mem_rss_bytes=4096)
STATISTICS = {
    "timestamp",
    "processes",
    "threads",
    "cpus_user_time_secs",
    "cpus_system_time_secs",
    "cpus_limit",
    "cpus_soft_limit",
    "mem_rss_bytes",
}
EXECUTOR = {"framework_id", "executor_id", "executor_name", "source"}


class Meter:
    """Says the same of the containers that it knows."""

    def __init__(self, *known):
        self.known, self.looks = known, 0

    def measure(self):
        self.looks += 1
        return {ContainerID(name): USAGE for name in self.known}


def started(task_id, pid=42, **details):
    run = run_of(task_id, **details)
    return type(run)(task=run.task, container_id=run.container_id, sandbox=run.sandbox, pid=pid)


class CountingAgent(FakeAgent):
    """Counts how often it is asked for its state."""

    def __init__(self, snapshot):
        super().__init__(snapshot)
        self.asked = 0

    def state(self):
        self.asked += 1
        return super().state()


class Asked:
    """An agent with a command that runs, one that has ended, and an executor with a task in its container."""

    def __init__(self, runtime, work_dir):
        runtime.clock.pause()
        self.clock = runtime.clock
        self.meter = Meter("c-run", "e-1")
        own = ExecutorInfo(executor_id=ExecutorID("e"), name="mine", source="x", resources=Resources.of(cpus=1, mem=64))
        executor = ExecutorRun(info=own, container_id=ContainerID("e-1"), sandbox="/s/e", role="ads", pid=7)
        inside = started("inside", None)
        place = {"container_id": ContainerID("e-1"), "executor_container_id": ContainerID("e-1")}
        inside = type(inside)(task=inside.task, sandbox="/s/e", **place)
        commands = AgentFramework(
            info=FrameworkInfo(name="f", id=FrameworkID("f-1")),
            tasks=(started("run"), run_of("over", TaskState.TASK_FINISHED), started("unmeasured", 43)),
            completed_tasks=(run_of("done", TaskState.TASK_FINISHED),),
        )
        executors = AgentFramework(
            info=FrameworkInfo(name="g", id=FrameworkID("f-2")), tasks=(inside,), executors=(executor,)
        )
        self.actor = CountingAgent(agent_snapshot(commands, executors))
        self.app = agent_app(runtime.spawn(self.actor), work_dir, runtime=runtime, meter=self.meter)

    def get(self, path, query=""):
        self.clock.advance(1)
        answer = request(self.app, "GET", path, query=query)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)


@pytest.fixture
def agent(runtime, tmp_path):
    return Asked(runtime, tmp_path)


# Source: SlaveTest.ContainersEndpoint
def test_containers_that_run_are_told_with_what_they_use(agent):
    containers = {one["container_id"]: one for one in agent.get("/slave(1)/containers/")}

    assert containers.keys() == {"c-run", "c-unmeasured", "e-1"}
    assert containers["c-run"].keys() == {*EXECUTOR, "container_id", "status", "statistics"}
    assert containers["c-unmeasured"].keys() == {*EXECUTOR, "container_id", "status"}
    assert containers["c-run"]["status"] == {"container_id": {"value": "c-run"}, "executor_pid": 42}
    assert containers["c-run"]["statistics"].keys() == STATISTICS
    assert {key: containers["e-1"][key] for key in EXECUTOR} == {
        "framework_id": "f-2",
        "executor_id": "e",
        "executor_name": "mine",
        "source": "x",
    }


def test_limits_are_what_the_executor_and_its_tasks_hold(agent):
    [statistics] = [one["statistics"] for one in agent.get("/containers", "framework_id=f-2&executor_id=e")]

    assert statistics["cpus_limit"] == statistics["cpus_soft_limit"] == 2.0
    assert statistics["mem_limit_bytes"] == statistics["mem_soft_limit_bytes"] == 64 << 20
    assert (statistics["cpus_user_time_secs"], statistics["mem_rss_bytes"]) == (1.5, 4096)


# Source: SlaveTest.ContainersEndpointNoExecutor, GetContainersFilteredByQuery
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("container_id=e-1", ["e-1"]),
        ("framework_id=f-1", ["c-run", "c-unmeasured"]),
        ("framework_id=f-1&executor_id=run", ["c-run"]),
        ("framework_id=nobody", []),
        ("container_id=c-done", []),
    ],
)
def test_some_containers_are_asked_for_by_their_ids(agent, query, expected):
    assert [one["container_id"] for one in agent.get("/containers", query)] == expected


@pytest.mark.parametrize(
    "query",
    [
        "executor_id=e",
        "container_id=c&framework_id=f",
        "container_id=&executor_id=e",
        "a=1&b=2",
        "container_id=c&b=2",
    ],
)
def test_ids_that_do_not_go_together_are_refused(agent, query):
    assert request(agent.app, "GET", "/containers", query=query).status == 400
    assert agent.meter.looks == 0


# Source: MonitorIntegrationTest.RunningExecutor; SlaveTest.StatisticsEndpointNoExecutor
def test_statistics_are_of_those_that_were_measured(agent):
    told = agent.get("/monitor/statistics")

    assert [one["executor_id"] for one in told] == ["run", "e"]
    assert told[0].keys() == {*EXECUTOR, "statistics"}
    assert agent.get("/containerizer/debug") == {"pending": []}


# Source: AgentAPITest.GetContainers
def test_the_operator_api_tells_containers_as_messages(agent):
    body = b'{"type": "GET_CONTAINERS", "get_containers": {"show_nested": true}}'
    answer = request(agent.app, "POST", "/api/v1", body, content_type="application/json")

    [first, *rest] = json.loads(answer.body)["get_containers"]["containers"]
    assert len(rest) == 2
    assert first.keys() == {
        "framework_id",
        "executor_id",
        "executor_name",
        "container_id",
        "container_status",
        "resource_statistics",
    }
    assert (first["container_id"], first["executor_id"]) == ({"value": "c-run"}, {"value": "run"})
    assert first["resource_statistics"].keys() == STATISTICS


# Source: AgentAPITest.NestedContainerLaunch (GET_CONTAINERS, show_nested); /containers tells of executors alone
def test_a_group_is_a_container_with_those_of_its_tasks_below(runtime, tmp_path):
    runtime.clock.pause()
    pod = ExecutorInfo(executor_id=ExecutorID("pod"), type=ExecutorType.DEFAULT, resources=Resources.of(cpus=0.5))
    executor = ExecutorRun(info=pod, container_id=ContainerID("p"), sandbox="/s/p", role="ads")
    ended = msgspec.structs.replace(executor, container_id=ContainerID("q"), has_ended=True)
    tasks = [
        msgspec.structs.replace(started(name), executor_container_id=ContainerID("p")) for name in ("one", "two", "new")
    ]
    framework = AgentFramework(
        info=FrameworkInfo(name="g", id=FrameworkID("f-2")), tasks=tuple(tasks), executors=(executor, ended)
    )
    meter = Meter("c-one", "c-two")
    agent = runtime.spawn(FakeAgent(agent_snapshot(framework)))
    app = agent_app(agent, tmp_path, runtime=runtime, meter=meter)

    def get(path, nested=None):
        runtime.clock.advance(1)
        body = json.dumps({"type": "GET_CONTAINERS", "get_containers": {"show_nested": nested}}).encode()
        way = ("GET", path) if nested is None else ("POST", path, body)
        answer = json.loads(request(app, *way, content_type="application/json").body)
        return answer if nested is None else answer["get_containers"]["containers"]

    [group] = get("/containers")
    assert (group["container_id"], group["status"]) == ("p", {"container_id": {"value": "p"}})
    statistics = group["statistics"]
    assert (statistics["processes"], statistics["cpus_user_time_secs"]) == (4, 3.0)  # of both that are measured
    assert statistics["cpus_limit"] == 3.5
    assert [one["container_id"] for one in get("/api/v1", nested=False)] == [{"value": "p"}]
    whole, first, *rest = get("/api/v1", nested=True)
    assert (whole["container_id"], len(rest)) == ({"value": "p"}, 2)
    assert first["container_id"] == {"value": "c-one", "parent": {"value": "p"}}
    assert first["container_status"] == {"container_id": first["container_id"], "executor_pid": 42}
    assert first["resource_statistics"]["processes"] == 2
    assert [one["executor_id"] for one in get("/monitor/statistics")] == ["pod"]


# Goal: many monitors cost one look. Method: ask from one loop, as a server has, while the clock stands.
def test_one_look_serves_all_who_wait_for_it_and_there_are_two_a_second(agent):
    async def many():
        first = await ask(agent.app, "GET", "/containers", stays=True)
        waiting = [asyncio.ensure_future(ask(agent.app, "GET", "/monitor/statistics", stays=True)) for _ in range(5)]
        for _ in range(100):
            await asyncio.sleep(0)
        agent.clock.settle()
        early = agent.actor.asked
        agent.clock.advance(0.5)
        return first.status, early, [(await one).status for one in waiting]

    status, early, statuses = asyncio.run(many())

    assert (status, early, statuses) == (200, 1, [200] * 5)
    assert (agent.actor.asked, agent.meter.looks) == (2, 2)


# Mesos's web page reads them so.
def test_who_asks_amid_a_look_waits_for_the_next_one(agent):
    begun, end = threading.Event(), threading.Event()
    agent.meter.measure = lambda: begun.set() or (end.wait(BOUND) and {})

    async def scenario():
        first = asyncio.ensure_future(ask(agent.app, "GET", "/containers"))
        await asyncio.to_thread(begun.wait, BOUND)
        second = asyncio.ensure_future(ask(agent.app, "GET", "/containers"))
        for _ in range(100):
            await breathe()
        end.set()
        await first
        assert agent.actor.asked == 1
        agent.clock.settle()
        agent.clock.advance(0.5)
        assert (await second).status == 200

    asyncio.run(asyncio.wait_for(scenario(), BOUND))

    assert agent.actor.asked == 2


def test_statistics_may_be_a_script(agent):
    answer = request(agent.app, "GET", "/slave(1)/monitor/statistics", query="jsonp=f")

    assert (answer.body[:2], answer.headers["content-type"]) == (b"f(", "text/javascript")


def test_an_agent_without_a_meter_tells_who_runs(runtime, tmp_path):
    app = agent_app(runtime.spawn(FakeAgent(agent_snapshot())), tmp_path, runtime=runtime)

    assert json.loads(request(app, "GET", "/containers").body) == []


# Goal: a limit above the request is told as what it is. Method: a meter that says one for cpus, and none for memory.
def test_limits_that_are_enforced_are_told_and_so_is_all_that_was_measured(agent):
    enforced, pressure = {"cpus_limit": 3.5, "cpus_nr_throttled": 7}, {"cpu": {"some": {"avg10": 1.5}}}
    used = msgspec.structs.replace(USAGE, **enforced, pressure=FrozenDocument.of(pressure))
    agent.meter.measure = lambda: {ContainerID("e-1"): used}

    [one] = agent.get("/monitor/statistics")

    assert one["statistics"].items() >= {**enforced, "pressure": pressure}.items()
    assert (one["statistics"]["cpus_soft_limit"], one["statistics"]["mem_limit_bytes"]) == (2.0, 64 << 20)
