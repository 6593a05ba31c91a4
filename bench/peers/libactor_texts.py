"""Records of tasks written as JSON, for the first time and from what was kept."""

from __future__ import annotations

import os
import threading
from functools import lru_cache
from time import perf_counter

from bench.benchmarks import expect
from bench.kept_tasks import KEPT, Kept, kept
from bench.tasks import TEXT_BYTES
from libactor.records import Collection, Snapshot
from libactor.records.projection import (
    Choice,
    Const,
    Each,
    Field,
    Float,
    IfFilled,
    IfThere,
    Key,
    Object,
    Projection,
    Tally,
)

TASKS = Object(
    Key("id", Field("id")),
    Key("name", Field("name")),
    Key("framework_id", Field("framework_id")),
    Key("executor_id", Const("")),
    Key("slave_id", Field("slave_id")),
    Key("state", Choice("state")),
    Key(
        "resources",
        Tally(
            "resources", name="name", scalar="scalar", power=3, ranges="ranges", first=("cpus", "gpus", "mem", "disk")
        ),
    ),
    Key("role", Field("role")),
    Key(
        "statuses",
        Each(
            "statuses",
            Object(
                Key("state", Choice("state")),
                Key("timestamp", Float("timestamp")),
                IfThere("healthy", Key("healthy", Field("healthy"))),
            ),
        ),
    ),
    IfThere("user", Key("user", Field("user"))),
    IfFilled("labels", Key("labels", Each("labels", Object(Key("key", Field("key")), Key("value", Field("value")))))),
)


TASK = Projection(KEPT, TASKS)


class Texts:
    """Each method makes tasks, then times what is done with all of them."""

    def render_tasks(self, count: int) -> float:
        """After all of them have changed, so that nothing that was kept is right; the new texts are kept as well."""
        return _render(_changed(count), count)

    def render_kept(self, count: int) -> float:
        """Once more, from what was kept."""
        snapshot = _changed(count)
        _render(snapshot, count)
        return _render(snapshot, count)

    def render_by_two(self, count: int) -> float:
        """As render_tasks, by two threads, each a half, and each on a CPU of its own if there are two.

        The kernel may leave two threads that wake together on one CPU for longer than they need.
        """
        snapshot = _changed(count)
        sizes = [0, 0]
        cpus = sorted(os.sched_getaffinity(0))
        both = threading.Barrier(3)

        def half(part: int) -> None:
            os.sched_setaffinity(0, {cpus[part % len(cpus)]})  # of this thread
            both.wait()
            sizes[part] = sum([len(piece) for piece in TASK.pieces(snapshot, part=part, parts=2)])

        threads = [threading.Thread(target=half, args=(part,)) for part in range(2)]
        for thread in threads:
            thread.start()
        both.wait()
        start = perf_counter()
        for thread in threads:
            thread.join()
        seconds = perf_counter() - start
        expect(sum(sizes) >= TEXT_BYTES * count, True, "bytes of the tasks")
        return seconds

    def join_texts(self, count: int) -> float:
        """The limit: texts that are ready, one for each task, put behind one another."""
        texts = [TASK.render(record) for record in _changed(count)]
        start = perf_counter()
        text = b",".join(texts)
        seconds = perf_counter() - start
        expect(len(text) >= TEXT_BYTES * count, True, "bytes of the tasks")
        return seconds


@lru_cache(maxsize=1)  # it takes far longer to make than to write
def _collection(count: int) -> Collection[Kept]:
    collection = Collection(KEPT, "id")
    for number in range(count):
        collection.put(KEPT.pack(kept(number)))
    return collection


def _changed(count: int) -> Snapshot[Kept]:
    """A snapshot of so many tasks, each of which was put anew since the last one."""
    collection = _collection(count)
    for record in list(collection):
        collection.put(record)
    return collection.snapshot()


def _render(snapshot: Snapshot[Kept], count: int) -> float:
    start = perf_counter()
    size = sum([len(piece) for piece in TASK.pieces(snapshot)])
    seconds = perf_counter() - start
    expect(size >= TEXT_BYTES * count, True, "bytes of the tasks")
    return seconds
