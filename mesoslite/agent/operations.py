"""Operations: what an agent has, how operations change it, and how its master hears of that."""

# Who calls: agent.py, inside the agent actor, which also lends it the way out and the timers.
# An operation is done as soon as it is asked for: what an agent has is a matter of its books. Its status is repeated,
#   first after STATUS_UPDATE_RETRY_SECONDS and then after twice the last wait, until it is acknowledged.
# Invariants: 1. an operation is done once, however often it is asked for: those of the newest HISTORY_MAX that are
#   acknowledged are remembered too.    2. one that is not done changes nothing, and its status carries what the agent
#   has, so that the master, which may have counted on it, does not go on from a total that is not true. With it goes
#   which operations are in that, for their statuses may have got lost.
# What is done, and told of, is written down before it is told: an agent that begins anew goes on with it.
# Source: Mesos src/slave/slave.cpp (applyOperation, reconcileOperations, operationStatusAcknowledgement).

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mesoslite.model import (
    NOTHING,
    AgentOperation,
    ApplyOperation,
    OperationAcknowledgement,
    OperationsExpected,
    OperationState,
    OperationStatus,
    OperationUpdate,
    ResourceOperation,
    Resources,
    constants,
    conversion,
    once,
)

from .checkpoints import OperationCheckpoint, ResourcesCheckpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    import libactor as la
    from mesoslite.model import AgentID, FrameworkID

log = logging.getLogger("mesoslite")

HISTORY_MAX = 1_000


@dataclass(slots=True)
class _Stream:
    """The status of one operation that is not acknowledged yet; None: nobody has told what it was."""

    framework_id: FrameworkID
    status: OperationStatus
    operation: ResourceOperation | None = None
    timer: la.Timer | None = None
    wait_seconds: float = constants.STATUS_UPDATE_RETRY_SECONDS  # until the next repetition


class Operations:
    """What one agent has, ``total`` at first.

    ``forward`` sends an update to the master, once. ``retry_later(seconds, operation_uuid)`` has ``retry`` called in so
    many seconds. ``new_uuid`` makes 16 bytes. ``used`` is what its tasks use. ``keep`` writes down how it is now.
    ``convert_volumes(before, after)`` changes the disk, and returns what is to be called once that is written down.
    """

    def __init__(
        self,
        total: Resources,
        *,
        forward: Callable[[OperationUpdate], None],
        retry_later: Callable[[float, bytes], la.Timer],
        new_uuid: Callable[[], bytes],
        used: Callable[[], Resources],
        keep: Callable[[ResourcesCheckpoint], None],
        convert_volumes: Callable[[Resources, Resources], Callable[[], None]],
    ) -> None:
        self._configured = total
        self.total = total
        self._forward = forward
        self._retry_later = retry_later
        self._new_uuid = new_uuid
        self._used = used
        self._keep = keep
        self._convert_volumes = convert_volumes
        self._streams: dict[bytes, _Stream] = {}
        self._done: dict[bytes, None] = {}  # acknowledged, the oldest first
        self._is_paused = False

    def take(self, message: ApplyOperation | OperationAcknowledgement | OperationsExpected, agent_id: AgentID) -> None:
        """Do what the master asks for."""
        match message:
            case ApplyOperation():
                self.apply(message, agent_id)
            case OperationAcknowledgement():
                self.acknowledge(message)
            case OperationsExpected():
                self.confirm(message, agent_id)

    def apply(self, message: ApplyOperation, agent_id: AgentID) -> None:
        """Do an operation, or say why not; one that was done is told of again."""
        uuid = message.operation_uuid
        if uuid in self._done:
            return
        if uuid in self._streams:
            self._send(uuid)
            return
        state, text, converted, finish = OperationState.OPERATION_FINISHED, "", NOTHING, None
        try:
            converted, finish = self._convert(message)
        except Exception as error:  # it is no operation, say: the agent and all its tasks must not end with it
            state, text = OperationState.OPERATION_DROPPED, f"Operation was not done: {error}"
            log.warning("agent: operation %s of framework %s: %s", uuid.hex(), message.framework_id, text)
        status = OperationStatus(
            state=state,
            operation_id=getattr(message.operation, "id", None),
            message=text,
            converted=converted,
            uuid=self._new_uuid(),
            agent_id=agent_id,
        )
        asked: object = message.operation  # which may be of a wrong type, and could not be read again
        operation = asked if isinstance(asked, ResourceOperation) else None
        self._streams[uuid] = _Stream(message.framework_id, status, operation)
        self._write()
        if finish is not None:
            finish()
        self._send(uuid)

    def _convert(self, message: ApplyOperation) -> tuple[Resources, Callable[[], None]]:
        """Change the total, and the disk; what it has made, and what is to be done once that is written down.

        Raises: InsufficientResources, OSError, InvalidRequest, and what comes of operations that are none.
        """
        done = conversion(message.operation)
        total = self.total - done.before + done.after
        total - once(self._used())  # raises, if tasks would use what is no longer there
        finish = self._convert_volumes(done.before, done.after)
        self.total = total
        return done.after, finish

    def acknowledge(self, message: OperationAcknowledgement) -> None:
        """Repeat a status no more."""
        stream = self._streams.get(message.operation_uuid)
        if stream is None or stream.status.uuid != message.status_uuid:
            log.warning("agent: ignored %r, for nothing of the kind is under way", message)
            return
        self._cancel(stream)
        del self._streams[message.operation_uuid]
        self._done[message.operation_uuid] = None
        if len(self._done) > HISTORY_MAX:
            del self._done[next(iter(self._done))]
        self._write()

    def confirm(self, message: OperationsExpected, agent_id: AgentID) -> None:
        """Tell that operations are dropped of which nothing is known here: they were lost on their way."""
        for framework_id, uuid in message.operations:
            if uuid not in self._streams and uuid not in self._done:
                text = "Operation was lost on its way to the agent"
                status = OperationStatus(
                    state=OperationState.OPERATION_DROPPED, message=text, uuid=self._new_uuid(), agent_id=agent_id
                )
                self._streams[uuid] = _Stream(framework_id, status)
                self._write()
                self._send(uuid)

    def restore(self, state: ResourcesCheckpoint) -> None:
        """Go on from what an earlier life had and did; more or less may be configured since.

        Raises: InsufficientResources, if what is reserved, say, is not there any more.
        """
        gone, new = self._configured.shortfall(state.configured), state.configured.shortfall(self._configured)
        self.total = state.total - gone + new
        self._streams = {
            one.operation_uuid: _Stream(one.framework_id, one.status, one.operation) for one in state.operations
        }
        self._done = dict.fromkeys(state.done)

    def _write(self) -> None:
        operations = [
            OperationCheckpoint(uuid, one.framework_id, one.status, one.operation)
            for uuid, one in self._streams.items()
        ]
        self._keep(
            ResourcesCheckpoint(
                configured=self._configured,
                total=self.total,
                operations=tuple(operations),
                done=tuple(self._done),
            )
        )

    def retry(self, operation_uuid: bytes) -> None:
        """The wait for an acknowledgement is over: tell again, and wait twice as long for the next time."""
        stream = self._streams.get(operation_uuid)
        if stream is None or stream.timer is None or stream.timer.pending:
            return  # acknowledged while this call was in the mailbox, or told again meanwhile
        stream.wait_seconds = min(2 * stream.wait_seconds, constants.STATUS_UPDATE_RETRY_SECONDS_MAX)
        self._send(operation_uuid)

    def pause(self) -> None:
        """The master has gone: send nothing any more."""
        self._is_paused = True
        for stream in self._streams.values():
            self._cancel(stream)

    def resume(self) -> None:
        """There is a master again: tell it of everything at once."""
        self._is_paused = False
        for uuid, stream in self._streams.items():
            stream.wait_seconds = constants.STATUS_UPDATE_RETRY_SECONDS
            self._send(uuid)

    def snapshot(self) -> tuple[AgentOperation, ...]:
        """Those whose status is not acknowledged, as readers see them."""
        return tuple(
            [
                AgentOperation(uuid=uuid, framework_id=one.framework_id, operation=one.operation, status=one.status)
                for uuid, one in self._streams.items()
            ]
        )

    def _send(self, operation_uuid: bytes) -> None:
        if self._is_paused:
            return
        stream = self._streams[operation_uuid]
        status = stream.status
        is_done = status.state is OperationState.OPERATION_FINISHED
        self._forward(
            OperationUpdate(
                framework_id=stream.framework_id,
                operation_uuid=operation_uuid,
                status=status,
                latest_state=status.state,
                total=None if is_done else self.total,
                decided=() if is_done else tuple(self._streams),
            )
        )
        self._cancel(stream)
        stream.timer = self._retry_later(stream.wait_seconds, operation_uuid)

    @staticmethod
    def _cancel(stream: _Stream) -> None:
        if stream.timer is not None:
            stream.timer.cancel()
            stream.timer = None
