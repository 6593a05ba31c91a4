"""Operation records: operations on resources as readers see them (records.Operation)."""

# Who calls: the master.
# Source: Mesos include/mesos/v1/mesos.proto (Operation).

from base64 import b64encode

from msgspec.structs import replace

from .ids import AgentID, FrameworkID
from .operations import OperationState, OperationStatus, ResourceOperation
from .records import Operation
from .resources import NOTHING
from .v1.operations import encode_operation, encode_operation_status


def packed_operation(
    uuid: bytes,
    operation: ResourceOperation,
    *,
    framework_id: FrameworkID | None,
    agent_id: AgentID,
    state: OperationState,
    status: OperationStatus,
) -> Operation:
    """Return an operation as it is kept; ``framework_id`` is None once its framework is gone.

    ``state`` is the newest that its agent knows, which is another one than that of the newest ``status`` while that is
    not acknowledged: then no more is known of it.
    """
    latest = status if status.state is state else replace(status, state=state, message="", converted=NOTHING, uuid=None)
    return Operation(
        uuid=b64encode(uuid).decode(),
        agent_id=agent_id,
        info=encode_operation(operation),
        latest_status=encode_operation_status(latest),
        framework_id=framework_id,
        statuses=(encode_operation_status(status),),
    )
