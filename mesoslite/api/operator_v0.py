"""Operator endpoints without a version: quotas, weights, maintenance, reservations, as before the v1 API."""

# Who calls: master.py serves these routes. Each asks the master what a call of operator_reads.py or operator_changes.py
#   does, in another form: the path and the method say what is wanted, bodies are forms, or JSON of any content type.
# A browser sends such bodies for a page of any origin without asking us before, hence `same_origin`.
# Source: Mesos src/master/http.cpp, quota_handler.cpp, weights_handler.cpp.

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mesoslite.model import FrameworkID, InvalidRequest, MasterPort
from mesoslite.model.fields import Fields
from mesoslite.model.large import LargeArray
from mesoslite.model.v1 import (
    decode_machines,
    decode_quota_request,
    decode_schedule,
    decode_weights,
    encode_maintenance_status,
    encode_quota_status,
    encode_registry,
    encode_schedule,
    encode_weights,
)

from .asking import act, ask
from .documents import address
from .exchange import Refusal, Response, form, json_body
from .hosts import same_origin
from .operations_v0 import operation_routes
from .routes import methods
from .seen_entitlements import ask_quotas, ask_weights
from .sight import sight_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import libactor as la

    from .exchange import Exchange
    from .routes import Endpoint, Routes


def operator_routes(master: la.PID[MasterPort]) -> Routes:
    """The endpoints, for the master at that address; that it leads is for the caller to see to."""

    def read(method: Callable[..., Any], encode: Callable[[Any], Any]) -> Endpoint:
        async def answer(exchange: Exchange) -> Response:
            return exchange.json(encode(await ask(master, method)))

        return answer

    async def quotas(exchange: Exchange) -> Response:
        return exchange.json(encode_quota_status(await ask_quotas(master, exchange)))

    async def weights(exchange: Exchange) -> Response:
        return exchange.json(encode_weights(await ask_weights(master, exchange)))

    def change(method: Callable[..., Any], decode: Callable[[Any], tuple[Any, ...]]) -> Endpoint:
        """Have ``method`` called with what ``decode`` makes of the JSON of the body."""

        def read(document: Any) -> tuple[Any, ...]:
            try:
                return decode(document)
            except InvalidRequest as error:
                raise Refusal(400, str(error)) from error

        async def answer(exchange: Exchange) -> Response:
            await act(exchange, master, method, *await json_body(exchange, read))
            return Response()

        return same_origin(answer)

    async def teardown(exchange: Exchange) -> Response:
        framework_id = (await form(exchange)).get("frameworkId")
        if not framework_id:
            raise Refusal(400, "Missing 'frameworkId' parameter in the request body; send frameworkId=<id> as a form")
        await act(exchange, master, MasterPort.teardown_framework, FrameworkID(framework_id))
        return Response()

    async def registry(exchange: Exchange) -> Response:
        if not sight_of(exchange, "frameworks", "tasks", "executors", "roles", "quotas").is_whole:
            raise Refusal(403, "The registry is a whole, and some of what it may tell of is hidden from who asks")
        state = await ask(master, MasterPort.registry)
        info = state.master
        if info is not None:  # clients do not find it by the name of its runtime
            state = replace(state, master=replace(info, pid=address(info.pid, info.hostname, info.port)))
        return await asyncio.to_thread(lambda: exchange.json(encode_registry(state)))

    async def remove_quota(exchange: Exchange) -> Response:
        role = exchange.path.strip("/").partition("quota/")[2]
        if not role:
            raise Refusal(400, "Expecting the role in the path, as in /quota/web")
        await act(exchange, master, MasterPort.remove_quota, role)
        return Response()

    quota = change(MasterPort.set_quota, lambda document: decode_quota_request(Fields(document)))
    schedule = change(MasterPort.update_schedule, lambda document: (decode_schedule(Fields(document)),))
    return {
        "/teardown": methods(POST=same_origin(teardown)),
        **operation_routes(master),
        "/quota": methods(GET=quotas, POST=quota, DELETE=same_origin(remove_quota)),
        "/registrar(1)/registry": methods(GET=registry),
        "/weights": methods(GET=weights, PUT=change(MasterPort.update_weights, _weights)),
        "/maintenance/schedule": methods(GET=read(MasterPort.schedule, encode_schedule), POST=schedule),
        "/maintenance/status": methods(GET=read(MasterPort.maintenance_status, encode_maintenance_status)),
        "/machine/down": methods(POST=change(MasterPort.start_maintenance, _machines)),
        "/machine/up": methods(POST=change(MasterPort.stop_maintenance, _machines)),
    }


def _weights(document: Any) -> tuple[Any]:
    return (decode_weights(_array(document, "weights"), "weights"),)


def _machines(document: Any) -> tuple[Any]:
    return (decode_machines(_array(document, "machines"), "machines"),)


def _array(document: Any, name: str) -> Fields:
    """A document that is a list, as the field of that name. Raises: InvalidRequest, if it is none."""
    if not isinstance(document, list | LargeArray):
        raise InvalidRequest(f"{name}: expected an array as the whole body")
    return Fields({name: document})
