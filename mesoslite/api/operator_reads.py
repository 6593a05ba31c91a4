"""Operator reads: the calls of the operator API that only ask."""

# Who calls: master.py puts them into the table of operator_calls.py.

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import MasterPort
from mesoslite.model.v1 import (
    decode_duration,
    encode_maintenance_status,
    encode_quota_status,
    encode_schedule,
    encode_weights,
)

from .asking import ask
from .documents import Document, version_document
from .master_info import master_info
from .operator_calls import OperatorCall, OperatorCalls

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mesoslite.model.fields import Fields

    from .exchange import Exchange


def read_calls(master: la.PID[MasterPort], runtime: la.Runtime | None) -> OperatorCalls:
    """The calls that read from the master at that address; the metrics are those of ``runtime``, without it none."""

    async def health(exchange: Exchange, asked: None) -> Document:
        await la.dispatch(master, MasterPort.ping)
        return {"healthy": True}

    async def version(exchange: Exchange, asked: None) -> Document:
        return {"version_info": version_document()}

    async def about_master(exchange: Exchange, asked: None) -> Document:
        tenure = await ask(master, MasterPort.tenure)
        info = {"id": tenure.info.id, **master_info(*exchange.server)}
        return {"master_info": info, "start_time": tenure.start_time, "elected_time": tenure.elected_time}

    def of(method: Callable[..., Any], encode: Callable[[Any], Document]) -> OperatorCall:
        async def answer(exchange: Exchange, asked: None) -> Document:
            return encode(await ask(master, method))

        return OperatorCall(_nothing, answer)

    return {
        "GET_HEALTH": OperatorCall(_nothing, health),
        "GET_VERSION": OperatorCall(_nothing, version),
        "GET_MASTER": OperatorCall(_nothing, about_master),
        "GET_MAINTENANCE_SCHEDULE": of(MasterPort.schedule, lambda found: {"schedule": encode_schedule(found)}),
        "GET_MAINTENANCE_STATUS": of(
            MasterPort.maintenance_status, lambda found: {"status": encode_maintenance_status(found)}
        ),
        "GET_QUOTA": of(MasterPort.quotas, lambda found: {"status": encode_quota_status(found)}),
        "GET_WEIGHTS": of(MasterPort.weights, lambda found: {"weight_infos": encode_weights(found)} if found else {}),
        "GET_METRICS": OperatorCall(_metrics_timeout, _metrics(runtime)),
    }


def _metrics(runtime: la.Runtime | None) -> Callable[[Exchange, float | None], Awaitable[Document]]:
    async def answer(exchange: Exchange, timeout: float | None) -> Document:
        numbers = await runtime.metrics.snapshot(timeout) if runtime is not None else {}
        return await asyncio.to_thread(_listed, numbers)

    return answer


def _listed(numbers: dict[str, float]) -> Document:
    """Metrics; of very many of them that takes a while."""
    return {"metrics": [{"name": name, "value": float(number)} for name, number in numbers.items()]} if numbers else {}


def _metrics_timeout(fields: Fields) -> float | None:
    body = fields.message_or_empty("get_metrics")
    seconds = decode_duration(body, "timeout")
    if seconds is not None and seconds < 0:
        raise body.invalid("timeout", f"got {seconds} s, expected zero or more")
    return seconds


def _nothing(fields: Fields) -> None:
    """What a call without a message of its own says."""
