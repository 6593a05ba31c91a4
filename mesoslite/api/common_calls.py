"""Common calls: those of the operator API that masters and agents answer alike."""

# Who calls: operator_reads.py and agent_operator.py put them into their tables.

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from mesoslite.model.v1 import decode_duration

from .documents import Document, version_document
from .exchange import JSON
from .logging_level import LEVEL_MAX, VERBOSITY
from .operator_calls import LargeCall, OperatorCall, OperatorCalls

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    import libactor as la
    from mesoslite.model.fields import Fields

    from .exchange import Exchange, Response


def common_calls(
    ping: Callable[[], la.Future[None]], runtime: la.Runtime | None, flags: Mapping[str, str]
) -> OperatorCalls:
    """The calls of the actor that ``ping`` asks whether it is alive.

    The metrics are those of ``runtime``, or none, and its clock is that of logging levels, which are not set without.
    ``flags`` are the options that its program was started with.
    """

    async def health(exchange: Exchange, asked: None) -> Document:
        await ping()
        return {"healthy": True}

    async def version(exchange: Exchange, asked: None) -> Document:
        return {"version_info": version_document()}

    async def told_flags(exchange: Exchange, asked: None) -> Document:
        return {"flags": [{"name": name, "value": value} for name, value in flags.items()]} if flags else {}

    return {
        "GET_FLAGS": OperatorCall(nothing, told_flags),
        "GET_HEALTH": OperatorCall(nothing, health),
        "GET_VERSION": OperatorCall(nothing, version),
        "GET_METRICS": LargeCall(_metrics_timeout, _metrics(runtime)),
        **(_logging_calls(runtime) if runtime is not None else {}),
    }


def nothing(fields: Fields) -> None:
    """What a call without a message of its own says."""


def _logging_calls(runtime: la.Runtime) -> OperatorCalls:
    async def level(exchange: Exchange, asked: None) -> Document:
        return {"level": VERBOSITY.level}

    async def set_level(exchange: Exchange, asked: tuple[int, float]) -> None:
        VERBOSITY.set(*asked, runtime.clock)

    return {"GET_LOGGING_LEVEL": OperatorCall(nothing, level), "SET_LOGGING_LEVEL": OperatorCall(_level, set_level)}


def _level(fields: Fields) -> tuple[int, float]:
    """A level, and for how many seconds."""
    body = fields.message("set_logging_level")
    level, seconds = body.whole("level"), decode_duration(body, "duration")
    if not 0 <= level <= LEVEL_MAX:
        raise body.invalid("level", f"got {level}, expected a whole number from 0 on")
    if seconds is None or seconds < 0:
        raise body.invalid("duration", "expected nanoseconds, zero or more")
    return level, seconds


def _metrics(runtime: la.Runtime | None) -> Callable[[Exchange, float | None], Awaitable[Response | None]]:
    async def answer(exchange: Exchange, timeout: float | None) -> Response | None:
        if runtime is None:
            return exchange.json({"type": "GET_METRICS", "get_metrics": {}})
        pieces = iter(await runtime.metrics.snapshot_pieces(timeout, as_list=True))
        begin = next(pieces), next(pieces, b"")
        if exchange.accepts_gzip or not begin[1]:
            metrics = msgspec.Raw(b"".join((*begin, *pieces)))
            document = {"type": "GET_METRICS", "get_metrics": {"metrics": metrics}}
            return await asyncio.to_thread(exchange.json, document)
        await exchange.start(200, {"content-type": JSON})
        for piece in (b'{"type":"GET_METRICS","get_metrics":{"metrics":', *begin):
            await exchange.send(piece)
        for piece in pieces:  # each is made here
            await exchange.send(piece)
        await exchange.send(b"}}", more=False)
        return None

    return answer


def _metrics_timeout(fields: Fields) -> float | None:
    body = fields.message_or_empty("get_metrics")
    seconds = decode_duration(body, "timeout")
    if seconds is not None and seconds < 0:
        raise body.invalid("timeout", f"got {seconds} s, expected zero or more")
    return seconds
