"""Operations without a version: what operators make of an agent's resources, asked for by forms."""

# Who calls: operator_v0.py serves these routes among its own. The operation is that of the call of the v1 API; the
#   resources stand in a field of the form, as JSON.
# Source: Mesos src/master/http.cpp (reserve, unreserve, createVolumes, destroyVolumes).

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mesoslite.model import AgentID, InvalidRequest, MasterPort
from mesoslite.model.fields import Fields
from mesoslite.model.large import LargeArray
from mesoslite.model.v1 import decode_operation_body

from .asking import act
from .exchange import Refusal, Response, form, parsed_field
from .hosts import same_origin
from .routes import methods

if TYPE_CHECKING:
    from collections.abc import Mapping

    import libactor as la
    from mesoslite.model import Operation

    from .exchange import Exchange
    from .routes import Endpoint, Routes


def operation_routes(master: la.PID[MasterPort]) -> Routes:
    """The endpoints, for the master at that address; that it leads is for the caller to see to."""

    def operate(kind: str, name: str) -> Endpoint:
        """Have an operation of that type done to the resources which the form has under ``name``."""

        def read(fields: Mapping[str, str]) -> tuple[AgentID, Operation]:
            missing = [each for each in ("slaveId", name) if not fields.get(each)]
            if missing:
                raise Refusal(400, f"Missing {missing[0]!r} parameter in the request body, which is a form")
            given = {each: _array(fields, each) for each in (name, "source") if each in fields}
            try:
                return AgentID(fields["slaveId"]), decode_operation_body(kind, Fields(given))
            except InvalidRequest as error:
                raise Refusal(400, str(error)) from error

        async def answer(exchange: Exchange) -> Response:
            agent_id, operation = await form(exchange, read)
            await act(exchange, master, MasterPort.apply_operation, agent_id, operation, exchange.principal)
            return Response(202)

        return methods(POST=same_origin(answer))

    return {
        "/reserve": operate("RESERVE", "resources"),
        "/unreserve": operate("UNRESERVE", "resources"),
        "/create-volumes": operate("CREATE", "volumes"),
        "/destroy-volumes": operate("DESTROY", "volumes"),
    }


def _array(fields: Mapping[str, str], name: str) -> Any:
    """The array that a field of a form is. Raises: Refusal, if it is none."""
    array = parsed_field(fields, name)
    if not isinstance(array, list | LargeArray):
        raise Refusal(400, f"{name}: expected an array")
    return array
