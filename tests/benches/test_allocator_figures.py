"""The allocator's bounds, the figures beside them, and their drawing."""

from itertools import pairwise
from xml.etree import ElementTree

import pytest

from bench import failover_figures, master_figures, state_figures
from bench.allocator_figures import BOUNDS, REPORTS, Series, agents_in, measured_series
from bench.allocator_profiles import AGENT, AGENTS, TASKS, schedulers
from bench.benchmarks import ALLOCATOR, MASTER
from bench.bounds import Bound
from bench.drawing import draw
from bench.table import BENCHMARKS

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(("group", "bounds"), [("allocator", BOUNDS), ("master", master_figures.BOUNDS)])
def test_every_bound_is_about_a_line_of_the_table_and_no_line_has_two(group, bounds):
    names = [bound.name for bound in bounds]

    assert len(names) == len(set(names))
    assert set(names) <= {benchmark.name for benchmark in BENCHMARKS if benchmark.peers == (group,)}


def test_mesos_takes_so_many_times_as_long_at_least_and_at_most():
    assert Bound("a", None, 10.0, 30.0).times([5.0, 4.0, 6.0]) == (2.0, 6.0)
    assert Bound("a", None, 10.0).times([5.0]) == (2.0, 2.0)
    assert Bound("a", 1.0).times([5.0]) is None


@pytest.mark.parametrize(("name", "agents"), [("cycle-full[50k/6k]", 50_000), ("quota-first[300]", 300)])
def test_the_number_of_agents_stands_in_the_name_of_a_line(name, agents):
    assert agents_in(name) == agents


# Source: Mesos's hierarchical_allocator_benchmarks.cpp.
def test_the_three_profiles_are_554_frameworks_with_19_500_tasks_that_fit():
    everyone = schedulers(100)

    needed = {name: sum([one.left * one.task.milli(name) for one in everyone]) for name in ("cpus", "mem")}

    assert (len(everyone), sum([one.left for one in everyone])) == (554, TASKS)
    assert all(milli < AGENTS * AGENT.milli(name) for name, milli in needed.items())


def test_what_was_measured_is_drawn_beside_what_others_reported():
    figures = {"cycle-full[5k/500]": {ALLOCATOR: [30.0, 50.0, 40.0]}, "cycle-full[1k/100]": {ALLOCATOR: [6.0]}}

    own = measured_series(figures, ALLOCATOR)
    drawing = ElementTree.fromstring(draw([*own, *REPORTS], "agents", "ms"))

    assert [one.points for one in own] == [((1_000.0, 6.0), (5_000.0, 40.0))]
    texts = [text.text for text in drawing.iter(f"{SVG}text")]
    assert {one.label for one in (*own, *REPORTS)} <= set(texts)
    dots = sum([len(one.points) + 1 for one in (*own, *REPORTS)])
    assert len(list(drawing.iter(f"{SVG}circle"))) == dots


def test_ten_times_as_much_is_as_far_wherever_it_stands():
    drawing = ElementTree.fromstring(draw([Series("a & b", ((1, 1), (10, 10), (100, 100)))], "x", "y"))

    circles = list(drawing.iter(f"{SVG}circle"))[:3]
    steps = [float(two.attrib["cx"]) - float(one.attrib["cx"]) for one, two in pairwise(circles)]
    assert steps[0] == pytest.approx(steps[1], abs=0.2)


@pytest.mark.parametrize(
    ("seconds", "amounts"),
    [
        ((0.017, 0.09), ["0.01", "0.02", "0.05", "0.1"]),
        ((5, 20), ["5", "10", "20"]),
        ((1_000, 1_000), ["1,000", "2,000"]),
    ],
)
def test_an_axis_reaches_no_further_than_the_next_round_amount(seconds, amounts):
    drawing = ElementTree.fromstring(draw([Series("a", ((1, seconds[0]), (2, seconds[1])))], "x", "y"))

    texts = [text.text for text in drawing.iter(f"{SVG}text") if text.attrib["text-anchor"] == "end"]
    assert texts == amounts


@pytest.mark.parametrize("series", [[], [Series("a", ())], [Series("a", ((1, 0),))]])
def test_what_has_no_logarithm_is_not_drawn(series):
    with pytest.raises(ValueError, match="above zero"):
        draw(series, "x", "y")


def test_failovers_are_drawn_as_the_report_drew_them_with_and_without_completed_tasks():
    figures = {"failover[10k/100k]": {MASTER: [2_000.0]}, "failover[1k/10k]": {MASTER: [300.0, 100.0, 200.0]}}

    [(name, series)] = failover_figures.charts(figures, MASTER).items()
    drawing = draw(series, "agents", "seconds")

    assert name == "failover"
    assert series[0].points == ((1_000.0, 0.2), (10_000.0, 2.0))
    assert all(one.label in drawing for one in series)


def test_pollers_are_drawn_by_how_many_they_are_and_state_by_how_large():
    figures = {
        "poll[100/20]": {MASTER: [900.0, 1_000.0, 3_000.0]},
        "poll[100/1]": {MASTER: [100.0]},
        "state-cold[1k/20k]": {MASTER: [50.0]},
    }

    drawn = state_figures.charts(figures, MASTER)

    assert [drawn[name][0].points for name in ("pollers", "state")] == [((1.0, 0.1), (20.0, 1.0)), ((1_000.0, 0.05),)]
    assert [one.points[-1] for one in drawn["pollers"][1:]] == [(20, 0.96), (20, 3.9)]
    assert all(len(one) > 1 and draw(one, *state_figures.CHARTS[name][1]) for name, one in drawn.items())
    assert state_figures.charts({}, MASTER) == {}
