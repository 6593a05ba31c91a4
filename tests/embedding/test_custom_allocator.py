"""The policy of strict priorities, and how a cluster is given one: as an object, as a class, by the name it has."""

import random
from pathlib import Path

import pytest

import mesoslite
from mesoslite.allocator import (
    AgentAdded,
    AgentID,
    AgentRemoved,
    AllocationPolicy,
    Delta,
    FilterExpired,
    FrameworkActivated,
    FrameworkAdded,
    FrameworkDeactivated,
    FrameworkID,
    FrameworkRemoved,
    FrameworkUpdated,
    NotFound,
    ResourcesRecovered,
    Revived,
    Suppressed,
)
from mesoslite.examples.custom_allocator import NORMAL, URGENT, Priorities, Tasks
from tests import ready

EXAMPLE = Path(__file__).parents[2] / "examples" / "custom_allocator.py"
AGENT, FIRST, SECOND = AgentID("agent"), FrameworkID("first"), FrameworkID("second")
TOTAL = mesoslite.Resources.of(cpus=4, mem=1024)


def served(policy: Priorities) -> list[str]:
    """Who is offered something by the next run."""
    return [grant.framework_id for grant in policy.begin(random.Random(0)).plan.grants]


def give_back(policy: Priorities, framework_id: str, role: str, filter_id: int | None = None) -> None:
    policy.apply(
        ResourcesRecovered(
            framework_id=FrameworkID(framework_id), role=role, agent_id=AGENT, resources=TOTAL, filter_id=filter_id
        )
    )


@pytest.fixture
def policy() -> Priorities:
    """One agent, and two frameworks, of which the second is the urgent one."""
    policy = Priorities()
    policy.apply(AgentAdded(agent_id=AGENT, hostname="host", total=TOTAL))
    policy.apply(FrameworkAdded(framework_id=FIRST, roles=(NORMAL,)))
    policy.apply(FrameworkAdded(framework_id=SECOND, roles=(URGENT,)))
    return policy


def test_it_is_a_policy_and_the_urgent_come_first(policy: Priorities) -> None:
    assert isinstance(policy, AllocationPolicy)
    assert [served(policy), served(policy)] == [[SECOND], []]
    assert (policy.dominant_share(SECOND), policy.dominant_share(FIRST)) == (1.0, 0.0)
    assert not policy.available(AGENT)


@pytest.mark.parametrize(
    ("away", "back"),
    [
        (Suppressed(SECOND), Revived(SECOND)),
        (Suppressed(SECOND, (URGENT,)), FrameworkUpdated(framework_id=SECOND, roles=(URGENT,))),
        (FrameworkDeactivated(SECOND), FrameworkActivated(SECOND)),
        (FrameworkRemoved(SECOND), FrameworkAdded(framework_id=SECOND, roles=(URGENT,))),
    ],
)
def test_others_are_served_while_the_urgent_want_nothing(policy: Priorities, away: Delta, back: Delta) -> None:
    policy.apply(away)
    meanwhile = served(policy)
    give_back(policy, FIRST, NORMAL)
    policy.apply(back)

    assert (meanwhile, served(policy)) == ([FIRST], [SECOND])


def test_what_was_refused_goes_to_others_until_the_filter_ends(policy: Priorities) -> None:
    served(policy)
    give_back(policy, SECOND, URGENT, filter_id=1)
    meanwhile = served(policy)
    give_back(policy, FIRST, NORMAL)
    policy.apply(FilterExpired(1))

    assert (meanwhile, served(policy)) == ([FIRST], [SECOND])


@pytest.mark.parametrize("delta", [Revived(SECOND), FrameworkDeactivated(SECOND), AgentRemoved(AGENT)])
def test_filters_end_with_what_they_are_about_and_their_numbers_are_told(policy: Priorities, delta: Delta) -> None:
    served(policy)
    give_back(policy, SECOND, URGENT, filter_id=7)

    assert policy.apply(delta) == (7,)


def test_equals_take_turns(policy: Priorities) -> None:
    policy.apply(FrameworkUpdated(framework_id=FIRST, roles=(URGENT,)))
    turns: list[str] = []
    for _ in range(4):
        turns += served(policy)
        give_back(policy, turns[-1], URGENT)

    assert sorted(turns) == [FIRST, FIRST, SECOND, SECOND]


def test_what_comes_back_of_those_who_are_gone_is_nothing(policy: Priorities) -> None:
    served(policy)
    policy.apply(FrameworkRemoved(SECOND))
    give_back(policy, SECOND, URGENT, filter_id=1)

    assert policy.available(AGENT) == TOTAL
    policy.apply(AgentRemoved(AGENT))
    with pytest.raises(NotFound, match="agent agent is not known"):
        policy.available(AGENT)


@pytest.mark.real
def test_the_example_starts_all_that_is_urgent_first() -> None:
    ran = ready.run("mesoslite", [EXAMPLE], python=("-W", "error"), timeout=100)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == f"started: {' '.join([URGENT] * 5 + [NORMAL] * 5)}\n"


@pytest.mark.real
def test_a_class_makes_a_policy_for_each_start(tmp_path: Path) -> None:
    cluster = mesoslite.Cluster(resources="cpus:1;mem:64", work_dir=tmp_path, allocator=Priorities)
    started: list[str] = []

    for _ in range(2):
        with cluster:
            cluster.run(Tasks(NORMAL, 1, started), timeout=30)

    assert started == [NORMAL] * 2


@pytest.mark.real
def test_a_policy_as_an_object_is_for_one_start(tmp_path: Path) -> None:
    cluster = mesoslite.Cluster(work_dir=tmp_path, allocator=Priorities())
    cluster.start().close()

    with pytest.raises(mesoslite.InvalidRequest, match="has served a cluster already; give its class, to start again"):
        cluster.start()


@pytest.mark.parametrize("interval", [0, -1, float("nan"), float("inf"), True, "1"])
def test_an_interval_that_is_none_is_refused(interval: float) -> None:
    with pytest.raises(mesoslite.InvalidRequest, match=r"expected seconds from 0\.001"):
        mesoslite.Cluster(allocation_interval=interval)
