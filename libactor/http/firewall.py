"""DisabledPaths: a rule of the firewall that refuses requests for certain paths."""

# Who calls: the application asks each rule about each request, ahead of authenticators and actors.
# `site.firewall` is a tuple, which is replaced as a whole: a request meets all of the old rules or all of the new ones.
# Source: libprocess firewall.hpp (DisabledEndpointsFirewallRule).

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import unquote

from libactor.http.response import Response

if TYPE_CHECKING:
    from libactor.http.request import Request


class DisabledPaths:
    """A rule that refuses requests for exactly these paths, such as ``/counter/reset``, with status 403.

    However they are spelled: percent-encoded, with slashes at the end, or without the id of the delegate. What lies
    below them passes, and there are no patterns. Raises: TypeError, ValueError for what is no path.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        if isinstance(paths, str):
            raise TypeError(f"DisabledPaths: got the text {paths!r}, expected a list of paths")
        self._paths = frozenset(_plain(_check_path(path)) for path in paths)

    def __call__(self, request: Request) -> Response | None:
        """The refusal, if ``request`` is for one of the paths."""
        spellings = {_plain(request.path), _plain(f"{request.endpoint}{request.rest}")}
        if self._paths.isdisjoint(spellings):
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
