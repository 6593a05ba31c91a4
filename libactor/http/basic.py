"""Basic: names and passwords in the Authorization header."""

# Who calls: users give it to the application as the authenticator of a realm.
# Invariants: 1. how long an answer takes does not tell how much of a password was right, nor how long it is, nor
#   whether there is a user of that name.    2. passwords are not kept, only their digests.
# The digest keeps nothing safe by being slow: whoever can read the memory of this process has won anyway. What a
#   program reads from a file or a database of slow hashes is checked by an authenticator of its own, with a future.
# Credentials go over the line as they are: away from loopback there has to be a proxy with TLS in between.
# Source: RFC 7617; libprocess authenticator.cpp.

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING

from libactor.http.realms import credentials, make_challenge, unauthorized
from libactor.http.site import Principal

if TYPE_CHECKING:
    from libactor.http.request import Request
    from libactor.http.response import Response

CREDENTIALS_MAX = 8 * 1024  # characters of the header that are looked at; browsers send less than one


class Basic:
    """Lets in who knows the password of one of ``users``, a mapping of names to passwords. The name is the principal.

    Raises: TypeError, ValueError for names, passwords or a realm that will not do.
    """

    scheme = "Basic"

    def __init__(self, realm: str, users: Mapping[str, str]) -> None:
        self._refusal = unauthorized(
            make_challenge("Basic", realm, charset="UTF-8"), "This needs a name and its password."
        )
        if not isinstance(users, Mapping):
            raise TypeError(f"Basic: got {type(users).__qualname__} as users, expected passwords by name")
        self._digests = {_check_name(name): _digest(_check_password(name, users[name])) for name in users}
        self._nobody = _digest("")

    def authenticate(self, request: Request) -> Principal | Response:
        """Whose ``request`` is: 401 without the right name and password."""
        given = parse_basic(request.headers.get("authorization"))
        name, password = given if given is not None else ("", "")
        digest = self._digests.get(name)
        right = hmac.compare_digest(self._nobody if digest is None else digest, _digest(password))
        return Principal(name) if right and digest is not None and given is not None else self._refusal


def parse_basic(header: str | None) -> tuple[str, str] | None:
    """Name and password in an Authorization of ``header``; None if it holds none, or is malformed."""
    encoded = credentials(header, "Basic") if header is not None and len(header) <= CREDENTIALS_MAX else None
    if encoded is None:
        return None
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):  # ValueError: no UTF-8, or no ASCII before the decoding
        return None
    name, colon, password = text.partition(":")
    return (name, password) if colon else None


def _check_name(name: object) -> str:
    if not isinstance(name, str) or not name or ":" in name:
        raise ValueError(f"Basic: got the user {name!r}, expected a name without a colon")
    return name


def _check_password(name: str, password: object) -> str:
    if not isinstance(password, str) or not password:
        raise TypeError(f"Basic: got no password for the user {name!r}, expected text that is not empty")
    return password


def _digest(password: str) -> bytes:
    return hashlib.sha256(password.encode(errors="surrogatepass")).digest()
