"""The sorters: DRF keeps the order computed from scratch, the lottery draws by weight."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesoslite.allocator import ClusterTotal, DRFSorter, LotterySorter, Sorter, SorterFactory, Standing, drf
from mesoslite.model import InternalError, dominant_share
from mesoslite.model.constants import WEIGHT_LEAST, WEIGHT_MOST

TOTAL = {"cpus": 100_000, "mem": 1_000_000}
SORTERS = pytest.mark.parametrize("factory", [DRFSorter, LotterySorter], ids=["drf", "lottery"])


class Bench:
    """A sorter, and the books it asks; every client is added and active."""

    def __init__(self, factory: SorterFactory, *clients: str, **weights: float) -> None:
        self.total = ClusterTotal()
        self.total.add(TOTAL.items())
        self.standings: dict[str, Standing] = {}
        self.sorter: Sorter = factory(self.total, self.standing)
        for path, weight in weights.items():
            self.standing(path).weight = weight
        for client in clients:
            self.sorter.add(client)
            self.sorter.activate(client)

    def standing(self, path: str) -> Standing:
        return self.standings.setdefault(path, Standing())

    def hold(self, client: str, *, at: tuple[str, ...] = (), **amounts: int) -> None:
        """Let a client hold so many units, counted in its own standing and in those ``at`` paths above it."""
        for path in at or (client,):
            for name, units in amounts.items():
                self.standing(path).held[name] = self.standing(path).held.get(name, 0) + units * 1_000
            self.standing(path).count += 1
        self.sorter.moved(client)

    def ranked(self, seed: int = 0) -> list[str]:
        return list(self.sorter.ranked(random.Random(seed)))


def test_lowest_dominant_share_comes_first() -> None:
    bench = Bench(DRFSorter, "a", "b", "c")

    bench.hold("a", cpus=30, mem=100)
    bench.hold("b", cpus=10, mem=400)
    bench.hold("c", cpus=20, mem=200)

    assert bench.ranked() == ["c", "a", "b"]


def test_equal_shares_are_told_apart_by_allocations_then_by_name() -> None:
    bench = Bench(DRFSorter, "c", "b", "a")

    bench.hold("a", cpus=0)

    assert bench.ranked() == ["b", "c", "a"]


def test_weights_divide_shares_level_by_level() -> None:
    bench = Bench(DRFSorter, "a/x", "a/y", "b", a=4.0)
    bench.standing("a/x").weight = 2.0

    bench.hold("a/x", at=("a/x", "a"), cpus=20)
    bench.hold("a/y", at=("a/y", "a"), cpus=15)
    bench.hold("b", cpus=10)

    assert bench.ranked() == ["a/x", "a/y", "b"]


def test_role_above_others_competes_with_them_as_one_more() -> None:
    bench = Bench(DRFSorter, "a", "a/x", "b")

    bench.hold("a/x", at=("a/x", "a"), cpus=1)
    bench.hold("b", cpus=2)
    assert bench.ranked() == ["a", "a/x", "b"]

    bench.hold("a", at=("a/.", "a"), cpus=5)
    assert bench.ranked() == ["b", "a/x", "a"]

    bench.sorter.remove("a/x")
    assert bench.ranked() == ["b", "a"]


def test_what_a_client_gave_back_before_it_was_removed_counts_for_those_above_it() -> None:
    bench = Bench(DRFSorter, "a/x", "a/y", "b")
    bench.hold("a/x", at=("a/x", "a"), cpus=10)
    bench.hold("b", cpus=5)
    assert bench.ranked() == ["b", "a/y", "a/x"]

    bench.hold("a/x", at=("a/x", "a"), cpus=-10)
    bench.sorter.remove("a/x")

    assert bench.ranked() == ["a/y", "b"]


# Goal: what hundreds give back between two runs costs one key. Method: count how often a share is computed.
def test_a_client_that_moves_again_and_again_is_put_in_its_place_once(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, computed = Bench(DRFSorter, "a", "b"), list[object]()
    monkeypatch.setattr(drf, "dominant_share", lambda held, total: computed.append(held) or dominant_share(held, total))

    for _ in range(100):
        bench.hold("a", cpus=1)

    assert bench.ranked() == ["b", "a"]
    assert len(computed) == 1


@SORTERS
def test_role_that_gets_and_loses_roles_below_it_stays_as_active_as_it_was(factory: SorterFactory) -> None:
    bench = Bench(factory, "a", "c/x")
    bench.sorter.add("b")

    for client in ("a/x", "b/x/y", "c"):
        bench.sorter.add(client)
    assert sorted(bench.ranked()) == ["a", "c/x"]

    bench.sorter.activate("b")
    bench.sorter.activate("b/x/y")
    bench.sorter.deactivate("c/x")
    bench.sorter.remove("a/x")
    assert sorted(bench.ranked()) == ["a", "b", "b/x/y"]

    bench.sorter.remove("b/x/y")
    bench.sorter.remove("a")
    assert bench.ranked() == ["b"]


@SORTERS
def test_inactive_client_is_not_ranked(factory: SorterFactory) -> None:
    bench = Bench(factory, "a", "b")

    bench.sorter.deactivate("a")
    bench.sorter.deactivate("a")
    assert bench.ranked() == ["b"]

    bench.sorter.activate("a")
    bench.sorter.activate("a")
    assert sorted(bench.ranked()) == ["a", "b"]


def test_resources_that_the_cluster_lacks_do_not_count() -> None:
    assert dominant_share({"cpus": 500, "gpus": 9_000}, {"cpus": 1_000}) == 0.5


def test_excluded_resources_do_not_count_in_shares() -> None:
    total = ClusterTotal(excluded=("gpus",))

    total.add([("cpus", 1_000), ("gpus", 1_000)])

    assert (total.milli, total.fair) == ({"cpus": 1_000, "gpus": 1_000}, {"cpus": 1_000})


@SORTERS
@pytest.mark.parametrize("name", ["remove", "activate", "deactivate", "moved"])
def test_client_that_was_not_added_is_an_error(factory: SorterFactory, name: str) -> None:
    bench = Bench(factory, "a")

    with pytest.raises(InternalError, match="'b'"):
        getattr(bench.sorter, name)("b")


@SORTERS
def test_client_added_twice_is_an_error(factory: SorterFactory) -> None:
    bench = Bench(factory, "a")

    with pytest.raises(InternalError, match=r"'a'.*twice"):
        bench.sorter.add("a")


def test_total_never_falls_below_zero() -> None:
    total = ClusterTotal()
    total.add([("cpus", 1_000)])

    with pytest.raises(InternalError, match="cpus"):
        total.remove([("cpus", 2_000)])


# Goal: chances are weights, along the whole path. Method: draw often; 3 sigma of each frequency.
def test_lottery_serves_first_by_weight_at_each_level() -> None:
    bench = Bench(LotterySorter, "a", "b/x", "b/y", "b", b=3.0)
    bench.standing("b/y").weight = 2.0
    bench.sorter.moved("b/y")
    rng, draws = random.Random(4711), 20_000

    firsts = Counter(next(bench.sorter.ranked(rng)) for _ in range(draws))

    chances = {"a": 1 / 4, "b": 3 / 4 * 1 / 4, "b/x": 3 / 4 * 1 / 4, "b/y": 3 / 4 * 2 / 4}
    for client, chance in chances.items():
        sigma = (draws * chance * (1 - chance)) ** 0.5
        assert abs(firsts[client] - draws * chance) < 3 * sigma, client


# Goal: what is drawn of a subtree lowers the chance of that subtree. Method: the frequencies of the first two places.
def test_lottery_serves_second_by_what_is_left_at_each_level() -> None:
    bench = Bench(LotterySorter, "a/x", "a/y", "b", **{"a/x": 3.0})
    rng, draws = random.Random(42), 10_000
    orders = (bench.sorter.ranked(rng) for _ in range(draws))

    places = Counter((next(order), next(order)) for order in orders)

    chances = {
        ("a/x", "a/y"): 3 / 8 * 1 / 5,  # a quarter of the chance of a is left
        ("a/x", "b"): 3 / 8 * 4 / 5,
        ("a/y", "a/x"): 1 / 8 * 3 / 7,
        ("a/y", "b"): 1 / 8 * 4 / 7,
        ("b", "a/x"): 1 / 2 * 3 / 4,
        ("b", "a/y"): 1 / 2 * 1 / 4,
    }
    for pair, chance in chances.items():
        sigma = (draws * chance * (1 - chance)) ** 0.5
        assert abs(places[pair] - draws * chance) < 3 * sigma, pair


# Goal: nobody is lost in the sums of weights, however far apart they are. Method: the least and the largest weight that
# a role may have, many of each, on both levels.
def test_lottery_draws_everybody_once_with_the_least_and_the_largest_weights() -> None:
    clients = [f"{top}{number}/{below}" for top in "ab" for number in range(20) for below in "ab"]
    bench = Bench(LotterySorter, *clients)
    for client in clients:
        top = client.partition("/")[0]
        bench.standing(top).weight = WEIGHT_LEAST if client[0] == "a" else WEIGHT_MOST
        bench.standing(client).weight = WEIGHT_LEAST if client[-1] == "a" else WEIGHT_MOST
        bench.sorter.moved(client)

    drawn = [bench.ranked(seed) for seed in range(20)]

    assert all(sorted(order) == sorted(clients) for order in drawn)
    assert len({tuple(order) for order in drawn}) == len(drawn)


def test_client_that_is_active_again_has_the_chances_of_its_weight() -> None:
    bench = Bench(LotterySorter, "a", "b", a=3.0)
    bench.sorter.deactivate("a")
    bench.sorter.activate("a")
    rng, draws = random.Random(7), 4_000

    firsts = Counter(next(bench.sorter.ranked(rng)) for _ in range(draws))

    assert abs(firsts["a"] - draws * 3 / 4) < 3 * (draws * 3 / 16) ** 0.5


def test_lottery_does_not_grow_with_those_that_come_and_go() -> None:
    bench = Bench(LotterySorter, "a")
    for number in range(100):
        bench.sorter.add(f"role{number}/x")
        bench.sorter.remove(f"role{number}/x")

    assert isinstance(bench.sorter, LotterySorter)
    assert len(bench.sorter._root.places) == 3, "the root's own, and two that were in use at once"


def test_another_total_reorders_each_level() -> None:
    bench = Bench(DRFSorter, "a/x", "a/y")
    bench.hold("a/x", cpus=10)
    bench.hold("a/y", mem=200)
    before = bench.ranked()

    bench.total.add([("mem", 3_000_000)])

    assert [before, bench.ranked()] == [["a/x", "a/y"], ["a/y", "a/x"]]


def test_lottery_draws_everybody_once_and_forgets_the_drawing() -> None:
    clients = [f"c{number}" for number in range(20)]
    bench = Bench(LotterySorter, *clients)
    bench.sorter.deactivate("c7")

    drawings = [bench.ranked(seed) for seed in range(20)]

    assert all(sorted(drawing) == sorted(set(clients) - {"c7"}) for drawing in drawings)
    assert len({drawing[0] for drawing in drawings}) > 5


steps = st.lists(
    st.tuples(
        st.sampled_from(["hold", "drop", "activate", "deactivate", "reweigh", "grow", "rank"]),
        st.sampled_from("abcd"),
        st.integers(0, 5),
    )
)


# Goal: moving one client at a time never loses the order. Method: after any steps, sort all from scratch.
@given(steps)
def test_kept_order_is_the_order_from_scratch(steps: list[tuple[str, str, int]]) -> None:
    bench = Bench(DRFSorter, *"abcd")
    active = set("abcd")

    for step, client, amount in steps:
        standing = bench.standing(client)
        if step == "hold":
            bench.hold(client, cpus=amount, mem=7 * amount)
        elif step == "drop":
            standing.held.clear()
            bench.sorter.moved(client)
        elif step == "activate":
            bench.sorter.activate(client)
            active.add(client)
        elif step == "deactivate":
            bench.sorter.deactivate(client)
            active.discard(client)
        elif step == "reweigh":
            standing.weight = 1.0 + amount
            bench.sorter.moved(client)
        elif step == "grow":
            bench.total.add([("cpus", 50_000 * amount)])
        elif step == "rank":
            bench.ranked()

    def rank(client: str) -> tuple[float, int, str]:
        standing = bench.standing(client)
        shares = [milli / bench.total.milli[name] for name, milli in standing.held.items()]
        return max(shares, default=0.0) / standing.weight, standing.count, client

    assert bench.ranked() == sorted(active, key=rank)
