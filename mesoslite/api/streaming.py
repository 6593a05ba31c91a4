"""Streaming: a response that lasts as long as there are events, or as its client."""

# Who calls: scheduler.py, executor.py and event_stream.py, for a subscription each.
# The head goes out with the first events: of ten thousand subscriptions at once each costs one system call less.
# Each record is a chunk of HTTP's own, as with Mesos: there are clients that take a chunk for a record (Node's
#   mesos-framework). The transport joins what is written in one step of the loop.
# Nothing runs beside the task of the request: that its client has gone, or does not read, cancels it.

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

from libactor.http.breathing import breathe

from .exchange import Exchange
from .outlet import Outlet

_RECORDS_A_STEP = 64  # sent before the loop may see to others


async def stream(
    exchange: Exchange, outlet: Outlet, headers: Mapping[str, str], before: AsyncIterator[bytes] | None = None
) -> None:
    """Answer 200 with ``before``, if given, and with what comes out of ``outlet`` until it ends or the client goes.

    Raises: ConnectionAbortedError, if the client reads so slowly that the outlet overflows.
    """
    task = asyncio.current_task()
    assert task is not None
    with exchange.presence() as presence:
        presence.watch()
        outlet.when_overflowed = task.cancel
        try:
            if before is None:
                records = await outlet.take()
                await exchange.start(200, headers)
            else:
                await exchange.start(200, headers)
                async for piece in before:
                    await exchange.send(piece)
                records = await outlet.take()
            while records is not None:
                await _send_each(exchange, records)
                records = await outlet.take()
            outlet.when_overflowed = None
            await exchange.send(b"", more=False)
        except asyncio.CancelledError:
            if not outlet.overflowed:
                raise
            task.uncancel()
            raise ConnectionAbortedError("the client does not read its events") from None
        finally:
            outlet.when_overflowed = None


async def _send_each(exchange: Exchange, records: list[bytes]) -> None:
    for at, record in enumerate(records, 1):
        await exchange.send(record)
        if not at % _RECORDS_A_STEP:
            await breathe()
