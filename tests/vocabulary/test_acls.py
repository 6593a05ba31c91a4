"""ACLs: which rule decides, and what it lets pass; the cases are those of Mesos's local authorizer."""

import json

import pytest

from mesoslite.model import (
    ALL_ALLOWED,
    Acls,
    Create,
    Destroy,
    GrowVolume,
    InvalidRequest,
    Reserve,
    Resources,
    ShrinkVolume,
    Unreserve,
    demands_of,
    parse_acls,
    refusal_of,
)


def acls(action: str, *rules: tuple[object, object], permissive: bool = True) -> Acls:
    """Rules of one action: who, and what; a text is ANY or NONE, a list some."""
    keys = {"run_tasks": "users", "teardown_frameworks": "framework_principals", "view_flags": "flags"}
    entity = [{"type": each} if isinstance(each, str) else {"values": each} for rule in rules for each in rule]
    told = [
        {"principals": who, keys.get(action, "roles"): what}
        for who, what in zip(entity[::2], entity[1::2], strict=True)
    ]
    return parse_acls(json.dumps({"permissive": permissive, action: told}))


# Source: AuthorizationTest.AnyPrincipalRunAsUser, NoPrincipalRunAsUser, PrincipalRunAsAnyUser, SomePrincipal..., and
#   .NoPrincipalRunAsSomeUser...: names in Mesos's src/tests/authorization_tests.cpp
@pytest.mark.parametrize(
    ("rules", "who", "what", "allowed"),
    [
        ([("ANY", ["guest"])], "ann", "guest", True),
        ([("ANY", ["guest"])], None, "guest", True),
        ([("ANY", ["guest"])], "ann", "root", True),  # no rule is about it
        ([("NONE", ["root"])], "ann", "root", False),
        ([("NONE", ["root"])], "ann", "guest", True),
        ([(["ann"], "ANY")], "ann", "root", True),
        ([(["ann"], "NONE")], "ann", "root", False),
        ([(["ann"], "NONE")], "bob", "root", True),
        ([(["ann"], "NONE")], None, "root", True),
        ([(["ann"], ["guest"]), (["ann"], "NONE")], "ann", "guest", True),
        ([(["ann"], ["guest"]), (["ann"], "NONE")], "ann", "root", False),
        ([(["ann"], "NONE"), (["ann"], ["guest"])], "ann", "guest", False),  # the first one decides
        ([(["ann", "bob"], ["guest"]), ("NONE", "ANY")], "bob", "guest", True),
        ([(["ann", "bob"], ["guest"]), ("NONE", "ANY")], None, "guest", False),
        ([(["ann"], ["guest"])], "ann", None, True),  # rules of some are not about all
        ([("ANY", "NONE")], "ann", None, False),
        ([("ANY", "ANY")], None, None, True),
    ],
)
def test_the_first_rule_that_matches_decides(rules, who, what, allowed):
    assert acls("run_tasks", *rules).allow("run_tasks", who, what) is allowed


@pytest.mark.parametrize("permissive", [True, False])
def test_what_no_rule_is_about_is_as_permissive_says(permissive):
    some = acls("run_tasks", (["ann"], ["guest"]), permissive=permissive)

    assert some.allow("run_tasks", "ann", "guest")
    assert some.allow("run_tasks", "ann", "root") is permissive
    assert some.allow("view_flags", "ann") is permissive


# Source: AuthorizationTest.RegisterFramework with roles "parent/%"
def test_a_role_with_a_sign_for_those_below_is_about_these_alone():
    some = acls("register_frameworks", (["ann"], ["eng/%"]), permissive=False)

    roles = ("eng", "eng/web", "eng/web/a", "engine", "other/eng", "eng/%")
    assert [some.allow("register_frameworks", "ann", role) for role in roles] == [
        False, True, True, False, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ("{", "are no JSON"),
        ("[" * 100_000, "are no JSON"),
        ("[]", "expected an object"),
        ('{"run_task": []}', "'run_task' is no action here"),
        ('{"view_resource_provider": []}', "'view_resource_provider' is no action here"),
        ('{"run_tasks": {}}', "run_tasks"),
        ('{"run_tasks": [{"principals": {"type": "ANY"}}]}', "users: is missing"),
        ('{"run_tasks": [{"principals": {"type": "ALL"}, "users": {}}]}', "type: got 'ALL'"),
        ('{"run_tasks": [{"principals": {"values": [1]}, "users": {}}]}', "values"),
        ('{"permissive": 1}', "permissive"),
    ],
)
def test_what_is_no_rule_is_refused(document, problem):
    with pytest.raises(InvalidRequest, match=problem):
        parse_acls(document)


def resources(*entries):
    from mesoslite.model.fields import Fields

    return Resources.decode(Fields({"r": list(entries)}).messages("r"))


def disk(principal=None, creator=None, role="web"):
    reservation = {"type": "DYNAMIC", "role": role, **({"principal": principal} if principal else {})}
    entry = {"name": "disk", "type": "SCALAR", "scalar": {"value": 5}, "reservations": [reservation]}
    persistence = {"id": "v", **({"principal": creator} if creator else {})}
    volume = {"persistence": persistence, "volume": {"mode": "RW", "container_path": "p"}}
    return resources({**entry, **({"disk": volume} if creator is not None else {})})


@pytest.mark.parametrize(
    ("operation", "demands"),
    [
        (Reserve(disk()), [("reserve_resources", "web")]),
        (Reserve(disk(), disk("bob", role="ads")), [("reserve_resources", "web"), ("unreserve_resources", "bob")]),
        (Unreserve(disk("bob")), [("unreserve_resources", "bob")]),
        (Unreserve(disk()), [("unreserve_resources", None)]),
        (Create(disk(creator="bob")), [("create_volumes", "web")]),
        (Destroy(disk(creator="bob")), [("destroy_volumes", "bob")]),
        (Destroy(disk(creator="")), [("destroy_volumes", None)]),
        (GrowVolume(disk(creator="bob"), disk()), [("resize_volumes", "web")]),
        (ShrinkVolume(disk(creator="bob"), 1), [("resize_volumes", "web")]),
    ],
)
def test_an_operation_demands_what_it_is_about(operation, demands):
    assert list(demands_of(operation)) == demands


def test_the_first_demand_that_is_not_allowed_is_named():
    some = acls("run_tasks", (["ann"], ["guest"]), permissive=False)
    demands = [("run_tasks", "guest"), ("run_tasks", "root")]

    assert refusal_of(demands, some, "ann") == "principal 'ann' is not allowed to run_tasks of 'root'"
    assert refusal_of(demands, some, None) == "who has no principal is not allowed to run_tasks of 'guest'"
    assert refusal_of(demands[:1], some, "ann") is None
    assert refusal_of(demands, ALL_ALLOWED, None) is None
