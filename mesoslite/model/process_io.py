"""ProcessIO: what goes to and comes from the streams of a container's processes, one frozen struct each."""

# Who calls: api/ and cli/, each of which reads what the other writes.
# Source: Mesos include/mesos/v1/agent/agent.proto (ProcessIO).

from enum import Enum
from typing import TypeAlias

import msgspec


class Stream(Enum):
    """Which of the standard streams."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2


class ProcessData(msgspec.Struct, frozen=True, gc=False):
    """Bytes; none for STDIN: its end."""

    stream: Stream
    data: bytes


class WindowSize(msgspec.Struct, frozen=True, gc=False):
    """How many characters the window of a terminal has."""

    rows: int
    columns: int


class StreamAlive(msgspec.Struct, frozen=True, gc=False):
    """The connection is there; the next word of that follows within so many seconds."""

    interval_seconds: float


ProcessIO: TypeAlias = ProcessData | WindowSize | StreamAlive
