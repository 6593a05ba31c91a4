"""Snapshots are what the collection was when they were taken, whatever threads do meanwhile and in whatever order."""

import gc
import random
import sys
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import libactor._core._impl as impl
from libactor.records import Collection, RecordType
from libactor.records.projection import Field, Key, Object, Projection

BOUND = 256 * 1024 * 1024
SECONDS = 120  # a bound on failure
NATIVE = impl.CORE == "c"


class Item(msgspec.Struct, array_like=True, frozen=True):
    name: str
    value: int
    text: str = ""


ITEM = RecordType(Item, hot=("value",))
WHOLE = Projection(ITEM, Object(Key("name", Field("name")), Key("value", Field("value")), Key("text", Field("text"))))
VALUES = Projection(ITEM, Field("value"))


@pytest.fixture(autouse=True)
def turns() -> Iterator[None]:
    """Threads take turns often; other tests have the room for texts, and the turns, that they had."""
    turn = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(turn)
    impl.fragments_bound(BOUND)


def item(name: str, value: int) -> Any:
    return ITEM.pack(Item(name, value, "é" * (value % 90)))


def text_of(projection: Projection[Item], snapshot: Any, bytes_max: int) -> bytes:
    return b"".join(projection.pieces(snapshot, bytes_max=bytes_max))


class Shared:
    """What the threads of a stress test have in common."""

    def __init__(self) -> None:
        # Snapshots, and what was recorded when they were taken; the first is of nothing.
        self.taken: list[tuple[Any, bytes, list[int]]] = [(Collection(ITEM, "name").snapshot(), b"", [])]
        self.wrong: list[Any] = []
        self.is_over = threading.Event()


# One thread owns the collections, changes them, takes snapshots, and drops collections and snapshots.
def write(shared: Shared, rounds: int) -> None:
    rng = random.Random(1)
    collection = Collection(ITEM, "name")
    for number in range(rounds):
        for _ in range(rng.choice([1, 40, 200])):
            name = str(rng.randrange(700))
            if rng.random() < 0.7:
                collection.put(item(name, rng.randrange(10_000)))
            else:
                collection.pop(name, None)
        snapshot = collection.snapshot()
        records = list(snapshot)
        shared.taken.append((snapshot, WHOLE.render_all(records), [record.value for record in records]))
        if len(shared.taken) > 8:
            del shared.taken[rng.randrange(8)]
        impl.records_free(rng.choice([0, 1, 100]))
        if number % 5 == 4:
            collection = Collection(ITEM, "name")  # the one before goes, and its snapshots stay
        if number % 7 == 6:
            collection.clear()
        impl.fragments_bound(rng.choice([0, 2_000, 50_000, BOUND]))


def read(shared: Shared, seed: int) -> None:
    rng = random.Random(seed)
    while not shared.is_over.is_set():
        snapshot, text, values = rng.choice(shared.taken[:])
        match rng.randrange(4):
            case 0:
                got: Any = text_of(WHOLE, snapshot, rng.choice([1, 700, 100_000])) == text
            case 1:
                got = [int(one) for one in text_of(VALUES, snapshot, 5_000).split(b",") if one] == values
            case 2:
                got = [record.value for record in snapshot] == values and len(snapshot) == len(values)
            case _:
                pieces = WHOLE.pieces(snapshot, bytes_max=300)
                got = text.startswith(next(pieces, b""))  # the rest is left
        if not got:
            shared.wrong.append((seed, len(values)))


def test_snapshots_are_what_was_recorded_while_threads_change_render_and_drop():
    shared = Shared()
    readers = [threading.Thread(target=read, args=(shared, seed)) for seed in range(3)]

    for thread in readers:
        thread.start()
    try:
        write(shared, 3_000 if NATIVE else 12)
    finally:
        shared.is_over.set()
        for thread in readers:
            thread.join(SECONDS)

    assert not shared.wrong
    assert not any(thread.is_alive() for thread in readers)
    for snapshot, text, _ in shared.taken:
        assert text_of(WHOLE, snapshot, 4_000) == text


@pytest.mark.skipif(not NATIVE, reason="the Python core walks with a generator, which is for one thread at a time")
def test_threads_may_walk_one_iterator_together():
    collection = Collection(ITEM, "name")
    for number in range(2_000):
        collection.put(item(str(number), number))
    walk, found = iter(collection.snapshot()), []
    threads = [threading.Thread(target=lambda: found.extend([record.value for record in walk])) for _ in range(4)]

    for thread in threads:
        thread.start()
    collection.clear()
    for thread in threads:
        thread.join(SECONDS)

    assert sorted(found) == list(range(2_000))


names = st.integers(0, 150).map(str)


class Machine(RuleBasedStateMachine):
    """A collection and its snapshots beside a dict and copies of it."""

    def __init__(self) -> None:
        super().__init__()
        self.collection: Collection[Item] = Collection(ITEM, "name")
        self.model: dict[str, int] = {}
        self.snapshots: list[tuple[Any, dict[str, int]]] = []
        self.walks: list[tuple[Iterator[Any], set[int], int]] = []

    @rule(name=names, value=st.integers(0, 300))
    def put(self, name: str, value: int) -> None:
        self.collection.put(item(name, value))
        self.model[name] = value

    @rule(first=st.integers(0, 120), count=st.integers(1, 80))
    def put_many(self, first: int, count: int) -> None:
        for number in range(first, first + count):
            self.put(str(number), number)

    @rule(name=names)
    def pop(self, name: str) -> None:
        found = self.collection.pop(name, None)
        assert (None if found is None else found.value) == self.model.pop(name, None)

    @rule()
    def pop_while_iterating(self) -> None:
        for record in self.collection:
            if record.value % 3 == 0:
                self.pop(record.name)

    @rule(name=names)
    def look(self, name: str) -> None:
        assert (name in self.collection) == (name in self.model)
        found = self.collection.get(name)
        assert (None if found is None else found.value) == self.model.get(name)

    @rule()
    def clear(self) -> None:
        self.collection.clear()
        self.model.clear()

    @rule()
    def take(self) -> None:
        self.snapshots.append((self.collection.snapshot(), self.model.copy()))

    @rule()
    def walk(self) -> None:
        self.walks.append((iter(self.collection), set(), len(self.model)))

    @precondition(lambda self: self.walks)
    @rule(data=st.data())
    def go_on(self, data: Any) -> None:
        number = data.draw(st.integers(0, len(self.walks) - 1))
        walk, seen, count = self.walks[number]
        for record in walk:
            assert record.name not in seen
            seen.add(record.name)
            if len(seen) % 20 == 0:
                return
        assert len(seen) == count
        del self.walks[number]

    @precondition(lambda self: self.snapshots)
    @rule(data=st.data(), bytes_max=st.sampled_from([1, 100, 100_000]))
    def render(self, data: Any, bytes_max: int) -> None:
        snapshot, model = self.snapshots[data.draw(st.integers(0, len(self.snapshots) - 1))]
        decoded = msgspec.json.decode(b"[" + text_of(WHOLE, snapshot, bytes_max) + b"]")
        assert {one["name"]: one["value"] for one in decoded} == model
        assert len(decoded) == len(snapshot) == len(model)

    @precondition(lambda self: self.snapshots)
    @rule(data=st.data())
    def drop(self, data: Any) -> None:
        del self.snapshots[data.draw(st.integers(0, len(self.snapshots) - 1))]

    @rule(records=st.sampled_from([0, 1, 40, 10**9]), bytes_max=st.sampled_from([0, 3_000, BOUND]))
    def make_room(self, records: int, bytes_max: int) -> None:
        impl.records_free(records)
        impl.fragments_bound(bytes_max)
        gc.collect(0)
        assert impl.fragments_counts()[3] <= bytes_max

    @invariant()
    def it_is_the_model(self) -> None:
        assert {record.name: record.value for record in self.collection} == self.model
        assert len(self.collection) == len(self.model)


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
