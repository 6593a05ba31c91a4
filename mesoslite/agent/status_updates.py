"""StatusUpdateManager: gets every status of every task to the master, in order, until it is acknowledged."""

# Who calls: agent.py, inside the agent actor, which also lends it the way out and the timers.
# One stream per task: a queue of statuses of which only the head is under way; it is repeated, first after
#   STATUS_UPDATE_RETRY_SECONDS and then after twice the last wait, until an acknowledgement bears its uuid.
# Invariants: 1. a stream is open from its first status until its terminal one is acknowledged; nothing follows a
#   terminal status in it.    2. exactly the streams that are not empty have a deadline, unless paused.
#   3. where a run has a log, a status is in it before it goes out, and its acknowledgement before the next does.
# Source: Mesos src/status_update_manager/status_update_manager_process.hpp.

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mesoslite.model import StatusUpdate, constants

from .checkpoints.contents import Acknowledged, Reported
from .deadlines import Deadlines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import libactor as la
    from mesoslite.model import FrameworkID, TaskID, TaskState, TaskStatus

    from .runs import Run

log = logging.getLogger("mesoslite")


@dataclass(slots=True, eq=False)
class _Stream:
    """The statuses of one task that are not acknowledged yet, oldest first, and the run that they are of, if any."""

    framework_id: FrameworkID
    latest_state: TaskState
    run: Run | None = None
    pending: deque[TaskStatus] = field(default_factory=deque)
    wait_seconds: float = constants.STATUS_UPDATE_RETRY_SECONDS  # until the next repetition of the head


class StatusUpdateManager:
    """The streams of one agent.

    ``forward`` sends an update to the master, once. ``now_ns`` reads the clock, and ``ring_later(seconds)`` has
    ``repeat_due`` called then.
    """

    def __init__(
        self,
        forward: Callable[[StatusUpdate], None],
        now_ns: Callable[[], int],
        ring_later: Callable[[float], la.Timer],
    ) -> None:
        self._forward = forward
        self._streams: dict[FrameworkID, dict[TaskID, _Stream]] = {}  # no framework without a stream
        self._deadlines: Deadlines[_Stream] = Deadlines(now_ns, ring_later)  # of acknowledgements
        self._is_paused = False

    def update(self, framework_id: FrameworkID, status: TaskStatus, run: Run | None = None) -> None:
        """Queue ``status``, which bears a uuid; it goes out at once if nothing is ahead of it.

        ``run`` is that of the task, if it has one. Raises: OSError, if the status cannot be written to its log.
        """
        assert status.uuid is not None
        streams = self._streams.setdefault(framework_id, {})
        stream = streams.get(status.task_id)
        if stream is None:
            stream = streams[status.task_id] = _Stream(framework_id, status.state, run)
        pending, run = stream.pending, stream.run
        assert not pending or not pending[-1].state.is_terminal
        if run is not None and run.log is not None:
            run.log.append(Reported(status))
        stream.latest_state = status.state
        pending.append(status)
        if len(pending) == 1:
            self._send_head(stream)

    def restore(self, run: Run, pending: Iterable[TaskStatus]) -> None:
        """Open a stream as it was in an earlier life; what is ``pending`` goes out when there is a master."""
        assert self._is_paused
        stream = _Stream(run.framework_id, run.state, run, deque(pending))
        self._streams.setdefault(run.framework_id, {})[run.task.task_id] = stream

    def acknowledge(self, framework_id: FrameworkID, task_id: TaskID, uuid: bytes) -> TaskStatus | None:
        """Take note of an acknowledgement; return the status it was for, None if it was for none under way.

        The next status goes out; after a terminal one the stream is closed.
        """
        stream = self._find(framework_id, task_id)
        pending = stream.pending if stream is not None else None
        head = pending[0] if pending else None
        if stream is None or not pending or head is None or head.uuid != uuid:
            log.warning(
                "agent: ignored the acknowledgement %s for task %s of framework %s; expected %s",
                uuid.hex(),
                task_id,
                framework_id,
                head.uuid.hex() if head is not None and head.uuid is not None else "none, as no status is under way",
            )
            return None
        if stream.run is not None and stream.run.log is not None:
            stream.run.log.append(Acknowledged(uuid))
        pending.popleft()
        self._deadlines.drop(stream)
        stream.wait_seconds = constants.STATUS_UPDATE_RETRY_SECONDS
        if head.state.is_terminal:
            del self._streams[framework_id][task_id]
            if not self._streams[framework_id]:
                del self._streams[framework_id]
        elif pending:
            self._send_head(stream)
        return head

    def repeat_due(self) -> None:
        """Waits for acknowledgements are over: send those heads again, and wait twice as long for the next time."""
        for stream in self._deadlines.take_due():
            stream.wait_seconds = min(2 * stream.wait_seconds, constants.STATUS_UPDATE_RETRY_SECONDS_MAX)
            self._send_head(stream)

    def resend(self, framework_id: FrameworkID) -> None:
        """Send again at once what a framework, which may have missed it, has not acknowledged; waits begin anew."""
        for stream in self._streams.get(framework_id, {}).values():
            if stream.pending:
                stream.wait_seconds = constants.STATUS_UPDATE_RETRY_SECONDS
                self._send_head(stream)

    def latest_state(self, framework_id: FrameworkID, task_id: TaskID) -> TaskState | None:
        """The newest state of a task whose stream is open, else None."""
        stream = self._find(framework_id, task_id)
        return stream.latest_state if stream is not None else None

    def pending(self, framework_id: FrameworkID, task_id: TaskID) -> Sequence[TaskStatus]:
        """The statuses of a task that are not acknowledged yet, oldest first."""
        stream = self._find(framework_id, task_id)
        return stream.pending if stream is not None else ()

    def has_streams(self, framework_id: FrameworkID) -> bool:
        """Whether any stream of that framework is open."""
        return framework_id in self._streams

    def close(self, framework_id: FrameworkID) -> None:
        """Drop what is under way for a framework: nobody waits for it any more."""
        for stream in self._streams.pop(framework_id, {}).values():
            self._deadlines.drop(stream)

    def pause(self) -> None:
        """The master has gone: keep what comes, and send nothing any more."""
        self._is_paused = True
        self._deadlines.clear()

    def resume(self) -> None:
        """There is a master again: send every head at once."""
        self._is_paused = False
        for streams in self._streams.values():
            for stream in streams.values():
                if stream.pending:
                    stream.wait_seconds = constants.STATUS_UPDATE_RETRY_SECONDS
                    self._send_head(stream)

    def _find(self, framework_id: FrameworkID, task_id: TaskID) -> _Stream | None:
        streams = self._streams.get(framework_id)
        return streams.get(task_id) if streams is not None else None

    def _send_head(self, stream: _Stream) -> None:
        if self._is_paused:
            return
        status = stream.pending[0]
        if stream.run is not None:
            stream.run.sent = status
        self._forward(StatusUpdate(framework_id=stream.framework_id, status=status, latest_state=stream.latest_state))
        self._deadlines.set(stream, stream.wait_seconds)
