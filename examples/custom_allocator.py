"""An allocation policy of one's own: strict priorities. What is urgent is offered everything as long as it wants any.

Run it:  python examples/custom_allocator.py

Here a program hands the policy to its own cluster. To use it by name, `mesoslite dev --allocator priorities`, a package
that is installed offers it as an entry point, in its pyproject.toml:

    [project.entry-points."mesoslite.allocators"]
    priorities = "custom_allocator:Priorities"

A policy is told what happens (`apply`) and asked who is offered what (`begin`); it has no clock, no thread and no I/O.
What it grants counts as held until it is told that it came back. Who only wants another order among roles or frameworks
needs no policy: a sorter does (docs/allocator.md).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import libactor as la
import mesoslite
from mesoslite.allocator import (
    AgentAdded,
    AgentID,
    AgentRemoved,
    Delta,
    FilterExpired,
    FrameworkActivated,
    FrameworkAdded,
    FrameworkDeactivated,
    FrameworkID,
    FrameworkRemoved,
    FrameworkUpdated,
    Grant,
    NotFound,
    Plan,
    RandomStream,
    ResourcesRecovered,
    Revived,
    Suppressed,
)

NOTHING = mesoslite.Resources()
URGENT, NORMAL = "urgent", "normal"
SECONDS = 30  # what the example may take


@dataclass
class Decided:
    """A run that is through at once; a longer one would do a part of its work at each `advance`."""

    plan: Plan

    def advance(self, work: int) -> bool:
        return True


class Priorities:
    """Offers each agent to the framework whose role stands first in `order`; roles that are not there come last."""

    def __init__(self, order: tuple[str, ...] = (URGENT, NORMAL)) -> None:
        self.rank = {role: place for place, role in enumerate(order)}
        self.total: dict[AgentID, mesoslite.Resources] = {}
        self.free: dict[AgentID, mesoslite.Resources] = {}
        self.held: dict[tuple[FrameworkID, AgentID], mesoslite.Resources] = {}
        self.roles: dict[FrameworkID, tuple[str, ...]] = {}
        self.inactive: set[FrameworkID] = set()
        self.suppressed: set[tuple[FrameworkID, str]] = set()
        self.served: dict[tuple[FrameworkID, str], int] = {}  # how often; equals take turns
        self.filters: dict[int, ResourcesRecovered] = {}  # what was refused, by the number of the filter

    # ---- what happened ----

    def apply(self, delta: Delta) -> tuple[int, ...]:
        """Take note of what happened; the numbers of the filters that have ended with it."""
        match delta:
            case AgentAdded():
                self.total[delta.agent_id] = self.free[delta.agent_id] = delta.total
                for use in delta.used:
                    self.hold(use.framework_id, delta.agent_id, use.resources)
            case AgentRemoved(agent_id):
                del self.total[agent_id], self.free[agent_id]
                self.held = {key: held for key, held in self.held.items() if key[1] != agent_id}
                return self.end_filters(agent_id)
            case FrameworkAdded() | FrameworkUpdated():
                framework_id = delta.framework_id
                self.roles[framework_id] = delta.roles
                self.suppressed = {each for each in self.suppressed if each[0] != framework_id}
                self.suppressed |= {(framework_id, role) for role in delta.suppressed_roles}
                if isinstance(delta, FrameworkAdded) and not delta.active:
                    self.inactive.add(framework_id)
            case FrameworkActivated(framework_id):
                self.inactive.discard(framework_id)
            case FrameworkDeactivated(framework_id):
                self.inactive.add(framework_id)
                return self.end_filters(framework_id)
            case FrameworkRemoved(framework_id):
                return self.forget(framework_id)
            case Suppressed(framework_id, roles):
                self.suppressed |= {(framework_id, role) for role in roles or self.roles[framework_id]}
            case Revived(framework_id, roles):
                self.suppressed -= {(framework_id, role) for role in roles or self.roles[framework_id]}
                return self.end_filters(framework_id)
            case ResourcesRecovered():
                if self.release(delta.framework_id, delta.agent_id, delta.resources) and delta.filter_id is not None:
                    self.filters[delta.filter_id] = delta
            case FilterExpired(filter_id):
                self.filters.pop(filter_id, None)
        return ()  # what else there is, such as quota and weights, is nothing to this policy

    def forget(self, framework_id: FrameworkID) -> tuple[int, ...]:
        """A framework is gone: all that it holds is free."""
        for holder, agent_id in list(self.held):
            if holder == framework_id:
                self.release(holder, agent_id, self.held[holder, agent_id])
        for role in self.roles.pop(framework_id):
            self.served.pop((framework_id, role), None)
            self.suppressed.discard((framework_id, role))
        self.inactive.discard(framework_id)
        return self.end_filters(framework_id)

    def hold(self, framework_id: FrameworkID, agent_id: AgentID, resources: mesoslite.Resources) -> None:
        """Move what is free to a framework."""
        self.free[agent_id] -= resources
        self.held[framework_id, agent_id] = self.held.get((framework_id, agent_id), NOTHING) + resources

    def release(self, framework_id: FrameworkID, agent_id: AgentID, resources: mesoslite.Resources) -> bool:
        """Move it back; False if the agent or the framework has gone meanwhile, and nothing is left to do."""
        if (framework_id, agent_id) not in self.held:
            return False
        self.free[agent_id] += resources
        self.held[framework_id, agent_id] -= resources
        if not self.held[framework_id, agent_id]:
            del self.held[framework_id, agent_id]
        return framework_id in self.roles

    def end_filters(self, owner: FrameworkID | AgentID) -> tuple[int, ...]:
        """End the filters of a framework, or about an agent."""
        ended = tuple([n for n, refused in self.filters.items() if owner in (refused.framework_id, refused.agent_id)])
        for number in ended:
            del self.filters[number]
        return ended

    # ---- who is offered what ----

    def begin(self, rng: RandomStream) -> Decided:
        """Give each agent, as a whole, to whoever comes first and has not refused as much; and count it as held."""
        grants = []
        for agent_id, free in list(self.free.items()):
            client = min(self.clients(agent_id, free), key=self.place, default=None) if free else None
            if client is not None:
                framework_id, role = client
                self.hold(framework_id, agent_id, free)
                self.served[client] = self.served.get(client, 0) + 1
                grants.append(Grant(framework_id=framework_id, role=role, agent_id=agent_id, resources=free))
        return Decided(Plan(tuple(grants)))

    def place(self, client: tuple[FrameworkID, str]) -> tuple[int, int]:
        """Where a framework in a role stands: by priority, then who was served least often."""
        return self.rank.get(client[1], len(self.rank)), self.served.get(client, 0)

    def clients(self, agent_id: AgentID, free: mesoslite.Resources) -> list[tuple[FrameworkID, str]]:
        """Frameworks, each in each of its roles, that want offers and have not refused as much of this agent."""
        refused = {
            (declined.framework_id, declined.role)
            for declined in self.filters.values()
            if declined.agent_id == agent_id and declined.resources.contains(free)
        }
        wanting = [(each, role) for each, roles in self.roles.items() if each not in self.inactive for role in roles]
        return [client for client in wanting if client not in self.suppressed and client not in refused]

    # ---- what others want to know ----

    def dominant_share(self, framework_id: FrameworkID) -> float:
        """The largest share of the cluster that a framework holds of any one resource."""
        held = sum([held for (holder, _), held in self.held.items() if holder == framework_id], NOTHING).to_dict()
        total = sum(self.total.values(), NOTHING).to_dict()
        return max([amount / total[name] for name, amount in held.items()], default=0.0)

    def available(self, agent_id: AgentID) -> mesoslite.Resources:
        """What is neither used nor offered of an agent."""
        if agent_id not in self.free:
            raise NotFound(f"priorities: agent {agent_id} is not known; list the agents anew")
        return self.free[agent_id]


class Tasks(mesoslite.Framework):
    """Runs so many short tasks, each of which takes a whole agent, and notes in a common list when one starts."""

    def __init__(self, role: str, number: int, started: list[str]) -> None:
        super().__init__(role, roles=(role,))
        self.left = self.running = number
        self.started = started
        self.first: la.Promise[None] = la.Promise()

    def on_offers(self, offers: tuple[mesoslite.Offer, ...]) -> None:
        for offer in offers:
            tasks = [self.task(offer, "sleep 0.1", cpus=1, mem=64)] if self.left else []
            self.left -= len(tasks)
            self.started += [self.info.name] * len(tasks)
            self.launch(offer, tasks)
        if not self.left:
            self.suppress()

    def on_update(self, status: mesoslite.TaskStatus) -> None:
        self.first.set(None)
        if status.state.is_terminal:
            self.running -= 1
            if not self.running:
                self.stop()


def main() -> int:
    """Run an urgent framework beside a normal one, and say whose tasks started when; 0 if the urgent came first."""
    started: list[str] = []
    urgent, normal = Tasks(URGENT, 5, started), Tasks(NORMAL, 5, started)
    with mesoslite.Cluster(agents=1, resources="cpus:1;mem:64", allocator=Priorities()) as cluster:
        done = [cluster.submit(urgent)]
        urgent.first.future.get(SECONDS)
        done.append(cluster.submit(normal))  # while the urgent one has tasks left
        la.collect(done).get(SECONDS)
    print("started:", " ".join(started))
    return 0 if started == [URGENT] * 5 + [NORMAL] * 5 else 1


if __name__ == "__main__":
    sys.exit(main())
