"""What authenticators have in common: challenges, what an Authorization header holds, and the two ways to say no."""

# Who calls: basic.py and json_web_token.py; users who write an authenticator of their own (site.py says what that is).
# An authenticator comes to exactly one of three: the Principal, 401 with a challenge, or 403. Its type says so, and
#   whatever else it comes to is answered 500.
# Source: libprocess authenticator.hpp; RFC 9110, 11.

from __future__ import annotations

import re

from libactor.http.response import Response

_TEXT = re.compile(r"[ !-~]+", re.ASCII)


def unauthorized(challenge: str, text: str = "") -> Response:
    """The answer 401: who it is was not said, or not proved. ``challenge`` tells how to, as WWW-Authenticate has it."""
    return Response(401, text, {"www-authenticate": challenge})


def forbidden(text: str = "") -> Response:
    """The answer 403: it is known who it is, and nobody is to come in like that."""
    return Response(403, text)


def make_challenge(scheme: str, realm: object, **more: str) -> str:
    """A challenge of ``scheme``, as WWW-Authenticate has it.

    Raises: ValueError for a realm that is no printable ASCII.
    """
    if not isinstance(realm, str) or not _TEXT.fullmatch(realm):
        raise ValueError(f"{scheme}: got the realm {realm!r}, expected printable ASCII text such as 'operators'")
    parts: dict[str, str] = {"realm": realm, **more}
    return f"{scheme} " + ", ".join(f"{name}={_quoted(value)}" for name, value in parts.items())


def credentials(header: str | None, scheme: str) -> str | None:
    """What an Authorization of ``header`` gives for ``scheme``; None if it is for another, or there is none."""
    given, _, rest = (header or "").strip().partition(" ")
    return rest.strip() if given.lower() == scheme.lower() else None


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
