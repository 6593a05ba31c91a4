"""libactor's futures: what completing one costs, with a callback, a dependent future, or an actor behind it."""

from __future__ import annotations

from itertools import islice
from time import perf_counter

import libactor as la
from bench.benchmarks import expect
from bench.peers.libactor_actors import Counter

SLICE = 1_000  # futures that are set before their callbacks run


class Chainer(Counter):
    """Sets futures and has each call itself back, a slice of them in a turn."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.numbers = iter(range(count))
        self.done: la.Promise[None] = la.Promise()

    def chain(self) -> None:
        """The next slice; after it those of this one are served."""
        slice_of = list(islice(self.numbers, SLICE))
        for number in slice_of:
            promise: la.Promise[int] = la.Promise()
            promise.future.then(la.defer(self.pid, Chainer.add))
            promise.set(number)
        if slice_of:
            la.tell(self.pid, Chainer.chain)
        else:
            self.done.set(None)


class Futures:
    """Promises set by the thread that measures, but for then_defer."""

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
        """``then(defer(self.pid, method))`` on a promise's future, inside an actor."""
        actor = Chainer(count)
        with la.Runtime():
            pid = la.spawn(actor)
            start = perf_counter()
            la.tell(pid, Chainer.chain)
            actor.done.future.get()
            seconds = perf_counter() - start
        expect(actor.sum, count * (count - 1) // 2, "sum of what the futures brought")
        return seconds


def _increase(number: int) -> int:
    return number + 1
