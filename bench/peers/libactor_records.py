"""Many messages kept: as records in a collection, or as structs in a list."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import msgspec

from bench.benchmarks import expect
from bench.kept_tasks import KEPT, Kept, packed
from libactor.records import Collection

KEPT_AT_ONCE = 10_000


class Records:
    """What is kept as it arrived, checked."""

    def record_read(self, count: int) -> float:
        """Records of as many messages, ten thousand of which are kept at a time."""
        return _made(KEPT.read, count)

    def struct_decode(self, count: int) -> float:
        """The same as structs."""
        return _made(msgspec.msgpack.Decoder(Kept).decode, count)

    def record_snapshot(self, count: int) -> float:
        """A snapshot of a collection of as many records, while another one is held."""
        tasks = Collection(KEPT, "id")
        for data in packed(count):
            tasks.put(KEPT.read(data))
        before = tasks.snapshot()
        start = perf_counter()
        snapshot = tasks.snapshot()
        seconds = perf_counter() - start
        expect(len(snapshot), len(before), "records in the snapshot")
        return seconds


def _made(make: Callable[[bytes], object], count: int) -> float:
    messages = packed(min(count, KEPT_AT_ONCE))
    seconds = 0.0
    for _ in range(max(1, count // len(messages))):
        start = perf_counter()
        made = list(map(make, messages))
        seconds += perf_counter() - start
    expect(len(made), len(messages), "messages that were kept")
    return seconds
