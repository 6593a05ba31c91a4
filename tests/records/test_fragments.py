"""What was rendered of chunks is kept while they stay what they are, within bounds, and counted."""

import threading
from collections.abc import Iterator
from random import Random
from types import SimpleNamespace

import msgspec
import pytest

import libactor._core._impl as impl
from libactor.records import Collection, JsonWriter, RecordType
from libactor.records.projection import Field, Key, Object, Projection
from tests.thoroughness import usually

CHUNK = 32
BOUND = 256 * 1024 * 1024
BLOCK = 4096  # of memory that a text takes


class Item(msgspec.Struct, array_like=True, frozen=True):
    name: str
    value: int


ITEM = RecordType(Item)
TABLE = Object(Key("name", Field("name")), Key("value", Field("value")))


def filled(count: int) -> Collection:
    collection = Collection(ITEM, "name")
    for number in range(count):
        collection.put(ITEM.pack(Item(f"{number:06}", number)))
    return collection


@pytest.fixture
def cache() -> Iterator[SimpleNamespace]:
    """What has been counted since the test began; nothing is kept of others."""
    impl.fragments_bound(0)
    impl.fragments_bound(BOUND)
    before = impl.fragments_counts()

    def counted() -> tuple[int, int, int]:
        hits, misses, evictions, _ = (now - then for now, then in zip(impl.fragments_counts(), before, strict=True))
        return hits, misses, evictions

    yield SimpleNamespace(counted=counted, kept=lambda: impl.fragments_counts()[3])
    impl.fragments_bound(BOUND)


def text_of(projection: Projection, collection: Collection) -> bytes:
    return b"".join(projection.pieces(collection.snapshot()))


def test_what_was_rendered_is_found_again(cache):
    projection, collection = Projection(ITEM, TABLE), filled(10 * CHUNK)

    first = text_of(projection, collection)
    assert cache.counted() == (0, 10, 0)
    assert cache.kept() == 10 * BLOCK

    assert text_of(projection, collection) == first
    assert cache.counted() == (10, 10, 0)


def test_a_piece_is_rendered_when_it_is_asked_for_and_no_more_than_fits(cache):
    projection, collection = Projection(ITEM, TABLE), filled(10 * CHUNK)

    pieces = projection.pieces(collection.snapshot(), bytes_max=1)
    assert next(pieces) == b"{"
    assert projection.render_chunks(collection.snapshot(), 3, 10, 1, False, True)[1] == 4
    assert cache.kept() == 2 * BLOCK


@pytest.mark.parametrize("bytes_max", [1, 900, 2_000, 5_000, 100_000])
def test_each_chunk_counts_once_however_small_the_pieces_are(cache, bytes_max):
    projection, collection = Projection(ITEM, TABLE), filled(12 * CHUNK)
    for number in range(5 * CHUNK, 7 * CHUNK):
        collection.pop(f"{number:06}")

    for counted in ((0, 10, 0), (10, 10, 0)):
        assert b"".join(projection.pieces(collection.snapshot(), bytes_max=bytes_max)).count(b"name") == 10 * CHUNK
        assert cache.counted() == counted


def test_only_what_has_changed_is_rendered_anew(cache):
    projection, collection = Projection(ITEM, TABLE), filled(10 * CHUNK)
    text_of(projection, collection)

    collection.put(ITEM.pack(Item("000100", 7)))
    changed = text_of(projection, collection)

    assert b'{"name":"000100","value":7}' in changed
    assert b'"value":100}' not in changed
    assert cache.counted() == (9, 11, 0)


def test_of_a_chunk_that_changes_what_is_of_its_other_records_stays(cache):
    projection, collection = Projection(ITEM, TABLE), filled(10 * CHUNK)
    text_of(projection, collection)

    for number in range(1, CHUNK):
        collection.pop(f"{number:06}")
    assert cache.kept() == 10 * BLOCK
    collection.put(ITEM.pack(Item("000000", 7)))
    assert cache.kept() == 9 * BLOCK


# Goal: a copy of a chunk has its texts, and takes no more memory for them; who has the older snapshot finds all.
def test_a_chunk_and_its_copy_share_what_was_rendered(cache):
    projection, collection = Projection(ITEM, TABLE), filled(2 * CHUNK)
    snapshot = collection.snapshot()
    first = b"".join(projection.pieces(snapshot))

    collection.put(ITEM.pack(Item("000040", 7)))
    assert cache.kept() == 2 * BLOCK
    assert text_of(projection, collection) == first.replace(b'"value":40}', b'"value":7}')
    assert cache.kept() == 3 * BLOCK
    assert b"".join(projection.pieces(snapshot)) == first

    assert cache.counted() == (3, 3, 0)
    snapshot = collection.snapshot()
    collection.put(ITEM.pack(Item("000040", 40)))
    del snapshot
    impl.records_free(10**9)
    assert cache.kept() == 2 * BLOCK  # of the copy as well, but for one record
    assert text_of(projection, collection) == first


# Goal: what is put together of kept and new texts is what would be rendered anew. Method: records come, change and go
# at random, of texts from nothing to some blocks, with two projections, older snapshots, and little room now and then.
@pytest.mark.parametrize("seed", range(usually(4, 300)))
def test_what_is_put_together_is_what_would_be_rendered(cache, seed):
    random, collection, snapshots = Random(seed), Collection(ITEM, "name"), []
    projections = Projection(ITEM, TABLE), Projection(ITEM, Field("value"))
    longest = random.choice([3, 300, 10_000])

    for _ in range(40):
        for _ in range(random.choice([1, 3, 40])):
            name = f"{random.randrange(3 * CHUNK)}" + "x" * longest * random.randrange(2)
            if random.random() < 0.7:
                collection.put(ITEM.pack(Item(name, random.randrange(10 ** random.randrange(1, 18)))))
            else:
                collection.pop(name, None)
        snapshots = [*snapshots[-2:], collection.snapshot()]
        impl.fragments_bound(random.choice([BOUND, BOUND, 5 * BLOCK]))
        for snapshot in random.sample(snapshots, random.randrange(len(snapshots) + 1)):
            projection, keep = random.choice(projections), random.random() < 0.8
            text = b"".join(projection.pieces(snapshot, bytes_max=random.choice([500, 10**6]), keep=keep))
            assert text == projection.render_all(list(snapshot))


def test_a_snapshot_finds_what_was_rendered_before_the_collection_changed(cache):
    projection, collection = Projection(ITEM, TABLE), filled(2 * CHUNK)
    snapshot = collection.snapshot()
    first = b"".join(projection.pieces(snapshot))

    collection.clear()

    assert b"".join(projection.pieces(snapshot)) == first
    assert cache.counted() == (2, 2, 0)


def test_what_goes_takes_its_texts_along(cache):
    projection, collection = Projection(ITEM, TABLE), filled(10 * CHUNK)
    text_of(projection, collection)
    assert cache.kept() > 0

    collection.pop("000000")
    assert cache.kept() > 0
    collection.clear()
    impl.records_free(10**9)

    assert cache.kept() == 0
    assert cache.counted()[2] == 0


# Goal: letting go of much that was rendered stops nobody for long. Method: count what is kept after a first slice.
def test_texts_of_what_goes_are_freed_in_slices(cache):
    if impl.CORE != "c":
        pytest.skip("the Python core is for reading")
    impl.records_free(10**9)
    projection, collection = Projection(ITEM, TABLE), filled(200 * CHUNK)
    text_of(projection, collection)

    collection.clear()
    waiting = impl.records_free(0)
    assert cache.kept() == waiting * BLOCK > 0

    impl.records_free(10 * CHUNK)
    assert cache.kept() == (waiting - 10) * BLOCK
    impl.fragments_bound(BLOCK)
    assert cache.kept() == BLOCK
    impl.records_free(10**9)
    assert cache.kept() == 0


@pytest.mark.parametrize("size", [1, 4095, 4096, 4097, 8191, 8192, 8193, 300_000])
def test_what_is_kept_of_a_text_is_all_of_it(cache, size):
    projection, collection = Projection(ITEM, Field("name")), Collection(ITEM, "name")
    name = "".join([chr(ord("a") + number % 26) for number in range(size)])[2:] if size > 2 else ""
    collection.put(ITEM.pack(Item(name, 0)))

    first = text_of(projection, collection)

    assert first == b'"%b"' % name.encode()
    assert text_of(projection, collection) == first
    assert cache.kept() == -(-len(first) // BLOCK) * BLOCK


def test_memory_that_texts_have_left_is_used_again(cache):
    projection, collection = Projection(ITEM, TABLE), filled(40 * CHUNK)

    for round_number in range(20):
        for number in range(40 * CHUNK):
            collection.put(ITEM.pack(Item(f"{number:06}", number + round_number * 10**6)))
        text = text_of(projection, collection)
        assert text_of(projection, collection) == text
        assert b'"value":%d}' % (5 + round_number * 10**6) in text


# Goal: the bound is one of memory, which many short texts take more of than they are long. Method: texts of some bytes.
def test_short_texts_are_counted_by_the_memory_that_they_take(cache):
    projection, collections = Projection(ITEM, Field("value")), [filled(1) for _ in range(100)]
    for collection in collections:
        text_of(projection, collection)
    assert cache.kept() == 100 * BLOCK

    impl.fragments_bound(50 * BLOCK)
    assert cache.counted()[2] == 50
    impl.fragments_bound(BLOCK - 1)
    assert cache.kept() == 0
    text_of(projection, collections[0])
    assert cache.kept() == 0


# Goal: a piece is whole whether its text is longer than was set aside for it, by a little or a lot, or just fits.
# Method: constants of many lengths beside fields of few bytes; once more from what was kept, and after a change.
@pytest.mark.parametrize("length", [0, 1, 5, 8, 9, 10, 11, 12, 13, 14, 20, 100, 127, 128, 129, 5000, 200_000])
def test_a_piece_is_whole_however_long_its_text_is(cache, length):
    projection, collection = Projection(ITEM, Object(Key("k" * length, Field("name")))), filled(3 * CHUNK - 5)

    for gone in ("000040", "000041"):
        wanted = projection.render_all(list(collection))
        for _ in range(2):
            assert text_of(projection, collection) == wanted
            assert b"".join(projection.pieces(collection.snapshot(), bytes_max=70)) == wanted
        collection.pop(gone)
        collection.put(ITEM.pack(Item("000007", 2**60)))


def test_each_projection_has_texts_of_its_own(cache):
    collection = filled(3 * CHUNK)
    whole, names = Projection(ITEM, TABLE), Projection(ITEM, Object(Key("n", Field("name"))))

    texts = [text_of(projection, collection) for projection in (whole, names, whole, names)]

    assert texts[:2] == texts[2:]
    assert texts[0] != texts[1]
    assert cache.counted() == (6, 6, 0)


def test_what_is_not_to_be_kept_is_not_but_what_was_kept_is_found(cache):
    projection, collection = Projection(ITEM, TABLE), filled(10 * CHUNK)

    first = b"".join(projection.pieces(collection.snapshot(), keep=False))
    assert cache.kept() == 0
    assert cache.counted() == (0, 10, 0)

    assert text_of(projection, collection) == first
    collection.put(ITEM.pack(Item("000100", 7)))
    changed = b"".join(projection.pieces(collection.snapshot(), keep=False))
    assert changed == first.replace(b'"value":100}', b'"value":7}')
    assert cache.kept() == 10 * BLOCK  # of the chunk that has changed, what is of the other records
    assert cache.counted() == (9, 21, 0)


def test_a_writer_keeps_nothing_either_if_told_so(cache):
    projection, collection = Projection(ITEM, TABLE), filled(3 * CHUNK)
    writer = JsonWriter()
    writer.start_array()

    writer.records(collection.snapshot(), projection, keep=False)

    assert cache.kept() == 0
    writer.records(collection.snapshot(), projection)
    assert cache.kept() == 3 * BLOCK


# Goal: reading all from end to end, time and again, finds as much as there is room for: to drop the oldest would find
# nothing. Method: room for nearly all, for half, and for little more than a quarter.
@pytest.mark.parametrize("room", [19, 10, 6])
def test_rounds_that_are_larger_than_the_bound_find_what_there_is_room_for(cache, room):
    projection, collection = Projection(ITEM, TABLE), filled(20 * CHUNK)
    impl.fragments_bound(room * BLOCK)
    first = text_of(projection, collection)

    for number in range(1, 8):
        assert text_of(projection, collection) == first
        assert cache.counted() == (number * room, 20 + number * (20 - room), 0)
    assert cache.kept() == room * BLOCK


def test_what_nobody_uses_any_more_makes_room_and_what_is_used_stays(cache):
    projection = Projection(ITEM, TABLE)
    used, left, newest = filled(4 * CHUNK), filled(4 * CHUNK), filled(4 * CHUNK)
    text_of(projection, used)
    text_of(projection, left)
    impl.fragments_bound(cache.kept())

    text_of(projection, newest)
    assert cache.counted() == (0, 12, 0)
    for _ in range(8):
        text_of(projection, used)
        text_of(projection, newest)

    assert cache.counted()[2] == 4
    for collection, found in ((used, 4), (newest, 4), (left, 0)):
        before = cache.counted()[0]
        text_of(projection, collection)
        assert cache.counted()[0] - before == found


def test_a_lower_bound_holds_at_once_and_none_keeps_nothing(cache):
    projection, collection = Projection(ITEM, TABLE), filled(10 * CHUNK)
    first = text_of(projection, collection)
    half = cache.kept() // 2

    impl.fragments_bound(half)
    assert 0 < cache.kept() <= half
    assert 5 <= cache.counted()[2] < 10

    impl.fragments_bound(0)
    assert cache.kept() == 0
    assert text_of(projection, collection) == first
    assert cache.kept() == 0


# Goal: a text that is read while its chunk changes, and others are dropped for want of room, is whole. Method: threads
# that render snapshots of a collection that changes, with room for a part of the texts only.
def test_texts_are_whole_while_chunks_change_and_texts_are_dropped(cache):
    projection, collection, rounds = Projection(ITEM, TABLE), filled(20 * CHUNK), 60 if impl.CORE == "c" else 3
    text_of(projection, collection)
    impl.fragments_bound(bound := cache.kept() // 3)
    snapshots, wrong = [collection.snapshot()], []

    def render() -> None:
        for _ in range(rounds):
            snapshot = snapshots[-1]
            decoded = msgspec.json.decode(b"[" + b"".join(projection.pieces(snapshot, bytes_max=2_000)) + b"]")
            if decoded != [{"name": record.name, "value": record.value} for record in snapshot]:
                wrong.append(decoded)

    threads = [threading.Thread(target=render) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(rounds):
        for place in range(0, 20 * CHUNK, 7):
            collection.put(ITEM.pack(Item(f"{place:06}", number)))
        snapshots.append(collection.snapshot())
    for thread in threads:
        thread.join(60)

    assert not wrong
    assert cache.kept() <= bound
    assert cache.counted()[2] > 0


def test_rendering_and_dropping_leaves_nothing_behind(cache, traced_memory):
    projection, collection = Projection(ITEM, TABLE), filled(4 * CHUNK)

    def work(repeats: int) -> None:
        for number in range(repeats):
            text_of(projection, collection)
            collection.put(ITEM.pack(Item("000001", number % 2)))
            before = collection.snapshot()
            text_of(projection, collection)
            collection.put(ITEM.pack(Item("000002", number % 2)))
            text_of(projection, collection)
            del before
            impl.fragments_bound(1_000)
            impl.fragments_bound(BOUND)

    work(20)
    growths = []
    for _ in range(3):
        before = traced_memory()
        work(300 if impl.CORE == "c" else 10)
        growths.append(traced_memory() - before)

    assert min(growths) < 1_200
