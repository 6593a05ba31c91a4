"""The stream of events of the operator API by ACLs: each who has subscribed is told of what is in his sight."""

import pytest

from mesoslite.api import master_app
from mesoslite.api.owners import Owners
from mesoslite.api.sight import WHOLE
from mesoslite.model import (
    AgentID,
    CommandInfo,
    FrameworkID,
    FrameworkInfo,
    OfferID,
    Resources,
    TaskID,
    TaskInfo,
    TaskState,
    happenings,
)
from mesoslite.model.happenings import FrameworkAdded, FrameworkRemoved, TaskRemoved, TaskReturned, TaskUpdated

from .sights import KINDS, acls, authentication, cluster, is_who
from .subscribers import HEARTBEAT, Loop
from .test_event_stream import Scene, told
from .test_sight import sight

ALLOWED = {"ann": ["www"], "bob": ["ads"], "root": None}
RULES = acls(**{f"view_{kind}": ALLOWED for kind in KINDS}, view_roles={"ann": ["web"], "root": None})


@pytest.fixture
def loop():
    with Loop() as loop:
        yield loop


class SharedScene(Scene):
    """Frameworks of users, and an application that shows each what one may see."""

    def __init__(self, live):
        super().__init__(live)
        people = authentication([*ALLOWED, "eve"], RULES)
        self.app = master_app(live.master, runtime=live.runtime, authentication=people)

    def add_framework(self, user="www"):
        pid, framework_id = self.live.framework(user=user, roles=("web",), failover_timeout=1000.0)
        self.frameworks[framework_id] = pid
        return framework_id


@pytest.fixture
def scene(live):
    return SharedScene(live)


def begun(loop, scene, who):
    """The subscriber that somebody is, who has read what comes first, and that."""
    headers = [(name.encode(), value.encode()) for name, value in is_who(who).items()]
    subscriber = loop.subscriber(scene.app, headers=headers)
    first = subscriber.event()["subscribed"]["get_state"]
    assert subscriber.event() == HEARTBEAT
    return subscriber, first


def whose(events, kind):
    """The frameworks of events of that kind."""
    bodies = [event[kind.lower()] for event in events if event["type"] == kind]
    if kind == "TASK_ADDED":
        bodies = [body["task"] for body in bodies]
    if kind == "FRAMEWORK_ADDED":
        bodies = [{"framework_id": body["framework"]["framework_info"]["id"]} for body in bodies]
    if kind == "FRAMEWORK_REMOVED":
        bodies = [{"framework_id": body["framework_info"]["id"]} for body in bodies]
    return [body["framework_id"]["value"] for body in bodies]


# Source: MasterAPITest.EventAuthorizationFiltering, EventAuthorizationDelayed
def test_each_is_told_of_what_he_may_see(live, loop, scene):
    scene.add_agent()
    before = scene.add_framework("ads")
    subscribers, states = zip(*[begun(loop, scene, who) for who in (*ALLOWED, "eve")], strict=True)

    mine = scene.add_framework("www")
    scene.add_agent()  # for it: the other framework holds the first
    task_id = scene.launch(mine)
    scene.update(task_id, TaskState.TASK_RUNNING)
    live.framework()  # of nobody
    for framework_id in (mine, before):
        live.call("TEARDOWN", framework_id={"value": framework_id})

    shown = [state["get_frameworks"].get("frameworks", []) for state in states]
    seen = [[one["framework_info"]["id"]["value"] for one in frameworks] for frameworks in shown]
    assert seen == [[], [before], [before], []]
    events = told(live, *subscribers)
    assert [whose(each, "FRAMEWORK_ADDED")[:1] for each in events] == [[mine], [], [mine], []]
    for kind in ("TASK_ADDED", "TASK_UPDATED"):
        assert [whose(each, kind)[:1] for each in events] == [[mine], [], [mine], []], kind
    assert [whose(each, "FRAMEWORK_REMOVED") for each in events] == [[mine], [before], [mine, before], []]
    for subscriber in subscribers:
        subscriber.leave()


def test_an_agent_is_told_of_without_what_is_reserved_to_other_roles(live, loop, scene):
    subscribers = [begun(loop, scene, who)[0] for who in ("ann", "eve", "root")]

    live.agent("cpus(web):1;cpus(ads):2;cpus:4")

    roles = []
    for [event] in told(live, *subscribers):
        agent = event["agent_added"]["agent"]
        assert agent["agent_info"]["resources"] == agent["total_resources"]
        roles.append({one["role"] for one in agent["total_resources"]})
    assert roles == [{"*", "web"}, {"*"}, {"*", "web", "ads"}]
    for subscriber in subscribers:
        subscriber.leave()


# ---- whose it is ----

TIME = 1.0
FRAMEWORK = FrameworkID("f-www")


def launched(task_id, user=None, framework_id=FRAMEWORK):
    task = TaskInfo(
        task_id=TaskID(task_id), name="t", agent_id=AgentID("m-S0"), resources=Resources.of(cpus=1),
        command=CommandInfo(value="true", user=user or ""),
    )  # fmt: skip
    return happenings.TaskLaunched(TIME, framework_id, task, "web", OfferID("m-O0"))


def updated(task_id, framework_id=FRAMEWORK):
    return TaskUpdated(TIME, framework_id, AgentID("m-S0"), TaskID(task_id), None, None, None)


def removed(task_id, lost_sight=False):
    return TaskRemoved(TIME, FRAMEWORK, AgentID("m-S0"), TaskID(task_id), TaskState.TASK_LOST, lost_sight)


def seen_by(owners, happening):
    """Who sees it: who may see tasks of www, of ads and of none; all may see frameworks of www."""
    sights = {user: sight(frameworks=["www"], tasks=[user]) for user in ("www", "ads", "none")}
    return [user for user, each in sights.items() if owners.sees(each, happening)]


def test_a_task_is_of_its_own_user_else_of_its_frameworks():
    owners = Owners(cluster())  # with tasks live-None, live-www, live-ads, ...

    assert seen_by(owners, updated("live-None")) == ["www"]
    assert seen_by(owners, updated("live-ads")) == ["ads"]
    assert seen_by(owners, updated("lost-ads")) == ["ads"]
    for happening, who in ((launched("new"), "www"), (launched("newer", "ads"), "ads")):
        owners.learn(happening)
        assert seen_by(owners, happening) == [who]
        assert seen_by(owners, updated(happening.task.task_id)) == [who]
    back = TaskReturned(TIME, FRAMEWORK, launched("back").task, "web", TaskState.TASK_RUNNING, (), "ads")
    owners.learn(back)
    assert seen_by(owners, back) == seen_by(owners, updated("back")) == ["ads"]


def test_what_is_over_is_forgotten_and_what_is_out_of_reach_is_not():
    owners = Owners(cluster())

    owners.forget(removed("live-ads", lost_sight=True))
    assert seen_by(owners, updated("live-ads")) == ["ads"]
    owners.forget(removed("live-ads"))
    assert seen_by(owners, updated("live-ads")) == ["www"]

    info = FrameworkInfo(id=FRAMEWORK, name="f", user="www")
    gone = FrameworkRemoved(TIME, FRAMEWORK, info)
    assert seen_by(owners, gone) == ["www", "ads", "none"]
    owners.forget(gone)
    assert seen_by(owners, gone) == seen_by(owners, updated("live-None")) == []
    assert owners.sees(WHOLE, updated("live-None"))
    owners.learn(FrameworkAdded(TIME, FRAMEWORK, info, (), False))
    assert seen_by(owners, updated("live-None")) == ["www"]
