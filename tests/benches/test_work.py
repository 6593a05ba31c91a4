"""Each benchmark does its work with each peer, and notices when it was not done."""

import math
import subprocess
import sys

import pytest

from bench import abuse, allocator, records, resources, state
from bench.benchmarks import ERLANG, LIBACTOR, LIBACTOR_PYTHON, PEERS, PYKKA, XOSCAR, WorkNotDone, expect
from bench.peers import libactor_actors, libactor_runtime, make_peer, missing, pykka_threads, work_of
from bench.peers.libactor_libprocess import make_tree
from bench.table import BENCHMARKS, GROUPS

COUNT = 20
# Not called `benchmark`: a pytest plugin that may be installed claims that name for a fixture.
PAIRS = [(peer, benchmark) for benchmark in BENCHMARKS for peer in benchmark.peers]
REAL = (*GROUPS["remote"], *GROUPS["http"], *GROUPS["subprocess"], *GROUPS["containers"])
# Of few actors the system may give no page; a difference may be negative.
NOT_ALWAYS_MORE = ("memory", "move-extra", "launch-passing")


def peer_here(name):
    if reason := missing(name):
        pytest.skip(f"{name}: {reason}")
    return make_peer(name)


# Goal: no figure without work. Method: run each at a tiny size, and watch what it holds to be its work.
@pytest.mark.parametrize(
    ("peer", "line"),
    [
        pytest.param(*pair, marks=pytest.mark.real if pair[1] in REAL else (), id=f"{pair[1].name}-{pair[0]}")
        for pair in PAIRS
    ],
)
def test_every_peer_does_and_checks_the_work_of_every_benchmark(peer, line, monkeypatch):
    checked = []

    def watch(got, wanted, what):
        expect(got, wanted, what)
        checked.append(what)

    monkeypatch.setattr(state, "REST_SECONDS", 0.0)
    maker = peer_here(peer)
    for name, module in list(sys.modules.items()):
        if name.startswith("bench.") and getattr(module, "expect", None) is expect:
            monkeypatch.setattr(module, "expect", watch)

    amount = work_of(maker, line, quick=True)(COUNT)

    assert math.isfinite(amount)
    assert amount > 0 or line.name.partition("[")[0] in NOT_ALWAYS_MORE
    assert checked


# The Python core has the methods of the other one, and does not take part in what is too large for it.
@pytest.mark.parametrize("peer", [peer for peer in PEERS if peer != LIBACTOR_PYTHON])
def test_the_table_names_every_method_of_a_peer_and_no_other(peer):
    methods = {name for name in dir(peer_here(peer)) if not name.startswith("_") and name != "loop_factory"}

    named = {benchmark.method for benchmark in BENCHMARKS if peer in benchmark.peers}

    assert named == methods


@pytest.mark.parametrize("method", ["tell", "ask", "pipelined"])
def test_an_actor_that_loses_numbers_is_noticed(method, monkeypatch):
    def add(self, number):
        return 0

    monkeypatch.setattr(libactor_actors.Counter, "add", add)
    monkeypatch.setattr(pykka_threads.Counter, "on_receive", add)

    for peer in (LIBACTOR, PYKKA):
        with pytest.raises(WorkNotDone, match="sum of"):
            getattr(make_peer(peer), method)(COUNT)


def test_a_token_that_was_not_everywhere_is_noticed(monkeypatch):
    def count(self):
        return 0

    monkeypatch.setattr(libactor_actors.Node, "count", count)

    with pytest.raises(WorkNotDone, match=r"hops: got 0, expected 20"):
        libactor_runtime.LibactorRuntime().ring(COUNT)


def test_an_allocator_that_is_not_idle_is_noticed(monkeypatch):
    monkeypatch.setattr(allocator.Cluster, "decline", lambda cluster, grants: None)

    with pytest.raises(WorkNotDone, match=r"grants of the plan after all were declined: got 0, expected 20"):
        allocator.AllocatorPlans().full_plan(COUNT, 2)


def test_a_quick_run_is_smaller_than_a_full_one_for_every_peer():
    sizes = [(benchmark.size(peer, quick=True), benchmark.size(peer, quick=False)) for peer, benchmark in PAIRS]

    assert all(0 < quick <= full for quick, full in sizes)
    assert all(quick < full for quick, full in sizes if full > 1_000)


def test_only_peers_that_the_bench_extra_does_not_bring_are_ever_missing(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("bench.peers.find_spec", lambda name: None)

    assert [peer for peer in PEERS if missing(peer)] == [ERLANG, XOSCAR]
    assert "escript" in missing(ERLANG)
    assert "pip install xoscar" in missing(XOSCAR)


def test_a_tree_has_as_many_parts_as_asked_for_and_at_most_four_below_each():
    def count(tree):
        assert len(tree.submessages) <= 4
        return 1 + sum(count(below) for below in tree.submessages)

    assert [count(make_tree(submessages)) for submessages in (0, 1, 5, 100)] == [1, 2, 6, 101]


def test_a_name_that_is_no_peer_is_refused():
    with pytest.raises(ValueError, match="no peer is called 'akka'"):
        make_peer("akka")


def test_resource_arithmetic_is_timed_and_checked(capsys, monkeypatch):
    monkeypatch.setattr(resources, "ROLES", 4)

    resources.main(times=1)

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(resources.operations(roles=4))
    wrong = resources.Operation("wrong", lambda: 1, 2)
    with pytest.raises(WorkNotDone, match="wrong"):
        resources.microseconds(wrong, 1)


@pytest.fixture
def in_this_process(monkeypatch):
    """Work that has a process of its own else, and passes of the collector over little, which are no claim here."""
    monkeypatch.setattr(records, "alone", lambda work: work())
    monkeypatch.setattr(records, "collect", lambda: 0)


def test_what_keeping_costs_is_printed_as_two_tables(capsys, in_this_process):
    records.main(count=COUNT)

    ways, figures = [
        [line.strip("|").split("|") for line in table.splitlines()[2:]]
        for table in capsys.readouterr().out.split("\n\n")
    ]
    assert [name.strip() for name, *_ in ways] == list(records.WAYS)
    assert all(math.isfinite(float(figure.replace(",", ""))) for _, *kept in ways for figure in kept)
    assert len(figures) == 9


def test_messages_that_were_not_kept_are_noticed(monkeypatch, in_this_process):
    monkeypatch.setattr(records.Collection, "put", lambda *_: None)

    with pytest.raises(WorkNotDone, match="records in the collection"):
        records.put(COUNT)


# In a program, since the pool leaves a process behind that lives as long as its maker.
@pytest.mark.real
def test_a_way_of_keeping_has_a_process_of_its_own():
    script = "import os; from bench.records import alone; print(alone(os.getpid) != os.getpid())"

    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)

    assert said.stdout == "True\n"


# Each abuse a thousandth of its size, and one of all sizes: MB of bodies, clients, connections and calls.
@pytest.mark.real
def test_what_an_abuse_costs_others_is_a_row(capsys):
    abuse.main(["none", "tasks", "endless", "idle", "unread"], agents=2, seconds=0.05, scale=0.001)

    _, _, *rows = capsys.readouterr().out.splitlines()
    cells = [row.strip("|").split("|") for row in rows]
    assert [name.strip() for name, *_ in cells] == [
        abuse.ABUSES[kind][2] for kind in ("none", "tasks", "endless", "idle", "unread")
    ]
    assert all(math.isfinite(float(figure)) for _, _, *figures in cells for figure in figures)
