"""The DRF sorter: the order it keeps is the order computed from scratch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesoslite.allocator import ClusterTotal, DRFSorter
from mesoslite.model import InternalError, Resources, dominant_share

TOTAL = Resources.parse("cpus:100;mem:1000")


def sorter_of(*clients: str) -> DRFSorter:
    total = ClusterTotal()
    total.add(TOTAL)
    sorter = DRFSorter(total)
    for client in clients:
        sorter.add(client)
        sorter.activate(client)
    return sorter


def test_lowest_dominant_share_comes_first() -> None:
    sorter = sorter_of("a", "b", "c")

    sorter.allocate("a", Resources.of(cpus=30, mem=100))
    sorter.allocate("b", Resources.of(cpus=10, mem=400))
    sorter.allocate("c", Resources.of(cpus=20, mem=200))

    assert list(sorter.ranked()) == ["c", "a", "b"]


def test_equal_shares_are_told_apart_by_allocations_then_by_name() -> None:
    sorter = sorter_of("c", "b", "a")

    sorter.allocate("a", Resources.of(cpus=1))
    sorter.release("a", Resources.of(cpus=1))

    assert list(sorter.ranked()) == ["b", "c", "a"]


def test_inactive_client_is_not_ranked_and_keeps_its_share() -> None:
    sorter = sorter_of("a", "b")
    sorter.allocate("a", Resources.of(cpus=1))

    sorter.deactivate("a")
    sorter.deactivate("a")
    assert (list(sorter.ranked()), sorter.active_count) == (["b"], 1)

    sorter.activate("a")
    assert list(sorter.ranked()) == ["b", "a"]


def test_resources_that_the_cluster_lacks_do_not_count() -> None:
    assert dominant_share({"cpus": 500, "gpus": 9_000}, {"cpus": 1_000}) == 0.5


@pytest.mark.parametrize("name", ["remove", "activate", "deactivate", "held"])
def test_client_that_was_not_added_is_an_error(name: str) -> None:
    sorter = sorter_of("a")

    with pytest.raises(InternalError, match="'b'"):
        getattr(sorter, name)("b")


def test_client_added_twice_is_an_error() -> None:
    sorter = sorter_of("a")

    with pytest.raises(InternalError, match=r"'a'.*twice"):
        sorter.add("a")


def test_releasing_more_than_is_held_is_an_error() -> None:
    sorter = sorter_of("a")

    with pytest.raises(InternalError, match="'a' holds -1000 milli cpus"):
        sorter.release("a", Resources.of(cpus=1))


def test_total_never_falls_below_zero() -> None:
    total = ClusterTotal()
    total.add(Resources.of(cpus=1))

    with pytest.raises(InternalError, match="cpus"):
        total.remove(Resources.of(cpus=2))


amounts = st.builds(Resources.of, st.integers(0, 5), st.integers(0, 50))
steps = st.lists(
    st.tuples(
        st.sampled_from(["allocate", "release", "activate", "deactivate", "reweigh", "grow", "rank"]),
        st.sampled_from("abcd"),
        amounts,
    )
)


# Goal: moving one client at a time never loses the order. Method: after any steps, sort all from scratch.
@given(steps)
def test_kept_order_is_the_order_from_scratch(steps: list[tuple[str, str, Resources]]) -> None:
    total = ClusterTotal()
    total.add(TOTAL)
    sorter = DRFSorter(total)
    held = {client: Resources() for client in "abcd"}
    counts, weights, active = dict.fromkeys("abcd", 0), dict.fromkeys("abcd", 1.0), set[str]()
    for client in "abcd":
        sorter.add(client)

    for step, client, amount in steps:
        if step == "allocate":
            sorter.allocate(client, amount)
            held[client] += amount
            counts[client] += 1
        elif step == "release" and held[client].contains(amount):
            sorter.release(client, amount)
            held[client] -= amount
        elif step == "activate":
            sorter.activate(client)
            active.add(client)
        elif step == "deactivate":
            sorter.deactivate(client)
            active.discard(client)
        elif step == "reweigh":
            weights[client] = 1.0 + amount.get("cpus")
            sorter.reweigh(client, weights[client])
        elif step == "grow":
            total.add(amount)
        elif step == "rank":
            list(sorter.ranked())

    def rank(client: str) -> tuple[float, int, str]:
        shares = [milli / total.milli[name] for name, milli in held[client].quantities]
        return max(shares, default=0.0) / weights[client], counts[client], client

    assert list(sorter.ranked()) == sorted(active, key=rank)
