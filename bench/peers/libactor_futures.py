"""libactor's futures: what completing one costs, with a callback, a dependent future, or an actor behind it."""

from __future__ import annotations

from time import perf_counter

import libactor as la
from bench.benchmarks import expect
from bench.peers.libactor_actors import Counter


class Futures:
    """Promises set by the thread that measures."""

    def callback(self, count: int) -> float:
        """``on_ready`` on a promise's future."""
        total = 0

        def add(number: int) -> None:
            nonlocal total
            total += number

        start = perf_counter()
        for number in range(count):
            promise: la.Promise[int] = la.Promise()
            promise.future.on_ready(add)
            promise.set(number)
        seconds = perf_counter() - start
        expect(total, count * (count - 1) // 2, "sum of what the callbacks got")
        return seconds

    def then(self, count: int) -> float:
        """``then`` on a promise's future, the last result read by ``get``."""
        total = 0
        start = perf_counter()
        for number in range(count):
            promise: la.Promise[int] = la.Promise()
            result = promise.future.then(_increase)
            promise.set(number)
            total += result.get()
        seconds = perf_counter() - start
        expect(total, count * (count + 1) // 2, "sum of the results")
        return seconds

    def then_defer(self, count: int) -> float:
        """``then(defer(pid, method))`` on a promise's future; the last answers tell that all are there."""
        with la.Runtime():
            pid = la.spawn(Counter())
            start = perf_counter()
            results = []
            for number in range(count):
                promise: la.Promise[int] = la.Promise()
                results.append(promise.future.then(la.defer(pid, Counter.add)))
                promise.set(number)
            sums = la.collect(results).get()
            seconds = perf_counter() - start
        expect((len(sums), sums[-1]), (count, count * (count - 1) // 2), "answers, and the last sum")
        return seconds


def _increase(number: int) -> int:
    return number + 1
