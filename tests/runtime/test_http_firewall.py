"""The firewall: which paths are refused, however they are spelled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libactor.http.firewall import DisabledPaths
from libactor.http.request import Request

pytestmark = pytest.mark.coreless


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


def test_a_path_of_the_delegate_is_refused_without_its_id_too():
    rule = DisabledPaths(["/master/state"])

    assert rule(Request(path="/state", endpoint="/master/state")).status == 403
    assert rule(Request(path="/state/x", endpoint="/master/state", rest="/x")) is None


@pytest.mark.parametrize("paths", ["/a", ["a"], [""], [5], [None]])
def test_what_is_no_path_is_refused(paths):
    with pytest.raises((TypeError, ValueError), match="DisabledPaths: got"):
        DisabledPaths(paths)


@given(st.text())
def test_any_path_is_looked_at_without_error(path):
    assert passes(DisabledPaths(["/a"]), path) == (path.strip("/") not in ("a", "%61"))
