"""The remote lines on xoscar, the actors of Xorbits: an actor in the pool of another process, called over TCP."""

# Who calls: make_peer; the other process runs serve (bench/partner.py).
# Its tell awaits until the other side has taken the message, so one sender never has two under way.

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from time import perf_counter
from typing import Any

import xoscar

from bench.partner import Announce, Partner
from bench.peers.tally import LARGE, SMALL, Tally, expect_answers, expect_arrived, messages


class TallyActor(Tally, xoscar.Actor):
    """Counts what arrives."""


class XoscarPools:
    """Each method has a process with an actor at the other end."""

    def remote_tell(self, count: int) -> float:
        """``tell``, each awaited."""
        return _call(lambda actor: _tell(actor, SMALL, count))

    def remote_bytes(self, count: int) -> float:
        """The same with large messages."""
        return _call(lambda actor: _tell(actor, LARGE, count))

    def remote_ask(self, count: int) -> float:
        """A call, awaited."""
        return _call(lambda actor: _ask(actor, count))

    def remote_pipelined(self, count: int) -> float:
        """All calls gathered."""
        return _call(lambda actor: _pipelined(actor, count))


def serve(announce: Announce) -> None:
    """Serve one actor."""

    async def run() -> None:
        pool = await xoscar.create_actor_pool(address="127.0.0.1:0", n_process=0)
        await xoscar.create_actor(TallyActor, uid="tally", address=pool.external_address)
        announce(pool.external_address)
        await pool.join()

    asyncio.run(run())


def _call(work: Callable[[Any], Coroutine[Any, Any, float]]) -> float:
    async def run(address: str) -> float:
        return await work(await xoscar.actor_ref(address=address, uid="tally"))

    with Partner("bench.peers.xoscar_pools:serve") as partner:
        return asyncio.run(run(partner.address))


async def _tell(actor: Any, payloads: Sequence[bytes], count: int) -> float:
    start = perf_counter()
    for payload in messages(payloads, count):
        await actor.take.tell(payload)
    report = await actor.report()
    seconds = perf_counter() - start
    expect_arrived(report, payloads, count)
    return seconds


async def _ask(actor: Any, count: int) -> float:
    total = 0
    start = perf_counter()
    for _ in range(count):
        total += await actor.add(1)
    seconds = perf_counter() - start
    expect_answers(total, count)
    return seconds


async def _pipelined(actor: Any, count: int) -> float:
    start = perf_counter()
    answers = await asyncio.gather(*[actor.add(1) for _ in range(count)])
    seconds = perf_counter() - start
    expect_answers(sum(answers), count)
    return seconds
