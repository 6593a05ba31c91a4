"""ExecutorStream: the actor that an executor behind HTTP is to its agent."""

# Who calls: executor.py spawns one for each SUBSCRIBE; the agent posts its events, and terminates it when another one
#   takes its place, or the executor has ended; its end is the end of the stream, and the agent, linked to it, hears so.
# Source: Mesos src/slave/slave.hpp (Executor::send), src/common/http.hpp (ResponseHeartbeater).

from __future__ import annotations

import logging
from typing import Any

import msgspec

import libactor as la
from mesoslite.model import AgentPort, constants
from mesoslite.model.executor_events import (
    AgentAlive,
    EndExecutor,
    EndTask,
    ExecutorEvent,
    ExecutorSubscribed,
    FrameworkMessage,
    LaunchTask,
    LaunchTasks,
    UpdateAcknowledged,
)
from mesoslite.model.v1 import encode_executor_event, frame

from .outlet import Outlet

log = logging.getLogger("mesoslite.api")


class ExecutorStream(la.Actor):
    """An executor's stream of events."""

    def __init__(self, agent: la.PID[AgentPort], outlet: Outlet) -> None:
        super().__init__(la.generate_id("executor-stream"))
        self._agent = agent
        self._outlet = outlet
        self._heartbeat: la.Timer | None = None

    def on_start(self) -> None:
        """Begin to beat, the first time after the first interval."""
        la.link(self._agent)
        self._beat_later()

    def on_stop(self) -> None:
        """End the stream."""
        if self._heartbeat is not None:
            self._heartbeat.cancel()
        self._outlet.end()

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        """The agent has stopped, and with it the executor soon."""
        la.terminate(self.pid)

    def beat(self) -> None:
        """Tell the executor that the agent is alive."""
        self.event(AgentAlive())
        self._beat_later()

    @la.handles(ExecutorSubscribed)
    @la.handles(LaunchTask)
    @la.handles(LaunchTasks)
    @la.handles(EndTask)
    @la.handles(UpdateAcknowledged)
    @la.handles(FrameworkMessage)
    @la.handles(EndExecutor)
    def event(self, event: ExecutorEvent) -> None:
        """Pass an event on."""
        if not self._outlet.put(frame(msgspec.json.encode(encode_executor_event(event)))):
            log.warning("an executor does not read its events; its stream is ended")
            la.terminate(self.pid)

    def _beat_later(self) -> None:
        self._heartbeat = la.delay(constants.EXECUTOR_HEARTBEAT_SECONDS, self.pid, ExecutorStream.beat)
