"""ActorCell: what the runtime needs of an actor, its id and its process; and what is known of each class of actors."""

# Who calls: libactor.Actor derives from the cell; spawn (_runtime.py) reads it.
# Kind: one for each class, in the class as _libactor_kind. It makes the ids, and it knows how the actors of the class
#   have been so far: where KIND_QUICK have ended since a turn of one took too long, the next are fit to be helped from
#   their start (_helping.py). One slow turn, be it of on_start or on_stop, and they are not.
# Names: what stands in a user's class or object begins with _libactor_, so that it meets none of the user's own.
# Twin: csrc/actor.c; both pass tests/runtime/test_actor.py.

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, cast

from libactor._core._policy import policy

if TYPE_CHECKING:
    from typing import Self

KIND_QUICK = 4

_sequence: dict[str, itertools.count[int]] = {}


def generate_id(prefix: str, /) -> str:
    """``prefix(1)``, ``prefix(2)``, … in this program; the first of a prefix is 1 (libprocess ID::generate)."""
    if not isinstance(prefix, str):
        raise TypeError(f"generate_id: got {prefix!r}, expected text")
    return f"{prefix}({next(_sequence.setdefault(prefix, itertools.count(1)))})"


def exchange_sequences(sequences: dict[str, itertools.count[int]], /) -> dict[str, itertools.count[int]]:
    """Have generate_id count in this dict from now on; the one it counted in so far."""
    global _sequence
    if type(sequences) is not dict:
        raise TypeError(f"exchange_sequences: got {sequences!r}, expected a dict")
    before, _sequence = _sequence, sequences
    return before


class Kind:
    """What the core knows of one class of actors."""

    __slots__ = ("bound", "control", "owner", "prefix", "quick")

    # owner: the class; a subclass finds this one until it has its own.    prefix: of the ids of its actors.
    # quick: actors that have ended since a turn of one took too long.
    # bound: capacity and overflow of the mailboxes of its actors; capacity 0: as many as come.
    # control: what goes by the control lane, or None.

    def __init__(self, owner: type) -> None:
        self.owner = owner
        self.prefix = str.lower(owner.__name__)
        self.quick = 0
        bounded = getattr(owner, "_libactor_mailbox", None)
        self.bound: tuple[int, int] = (0, 0) if bounded is None else policy.bound_of(bounded)
        self.control: frozenset[Any] | None = getattr(owner, "_libactor_control", None) or None


def kind_of(owner: type) -> Kind:
    """The Kind of a class of actors."""
    known: Kind | None = getattr(owner, "_libactor_kind", None)
    if known is None or known.owner is not owner or known.prefix != str.lower(owner.__name__):
        known = Kind(owner)
        type.__setattr__(owner, "_libactor_kind", known)
    return known


class ActorCell:
    """What the runtime needs of an actor: its id and its process."""

    __slots__ = ("_libactor_id", "_libactor_process")

    _libactor_id: str
    _libactor_process: Any  # the runtime's side of it; None before it is spawned

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        cell = super().__new__(cls)
        cell._libactor_process = None
        return cell

    def __init__(self, id: str | None = None) -> None:
        if id is None:
            self._libactor_id = generate_id(kind_of(type(self)).prefix)
        elif not isinstance(cast(object, id), str) or not id or "@" in id or "/" in id:
            raise policy.refuse_id(id)
        else:
            self._libactor_id = str.__str__(id)
