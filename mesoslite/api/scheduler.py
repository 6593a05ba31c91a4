"""Scheduler endpoint: the calls of frameworks, and the stream of events that one of them opens."""

# Who calls: master.py routes POST /api/v1/scheduler here.
# The checks come in Mesos's order, which clients rely on to tell a mistake of theirs from a lost subscription.
# Calls are posted to the master in the name of the subscription's actor; 202 says no more than that they were.
# A RECONCILE is posted once all that its framework has asked for before is done: a small call, and a thousand events.
#   Else whoever sends them faster than they are answered fills the master with calls, and keeps this loop from others.
# Source: Mesos src/master/http.cpp (Master::Http::scheduler).

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

import libactor as la
from mesoslite.model import (
    Call,
    Error,
    FrameworkID,
    InvalidRequest,
    MasterPort,
    NotAuthorized,
    Reconcile,
    Subscribe,
    Teardown,
    UpdateFramework,
)
from mesoslite.model.v1 import decode_call, encode_event, frame, role_problem

from .exchange import JSON, Exchange, Refusal, Response, json_document
from .master_info import master_info
from .outlet import Outlet
from .streaming import stream
from .subscriptions import Subscription, Subscriptions

STREAM_ID = "mesos-stream-id"
_NOT_IMPLEMENTED = frozenset({"UNKNOWN"})


class SchedulerEndpoint:
    """The endpoint of one master; ``buffer_bytes_max`` is how far each subscriber may lag behind.

    ``runtime`` is the one that the master lives in; without it the master is asked to spawn what belongs there.
    """

    def __init__(self, master: la.PID[MasterPort], buffer_bytes_max: int, runtime: la.Runtime | None = None) -> None:
        self._master = master
        self._runtime = runtime
        self._buffer_bytes_max = buffer_bytes_max
        self._table = Subscriptions()

    async def __call__(self, exchange: Exchange) -> Response | None:
        """Take a call."""
        call, problem = await json_document(exchange, partial(_parse, principal=exchange.principal))
        if isinstance(call, Subscribe):
            await self._subscribe(exchange, call, problem)
            return None
        subscription = await self._subscription(exchange, call)
        if isinstance(call, UpdateFramework):
            return await self._update(call, subscription, problem)
        if isinstance(call, Reconcile):
            await la.dispatch(self._master, MasterPort.wait_served, subscription)
        la.post(self._master, call, sender=subscription)
        if isinstance(call, Teardown):
            la.terminate(subscription)
        return Response(202)

    async def _update(self, call: UpdateFramework, subscription: la.PID[Subscription], problem: str | None) -> Response:
        if problem is not None:
            raise Refusal(400, problem)
        try:
            await la.dispatch(self._master, MasterPort.update_framework, call, subscription)
        except NotAuthorized as error:
            raise Refusal(403, str(error)) from error
        except InvalidRequest as error:
            raise Refusal(400, str(error)) from error
        la.tell(subscription, Subscription.follow, call.framework)
        return Response(200)

    async def _subscription(self, exchange: Exchange, call: Call) -> la.PID[Subscription]:
        """The subscription that a call belongs to. Raises: Refusal, if there is none or the call names another."""
        assert not isinstance(call, Subscribe)
        entry = self._table.find(call.framework_id)
        owner = entry[2] if entry is not None else await self._owner(call.framework_id)
        if owner is None:
            raise Refusal(400, "Framework cannot be found")
        if exchange.principal is not None and exchange.principal != owner:
            raise Refusal(400, _mismatch(exchange.principal, owner))
        if entry is None:
            raise Refusal(403, "Framework is not subscribed")
        given = exchange.headers.get(STREAM_ID)
        if given is None:
            raise Refusal(400, "All non-subscribe calls should include the 'Mesos-Stream-Id' header")
        if given != entry[1]:
            raise Refusal(
                400,
                f"The stream ID '{given[:80]}' included in this request didn't match the stream ID currently "
                f"associated with framework ID {call.framework_id}",
            )
        return entry[0]

    async def _owner(self, framework_id: FrameworkID) -> str | None:
        return await la.dispatch(self._master, MasterPort.framework_principal, framework_id)

    async def _subscribe(self, exchange: Exchange, call: Subscribe, problem: str | None) -> None:
        if not exchange.accepts(JSON):
            raise Refusal(406, f"Expecting 'Accept' to allow {JSON}")
        if STREAM_ID in exchange.headers:
            raise Refusal(400, "Subscribe calls should not include the 'Mesos-Stream-Id' header")
        outlet, stream_id = Outlet(self._buffer_bytes_max), str(la.random_uuid())
        headers = {"content-type": JSON, STREAM_ID: stream_id}
        if problem is not None:
            await exchange.start(200, headers)
            await exchange.send(frame(msgspec.json.encode(encode_event(Error(problem)))), more=False)
            return
        subscription = Subscription(
            call,
            master=self._master,
            outlet=outlet,
            table=self._table,
            stream_id=stream_id,
            master_info=master_info(*exchange.server),
        )
        if self._runtime is not None:
            pid = self._runtime.spawn(subscription)
        else:
            pid = await la.execute(self._master, partial(la.spawn, subscription))
        try:
            await stream(exchange, outlet, headers)
        finally:
            la.terminate(pid)


def _parse(document: Any, principal: str | None) -> tuple[Call, str | None]:
    """The call, of who was authenticated as ``principal``, and what is wrong with the roles it names."""
    if isinstance(document, dict) and document.get("type") in _NOT_IMPLEMENTED:
        raise Refusal(501, f"{document['type']} calls are not implemented by mesoslite")
    try:
        return _signed(decode_call(document), principal), role_problem(document)
    except InvalidRequest as error:
        raise Refusal(400, f"Failed to validate scheduler::Call: {error}") from error


def _signed(call: Call, principal: str | None) -> Call:
    """The call with who sends it as its framework's principal. Raises: InvalidRequest, if another is said to be."""
    if principal is None or not isinstance(call, Subscribe | UpdateFramework):
        return call
    if call.framework.principal not in ("", principal):
        raise InvalidRequest(_mismatch(principal, call.framework.principal))
    return replace(call, framework=replace(call.framework, principal=principal))


def _mismatch(principal: str, said: str) -> str:
    return f"Authenticated principal '{principal}' does not match principal '{said[:80]}' set in `FrameworkInfo`"
