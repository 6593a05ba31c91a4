"""The report: ratios, spread and the words around them."""

from bench.benchmarks import BYTES_EACH, PER_SECOND
from bench.child import Description
from bench.machine import Machine, _cpu_model
from bench.report import Setting, to_data, to_text
from bench.session import Results
from bench.table import pick

MACHINE = Machine("a CPU", 2, 24.0, "Linux 6", 0.5)


def setting(quick: bool = False) -> Setting:
    return Setting(MACHINE, MACHINE, cpus=[0, 1], partner_cpus=[1], rounds=3, quick=quick, elapsed_seconds=1.0)


def results(benchmark: str, **figures: list[float]) -> Results:
    made = Results(descriptions={peer: Description(peer, "1.0", "CPython 3", [0, 1], "on") for peer in figures})
    for peer, own in figures.items():
        for figure in own:
            made.add(benchmark, peer, figure)
    return made


def test_amounts_become_figures_in_their_unit():
    assert PER_SECOND.convert(0.5, 100) == 200
    assert BYTES_EACH.convert(64_000, 100) == 640


def test_a_table_shows_median_spread_and_ratios_to_the_baselines_of_the_run():
    measured = results("tell", libactor=[3e6, 1.2344e6, 2e6], pykka=[1e6, 1e6, 1e6])

    lines = to_text(pick(["tell"]), measured, setting()).splitlines()

    row = next(line for line in lines if line.startswith("| libactor "))
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        "libactor", "2,000,000", "1,230,000 - 3,000,000", "2.00",
    ]  # fmt: skip
    assert any("x pykka" in line and "x uvloop" not in line for line in lines)


def cells_of_last_row(name, *figures):
    text = to_text(pick([name]), results(name, allocator=list(figures)), setting())
    return [cell.strip() for cell in text.splitlines()[-1].strip("|").split("|")][1:]


def test_plans_are_also_given_per_agent_with_what_they_are_to_take_and_what_mesos_takes():
    row = cells_of_last_row("suppress-99%[5k/200]", 70.0, 100.0, 200.0)

    assert row == ["100", "70 - 200", "20", "217", "met", "217 - 265", "ExtremeSuppressOffers", "2.17 - 2.65"]


def test_a_plan_that_takes_longer_than_it_may_is_shown_as_such():
    assert cells_of_last_row("decline-all[1k/200]", 31.0)[3:5] == ["30", "MISSED"]


def test_a_plan_that_nobody_compares_has_no_verdict():
    assert cells_of_last_row("cycle-idle[10k/1k]", 0.002)[3:] == ["-", "", "-", "", "-"]


def test_a_quick_report_says_that_its_figures_mean_nothing():
    measured = results("tell", libactor=[1.0])

    assert "QUICK" in to_text(pick(["tell"]), measured, setting(quick=True))
    assert "QUICK" not in to_text(pick(["tell"]), measured, setting())


def test_a_quick_report_compares_nothing_with_mesos_and_says_the_sizes_it_had():
    measured = results("suppress-99%[5k/200]", allocator=[1.0])

    row = to_text(pick(["suppress-99%[5k/200]"]), measured, setting(quick=True)).splitlines()[-1]

    assert row.startswith("| suppress-99%[60]: ")
    assert len(row.strip("|").split("|")) == 4, "what, median, spread, each"


def test_the_heading_tells_machine_placement_load_and_versions():
    text = to_text(pick(["tell"]), results("tell", libactor=[1.0]), setting())

    for fact in (
        "a CPU, 2 CPUs",
        "pinned to CPUs [0, 1]; at a socket's other end, to [1]",
        "0.5 before",
        "CPython 3",
        "libactor: 1.0",
        "rounds: 3",
    ):
        assert fact in text


def test_a_peer_that_is_not_installed_is_named_with_what_is_missing():
    here = Setting(
        MACHINE,
        MACHINE,
        cpus=[0],
        partner_cpus=[0],
        rounds=1,
        quick=False,
        elapsed_seconds=1.0,
        left_out={"erlang": "no VM"},
    )

    assert "erlang: left out, no VM" in to_text(pick(["tell"]), results("tell", libactor=[1.0]), here)


def test_lines_of_libactor_alone_share_a_table_with_their_units():
    name = "queue[100 events]"

    lines = to_text(pick([name]), results(name, libactor=[150.0, 170.0, 160.0]), setting()).splitlines()

    row = next(line for line in lines if line.startswith(f"| {name} "))
    assert [cell.strip() for cell in row.strip("|").split("|")][1:] == ["ns each", "160", "150 - 170"]


def test_medians_of_several_lines_stand_side_by_side():
    measured = results("tell", libactor=[2.0, 2.0, 9.0], pykka=[1.0, 1.0, 1.0])
    for figure in (4.0, 4.0, 5.0):
        measured.add("ring", "libactor", figure)
        measured.add("ring", "uvloop", 3.0)

    text = to_text(pick(["tell", "ring"]), measured, setting())

    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    assert ["medians", "", "libactor", "pykka", "uvloop"] in rows
    assert ["tell", "per second", "2", "1", "-"] in rows
    assert ["ring", "per second", "4", "-", "3"] in rows


def test_targets_and_what_libprocess_reached_stand_below_what_was_measured():
    text = to_text(pick(["tell"]), results("tell", libactor=[4e6] * 3, pykka=[2e5] * 3), setting())

    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    assert ["tell", "pykka", "15.00 x", "20.00 x", "met"] in rows
    assert [row for row in rows if row[:2] == ["tell", "threads"]] == []
    assert any(row[0] == "tell" and row[3] == "2,000,000 - 3,700,000" and row[-1] == "1.08 - 2" for row in rows)


def test_data_keeps_the_figure_of_every_round():
    data = to_data(pick(["memory"]), results("memory", libactor=[600.0, 601.0], pykka=[9e3, 9e3]), setting())

    assert data["benchmarks"]["memory"]["figures"] == {"libactor": [600.0, 601.0], "pykka": [9e3, 9e3]}
    assert data["benchmarks"]["memory"]["counts"] == {"libactor": 20_000, "pykka": 1_000}
    assert data["setting"]["before"]["cpu_model"] == "a CPU"


def test_a_machine_that_names_no_model_is_named_by_its_architecture():
    assert _cpu_model("processor : 0\nmodel name\t: Fast 9\n") == "Fast 9"
    assert _cpu_model("processor : 0\n").strip()
