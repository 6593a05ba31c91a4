"""The firewall: which paths are refused, and that its rules change all at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libactor.http.firewall import DisabledPaths, Firewall
from libactor.http.request import Request
from libactor.http.response import Response


def passes(rule, path):
    answer = rule(Request(path=path))
    assert answer is None or answer.status == 403
    return answer is None


# LP ProcessTest.FirewallDisablePaths
def test_disabled_paths_are_refused_exactly_and_without_patterns():
    rule = DisabledPaths(["/counter/one", "/counter/two/nested", "/counter/*"])

    assert [passes(rule, path) for path in ("/counter/one", "/counter/two/nested", "/counter/*")] == [False] * 3
    assert [passes(rule, path) for path in ("/counter", "/counter/two", "/counter/one/x", "/counter/three", "/")] == [
        True
    ] * 5


@pytest.mark.parametrize(
    "path", ["/counter/one/", "/counter/one///", "//counter/one", "/counter/%6fne", "/c%6funter/one"]
)
def test_another_spelling_of_a_disabled_path_is_refused_too(path):
    assert not passes(DisabledPaths(["/counter/one"]), path)
    assert not passes(DisabledPaths([path]), "/counter/one")


# LP ProcessTest.FirewallUninstall
def test_rules_are_replaced_as_a_whole_and_taken_away():
    firewall = Firewall([DisabledPaths(["/a"]), DisabledPaths(["/b"])])
    assert [passes(firewall, path) for path in ("/a", "/b", "/c")] == [False, False, True]

    firewall.install([DisabledPaths(["/c"])])
    assert [passes(firewall, path) for path in ("/a", "/b", "/c")] == [True, True, False]

    firewall.install([])
    assert [passes(firewall, path) for path in ("/a", "/b", "/c")] == [True] * 3


def test_a_rule_that_is_none_leaves_the_old_ones():
    firewall = Firewall([DisabledPaths(["/a"])])

    with pytest.raises(TypeError, match="expected a function of a request"):
        firewall.install([DisabledPaths(["/b"]), "/c"])  # type: ignore[list-item]

    assert [passes(firewall, path) for path in ("/a", "/b")] == [False, True]


def test_the_first_rule_that_answers_counts():
    firewall = Firewall(
        [lambda request: None, lambda request: Response(403, "one"), lambda request: Response(403, "two")]
    )

    assert firewall(Request()).body == b"one"


@pytest.mark.parametrize("paths", ["/a", ["a"], [""], [5], [None]])
def test_what_is_no_path_is_refused(paths):
    with pytest.raises((TypeError, ValueError), match="DisabledPaths: got"):
        DisabledPaths(paths)


@given(st.text())
def test_any_path_is_looked_at_without_error(path):
    assert passes(DisabledPaths(["/a"]), path) == (path.strip("/") not in ("a", "%61"))
