"""OperationEntry and ExecutorEntry: what the master knows of an operation on resources, and of an executor."""

# Who calls: ledger.py, accept.py, free_operations.py and feedback.py, inside the master actor.
# Reservations and volumes are made and unmade at once in the master's books, and the agent follows (*speculative*); a
#   volume grows or shrinks when its agent says that it has.
# Invariants: 1. an operation that is not speculative holds what it is about, as a task does, until its first terminal
#   state.    2. a terminal state is never left.
# Source: Mesos src/master/master.cpp (addOperation, updateOperation), src/common/protobuf_utils.cpp
#   (isSpeculativeOperation).

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mesoslite.model import NOTHING, OperationState, OperationStatus

if TYPE_CHECKING:
    from mesoslite.model import AgentID, Conversion, ExecutorInfo, FrameworkID, ResourceOperation, Resources


@dataclass(slots=True)
class OperationEntry:
    """An operation that its agent was told to do. ``role`` is that of the offer: what it holds goes back under it."""

    uuid: bytes
    operation: ResourceOperation
    conversion: Conversion
    framework_id: FrameworkID
    role: str
    agent_id: AgentID
    status: OperationStatus  # the newest that was heard
    latest: OperationState = OperationState.OPERATION_PENDING
    is_orphan: bool = False  # its framework is gone, with all that it held, or an operator has asked for it

    @property
    def is_speculative(self) -> bool:
        """Whether the books changed when it was accepted."""
        return self.conversion.reusable

    @property
    def held(self) -> Resources:
        """What it holds, as long as it is under way."""
        return NOTHING if self.is_speculative or self.is_orphan else self.conversion.before

    def record(self, status: OperationStatus, latest: OperationState) -> bool:
        """Take note of ``status`` and of the newest state its agent knows; True if that has just ended it."""
        self.status = status
        if self.latest.is_terminal:
            return False
        self.latest = latest
        return latest.is_terminal


@dataclass(slots=True)
class ExecutorEntry:
    """An executor on an agent, which holds its resources until the agent says that it has ended."""

    info: ExecutorInfo
    framework_id: FrameworkID
    role: str
    agent_id: AgentID
    share_cgroups: bool | None = None  # what its tasks say of that
