"""Ids: what passes for one, and the forms that the master makes."""

import pytest

from mesoslite.model import (
    InvalidRequest,
    format_agent_id,
    format_framework_id,
    format_offer_id,
    validate_id,
)


@pytest.mark.parametrize("text", ["a", "web.1", "...", "a b", "grüße", "x" * 255])
def test_id_that_can_be_a_file_name_passes(text: str) -> None:
    validate_id("task", text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        (".", "names a directory"),
        ("..", "names a directory"),
        ("a/b", "parts paths"),
        ("a\\b", "parts paths"),
        ("a\nb", "control character"),
        ("a\x7f", "control character"),
        ("\udc80", "lone surrogate"),
        ("x" * 256, "256 bytes"),
        ("ü" * 128, "256 bytes"),
    ],
)
def test_id_that_cannot_be_a_file_name_is_refused(text: str, problem: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^task id .*{problem}"):
        validate_id("task", text)


def test_ids_made_by_the_master_look_like_those_of_mesos() -> None:
    ids = (format_framework_id("m", 7), format_agent_id("m", 7), format_offer_id("m", 7))

    assert ids == ("m-0007", "m-S7", "m-O7")


def test_framework_ids_go_on_after_four_digits() -> None:
    assert format_framework_id("m", 12345) == "m-12345"
