"""Frameworks: which descriptions and roles a master accepts."""

import math

import pytest

from mesoslite.model import FrameworkID, FrameworkInfo, InvalidRequest, validate_framework, validate_role


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


def test_plain_framework_is_accepted() -> None:
    validate_framework(FrameworkInfo(name="f", roles=("ads", "*"), id=FrameworkID("m-0000"), failover_timeout=7.5))


@pytest.mark.parametrize(
    ("info", "problem"),
    [
        (FrameworkInfo(name="f", roles=()), "no role"),
        (FrameworkInfo(name="f", roles=("a", "a")), "twice"),
        (FrameworkInfo(name="f", roles=("a", "/")), "role '/'"),
        (FrameworkInfo(name="f", id=FrameworkID("a/b")), "framework id"),
        (FrameworkInfo(name="f", failover_timeout=-1.0), "failover_timeout"),
        (FrameworkInfo(name="f", failover_timeout=math.nan), "failover_timeout"),
    ],
)
def test_framework_that_breaks_a_rule_is_refused_with_the_rule(info: FrameworkInfo, problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        validate_framework(info)
