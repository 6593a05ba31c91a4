"""JWT: signed claims in the Authorization header, as `Bearer` and a JSON Web Token."""

# Who calls: users give it to the application as the authenticator of a realm. PyJWT, of the extra `jwt`, does the
#   cryptography; it is imported when an authenticator is made.
# Invariants: 1. which algorithm signs is decided here and not by the token, and there is one for each key: nobody has a
#   public key taken for a shared secret.    2. a key too weak for its algorithm is refused when the program starts.
#   3. what a token says counts only after its signature was checked.
# The times exp and nbf are compared with the machine's clock: issuers have no other.
# Source: RFC 7519, RFC 6750; libprocess jwt_authenticator.cpp, which knows HS256 and RS256 too.

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from libactor.http.realms import credentials, make_challenge, unauthorized
from libactor.http.site import Principal

if TYPE_CHECKING:
    from libactor.http.request import Request
    from libactor.http.response import Response

HS256, RS256 = "HS256", "RS256"
TOKEN_MAX = 16 * 1024  # characters; larger ones do not fit into the headers that most servers take
SECRET_BYTES_MIN = 32  # of HS256, as RFC 7518 has it
RSA_BITS_MIN = 2048  # of RS256, likewise


class JWT:
    """Lets in who has a token that was signed with ``key``; its claims are those of the principal, what is no text
    as JSON, and ``sub`` is its name.

    ``key`` is the shared secret of the algorithm HS256, at least 32 bytes, or the public key of RS256 in PEM form.
    ``audience`` and ``issuer``: what the claims ``aud`` and ``iss`` must say; a token that names an audience is refused
    where none was given. ``leeway_s``: by how many seconds the clocks may be apart.
    Raises: ImportError without PyJWT; TypeError, ValueError for a key, an algorithm or a realm that will not do.
    """

    scheme = "Bearer"

    def __init__(
        self,
        realm: str,
        key: str | bytes,
        algorithm: str = HS256,
        *,
        audience: str | None = None,
        issuer: str | None = None,
        leeway_s: float = 0.0,
    ) -> None:
        self._realm = realm
        self._refusal = unauthorized(make_challenge("Bearer", realm), "This needs a token.")
        self._jwt = _pyjwt()
        self._key = _prepared_key(self._jwt, algorithm, key)
        self._algorithm = algorithm
        self._audience, self._issuer, self._leeway_s = audience, issuer, leeway_s

    def authenticate(self, request: Request) -> Principal | Response:
        """Whose ``request`` is: 401 without a token that is right and in its time."""
        token = credentials(request.headers.get("authorization"), "Bearer")
        if token is None:
            return self._refusal
        if len(token) > TOKEN_MAX:
            return self._refuse(f"the token is longer than {TOKEN_MAX} characters")
        try:
            claims = self._jwt.decode(
                token,
                self._key,
                algorithms=[self._algorithm],
                audience=self._audience,
                issuer=self._issuer,
                leeway=self._leeway_s,
            )
        except (self._jwt.InvalidTokenError, ValueError, OverflowError, RecursionError) as error:
            return self._refuse(str(error))
        if not claims:
            return self._refuse("the token has no claims")
        subject = claims.get("sub")
        return Principal(subject if isinstance(subject, str) else None, {name: _text(claims[name]) for name in claims})

    def _refuse(self, why: str) -> Response:
        told = "Invalid JWT: " + "".join(char for char in why if " " <= char <= "~")[:200]
        return unauthorized(make_challenge("Bearer", self._realm, error="invalid_token", error_description=told), told)


def _text(value: object) -> str:
    """The value of a claim: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _prepared_key(jwt: Any, algorithm: object, key: object) -> Any:
    """The key in the form that PyJWT works with, so that it is parsed once."""
    if algorithm not in (HS256, RS256):
        raise ValueError(f"JWT: got the algorithm {algorithm!r}, expected {HS256} or {RS256}")
    if not isinstance(key, (str, bytes)):
        raise TypeError(f"JWT: got a key of type {type(key).__qualname__}, expected text or bytes")
    try:
        prepared = jwt.get_algorithm_by_name(algorithm).prepare_key(key)
    except NotImplementedError:
        raise ImportError(f"JWT: {algorithm} needs the library cryptography; pip install 'mesoslite[jwt]'") from None
    except (jwt.InvalidKeyError, TypeError, ValueError) as error:
        raise ValueError(f"JWT: the key will not do for {algorithm}: {error}") from None
    if algorithm == HS256 and len(prepared) < SECRET_BYTES_MIN:
        raise ValueError(f"JWT: got a secret of {len(prepared)} bytes, {HS256} needs at least {SECRET_BYTES_MIN}")
    if algorithm == RS256 and hasattr(prepared, "private_numbers"):
        raise ValueError("JWT: got a private key, expected the public one: who checks tokens need not make them")
    if algorithm == RS256 and prepared.key_size < RSA_BITS_MIN:
        raise ValueError(f"JWT: got a key of {prepared.key_size} bits, {RS256} needs at least {RSA_BITS_MIN}")
    return prepared


def _pyjwt() -> Any:
    try:
        import jwt
    except ImportError as error:
        raise ImportError("JWT: the library PyJWT is not installed; pip install 'mesoslite[jwt]'") from error
    return jwt
