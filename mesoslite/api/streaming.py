"""Streaming: a response that lasts as long as there are events, or as its client."""

# Who calls: scheduler.py and executor.py, for a subscription each.

from __future__ import annotations

import asyncio

from .exchange import Exchange
from .outlet import Outlet


async def stream(exchange: Exchange, outlet: Outlet) -> None:
    """Send what comes out of ``outlet`` until it ends or the client goes.

    Raises: ConnectionAbortedError, if the client reads so slowly that the outlet overflows.
    """

    async def write() -> None:
        while (records := await outlet.take()) is not None:
            await exchange.send(records)
        await exchange.send(b"", more=False)

    writer = asyncio.ensure_future(write())
    overflow = asyncio.ensure_future(outlet.overflowed.wait())
    tasks = {writer, overflow, asyncio.ensure_future(exchange.gone())}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    if not writer.cancelled():
        writer.result()
    elif outlet.overflowed.is_set():
        raise ConnectionAbortedError("the client does not read its events")
