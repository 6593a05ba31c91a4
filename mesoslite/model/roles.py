"""Roles: whom resources are for; the rules for their names."""

# Who calls: validation of frameworks, reservations and quotas.
# Source: Mesos src/common/roles.cpp.

import re

from .errors import InvalidRequest

DEFAULT_ROLE = "*"
ROLE_BYTES_MAX = 255  # as of ids; Mesos has none

_ROLE_GAP = re.compile(r"[\s\x08\x7f]")


def validate_role(role: str) -> None:
    """Refuse ``role`` unless it is ``*`` or a path of words, such as ``ads/batch``, of 255 bytes of UTF-8 at most.

    Mesos has no bound; but it makes one folder name of a role with persistent volumes, which are no longer.
    Raises: InvalidRequest, naming the rule that is broken.
    """
    if role == DEFAULT_ROLE:
        return
    problem = _role_problem(role)
    if problem is not None:
        raise InvalidRequest(
            f"role {role[:80]!r} {problem}; use '*' or words parted by single slashes, such as ads/batch"
        )


def _role_problem(role: str) -> str | None:
    if not role:
        return "is empty"
    if len(role) > ROLE_BYTES_MAX or len(role.encode(errors="surrogatepass")) > ROLE_BYTES_MAX:
        return f"is longer than {ROLE_BYTES_MAX} bytes"
    if role.startswith("/") or role.endswith("/"):
        return "starts or ends with a slash"
    if _ROLE_GAP.search(role):
        return "holds white space or a backspace"
    for word in role.split("/"):
        if not word:
            return "holds two slashes in a row"
        if word in (".", "..", "*"):
            return f"has the reserved word {word!r} in its path"
        if word.startswith("-"):
            return f"has the word {word!r}, which starts with a dash"
    return None
