"""Document: what an answer consists of: JSON that is there already, and records that become JSON on the way out."""

# Who calls: endpoints make one for each request; cursor.py goes over its parts.
# To make a document costs nothing: its parts are made while they are written, in the thread that renders.
# Invariant: of one form, version and query the parts make the same bytes each time, so that who has read some of them
#   can go on anywhere.

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from libactor.records import Projection, Snapshot

from .entity_tags import entity_tag


class Items:
    """The items of an array: the records of some snapshots as ``projection`` shows them, commas between."""

    __slots__ = ("projection", "snapshots")

    def __init__(self, projection: Projection[Any], *snapshots: Snapshot[Any]) -> None:
        self.projection = projection
        self.snapshots = snapshots


Part: TypeAlias = bytes | Items


@dataclass(frozen=True)
class Document:
    """One JSON document.

    ``form`` is its name in entity tags, with ``variant`` behind it, which tells it from those that show less;
    ``version`` what it is of: a master's id, and a number that never falls and rises with each change of what is
    shown; ``query`` what else it depends on. Equal ones are rendered once.
    ``parts`` makes the parts, one after another; it is called in another thread, maybe several times.
    """

    form: str
    version: tuple[str, int]
    parts: Callable[[], Iterator[Part]]
    query: Hashable = ()
    variant: str = ""

    def tag(self, version: tuple[str, int]) -> str:
        """Its name in entity tags, if it is of that version."""
        return entity_tag(self.form + self.variant, version)

    def wrapped(self, head: bytes, tail: bytes) -> Callable[[], Iterator[Part]]:
        """Its parts, with something before and behind them."""

        def parts() -> Iterator[Part]:
            yield head
            yield from self.parts()
            yield tail

        return parts
