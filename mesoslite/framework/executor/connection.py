"""ExecutorConnection: an executor and its agent over the v1 executor API, ours or that of Mesos."""

# Who calls: the Executor actor, in its methods; what comes from the thread that reads is brought there.
# Invariants: 1. one stream at a time; what one that was given up still tells is passed over.
#   2. after close() the thread is gone.
# Source: Mesos src/executor/executor.cpp (MesosProcess).

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

import libactor as la
from libactor.context import current_runtime
from mesoslite.model.executor_events import ExecutorError
from mesoslite.model.v1 import decode_executor_event, encode_executor_call

from ..http.dialect import Dialect
from ..http.loop_thread import LoopThread
from ..http.reports import Denied, Ended, Heard
from ..http.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesoslite.model.executor_calls import ExecutorCall, ExecutorSubscribe

    from ..http.reports import Report

FLUSH_SECONDS = 2.0  # what close() gives the calls that are still to be sent

DIALECT = Dialect(
    path="/api/v1/executor",
    server="agent",
    encode=encode_executor_call,
    decode=decode_executor_event,
    is_last=lambda event: isinstance(event, ExecutorError),
    strangers=("Framework cannot be found", "Executor cannot be found", "Executor is not subscribed"),
)


class AgentLost(msgspec.Struct, frozen=True):
    """The stream is over; ``is_final``: another attempt would fare no better."""

    reason: str
    is_final: bool


class CallRefused(msgspec.Struct, frozen=True):
    """The agent does not take a call."""

    reason: str


class ExecutorConnection:
    """The line to the agent at ``url``, which ``token`` tells who calls.

    Events, AgentLost and CallRefused are posted to the executor's actor.
    """

    def __init__(self, url: str, token: str = "") -> None:
        self._url = url
        self._authorization = f"Bearer {token}" if token else ""
        self._thread: LoopThread | None = None
        self._stream: Stream | None = None
        self._abandon: Callable[[], None]  # the stream; in the thread

    def open(self, executor: la.PID[Any]) -> None:
        """Have what is heard posted to that actor; in it."""
        self._executor = executor
        self._clock = current_runtime("open").clock
        self._thread = LoopThread()

    def subscribe(self, call: ExecutorSubscribe) -> None:
        """Begin to hear events, by a new stream."""
        assert self._thread is not None
        executor = self._executor

        def report(stream: Stream, report: Report) -> None:
            la.execute(executor, partial(self._heed, stream, report))

        self._drop()
        self._stream = Stream(self._url, DIALECT, call, self._clock.now, report, self._authorization)
        self._abandon = self._thread.run(self._stream.run())

    def send(self, call: ExecutorCall) -> None:
        """Send a call once the stream is open; without one nothing happens."""
        if self._stream is not None and self._thread is not None:
            self._thread.call(self._stream.put, call)

    def close(self) -> None:
        """Send what is left, for at most two seconds, then end the stream; a second call does nothing."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        if self._stream is not None:
            thread.call(self._stream.put, None)
        thread.close(FLUSH_SECONDS)

    def _drop(self) -> None:
        if self._stream is not None and self._thread is not None:
            self._thread.call(self._abandon)
        self._stream = None

    def _heed(self, stream: Stream, report: Report) -> None:
        if stream is not self._stream or self._thread is None:
            return
        if isinstance(report, Heard):
            for event in report.events:
                la.post(self._executor, event)
        elif isinstance(report, Denied):
            la.post(self._executor, CallRefused(report.reason))
        elif isinstance(report, Ended):
            self._drop()
            la.post(self._executor, AgentLost(report.reason, report.is_final))
