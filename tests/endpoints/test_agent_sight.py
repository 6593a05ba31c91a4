"""What somebody is shown of an agent by ACLs: frameworks, tasks and executors by user, what is reserved by role."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from msgspec.structs import replace

from mesoslite.api import agent_app, agent_reads
from mesoslite.api.agent_state import state_document
from mesoslite.api.sight import WHOLE
from mesoslite.model import (
    AgentFramework,
    CommandInfo,
    ContainerID,
    ExecutorID,
    ExecutorInfo,
    ExecutorRun,
    FrameworkID,
    FrameworkInfo,
    Resources,
)

from .fakes import FakeAgent, agent_snapshot, request
from .sights import KINDS, USERS, acls, authentication, is_who
from .test_agent_api import run_of
from .test_sight import sight

EXECUTOR = ContainerID("c-own")


def run(task_id, user, *, executor=None):
    found = run_of(task_id)
    command = CommandInfo(value="true", user=user or "")
    own = ExecutorInfo(executor_id=ExecutorID("own")) if executor else None
    info = replace(found.task.info, command=command, executor=own)
    return replace(found, task=replace(found.task, info=info), executor_container_id=executor)


def snapshot(sees=lambda kind, user: True):
    """An agent with a framework of each user, as far as ``sees(kind, user)`` lets pass."""

    def of(user):
        tasks = [run(f"{user}-{own}", own, executor=None) for own in (None, *USERS)]
        tasks += [run(f"{user}-in-{own}", own, executor=EXECUTOR) for own in (None, *USERS)]
        info = ExecutorInfo(executor_id=ExecutorID("own"), command=CommandInfo(value="true", user="www"))
        executor = ExecutorRun(info=info, container_id=EXECUTOR, sandbox="/s/own")
        seen = tuple([each for each in tasks if sees("tasks", each.task.info.user or user)])
        return AgentFramework(
            info=FrameworkInfo(id=FrameworkID(f"f-{user}"), name=user, user=user), tasks=seen, executors=(executor,)
        )

    found = agent_snapshot(*[of(user) for user in USERS if sees("frameworks", user)])
    reserved = Resources.parse("cpus(web):1;cpus(ads):2;cpus:4")
    return replace(found, info=replace(found.info, resources=reserved))


ALL = snapshot()


# As of a master's (test_sight.py).
@pytest.mark.parametrize("name", ["frameworks", "tasks"])
@settings(max_examples=12, deadline=None, database=None)
@given(users=some.fixed_dictionaries({kind: some.sets(some.sampled_from(USERS)) for kind in KINDS}))
def test_the_document_of_what_is_seen_is_that_of_an_agent_without_the_rest(name, users):
    document = getattr(agent_reads, name)
    less = snapshot(lambda kind, user: user in users[kind])

    assert json.dumps(document(ALL, sight(**users))) == json.dumps(document(less, WHOLE))


def shown_of(document, key="id"):
    """The ids of executors by framework, and of their tasks."""
    executors = {one[key]: {each["id"] for each in one["executors"]} for one in document["frameworks"]}
    return executors, {
        task["id"] for one in document["frameworks"] for each in one["executors"] for task in each["tasks"]
    }


@pytest.mark.parametrize("users", [["www"], ["ads"], ["ads", "www"], []])
def test_executors_are_shown_by_the_user_of_their_commands(users):
    less = state_document(ALL, sight(executors=users), {})

    executors, tasks = shown_of(less)
    commands = {f"{user}-{own}" for user in USERS for own in (None, *USERS) if (own or user) in users}
    own = {"own"} if "www" in users else set()
    assert set().union(*executors.values()) == commands | own
    inside = {f"{user}-in-{own}" for user in USERS for own in (None, *USERS)} if "www" in users else set()
    assert tasks == commands | inside
    read = agent_reads.executors(ALL, sight(executors=users)).get("executors", [])
    assert {one["executor_info"]["executor_id"]["value"] for one in read} == commands | own


def test_an_executor_is_shown_with_what_its_hidden_tasks_hold():
    whole, less = (state_document(ALL, each, {}) for each in (WHOLE, sight(tasks=["www"])))

    held = [
        [each["resources"] for one in document["frameworks"] for each in one["executors"] if each["id"] == "own"]
        for document in (whole, less)
    ]
    assert held[0] == held[1]
    assert shown_of(less)[1] == {"www-None", "www-in-None", *[f"{u}-{i}www" for u in USERS for i in ("", "in-")]}


def test_what_is_reserved_is_shown_by_role():
    whole, less = (state_document(ALL, each, {}) for each in (WHOLE, sight(roles=["web"])))

    by_role = ("reserved_resources", "reserved_resources_full", "reserved_resources_allocated")
    assert less == {**whole, **{name: {r: v for r, v in whole[name].items() if r == "web"} for name in by_role}}
    assert set(whole["reserved_resources_full"]) == {"web", "ads"}
    [seen] = agent_reads.agent(ALL, sight(roles=["web"])).values()
    assert {each.get("role") for each in seen["resources"]} == {"*", "web"}


def test_each_is_shown_what_one_may_see(runtime, tmp_path):
    rules = acls(**{f"view_{kind}": {"ann": ["www"], "root": None} for kind in KINDS}, view_flags={"root": None})
    app = agent_app(
        runtime.spawn(FakeAgent(ALL)), tmp_path, flags={"port": "1"},
        authentication=authentication(("ann", "eve", "root"), rules),
    )  # fmt: skip

    def asked(who):
        body = json.dumps({"type": "GET_STATE"}).encode()
        call = request(app, "POST", "/api/v1", body, content_type="application/json", **is_who(who))
        page = json.loads(request(app, "GET", "/state", **is_who(who)).body)
        frameworks = json.loads(call.body)["get_state"]["get_frameworks"].get("frameworks", [])
        ids = [one["framework_info"]["id"]["value"] for one in frameworks]
        assert [one["id"] for one in page["frameworks"]] == ids
        return ids, "flags" in page

    assert asked("ann") == (["f-www"], False)
    assert asked("eve") == ([], False)
    assert asked("root") == ([f"f-{user}" for user in USERS], True)


# ---- containers and files ----


@pytest.mark.parametrize(("who", "users"), [("ann", ["www"]), ("eve", []), ("root", USERS)])
def test_containers_are_shown_by_the_user_of_their_executors(runtime, tmp_path, who, users):
    frameworks = [
        replace(one, tasks=tuple([replace(each, pid=7) for each in one.tasks]), executors=()) for one in ALL.frameworks
    ]
    rules = acls(view_containers={"ann": ["www"], "root": None})
    app = agent_app(
        runtime.spawn(FakeAgent(replace(ALL, frameworks=tuple(frameworks)))), tmp_path, runtime=runtime,
        authentication=authentication(("ann", "eve", "root"), rules),
    )  # fmt: skip

    page = json.loads(request(app, "GET", "/containers", **is_who(who)).body)
    body = json.dumps({"type": "GET_CONTAINERS"}).encode()
    call = request(app, "POST", "/api/v1", body, content_type="application/json", **is_who(who))

    wanted = {f"{user}-{own}" for user in USERS for own in (None, *USERS) if (own or user) in users}
    assert {one["executor_id"] for one in page if "-in-" not in one["executor_id"]} == wanted
    shown = json.loads(call.body)["get_containers"].get("containers", [])
    assert {one["executor_id"]["value"] for one in shown} == {one["executor_id"] for one in page}


@pytest.fixture
def files(runtime, tmp_path):
    """What ann, who may read files of www, eve, who may none, and root are answered about a path, by each way."""
    rules = acls(access_sandboxes={"ann": ["www"], "root": None})
    app = agent_app(
        runtime.spawn(FakeAgent(ALL)), tmp_path, authentication=authentication(("ann", "eve", "root"), rules)
    )

    def asked(path):
        def statuses(who):
            pages = [
                request(app, "GET", f"/files/{page}", query=f"path={path}&offset=0", **is_who(who)).status
                for page in ("browse", "read", "download")
            ]
            calls = []
            for kind in ("LIST_FILES", "READ_FILE"):
                body = json.dumps({"type": kind, kind.lower(): {"path": path, "offset": 0}}).encode()
                calls.append(
                    request(app, "POST", "/api/v1", body, content_type="application/json", **is_who(who)).status
                )
            assert len({*pages, *calls}) == 1, (pages, calls)
            return pages[0]

        return [statuses(who) for who in ("ann", "eve", "root")]

    return asked


def sandbox(tmp_path, user, executor):
    found = tmp_path / f"slaves/m-S0/frameworks/f-{user}/executors/{executor}/runs/c"
    found.mkdir(parents=True)
    (found / "stdout").write_text("text\n")
    return found


# Source: SlaveAuthorizerTest.ViewSandbox..., FilesTest.AuthenticationTest
def test_a_sandbox_is_read_by_who_may_read_those_of_its_user(files, tmp_path):
    mine, other = (str(sandbox(tmp_path, "ads", f"ads-{own}") / "stdout") for own in ("www", None))
    own = str(sandbox(tmp_path, "ads", "own") / "stdout")  # whose command is of www

    assert files(mine) == files(own) == [200, 403, 200]
    assert files(other) == [403, 403, 200]
    for path in (mine, other):
        virtual = path[path.index("/frameworks") :]
        assert files(virtual) == files(path)


def test_a_sandbox_that_nobody_knows_is_read_by_who_may_read_any(files, tmp_path):
    assert files(str(sandbox(tmp_path, "past", "e") / "stdout")) == [403, 403, 200]


def test_who_may_not_read_a_sandbox_does_not_hear_what_is_in_it(files, tmp_path):
    path = str(sandbox(tmp_path, "ads", "ads-None") / "none")

    assert files(path) == files(path[path.index("/frameworks") :]) == [403, 403, 404]


# Goal: what counts is where the file lies. Method: a link in one's own sandbox, and a path with dots, to another one.
def test_no_path_leads_from_ones_own_sandbox_into_anothers(files, tmp_path):
    mine, other = (sandbox(tmp_path, "ads", f"ads-{own}") for own in ("www", None))
    (mine / "link").symlink_to(other / "stdout")
    (mine / "back").symlink_to(mine / "stdout")

    assert files(str(mine / "back")) == [200, 403, 200]
    assert files(str(mine / "link")) == [403, 403, 200]
    dotted = f"/frameworks/f-ads/executors/ads-www/runs/../../{other.parent.parent.name}/runs/c/stdout"
    assert files(dotted) == [403, 403, 200]


# As in test_files.py: one's own file turns into a link to another's after the first look.
def test_a_link_to_anothers_that_appears_after_the_look_is_caught(files, tmp_path, monkeypatch):
    mine, other = (sandbox(tmp_path, "ads", f"ads-{own}") / "stdout" for own in ("www", None))

    def look_then_swap(self, path, judge):
        mine.unlink()
        mine.symlink_to(other)
        return path

    monkeypatch.setattr("mesoslite.api.sandboxes.Sandboxes._real", look_then_swap)

    assert files(str(mine)) == [403, 403, 200]
