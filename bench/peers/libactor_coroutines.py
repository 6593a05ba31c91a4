"""libactor's handlers that await: what they cost beside plain ones, and awaits of futures that are ready."""

# Who calls: the peer derives from Coroutines (bench/peers/libactor_runtime.py).

from __future__ import annotations

from time import perf_counter

import libactor as la
from bench.benchmarks import expect


class Server(la.Actor):
    """Answers by a plain handler, and by one that is a coroutine."""

    def __init__(self) -> None:
        super().__init__()
        self.served = 0

    def plain(self) -> int:
        """Count."""
        self.served += 1
        return self.served

    async def awaiting(self) -> int:
        """The same."""
        self.served += 1
        return self.served

    async def await_ready(self, count: int) -> float:
        """Await a future that is ready so many times; the seconds."""
        future = la.ready(1)
        start = perf_counter()
        for _ in range(count):
            self.served += await future
        return perf_counter() - start

    async def ask(self, other: la.PID[Server], count: int) -> float:
        """Ask another actor, one question after the other; the seconds."""
        total = 0
        start = perf_counter()
        for _ in range(count):
            total += await la.dispatch(other, Server.plain)
        seconds = perf_counter() - start
        expect(total, count * (count + 1) // 2, "sum of the answers")
        return seconds

    def look(self) -> int:
        """How many were served."""
        return self.served


class Coroutines:
    """The lines that begin with handler and await."""

    def handler_plain(self, count: int) -> float:
        """All dispatched, the last answer awaited."""
        with la.Runtime():
            pid = la.spawn(Server())
            start = perf_counter()
            for _ in range(count):
                answer = la.dispatch(pid, Server.plain)
            last = answer.get()
            seconds = perf_counter() - start
        expect(last, count, "answers")
        return seconds

    def handler_async(self, count: int) -> float:
        """The same, of an ``async def`` handler that awaits nothing."""
        with la.Runtime():
            pid = la.spawn(Server())
            start = perf_counter()
            for _ in range(count):
                answer = la.dispatch(pid, Server.awaiting)
            last = answer.get()
            seconds = perf_counter() - start
        expect(last, count, "answers")
        return seconds

    def await_ready(self, count: int) -> float:
        """``await`` of a ready future in a loop, in one handler."""
        with la.Runtime():
            pid = la.spawn(Server())
            seconds = la.dispatch(pid, Server.await_ready, count).get()
            expect(la.dispatch(pid, Server.look).get(), count, "awaits")
        return seconds

    def await_ask(self, count: int) -> float:
        """``await dispatch(...)`` from actor to actor."""
        with la.Runtime():
            server, asker = la.spawn(Server()), la.spawn(Server())
            return la.dispatch(asker, Server.ask, server, count).get()
