"""Debug mode: what works here and would not work elsewhere, or not always, is told at once."""

# Who calls: Runtime(debug=True) switches it on for the whole process, until the last such runtime is closed; then each
#   copier of values calls passed() with what somebody sends or answers, and delivered() with what an actor is served.
# Looked for: 1. a frozen class whose fields are declared immutable, and one of them holds something that is not: it
#   goes by reference, so two actors would share that.    2. what the wire codec cannot encode, or brings back
#   different.    3. what only works inside this process: futures, Shared, moved objects.    4. an object that was
#   moved and that somebody still refers to when its receiver is about to get it.
# The first two are errors (NotPassable), since such a program breaks when its actors are spread. The others are lawful,
#   so they are warnings of the logger "libactor.values", one for each place and type.
# References are counted by the interpreter, which also counts those of a caller's variables: outside of actors there is
#   no turn that ends, so there a variable that still has the object is told of as well.
# Rejected: a walk that looks for who refers to a moved object (gc.get_referrers): a frame's variables are not there.

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any

from libactor._core._impl import FutureCell, Moved, ValueCopier
from libactor._core._values import CONTAINERS
from libactor._core.errors import NotPassable
from libactor._core.layouts import find_layout
from libactor._core.values import is_registered, is_shared, make_copier, watch_values
from libactor.codec import parts_of, round_trip

log = logging.getLogger("libactor.values")

REMEDY_CODEC = "or hand it over with move() or Shared(), which work inside one process only"
PENDING_MAX = 1000  # moved objects that no receiver has come to; the oldest is forgotten

# Who refers to a moved object when nobody else does: the event, the tuple of what is delivered, `pending` and the
# variable of the loop; of a result, its Moved and the variable; and each time the call that counts.
HOLDERS_AT_DELIVERY, HOLDERS_OF_RESULT = 5, 3


class Watch:
    """One for the process: what was told already, and which moved objects are on their way."""

    def __init__(self) -> None:
        self.users = 0  # runtimes in debug mode
        self._lock = threading.Lock()
        self._told: set[tuple[str, str]] = set()
        self._pending: dict[int, tuple[Any, str]] = {}  # id of a moved object -> itself, and its place
        self._unwatched = make_copier(ValueCopier)

    def switch_on(self) -> None:
        """One more runtime in debug mode."""
        with self._lock:
            self.users += 1
            watch_values(self.passed, self.delivered)

    def switch_off(self) -> None:
        """One less; after the last one nothing is watched."""
        with self._lock:
            self.users -= 1
            if self.users == 0:
                watch_values(None, None)
                self._told.clear()
                self._pending.clear()

    def passed(self, values: tuple[Any, ...], places: tuple[str, ...]) -> None:
        """Look at what is about to pass; ``places`` names each. Raises: NotPassable."""
        for value, place in zip(values, places, strict=True):
            if type(value) is Moved:
                self._note_move(value, place)
            elif not (
                isinstance(value, FutureCell) and place.startswith("result ")
            ):  # what that comes to is the result
                self._unwatched.by_value(value, "%s", place)  # so that what follows meets no cycle and no stranger
                self._check_frozen(value, place)
                self._check_codec(value, place)

    def delivered(self, values: tuple[Any, ...]) -> None:
        """Look at the moved ones among what an actor is about to be served."""
        for value in values:
            entry = self._pending.get(id(value))  # what it names is kept, so nothing else has its id
            if entry is None:
                continue
            place = entry[1]
            del entry
            count = sys.getrefcount(value)
            self._tell_references(place, type(value), count - HOLDERS_AT_DELIVERY)
            self._pending.pop(id(value), None)  # gone, if debug mode was switched off meanwhile

    def _note_move(self, moved: Moved, place: str) -> None:
        value = moved.value
        if is_shared(type(value)):
            return
        self._tell(place, type(value), "moved objects go from hand to hand inside one process only")
        if place.startswith("result "):  # the handler has returned, and its variables are gone
            count = sys.getrefcount(value)
            self._tell_references(place, type(value), count - HOLDERS_OF_RESULT)
            return
        if len(self._pending) >= PENDING_MAX:
            self._pending.pop(next(iter(self._pending)), None)
        self._pending[id(value)] = value, place

    def _tell_references(self, place: str, kind: type, others: int) -> None:
        if others > 0:
            log.warning(
                "%s: the %s that was moved is still referred to, %d times; whoever moves an object must not keep it: "
                "drop it before the turn ends, or send a copy",
                place, kind.__qualname__, others,
            )  # fmt: skip

    def _tell(self, place: str, kind: type, what: str) -> None:
        if (place, kind.__qualname__) not in self._told:
            self._told.add((place, kind.__qualname__))
            log.warning("%s: a %s; %s", place, kind.__qualname__, what)

    def _check_frozen(self, value: Any, place: str) -> None:
        for owner, part in _lies(value):
            raise NotPassable(
                f"{place}: a {type(owner).__qualname__} goes by reference, since its declared fields are immutable, "
                f"yet one holds a {type(part).__qualname__}; put in what is declared, or declare what is put in"
            )

    def _check_codec(self, value: Any, place: str) -> None:
        _, local = round_trip(value, place, REMEDY_CODEC)
        for one in local:
            kind = type(one.value if type(one) is Moved else one)
            self._tell(place, kind, "it goes by reference, which works inside one process only")


def _lies(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each object that is proven to go by reference, with a part of it, or of a tuple in it, that does not."""
    met: set[tuple[int, bool]] = set()
    rest: list[tuple[Any, Any]] = [(None, value)]
    while rest:
        owner, part = rest.pop()
        if (id(part), owner is not None) in met:
            continue
        met.add((id(part), owner is not None))
        shared = is_shared(type(part))
        if owner is not None and not shared and type(part) not in (tuple, frozenset):
            yield owner, part
        if is_registered(type(part)):
            continue  # it goes by reference on somebody's word
        inside = part if owner is None and shared else owner
        rest.extend((inside, entry) for entry in _parts(part))


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    if type(value) in CONTAINERS:
        return list(value)
    layout = find_layout(type(value))
    if layout is None:
        return []
    parts, state = parts_of(value, layout)
    return [*parts, *state.values()] if layout.items else [*(part for slot in parts for part in slot), *state.values()]


watch = Watch()
