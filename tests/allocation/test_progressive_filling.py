"""Who gets how much in the end: as progressive filling says, by lot as weights say, and no more for who lies."""

# Source: Ghodsi et al., Dominant Resource Fairness, NSDI 2011, sections 3 and 4: frameworks with fixed demands; shares
#   grow alike until nothing fits. The model below is that, with fractions of tasks; the allocator gives out whole ones.

import random
from collections import Counter
from fractions import Fraction
from math import sqrt

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mesoslite.model import Resources, WeightChanged

from .cluster import Cluster

Demand = tuple[int, int]  # cpus and GB of one task

demands = st.tuples(st.integers(1, 6), st.integers(1, 6))
capacities = st.tuples(st.integers(40, 120), st.integers(40, 120))


def share_of_a_task(demand: Demand, capacity: Demand) -> Fraction:
    return max([Fraction(part, whole) for part, whole in zip(demand, capacity, strict=True)])


def tasks_by_filling(wanted: dict[str, Demand], capacity: Demand) -> dict[str, Fraction]:
    """Tasks of each when all dominant shares are as large as they can be together; every demand is above zero."""
    of_share = {name: 1 / share_of_a_task(demand, capacity) for name, demand in wanted.items()}  # tasks by whole share
    used = [sum([of_share[name] * wanted[name][at] for name in wanted]) for at in (0, 1)]
    share = min([Fraction(whole) / part for whole, part in zip(capacity, used, strict=True)])
    return {name: share * tasks for name, tasks in of_share.items()}


def useful_tasks(given: Fraction, asked: Demand, needed: Demand) -> Fraction:
    """How many tasks of what is needed fit into so many of what was asked for."""
    return min([given * part / need for part, need in zip(asked, needed, strict=True)])


def text(demand: Demand) -> str:
    return f"cpus:{demand[0]};mem:{demand[1] * 1_000}"


def test_model_gives_the_three_and_two_tasks_of_the_paper() -> None:
    assert tasks_by_filling({"a": (1, 4), "b": (3, 1)}, (9, 18)) == {"a": 3, "b": 2}


@given(st.lists(demands, min_size=2, max_size=5), capacities, demands)
def test_who_asks_for_something_else_than_he_needs_gets_no_more_done(
    needed: list[Demand], capacity: Demand, lie: Demand
) -> None:
    truth = {str(number): demand for number, demand in enumerate(needed)}

    honest = tasks_by_filling(truth, capacity)["0"]
    lying = useful_tasks(tasks_by_filling({**truth, "0": lie}, capacity)["0"], lie, truth["0"])

    assert lying <= honest


# Goal: plans come to what the model says. Method: one large agent; each framework takes a task an offer. Whoever is
#   stuck first has the least share then; were it more than the largest task below the model's, everybody with one more
#   task would be within the model, and so it would fit.
@given(st.lists(demands, min_size=2, max_size=4), capacities)
@example(needed=[(1, 1), (1, 5)], capacity=(54, 55))  # the sixth large task is worth five small ones
@settings(max_examples=30, deadline=None)
def test_everybody_gets_the_share_of_progressive_filling_but_for_the_largest_task(
    needed: list[Demand], capacity: Demand
) -> None:
    wanted = {str(number): demand for number, demand in enumerate(needed)}
    cluster = Cluster(agents=1, total=text(capacity), is_audited=False)
    for name in wanted:
        cluster.add_framework(name)

    tasks = cluster.fill({name: text(demand) for name, demand in wanted.items()})

    model = tasks_by_filling(wanted, capacity)
    of_task = {name: share_of_a_task(demand, capacity) for name, demand in wanted.items()}
    slack = max(of_task.values())
    assert all(tasks[name] * of_task[name] >= model[name] * of_task[name] - slack for name in wanted), (tasks, model)
    free = [whole - sum([tasks[name] * wanted[name][at] for name in wanted]) for at, whole in enumerate(capacity)]
    assert min(free) >= 0
    assert not any(all(left >= part for left, part in zip(free, demand, strict=True)) for demand in wanted.values())


# Goal: as long as everybody can go on, nobody is ahead of another by more than a task. Method: look after each task.
@pytest.mark.parametrize("roles", [("*", "*", "*"), ("ads", "web", "web")], ids=["one role", "two roles"])
def test_shares_differ_by_at_most_one_task_while_all_want_more(roles: tuple[str, str, str]) -> None:
    capacity, wanted = (60, 90), {"a": (1, 4), "b": (3, 1), "c": (2, 2)}
    cluster = Cluster(agents=1, total=text(capacity))
    for name, role in zip(wanted, roles, strict=True):
        cluster.add_framework(name, role)
    peers = [["a", "b", "c"]] if len(set(roles)) == 1 else [["b", "c"]]
    running: Counter[str] = Counter()

    for _ in range(20):
        (grant,) = cluster.plan()
        task = Resources.parse(text(wanted[grant.framework_id]))
        running[grant.framework_id] += 1
        cluster.use(grant, task)

        for among in peers:
            shares = {name: running[name] * share_of_a_task(wanted[name], capacity) for name in among}
            step = max([share_of_a_task(wanted[name], capacity) for name in among])
            assert max(shares.values()) - min(shares.values()) <= step


# Goal: lots fall as weights say, at each level. Method: many plans of one agent; how often each is first, within three
# standard deviations of what the product of its relative weights along the path makes probable.
@pytest.mark.parametrize("seed", range(3))
def test_lots_fall_as_weights_say(seed: int) -> None:
    plans = 4_000
    cluster = Cluster(agents=1, role_sorter="random", framework_sorter="random", probe_every=0, is_audited=False)
    for role, weight in (("ads", 3.0), ("web", 1.0), ("web/shop", 2.0), ("web/blog", 1.0)):
        cluster.allocator.apply(WeightChanged(role, weight))
    for name, role in (("a", "ads"), ("b", "ads"), ("shop", "web/shop"), ("blog", "web/blog")):
        cluster.add_framework(name, role)
    cluster.add_framework("away", "other", active=False)
    rng = random.Random(seed)

    first: Counter[str] = Counter()
    for _ in range(plans):
        (grant,) = cluster.allocator.plan(rng).grants
        first[grant.framework_id] += 1
        cluster.recover(grant)

    for name, chance in (("a", 3 / 8), ("b", 3 / 8), ("shop", 1 / 6), ("blog", 1 / 12)):
        assert abs(first[name] - plans * chance) <= 3 * sqrt(plans * chance * (1 - chance)), first
    assert first.total() == plans
