"""Walks past clients that may not have an agent: in slices as well, whatever happens between two of them."""

import random
from collections.abc import Callable

import pytest

from mesoslite.allocator import Cycle
from mesoslite.allocator.clients import ClientBook
from mesoslite.model import (
    AgentAdded,
    AgentDeactivated,
    AgentID,
    AgentRemoved,
    AgentUpdated,
    Delta,
    FrameworkActivated,
    FrameworkAdded,
    FrameworkID,
    FrameworkRemoved,
    Paused,
    QuotaChanged,
    Resources,
    Resumed,
    Revived,
    Usage,
    WeightChanged,
)

from .cluster import Cluster

AGENT = AgentID("agent0")
COUNT = 60  # clients that may not have the agent: it has gpus


def crowd(sorter: str = "drf", count: int = COUNT) -> Cluster:
    """An agent that only the last of all frameworks in the order may have; half of the others are in one role."""
    cluster = Cluster(role_sorter=sorter, framework_sorter=sorter)
    cluster.add_agent("agent0", "cpus:4;mem:1024;gpus:1")
    for number in range(count):
        cluster.add_framework(f"no{number:03}", "many" if number % 2 else f"role{number:03}")
    cluster.add_framework("yes", "zoo", capabilities=("GPU_RESOURCES",))
    return cluster


class Watched:
    """A run of a cluster in slices, and who is asked in each."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.cycle = cluster.allocator.begin(random.Random(0))
        self.asked: list[list[tuple[FrameworkID, str]]] = []
        offer = self.cycle._offer

        def noted(agent: object, client: ClientBook) -> Resources | None:
            self.asked[-1].append(client.key)
            return offer(agent, client)  # type: ignore[arg-type]

        self.cycle._offer = noted  # type: ignore[method-assign, assignment]

    def advance(self, work: int) -> bool:
        self.asked.append([])
        is_through = self.cycle.advance(work)
        self.cluster.audit()
        return is_through

    def finish(self, work: int = 10) -> list[str]:
        """All other slices; who was granted something in the whole run."""
        while not self.advance(work):
            pass
        return served(self.cycle)


def served(cycle: Cycle) -> list[str]:
    assert cycle.plan is not None
    return [grant.framework_id for grant in cycle.plan.grants]


@pytest.mark.parametrize("sorter", ["drf", "random"])
def test_slice_asks_no_more_clients_than_it_is_told_though_all_are_of_one_agent(sorter: str) -> None:
    run = Watched(crowd(sorter))

    assert run.finish(10) == ["yes"]

    assert max(map(len, run.asked)) <= 10
    everybody = [key for asked in run.asked for key in asked]
    assert len(everybody) == len(set(everybody))


@pytest.mark.parametrize("sorter", ["drf", "random"])
def test_walk_in_slices_ends_with_whom_a_whole_one_does(sorter: str) -> None:
    whole = crowd(sorter, 25).plan()
    for work in (1, 2, 3, 7):
        cycle = crowd(sorter, 25).allocator.begin(random.Random(0))
        while not cycle.advance(work):
            pass
        assert cycle.plan is not None
        assert list(cycle.plan.grants) == whole


# Goal: a walk ends whatever happens. Method: something that changes the order happens before each slice.
@pytest.mark.parametrize("sorter", ["drf", "random"])
def test_nobody_is_asked_twice_though_the_order_changes_before_each_slice(sorter: str) -> None:
    cluster = crowd(sorter)
    run = Watched(cluster)
    slices = 0

    while not run.advance(10):
        slices += 1
        cluster.allocator.apply(WeightChanged("many", 1.0 + slices % 3))
        cluster.add_agent(f"small{slices}", "cpus:0.001")

    assert served(run.cycle) == ["yes"]
    everybody = [key for asked in run.asked for key in asked]
    assert len(everybody) == len(set(everybody))
    assert slices <= COUNT / 9 + 2


GONE = AgentAdded(agent_id=AGENT, hostname="again", total=Resources.of(cpus=1))


@pytest.mark.parametrize(
    ("deltas", "wanted"),
    [
        ([AgentRemoved(AGENT)], []),
        ([AgentRemoved(AGENT), GONE], []),  # another one: for the next run
        ([AgentDeactivated(AGENT)], []),
        ([AgentUpdated(agent_id=AGENT, total=Resources.of(mem=1))], []),
        ([FrameworkRemoved(FrameworkID("yes"))], []),
        ([FrameworkRemoved(FrameworkID(f"no{number:03}")) for number in range(COUNT)], ["yes"]),
        ([AgentUpdated(agent_id=AGENT, total=Resources.of(cpus=2))], ["no005"]),  # who was asked is not asked again
        ([FrameworkAdded(framework_id=FrameworkID("a"), roles=("a",), capabilities=("GPU_RESOURCES",))], ["a"]),
        ([QuotaChanged("rich", (("cpus", 9_000), ("mem", 9_000_000)))], []),  # held back
        ([Paused(), Resumed()], []),
    ],
)
def test_walk_goes_on_by_what_is_true_then(deltas: list[Delta], wanted: list[str]) -> None:
    cluster = crowd()
    run = Watched(cluster)
    run.advance(3)

    for delta in deltas:
        cluster.allocator.apply(delta)
        cluster.audit()

    assert run.finish() == wanted


def test_nobody_is_passed_over_though_agents_come_together_amid_a_walk() -> None:
    cluster = crowd(count=3)
    run = Watched(cluster)
    run.advance(4)
    assert run.asked == [[("no001", "many"), ("no000", "role000"), ("no002", "role002")]]
    used = (Usage(FrameworkID("no000"), "role000", Resources.of(cpus=1)),)  # who stood before, and comes last now

    cluster.allocator.add_agents(
        (AgentAdded(agent_id=AgentID("new"), hostname="h", total=Resources.of(cpus=1), used=used),)
    )

    assert run.finish() == ["yes"]


# Goal: who was asked in vain, and could have it since, gets it in the next run. Method: nobody else may have it.
@pytest.mark.parametrize(
    "happen",
    [
        lambda cluster: cluster.allocator.apply(AgentUpdated(agent_id=AGENT, total=Resources.of(cpus=2))),
        lambda cluster: cluster.allocator.apply(Revived(FrameworkID("no000"))),
        lambda cluster: cluster.allocator.apply(FrameworkActivated(FrameworkID("no000"))),
    ],
)
def test_agent_that_changed_behind_the_walk_is_looked_at_again(happen: Callable[[Cluster], None]) -> None:
    cluster = crowd(count=3)
    cluster.allocator.apply(FrameworkRemoved(FrameworkID("yes")))
    run = Watched(cluster)
    while not run.advance(1) and len(run.asked) < 3:
        pass

    happen(cluster)
    run.finish(1)

    assert cluster.visited() == 1


def test_agent_in_the_middle_of_which_a_run_is_stopped_is_left_to_the_next() -> None:
    cluster = crowd()
    run = Watched(cluster)
    run.advance(3)

    cluster.allocator.apply(Paused())
    cluster.allocator.apply(Resumed())

    assert cluster.served() == ["yes"]


def test_run_ends_if_nobody_is_left_in_the_middle_of_an_agent() -> None:
    cluster = crowd(count=5)
    run = Watched(cluster)
    run.advance(3)

    for framework in [f"no{number:03}" for number in range(5)] + ["yes"]:
        cluster.allocator.apply(FrameworkRemoved(FrameworkID(framework)))

    assert run.finish() == []
