"""What somebody is told in words by ACLs: nothing of frameworks and tasks that one may not see, as if they were not."""

import json

import pytest
from msgspec.structs import replace

from mesoslite.api import master_app
from mesoslite.api.explanations import GENERAL
from mesoslite.model import (
    AgentID,
    AgentInfo,
    CommandInfo,
    Explanation,
    Finding,
    FrameworkID,
    FrameworkInfo,
    OfferID,
    OfferReason,
    Reason,
    Resources,
    TaskID,
    TaskInfo,
    TaskState,
)
from mesoslite.model.happenings import TaskLaunched, TaskRefused
from mesoslite.model.stories import FrameworkStanding, FrameworkStory, TaskStory

from .fakes import FakeMaster, request
from .sights import KINDS, acls, authentication, cluster, is_who

INFOS = {user: FrameworkInfo(id=FrameworkID(f"f-{user}"), name=user, user=user) for user in ("www", "ads")}
AGENT = AgentInfo(id=AgentID("m-S0"), hostname="host", port=5051, resources=Resources.of(cpus=1))
ALLOWED = {"ann": ["www"], "bob": ["ads"], "root": None}
ROLES = {"ann": None, "root": None}
SEES = {f"view_{kind}": ALLOWED for kind in KINDS}
RULES = acls(**SEES, view_roles=ROLES, get_quotas=ROLES)


def _story(framework, task_id):
    refused = TaskRefused(5.0, framework.id, task_id, TaskState.TASK_ERROR, Reason.REASON_TASK_INVALID, "too large")
    standing = FrameworkStanding.CONNECTED
    return TaskStory(
        framework=framework, standing=standing, task_id=task_id, state=None, earlier=(), happenings=(refused,),
        forgotten=0,
    )  # fmt: skip


class TellingMaster(FakeMaster):
    """Has the frameworks of www and of ads, each with a task ``live`` of its user, and ``live-...`` of others."""

    def __init__(self):
        super().__init__(cluster())

    def find_frameworks(self, text):
        return tuple([info for info in INFOS.values() if text in (info.id, info.name)])

    def find_agents(self, text):
        return (AGENT,)

    def explain(self, framework_id, agent_ids):
        text = "behind framework f-ads, which has less"
        finding = Finding("web", OfferReason.SHARE, text, other=FrameworkID("f-ads"))
        return tuple([Explanation(framework_id, agent_id, 7, (finding,)) for agent_id in agent_ids])

    def task_stories(self, task_id, framework):
        if task_id == "several":
            return ()
        whose = [info for info in INFOS.values() if framework in ("", info.id, info.name)]
        return tuple([_story(info, task_id) for info in whose])

    def tasks_named(self, name, framework):
        found = [(info.id, TaskID(f"live-{user}")) for info in INFOS.values() for user in (None, "www", "ads")]
        return tuple(found) if name == "several" else ()

    def framework_story(self, framework_id):
        return FrameworkStory(
            framework=INFOS["www"], standing=FrameworkStanding.CONNECTED, tasks=0, offers=0, suppressed=(), declined=0,
            declined_time=None, refuse_seconds=5.0, refused=(),
        )  # fmt: skip


@pytest.fixture
def app(runtime):
    return master_app(runtime.spawn(TellingMaster()), authentication=authentication(ALLOWED, RULES))


def ask(app, who, path, query):
    answer = request(app, "GET", f"/mesoslite/{path}", query=query, **is_who(who))
    return answer.status, json.loads(answer.body) if answer.status == 200 else answer.body.decode()


def test_a_framework_that_is_hidden_is_explained_to_nobody(app):
    assert ask(app, "ann", "allocator/explain", "framework=www&agent=host")[0] == 200
    hidden = ask(app, "bob", "allocator/explain", "framework=www&agent=host")

    unknown = ask(app, "root", "allocator/explain", "framework=none&agent=host")
    assert hidden == (404, unknown[1].replace("none", "www"))


@pytest.mark.parametrize("query", ["framework=www&agent=host", "framework=www"])
def test_an_explanation_does_not_name_a_framework_that_is_hidden(app, query):
    found = {who: ask(app, who, "allocator/explain", query)[1] for who in ("ann", "root")}

    [ann], [root] = (found[who]["findings" if "agent" in query else "summary"] for who in ("ann", "root"))
    assert (ann["text"], "other" in ann) == ("behind another framework, which has less", False)
    assert root["other"] == {"id": "f-ads", "name": "ads"}


# Goal: no role, reservation or quota is told in words that is hidden elsewhere. Method: what each reason would say.
@pytest.mark.parametrize("query", ["framework=www&agent=host", "framework=www"])
@pytest.mark.parametrize("reason", OfferReason)
def test_what_other_roles_have_is_told_to_who_may_see_all_roles(runtime, reason, query):
    class Master(TellingMaster):
        def explain(self, framework_id, agent_ids):
            finding = Finding("web", reason, "role 'secret' has cpus:1", other=FrameworkID("f-ads"))
            return tuple([Explanation(framework_id, agent_id, 7, (finding,)) for agent_id in agent_ids])

    some = acls(**SEES, view_roles={"ann": None, "root": None}, get_quotas={"bob": None, "root": None})
    none = acls(**SEES, view_roles={"ann": ["web"]}, get_quotas={"ann": None})
    master = runtime.spawn(Master())

    def told(who, rules):
        app = master_app(master, authentication=authentication(ALLOWED, rules))
        answer = ask(app, who, "allocator/explain", query)[1]
        return answer["findings" if "agent" in query else "summary"][0]["text"]

    whole = "role 'secret' has cpus:1"
    assert told("root", some) == whole
    assert told("ann", some) == (GENERAL[reason] if reason is OfferReason.HEADROOM else whole)
    assert told("ann", none) == GENERAL.get(reason, whole)


def test_a_task_is_told_of_to_who_may_see_its_framework_and_its_user(app):
    def told(who, task):
        status, answer = ask(app, who, "why", f"task={task}")
        return [each["framework"]["name"] for each in answer["stories"]] if status == 200 else status

    # Neither is there a record of the last, so its frameworks' users are what it is judged by.
    assert [told(who, "live-www") for who in ALLOWED] == [["www"], 404, ["www", "ads"]]
    assert [told(who, "live-ads") for who in ALLOWED] == [404, ["ads"], ["www", "ads"]]
    assert [told(who, "refused") for who in ALLOWED] == [["www"], ["ads"], ["www", "ads"]]


# Goal: what is forgotten but for its story stays hidden. Method: tasks that were launched, and are in no View.
@pytest.mark.parametrize(("user", "whose"), [("ads", []), ("www", ["www"]), ("", ["www"])])
def test_a_task_that_is_remembered_by_its_story_alone_is_of_its_own_user(runtime, user, whose):
    class Master(TellingMaster):
        def task_stories(self, task_id, framework):
            task = TaskInfo(
                task_id=task_id, name="t", agent_id=AgentID("m-S0"), resources=Resources.of(cpus=1),
                command=CommandInfo(value="true", user=user),
            )  # fmt: skip
            launched = TaskLaunched(5.0, INFOS["www"].id, task, "web", OfferID("m-O0"))
            return (replace(_story(INFOS["www"], task_id), state=TaskState.TASK_FINISHED, happenings=(launched,)),)

    app = master_app(runtime.spawn(Master()), authentication=authentication(ALLOWED, RULES))

    status, answer = ask(app, "ann", "why", "task=past&framework=www")
    assert (status, [each["framework"]["name"] for each in answer["stories"]]) == (200, whose)
    assert len(ask(app, "root", "why", "task=past")[1]["stories"]) == 1


def test_tasks_of_a_name_are_counted_as_far_as_they_are_seen(app):
    def told(who):
        answer = ask(app, who, "why", "task=several")[1]
        return answer["named"], [each["task"] for each in answer["stories"]]

    assert told("ann") == (2, ["live-None", "live-www"])
    assert told("bob") == (2, ["live-None", "live-ads"])
    assert told("root")[0] == 6


def test_what_a_framework_has_done_is_told_to_who_may_see_it(app):
    assert ask(app, "ann", "why", "task=live-ads&framework=www")[0] == 200
    hidden = ask(app, "bob", "why", "task=live-www&framework=www")

    assert hidden[0] == 404
    assert "no framework 'www' is in the cluster" in hidden[1]
