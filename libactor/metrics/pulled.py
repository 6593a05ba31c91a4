"""Pulled: a metric that is asked for its numbers when somebody looks."""

# Who calls: its subclasses; the registry pulls (registry.py).
# Invariant: of one of them, one call at most is under way, whoever looks meanwhile: one that hangs holds one thread, or
#   one place in a mailbox, for ever, and not one for each snapshot.
# The function runs in an actor of its own: it may block, fail or hang without the others' noticing.
# Source: libprocess metrics/pull_gauge.hpp.

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from libactor.future import Future, Promise
from libactor.metrics.metric import Metric, metrics_lock
from libactor.thunk import run_in

if TYPE_CHECKING:
    from libactor.runtime import Runtime


class Pulled(Metric):
    """What ``function`` returns, or the future of it, at the moment when somebody looks; ``what`` says what that is."""

    __slots__ = ("_function", "_pulled")

    def __init__(self, name: str, function: Callable[[], Any], what: str) -> None:
        super().__init__(name)
        if not callable(function):
            raise TypeError(f"{name}: got {function!r}, expected a function that returns {what}")
        self._function = function
        self._pulled: Future[Any] | None = None

    def pull(self, runtime: Runtime) -> Future[Any]:
        """The future of what the function returns, whatever that is; called in ``runtime``."""
        with metrics_lock:
            pulled = self._pulled
            if pulled is not None and pulled.is_pending() and not pulled.is_abandoned():
                return pulled
            promise: Promise[Any] = Promise()
            pulled = self._pulled = promise.future
        try:
            promise.associate(run_in(runtime, self._function, "gauge", (), {}))
        except Exception as error:  # the runtime is closed, or has no memory left
            promise.fail(error.with_traceback(None))  # it would lead to this frame, and back to the promise
        return pulled
