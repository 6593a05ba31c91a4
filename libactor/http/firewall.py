"""Firewall: rules that refuse requests before any actor or authenticator sees them."""

# Who calls: the application asks it about each request; operators install rules while it runs.
# Invariant: the rules are replaced as a whole, in one step: a request meets all of the old ones or all of the new ones.
# Source: libprocess firewall.hpp.

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import unquote

from libactor.http.response import Response

if TYPE_CHECKING:
    from libactor.http.request import Request
    from libactor.http.site import Rule


class Firewall:
    """Rules, each of which answers a request that it refuses, or says None. The first that refuses counts."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._rules: tuple[Rule, ...] = ()
        self.install(rules)

    def install(self, rules: Iterable[Rule]) -> None:
        """Have exactly these rules from now on, none of the old ones; without any, everything passes.

        Any thread may call it. Raises: TypeError, and then the old ones stay.
        """
        given = tuple(rules)
        for rule in given:
            if not callable(rule):
                raise TypeError(f"install: got the rule {rule!r}, expected a function of a request")
        self._rules = given

    def __call__(self, request: Request) -> Response | None:
        """What to answer instead of ``request``; None lets it pass."""
        for rule in self._rules:
            answer = rule(request)
            if answer is not None:
                return answer
        return None


class DisabledPaths:
    """A rule that refuses requests for exactly these paths, such as ``/counter/reset``, however they are spelled:
    percent-encoded, or with slashes at the end. What lies below them passes; there are no patterns.

    Raises: TypeError, ValueError for what is no path.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        if isinstance(paths, str):
            raise TypeError(f"DisabledPaths: got the text {paths!r}, expected a list of paths")
        self._paths = frozenset(_plain(_check_path(path)) for path in paths)

    def __call__(self, request: Request) -> Response | None:
        if _plain(request.path) not in self._paths:
            return None
        return Response(403, f"Endpoint '{request.path}' is disabled")


def _plain(path: str) -> str:
    """A path as routing sees it."""
    return "/" + unquote(path).strip("/")


def _check_path(path: object) -> str:
    if not isinstance(path, str) or not path.startswith("/"):
        raise ValueError(
            f"DisabledPaths: got {path!r}, expected a path that begins with a slash, such as /counter/reset"
        )
    return path
