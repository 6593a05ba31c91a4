"""Addresses: where masters are said to be, and whom to ask next."""

# Who calls: connection.py; the command line, for a master that it asks by itself.

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from mesoslite.model import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

_NETLOC = re.compile(r"[\w.\-~%!$&'()*+,;=:@\[\]]+")  # the characters that may stand before the path


def master_url(url: str) -> str:
    """Return where a master is reached, without a path; a scheme may be left out. Raises: InvalidRequest."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        valid = parts.scheme in ("http", "https") and parts.hostname is not None and parts.port != 0
        if not valid or not _NETLOC.fullmatch(parts.netloc):
            raise ValueError("not a host and a port")
    except ValueError as error:  # also from urlsplit: a bracket without its partner, a port that is none
        raise InvalidRequest(f"master {url!r}: expected the URL of a master, such as http://127.0.0.1:5050") from error
    return f"{parts.scheme}://{parts.netloc}"


def split_credential(url: str) -> tuple[str, tuple[str, str] | None]:
    """A URL of a master without the name and password in it, and these; None if there are none.

    Raises: InvalidRequest, if it is no URL.
    """
    scheme, _, netloc = master_url(url).partition("://")
    said, at, place = netloc.rpartition("@")
    if not at:
        return f"{scheme}://{netloc}", None
    name, _, password = said.partition(":")
    return f"{scheme}://{place}", (unquote(name), unquote(password))


class Candidates:
    """Who may lead: in each round whoever led last, then those that were given, each once.

    Raises: InvalidRequest, for what is no URL, or none at all.
    """

    def __init__(self, masters: Iterable[str]) -> None:
        self._given = tuple([master_url(master) for master in masters])
        if not self._given:
            raise InvalidRequest("HttpConnection: got no master; give the URL of one, such as http://127.0.0.1:5050")
        self._left: list[str] = []
        self.begin()

    def begin(self, leader: str | None = None) -> None:
        """Begin a round, with ``leader`` if there was one: it may be one that only others have named."""
        self._left = list(dict.fromkeys((leader, *self._given) if leader is not None else self._given))

    @property
    def are_left(self) -> bool:
        """Whether somebody is still to be asked in this round."""
        return bool(self._left)

    def next(self) -> str:
        """Whom to ask now; somebody is left."""
        return self._left.pop(0)
