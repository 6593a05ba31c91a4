"""What it costs to keep messages: as records, as structs, as dicts; and what a collection of records costs."""

# ``python -m bench.records`` prints the tables of docs/records.md. Each way of keeping has a process of its own, new
#   each time: memory that another one has given back would be taken again, and seem to cost nothing. Times are the
#   processor's; memory is what the process grew by; a pass of the collector is one over all generations, with
#   everything kept. What was made is counted, untimed.

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from gc import collect
from pathlib import Path
from statistics import median
from time import process_time
from typing import NamedTuple, TypeVar

import msgspec

from bench.benchmarks import expect
from bench.kept_tasks import KEPT, Kept, packed
from libactor.records import Collection

T = TypeVar("T")

COUNT = 100_000
COLLECTED = 4  # times as many are in the collection
ROUNDS = 5
SLICE = 4096  # records that are freed at once, when a collection or a snapshot is let go of
PAGE_BYTES = 4096


class Way(NamedTuple):
    """How a message is kept."""

    make: Callable[[bytes], object]
    is_collected: bool = True  # whether the collector runs meanwhile


WAYS = {
    "nothing kept": Way(bool),
    "record": Way(KEPT.read),
    "bytes, unchecked": Way(lambda data: bytes(memoryview(data))),
    "struct": Way(msgspec.msgpack.Decoder(Kept).decode),
    "struct, collector off": Way(msgspec.msgpack.Decoder(Kept).decode, is_collected=False),
    "dicts and lists": Way(msgspec.msgpack.decode),
}


def keep(name: str, count: int) -> list[float]:
    """Keep messages in one of the ways: ns to make one, bytes of one, ms of a pass of the collector, ns to free one."""
    way, messages, kept = WAYS[name], packed(count), []
    collect()
    before = _memory_bytes()
    if not way.is_collected:
        gc.disable()
    try:
        made = _seconds(lambda: kept.extend(map(way.make, messages)))
        grown = _memory_bytes() - before
    finally:
        gc.enable()
    expect(len(kept), count, "messages that were kept")
    passed = min(_seconds(collect) for _ in range(ROUNDS))
    return [made / count * 1e9, grown / count, passed * 1e3, _seconds(kept.clear) / count * 1e9]


def read(count: int) -> dict[str, float]:
    """Read messages, by themselves and all at once: seconds for each."""
    messages = packed(count)
    buffer = b"".join(messages)
    expect(len(KEPT.read_all(buffer)), count, "records in the buffer")
    works = {
        "checked and kept": lambda: list(map(KEPT.read, messages)),
        "all of one buffer, by `read_all`": lambda: KEPT.read_all(buffer),
        "checked and dropped": lambda: [None for _ in map(KEPT.read, messages)],
    }
    size = len(buffer) / count
    best = {name: min(_seconds(work) for _ in range(ROUNDS)) / count for name, work in works.items()}
    return {"bytes": size, **best}


def put(count: int) -> dict[str, float]:
    """Put records into a collection, take snapshots of it and go over it: each figure in the unit that it has below."""
    messages = packed(count)
    tasks = Collection(KEPT, "id")
    before = _memory_bytes()
    seconds = _seconds(partial(_put_all, tasks, messages))
    grown = _memory_bytes() - before - sum(map(len, messages))
    expect(sum(1 for _ in tasks), count, "records in the collection")
    snapshots = [_snapshot(tasks) for _ in range(ROUNDS)]
    iterated = min(_seconds(lambda: sum(1 for _ in tasks)) for _ in range(ROUNDS))
    return {
        f"`put` of {count:,} new records, `read` included, µs each": seconds / count * 1e6,
        "memory of a record in a collection, beside its bytes, bytes": grown / count,
        f"`snapshot()` of {count:,} records, ms": median([taken for taken, _ in snapshots]) * 1e3,
        "letting go of it, ms": median([dropped for _, dropped in snapshots]) * 1e3,
        f"iterating over {count:,} records, ns each": iterated / count * 1e9,
    }


def free(count: int) -> dict[str, float]:
    """Let go of collections of a slice of records each."""
    held = [Collection(KEPT, "id") for _ in range(ROUNDS)]
    messages = packed(count)
    for tasks in held:
        _put_all(tasks, messages)
    return {f"a slice of {count:,} records freed (median), ms": median(_seconds(held.pop) for _ in range(ROUNDS)) * 1e3}


def alone(work: Callable[[], T]) -> T:
    """Do it in a new process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(work).result()


def _put_all(tasks: Collection[Kept], messages: list[bytes]) -> None:
    for record in map(KEPT.read, messages):
        tasks.put(record)


def _snapshot(tasks: Collection[Kept]) -> tuple[float, float]:
    """Seconds to take a snapshot while another one is held, and to let go of it."""
    held = [tasks.snapshot()]
    expect(sum(1 for _ in held[0]), len(tasks), "records in the snapshot")  # and what caches hold is something else
    taken = _seconds(lambda: held.append(tasks.snapshot()))
    return taken, _seconds(held.pop)


def _seconds(work: Callable[[], object]) -> float:
    start = process_time()
    work()
    return process_time() - start


def _memory_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


def main(count: int = COUNT) -> None:
    """Print both tables."""
    print(f"| {count:,} kept | made from bytes, ns | bytes kept | a pass of the collector, ms | freed, ns |")
    print("|---|--:|--:|--:|--:|")
    for name in WAYS:
        made, kept, passed, freed = alone(partial(keep, name, count))
        print(f"| {name} | {made:,.0f} | {kept:,.0f} | {passed:.1f} | {freed:,.0f} |")
    print("\n| | measured |\n|---|--:|")
    rates = alone(partial(read, count))
    size = rates.pop("bytes")
    for name, seconds in rates.items():
        print(
            f"| from bytes, {size:.0f} each: {name} | {1e-6 / seconds:.1f} million/s, {size / seconds / 1e9:.2f} GB/s |"
        )
    figures = alone(partial(put, COLLECTED * count)) | alone(partial(free, min(count, SLICE)))
    for name, figure in figures.items():
        print(f"| {name} | {figure:.2f} |")


if __name__ == "__main__":
    main()
