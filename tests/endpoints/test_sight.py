"""What somebody is shown of a cluster by ACLs: frameworks, tasks and executors by user, what is reserved by role."""

import json
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from mesoslite.api import master_app
from mesoslite.api.authentication import Realms
from mesoslite.api.master_reads import read_routes
from mesoslite.api.projections_v0 import AGENT_FULL_V0
from mesoslite.api.role_sums import Entitled
from mesoslite.api.routes import application
from mesoslite.api.seen import seen_frameworks
from mesoslite.api.seen_agents import agents_v0
from mesoslite.api.serving import Serving
from mesoslite.api.serving.cursor import Cursor
from mesoslite.api.sight import WHOLE, Sight
from mesoslite.api.v0.roles import roles_parts
from mesoslite.api.v0.state import frameworks_parts
from mesoslite.api.v0.summary import summary_parts
from mesoslite.api.v0.tasks import Page, tasks_parts
from mesoslite.api.v1 import state
from mesoslite.model import parse_acls

from .fakes import FakeMaster, request
from .sights import KINDS, OPERATIONS, ROLES, USERS, acls, authentication, cluster, is_who

ALL = cluster()
FLAGS = {"port": "5050", "log_dir": "/var/log"}
PRINCIPALS = ("ann", "bob", "eve", "root")
VIEWS = {f"view_{kind}": {"ann": ["www"], "bob": ["ads"], "root": None} for kind in KINDS}
RULES = acls(
    **VIEWS,
    view_roles={"ann": ["web", "web/%"], "bob": ["ads"], "root": None},
    get_quotas={"bob": ["web"], "root": None},
    view_flags={"root": None},
)


def text(parts):
    cursor, pieces = Cursor(lambda: parts, keep=False, gzip=False), []
    while not pieces or not pieces[-1].is_last:
        pieces.append(cursor.next())
    return b"".join(piece.body for piece in pieces)


def sight(principal="ann", **seen):
    """What somebody sees, who may see those users or roles; all of the rest."""
    actions = {"quotas": "get_quotas"}
    rules = acls(**{actions.get(kind, f"view_{kind}"): {principal: values} for kind, values in seen.items()})
    return Sight(**{kind: rules.rights(actions.get(kind, f"view_{kind}"), principal) for kind in seen})


# ---- what is left out ----

DOCUMENTS = {
    "GET_TASKS": state.tasks,
    "GET_EXECUTORS": state.executors,
    "GET_FRAMEWORKS": state.frameworks,
    "GET_STATE": state.state,
    "/frameworks": lambda view, sight: frameworks_parts(view, sight, None),
    "/tasks": lambda view, sight: tasks_parts(view, sight, Page()),
}


# Goal: what is hidden is as if it were not there, and nothing else is. Method: any users for each kind; the document of
# what is seen of all is that of a cluster that was made without the rest, of which all is seen.
@pytest.mark.parametrize("name", DOCUMENTS)
@settings(max_examples=12, deadline=None, database=None)
@given(users=some.fixed_dictionaries({kind: some.sets(some.sampled_from(USERS)) for kind in KINDS}))
def test_the_document_of_what_is_seen_is_that_of_a_cluster_without_the_rest(name, users):
    less = cluster(lambda kind, user: user in users[kind])

    assert text(DOCUMENTS[name](ALL, sight(**users))) == text(DOCUMENTS[name](less, WHOLE))


def _sees(roles, resource):
    named = [layer["role"] for layer in resource.get("reservations", [])]
    named += [resource["allocation_info"]["role"]] if "allocation_info" in resource else []
    return set(named) <= roles


def _less_v0(agent, roles):
    by_role = ("reserved_resources", "reserved_resources_full")
    listed = ("used_resources_full", "offered_resources_full")
    return {
        **agent,
        **{name: {role: each for role, each in agent[name].items() if role in roles} for name in by_role},
        **{name: [each for each in agent[name] if _sees(roles, each)] for name in listed},
    }


def _less_v1(agent, roles):
    if "agent_info" in agent:
        agent = {**agent, "agent_info": _less_v1(agent["agent_info"], roles)}
    for name in ("resources", "total_resources", "allocated_resources", "offered_resources"):
        seen = [each for each in agent.get(name, []) if _sees(roles, each)]
        agent = {**agent, name: seen} if seen else {key: each for key, each in agent.items() if key != name}
    return agent


def _json(document):
    return json.dumps(document)  # the order counts


# Source: MasterTest.VIEW_ROLE..., Mesos's SlaveWriter: the sums of v0 are of all there is
@pytest.mark.parametrize("roles", [set(each) for each in ([], ["ads"], ["web"], ["web", "web/a"], ["web/a"], ROLES)])
def test_agents_are_shown_without_what_tells_of_other_roles(roles):
    seen = sight(roles=roles)

    whole, less = (json.loads(b"[%s]" % text(agents_v0(AGENT_FULL_V0, ALL.agents, each))) for each in (WHOLE, seen))
    assert _json(less) == _json([_less_v0(one, roles) for one in whole])
    whole, less = (json.loads(text(state.agents(ALL, each))) for each in (WHOLE, seen))
    assert _json(less) == _json({name: [_less_v1(one, roles) for one in each] for name, each in whole.items()})


# Source: MasterAPITest.OperationsFilter...: by getConsumedResources
@pytest.mark.parametrize("roles", [(), ("ads",), ("web",), ROLES])
def test_operations_are_shown_of_resources_and_frameworks_that_are_seen(roles):
    def seen(**rest):
        found = json.loads(text(state.operations(ALL, sight(roles=roles, **rest)))).get("operations", [])
        return {one["uuid"]["value"] for one in found}

    wanted = {uuid for uuid, (_, asked) in OPERATIONS.items() if asked <= set(roles)}
    assert seen() == wanted
    assert seen(frameworks=["www"]) == wanted
    assert seen(frameworks=["ads"]) == wanted - {"whose"}


def test_counts_are_of_all_tasks_but_frameworks_that_are_hidden_are_not_named():
    whole, less = (json.loads(text(summary_parts(ALL, each, {}))) for each in (WHOLE, sight(frameworks=["www"])))

    assert [one["id"] for one in less["frameworks"]] == ["f-www"]
    assert less["frameworks"][0] in whole["frameworks"]
    [busy, *_] = whole["slaves"]
    assert busy["framework_ids"] == ["f-ads", "f-root", "f-www"]
    assert less["slaves"][0] == {**busy, "framework_ids": ["f-www"]}


def test_roles_are_shown_with_the_frameworks_that_are_seen_and_sums_of_all():
    entitled = Entitled()
    whole, less = (
        {one["name"]: one for one in json.loads(text(roles_parts(ALL, each, entitled)))["roles"]}
        for each in (WHOLE, sight(frameworks=["www"], roles=["*", "web"]))
    )

    assert list(less) == ["*", "web"]
    assert whole["*"]["frameworks"] == ["f-ads", "f-root", "f-www"]
    assert less == {"*": {**whole["*"], "frameworks": ["f-www"]}, "web": whole["web"]}


# ---- who asks ----


@pytest.fixture
def master(runtime):
    return runtime.spawn(FakeMaster(ALL))


@pytest.fixture
def app(master):
    return master_app(master, flags=FLAGS, authentication=authentication(PRINCIPALS, RULES))


def shown(app, who, path, **headers):
    answer = request(app, "GET", path, **is_who(who), **headers)
    assert answer.status == 200
    return json.loads(answer.body)


def called(app, who, kind):
    body = json.dumps({"type": kind}).encode()
    answer = request(app, "POST", "/api/v1", body, content_type="application/json", **is_who(who))
    assert answer.status == 200
    return json.loads(answer.body)[kind.lower()]


@pytest.mark.parametrize(("who", "users"), [("ann", ["www"]), ("bob", ["ads"]), ("eve", []), ("root", list(USERS))])
def test_each_is_shown_the_frameworks_of_the_users_that_one_may_see(app, who, users):
    ids = [f"f-{user}" for user in users]

    for path in ("/state", "/frameworks", "/state-summary"):
        assert [one["id"] for one in shown(app, who, path)["frameworks"]] == ids, path
    assert {one["framework_id"] for one in shown(app, who, "/tasks")["tasks"]} == set(ids)
    assert ("flags" in shown(app, who, "/state")) is (who == "root")
    for kind in ("GET_FRAMEWORKS", "GET_STATE"):
        found = called(app, who, kind)
        found = found["get_frameworks"] if kind == "GET_STATE" else found
        assert [one["framework_info"]["id"]["value"] for one in found.get("frameworks", [])] == ids


def test_each_is_shown_the_roles_that_one_may_see(app):
    found = {who: [one["name"] for one in shown(app, who, "/roles")["roles"]] for who in PRINCIPALS}

    assert found == {"ann": ["web", "web/a"], "bob": ["ads"], "eve": [], "root": ["*", "ads", "web", "web/a"]}
    for who, names in found.items():
        assert [one["name"] for one in called(app, who, "GET_ROLES").get("roles", [])] == names
        for page in (shown(app, who, "/slaves"), shown(app, who, "/state"), shown(app, who, "/state-summary")):
            told = {role for one in page["slaves"] for role in one["reserved_resources"]}
            assert told == set(names) & {"ads", "web/a"}
        totals = [each for one in called(app, who, "GET_AGENTS")["agents"] for each in one.get("total_resources", [])]
        told = {layer["role"] for each in totals for layer in each.get("reservations", [])}
        assert told == set(names) & set(ROLES)


def test_quotas_and_weights_are_shown_of_roles_that_one_may_see(app):
    for who, quotas, weights in (("ann", 0, 1), ("bob", 1, 0), ("eve", 0, 0), ("root", 1, 1)):
        assert len(shown(app, who, "/quota").get("infos", [])) == quotas
        assert len(called(app, who, "GET_QUOTA")["status"].get("configs", [])) == quotas
        assert len(shown(app, who, "/weights")) == weights
        assert len(called(app, who, "GET_WEIGHTS").get("weight_infos", [])) == weights


# ---- what they share ----

PATHS = ("/state", "/state-summary", "/frameworks", "/tasks", "/slaves", "/roles")


@pytest.mark.parametrize("path", PATHS)
def test_who_sees_something_else_has_another_tag(app, path):
    tags = {who: request(app, "GET", path, **is_who(who)).headers["etag"] for who in PRINCIPALS}

    assert len(set(tags.values())) == len(PRINCIPALS)
    for who, other in product(PRINCIPALS, repeat=2):
        answer = request(app, "GET", path, **is_who(who), if_none_match=tags[other])
        assert (answer.status == 304) is (who == other)


def test_who_sees_all_by_rules_has_the_tag_of_who_is_not_asked_about(master, app):
    free = master_app(master, flags=FLAGS)

    tag = request(free, "GET", "/state").headers["etag"]
    assert request(app, "GET", "/state", **is_who("root")).headers["etag"] == tag


# Goal: what is made depends on how many different things are seen, not on who asks. Method: count what was rendered.
def test_all_who_see_the_same_share_what_is_rendered(master):
    many = [f"who-{number}" for number in range(20)]
    rules = acls(**{action: {who: [("www", "ads")[number % 2]] for number, who in enumerate(many)} for action in VIEWS})
    serving = Serving()
    routes = read_routes(master, serving, FLAGS)
    app = application(routes, (), None, Realms("master", authentication(many, rules)))

    bodies = [request(app, "GET", "/state", **is_who(who)).body for who in many]

    assert serving.renderings.begun == len(set(bodies)) == 2
    assert [body == bodies[number % 2] for number, body in enumerate(bodies)] == [True] * len(many)


def test_rules_that_come_to_the_same_are_one_sight():
    def of(who, *rules):
        entities = [({"values": [one]} if one else {"type": "ANY"}, users) for one, users in rules]
        document = {"view_tasks": [{"principals": one, "users": users} for one, users in entities]}
        return Sight(tasks=parse_acls(json.dumps(document)).rights("view_tasks", who))

    some_, any_, none = {"values": ["www"]}, {"type": "ANY"}, {"type": "NONE"}
    assert of("ann", ("bob", none)) == WHOLE
    assert of("ann", ("ann", some_)) == WHOLE  # since all else is permitted as well
    assert of("ann", ("ann", some_), ("ann", none)) == of("bob", ("bob", some_), (None, none))
    assert of("ann", ("ann", none), ("ann", any_)) == of("bob", ("bob", none)) != WHOLE
    assert of("ann", ("ann", some_), ("ann", none)).variant != of("ann", ("ann", none)).variant
    assert WHOLE.variant == ""


def test_what_is_all_seen_is_shown_by_what_was_rendered_before():
    [one, *_] = ALL.frameworks
    seen = sight(tasks=USERS, executors=USERS)

    [same, *_] = seen_frameworks(ALL.frameworks, seen)
    assert same.tasks is one.tasks
    assert same.executors is one.executors
    assert same.completed_tasks == one.completed_tasks
