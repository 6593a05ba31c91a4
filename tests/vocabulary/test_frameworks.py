"""Roles: which names a master accepts."""

import pytest

from mesoslite.model import InvalidRequest, validate_role


@pytest.mark.parametrize("role", ["*", "ads", "ads/batch", "a-b", "a*", "..."])
def test_role_of_words_passes(role: str) -> None:
    validate_role(role)


@pytest.mark.parametrize(
    ("role", "problem"),
    [
        ("", "empty"),
        ("/ads", "slash"),
        ("ads/", "slash"),
        ("a//b", "two slashes"),
        (".", "reserved"),
        ("a/..", "reserved"),
        ("a/*", "reserved"),
        ("-a", "dash"),
        ("a/-b", "dash"),
        ("a b", "white space"),
        ("a\x08", "backspace"),
    ],
)
def test_role_that_breaks_a_rule_is_refused_with_the_rule(role: str, problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        validate_role(role)
