"""Sorters of others that fail or give nonsense, and runs that something ends: what was done is undone, and said."""

import random
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import repeat
from typing import Any

import pytest

from mesoslite.allocator import DRFSorter, HierarchicalAllocator, named_sorter
from mesoslite.model import InvalidRequest, QuotaChanged

from .cluster import Cluster

METHODS = ("add", "remove", "activate", "deactivate", "moved", "ranked")


class NoSorter:
    """Has nothing of a sorter."""

    def __init__(self, *given: object) -> None:
        pass


class Trouble(Exception):
    """What a sorter fails with."""


def failing(method: str, times: list[int], error: type[BaseException] = Trouble) -> type[DRFSorter]:
    """A sorter of which one method fails as long as ``times`` has a number above zero, after so many calls."""

    class Failing(DRFSorter):
        pass

    def fail(self: Any, *given: Any) -> Any:
        if times and times[0] > 0:
            times[0] -= 1
            if not times[0]:
                raise error("out of order")
        return getattr(DRFSorter, method)(self, *given)

    setattr(Failing, method, fail)
    return Failing


@pytest.mark.parametrize(
    ("sorter", "problem"),
    [
        (3, r"sorter 3 is 3, expected what makes a sorter"),
        (None, r"sorter None is None, expected what makes a sorter"),
        (NoSorter, r"sorter NoSorter makes .* lacks add, remove, activate, deactivate, moved, ranked; a sorter has"),
        (dict, r"sorter dict cannot make a sorter: TypeError"),
        (lambda: None, r"cannot make a sorter: TypeError.*called with a ClusterTotal"),
        (lambda total, standing_of: None, r"makes None, which is no sorter"),
    ],
)
@pytest.mark.parametrize("option", ["role_sorter", "framework_sorter"])
def test_what_is_no_sorter_is_refused_when_it_is_named(option: str, sorter: Any, problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        HierarchicalAllocator(**{option: sorter})


def test_our_sorters_are_used_as_they_are() -> None:
    assert named_sorter(DRFSorter) is DRFSorter


@pytest.mark.parametrize(
    ("ranked", "problem"),
    [
        (lambda self, rng: None, "ranked gave None, expected an iterator"),
        (lambda self, rng: iter(["zzz"]), "ranked gave 'zzz', expected clients"),
        (lambda self, rng: {}[rng], "ranked failed: KeyError"),
    ],
)
def test_order_that_is_none_is_refused_and_the_sorter_named(ranked: Any, problem: str) -> None:
    cluster = Cluster(agents=3, framework_sorter=type("Mine", (DRFSorter,), {"ranked": ranked}))
    for framework in "ab":
        cluster.add_framework(framework)

    with pytest.raises(InvalidRequest, match=f"sorter Mine: {problem}"):
        cluster.plan()

    cluster.audit()


def test_order_without_end_is_refused() -> None:
    mine = type("Mine", (DRFSorter,), {"ranked": lambda self, rng: repeat("a")})
    cluster = Cluster(agents=1, total="cpus:1;gpus:1", framework_sorter=mine)
    for framework in "ab":
        cluster.add_framework(framework)  # which may not have the agent, for its gpus

    with pytest.raises(InvalidRequest, match="active, each once; mend the sorter"):
        cluster.plan()


# Goal: a sorter that fails once, whatever it was at, fails a run at most. Method: let each method fail at its 1st, 2nd,
# ... call, while frameworks come, are served, give back and go.
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("call", [1, 2, 5])
@pytest.mark.parametrize("has_quota", [False, True])
def test_books_are_true_and_the_next_plan_works_after_a_sorter_failed(method: str, call: int, has_quota: bool) -> None:
    times = [0]
    cluster = Cluster(agents=4, role_sorter=failing(method, times), framework_sorter=failing(method, times))
    for framework in "ab":
        cluster.add_framework(framework, "ads", "web")
    if has_quota:
        cluster.allocator.apply(QuotaChanged("ads", (("cpus", 1_000),), (("cpus", 100_000),)))
    times[0] = call

    for _ in range(3):
        with suppress(InvalidRequest):
            for grant in cluster.plan():
                cluster.recover(grant)
        cluster.audit()
    cluster.add_framework("c", "web")
    times[0] = 0

    try:
        granted = cluster.plan()
    except InvalidRequest:  # it failed as "c" came
        granted = cluster.plan()
    assert len(granted) == 4
    cluster.audit()


class BadStream:
    """A source of randomness that fails at a call."""

    def __init__(self, call: int, error: BaseException) -> None:
        self.left = call
        self.error = error
        self.random_stream = random.Random(0)

    def random(self) -> float:
        self.left -= 1
        if not self.left:
            raise self.error
        return self.random_stream.random()


@pytest.mark.parametrize("error", [Trouble(), KeyboardInterrupt()])
@pytest.mark.parametrize("call", [1, 3])
@pytest.mark.parametrize("has_quota", [False, True])
def test_run_that_is_ended_by_an_error_is_as_if_it_had_not_been(
    error: BaseException, call: int, has_quota: bool
) -> None:
    cluster = Cluster(agents=4)
    cluster.add_framework("a")
    if has_quota:
        cluster.allocator.apply(QuotaChanged("ads", (("cpus", 1_000),)))

    with pytest.raises(type(error)):
        cluster.allocator.plan(BadStream(call, error))

    cluster.audit()
    assert cluster.allocator.dominant_share("a") == 0.0  # type: ignore[arg-type]
    assert len(cluster.plan()) == 4


def test_run_that_was_advanced_and_failed_lets_the_next_begin() -> None:
    cluster = Cluster(agents=4)
    cluster.add_framework("a")
    run = cluster.allocator.begin(BadStream(2, Trouble()))

    run.advance(1)
    with pytest.raises(Trouble):
        run.advance(1)

    assert run.plan is None
    cluster.audit()
    assert len(cluster.plan()) == 4


# Goal: Ctrl-C leaves no booking half done. Method: it comes in the middle of one, from the sorter that hears of it.
@pytest.mark.real
def test_interrupt_waits_for_the_booking_and_undoes_the_run() -> None:
    cluster = Cluster(agents=4, framework_sorter=interrupted)
    for framework in "ab":
        cluster.add_framework(framework)
    handler = signal.getsignal(signal.SIGINT)
    INTERRUPTS[:] = [2]

    with pytest.raises(KeyboardInterrupt):
        cluster.plan()

    assert signal.getsignal(signal.SIGINT) is handler
    cluster.audit()
    assert len(cluster.plan()) == 4


INTERRUPTS: list[int] = []


class Interrupted(DRFSorter):
    """Presses Ctrl-C while it is told of a grant."""

    def moved(self, client: str) -> None:
        if INTERRUPTS:
            INTERRUPTS[0] -= 1
            if not INTERRUPTS[0]:
                INTERRUPTS.clear()
                signal.raise_signal(signal.SIGINT)
        super().moved(client)


interrupted: Callable[..., Any] = partial(Interrupted)
