"""The remote lines on asyncio's streams, on its own loop and on uvloop: calls as one writes them without a library."""

# Who calls: the peer derives from Streams (bench/peers/asyncio_tasks.py); the other process runs serve or serve_uvloop.
# A frame is four bytes of length and msgpack: (number, method, argument); of an answer (number, value). What has the
#   number 0 is not answered.

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from time import perf_counter
from typing import Any

import msgspec

from bench.partner import Announce, Partner, host_and_port
from bench.peers.tally import LARGE, SMALL, Tally, expect_answers, expect_arrived, messages

LIMIT_BYTES = 1 << 22  # of a stream's buffer; by default 64 KiB, too little for what is large
BATCH = 100  # messages between two looks at whether the buffer is full

Loop = Callable[[], asyncio.AbstractEventLoop]


class Streams:
    """Each method has a process of its own at the other end, with a loop of the same kind."""

    loop_factory: Loop

    def remote_tell(self, count: int) -> float:
        """``write``, and ``drain`` now and then."""
        return self._call(lambda link: _tell(link, SMALL, count))

    def remote_bytes(self, count: int) -> float:
        """The same with large messages."""
        return self._call(lambda link: _tell(link, LARGE, count))

    def remote_ask(self, count: int) -> float:
        """Each question written and its answer read."""
        return self._call(lambda link: _ask(link, count))

    def remote_pipelined(self, count: int) -> float:
        """All written, while a task reads the answers and sets the future of each."""
        return self._call(lambda link: _pipelined(link, count))

    def _call(self, work: Callable[[Link], Coroutine[Any, Any, float]]) -> float:
        role = "serve" if self.loop_factory is asyncio.new_event_loop else "serve_uvloop"

        async def run(address: str) -> float:
            link = Link(*await asyncio.open_connection(*host_and_port(address), limit=LIMIT_BYTES))
            try:
                return await work(link)
            finally:
                link.writer.close()

        with (
            Partner(f"bench.peers.asyncio_streams:{role}") as partner,
            asyncio.Runner(loop_factory=self.loop_factory) as runner,
        ):
            return runner.run(run(partner.address))


class Link:
    """A connection that frames go over."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, *values: Any) -> None:
        """Write one frame."""
        packed = msgspec.msgpack.encode(values)
        self.writer.write(len(packed).to_bytes(4, "big") + packed)

    async def receive(self) -> Any:
        """Read one frame."""
        head = await self.reader.readexactly(4)
        return msgspec.msgpack.decode(await self.reader.readexactly(int.from_bytes(head, "big")))

    async def ask(self, method: str, argument: Any) -> Any:
        """Send a question and read its answer."""
        self.send(1, method, argument)
        _, value = await self.receive()
        return value


def serve(announce: Announce) -> None:
    """Serve on asyncio's own loop."""
    _serve(announce, asyncio.new_event_loop)


def serve_uvloop(announce: Announce) -> None:
    """Serve on uvloop."""
    import uvloop

    _serve(announce, uvloop.new_event_loop)


async def _tell(link: Link, payloads: Sequence[bytes], count: int) -> float:
    start = perf_counter()
    for number, payload in enumerate(messages(payloads, count)):
        link.send(0, "take", payload)
        if number % BATCH == 0:
            await link.writer.drain()
    report = await link.ask("report", None)
    seconds = perf_counter() - start
    expect_arrived(report, payloads, count)
    return seconds


async def _ask(link: Link, count: int) -> float:
    total = 0
    start = perf_counter()
    for _ in range(count):
        total += await link.ask("add", 1)
    seconds = perf_counter() - start
    expect_answers(total, count)
    return seconds


async def _pipelined(link: Link, count: int) -> float:
    loop = asyncio.get_running_loop()
    waiting: dict[int, asyncio.Future[int]] = {}

    async def read() -> None:
        for _ in range(count):
            number, value = await link.receive()
            waiting.pop(number).set_result(value)

    start = perf_counter()
    reading = asyncio.create_task(read())
    futures = []
    for number in range(1, count + 1):
        future = waiting[number] = loop.create_future()
        futures.append(future)
        link.send(number, "add", 1)
        if number % BATCH == 0:
            await link.writer.drain()
    answers = [await future for future in futures]
    seconds = perf_counter() - start
    await reading
    expect_answers(sum(answers), count)
    return seconds


def _serve(announce: Announce, loop_factory: Loop) -> None:
    async def run() -> None:
        server = await asyncio.start_server(_answer, "127.0.0.1", 0, limit=LIMIT_BYTES)
        announce(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await server.serve_forever()

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(run())


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection: a method of its object for each frame."""
    link, tally = Link(reader, writer), Tally()
    while True:
        try:
            number, method, argument = await link.receive()
        except (asyncio.IncompleteReadError, ConnectionError):
            return writer.close()
        value = getattr(tally, method)(argument)
        if number:
            link.send(number, value)
            await writer.drain()
