"""Targets: what is compared with what, and when one is met."""

import pytest

from bench.benchmarks import LIBACTOR, LIBACTOR_PYTHON, PYKKA
from bench.table import BENCHMARKS
from bench.targets import MET, MISSED, NOT_YET, REFERENCES, TARGETS, Figure, Growth, Reference, Times, ratio

LINES = {benchmark.name: benchmark for benchmark in BENCHMARKS}


# Goal: noise that meets both sides of a round cancels. Method: rounds that differ much, with equal ratios but one.
def test_a_ratio_is_the_median_of_the_ratios_within_rounds():
    assert ratio([10.0, 200.0, 9.0], [5.0, 100.0, 1.0], more_is_better=True) == 2.0


def test_a_ratio_above_one_is_better_also_where_less_is_better():
    assert ratio([1.0], [4.0], more_is_better=False) == 4.0


def test_rounds_that_do_not_pair_are_refused():
    with pytest.raises(ValueError, match="shorter"):
        ratio([1.0, 2.0], [1.0], more_is_better=True)


def test_being_better_is_measured_within_a_line_or_with_another_one():
    figures = {"ask": {LIBACTOR: [8.0, 9.0], PYKKA: [2.0, 3.0]}, "ask-no-help": {LIBACTOR: [4.0, 6.0]}}

    assert Times("ask", 3, PYKKA).reached(figures) == 3.5
    assert Times("ask-no-help", 3, PYKKA, "ask").reached(figures) == 2.0
    assert Times("ask", 2, LIBACTOR, "ask-no-help").reached(figures) == 1.75


def test_what_was_not_measured_is_not_judged():
    figures = {"ask": {LIBACTOR_PYTHON: [8.0], PYKKA: [2.0]}}

    for target in (Times("ask", 3, PYKKA), Growth("ask", 3, "tell"), Figure("ask", 3)):
        assert target.reached(figures) is None


@pytest.mark.parametrize(
    ("target", "enough", "too_little"),
    [
        (Times("tell", 15, PYKKA), 15.0, 14.99),
        (Figure("asyncio-ask", 30_000), 30_000, 29_999),
        (Figure("memory", 600), 600, 601),
        (Growth("tell", 2.5, "ask"), 2.5, 2.51),
    ],
)
def test_a_target_is_met_at_its_figure_and_not_beside_it(target, enough, too_little):
    assert target.verdict(enough) == MET
    assert target.verdict(too_little) == MISSED


def test_what_lies_beyond_the_targets_is_not_missed_and_what_is_shown_only_is_not_judged():
    assert Times("tell", 2, PYKKA, beyond=True).verdict(1.0) == NOT_YET
    assert Times("tell", None, PYKKA).verdict(1.0) == ""


def test_growth_is_how_many_times_as_much_one_costs_as_the_other():
    few, many = "queue[100 events]", "queue[1,000,000 events]"
    growth = Growth(many, 2.5, few)

    reached = growth.reached({few: {LIBACTOR: [100.0, 200.0, 100.0]}, many: {LIBACTOR: [200.0, 400.0, 900.0]}})

    assert reached == 2.0


# Goal: no target that no run can reach for want of figures. Method: look each up in the table of benchmarks.
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: f"{target.name}-{target.against}")
def test_a_target_names_lines_of_the_table_and_peers_that_take_part(target):
    assert LIBACTOR in LINES[target.name].peers
    if isinstance(target, (Times, Growth)):
        assert getattr(target, "peer", LIBACTOR) in LINES[target.other or target.name].peers


def test_what_libprocess_reached_stands_beside_a_line_that_counts_per_second():
    assert {LINES[reference.name].scale.unit for reference in REFERENCES} == {"per second"}
    assert all(reference.least <= reference.most for reference in REFERENCES)


def test_libprocess_is_compared_by_its_most_and_by_its_least():
    assert Reference("tell", 2.0, 4.0, "dispatch").times([8.0, 8.0, 9.0]) == (2.0, 4.0)
