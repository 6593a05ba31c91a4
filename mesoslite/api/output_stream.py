"""OutputStream: what a container prints, as records of ProcessIO, with heartbeats between."""

# Who calls: container_streams.py makes one for each who follows; the thread of the container puts what it prints.
# Who reads too slowly is let go of when more than BUFFER_BYTES_MAX wait: neither the container nor others wait for it.
#   Who has a session holds it up instead, from HOLD_BYTES on, as the reader of a pipe does.
# Source: Mesos src/slave/containerizer/mesos/io/switchboard.cpp (outputHook, heartbeatLoop).

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

import libactor as la
from mesoslite.model.process_io import ProcessData, Stream, StreamAlive
from mesoslite.model.v1 import encode_process_io, frame

from .outlet import Outlet

if TYPE_CHECKING:
    from mesoslite.model import AgentPort, Attachment
    from mesoslite.model.process_io import ProcessIO

BUFFER_BYTES_MAX = 4 * 1024 * 1024
HOLD_BYTES = 1024 * 1024


class Followed:
    """One follower of the output of ``attachment``, which it holds up if it ``holds``: see model.OutputFollower."""

    def __init__(self, attachment: Attachment, outlet: Outlet, *, holds: bool) -> None:
        self._attachment = attachment
        self._outlet = outlet
        self._holds = holds
        self._is_held = False
        outlet.when_taken = self._go_on

    def output(self, is_stderr: bool, data: bytes) -> bool:
        """Pass on what was printed."""
        fits = self._outlet.put(record(ProcessData(Stream.STDERR if is_stderr else Stream.STDOUT, data)))
        if self._holds and fits and self._outlet.size >= HOLD_BYTES:
            self._is_held = True
            self._attachment.hold(self)
            if self._outlet.size < HOLD_BYTES:  # it was read meanwhile, maybe before it could be known that it is held
                self._attachment.go_on(self)
        return fits

    def _go_on(self) -> None:
        if self._is_held:
            self._is_held = False
            self._attachment.go_on(self)

    def ended(self) -> None:
        """Nothing more is printed."""
        self._outlet.end()


class OutputStream(la.Actor):
    """The heartbeats of one stream, the first at once; it ends with its ``agent``."""

    def __init__(self, agent: la.PID[AgentPort], outlet: Outlet, interval_seconds: float) -> None:
        super().__init__(la.generate_id("output-stream"))
        self._agent = agent
        self._outlet = outlet
        self._interval = interval_seconds
        self._timer: la.Timer | None = None

    def on_start(self) -> None:
        """Begin to beat."""
        la.link(self._agent)
        self.beat()

    def on_stop(self) -> None:
        """End the stream."""
        if self._timer is not None:
            self._timer.cancel()
        self._outlet.end()

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        """The agent has stopped."""
        la.terminate(self.pid)

    def beat(self) -> None:
        """Tell the client that the connection is alive."""
        self._outlet.put(record(StreamAlive(self._interval)))
        self._timer = la.delay(self._interval, self.pid, OutputStream.beat)


def record(message: ProcessIO) -> bytes:
    """A message as it stands in a stream."""
    return frame(msgspec.json.encode(encode_process_io(message)))
