"""Both cores write the same bytes of any value, and make the same of any bytes, or refuse them in the same words."""

import contextlib
import gc
import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libactor import codec
from libactor._core import _impl, _pack, _unpack
from libactor.codec import AGAIN_MAX, NESTING_MAX, NotDecodable, NotEncodable, Reader, Writer

from .test_codec import ANY, VALUES, Account, Color, Failure, Flags, Pair, Point, Slotted, Wide
from .test_codec_hostile import BYTES, ERRORS, TREE, TREES, packed

pytestmark = pytest.mark.twins

CORES = {"chosen": _impl, "python": SimpleNamespace(pack=_pack.pack, unpack=_unpack.unpack)}


def written(core, value):
    """The bytes of ``value``, or why there are none."""
    try:
        return core.pack(value, NESTING_MAX, NotEncodable, codec._plan_to_write, Writer()._apart)
    except (NotEncodable, UnicodeEncodeError) as error:
        return str(error)


def read(core, data):
    """What comes of ``data``, written again so that it can be compared; or why nothing does."""
    reader = Reader({}, [])
    try:
        value = core.unpack(data, NESTING_MAX, AGAIN_MAX, NotDecodable, codec._plan_to_read, reader._make)
    except Exception as error:
        return type(error).__name__, "" if isinstance(error, UnicodeDecodeError) else str(error)
    return written(_impl, value)


def twice(outcome, given):
    return [outcome(core, given) for core in CORES.values()]


SHARED = [1, (2,), {"a": Pair(1, [2])}]
MORE = [
    Account([1]), Slotted(SHARED), Wide(1), [SHARED, SHARED, Point(SHARED), (SHARED,)], Failure(3), OSError(2, "no"),
    {Pair(1, 2): Slotted(1)}, {1.5: 2, None: 3, b"x": 4, True: 5}, "\ud800", ["\ud800"], [(), (), [()]],
    {str(number): number for number in range(100)}, list(range(70_000)), "x" * 70_000, b"x" * 300, -129, 2**32, 2**63,
]  # fmt: skip


@pytest.mark.parametrize("value", [*VALUES, *MORE], ids=lambda value: type(value).__name__)
def test_both_cores_write_the_same_bytes_of_each_form(value):
    native, twin = twice(written, value)

    assert native == twin
    assert isinstance(native, str) or read(_impl, native) == native


@given(ANY)
def test_both_cores_write_the_same_bytes_of_any_value(value):
    native, twin = twice(written, [value, value, Point(value)])

    assert native == twin


@given(TREE)
def test_both_cores_make_the_same_of_any_tree(tree):
    native, twin = twice(read, packed(tree))

    assert native == twin


@pytest.mark.parametrize("name", [*TREES, *ERRORS])
def test_both_cores_refuse_each_hostile_tree_in_the_same_words(name):
    tree = TREES[name][0] if name in TREES else ERRORS[name][0]

    native, twin = twice(read, packed(tree))

    assert native == twin
    assert isinstance(native, tuple)


SAMPLE = [
    Pair(Point([1, "é", b"\0"]), {(1, 2): {3}, None: frozenset({4})}), Color.RED, Flags.A | Flags.B, Failure(3),
    Account(range(3)), Slotted([1]), Wide(2), 1.5, 2**80, [SHARED, SHARED],
]  # fmt: skip


@given(st.data())
def test_both_cores_make_the_same_of_bytes_of_ours_with_some_changed(data):
    changed = bytearray(Writer().encode(SAMPLE))
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))

    native, twin = twice(read, bytes(changed))

    both_refused = isinstance(native, tuple) and isinstance(twin, tuple)
    assert native == twin or both_refused  # which fault is found first, of two


@pytest.mark.parametrize("name", BYTES)
def test_bytes_that_nobody_looked_at_are_refused_by_both_cores(name):
    data = BYTES[name][0]

    native, twin = twice(read, data)

    assert native == twin
    assert isinstance(native, tuple)


@pytest.mark.parametrize("core", CORES.values(), ids=CORES)
def test_each_cut_of_good_bytes_is_refused(core):
    data = Writer().encode(SAMPLE)

    for size in range(len(data)):
        assert isinstance(read(core, data[:size]), tuple)


@pytest.mark.parametrize("core", CORES.values(), ids=CORES)
def test_the_lists_around_the_parts_of_an_object_are_nobody_elses(core):
    for number in range(3):  # the slot, the parts, the attributes
        tree = ["list", ["object", Point.__module__, "Point", ["list", ["list", 1], ["list", 2]], ["dict"]]]

        outcome = read(core, packed([*tree, ["again", number]]))

        assert outcome == ("NotDecodable", "a number that stands for one of 5 parts, and does not")


@pytest.mark.parametrize("size", [247, 248, 249, 250, 251, 252, 253, 254, 255, 256, 257, 3000])
@pytest.mark.parametrize("again_max", [2, 3, 13])
def test_both_cores_count_long_numbers_alike(size, again_max):
    data = packed(["list", ["tuple", ["int", "0x" + "1" * size]], ["again", 0]])

    outcomes = []
    for core in CORES.values():
        with contextlib.suppress(NotDecodable):
            outcomes.append(core.unpack(data, 9, again_max, NotDecodable, None, Reader({}, [])._make))

    assert len(outcomes) in (0, 2)


@pytest.mark.parametrize("core", CORES.values(), ids=CORES)
def test_nesting_that_nobody_could_read_is_not_written(core):
    value = []
    for _ in range(NESTING_MAX):
        value = [value]

    assert f"nested more than {NESTING_MAX} deep as it is written; flatten it" in written(core, value)
    assert isinstance(written(core, value[0]), bytes) or core.pack is _pack.pack  # whose own stack may end first


@pytest.mark.parametrize("core", CORES.values(), ids=CORES)
def test_what_holds_itself_is_not_written(core):
    value = []
    value.append(value)

    assert "nested more than" in written(core, value)


@pytest.mark.parametrize("core", CORES.values(), ids=CORES)
def test_what_plans_and_parts_are_not_is_said(core):
    with pytest.raises((TypeError, AttributeError)):
        core.pack(object(), 9, NotEncodable, lambda kind: (b"", ()), None)
    with pytest.raises((TypeError, AttributeError)):
        core.pack(object(), 9, NotEncodable, lambda kind: None, lambda value: 5)
    with pytest.raises((TypeError, AttributeError)):
        core.unpack(packed(["odd"]), 9, 9, NotDecodable, None, lambda code, parts: 5)
    with pytest.raises((TypeError, AttributeError)):
        core.unpack(bytearray(b"\xc0"), 9, 9, NotDecodable, None, None)


@pytest.mark.skipif(_impl.CORE == "python", reason="the twin goes by what it is told")
@pytest.mark.parametrize(("parts", "is_struct"), [(3, False), (0, False), (-1, False), (2, True)])
def test_a_count_of_parts_that_the_layout_has_not_is_refused(parts, is_struct):
    found = _unpack.Find(codec.find_layout(Point), parts, (), is_struct)
    data = Writer().encode(Point(1))

    with pytest.raises(TypeError, match="expected as many parts as slots"):
        _impl.unpack(data, 9, 9, NotDecodable, lambda module, name: found, None)


@pytest.mark.skipif(_impl.CORE == "python", reason="the twin goes by what it is told")
def test_a_plan_of_another_class_is_refused():
    layout = codec.find_layout(Pair)

    with pytest.raises(TypeError, match=r"expected one of .*Point"):
        _impl.pack(Point(1), 9, NotEncodable, lambda kind: (b"", layout), None)


@pytest.mark.skipif(_impl.CORE == "python", reason="the twin writes a list as it stood")
def test_a_list_that_changes_while_it_is_written_is_an_error():
    value = [1, object(), 2]

    def apart(part):
        value.clear()
        return ["other"], True

    with pytest.raises(RuntimeError, match="changed size while it was written"):
        _impl.pack(value, 9, NotEncodable, lambda kind: None, apart)


def test_nothing_is_left_of_what_was_written_read_and_refused():
    data = Writer().encode(SAMPLE)
    bad = [data[:-1], packed(["list", ["list", 1], ["again", 9]]), packed(["dict", 1, 2, 1, 3])]

    def once():
        for core in CORES.values():
            written(core, SAMPLE), read(core, data)
            for each in bad:
                read(core, each)

    for _ in range(3):
        once()
    gc.collect()
    before = sys.getallocatedblocks()

    for _ in range(50):
        once()
    gc.collect()

    assert sys.getallocatedblocks() - before < 50
