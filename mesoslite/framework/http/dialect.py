"""Dialect: what tells one of Mesos's streaming APIs from another: its path, its words, how it writes and reads them."""

# Who calls: connection.py has that of schedulers; ../executor/dialect.py is that of executors; stream.py and calls.py
#   speak either.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Dialect:
    """An API.

    ``server`` is what answers it. ``encode`` makes a document of a call, ``decode`` an event of one, None for one
    without a meaning here; ``is_last`` says whether the stream ends with an event. ``strangers`` are how answers begin,
    by 400 or 403, to the call of somebody who is not subscribed any more.
    """

    path: str
    server: str
    encode: Callable[[Any], Any]
    decode: Callable[[object], Any]
    is_last: Callable[[Any], bool]
    strangers: tuple[str, ...]

    def body(self, call: Any) -> bytes:
        """The body of a request."""
        return msgspec.json.encode(self.encode(call))
