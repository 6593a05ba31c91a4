"""Calls: what subscribed frameworks call is served; one that cannot be ends its framework, and nobody else."""

# Who calls: master.py, by its intake, which has looked whether a call is one.
# A call that is served in several steps (scheduling.py) may fail in a later one as in the first.

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import Accept, Acknowledge, Error, RequestResources, Teardown, UpdateFramework

from .figures import CALLS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mesoslite.model import FrameworkCall

    from .departures import Departures
    from .framework_entry import FrameworkEntry
    from .ledger import Ledger
    from .metrics import MasterMetrics
    from .scheduling import Scheduling
    from .subscription import Subscriptions

log = logging.getLogger("mesoslite.master")


class Calls:
    """The calls that one master serves."""

    def __init__(
        self,
        ledger: Ledger,
        metrics: MasterMetrics,
        subscriptions: Subscriptions,
        departures: Departures,
        scheduling: Scheduling,
    ) -> None:
        self._ledger = ledger
        self._metrics = metrics
        self._subscriptions = subscriptions
        self._departures = departures
        self._scheduling = scheduling

    def serve(self, call: FrameworkCall, sender: la.PID[Any] | None) -> Iterator[None] | None:
        """Serve the call of a framework that is subscribed from ``sender``; what is returned is still to be done."""
        framework = self._subscriptions.caller(call.framework_id, sender)
        if framework is None:
            self._metrics.drop(call, sender, f"it is not subscribed as framework {call.framework_id}")
            return None
        framework.figures[CALLS[type(call)]] += 1
        try:
            if isinstance(call, Acknowledge):  # three of a task
                self._scheduling.acknowledge(framework, call)
                return None
            match call:  # most first: of structs, a case that is not met takes a sixth of a microsecond
                case Accept():
                    rest = self._scheduling.serve(framework, call)
                case Teardown():
                    self._departures.remove(framework)
                    return None
                case UpdateFramework():
                    self._subscriptions.update_if_valid(framework, call)
                    return None
                case RequestResources():  # counted, as all are, and no more: as in Mesos
                    return None
                case _:
                    rest = self._scheduling.serve(framework, call)
        except Exception as error:
            self._end_for(error, framework, type(call).__name__)
            return None
        return None if rest is None else self._go_on(rest, framework, type(call).__name__)

    def _go_on(self, rest: Iterator[None], framework: FrameworkEntry, name: str) -> Iterator[None]:
        # Not the call: what of it is done is to be free.
        try:
            yield from rest
        except Exception as error:
            self._end_for(error, framework, name)

    def _end_for(self, error: Exception, framework: FrameworkEntry, name: str) -> None:
        """Remove the framework whose call failed."""
        text = "%s of framework %s failed; the framework is removed"
        log.error(text, name, framework.id, exc_info=error)
        framework.send(Error(f"{name.lower()}: {error!r}; the framework is removed"))
        if self._ledger.frameworks.get(framework.id) is framework:
            self._departures.remove(framework)
