"""Outlet and its stream: a proper end only if nothing was lost; a loop that closes meanwhile is nobody's failure."""

import asyncio
from types import SimpleNamespace

import pytest

from libactor.http.presence import Presence
from mesoslite.api.outlet import Outlet
from mesoslite.api.streaming import stream


class ClosingLoop:
    """A loop that is closed by the time it is called, though it was not when it was asked."""

    def __init__(self, closed_afterwards):
        self._asked = False
        self._closed_afterwards = closed_afterwards

    def is_closed(self):
        return self._asked and self._closed_afterwards

    def call_soon_threadsafe(self, action):
        self._asked = True
        raise RuntimeError("Event loop is closed")


def outlet_on(loop):
    async def make():
        return Outlet(100)

    outlet = asyncio.run(make())
    outlet._loop = loop
    return outlet


def test_a_loop_that_closes_meanwhile_is_no_error():
    outlet = outlet_on(ClosingLoop(closed_afterwards=True))

    assert outlet.put(b"x")
    outlet.end()


def test_another_error_of_the_loop_is_not_dropped():
    outlet = outlet_on(ClosingLoop(closed_afterwards=False))

    with pytest.raises(RuntimeError, match="closed"):
        outlet.put(b"x")


# Goal: an overflow shows, however quickly the actor ends after it. Method: all of it before the stream takes anything.
def test_after_an_overflow_there_is_no_proper_end():
    async def overflow():
        outlet = Outlet(3)
        assert [outlet.put(b"ab"), outlet.put(b"cd")] == [True, False]
        outlet.end()
        assert await outlet.take() == [b"ab"]
        await outlet.take()

    with pytest.raises(ConnectionAbortedError, match="does not read"):
        asyncio.run(overflow())


def test_the_loop_is_told_once_of_what_it_has_not_come_to_yet():
    async def fill():
        outlet = Outlet(100)
        told = []
        outlet._loop = SimpleNamespace(call_soon_threadsafe=lambda action: told.append(action) or action())
        for record in (b"a", b"b", b"c"):
            outlet.put(record)
        first = len(told), await outlet.take()
        outlet.put(b"d")
        return first, len(told), await outlet.take()

    assert asyncio.run(fill()) == ((1, [b"a", b"b", b"c"]), 2, [b"d"])


class Client:
    """An exchange whose client reads only if ``reads``, and leaves when ``gone`` is set."""

    def __init__(self, reads):
        self.reads = reads
        self.sent = []
        self.gone = asyncio.Event()

    def presence(self):
        return Presence({}, self.receive)

    async def receive(self):
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def start(self, status, headers):
        self.sent.append((status, headers))

    async def send(self, body, more=True):
        self.sent.append(body)
        if not self.reads:
            await asyncio.Event().wait()


# Goal: each record is a chunk of its own, for there are clients that take a chunk for a record.
def test_the_head_goes_out_with_the_first_events_and_the_end_after_the_last():
    async def run():
        client, outlet = Client(reads=True), Outlet(100)
        streaming = asyncio.ensure_future(stream(client, outlet, {"a": "b"}))
        await asyncio.sleep(0)
        before = list(client.sent)
        outlet.put(b"x")
        outlet.put(b"y")
        outlet.end()
        await streaming
        return before, client.sent

    assert asyncio.run(run()) == ([], [(200, {"a": "b"}), b"x", b"y", b""])


def test_a_client_that_does_not_read_is_cut_and_one_that_goes_is_no_error():
    async def overflow():
        outlet = Outlet(3)
        streaming = asyncio.ensure_future(stream(Client(reads=False), outlet, {}))
        outlet.put(b"ab")
        for _ in range(5):
            await asyncio.sleep(0)
        outlet.put(b"ab")
        outlet.put(b"cd")
        await streaming

    async def go():
        client = Client(reads=True)
        streaming = asyncio.ensure_future(stream(client, Outlet(3), {}))
        await asyncio.sleep(0)
        client.gone.set()
        await streaming
        return client.sent

    with pytest.raises(ConnectionAbortedError, match="does not read"):
        asyncio.run(overflow())
    assert asyncio.run(go()) == []
