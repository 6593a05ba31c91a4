"""Metrics for Prometheus: names, types and help, and that its own parser reads them back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_new
from prometheus_client.parser import text_string_to_metric_families as parse_old

import libactor as la
from libactor.http.prometheus import render
from libactor.metrics.metric import STATISTICS
from libactor.metrics.own import COUNTS, OWN

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
names = st.from_regex(r"[\w.*%()@:+~=,-]{1,8}(/[\w.*%()@:+~=,-]{1,8}){0,2}", fullmatch=True).filter(str.isascii)


def old(snapshot, metrics=()):
    """What Prometheus reads: family, type, help and samples."""
    text, media = render(snapshot, metrics, "")
    assert media.startswith("text/plain")
    return {family.name: family for family in parse_old(text.decode())}


def values(family):
    return {(sample.name, *sorted(sample.labels.items())): sample.value for sample in family.samples}


def test_a_counter_is_a_counter_and_all_else_a_gauge(runtime):
    metrics = [la.metrics.Counter("shop/sold"), la.metrics.PushGauge("shop/waiting"), la.metrics.Timer("shop/sale")]

    found = old({"shop/sold": 3, "shop/waiting": -2.5, "shop/sale_ms": 7}, metrics)

    assert {name: family.type for name, family in found.items()} == {
        "shop_sold": "counter", "shop_waiting": "gauge", "shop_sale_ms": "gauge",
    }  # fmt: skip
    assert values(found["shop_sold"]) == {("shop_sold_total",): 3}
    assert values(found["shop_waiting"]) == {("shop_waiting",): -2.5}
    assert found["shop_sold"].documentation == "shop/sold"


def test_statistics_are_a_family_with_a_label(runtime):
    metric = la.metrics.PushGauge("shop/waiting", window=60)
    snapshot = {"shop/waiting": 1, **{f"shop/waiting/{key}": 5 for key in STATISTICS}}

    found = old(snapshot, [metric])

    assert values(found["shop_waiting"]) == {("shop_waiting",): 1}
    assert values(found["shop_waiting_window"]) == {
        ("shop_waiting_window", ("statistic", key)): 5 for key in STATISTICS
    }


def test_names_that_become_alike_are_told_apart(runtime):
    metrics = [
        la.metrics.Counter("a/b"),
        la.metrics.Counter("a.b"),
        la.metrics.PushGauge("x_total"),
        la.metrics.Counter("x"),
    ]

    found = old({"a/b": 1, "a.b": 2, "x_total": 3, "x": 4}, metrics)

    assert values(found["a_b"]) == {("a_b_total", ("metric", "a/b")): 1, ("a_b_total", ("metric", "a.b")): 2}
    assert values(found["x"]) == {("x", ("metric", "x_total")): 3, ("x", ("metric", "x")): 4}
    assert found["x"].type in ("unknown", "untyped")


def test_a_gauge_that_is_called_like_a_counter_keeps_its_name(runtime):
    found = old({"jobs_total": 3, "_total": 1}, [la.metrics.PushGauge("jobs_total")])

    assert found["jobs_total"].type == "gauge"


def test_the_runtime_s_own_numbers_have_types_too(runtime):
    found = old(runtime.metrics.snapshot().get(30))

    assert {family.type for family in found.values()} == {"counter", "gauge"}
    assert found["libactor_dead_letters"].type == "counter"
    assert found["libactor_actors"].type == "gauge"
    assert set(OWN) >= COUNTS


@given(st.dictionaries(names, st.floats(allow_nan=False, allow_infinity=False), max_size=6), st.data())
def test_what_is_written_is_read_back_in_both_forms(snapshot, data):
    metrics = [la.metrics.Counter(name) for name in snapshot if snapshot[name] >= 0 and data.draw(st.booleans())]

    for accept, parse in (("", parse_old), (OPENMETRICS, parse_new)):
        text, _ = render(snapshot, metrics, accept)
        read = [sample for family in parse(text.decode()) for sample in family.samples]
        assert sorted(sample.value for sample in read) == sorted(snapshot.values())
        keys = [(sample.name, *sorted(sample.labels.items())) for sample in read]
        assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    "accept", ["\0", ";;;", "application/openmetrics-text; version=x", "text/plain; version=" + "9" * 99]
)
def test_a_strange_accept_is_answered_as_none(accept, runtime):
    text, _ = render({"a": 1}, [], accept)

    assert b"a 1.0" in text
