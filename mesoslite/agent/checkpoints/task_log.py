"""TaskLog: the file to which everything is appended that becomes of one task, and that must outlive its agent."""

# Who calls: checkpoints.py makes one for each task; whoever is about to act on what it is told appends it first.
# The file: the head of all checkpoints (files.py), then for each event four bytes of length, four of CRC-32, both
#   big-endian, and msgpack. An end that is not whole was being written when the agent ended, and nothing was done on
#   it: it is cut off. Where the checksum is right before the length is over, the length is damaged. No file: nothing
#   has become of the task yet.
# Not kept open: descriptors are few, and a thousand tasks many.
# Source: Mesos src/slave/task_status_update_manager.cpp (checkpoint, replay).

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass

import msgspec

from .contents import TaskEvent
from .files import BadCheckpoint, check_head, head, read_bytes, write_all

_HEAD = 8

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(TaskEvent).decode


class TaskLog:
    """The log of one task, in the file ``path``, whose directory is there; ``size`` is what of it is to stay."""

    __slots__ = ("_is_begun", "_path")

    def __init__(self, path: str, size: int = 0) -> None:
        self._path = path
        self._is_begun = size > 0

    def append(self, event: TaskEvent) -> None:
        """Add an event, which will be read however the agent ends from now on. Raises: OSError."""
        body = _encode(event)
        data = len(body).to_bytes(4, "big") + zlib.crc32(body).to_bytes(4, "big") + body
        if not self._is_begun:
            data = head() + data
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            write_all(descriptor, data, self._path)
        finally:
            os.close(descriptor)
        self._is_begun = True


@dataclass(frozen=True, slots=True)
class LogContents:
    """What a log says, in its first ``size`` bytes of ``length``; ``problem`` is why no more of it can be read.

    There is none if it ends there, but for what was being written.
    """

    events: tuple[TaskEvent, ...]
    size: int
    length: int
    problem: BadCheckpoint | None = None


def read_log(path: str) -> LogContents:
    """Return what is in a log; nothing, if there is none."""
    try:
        data = read_bytes(path)
        if not head().startswith(data[: len(head())]):
            check_head(path, data)
    except FileNotFoundError:
        return LogContents((), 0, 0)
    except BadCheckpoint as error:
        return LogContents((), 0, 0, error)
    events: list[TaskEvent] = []
    at, problem = len(head()), None
    while problem is None and at + _HEAD <= len(data):
        end = at + _HEAD + int.from_bytes(data[at : at + 4], "big")
        if end > len(data):
            if _is_whole(data, at):
                text = "a length is another one"
                problem = BadCheckpoint(f"{path} is damaged behind its first {len(events)} records: {text}")
            break
        body = data[at + _HEAD : end]
        try:
            if zlib.crc32(body) != int.from_bytes(data[at + 4 : at + _HEAD], "big"):
                raise ValueError("its checksum is another one")
            events.append(_decode(body))
        except (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError) as error:
            problem = BadCheckpoint(f"{path} is damaged behind its first {len(events)} records: {str(error)[:200]}")
        else:
            at = end
    return LogContents(tuple(events), at if events else 0, len(data), problem)


def _is_whole(data: bytes, at: int) -> bool:
    """Whether the record at ``at``, which by its length is cut off, has all that its checksum is of."""
    wanted, checksum = int.from_bytes(data[at + 4 : at + _HEAD], "big"), 0
    for place in range(at + _HEAD, len(data)):
        checksum = zlib.crc32(data[place : place + 1], checksum)
        if checksum == wanted:
            return True
    return False


def resumed_log(path: str, contents: LogContents) -> TaskLog:
    """Return a log to which is appended what follows on ``contents``; the rest is cut off. Raises: OSError."""
    if contents.size < contents.length:
        os.truncate(path, contents.size)
    return TaskLog(path, contents.size)
