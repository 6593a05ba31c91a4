"""Authentication: who sends a request, where a name and a password are asked for: HTTP's Basic, in Mesos's realms.

Executors have no password; they prove who they are by the token that they were started with.
"""

# Who calls: composition roots make an Authentication; master.py and agent.py its Realms, which routes.py asks before
#   anything else of a request is looked at, who leads included.
# A realm belongs to a path, whatever the method; what is listed nowhere is to be read. Who is known may do everything,
#   unless there are ACLs (permissions.py).
# Source: Mesos src/master/constants.hpp (realms), src/master/master.cpp, src/slave/slave.cpp (initialize: the routes),
#   src/credentials/credentials.hpp (the file).

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import msgspec

from libactor.http import Basic, Principal
from mesoslite.model import ALL_ALLOWED, Acls, InvalidRequest
from mesoslite.model.fields import Fields

from .exchange import Refusal
from .executor_tokens import ExecutorTokens
from .permissions import page_demands

if TYPE_CHECKING:
    from .exchange import Exchange

SCHEDULER = "/api/v1/scheduler"
EXECUTOR = "/api/v1/executor"
CALLS = "/api/v1"  # of operators; on agents also of executors, which bear their token there
OPEN = frozenset({"/health", "/version", "/redirect", EXECUTOR})  # the last: to who has no password
CHANGING = frozenset(
    {
        "/api/v1",
        "/create-volumes",
        "/destroy-volumes",
        "/logging/toggle",
        "/machine/down",
        "/machine/up",
        "/maintenance/schedule",
        "/quota",
        "/reserve",
        "/teardown",
        "/unreserve",
        "/weights",
    }
)

_OPTIONS = {"readonly": "readonly", "readwrite": "readwrite", "scheduler": "frameworks"}  # that make a realm ask


@dataclass(frozen=True)
class Authentication:
    """Passwords by name (``credentials``), and which realms ask for one.

    ``readonly`` is for what is only read, ``readwrite`` for the operators' calls and changes, ``frameworks`` for the
    scheduler API, ``executors`` for the executor API, of which ``executor_tokens`` are then asked.
    ``acls`` say what who is known may do, and who is not.
    Raises: InvalidRequest, if a realm asks and nobody could answer, or a name or password is none.
    """

    credentials: Mapping[str, str] = field(default_factory=dict)
    readonly: bool = False
    readwrite: bool = False
    frameworks: bool = False
    executors: bool = False
    executor_tokens: ExecutorTokens | None = None
    acls: Acls = ALL_ALLOWED

    def __post_init__(self) -> None:
        if not self.credentials and (self.readonly or self.readwrite or self.frameworks):
            raise InvalidRequest("authentication: is asked for, and there are no credentials; give some")
        if self.executors and self.executor_tokens is None:
            raise InvalidRequest("authentication: is asked of executors, and there is no key to sign their tokens with")
        try:
            Basic("realm", self.credentials)
        except (TypeError, ValueError) as error:
            raise InvalidRequest(f"credentials: {str(error).removeprefix('Basic: ')}") from error


NOBODY = Authentication()  # is authenticated


class Realms:
    """The realms of a ``program``, master or agent."""

    def __init__(self, program: str, authentication: Authentication) -> None:
        asked = {
            f"mesos-{program}-readonly": authentication.readonly,
            f"mesos-{program}-readwrite": authentication.readwrite,
            f"mesos-{program}-scheduler": authentication.frameworks,
        }
        self._program = program
        self._acls = authentication.acls
        self._tokens = authentication.executor_tokens if authentication.executors else None
        self._basics = {name: Basic(name, authentication.credentials) for name, is_on in asked.items() if is_on}

    def admit(self, path: str, exchange: Exchange) -> None:
        """Tell ``exchange`` who sends it, and what that may do.

        Raises: Refusal: 401 for who does not say it, or prove it; 403 for who may not see the page at ``path``.
        """
        exchange.principal, exchange.acls = self._authenticated(path, exchange), self._acls
        if self._acls is not ALL_ALLOWED:
            exchange.demand(page_demands(path, exchange.method, exchange.query))

    def _authenticated(self, path: str, exchange: Exchange) -> str | None:
        """Who sends the request for the route ``path``; None if its realm does not ask. Of an executor ``exchange`` is
        told its claims.

        Raises: Refusal with status 401, if that is not said, or not proved.
        """
        if self._tokens is not None and (path == EXECUTOR or (path == CALLS and _bears_token(exchange))):
            exchange.claims = self._tokens.authenticate(exchange)
            return None
        basic = self._basics.get(self._realm(path)) if path not in OPEN else None
        if basic is None:
            exchange.asking_option = "" if path in OPEN else f"--authenticate-http-{_OPTIONS[_kind(path)]}"
            return None
        found = basic.authenticate(cast("Any", exchange))  # which has headers, as a request of libactor's
        if isinstance(found, Principal):
            return found.value
        challenge = found.header("www-authenticate") or basic.scheme
        raise Refusal(
            401,
            "This needs a name and its password, as in http://NAME:PASSWORD@HOST:PORT.",
            {"www-authenticate": challenge},
        )

    def _realm(self, path: str) -> str:
        return f"mesos-{self._program}-{_kind(path)}"


def _kind(path: str) -> str:
    return "scheduler" if path == SCHEDULER else "readwrite" if path in CHANGING else "readonly"


def _bears_token(exchange: Exchange) -> bool:
    return exchange.headers.get("authorization", "")[:7].lower() == "bearer "


def parse_credentials(text: str) -> dict[str, str]:
    """Return passwords by name, from JSON as Mesos has it, or from lines of a name and a password.

    Raises: InvalidRequest, which repeats nothing of what it has read.
    """
    if text.lstrip()[:1] == "{":
        try:
            entries = Fields(msgspec.json.decode(text)).messages("credentials")
            found = [(entry.text("principal"), entry.text("secret")) for entry in entries]
        except (ValueError, RecursionError) as error:  # InvalidRequest is one, whose text may hold a password
            expected = '{"credentials": [{"principal": "...", "secret": "..."}]}'
            raise InvalidRequest(f"credentials: are not as expected, which is {expected}") from error
    else:
        found = []
        for number, line in enumerate(text.splitlines(), 1):
            words = line.split()
            if len(words) not in (0, 2):
                raise InvalidRequest(
                    f"credentials: line {number} has {len(words)} words, expected a name and a password"
                )
            found += [(words[0], words[1])] if words else []
    if not found or len(dict(found)) < len(found):
        raise InvalidRequest(f"credentials: {'name somebody twice' if found else 'are none'}; name each user once")
    return dict(found)
