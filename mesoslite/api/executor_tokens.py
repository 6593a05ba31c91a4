"""ExecutorTokens: how an agent knows again the executors that it has started: signed claims in their environment."""

# Who calls: cluster/token_containerizer.py, which starts executors, has tokens issued; authentication.py reads them.
# A token says which start of an executor it is for, and never expires: once that has ended nobody is asked about it.
#   Whoever can read the environment of its processes is that executor.
# Source: Mesos src/authentication/executor/jwt_secret_generator.cpp, src/slave/slave.cpp (the claims fid, eid, cid).

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from libactor.http import JWT, Principal
from mesoslite.model import ContainerID, ExecutorID, FrameworkID, InvalidRequest
from mesoslite.model.executor_calls import ExecutorClaims

from .exchange import Refusal

if TYPE_CHECKING:
    from .exchange import Exchange

REALM = "mesos-agent-executor"
ALGORITHM = "HS256"


class ExecutorTokens:
    """Tokens that are signed with ``key``. Raises: InvalidRequest for one of less than 32 bytes, or without PyJWT."""

    def __init__(self, key: bytes) -> None:
        try:
            self._authenticator = JWT(REALM, key, ALGORITHM)
        except (ImportError, ValueError) as error:
            raise InvalidRequest(f"key: {str(error).removeprefix('JWT: ')}") from error
        self._key = key

    def issue(self, claims: ExecutorClaims) -> str:
        """The token of one start of an executor."""
        import jwt

        said = {"fid": claims.framework_id, "eid": claims.executor_id, "cid": claims.container_id}
        return jwt.encode(said, self._key, ALGORITHM)

    def authenticate(self, exchange: Exchange) -> ExecutorClaims:
        """Whose token a request bears, as it says. Raises: Refusal with status 401, for none that was signed here."""
        found = self._authenticator.authenticate(cast("Any", exchange))  # which has headers, as a request of libactor's
        if not isinstance(found, Principal):
            text = "This needs the token of an executor, MESOS_EXECUTOR_AUTHENTICATION_TOKEN of its environment."
            raise Refusal(401, text, {"www-authenticate": found.header("www-authenticate") or "Bearer"})
        framework, executor, container = (found.claims.get(name, "") for name in ("fid", "eid", "cid"))
        return ExecutorClaims(FrameworkID(framework), ExecutorID(executor), ContainerID(container))
