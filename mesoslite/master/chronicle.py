"""Chronicle: where the parts of a master tell what has happened, and who is told."""

# Who calls: the parts of the master, inside its actor, right after they have changed the books: ``tell`` with the kind
#   and its fields but the time. The happening is made only if somebody listens to that kind; else it costs a look-up,
#   so nothing is computed for the call that is not there anyway.
# Who listens: parts of the master and checkers in the same program, as callables, which run at once and must not change
#   the books; actors, by messages.
# Invariants: 1. each listener is told in the order of what happened, from the moment that it begins to listen.
#   2. one that raises is not told any more; nobody else is concerned.    3. an actor that has ended is not told.
# Rejected: numbers for happenings: who reads a stream of messages of one actor gets all of them in order; and what is
#   not made for nobody would leave gaps. A bound on how far an actor may lag: it is the reader that knows what to do
#   then (the API disconnects its client).

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVarTuple

import libactor as la
from mesoslite.model import InvalidRequest
from mesoslite.model.happenings import KINDS, Happening

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

Listener: TypeAlias = "Callable[[Any], object]"
Fields = TypeVarTuple("Fields")

log = logging.getLogger("mesoslite.master")


class Chronicle:
    """Tells what happens in one master; ``now`` reads its clock."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._told: dict[Hashable, tuple[Listener, frozenset[type[Happening]]]] = {}  # by who it is
        self._told_of: dict[type[Happening], dict[Hashable, Listener]] = {}  # the same by kind
        self._listeners: dict[Any, tuple[Listener, ...]] = {}  # the same once more; no kind without any

    def tell(self, kind: Callable[[float, *Fields], Happening], *fields: *Fields) -> None:
        """Tell who listens to that kind that it has happened, just now; fields by position."""
        listeners = self._listeners.get(kind)
        if listeners is None:
            return
        happening = kind(self._now(), *fields)
        for listener in listeners:
            try:
                listener(happening)
            except Exception:
                log.exception("%r failed on %s, and is not told any more", listener, type(happening).__name__)
                self._forget(listener)

    def wants(self, kind: type[Happening]) -> bool:
        """Whether anybody listens to that kind: for who would have to compute what to tell."""
        return kind in self._listeners

    def listen(self, listener: Listener, kinds: Iterable[type[Happening]] = KINDS) -> None:
        """Call ``listener`` with each happening of these kinds from now on; again: with these kinds instead."""
        self._tell_to(listener, listener, kinds)

    def follow(self, pid: la.PID[Any], kinds: Iterable[type[Happening]] = KINDS) -> None:
        """Post each happening of these kinds to the actor from now on; again: of these kinds instead.

        Raises: InvalidRequest for what is no kind of happening.
        """
        self._tell_to(pid, _Post(pid), kinds)

    def check(self, kinds: frozenset[type[Happening]]) -> None:
        """Raises: InvalidRequest for what is no kind of happening."""
        for kind in kinds - KINDS:
            raise InvalidRequest(f"happenings: {kind!r} is no kind of happening; model/happenings.py lists them")

    def forget(self, who: Hashable) -> None:
        """Tell that listener, or actor, nothing any more."""
        if who in self._told:
            _, kinds = self._told.pop(who)
            for kind in kinds:
                del self._told_of[kind][who]
            self._arrange(kinds)

    def _tell_to(self, who: Hashable, listener: Listener, kinds: Iterable[type[Happening]]) -> None:
        wanted = frozenset(kinds)
        self.check(wanted)
        self.forget(who)
        self._told[who] = (listener, wanted)
        for kind in wanted:
            self._told_of.setdefault(kind, {})[who] = listener
        self._arrange(wanted)

    def _forget(self, listener: Listener) -> None:
        for who in [who for who, (told, _) in self._told.items() if told is listener]:
            self.forget(who)

    def _arrange(self, kinds: Iterable[type[Happening]]) -> None:
        for kind in kinds:
            told = self._told_of[kind]
            if told:
                self._listeners[kind] = tuple(told.values())
            else:
                del self._listeners[kind]


class _Post:
    """A listener that posts to an actor."""

    def __init__(self, pid: la.PID[Any]) -> None:
        self._pid = pid

    def __call__(self, happening: Happening) -> None:
        la.post(self._pid, happening)
