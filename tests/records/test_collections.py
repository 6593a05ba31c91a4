"""Collections of records by key, and their snapshots, which stay what they were."""

import copy
import pickle
import threading
import time
import weakref

import hypothesis
import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

CHUNK = 32


class Item(msgspec.Struct, array_like=True, frozen=True):
    first: str
    second: str
    value: int = 0
    note: str | None = None
    level: str = ""


class Other(msgspec.Struct, array_like=True, frozen=True):
    first: str


class Loose(msgspec.Struct, array_like=True, frozen=True):
    first: str | None


@pytest.fixture(scope="session")
def items(core):
    return core.RecordType(Item, hot=("first",))


@pytest.fixture
def filled(core, items):
    """A collection of 100 items, by their first text: "0", "1", ..."""
    collection = core.Collection(items, "first")
    for number in range(100):
        collection.put(items.pack(Item(str(number), "x", number)))
    return collection


def values_of(records):
    return sorted(record.value for record in records)


def test_a_record_is_found_by_its_key(filled, items):
    assert len(filled) == 100
    assert filled["7"].value == filled.get("7").value == 7
    assert "99" in filled
    assert "100" not in filled
    assert filled.get("100") is None
    assert filled.get("100", 5) == 5
    assert filled.kind is items
    with pytest.raises(KeyError, match="'100'"):
        filled["100"]


def test_a_record_takes_the_place_of_the_one_with_its_key(filled, items):
    filled.put(items.pack(Item("7", "y", 700)))

    assert (len(filled), filled["7"].value, filled["7"].second) == (100, 700, "y")


def test_what_is_taken_out_is_gone(filled):
    assert filled.pop("7").value == 7

    assert (len(filled), "7" in filled, filled.pop("7", None)) == (99, False, None)
    with pytest.raises(KeyError, match="'7'"):
        filled.pop("7")


def test_all_records_are_gone_after_clear_and_others_may_come(filled, items):
    snapshot = filled.snapshot()

    filled.clear()
    assert (len(filled), list(filled), "7" in filled) == (0, [], False)

    filled.put(items.pack(Item("7", "y", 1)))
    assert values_of(filled) == [1]
    assert values_of(snapshot) == list(range(100))


def test_several_fields_are_a_key(core, items):
    collection = core.Collection(items, ("second", "first"))
    pairs = [("a", "bc"), ("ab", "c"), ("", "abc"), ("abc", ""), ("", ""), ("bc", "a")]
    for number, (second, first) in enumerate(pairs):
        collection.put(items.pack(Item(first, second, number)))

    assert [collection[pair].value for pair in pairs] == list(range(len(pairs)))
    assert ("c", "ab") not in collection
    for key in ("abc", ("a",), ("a", "b", "c"), ("a", 5), ["a", "bc"], None):
        with pytest.raises(TypeError, match="expected 2 texts, as a tuple"):
            collection.get(key)


def test_the_error_for_a_key_that_is_not_there_holds_the_key(core, items):
    single, double = core.Collection(items, "first"), core.Collection(items, ("first", "second"))

    for collection, key in ((single, "a"), (double, ("a", "b"))):
        for look in (collection.__getitem__, collection.pop):
            with pytest.raises(KeyError) as raised:
                look(key)
            assert raised.value.args == (key,)


def test_a_key_may_be_any_text(core, items):
    collection = core.Collection(items, "first")
    keys = ["", "\0", "a\0", "a", "é", "e\u0301", "😀", "x" * 100_000, "x" * 99_999]
    for number, key in enumerate(keys):
        collection.put(items.pack(Item(key, "", number)))

    assert [collection[key].value for key in keys] == list(range(len(keys)))
    with pytest.raises(UnicodeEncodeError):
        collection.get("\ud800")
    for key in (5, None, b"a", ("a",)):
        with pytest.raises(TypeError, match="expected 1 text"):
            collection.get(key)


def test_only_texts_that_every_record_has_are_keys(core, items):
    for key in ("value", "note", "level", "nothing", ("first", "value"), (), ("first",) * 5):
        with pytest.raises(TypeError, match="Collection: "):
            core.Collection(items, key)
    for field in ("first", "note"):
        with pytest.raises(TypeError, match=f"field '{field}' cannot be a key, expected a text that every record"):
            core.Collection(core.RecordType(Loose) if field == "first" else items, field)
    for kind in (Item, None, "first"):
        with pytest.raises(TypeError, match="expected a RecordType"):
            core.Collection(kind, "first")


def test_only_records_of_its_type_are_put(core, filled, items):
    other = core.RecordType(Other).pack(Other("a"))
    same = core.RecordType(Item).pack(Item("a", "b"))

    for record in (other, same, Item("a", "b"), b"", None):
        with pytest.raises(TypeError, match=r"Collection.put: got .*, expected a record of Item"):
            filled.put(record)
    assert len(filled) == 100


@pytest.mark.parametrize(
    ("given", "got"),
    [(b"x" * 100_000, "bytes"), (Item("a" * 100_000, "b"), "Item"), (None, "NoneType"), (Other, "StructMeta")],
)
def test_what_is_put_and_is_no_record_is_named_by_its_type(core, filled, given, got):
    with pytest.raises(TypeError) as caught:
        filled.put(given)

    assert str(caught.value) == (
        f"Collection.put: got {got}, expected a record of Item; make one by the pack() of a struct, or the read() of "
        "bytes, of its RecordType"
    )


def test_a_record_of_another_type_is_named_by_that(core, filled):
    with pytest.raises(
        TypeError, match=r"got a record of another RecordType\(Other\), expected a record of Item; make"
    ):
        filled.put(core.RecordType(Other).pack(Other("a" * 100_000)))


@pytest.mark.parametrize("key", [b"x" * 100_000, ("a",), ("a" * 100_000, 1)])
def test_errors_of_keys_show_no_more_than_their_beginnings(filled, key):
    for act in (filled.get, filled.pop, filled.__getitem__, filled.__contains__):
        with pytest.raises(TypeError, match=r"^Collection: got key .*, expected .*text") as caught:
            act(key)
        assert len(str(caught.value)) < 300


def test_a_snapshot_stays_what_it_was(filled, items):
    snapshot = filled.snapshot()
    before = list(snapshot)

    for number in range(0, 100, 3):
        filled.pop(str(number))
    for number in range(200):
        filled.put(items.pack(Item(str(number), "z", -number)))

    assert list(snapshot) == before
    assert all(one is other for one, other in zip(snapshot, before, strict=True))
    assert (len(snapshot), values_of(snapshot)) == (100, list(range(100)))
    assert values_of(filled) == sorted(-number for number in range(200))


def test_what_is_iterated_over_may_change_meanwhile(filled, items):
    seen = []
    for record in filled:
        seen.append(record.value)
        filled.pop(record.first)
        filled.put(items.pack(Item(f"new {record.value}", "")))

    assert sorted(seen) == list(range(100))
    assert len(filled) == 100


def test_a_snapshot_outlives_its_collection(core, items):
    collection = core.Collection(items, "first")
    collection.put(items.pack(Item("a", "b", 5)))
    walk = iter(collection.snapshot())

    del collection

    assert [record.value for record in walk] == [5]
    assert next(walk, None) is None


def test_an_empty_collection_has_an_empty_snapshot(core, items):
    collection = core.Collection(items, "first")

    snapshot = collection.snapshot()

    assert (len(collection), len(snapshot), list(snapshot)) == (0, 0, [])
    assert snapshot.kind is items


def test_what_they_say_of_themselves(filled):
    assert repr(filled) == "<collection of 100 Item records>"
    assert repr(filled.snapshot()) == "<snapshot of 100 Item records>"


def test_neither_is_pickled_and_a_snapshot_is_its_own_copy(filled):
    snapshot = filled.snapshot()

    assert copy.copy(snapshot) is copy.deepcopy(snapshot) is snapshot
    for thing, message in (
        (filled, "a collection cannot be pickled or copied"),
        (snapshot, "a snapshot cannot be pickled"),
    ):
        with pytest.raises(TypeError, match=message):
            pickle.dumps(thing)
    with pytest.raises(TypeError, match="a collection cannot be pickled or copied"):
        copy.copy(filled)
    with pytest.raises(TypeError, match="cannot create"):
        type(snapshot)()


# Goal: keys with the same hash are told apart, also when one of them goes. Method: the hash of the C core is the
# interpreter's own, folded to 32 bits; of 300,000 keys some ten pairs have the same.
def test_keys_with_the_same_hash_are_told_apart(core, items):
    by_hash: dict[int, list[str]] = {}
    for number in range(300_000):
        whole = hash(str(number).encode()) & 2**64 - 1
        by_hash.setdefault((whole ^ whole >> 32) & 2**32 - 1, []).append(str(number))
    pairs = [keys for keys in by_hash.values() if len(keys) > 1] or [["1", "2"]]  # none: once in 20,000 times
    collection = core.Collection(items, "first")

    for keys in pairs:
        for key in keys:
            collection.put(items.pack(Item(key, "", int(key))))
    assert all(collection[key].value == int(key) for keys in pairs for key in keys)

    for first, *rest in pairs:
        assert collection.pop(first).value == int(first)
        assert first not in collection
        assert all(collection[key].value == int(key) for key in rest)


def test_a_place_that_was_left_is_taken_again(core, items, traced_memory):
    collection = core.Collection(items, "first")
    for number in range(10 * CHUNK):
        collection.put(items.pack(Item(str(number), "")))
    before = traced_memory()

    for number in range(20_000 if core.name == "c" else 500):
        collection.pop(str(number))
        collection.put(items.pack(Item(str(number + 10 * CHUNK), "")))

    assert len(collection) == 10 * CHUNK
    assert traced_memory() - before < 100_000


# Goal: what many records leave behind is freed a slice at a time. Method: drop all of a large collection, and count.
def test_what_goes_is_freed_in_slices(core, items):
    if core.name == "python":
        pytest.skip("the Python core is for reading")
    assert core.records_free(10**9) == 0
    collection = core.Collection(items, "first")
    for number in range(20_000):
        collection.put(items.pack(Item(str(number), "")))
    chunks = 20_000 // CHUNK

    snapshot = collection.snapshot()
    collection.clear()
    assert core.records_free(0) == 0
    del snapshot
    waiting = core.records_free(0)
    assert waiting == chunks - 4096 // CHUNK

    assert core.records_free(10 * CHUNK) == waiting - 10
    collection.put(items.pack(Item("a", "")))
    assert core.records_free(0) == waiting - 12
    collection.pop("a")
    assert core.records_free(0) == waiting - 14
    assert core.records_free() == waiting - 14 - 4096 // CHUNK
    assert core.records_free(10**9) == 0


def test_who_has_seen_all_records_holds_none(core, items):
    if core.name == "python":
        pytest.skip("the Python core is for reading")
    collection = core.Collection(items, "first")
    for number in range(200 * CHUNK):
        collection.put(items.pack(Item(str(number), "")))
    assert core.records_free(10**9) == 0

    walk = iter(collection)
    assert len(list(walk)) == 200 * CHUNK
    collection.clear()

    assert core.records_free(0) == 200 - 4096 // CHUNK
    assert next(walk, None) is None
    core.records_free(10**9)


# Goal: a key is found at once among many like it. Method: the processor's time for as many as take minutes if they are
# compared with each other.
def test_keys_of_one_length_are_found_at_once(core, items):
    count = 100_000 if core.name == "c" else 10_000
    records = [items.pack(Item(f"{number:08}", "")) for number in range(count)]
    collection = core.Collection(items, "first")

    began = time.process_time()
    for record in records:
        collection.put(record)

    assert time.process_time() - began < 10
    assert len(collection) == count


def test_nonsense_is_refused(core, filled):
    for arguments in ((), ("a", 1, 2)):
        with pytest.raises(TypeError):
            filled.get(*arguments)
        with pytest.raises(TypeError):
            filled.pop(*arguments)
    with pytest.raises(TypeError):
        core.records_free("many")
    for wrong, size in ((-1, "small"), (-(2**70), "small"), (2**63, "large"), (2**70, "large"), (10**5000, "large")):
        with pytest.raises(
            ValueError, match=rf"^fragments_bound: got a number .* too {size}, expected 0 to \d+; 0 keeps"
        ):
            core.fragments_bound(wrong)
    for wrong in ("1", None, 1.5, True, b"x" * 1_000):
        with pytest.raises(
            TypeError, match=r"^fragments_bound: got .{1,200}, expected a whole number of bytes; 0 keeps"
        ):
            core.fragments_bound(wrong)
    before = core.fragments_bound(1_000)
    assert core.fragments_bound(before) == 1_000
    assert len(core.fragments_counts()) == 4


# Goal: the last record of a type takes the type along, and with it code that changes the very collection whose change
# has let it go. Method: the records of such a type wait to be freed; a change of another collection frees them.
def test_code_that_runs_when_a_record_goes_may_change_the_collection(core, items):
    core.records_free(10**9)
    survivors = core.Collection(items, "first")
    for number in range(100):
        survivors.put(items.pack(Item(str(number), "")))
    done = []

    def change():
        for number in range(100):
            survivors.put(items.pack(Item(f"late {number}", "")))
        survivors.pop("50")
        done.append(len(survivors))

    doomed_type = core.RecordType(Other)
    doomed = core.Collection(doomed_type, "first")
    for number in range(200 * CHUNK):
        doomed.put(doomed_type.pack(Other(str(number))))
    weakref.finalize(doomed_type, change)
    del doomed, doomed_type

    for number in range(100, 400):
        survivors.put(items.pack(Item(str(number), "")))

    assert len(done) == 1
    assert len(survivors) == 499
    for number in set(range(400)) - {50}:
        assert survivors[str(number)].first == str(number)


def test_snapshots_are_read_while_the_collection_changes(core, items):
    collection = core.Collection(items, ("first", "second"))
    rounds, failures = 40 if core.name == "c" else 5, []
    taken = [collection.snapshot()]
    ready = threading.Event()

    def look():
        ready.wait(60)
        for _ in range(rounds):
            snapshot = taken[-1]
            numbers = {record.value for record in snapshot}
            if len(snapshot) and len(numbers) != 1:
                failures.append(numbers)

    readers = [threading.Thread(target=look) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(rounds):
        for name in range(5 * CHUNK):
            collection.put(items.pack(Item(str(name), "", number)))
        taken.append(collection.snapshot())
        ready.set()
    for reader in readers:
        reader.join(60)

    assert failures == []
    assert all({record.value for record in snapshot} == {n} for n, snapshot in enumerate(taken[1:]))


class CollectionMachine(RuleBasedStateMachine):
    """A collection against a dict; snapshots are kept, and compared after everything else."""

    core = None
    keys = st.integers(0, 150).map(str)

    def __init__(self):
        super().__init__()
        self.kind = self.core.RecordType(Item)
        self.collection = self.core.Collection(self.kind, "first")
        self.model = {}
        self.snapshots = []
        self.walks = []

    @rule(key=keys, value=st.integers(-3, 3))
    def put(self, key, value):
        self.model[key] = record = self.kind.pack(Item(key, "", value))
        self.collection.put(record)

    @rule(start=st.integers(0, 150), count=st.integers(1, 80), value=st.integers(0, 9))
    def put_many(self, start, count, value):
        for number in range(start, start + count):
            self.put(str(number), value)

    @rule(key=keys)
    def pop(self, key):
        assert self.collection.pop(key, None) is self.model.pop(key, None)

    @rule(start=st.integers(0, 150), count=st.integers(1, 80))
    def pop_many(self, start, count):
        for number in range(start, start + count):
            self.pop(str(number))

    @rule()
    def clear(self):
        self.collection.clear()
        self.model.clear()

    @rule(key=keys)
    def get(self, key):
        assert self.collection.get(key) is self.model.get(key)
        assert (key in self.collection) == (key in self.model)

    @rule()
    def take_snapshot(self):
        self.snapshots.append((self.collection.snapshot(), dict(self.model)))

    @precondition(lambda self: self.snapshots)
    @rule(data=st.data())
    def drop_snapshot(self, data):
        self.snapshots.pop(data.draw(st.integers(0, len(self.snapshots) - 1)))

    @rule()
    def free(self):
        self.core.records_free(40)

    @rule(data=st.data())
    def begin_walk(self, data):
        walk, whole = iter(self.collection), dict(self.model)
        seen = [next(walk) for _ in range(data.draw(st.integers(0, len(whole))))]
        self.walks.append((seen, walk, whole))

    @invariant()
    def has_what_the_model_has(self):
        assert len(self.collection) == len(self.model)

    def teardown(self):
        for snapshot, model in [*self.snapshots, (self.collection.snapshot(), self.model)]:
            records = list(snapshot)
            assert len(records) == len(snapshot) == len(model)
            assert all(model[record.first] is record for record in records)
        for seen, walk, model in self.walks:
            records = [*seen, *walk]
            assert len(records) == len(model)
            assert all(model[record.first] is record for record in records)


def test_a_collection_does_as_a_dict_and_its_snapshots_as_copies_of_it(core):
    class Machine(CollectionMachine):
        pass

    Machine.core = core
    hypothesis.stateful.run_state_machine_as_test(Machine, settings=hypothesis.settings(max_examples=60))
