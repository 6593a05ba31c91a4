"""Durability: the master asks for a change of the registry, and goes on once it is durable."""

# Who calls: registration.py and removal.py, inside the master actor.
# Invariants: 1. ``then`` runs in the master, after the store, in the order of the asking; nobody waits for it.
#   2. after a registrar that failed nothing runs any more: the master is linked to it and ends with it.
#   3. what goes wrong in ``then`` ends the master: its books would not be those of the registry any more.
# Source: Mesos src/master/master.cpp (registrar->apply(...).onAny(defer(self(), ...))).

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import InvalidRequest, RegistrarPort, RegistryFailed, RegistryRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesoslite.model.registry import RegistryOperation

log = logging.getLogger("mesoslite.master")


class Durability:
    """The line to the registrar; ``end(reason)`` ends the master."""

    def __init__(self, registrar: la.PID[RegistrarPort], end: Callable[[BaseException], None]) -> None:
        self._registrar = registrar
        self._end = end

    def apply(
        self, operation: RegistryOperation, then: Callable[[], object], refused: Callable[[Exception], object]
    ) -> None:
        """Change the registry, then call ``then``, or ``refused`` if it does not fit what is there.

        An error of any other sort ends the master: nobody knows what it has left undone.
        """

        asked: la.Future[Any] = la.dispatch(self._registrar, RegistrarPort.apply, operation)
        # Not a partial: what that binds would be taken by value, with all the tasks of an agent.
        asked.on_any(la.defer(lambda future: self._answered(operation, then, refused, future)))

    def _answered(
        self,
        operation: RegistryOperation,
        then: Callable[[], object],
        refused: Callable[[Exception], object],
        future: la.Future[bool],
    ) -> None:
        if not future.is_failed():
            self._go_on(then)
            return
        error = future.exception()
        if isinstance(error, (RegistryRefused, InvalidRequest)):
            log.error("the registry refuses %s: %s", type(operation).__name__, error)
            self._go_on(partial(refused, error))
        elif error is not None and not isinstance(error, RegistryFailed):  # with that the registrar ends itself
            self._end(error)

    def _go_on(self, step: Callable[[], object]) -> None:
        try:
            step()
        except Exception as error:
            self._end(error)
