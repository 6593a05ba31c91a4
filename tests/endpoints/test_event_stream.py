"""The stream of events of the operator API, from a real master: the state, and then what happens, once and in order."""

# Source: facts of Mesos's master.proto and master.cpp; the names in comments are those of its tests.

import random
from functools import partial

import pytest

import libactor as la
from mesoslite.api import event_stream
from mesoslite.api.event_fan import HEARTBEAT_SECONDS
from mesoslite.api.event_stream import EventStreams
from mesoslite.api.operator_calls import OperatorEndpoint
from mesoslite.api.routes import application, methods
from mesoslite.api.serving import Serving
from mesoslite.master import Master
from mesoslite.model import (
    Accept,
    CommandInfo,
    FrameworkInfo,
    Launch,
    Reason,
    Resources,
    Source,
    StatusUpdate,
    TaskID,
    TaskInfo,
    TaskState,
    TaskStatus,
    UnregisterAgent,
    UpdateFramework,
    happenings,
)
from mesoslite.model.events import Offers

from .fakes import BOUND
from .subscribers import HEARTBEAT, Loop

STEPS = 40


@pytest.fixture
def loop():
    with Loop() as loop:
        yield loop


class Scene:
    """A master, who is there, and a way to provoke what operators are told."""

    def __init__(self, live):
        self.live = live
        self.agents, self.frameworks, self.tasks = {}, {}, {}  # addresses by id; tasks with their framework and agent
        self.names = 0

    def add_agent(self):
        self.names += 1
        pid, agent_id = self.live.agent(hostname=f"host-{self.names}")
        self.agents[agent_id] = pid

    def add_framework(self):
        pid, framework_id = self.live.framework(roles=("web",), failover_timeout=1000.0)
        self.frameworks[framework_id] = pid

    def remove_agent(self):
        agent_id, pid = self.agents.popitem()
        la.post(self.live.master, UnregisterAgent(agent_id), sender=pid)
        self.live.settle()

    def teardown(self):
        framework_id, _ = self.frameworks.popitem()
        self.live.call("TEARDOWN", framework_id={"value": framework_id})

    def launch(self, framework_id=None):
        framework_id = framework_id or next(iter(self.frameworks))
        self.live.runtime.clock.advance(1)  # offers are made anew
        self.live.settle()
        heard = self.live.heard(self.frameworks[framework_id])
        offers = [offer for event in heard if isinstance(event, Offers) for offer in event.offers]
        offer = next((offer for offer in reversed(offers) if offer.agent_id in self.agents), None)
        if offer is None:
            return None
        self.names += 1
        task = TaskInfo(
            task_id=TaskID(f"task-{self.names}"),
            name="t",
            agent_id=offer.agent_id,
            resources=Resources.of(cpus=0.1, mem=1),
            command=CommandInfo(value="true"),
        )
        call = Accept(framework_id=framework_id, offer_ids=(offer.id,), operations=(Launch((task,)),))
        la.post(self.live.master, call, sender=self.frameworks[framework_id])
        self.live.settle()
        self.tasks[task.task_id] = (framework_id, offer.agent_id)
        return task.task_id

    def update(self, task_id, state, latest=None, reason=None, healthy=None):
        self.names += 1
        self.repeat(task_id, state, latest, reason, healthy)

    def repeat(self, task_id, state, latest=None, reason=None, healthy=None):
        """Say again what was said last."""
        framework_id, agent_id = self.tasks[task_id]
        status = TaskStatus(
            task_id=task_id,
            state=state,
            source=Source.SOURCE_EXECUTOR,
            timestamp=1.5,
            agent_id=agent_id,
            uuid=b"%16d" % self.names,
            reason=reason,
            healthy=healthy,
        )
        update = StatusUpdate(framework_id=framework_id, status=status, latest_state=latest or state)
        la.post(self.live.master, update, sender=self.agents[agent_id])
        self.live.settle()


@pytest.fixture
def scene(live):
    return Scene(live)


def told(live, *subscribers):
    """What each was told until now."""
    live.settle()
    live.runtime.clock.advance(HEARTBEAT_SECONDS)
    live.settle()
    return [subscriber.until_heartbeat() for subscriber in subscribers]


def begun(loop, app):
    """A subscriber that has read what comes first, and that."""
    subscriber = loop.subscriber(app)
    first = subscriber.event()
    assert subscriber.event() == HEARTBEAT
    return subscriber, first


# Source: MasterAPITest.SubscribersReceiveHeartbeats, Subscribe, EventsSuccess
def test_a_stream_begins_with_the_state_and_a_heartbeat(live, loop, scene):
    scene.add_agent()
    scene.add_framework()

    subscriber, first = begun(loop, live.app)

    assert subscriber.head() == (200, {"content-type": "application/json"})
    _, state = live.call("GET_STATE")
    assert first == {"type": "SUBSCRIBED", "subscribed": {"get_state": state, "heartbeat_interval_seconds": 15.0}}
    for _ in range(2):
        live.runtime.clock.advance(15)
        live.settle()
        assert subscriber.event() == HEARTBEAT
    subscriber.leave()


def test_what_happens_is_told_in_its_order(live, loop, scene):
    # Source: MasterAPITest.SubscribeAgentEvents, EventAuthorizationFiltering (types), TaskUpdatesDuringRecovery
    subscriber, _ = begun(loop, live.app)

    scene.add_agent()
    scene.add_framework()
    task_id = scene.launch()
    scene.update(task_id, TaskState.TASK_RUNNING)
    scene.update(task_id, TaskState.TASK_FINISHED)
    scene.teardown()
    scene.remove_agent()

    [events] = told(live, subscriber)
    assert [event["type"] for event in events] == [
        "AGENT_ADDED", "FRAMEWORK_ADDED", "TASK_ADDED", "TASK_UPDATED", "TASK_UPDATED", "FRAMEWORK_REMOVED",
        "AGENT_REMOVED",
    ]  # fmt: skip
    assert all(list(event) == ["type", event["type"].lower()] for event in events)
    agent, framework, added, running, finished, removed, left = [event[event["type"].lower()] for event in events]
    assert agent["agent"].keys() == {
        "agent_info", "active", "deactivated", "version", "pid", "registered_time", "total_resources", "capabilities",
    }  # fmt: skip
    assert list(framework["framework"]) == ["framework_info", "active", "connected", "recovered", "registered_time"]
    assert added.keys() == {"task"}
    assert added["task"]["state"] == "TASK_STAGING"
    assert added["task"].keys() == {"name", "task_id", "framework_id", "agent_id", "state", "resources"}
    assert list(running) == ["framework_id", "status", "state"]
    assert (running["state"], running["status"]["state"]) == ("TASK_RUNNING", "TASK_RUNNING")
    assert finished["state"] == "TASK_FINISHED"
    assert removed["framework_info"] == framework["framework"]["framework_info"]
    assert left == {"agent_id": agent["agent"]["agent_info"]["id"]}
    subscriber.leave()


def test_a_status_is_told_when_its_state_differs_from_the_one_before_or_it_is_of_a_check(live, loop, scene):
    scene.add_agent()
    scene.add_framework()
    task_id = scene.launch()
    subscriber, _ = begun(loop, live.app)
    running, checked = TaskState.TASK_RUNNING, Reason.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED

    scene.update(task_id, TaskState.TASK_STARTING, latest=running)
    scene.update(task_id, running)
    scene.update(task_id, running)  # nothing new
    scene.update(task_id, running, reason=checked, healthy=False)

    [events] = told(live, subscriber)
    statuses = [(one["task_updated"]["status"]["state"], one["task_updated"]["state"]) for one in events]
    assert statuses == [
        ("TASK_STARTING", "TASK_RUNNING"), ("TASK_RUNNING", "TASK_RUNNING"), ("TASK_RUNNING", "TASK_RUNNING"),
    ]  # fmt: skip
    assert events[-1]["task_updated"]["status"]["healthy"] is False
    subscriber.leave()


def test_a_status_is_told_again_when_its_agent_knows_a_newer_state(live, loop, scene):
    scene.add_agent()
    scene.add_framework()
    task_id = scene.launch()
    running, failed = TaskState.TASK_RUNNING, TaskState.TASK_FAILED
    scene.update(task_id, running)
    subscriber, _ = begun(loop, live.app)

    scene.repeat(task_id, running, latest=failed)
    scene.repeat(task_id, running, latest=failed)  # nothing new
    scene.update(task_id, failed)

    [events] = told(live, subscriber)
    statuses = [(one["task_updated"]["status"]["state"], one["task_updated"]["state"]) for one in events]
    assert statuses == [("TASK_RUNNING", "TASK_FAILED"), ("TASK_FAILED", "TASK_FAILED")]
    _, state = live.call("GET_TASKS")
    assert [task["state"] for task in state["tasks"]] == ["TASK_FAILED"]
    subscriber.leave()


def test_those_who_are_subscribed_are_counted(live, loop):
    def count():
        live.settle()
        return live.runtime.metrics.snapshot().get(timeout=BOUND)["master/operator_event_stream_subscribers"]

    first, second = begun(loop, live.app)[0], begun(loop, live.app)[0]
    both = count()
    first.leave()
    one = count()
    second.leave()

    assert (both, one, count()) == (2, 1, 0)


def test_a_framework_is_told_again_when_it_says_something_else_of_itself(live, loop, scene):
    # Source: MasterAPITest.FrameworksEvent
    scene.add_framework()
    [(framework_id, pid)] = scene.frameworks.items()
    subscriber, first = begun(loop, live.app)
    [before] = first["subscribed"]["get_state"]["get_frameworks"]["frameworks"]

    info = FrameworkInfo(id=framework_id, name="other", roles=("web",), failover_timeout=1000.0)
    la.dispatch(
        live.master, Master.update_framework, UpdateFramework(framework_id=framework_id, framework=info), pid
    ).get(timeout=BOUND)

    [[event]] = told(live, subscriber)
    framework = event["framework_updated"]["framework"]
    assert (event["type"], framework["framework_info"]["name"]) == ("FRAMEWORK_UPDATED", "other")
    assert framework["registered_time"] == before["registered_time"]
    subscriber.leave()


class Picture:
    """What a client knows that keeps a state up to date by events."""

    def __init__(self, subscribed):
        state = subscribed["subscribed"]["get_state"]
        self.agents = {one["agent_info"]["id"]["value"] for one in state["get_agents"].get("agents", ())}
        frameworks = state["get_frameworks"].get("frameworks", ())
        self.frameworks = {one["framework_info"]["id"]["value"] for one in frameworks}
        tasks = (*state["get_tasks"].get("tasks", ()), *state["get_tasks"].get("completed_tasks", ()))
        self.tasks = {one["task_id"]["value"]: one["state"] for one in tasks}

    def take(self, event):
        kind = event["type"]
        body = event.get(kind.lower())
        if kind == "AGENT_ADDED":
            assert body["agent"]["agent_info"]["id"]["value"] not in self.agents
            self.agents.add(body["agent"]["agent_info"]["id"]["value"])
        elif kind == "AGENT_REMOVED":
            self.agents.remove(body["agent_id"]["value"])
        elif kind == "FRAMEWORK_ADDED":
            assert body["framework"]["framework_info"]["id"]["value"] not in self.frameworks
            self.frameworks.add(body["framework"]["framework_info"]["id"]["value"])
        elif kind == "FRAMEWORK_REMOVED":
            self.frameworks.remove(body["framework_info"]["id"]["value"])
        elif kind == "TASK_ADDED":
            assert body["task"]["task_id"]["value"] not in self.tasks
            self.tasks[body["task"]["task_id"]["value"]] = body["task"]["state"]
        elif kind == "TASK_UPDATED":
            self.tasks[body["status"]["task_id"]["value"]] = body["state"]


# Goal: the state and the events after it are the state later: no event is missing, none is told twice or of before.
# Method: clients subscribe at any time amid random changes; at the end each knows what one sees that comes then.
@pytest.mark.parametrize("seed", range(4))
def test_the_state_and_the_events_after_it_are_the_state_later(live, loop, scene, seed):
    rng = random.Random(seed)
    streams = []
    for _ in range(STEPS):
        running = [task for task in scene.tasks if scene.tasks[task][1] in scene.agents]
        running = [task for task in running if scene.tasks[task][0] in scene.frameworks]
        ways = [scene.add_agent, scene.add_framework, *([scene.launch] * 3 if scene.frameworks else [])]
        ways += [scene.remove_agent] if len(scene.agents) > 2 else []
        ways += [scene.teardown] if len(scene.frameworks) > 2 else []
        if running:
            state = rng.choice([TaskState.TASK_RUNNING, TaskState.TASK_RUNNING, TaskState.TASK_FAILED])
            ways += [partial(scene.update, rng.choice(running), state)] * 3
        if rng.random() < 0.2:
            streams.append(loop.subscriber(live.app))  # it is admitted amid what comes next
        rng.choice(ways)()

    live.settle()
    pictures = []
    for stream in streams:
        picture = Picture(stream.event())
        assert stream.event() == HEARTBEAT
        pictures.append(picture)
    last, first = begun(loop, live.app)
    wanted = Picture(first)
    live.framework(user="the end")
    for stream, picture in zip(streams, pictures, strict=True):
        for event in iter(stream.event, None):
            if event["type"] == "FRAMEWORK_ADDED" and is_the_end(event):
                break
            picture.take(event)
        assert vars(picture) == vars(wanted)
        stream.leave()
    last.leave()


def is_the_end(event):
    return event["framework_added"]["framework"]["framework_info"]["user"] == "the end"


# ---- bounds ----


def small_app(live, loop, *, buffer_bytes=1 << 20, subscribers_max=2):
    """An application with SUBSCRIBE alone, and with small bounds."""
    calls = EventStreams(live.master, Serving(), buffer_bytes, subscribers_max).calls
    return application({"/api/v1": methods(POST=OperatorEndpoint("master", calls, ()))}, (), None)


# Source: MasterAPITest.MaxEventStreamSubscribers
def test_of_more_subscribers_than_may_be_the_oldest_is_let_go(live, loop):
    app = small_app(live, loop)

    first, second, third = [begun(loop, app)[0] for _ in range(3)]

    assert first.event() is None
    assert told(live, second, third) == [[], []]
    second.leave()
    third.leave()


def test_a_subscriber_that_does_not_read_is_cut_off_and_the_others_are_not(live, loop, scene):
    app = small_app(live, loop, buffer_bytes=4096)
    reader, _ = begun(loop, app)
    idler = loop.subscriber(app, reads=False)
    idler.head()
    scene.add_framework()
    events = [reader.event()]
    for _ in range(20):
        scene.add_agent()
        events.append(reader.event())  # it has as little room

    idler.release()
    with pytest.raises(ConnectionAbortedError):
        list(iter(idler.event, None))
    assert [event["type"] for event in events] == ["FRAMEWORK_ADDED"] + ["AGENT_ADDED"] * 20
    reader.leave()


def test_a_state_that_is_long_is_rendered_twice_and_is_the_same(live, loop, scene, monkeypatch):
    scene.add_agent()
    subscriber, short = begun(loop, live.app)
    monkeypatch.setattr(event_stream, "HELD_BYTES_MAX", 0)

    other, long = begun(loop, live.app)

    assert long == short
    subscriber.leave()
    other.leave()


def test_while_nobody_is_subscribed_nothing_is_made_for_operators(live, loop, scene):
    chronicle = live.master._process.actor._chronicle
    assert not chronicle.wants(happenings.TaskReturned)  # nobody else listens to that

    subscriber, _ = begun(loop, live.app)
    assert chronicle.wants(happenings.TaskReturned)

    subscriber.leave()
    live.settle()
    assert not chronicle.wants(happenings.TaskReturned)


def test_the_end_of_the_master_is_the_end_of_the_stream(live, loop):
    subscriber, _ = begun(loop, live.app)

    la.terminate(live.master)
    la.wait(live.master)

    assert subscriber.event() is None
