"""How much is done: so many steps, visits and looks, and none that grow with what has nothing to do with it."""

import random

import pytest

from mesoslite.allocator.agents import AgentBook
from mesoslite.model import (
    AgentActivated,
    AgentID,
    AgentRemoved,
    FrameworkID,
    FrameworkRemoved,
    Grant,
    Paused,
    QuotaChanged,
    Resumed,
)

from .cluster import Cluster
from .test_quota import quota


# Goal: what a task's end costs does not grow with who else holds something there. Method: nobody's holdings are summed.
def test_recovery_does_not_sum_up_what_is_held_on_the_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(1, is_audited=False)
    cluster.add_framework("a")
    cluster.add_framework("b", "web")
    (grant,) = cluster.plan()
    summed: list[AgentBook] = []
    monkeypatch.setattr(AgentBook, "check", summed.append)

    cluster.decline(grant)
    cluster.plan()
    for name in ("a", "b"):
        cluster.allocator.apply(FrameworkRemoved(FrameworkID(name)))

    assert summed == []


def crowded(agents: int, limit: int) -> tuple[Cluster, list[Grant]]:
    """Agents of which a role at its limit has as many as that, and another role all others; and what was granted."""
    cluster = Cluster(agents, is_audited=False)
    cluster.add_framework("a", "limited")
    cluster.add_framework("b", "other")
    cluster.allocator.apply(quota("limited", limits=f"cpus:{4 * limit};mem:{1024 * limit}"))
    return cluster, cluster.plan()


def test_agents_with_nothing_free_are_not_looked_at_when_a_task_of_another_ends() -> None:
    cluster, grants = crowded(40, 10)
    other = next(grant for grant in grants if grant.role == "other")

    cluster.recover(other)

    assert cluster.visited() == 1


# Goal: agents that are held back from a role are come back to only until it has all it may have again. Method: the
# role has a filter about the agent it gave back, so it can take any other; agents keep half of what they have free.
def test_agents_held_back_are_looked_at_until_the_role_is_full_again() -> None:
    cluster = Cluster(40, "cpus:2;mem:2048", is_audited=False)
    for number in range(40):
        cluster.add_framework(f"f{number}", f"r{number}")
        cluster.allocator.apply(quota(f"r{number}", limits="cpus:1;mem:1024"))
    grants = cluster.plan()
    assert len(grants) == 40

    cluster.recover(grants[0], filtered=True)
    cycle = cluster.allocator.begin(random.Random(0))
    assert cycle.advance(1_000_000)

    assert cycle.plan is not None
    assert [grant.role for grant in cycle.plan.grants] == [grants[0].role]
    assert cycle.visited <= 3
    assert cluster.visited() == 0


# Goal: guarantees that keep agents from others have them looked at only if there is more beyond the guarantees. Method:
# a guarantee that nobody uses keeps back all that is free but for what is held by a role, which changes hands.
def test_agents_that_guarantees_keep_back_wait_for_something_beyond_these() -> None:
    cluster = Cluster(30, is_audited=False)
    cluster.add_framework("a", "ads")
    cluster.allocator.apply(quota("web", guarantees="cpus:80;mem:20480"))
    cluster.allocator.apply(quota("zoo", guarantees="cpus:4;mem:1024"))
    granted = cluster.plan()
    assert len(granted) == 9
    assert cluster.visited() == 0

    cluster.allocator.apply(AgentRemoved(granted[0].agent_id))
    assert cluster.visited() == 0
    cluster.recover(granted[1], declined=True)
    assert cluster.visited() <= 2
    cluster.allocator.apply(quota("web", guarantees="cpus:76;mem:19456"))
    assert len(cluster.plan()) == 1


# Goal: a run that was stopped before it came to the agents held back leaves them to the next. Method: the slice ends
# before the first of them.
def test_run_that_is_stopped_leaves_what_was_held_back_to_the_next() -> None:
    cluster = Cluster(3, "cpus:2;mem:2048")
    cluster.add_framework("a", "limited")
    cluster.allocator.apply(quota("limited", limits="cpus:1;mem:1024"))
    (grant,) = cluster.plan()
    cluster.recover(grant, filtered=True)

    cycle = cluster.allocator.begin(random.Random(0))
    cycle.advance(1)
    cluster.allocator.apply(Paused())
    cluster.allocator.apply(Resumed())

    assert cycle.plan is not None
    assert len(cycle.plan.grants) + len(cluster.plan()) == 1


def crowd(cluster: Cluster, role: str = "ads") -> None:
    for number in range(100):
        cluster.add_framework(f"f{number}", role)


# Goal: nobody is asked who cannot have it. Method: a hundred clients, one agent, and a run that may ask ten.
def test_agent_that_filters_keep_from_everybody_asks_nobody() -> None:
    cluster = Cluster(1, is_audited=False)
    crowd(cluster)
    for _ in range(100):
        (grant,) = cluster.plan()
        cluster.recover(grant, filtered=True)

    cluster.allocator.apply(AgentActivated(AgentID("agent0")))  # it is looked at again

    assert cluster.allocator.begin(random.Random(0)).advance(10)


def test_what_is_all_kept_for_guarantees_asks_nobody() -> None:
    cluster = Cluster(1, is_audited=False)
    cluster.allocator.apply(QuotaChanged("web", (("cpus", 4_000), ("mem", 1_024_000))))
    crowd(cluster)

    assert cluster.allocator.begin(random.Random(0)).advance(10)


def test_role_that_has_all_it_may_have_is_not_walked() -> None:
    cluster = Cluster(1, is_audited=False)
    cluster.allocator.apply(QuotaChanged("web", (), (("cpus", 0), ("mem", 0))))
    crowd(cluster, "web")

    assert cluster.allocator.begin(random.Random(0)).advance(10)


def test_nothing_is_looked_at_twice_if_nothing_has_happened() -> None:
    cluster = Cluster(8, is_audited=False)
    cluster.allocator.apply(QuotaChanged("web", (), (("cpus", 8_000), ("mem", 2_048_000))))
    crowd(cluster, "web")

    assert [cluster.visited(), cluster.visited(), cluster.visited()] == [8, 0, 0]
