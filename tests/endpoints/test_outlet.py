"""Outlet: its end is a proper one only if nothing was lost; a loop that closes meanwhile is nobody's failure."""

import asyncio

import pytest

from mesoslite.api.outlet import Outlet


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
        assert await outlet.take() == b"ab"
        await outlet.take()

    with pytest.raises(ConnectionAbortedError, match="does not read"):
        asyncio.run(overflow())
