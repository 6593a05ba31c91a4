"""Entity tags: the name of what an answer shows, so that who has it need not get it again."""

# Who calls: serving.py.
# A tag names a form and a version; it is weak where the bytes are compressed, since those are not always the same.
# Source: RFC 9110, 8.8.3 and 13.1.2.

from __future__ import annotations

import re

_TAG = re.compile(r'(?:W/)?"([^"]*)"')


def entity_tag(form: str, version: tuple[str, int]) -> str:
    """The name of a form of that version, as it stands between the quotes."""
    master_id, number = version
    return f"{master_id}-{number}-{form}"


def has_tag(if_none_match: str, tag: str) -> bool:
    """Whether a client says that it has that one, weak or not, or any."""
    return if_none_match.strip() == "*" or tag in _TAG.findall(if_none_match)
