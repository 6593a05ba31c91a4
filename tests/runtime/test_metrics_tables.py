"""Tables: the same numbers of each of many things, in a snapshot and as JSON, and what cannot be in them."""

import gc
import json

import pytest

import libactor as la
from libactor.metrics.rows import Rows

LIMIT = 30
COLUMNS = ("done", "open/late", "open/now")


def rows_of(**values):
    return [la.metrics.Row(name, COLUMNS, numbers) for name, numbers in values.items()]


def both(runtime):
    """What a snapshot says, and its JSON in both forms: the same, in the same order."""
    found = runtime.metrics.snapshot().get(LIMIT)
    listed = json.loads(runtime.metrics.snapshot_json(as_list=True).get(LIMIT))
    text = json.loads(runtime.metrics.snapshot_json().get(LIMIT))
    names = [name for name in found if not name.startswith("libactor/")]
    assert [name for name in text if not name.startswith("libactor/")] == names
    assert list(found) == sorted(found) == list(text)
    assert all(isinstance(value, float) for value in text.values())
    assert {name: text[name] for name in names} == {name: found[name] for name in names}
    assert [one for one in listed if not one["name"].startswith("libactor/")] == [
        {"name": name, "value": text[name]} for name in names
    ]
    assert [one["name"] for one in listed] == list(found)
    return {name: found[name] for name in names}


def test_a_table_tells_each_number_of_each_row_zeros_too(runtime):
    runtime.metrics.add(la.metrics.Table("shop/sellers", lambda: rows_of(eve=(0, 0, 0), bob=[7, 0, 2.5])))
    for name in ("shop", "shop/sellers-", "shop/sellersx", "shop/a", "shop/z"):
        runtime.metrics.add(la.metrics.Counter(name))

    assert both(runtime) == {
        "shop": 0,
        "shop/a": 0,
        "shop/sellers-": 0,
        "shop/sellers/bob/done": 7,
        "shop/sellers/bob/open/late": 0,
        "shop/sellers/bob/open/now": 2.5,
        "shop/sellers/eve/done": 0,
        "shop/sellers/eve/open/late": 0,
        "shop/sellers/eve/open/now": 0,
        "shop/sellersx": 0,
        "shop/z": 0,
    }


def test_rows_may_have_other_columns_and_names_that_json_quotes(runtime):
    rows = [la.metrics.Row('a"b', ("x",), (1,)), la.metrics.Row("c\\d/e", ('y"', "z"), (0, 1e300))]
    runtime.metrics.add(la.metrics.Table("shop", lambda: la.ready(rows)))

    assert both(runtime) == {'shop/a"b/x': 1, 'shop/c\\d/e/y"': 0, "shop/c\\d/e/z": 1e300}


@pytest.mark.parametrize("rows", [[], (), {}, [la.metrics.Row("a", (), ())]])
def test_a_table_without_rows_says_nothing(runtime, rows):
    runtime.metrics.add(la.metrics.Table("shop", lambda: rows))
    runtime.metrics.add(la.metrics.Table("aaa", lambda: rows))

    assert both(runtime) == {}


@pytest.mark.parametrize(
    "rows",
    [
        7,
        [7],
        [("a", ("x",), (1,))],
        [la.metrics.Row("a", ("x",), ("1",))],
        rows_of(a=(1, 2)),
        rows_of(a=(1, 2, float("nan"))),
        rows_of(b=(1, 2, 3), a=(float("inf"), 0, 0)),
        rows_of(a=(10**400, -(10**400), 0)),
        [la.metrics.Row("\udc80", COLUMNS, (1, 2, 3))],
        [la.metrics.Row("a", ("x", "\udc80"), (1, 2))],
        [la.metrics.Row("a", ("x", 1), (1, 2))],
        [*rows_of(a=(1, 2, 3)), la.metrics.Row(None, COLUMNS, (1, 2, 3))],
        la.failed(OSError("x")),
    ],
)
def test_a_table_that_comes_to_no_rows_is_left_out_and_does_not_hurt_the_others(runtime, rows):
    runtime.metrics.add(la.metrics.Table("shop", lambda: rows))
    runtime.metrics.add(la.metrics.Gauge("other", lambda: 3))

    assert both(runtime) == {"other": 3}


def coroutine():
    async def rows():
        return iter(rows_of(a=(1, 2, 3)))

    return rows


@pytest.mark.parametrize(
    "function",
    [
        lambda: (row for row in rows_of(a=(1, 2, 3))),
        lambda: la.ready(rows_of(a=[1, 2, 3])),
        coroutine(),
        lambda: [la.metrics.Row("a", list(COLUMNS), (1, 2, 3))],
    ],
)
def test_rows_may_come_one_by_one_later_or_from_a_coroutine(runtime, function):
    runtime.metrics.add(la.metrics.Table("shop", function))

    assert both(runtime) == {"shop/a/done": 1, "shop/a/open/late": 2, "shop/a/open/now": 3}


def test_the_pieces_are_the_text_and_may_be_read_again(runtime):
    runtime.metrics.add(
        la.metrics.Table("shop", lambda: rows_of(**{f"a{number:05}": (1, 0, 2) for number in range(9_000)}))
    )

    pieces = runtime.metrics.snapshot_pieces(as_list=True).get(LIMIT)
    sizes = [len(piece) for piece in pieces]
    listed = json.loads(b"".join(pieces))

    assert len(sizes) > 3
    assert max(sizes) < 300_000
    assert sum(one["name"].startswith("shop/") for one in listed) == 27_000
    assert json.loads(b"".join(runtime.metrics.snapshot_pieces().get(LIMIT))).keys() == {one["name"] for one in listed}


# Goal: snapshots bring about no full collections. Method: of rows that are read nothing is left that one looks at.
def test_rows_that_were_read_are_nothing_to_the_garbage_collector():
    rows = (la.metrics.Row(f"a{number}", COLUMNS, [number, 0, 0]) for number in range(1_000))
    before = len(gc.get_objects())

    kept = Rows(rows)

    assert len(gc.get_objects()) < before + 100
    assert sum(1 for _ in kept) == 1_000


def test_a_table_that_does_not_answer_is_left_out_when_the_time_is_over(paused):
    paused.metrics.add(la.metrics.Table("shop", lambda: la.Promise().future))
    asked = paused.metrics.snapshot_json(5)

    paused.clock.advance(4.9)
    assert asked.is_pending()
    paused.clock.advance(0.2)

    assert "shop" not in asked.get(LIMIT).decode()


def test_a_snapshot_may_leave_tables_out(runtime):
    asked = []
    runtime.metrics.add(la.metrics.Table("shop", lambda: asked.append(1)))

    found = runtime.metrics.snapshot(tables=False).get(LIMIT)

    assert asked == []
    assert all(name.startswith("libactor/") for name in found)


def test_names_below_a_tables_are_its_own(runtime):
    table, below = la.metrics.Table("shop", list), la.metrics.Counter("shop/x")
    runtime.metrics.add(table)

    for taken in (below, la.metrics.Table("shop/x", list), la.metrics.Counter("shop")):
        with pytest.raises(ValueError, match=r"'shop(/x)?' is taken by the metric 'shop'"):
            runtime.metrics.add(taken)

    runtime.metrics.remove(table)
    runtime.metrics.add(below)
    with pytest.raises(ValueError, match=r"'shop/x' is taken by the metric 'shop/x'; call the table"):
        runtime.metrics.replace(table)
    with pytest.raises(ValueError, match="is taken by the runtime"):
        runtime.metrics.add(la.metrics.Table("libactor", list))


def test_a_table_wants_a_function():
    with pytest.raises(TypeError, match="expected a function that returns rows"):
        la.metrics.Table("shop", [])
