"""Operation records: what readers see of an operation is all that is known of its newest status."""

from __future__ import annotations

from base64 import b64encode

from mesoslite.model import (
    AgentID,
    OperationID,
    OperationState,
    OperationStatus,
    Reservation,
    ReservationType,
    Reserve,
    Resources,
)
from mesoslite.model.operation_records import packed_operation
from mesoslite.model.records import Operation

RESERVED = Resources.parse("cpus:1").pushed(Reservation(ReservationType.DYNAMIC, "web"))
FINISHED = OperationStatus(
    state=OperationState.OPERATION_FINISHED,
    operation_id=OperationID("o"),
    converted=RESERVED,
    uuid=b"s" * 16,
    agent_id=AgentID("a"),
)


def packed(state: OperationState) -> Operation:
    return packed_operation(
        b"u" * 16, Reserve(RESERVED), framework_id=None, agent_id=AgentID("a"), state=state, status=FINISHED
    )


# Source: Mesos src/master/master.cpp (updateOperation), include/mesos/v1/mesos.proto (Operation.latest_status)
def test_the_latest_status_says_what_was_made_and_how_it_is_acknowledged() -> None:
    operation = packed(OperationState.OPERATION_FINISHED)

    assert operation.latest_status == operation.statuses[0]
    assert operation.latest_status["uuid"] == {"value": b64encode(b"s" * 16).decode()}
    assert [one["name"] for one in operation.latest_status["converted_resources"]] == ["cpus"]


def test_of_a_state_that_was_not_told_yet_nothing_else_is_said() -> None:
    operation = packed(OperationState.OPERATION_GONE_BY_OPERATOR)

    assert operation.latest_status == {
        "state": "OPERATION_GONE_BY_OPERATOR",
        "operation_id": {"value": "o"},
        "agent_id": {"value": "a"},
    }
