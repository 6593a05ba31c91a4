"""Sessions: who measures when and where, and what the command line does with the results."""

import json

import pytest

from bench.__main__ import main
from bench.benchmarks import LIBACTOR, LIBACTOR_PYTHON, PYKKA
from bench.child import measure
from bench.session import Child, ChildFailed, turns
from bench.table import BENCHMARKS, GROUPS, pick


class Work:
    """Work that takes as long as it is told to."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = list(seconds)
        self.counts: list[int] = []

    def __call__(self, count: int) -> float:
        self.counts.append(count)
        return self.seconds.pop(0)


def test_work_is_warmed_up_and_repeated_until_it_took_long_enough():
    work = Work(9.0, 0.1, 0.05, 0.1)

    measured = measure(work, 100, seconds_least=0.2)

    assert measured == (pytest.approx(0.25), 300)
    assert work.counts == [5, 100, 100, 100]


def test_work_that_cannot_be_repeated_is_done_once_and_not_warmed_up():
    work = Work(0.0)

    assert measure(work, 100, seconds_least=0.0) == (0.0, 100)
    assert work.counts == [100]


# Goal: what else the machine does meets all peers alike. Method: the order of two rounds.
def test_peers_take_turns_within_a_benchmark_and_in_going_first():
    benchmarks = pick(["tell", "ask"])

    first, second = [
        [(benchmark.name, peer) for benchmark, peer in turns(benchmarks, [PYKKA, LIBACTOR], number)]
        for number in (0, 1)
    ]

    assert first == [("tell", LIBACTOR), ("tell", PYKKA), ("ask", LIBACTOR), ("ask", PYKKA)]
    assert second == [("tell", PYKKA), ("tell", LIBACTOR), ("ask", PYKKA), ("ask", LIBACTOR)]


def test_a_peer_is_asked_only_for_what_it_takes_part_in():
    assert not list(turns(pick(["then"]), [PYKKA], 0))


def test_names_pick_in_the_order_of_the_table_with_or_without_their_size():
    picked = pick(["quota-idle", "ask", "tell"])

    assert [benchmark.name.partition("[")[0] for benchmark in picked] == ["tell", "ask", *["quota-idle"] * 3]
    assert pick(["allocator"]) == GROUPS["allocator"]
    with pytest.raises(ValueError, match="no benchmark is called 'as'"):
        pick(["as"])


def test_what_takes_long_is_picked_by_its_name_alone():
    huge = {benchmark for benchmark in BENCHMARKS if benchmark.on_request}

    assert huge
    assert set(BENCHMARKS) - set(pick([])) == huge
    assert not huge & set(pick(["scale"]))
    names = ["queue-huge", "failover", "failover-known", "failover-ask", "poll", "subscribe", "get-state-cold"]
    names += [f"responsive-{name}" for name in ("health", "ask", "offers")]
    assert set(pick([*names, *[f"state-{name}" for name in ("returned", "cold", "changed", "known")]])) == huge


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--only", "teleport"], "no benchmark is called 'teleport'"),
        (["--peers", "akka"], "no peer is called 'akka'"),
        (["--rounds", "0"], "expected a whole number from 1 on"),
        (["--cpus", "x"], "expected the numbers of CPUs"),
        (["--only", "then", "--peers", "pykka"], "none of these peers takes part"),
        (["--only", "tell", "--draw", "x.svg"], "none of these is drawn; cycle-full"),
    ],
)
def test_what_cannot_be_run_is_refused_with_the_reason(arguments, complaint, capsys):
    with pytest.raises(SystemExit) as refusal:
        main(arguments)

    assert refusal.value.code == 2
    assert complaint in capsys.readouterr().err


def test_a_peer_that_is_asked_for_and_missing_is_refused_with_what_is_missing(monkeypatch, capsys):
    monkeypatch.setattr("shutil.which", lambda name: None)

    with pytest.raises(SystemExit):
        main(["--peers", "libactor,erlang", "--only", "tell"])

    assert "erlang cannot take part: there is no escript here" in capsys.readouterr().err


def test_the_list_names_every_benchmark(capsys):
    assert main(["--list"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("  [")[0] for line in lines[::2]] == [benchmark.name for benchmark in BENCHMARKS]


@pytest.mark.real
def test_a_quick_session_measures_each_core_in_a_process_of_its_own(tmp_path, capsys):
    file = tmp_path / "figures.json"

    code = main(["--quick", "--only", "tell,memory", "--peers", "libactor-python,pykka", "--json", str(file)])

    report = capsys.readouterr().out
    figures = json.loads(file.read_text())
    assert code == 0
    assert "QUICK" in report
    assert "x pykka" in report
    assert figures["peers"][LIBACTOR_PYTHON]["version"].endswith("python core")
    assert figures["peers"][PYKKA]["cpus"] == figures["setting"]["cpus"]
    assert {peer: len(rounds) for peer, rounds in figures["benchmarks"]["tell"]["figures"].items()} == {
        LIBACTOR_PYTHON: 2,
        PYKKA: 2,
    }
    assert all(size > 0 for rounds in figures["benchmarks"]["memory"]["figures"].values() for size in rounds)


@pytest.mark.real
def test_a_child_that_ends_before_it_answers_is_an_error():
    with pytest.raises(ChildFailed, match="the process that measures akka ended"):
        Child("akka")
