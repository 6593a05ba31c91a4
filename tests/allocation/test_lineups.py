"""A quota above many roles: how often these are let into an order of who can be served, and how often asked."""

import random

from mesoslite.allocator import DRFSorter
from mesoslite.allocator.agents import AgentBook
from mesoslite.allocator.clients import ClientBook
from mesoslite.model import Grant, Resources

from .cluster import Cluster
from .test_quota import quota


class Switched(DRFSorter):
    """Counts how often a client is let in, or kept out."""

    count = 0

    def activate(self, client: str) -> None:
        Switched.count += 1
        super().activate(client)

    def deactivate(self, client: str) -> None:
        Switched.count += 1
        super().deactivate(client)


BELOW = 300


def below_a_limit() -> tuple[Cluster, Grant]:
    """Very many roles below one that is limited to what one of them holds."""
    cluster = Cluster(1, role_sorter=Switched)
    for number in range(BELOW):
        cluster.add_framework(f"f{number:03}", f"top/r{number:03}")
    cluster.allocator.apply(quota("top", limits="cpus:4;mem:1024"))
    (grant,) = cluster.plan()
    return cluster, grant


def test_grant_of_a_full_role_costs_the_same_however_many_roles_are_below_it() -> None:
    cluster, grant = below_a_limit()
    Switched.count = 0

    for _ in range(5):
        cluster.recover(grant)
        (grant,) = cluster.plan()

    assert Switched.count == 0


# Goal: roles that have all they may have are walked past once. Method: agents come that nobody may have any more of.
def test_roles_below_one_that_is_full_are_asked_once_until_there_is_room_again() -> None:
    cluster, grant = below_a_limit()
    asked: list[int] = []
    for number in range(3):
        cluster.add_agent(f"more{number}")
        cycle = cluster.allocator.begin(random.Random(0))
        offer, before = cycle._offer, len(asked)
        cycle._offer = lambda agent, client, offer=offer: asked.append(1) or offer(agent, client)  # type: ignore[func-returns-value, method-assign, misc]
        assert cycle.advance(1_000_000)
        assert len(asked) - before == (0 if number else BELOW)
        cluster.audit()

    cluster.recover(grant)

    assert len(cluster.plan()) == 1


def test_role_that_comes_to_be_below_one_that_is_full_is_not_asked() -> None:
    cluster, grant = below_a_limit()
    cluster.add_agent("more")
    assert cluster.plan() == []
    cluster.add_framework("new", "top/new")
    Switched.count = 0

    assert cluster.plan() == []
    assert Switched.count == 0

    cluster.recover(grant)
    assert len(cluster.plan()) == 1


# Goal: nobody is walked past whom an agent cannot help. Method: roles lack gpus, one lacks cpus, and no agent has gpus.
def test_roles_that_lack_what_an_agent_has_not_are_not_asked_for_their_guarantee() -> None:
    cluster = Cluster()
    for number in range(50):
        cluster.add_framework(f"f{number:02}", f"r{number:02}")
        cluster.allocator.apply(quota(f"r{number:02}", guarantees="gpus:1"))
    cluster.add_framework("web", "web")
    cluster.allocator.apply(quota("web", guarantees="cpus:8"))
    for number in range(4):
        cluster.add_agent(f"agent{number}")
    cycle = cluster.allocator.begin(random.Random(0))
    asked: list[str] = []
    offer = cycle._offer

    def noted(agent: AgentBook, client: ClientBook) -> Resources | None:
        if cycle._is_first_stage:
            asked.append(client.framework_id)
        return offer(agent, client)

    cycle._offer = noted  # type: ignore[method-assign]
    assert cycle.advance(1_000_000)
    cluster.audit()

    assert asked == ["web", "web"]


def test_agent_that_has_what_others_lack_helps_these() -> None:
    cluster = Cluster(2)
    for name, guarantee in {"a": "gpus:1", "b": "cpus:4"}.items():
        cluster.add_framework(name, name, capabilities=("GPU_RESOURCES",))
        cluster.allocator.apply(quota(name, guarantees=guarantee))
    cluster.add_framework("c")
    assert cluster.served().count("b") >= 1

    cluster.add_agent("gpu", "cpus:4;mem:1024;gpus:1")

    assert next(grant.framework_id for grant in cluster.plan() if grant.agent_id == "gpu") == "a"
