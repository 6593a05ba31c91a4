"""Intake: what agents and frameworks post is looked at before anything acts on it, and is served in its order."""

# Who calls: master.py, inside the master actor, with every message from outside and with the ends of their senders.
# Invariants: 1. what is served is of its declared types throughout, so that handlers may rely on them: nobody else has
#   looked, neither in one program nor on the way from another.
#   2. all of one sender goes through slices.py in the order in which it came, the sender's end included: nothing that
#   it said before it ended is lost, and nothing overtakes what is done in slices.
#   3. before the master leads and has read the registry nothing is served: whoever sent it repeats it.
#   4. nobody speaks for the master or its own actors: whoever is said to have sent it is linked to and answered.
# What is malformed is counted in dropped_messages; a framework hears Error besides, and is left as it is.
# Source: Mesos src/master/validation.cpp (master::call::validate, master::message).

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mesoslite.model import (
    Error,
    InvalidRequest,
    ReregisterAgent,
    Subscribe,
    checked_message,
    checking,
    is_large,
    is_plain,
    shedding,
)

from .posting import post

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import libactor as la

    from .ledger import Ledger
    from .metrics import MasterMetrics
    from .slices import Slices
    from .standing import Standing


class Intake:
    """The door of one master; ``own`` are the actors that nobody else may say to be."""

    def __init__(
        self, ledger: Ledger, slices: Slices, metrics: MasterMetrics, own: set[la.PID[Any]], standing: Standing
    ) -> None:
        self._ledger = ledger
        self._slices = slices
        self._metrics = metrics
        self._own = own
        self._standing = standing

    def take(
        self, message: Any, sender: la.PID[Any] | None, serve: Callable[[Any, Any], Iterator[None] | None]
    ) -> None:
        """Have ``serve(message, sender)`` called in its turn, and do what it leaves to be done, if it is a message."""
        self._metrics.received(message)
        if not self._standing.serves:
            why = "the registry is not read yet" if self._standing.leads else "this master does not lead"
            self._metrics.drop(message, sender, why, usual=self._standing.leads)
        elif sender in self._own:
            self._metrics.drop(message, sender, "its sender is said to be an actor of this master")
        elif type(message) is ReregisterAgent:  # all agents come back at once: others are served in between
            self._slices.put(sender, self._work(message, sender, serve))
        elif self._slices.waits(sender) or (not (plain := is_plain(message)) and is_large(message)):
            self._slices.take(sender, self._work(message, sender, serve))
        else:
            try:
                checked = message if plain else checked_message(message)
            except InvalidRequest as error:
                self._refuse(message, sender, error)
                return
            rest = serve(checked, sender)
            if rest is not None:
                self._slices.take(sender, rest)

    def _work(
        self, message: Any, sender: la.PID[Any] | None, serve: Callable[[Any, Any], Iterator[None] | None]
    ) -> Iterator[None]:
        is_long = is_large(message)
        try:
            checked = (yield from checking(message)) if is_long else checked_message(message)
        except InvalidRequest as error:
            self._refuse(message, sender, error)
            checked = None
        if is_long and checked is not message:  # what nobody needs any more is freed in steps as well
            yield
            freeing = shedding(message)
            message = None
            yield from freeing
        if checked is None:
            return
        rest = serve(checked, sender)
        held = checked if is_long else None  # till all is done: what was passed on as it is was not freed yet
        checked = message = None
        if rest is not None:
            yield from rest
        if held is not None:
            freeing = shedding(held)
            del held
            yield from freeing

    def _refuse(self, message: Any, sender: la.PID[Any] | None, error: InvalidRequest) -> None:
        self._metrics.refuse(message, sender, str(error))
        is_framework = isinstance(message, Subscribe) or self._ledger.framework_at(sender) is not None
        if sender is not None and is_framework:
            post(sender, Error(str(error)), str(sender))
