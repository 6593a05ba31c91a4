"""Operator reads: the calls of the operator API that only ask."""

# Who calls: master.py puts them into the table of operator_calls.py.

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import MasterPort, encode_domain
from mesoslite.model.v1 import (
    encode_maintenance_status,
    encode_quota_status,
    encode_schedule,
    encode_weights,
)

from .asking import ask
from .common_calls import common_calls, nothing
from .documents import Document
from .master_info import master_info
from .operator_calls import OperatorCall, OperatorCalls
from .seen_entitlements import ask_quotas, ask_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .exchange import Exchange


def read_calls(master: la.PID[MasterPort], runtime: la.Runtime | None, flags: Mapping[str, str]) -> OperatorCalls:
    """The calls that read from the master at that address; ``runtime`` and ``flags`` as of ``common_calls``."""

    async def about_master(exchange: Exchange, asked: None) -> Document:
        tenure = await ask(master, MasterPort.tenure)
        domain = {"domain": encode_domain(tenure.info.domain)} if tenure.info.domain is not None else {}
        info = {"id": tenure.info.id, **master_info(*exchange.server), **domain}
        return {"master_info": info, "start_time": tenure.start_time, "elected_time": tenure.elected_time}

    def of(method: Callable[..., Any], encode: Callable[[Any], Document]) -> OperatorCall:
        async def answer(exchange: Exchange, asked: None) -> Document:
            return encode(await ask(master, method))

        return OperatorCall(nothing, answer)

    async def quota(exchange: Exchange, asked: None) -> Document:
        return {"status": encode_quota_status(await ask_quotas(master, exchange))}

    async def weights(exchange: Exchange, asked: None) -> Document:
        found = await ask_weights(master, exchange)
        return {"weight_infos": encode_weights(found)} if found else {}

    return {
        **common_calls(partial(la.dispatch, master, MasterPort.ping), runtime, flags),
        "GET_MASTER": OperatorCall(nothing, about_master),
        "GET_MAINTENANCE_SCHEDULE": of(MasterPort.schedule, lambda found: {"schedule": encode_schedule(found)}),
        "GET_MAINTENANCE_STATUS": of(
            MasterPort.maintenance_status, lambda found: {"status": encode_maintenance_status(found)}
        ),
        "GET_QUOTA": OperatorCall(nothing, quota),
        "GET_WEIGHTS": OperatorCall(nothing, weights),
    }
