"""What an application is made of beside routes: who a client is, what it may do, what stands outside of actors."""

# Who calls: application.py, at the steps of a request, in this order: system routes are found (an actor of that id
#   comes first, the delegate after them), `firewall` rules, then for each actor in order of arrival `realms` and
#   `authorize`, the handler, and last `finish`. A new step is one of these, an option of `application`:
#   realms={"name": Authenticator}, authorize=Authorize, firewall=(Rule, ...), system={"/path": SystemRoute},
#   finish=(Finish, ...).
# All of them run on the event loop that serves the request, one request after the other, so none may block: what takes
#   time returns a future or an awaitable. What raises is logged and answered 500.
# Source: libprocess authenticator.hpp, firewall.hpp, process.hpp (authorization callbacks).

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias, TypeVar

from libactor._core.values import register_immutable
from libactor.future import Future
from libactor.http.request import Request
from libactor.http.response import Response

V = TypeVar("V")

Soon: TypeAlias = V | Future[V] | Awaitable[V]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who sends a request, as an authenticator found out: a name, claims, or both."""

    value: str | None = None
    claims: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.value is None and not self.claims:
            raise ValueError("Principal: got neither a value nor claims, expected at least one of them")
        object.__setattr__(self, "claims", MappingProxyType(dict(self.claims)))


register_immutable(Principal)


class Authenticator(Protocol):
    """Finds out who sends a request; there is one for each realm."""

    @property
    def scheme(self) -> str:
        """How a client proves who it is, such as ``Basic``."""

    def authenticate(self, request: Request) -> Soon[Principal | Response]:
        """The principal, or what to answer instead: 401 with WWW-Authenticate, or 403. The body has not been read."""


# (endpoint such as "/counter/value", request, principal): may it? False: 403; a Response is answered instead.
Authorize: TypeAlias = Callable[[str, Request, "Principal | None"], Soon[bool | Response]]

# A rule of the firewall, ahead of everything an actor has a say in: what to answer instead, or None to let it pass.
Rule: TypeAlias = Callable[[Request], Response | None]

# The last step: compression and the like. The response is as it would be sent, its body never text any more.
Finish: TypeAlias = Callable[[Request, Response], Soon[Response]]


@dataclass(frozen=True, slots=True)
class SystemRoute:
    """An endpoint of the site itself, such as /metrics/snapshot. It is found like a route, by its longest prefix.

    ``handler(site, request, principal)`` runs on the event loop. An actor whose id is the first segment of the path
    comes first, the delegate after it.
    """

    handler: Callable[[Any, Request, Principal | None], Any]
    realm: str | None = None
    help: str = ""
