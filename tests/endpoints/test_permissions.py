"""ACLs over HTTP: who may see which page, ask what, and change what; all that is not allowed is 403.

What is left out of a page that everybody may see is in test_sight.py.
"""

import json

import pytest

import libactor as la
from mesoslite.api import Authentication, agent_app, master_app
from mesoslite.api.absent_calls import absent_calls
from mesoslite.api.agent_operator import agent_calls
from mesoslite.api.file_pages import file_calls
from mesoslite.api.operator_changes import change_calls
from mesoslite.api.operator_reads import read_calls
from mesoslite.api.permissions import CALLS, CHANGES, PAGES, UNASKED
from mesoslite.api.shown_calls import shown_calls
from mesoslite.model import MasterPort, parse_acls

from .fakes import FakeAgent, FakeMaster, agent_snapshot, request
from .live import Live
from .test_authentication import ANN, PEOPLE, basic

BOB = basic("bob", PEOPLE["bob"])
LEVEL = {"level": 0, "duration": {"nanoseconds": 1}}
DISK = {"name": "disk", "type": "SCALAR", "scalar": {"value": 5}}
WEB = {**DISK, "reservations": [{"type": "DYNAMIC", "role": "web", "principal": "bob"}]}


def rules(permissive=False, **actions):
    """For each action whom it is allowed, what it is about is called in a rule, and which; None: any."""
    document = {"permissive": permissive}
    for action, (principal, name, value) in actions.items():
        what = {"type": "ANY"} if value is None else {"values": [value]}
        document[action] = [{"principals": {"values": [principal]}, name: what}]
    return Authentication(PEOPLE, readonly=True, readwrite=True, acls=parse_acls(json.dumps(document)))


SEES = {f"view_{name}": ("ann", "roles" if name == "roles" else "users", None) for name in ("frameworks", "tasks")}
SEES |= {f"view_{name}": ("ann", "roles" if name == "roles" else "users", None) for name in ("executors", "roles")}


@pytest.fixture
def master(runtime):
    return runtime.spawn(FakeMaster())


@pytest.fixture
def live(runtime):
    return Live(runtime)


def statuses(app, path, method="GET", **headers):
    """What ann and bob are answered."""
    return [request(app, method, path, authorization=who, **headers).status for who in (ANN, BOB)]


# Goal: nothing is shown to who may do nothing. Method: each page and each call of both programs.
def test_who_may_do_nothing_sees_nothing_and_changes_nothing(runtime, master, tmp_path):
    nothing = rules()
    apps = {
        "master": master_app(master, runtime=runtime, authentication=nothing),
        "agent": agent_app(
            runtime.spawn(FakeAgent(agent_snapshot())), tmp_path, runtime=runtime, authentication=nothing
        ),
    }
    for app in apps.values():
        listed = request(app, "GET", "/health").status, statuses(app, "/help")
        assert listed == (200, [403, 403])
        demanding = [path for path, demands in PAGES.items() if demands]
        for path in (*demanding, "/metrics/snapshot", "/metrics", "/files/debug", "/monitor/statistics"):
            found = statuses(app, path)
            assert found in ([403, 403], [404, 404]), path
        for kind in [kind for kind, demands in CALLS.items() if demands]:
            body = json.dumps(
                {"type": kind, "set_logging_level": {"level": 0, "duration": {"nanoseconds": 1}}}
            ).encode()
            answers = [
                request(app, "POST", "/api/v1", body, authorization=who, content_type="application/json")
                for who in (ANN, BOB)
            ]
            assert {answer.status for answer in answers} <= {400, 403, 501}, kind  # 400, 501: it has no such call
    assert statuses(apps["master"], "/flags") == [403, 403]
    assert request(apps["master"], "GET", "/version").status == 200


def test_nobody_is_refused_without_rules(runtime, master):
    app = master_app(master, runtime=runtime, authentication=Authentication(PEOPLE, readonly=True))

    assert statuses(app, "/state") == [200, 200]


def test_what_is_shown_as_a_whole_is_shown_to_who_may_see_all_of_it(runtime, live):
    some = {"get_quotas": ("ann", "roles", None), "get_maintenance_schedules": ("ann", "machines", None)}
    app = master_app(live.master, runtime=runtime, authentication=rules(**SEES, **some))

    assert statuses(app, "/registrar(1)/registry") == [200, 403]
    assert statuses(app, "/registrar(1)/registry", "HEAD") == [200, 403]
    answer = request(app, "GET", "/registrar(1)/registry", authorization=BOB)
    assert answer.body == b"principal 'bob' is not allowed to view_frameworks"


# Goal: a rule that hides one role, or one user, hides what tells of all of them. Method: each, of all else one sees.
@pytest.mark.parametrize(
    ("action", "about"),
    [
        *[(f"view_{name}", "users") for name in ("frameworks", "tasks", "executors")],
        ("view_roles", "roles"),
        ("get_quotas", "roles"),
    ],
)
def test_what_is_shown_as_a_whole_is_not_shown_to_who_may_not_see_some_of_it(runtime, live, action, about):
    all_but_ann = {"principals": {"type": "NONE"}, about: {"values": ["secret"]}}
    acls = parse_acls(json.dumps({action: [{"principals": {"values": ["ann"]}, about: {"type": "ANY"}}, all_but_ann]}))
    app = master_app(live.master, runtime=runtime, authentication=Authentication(PEOPLE, readonly=True, acls=acls))

    assert statuses(app, "/registrar(1)/registry") == [200, 403]


@pytest.mark.parametrize(
    ("method", "path", "option"),
    [("GET", "/flags", "readonly"), ("POST", "/api/v1", "readwrite")],
)
def test_who_is_refused_where_no_passwords_are_asked_for_hears_that(runtime, master, method, path, option):
    acls = parse_acls('{"permissive": false}')
    app = master_app(master, runtime=runtime, authentication=Authentication(PEOPLE, acls=acls))

    answer = request(app, method, path, b'{"type": "GET_FLAGS"}', authorization=BOB, content_type="application/json")

    remedy = f"; passwords are asked for here with --authenticate-http-{option} only"
    assert (answer.status, answer.body.decode()) == (
        403,
        f"who has no principal is not allowed to view_flags{remedy}",
    )


# Source: the actions of Mesos's AUTHORIZABLE_ENDPOINTS
@pytest.mark.parametrize("path", ["/metrics/snapshot", "/logging/toggle", "/files/debug"])
def test_a_page_of_the_program_is_read_by_who_may_get_it(runtime, master, path):
    app = master_app(master, runtime=runtime, authentication=rules(get_endpoints=("ann", "paths", path)))

    assert statuses(app, path) == [200, 403]
    assert statuses(app, "/__processes__") == [403, 403]


def test_a_level_of_logging_is_set_by_who_may_set_it(runtime, master):
    gets = {"get_endpoints": ("ann", "paths", "/logging/toggle")}
    app = master_app(master, runtime=runtime, authentication=rules(**gets))

    answers = [
        request(app, method, "/logging/toggle", query="level=0&duration=1secs", authorization=ANN).status
        for method in ("GET", "POST")
    ]

    assert answers == [403, 403]


def test_files_are_read_by_who_may_read_sandboxes_or_the_log(runtime, tmp_path):
    (tmp_path / "mesoslite-agent.log").write_text("text\n")
    sandbox = tmp_path / "slaves/m-S0/frameworks/f/executors/e/runs/c"
    sandbox.mkdir(parents=True)
    agent, flags = runtime.spawn(FakeAgent(agent_snapshot())), {"log_dir": str(tmp_path)}
    who = {"access_mesos_logs": ("ann", "logs", None), "access_sandboxes": ("bob", "users", None)}
    app = agent_app(agent, tmp_path, runtime=runtime, flags=flags, authentication=rules(**who))

    def found(path):
        page = [
            request(app, "GET", "/files/browse", query=f"path={path}", authorization=one).status for one in (ANN, BOB)
        ]
        body = json.dumps({"type": "LIST_FILES", "list_files": {"path": path}}).encode()
        call = [
            request(app, "POST", "/api/v1", body, authorization=one, content_type="application/json").status
            for one in (ANN, BOB)
        ]
        return page, call

    assert found("/slave/log") == ([200, 403], [200, 403])
    assert found(str(sandbox)) == ([403, 200], [403, 200])


# ---- what changes something ----


CHANGING = {
    "RESERVE_RESOURCES": ({"resources": [WEB]}, ("reserve_resources", "roles", "web")),
    "UNRESERVE_RESOURCES": ({"resources": [WEB]}, ("unreserve_resources", "reserver_principals", "bob")),
    "UPDATE_QUOTA": ({"quota_configs": [{"role": "web"}]}, ("update_quotas", "roles", "web")),
    "REMOVE_QUOTA": ({"role": "web"}, ("update_quotas", "roles", "web")),
    "UPDATE_WEIGHTS": ({"weight_infos": [{"role": "web", "weight": 2}]}, ("update_weights", "roles", "web")),
    "UPDATE_MAINTENANCE_SCHEDULE": ({"schedule": {}}, ("update_maintenance_schedules", "machines", None)),
    "START_MAINTENANCE": ({"machines": []}, ("start_maintenances", "machines", None)),
    "STOP_MAINTENANCE": ({"machines": []}, ("stop_maintenances", "machines", None)),
    "DRAIN_AGENT": ({}, ("drain_agents", "agents", None)),
    "DEACTIVATE_AGENT": ({}, ("deactivate_agents", "agents", None)),
    "REACTIVATE_AGENT": ({}, ("reactivate_agents", "agents", None)),
    "MARK_AGENT_GONE": ({}, ("mark_agents_gone", "agents", None)),
}


@pytest.mark.parametrize("kind", CHANGING)
def test_something_is_changed_by_who_may_change_it(runtime, live, kind):
    fields, (action, name, value) = CHANGING[kind]
    app = master_app(live.master, runtime=runtime, authentication=rules(**{action: ("ann", name, value)}))
    agent_id = live.agent("cpus:4;mem:1024;disk:100")[1]
    document = {"type": kind, kind.lower(): {"agent_id": {"value": agent_id}, **fields}}
    body = json.dumps(document).encode()

    answers = [
        request(app, "POST", "/api/v1", body, authorization=who, content_type="application/json") for who in (BOB, ANN)
    ]

    live.settle()
    assert [answer.status == 403 for answer in answers] == [True, False], answers[1].body
    assert answers[0].body.startswith(f"principal 'bob' is not allowed to {action}".encode())


FORMS = {
    "/reserve": ("POST", f"slaveId=a&resources={json.dumps([WEB])}", ("reserve_resources", "roles", "web")),
    "/quota": ("POST", json.dumps({"role": "web", "guarantee": [DISK]}), ("update_quotas", "roles", "web")),
    "/quota/web": ("DELETE", "", ("update_quotas", "roles", "web")),
    "/weights": ("PUT", json.dumps([{"role": "web", "weight": 2}]), ("update_weights", "roles", "web")),
    "/machine/down": ("POST", "[]", ("start_maintenances", "machines", None)),
    "/machine/up": ("POST", "[]", ("stop_maintenances", "machines", None)),
    "/maintenance/schedule": ("POST", "{}", ("update_maintenance_schedules", "machines", None)),
}


@pytest.mark.parametrize("path", FORMS)
def test_the_pages_before_the_calls_ask_the_same(runtime, live, path):
    method, body, (action, name, value) = FORMS[path]
    app = master_app(live.master, runtime=runtime, authentication=rules(**{action: ("ann", name, value)}))

    answers = [request(app, method, path, body.encode(), authorization=who).status for who in (BOB, ANN)]

    live.settle()
    assert [status == 403 for status in answers] == [True, False]


# Source: TeardownTest.Authorization...; a framework of nobody is torn down by who may tear down any
@pytest.mark.parametrize(
    ("owner", "value", "allowed"), [("bob", "bob", True), ("bob", "eve", False), ("", "bob", False), ("", None, True)]
)
@pytest.mark.parametrize("by_form", [True, False])
def test_a_framework_is_torn_down_by_who_may_tear_down_its_principals(runtime, live, owner, value, allowed, by_form):
    who = {"teardown_frameworks": ("ann", "framework_principals", value)}
    app = master_app(live.master, runtime=runtime, authentication=rules(**who))
    framework_id = live.framework(principal=owner)[1]
    path, body = "/teardown", f"frameworkId={framework_id}".encode()
    if not by_form:
        document = {"type": "TEARDOWN", "teardown": {"framework_id": {"value": framework_id}}}
        path, body = "/api/v1", json.dumps(document).encode()

    answer = request(app, "POST", path, body, authorization=ANN, content_type="application/json")
    live.settle()

    assert answer.status == (200 if allowed else 403)
    gone = la.dispatch(live.master, MasterPort.framework_principal, framework_id).get(timeout=60) is None
    assert gone is allowed


# ---- nothing is forgotten ----


def test_each_change_says_what_it_demands():
    changes = {method.__name__ for method in CHANGES}

    assert changes | {"teardown_framework"} == {
        "apply_operation", "deactivate_agent", "drain_agent", "mark_agent_gone", "reactivate_agent", "remove_quota",
        "set_quota", "start_maintenance", "stop_maintenance", "teardown_framework", "update_quota", "update_schedule",
        "update_weights",
    }  # fmt: skip
    assert change_calls(None).keys() == {*CHANGING, "TEARDOWN", "SET_QUOTA", "CREATE_VOLUMES", "DESTROY_VOLUMES",
                                         "GROW_VOLUME", "SHRINK_VOLUME"}  # fmt: skip
    assert not UNASKED & PAGES.keys()


def test_each_call_that_asks_says_what_it_demands_or_tells_nothing_of_anybody():
    calls = {**read_calls(None, None, {}), **shown_calls(None, None, {}), **file_calls(None, None)}
    calls |= {**agent_calls(None, None, None, {}), **absent_calls()}

    assert calls.keys() - CALLS.keys() == {
        "GET_HEALTH", "GET_MASTER", "GET_METRICS", "GET_VERSION",
    }  # fmt: skip
    assert CALLS.keys() - calls.keys() == {"GET_CONTAINERS", "SET_LOGGING_LEVEL", "SUBSCRIBE"}
