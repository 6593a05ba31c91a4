"""Operator changes: the calls of the operator API that have the master do something."""

# Who calls: master.py puts them into the table of operator_calls.py.
# Each is read into the arguments of the method of the master that it stands for, and answered without a body, once that
#   has answered: by 200 if it is done then, by 202 if an agent is yet to do it. The documentation of Mesos says 202 for
#   some of the others too; Mesos answers 200.
# Source: Mesos include/mesos/v1/master/master.proto, src/master/http.cpp.

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import libactor as la
from mesoslite.model import AgentID, FrameworkID, MasterPort
from mesoslite.model.v1 import (
    decode_machines,
    decode_operation_body,
    decode_protobuf_duration,
    decode_quota_configs,
    decode_quota_request,
    decode_schedule,
    decode_weights,
)

from .asking import act
from .operator_calls import OperatorCall, OperatorCalls

if TYPE_CHECKING:
    from mesoslite.model import Operation
    from mesoslite.model.fields import Fields

    from .exchange import Exchange


class Change(NamedTuple):
    """A method of the master, how its arguments are read, and the status if it knows nothing of that name, or does.

    With ``signed`` its last argument is who asks, None if nobody was authenticated.
    """

    decode: Callable[[Fields], tuple[Any, ...]]
    method: Callable[..., Any]
    unknown: int = 400
    status: int = 200
    signed: bool = False


def change_calls(master: la.PID[MasterPort]) -> OperatorCalls:
    """The calls that change something, for the master at that address."""

    def call(change: Change) -> OperatorCall:
        async def answer(exchange: Exchange, arguments: tuple[Any, ...]) -> None:
            signature = (exchange.principal,) if change.signed else ()
            await act(exchange, master, change.method, *arguments, *signature, unknown=change.unknown)

        return OperatorCall(change.decode, answer, change.status)

    return {kind: call(change) for kind, change in _CHANGES.items()}


def _framework(fields: Fields) -> tuple[FrameworkID]:
    return (FrameworkID(fields.message("teardown").identifier("framework_id")),)


def _agent(name: str) -> Callable[[Fields], tuple[AgentID]]:
    return lambda fields: (AgentID(fields.message(name).identifier("agent_id")),)


def _drain(fields: Fields) -> tuple[AgentID, float | None, bool]:
    body = fields.message("drain_agent")
    grace = decode_protobuf_duration(body, "max_grace_period")
    return AgentID(body.identifier("agent_id")), grace, body.boolean("mark_gone", False)


def _operation(name: str, kind: str) -> Callable[[Fields], tuple[AgentID, Operation]]:
    def decode(fields: Fields) -> tuple[AgentID, Operation]:
        body = fields.message(name)
        return AgentID(body.identifier("agent_id")), decode_operation_body(kind, body)

    return decode


def _update_quota(fields: Fields) -> tuple[Any, ...]:
    body = fields.message("update_quota")
    return decode_quota_configs(body, "quota_configs"), body.boolean("force", False)


OPERATIONS = {
    "RESERVE_RESOURCES": "RESERVE",
    "UNRESERVE_RESOURCES": "UNRESERVE",
    "CREATE_VOLUMES": "CREATE",
    "DESTROY_VOLUMES": "DESTROY",
    "GROW_VOLUME": "GROW_VOLUME",
    "SHRINK_VOLUME": "SHRINK_VOLUME",
}
"""By call: the type of the operation that it asks for."""

_CHANGES = {
    "TEARDOWN": Change(_framework, MasterPort.teardown_framework),
    "MARK_AGENT_GONE": Change(_agent("mark_agent_gone"), MasterPort.mark_agent_gone, unknown=404),
    "DEACTIVATE_AGENT": Change(_agent("deactivate_agent"), MasterPort.deactivate_agent),
    "REACTIVATE_AGENT": Change(_agent("reactivate_agent"), MasterPort.reactivate_agent),
    "DRAIN_AGENT": Change(_drain, MasterPort.drain_agent),
    **{
        kind: Change(_operation(kind.lower(), operation), MasterPort.apply_operation, status=202, signed=True)
        for kind, operation in OPERATIONS.items()
    },
    "UPDATE_MAINTENANCE_SCHEDULE": Change(
        lambda fields: (decode_schedule(fields.message("update_maintenance_schedule").message("schedule")),),
        MasterPort.update_schedule,
    ),
    "START_MAINTENANCE": Change(
        lambda fields: (decode_machines(fields.message("start_maintenance"), "machines"),),
        MasterPort.start_maintenance,
    ),
    "STOP_MAINTENANCE": Change(
        lambda fields: (decode_machines(fields.message("stop_maintenance"), "machines"),),
        MasterPort.stop_maintenance,
    ),
    "UPDATE_QUOTA": Change(_update_quota, MasterPort.update_quota),
    "SET_QUOTA": Change(
        lambda fields: decode_quota_request(fields.message("set_quota").message("quota_request")),
        MasterPort.set_quota,
    ),
    "REMOVE_QUOTA": Change(lambda fields: (fields.message("remove_quota").text("role"),), MasterPort.remove_quota),
    "UPDATE_WEIGHTS": Change(
        lambda fields: (decode_weights(fields.message("update_weights"), "weight_infos"),), MasterPort.update_weights
    ),
}
