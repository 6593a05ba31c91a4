"""UnservedRealms: what becomes of a request for a realm that has no authenticator."""

# Who calls: finding.py, for each request that has found a route with a realm; on any thread.
# With realms given, one that is not among them is a mistake, most likely in its spelling, and nobody may come in by a
#   mistake: the request is refused. With none given there is no way to tell who anybody is, and handlers are called
#   without a principal, as in libprocess; the log says so.
# Invariant: one line in the log for each route, however many requests there are and actors that have it.
# Rejected: to find it when the site is made. Actors come later, and with them their routes.
# Source: libprocess process.cpp (a realm without an authenticator is open).

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from libactor.http.calling import RouteTarget
from libactor.http.response import Response

if TYPE_CHECKING:
    from libactor.http.calling import Target

log = logging.getLogger("libactor.http")


class UnservedRealms:
    """For a site with these ``realms``; None: it was given none."""

    def __init__(self, realms: Mapping[str, Any] | None) -> None:
        self._realms = None if realms is None else frozenset(realms)
        self._told: set[tuple[str, str]] = set()  # realm and route

    def check(self, endpoint: str, target: Target) -> Target | Response:
        """``target``, or a refusal if its realm is none of those there are."""
        realm = target.realm
        if realm is None or (self._realms is not None and realm in self._realms):
            return target
        route = (realm, target.route.path if isinstance(target, RouteTarget) else endpoint)
        if route not in self._told:
            self._told.add(route)
            self._tell(endpoint, realm)
        return target if self._realms is None else Response(500, "It is not set up who may come in here.")

    def _tell(self, endpoint: str, realm: str) -> None:
        if self._realms is None:
            log.warning(
                "%s: its realm is %r, but the site was given no realms: everybody may come in, without a principal; "
                "give realms={%r: an authenticator}",
                endpoint,
                realm,
                realm,
            )
            return
        known = ", ".join(map(repr, sorted(self._realms))) or "none"
        log.error(
            "%s: its realm is %r, expected one of the realms of the site (%s); requests for it are refused",
            endpoint,
            realm,
            known,
        )
