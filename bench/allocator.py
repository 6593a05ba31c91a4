"""The allocator: how long its plans take, and what they take it to, with the parameters of Mesos's own benchmarks."""

# No peer that could run beside it: what Mesos's C++ needs for the same stands in bench/allocator_figures.py.
# Only what a method says is timed, not the deltas before it. Plans check the books by assert as they go, as they do in
#   production. That much was granted, or nothing was, is checked for each plan that is timed.
# A round in which everything was handed back is not done for nothing: each agent has changed and is looked at.

from __future__ import annotations

import random

from bench.allocator_backlog import revive_everybody
from bench.allocator_clusters import (
    DECLINING_USED,
    LARGE_AGENT,
    SEED,
    SMALL_AGENT,
    SMALL_USED,
    SUPPRESSING_USED,
    Cluster,
    agents,
    apply_all,
    labelled,
    reserved,
    timed,
    volume_cluster,
)
from bench.allocator_profiles import TASKS, launch_everything
from bench.allocator_sizes import plan_of_different_sizes
from bench.benchmarks import expect
from mesoslite.allocator import ClusterTotal, DRFSorter, Standing
from mesoslite.allocator.passing import PROBE_EVERY
from mesoslite.model import (
    NOTHING,
    AgentAdded,
    AgentID,
    AgentUpdated,
    AllocationConverted,
    Delta,
    FrameworkAdded,
    FrameworkID,
    QuotaChanged,
    Resources,
    Revived,
    Suppressed,
)
from mesoslite.model.kinds import Kind
from mesoslite.model.labels import Label
from mesoslite.model.portions import Portion

IDLE_PLANS = 1_000
QUOTA_AGENT = Resources.parse("cpus:2;mem:2048;disk:2048")
SMALL_QUOTA = Resources.parse("cpus:1;mem:1024;disk:1024")
LARGE_QUOTA = Resources.parse("cpus:4;mem:4096;disk:4096")
METRICS_AGENT = Resources.parse("cpus:16;mem:2048;disk:1024")
METRICS_QUOTA = Resources.parse("cpus:1;mem:512;disk:256")
ROLE = "role1"


class AllocatorPlans:
    """Each method builds a cluster of so many agents (``count``) and others (``extent``), and times something on it."""

    # ---- cycles: one role, no filters ----

    def first_plan(self, count: int, extent: int) -> float:
        """Every agent is new."""
        cluster = _free_cluster(count, extent)
        seconds = timed(cluster.plan)
        expect(len(cluster.grants), count, "grants of the first plan")
        return seconds

    def full_plan(self, count: int, extent: int) -> float:
        """Every agent was offered and declined."""
        cluster = _free_cluster(count, extent)
        cluster.plan()
        cluster.decline(cluster.grants)
        seconds = timed(cluster.plan)
        expect(len(cluster.grants), count, "grants of the plan after all were declined")
        return seconds

    def changed_plan(self, count: int, extent: int) -> float:
        """One agent in a hundred was declined, at least one; with the deltas that say so."""
        cluster = _free_cluster(count, extent)
        cluster.plan()
        declined = cluster.grants[: max(1, count // 100)]

        def change() -> None:
            cluster.decline(declined)
            cluster.plan()

        seconds = timed(change)
        expect(len(cluster.grants), len(declined), "grants of the plan after some were declined")
        return seconds

    def idle_plan(self, count: int, extent: int) -> float:
        """Nothing changed since the first plan: the mean of many."""
        cluster = _free_cluster(count, extent)
        cluster.plan()
        expect(len(cluster.grants), count, "grants of the first plan")
        granted: list[int] = []
        seconds = timed(lambda: granted.extend([len(cluster.plan().grants) for _ in range(IDLE_PLANS)]))
        expect(sum(granted), 0, "grants of idle plans")
        return seconds / IDLE_PLANS

    # ---- hierarchical_allocator_tests.cpp ----

    def add_agents(self, count: int, extent: int) -> float:
        """AddAndUpdateSlave: agents are added, with what runs on them, and offered."""
        cluster = Cluster()
        cluster.add_frameworks(extent)
        deltas = agents(count, SMALL_AGENT, SMALL_USED, extent)
        seconds = timed(lambda: (apply_all(cluster.allocator, deltas), cluster.plan()))
        expect(len(cluster.grants), count, "grants of the agents that were added")
        return seconds

    def update_agents(self, count: int, extent: int) -> float:
        """AddAndUpdateSlave: then each has 10 revocable cpus more, and these are offered."""
        cluster = _used_cluster(count, extent, SMALL_AGENT, SMALL_USED)
        cluster.plan()
        more = Resources.from_portions([Portion(Kind("cpus", revocable=True), 10_000)])
        deltas = [AgentUpdated(agent_id=AgentID(f"agent-{n}"), total=SMALL_AGENT + more) for n in range(count)]
        seconds = timed(lambda: (apply_all(cluster.allocator, deltas), cluster.plan()))
        expect({grant.resources for grant in cluster.grants}, {more}, "what was offered of the agents that grew")
        expect(len(cluster.grants), count, "grants of the agents that grew")
        return seconds

    def decline_first(self, count: int, extent: int) -> float:
        """DeclineOffers: nothing is filtered yet."""
        cluster = _used_cluster(count, extent, LARGE_AGENT, DECLINING_USED)
        seconds = timed(cluster.plan)
        expect(len(cluster.grants), count, "grants as long as nothing is filtered")
        return seconds

    def decline_all(self, count: int, extent: int) -> float:
        """DeclineOffers: each framework has a filter on each agent, and all agents were just handed back."""
        cluster = _used_cluster(count, extent, LARGE_AGENT, DECLINING_USED)
        while cluster.plan().grants:
            last = cluster.grants
            cluster.decline(last, filtered=True)
            if cluster.filters == count * extent:
                break
        expect(cluster.filters, count * extent, "filters")
        seconds = timed(cluster.plan)
        expect(len(cluster.grants), 0, "grants when everything is filtered")
        return seconds

    def labels_first(self, count: int, extent: int) -> float:
        """ResourceLabels: as DeclineOffers, but what is used are CPUs in two reservations that differ in one label."""
        cluster = Cluster()
        cluster.add_frameworks(extent, ROLE)
        rest = DECLINING_USED - Resources.of(cpus=16)
        used = rest + labelled(8, ROLE, "one") + labelled(8, ROLE, "other")
        total = LARGE_AGENT - DECLINING_USED + used
        apply_all(cluster.allocator, agents(count, total, used, extent, ROLE))
        seconds = timed(cluster.plan)
        expect(len(cluster.grants), count, "grants beside reservations")
        return seconds

    def suppress_60(self, count: int, extent: int) -> float:
        """SuppressOffers: three fifths of the frameworks are suppressed, and handed back their offers."""
        return _suppressed_plan(count, extent, extent * 3 // 5)

    def suppress_80(self, count: int, extent: int) -> float:
        """SuppressOffers: the next fifth."""
        return _suppressed_plan(count, extent, extent * 4 // 5)

    def suppress_all(self, count: int, extent: int) -> float:
        """SuppressOffers: nobody wants any."""
        return _suppressed_plan(count, extent, extent)

    def suppress_99(self, count: int, extent: int) -> float:
        """ExtremeSuppressOffers: one framework in a hundred wants offers."""
        return _suppressed_plan(count, extent, extent * 99 // 100)

    def reserve(self, count: int, extent: int) -> float:
        """UpdateAllocation: so many times a CPU is reserved with a label, and unreserved, among 4 * ``extent``."""
        rng = random.Random(SEED)
        roles = [f"role-{number}" for number in range(extent)]
        kinds = ("cpus", "mem", "disk", "gpus")
        total = sum(
            [reserved(Resources.of(**{kind: 10}), role, _random_label(rng)) for role in roles for kind in kinds],
            Resources.of(cpus=10),
        )
        cluster = Cluster()
        cluster.allocator.apply(
            FrameworkAdded(framework_id=FrameworkID("framework-0"), roles=(ROLE,), capabilities=("GPU_RESOURCES",))
        )
        cluster.allocator.apply(AgentAdded(agent_id=AgentID("agent-0"), hostname="host-0", total=total))
        cluster.plan()
        (grant,) = cluster.grants
        one = Resources.of(cpus=1)
        deltas: list[Delta] = []
        for _ in range(count):
            after = reserved(one, ROLE, _random_label(rng))
            deltas += [
                AllocationConverted(
                    framework_id=grant.framework_id, role=ROLE, agent_id=grant.agent_id, before=gone, after=come
                )
                for gone, come in ((one, after), (after, one))
            ]
        seconds = timed(lambda: apply_all(cluster.allocator, deltas))
        expect(cluster.allocator.allocated(grant.agent_id), grant.resources, "what is held after all was unreserved")
        return seconds / 2

    def quota_agents(self, count: int, extent: int) -> float:
        """Metrics, its set-up: agents are added to so many roles with a quota and a framework, and offered."""
        cluster = Cluster()
        quota = METRICS_QUOTA.quantities
        for number in range(extent):
            role = f"role-{number}"
            cluster.allocator.apply(QuotaChanged(role, quota, quota))
            cluster.allocator.apply(FrameworkAdded(framework_id=FrameworkID(f"framework-{number}"), roles=(role,)))
        deltas = agents(count, METRICS_AGENT, None, extent)
        seconds = timed(lambda: (apply_all(cluster.allocator, deltas), cluster.plan()))
        served = min(extent, 4 * count)  # memory and disk of an agent are four quotas; limits leave the rest to nobody
        offered = sum([grant.resources for grant in cluster.grants], NOTHING)
        expect(offered, sum([METRICS_QUOTA] * served, NOTHING), "what was offered to all roles")
        return seconds

    def backlog(self, count: int, extent: int) -> float:
        """AllocatorBacklog: every framework revives; by the actor that plans for all of them at once."""
        return revive_everybody(count, extent)

    def volumes(self, count: int, extent: int) -> float:
        """PersistentVolumes: all is reserved for one role, with a volume each, every other one shared; none is new."""
        cluster = volume_cluster(count, extent)
        cluster.plan()
        cluster.decline(cluster.grants)
        seconds = timed(cluster.plan)
        expect(len(cluster.grants), count, "grants of reserved agents after all were declined")
        return seconds

    # ---- what ours does and Mesos does not ----

    def sizes(self, count: int, extent: int) -> float:
        """Each agent is of another size, and nearly everybody hands all of it back."""
        return plan_of_different_sizes(count, extent, PROBE_EVERY)

    def sizes_by_share(self, count: int, extent: int) -> float:
        """The same, served by share alone."""
        return plan_of_different_sizes(count, extent, 0)

    # ---- hierarchical_allocator_benchmarks.cpp ----

    def quota_frameworks(self, count: int) -> float:
        """LargeAndSmallQuota: the frameworks are added, one to a role; the plan is not timed."""
        cluster = Cluster()
        deltas = _quota_roles(count)
        apply_all(cluster.allocator, [delta for delta in deltas if isinstance(delta, QuotaChanged)])
        apply_all(cluster.allocator, agents(count, QUOTA_AGENT, None, 1))
        frameworks = [delta for delta in deltas if isinstance(delta, FrameworkAdded)]
        seconds = timed(lambda: apply_all(cluster.allocator, frameworks))
        cluster.plan()
        _expect_quotas_met(cluster, count)
        return seconds

    def quota_first(self, count: int) -> float:
        """LargeAndSmallQuota: the cycle that gives each of so many roles its quota."""
        return _quota_plan(count, "drf")

    def quota_lottery(self, count: int) -> float:
        """LargeAndSmallQuota: the same, served in an order drawn by lot."""
        return _quota_plan(count, "random")

    def quota_idle(self, count: int) -> float:
        """LargeAndSmallQuota: the cycle after that, which offers nothing."""
        cluster = _quota_cluster(count, "drf")
        cluster.plan()
        seconds = timed(cluster.plan)
        expect(len(cluster.grants), 0, "grants after all quotas were met")
        return seconds

    def quota_again(self, count: int) -> float:
        """LargeAndSmallQuota: then everybody revives, so every agent is looked at once more, again for nothing."""
        cluster = _quota_cluster(count, "drf")
        cluster.plan()
        revivals = [Revived(delta.framework_id) for delta in _quota_roles(count) if isinstance(delta, FrameworkAdded)]
        seconds = timed(lambda: (apply_all(cluster.allocator, revivals), cluster.plan()))
        expect(len(cluster.grants), 0, "grants after all quotas were met and all frameworks revived")
        return seconds

    def roles_without_quota(self, count: int) -> float:
        """NonQuotaVsQuota: two agents and two frameworks a role, no quota: one cycle that offers everything."""
        return _role_plan(count, has_quota=False)

    def roles_with_quota(self, count: int) -> float:
        """NonQuotaVsQuota: the same, each role with a quota of two agents."""
        return _role_plan(count, has_quota=True)

    def profiles(self, count: int) -> float:
        """MultiFrameworkAllocations: until all tasks run; with less than 19,500 of them, there are fewer frameworks."""
        return launch_everything(max(1, count * 100 // TASKS))

    # ---- sorter_tests.cpp ----

    def sort(self, count: int) -> float:
        """FullSort: every client is brought in order, after the cluster has grown."""
        total = ClusterTotal()
        total.add(LARGE_AGENT.quantities)
        standings = {f"client-{number}": Standing() for number in range(count)}
        sorter = DRFSorter(total, standings.__getitem__)
        for number, (client, standing) in enumerate(standings.items()):
            standing.held = {"cpus": number * 7_919 % count}
            sorter.add(client)
            sorter.activate(client)
        list(sorter.ranked(random.Random(SEED)))
        total.add(LARGE_AGENT.quantities)
        order: list[str] = []
        seconds = timed(lambda: order.extend(sorter.ranked(random.Random(SEED))))
        expect([standings[client].held["cpus"] for client in order], list(range(count)), "clients in order")
        return seconds


def _free_cluster(count: int, frameworks: int) -> Cluster:
    cluster = Cluster()
    apply_all(cluster.allocator, agents(count, LARGE_AGENT, None, frameworks))
    cluster.add_frameworks(frameworks)
    return cluster


def _used_cluster(count: int, frameworks: int, total: Resources, used: Resources) -> Cluster:
    cluster = Cluster()
    cluster.add_frameworks(frameworks)
    apply_all(cluster.allocator, agents(count, total, used, frameworks))
    return cluster


def _suppressed_plan(count: int, frameworks: int, suppressed: int) -> float:
    cluster = _used_cluster(count, frameworks, LARGE_AGENT, SUPPRESSING_USED)
    cluster.plan()
    apply_all(cluster.allocator, [Suppressed(FrameworkID(f"framework-{n}")) for n in range(suppressed)])
    cluster.decline(cluster.grants)
    seconds = timed(cluster.plan)
    expect(len(cluster.grants), count if suppressed < frameworks else 0, "grants to those that are not suppressed")
    return seconds


def _quota_roles(count: int) -> list[Delta]:
    """A role for each agent, five of six with a small quota, one with a large one; a framework in each."""
    large = max(1, count // 6)
    deltas: list[Delta] = []
    for number, quota in enumerate([SMALL_QUOTA] * 5 * large + [LARGE_QUOTA] * large):
        role = f"role-{number}"
        deltas.append(QuotaChanged(role, quota.quantities, quota.quantities))
        deltas.append(FrameworkAdded(framework_id=FrameworkID(f"framework-{number}"), roles=(role,)))
    return deltas


def _quota_cluster(count: int, sorter: str) -> Cluster:
    cluster = Cluster(sorter)
    apply_all(cluster.allocator, agents(count, QUOTA_AGENT, None, 1))
    apply_all(cluster.allocator, _quota_roles(count))
    return cluster


def _quota_plan(count: int, sorter: str) -> float:
    cluster = _quota_cluster(count, sorter)
    seconds = timed(cluster.plan)
    _expect_quotas_met(cluster, count)
    return seconds


def _expect_quotas_met(cluster: Cluster, count: int) -> None:
    held: dict[str, Resources] = {}
    for grant in cluster.grants:
        held[grant.role] = held.get(grant.role, NOTHING) + grant.resources
    deltas = _quota_roles(count)
    wanted = {delta.role: Resources(delta.guarantees) for delta in deltas if isinstance(delta, QuotaChanged)}
    expect(held, wanted, "what the roles were offered")


def _role_plan(count: int, has_quota: bool) -> float:
    cluster = Cluster()
    roles = max(1, count // 2)
    deltas: list[Delta] = list(agents(2 * roles, QUOTA_AGENT, None, 1))
    for number in range(roles):
        role = f"role-{number}"
        if has_quota:
            quota = (QUOTA_AGENT + QUOTA_AGENT).quantities
            deltas.append(QuotaChanged(role, quota, quota))
        deltas += [FrameworkAdded(framework_id=FrameworkID(f"{role}-{n}"), roles=(role,)) for n in range(2)]
    apply_all(cluster.allocator, deltas)
    seconds = timed(cluster.plan)
    offered = sum([grant.resources for grant in cluster.grants], NOTHING)
    expect(offered, sum([QUOTA_AGENT] * 2 * roles, NOTHING), "what was offered to all roles")
    return seconds


def _random_label(rng: random.Random) -> tuple[Label, ...]:
    return (Label("id", "".join(rng.choices("0123456789abcdef", k=36))),)
