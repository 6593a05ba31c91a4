"""Nobody starves, and shares stay fair: who hands back as much again and again passes on that, and on no more."""

import random
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import pytest

from bench.allocator_shares import SIZES, WEIGHTS, mean_shares
from mesoslite.allocator.passing import SIZES_MAX, Refusals
from mesoslite.model import (
    AgentDeactivated,
    AgentID,
    FilterExpired,
    FrameworkActivated,
    FrameworkDeactivated,
    FrameworkID,
    FrameworkUpdated,
    Grant,
    InvalidRequest,
    Quantities,
    QuotaChanged,
    Resources,
    Revived,
)

from .cluster import Cluster
from .oracle_rules import NEVER

TASK = Resources.of(cpus=1)
A = FrameworkID("a")


def cluster_of_one_agent(*frameworks: str, probe_every: int = NEVER, patience: int = 1) -> Cluster:
    cluster = Cluster(agents=1, total="cpus:1000", probe_every=probe_every, patience=patience)
    for framework in frameworks:
        cluster.add_framework(framework)
    return cluster


def step(cluster: Cluster, users: Collection[str], agent: str = "agent0", rng: random.Random | None = None) -> str:
    """Make one grant; the ``users`` use one cpu of it and end it, anybody else declines. Who was granted."""
    (grant,) = cluster.plan(agent, rng=rng)
    if grant.framework_id in users:
        cluster.use(grant, TASK)
        cluster.recover(grant, TASK)
    else:
        cluster.decline(grant)
    return grant.framework_id


# ---- who passes on what ----


@pytest.mark.parametrize("patience", [1, 3])
def test_client_passes_once_it_has_handed_back_as_much_so_often(patience: int) -> None:
    cluster = cluster_of_one_agent("a", "b", patience=patience)

    served = [step(cluster, users="b") for _ in range(2 * patience + 4)]

    turns = [turn for turn, one in enumerate(served) if one == "a"]
    assert len(turns) == patience
    assert served[turns[-1] + 1 :] == ["b"] * (len(served) - turns[-1] - 1)


# Goal: handing back little says nothing of much. Method: a refuses a small agent; of a larger one, and of one with more
# memory and less of cpus, it has its turn.
@pytest.mark.parametrize("total", ["cpus:8;mem:1024", "cpus:1;mem:2048"])
def test_client_passes_on_no_more_than_it_has_handed_back(total: str) -> None:
    cluster = Cluster(agents=1, total="cpus:2;mem:1024", patience=1, probe_every=NEVER)
    for framework in "ab":
        cluster.add_framework(framework)
    assert [step(cluster, users="b") for _ in range(4)] == ["a", "b", "b", "b"]

    cluster.add_agent("other", total)

    assert step(cluster, users="ab", agent="other") == "a"


def test_client_that_passes_on_much_passes_on_little() -> None:
    cluster = Cluster(agents=1, total="cpus:8;mem:1024", patience=1, probe_every=NEVER)
    for framework in "ab":
        cluster.add_framework(framework)
    assert [step(cluster, users="b") for _ in range(4)] == ["a", "b", "b", "b"]

    cluster.add_agent("small", "cpus:2;mem:512")

    assert step(cluster, users="b", agent="small") == "b"


@pytest.mark.parametrize(
    "delta",
    [
        Revived(A),
        FrameworkUpdated(framework_id=A, roles=("*",)),
        (FrameworkDeactivated(A), FrameworkActivated(A)),
    ],
    ids=["revives", "subscribes anew", "comes back"],
)
def test_what_was_handed_back_is_forgotten_once_it(delta: object) -> None:
    cluster = cluster_of_one_agent("a", "b")
    assert [step(cluster, users="b") for _ in range(4)] == ["a", "b", "b", "b"]

    for one in delta if isinstance(delta, tuple) else (delta,):
        cluster.allocator.apply(one)

    assert step(cluster, users="b") == "a"


def test_what_was_handed_back_is_forgotten_once_it_uses_part_of_an_offer() -> None:
    cluster = cluster_of_one_agent("a", "b")
    assert [step(cluster, users="b") for _ in range(4)] == ["a", "b", "b", "b"]
    (held,) = cluster.plan()
    assert held.framework_id == "b"
    cluster.recover(held, filtered=True)
    assert step(cluster, users="ab") == "a", "nobody else can take it"

    cluster.allocator.apply(FilterExpired(1))

    assert [step(cluster, users="ab") for _ in range(8)].count("a") >= 4, "they take turns again"


def test_offer_that_was_taken_from_a_client_says_nothing_of_it() -> None:
    cluster = cluster_of_one_agent("a", "b")
    (grant,) = cluster.plan()

    cluster.recover(grant)
    (second,) = cluster.plan()
    cluster.recover(second)

    assert (grant.framework_id, second.framework_id, cluster.served()) == ("a", "b", ["a"])


# ---- theorem (a): those who use what they get share as if the others were not there ----


# Method: the same users, alone and beside ten that decline everything: without those, the order in which users are
# served is the same. Of 1,600 grants, those that pass get one in eight, within four standard deviations.
def test_users_are_served_in_drf_order_whoever_else_hands_everything_back() -> None:
    rng = random.Random(4711)
    alone = cluster_of_one_agent("u", "v", "w")
    beside = cluster_of_one_agent("u", "v", "w", *"abcdefghij", probe_every=8)
    for _ in range(100):
        step(beside, users="uvw")

    expected = [step(alone, users="uvw") for _ in range(1_600)]
    served = [step(beside, users="uvw", rng=rng) for _ in range(1_600)]

    users = [one for one in served if one in "uvw"]
    first = expected.index(users[0])
    assert users[:1_000] == expected[first : first + 1_000]
    assert len(served) - len(users) == pytest.approx(200, abs=53)


# Goal: in a full cluster, where everybody hands back what is left over, weights count. Method: each task takes all cpus
# of an agent, so what is left of it is of no use to anybody.
def test_weights_count_although_everybody_hands_back_what_is_left_over() -> None:
    shares = mean_shares(WEIGHTS, "cpus:2;mem:512")

    assert 2.5 < shares["gold"] / shares["lead"] < 3.5


# Goal: whoever has large tasks hands back what is too small for them, and keeps its share. Method: a task of a whole
# agent against tasks of a quarter; beside the rule of share alone, which is what it is to equal.
def test_framework_with_large_tasks_keeps_its_share() -> None:
    shares, by_share_alone = (mean_shares(SIZES, "cpus:4;mem:4096", probe_every=every) for every in (8, 0))

    assert shares["big"] > 0.35
    assert shares["big"] == pytest.approx(by_share_alone["big"], rel=0.15)


# ---- theorem (b): whoever can take what is there gets it ----


# Method: whatever the number of those that pass, each is offered one in probe_every * n of the grants: of as many as
# give each 100, at least 60, which is four standard deviations.
@pytest.mark.parametrize(("probe_every", "passing"), [(2, 5), (3, 1), (8, 2)])
def test_client_that_passes_waits_for_probe_every_times_their_number_on_average(probe_every: int, passing: int) -> None:
    rng = random.Random(4711)
    names = "abcdefgh"[:passing]
    cluster = cluster_of_one_agent("u", *names, probe_every=probe_every)
    for _ in range(1 + passing):
        step(cluster, users="u")

    served = Counter([step(cluster, users="u", rng=rng) for _ in range(100 * probe_every * passing)])

    assert min(served[name] for name in names) >= 60, served


# Goal: what a client cannot use, or may not have, does not count against it. Method: two agents come free in turns, and
# x has a filter on one of them; of 800 grants of the other it is offered one in eight.
def test_client_that_can_only_take_every_other_agent_waits_no_longer_for_it() -> None:
    rng = random.Random(4711)
    cluster = Cluster(agents=2, total="cpus:4", patience=1, probe_every=8)
    cluster.add_framework("x")
    cluster.decline(cluster.plan("agent0")[0])
    cluster.recover(cluster.plan("agent1")[0], filtered=True)
    cluster.add_framework("u")

    served = [step(cluster, users="u", agent=f"agent{turn % 2}", rng=rng) for turn in range(1_600)]

    assert served[::2].count("x") >= 60
    assert served[1::2].count("x") == 0


# Goal: nor does what it is offered meanwhile count. Method: x is given a small agent, of which it has no use, between
# any two large ones; it has refused a large one, and of 800 of these it is offered one in eight.
def test_client_that_is_offered_leftovers_all_the_time_waits_no_longer_for_more() -> None:
    rng = random.Random(4711)
    cluster = Cluster(agents=1, total="cpus:4", patience=1, probe_every=8)
    cluster.add_framework("u")
    cluster.add_agent("small", "cpus:1")
    cluster.recover(cluster.plan("small")[0], filtered=True)
    cluster.add_framework("x")
    assert step(cluster, users="") == "x"

    served = [step(cluster, users="u", agent=agent, rng=rng) for agent in ["small", "agent0"] * 800]

    assert served[::2] == ["x"] * 800
    assert served[1::2].count("x") >= 60


# The same with a guarantee that takes every other grant: a grant is a probe in either stage.
def test_client_that_passes_has_its_part_whatever_goes_to_guarantees() -> None:
    rng = random.Random(4711)
    cluster = Cluster(agents=2, total="cpus:1", patience=1, probe_every=8)
    cluster.add_framework("x", "x")
    step(cluster, users="")
    for framework in "ug":
        cluster.add_framework(framework, framework)
    cluster.allocator.apply(QuotaChanged("g", (("cpus", 1_000),), ()))

    served = Counter[str]()
    held: list[Grant] = []
    for _ in range(800):
        for grant in held:
            cluster.recover(grant)
        held = []
        for grant in cluster.plan(rng=rng):
            served[grant.framework_id] += 1
            if grant.framework_id == "x":
                cluster.decline(grant)
            else:
                cluster.use(grant)
                held.append(grant)

    assert served["g"] == 800, "a guarantee is met in each"
    assert served["x"] >= 60


# ---- theorem (c): nothing stays free that somebody could take ----


def test_nothing_stays_free_that_a_client_that_passes_could_take() -> None:
    cluster = cluster_of_one_agent("a", "b")
    for _ in range(2):
        step(cluster, users="")

    (grant,) = cluster.plan()
    cluster.recover(grant, filtered=True)

    assert cluster.served() == [{"a": "b", "b": "a"}[grant.framework_id]]


def test_those_that_pass_take_turns_whoever_was_offered_something_longest_ago_first() -> None:
    cluster = cluster_of_one_agent(*"abcd")

    assert "".join(step(cluster, users="") for _ in range(12)) == "abcdabcdabcd"


# ---- theorem (d): who wants nothing costs the others so many grants, by each size there is ----


def test_client_that_wants_nothing_is_given_its_patience_of_each_size_first() -> None:
    cluster = Cluster(patience=3, probe_every=NEVER)
    sizes = ["cpus:4;mem:512", "cpus:2;mem:1024"]
    for number, size in enumerate(sizes):
        cluster.add_agent(f"agent{number}", size)
    for framework in "ab":
        cluster.add_framework(framework)

    served = [step(cluster, users="b", agent=f"agent{turn % 2}") for turn in range(40)]

    assert served.count("a") == 3 * len(sizes)


# ---- without the rule, and options ----


def test_without_probes_clients_are_served_by_share_alone() -> None:
    cluster = cluster_of_one_agent("a", "b", probe_every=0)
    (grant,) = cluster.plan()
    cluster.use(grant, TASK)

    assert [step(cluster, users="a") for _ in range(5)] == ["b"] * 5


@pytest.mark.parametrize("probe_every", [-1, 1])
def test_number_that_would_leave_nothing_to_those_in_turn_is_refused(probe_every: int) -> None:
    with pytest.raises(InvalidRequest, match=r"probe_every.* or 0 for never"):
        Cluster(probe_every=probe_every)


@pytest.mark.parametrize("patience", [0, -1, True, 1.5, "5"])
def test_patience_is_a_number_of_offers(patience: object) -> None:
    with pytest.raises(InvalidRequest, match="for patience, expected a number of offers above zero"):
        Cluster(patience=patience)


@dataclass
class Profile:
    """A framework of the benchmark: what it still wants, how much at once, and for how much each."""

    left: int
    at_once: int
    task: Resources

    def take(self, offered: Resources) -> Resources:
        """The part of an offer it uses."""
        used = Resources()
        for _ in range(min(self.left, self.at_once)):
            if not offered.contains(used + self.task):
                break
            used += self.task
            self.left -= 1
        return used


def three_profiles() -> dict[str, tuple[str, Profile]]:
    """Role and profile by framework; Source: Mesos hierarchical_allocator_benchmarks.cpp, MultiFrameworkAllocations."""
    many, one, few = (Resources.parse(text) for text in ("cpus:0.07;mem:400", "cpus:0.1;mem:4000", "cpus:1;mem:1000"))
    profiles = {f"Marathon-{number}": (f"roleA-{number}", Profile(4000, 100, many)) for number in range(4)}
    profiles |= {f"Jenkins-{number}": ("roleB", Profile(5, 1, one)) for number in range(500)}
    profiles |= {f"Spark-{number}": (f"roleC-{number}", Profile(20, 5, few)) for number in range(50)}
    return profiles


def rounds_of_three_profiles(probe_every: int, rounds: int) -> list[int]:
    """Return how many tasks had been placed after each round; nobody filters, nobody suppresses."""
    profiles = three_profiles()
    cluster = Cluster(agents=80, total="cpus:64;mem:488000", is_audited=False, probe_every=probe_every)
    for framework, (role, _) in profiles.items():
        cluster.add_framework(framework, role)
    rng, placed = random.Random(4711), []
    for _ in range(rounds):
        for grant in cluster.allocator.plan(rng).grants:
            answer(cluster, grant, profiles[grant.framework_id][1])
        placed.append(19_500 - sum(profile.left for _, profile in profiles.values()))
        if placed[-1] == 19_500:
            break
    return placed


def answer(cluster: Cluster, grant: Grant, profile: Profile) -> None:
    used = profile.take(grant.resources)
    if used:
        cluster.use(grant, used)
    else:
        cluster.decline(grant)


def test_three_profiles_place_all_their_tasks_without_helping() -> None:
    placed = rounds_of_three_profiles(probe_every=8, rounds=60)

    assert placed[-1] == 19_500
    assert len(placed) <= 55, "2,860 offers are needed, 80 a round; and five, and one in eight, for those that are done"


# Goal: the difference is this rule. Method: the same without it stalls, as Mesos does.
def test_three_profiles_stall_without_probes() -> None:
    placed = rounds_of_three_profiles(probe_every=0, rounds=60)

    assert placed[-1] < 19_500 / 2
    assert placed[-1] - placed[-20] < 500, "it hardly moves any more"


# Goal: what is kept of refusals is bounded, and says the same. Method: random amounts; asked of as many others, the
# kept ones answer as all of them would, as long as there are few that none of the others contains.
@pytest.mark.parametrize("seed", range(5))
def test_what_is_kept_of_refusals_answers_as_all_of_them_would(seed: int) -> None:
    rng = random.Random(seed)
    patience = rng.randint(1, 4)
    all_of_them: list[Quantities] = []
    kept = Refusals((), patience)

    for _ in range(60):
        amounts = (("cpus", rng.randint(1, 6)), ("mem", rng.randint(1, 6)))
        all_of_them.append(amounts)
        kept = Refusals(kept.plus(amounts), patience)

        for cpus in range(1, 8):
            for mem in range(1, 8):
                containing = [each for each in all_of_them if each[0][1] >= cpus and each[1][1] >= mem]
                assert kept.cover((("cpus", cpus), ("mem", mem))) == (len(containing) >= patience)
    assert len(kept.entries) <= SIZES_MAX


def test_no_more_than_so_many_sizes_are_kept() -> None:
    kept = Refusals((), 1)

    for cpus in range(100):
        kept = Refusals(kept.plus((("cpus", 1 + cpus), ("mem", 100 - cpus))), 1)

    assert len(kept.entries) == SIZES_MAX
    assert not kept.cover((("cpus", 1), ("mem", 100))), "the smallest were forgotten, so it is asked again"


# Goal: very many different refusals cost an agent no more than a few, and none is overlooked. Method: each of 100
# clients refuses an agent of a size of its own; then agents come that none of them has refused, one to each.
def test_whoever_stands_behind_is_looked_at_with_one_of_the_next_agents() -> None:
    cluster = Cluster(patience=1, probe_every=NEVER, is_audited=False)
    for number in range(100):
        cluster.add_agent(f"agent{number}", f"cpus:{1 + number};mem:{1000 - number}")
        cluster.add_framework(f"f{number}")
        (grant,) = cluster.plan(f"agent{number}")
        cluster.decline(grant)
        cluster.allocator.apply(AgentDeactivated(AgentID(f"agent{number}")))
    cluster.add_framework("u")

    served = []
    for number in range(120):
        cluster.add_agent(f"large{number}", "cpus:500;mem:5000")
        (grant,) = cluster.plan(f"large{number}")
        cluster.use(grant)
        served.append(grant.framework_id)

    assert len(set(served)) == 101, "by share, which is the same for all, each has one"
