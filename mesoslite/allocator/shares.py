"""Shares: fairness on two levels, among roles and among the frameworks of each role."""

# Who calls: drf.py only.
# Invariants: 1. a framework is tracked under a role while it is subscribed to it or holds resources under it.
#   2. a role is active exactly while a framework of it is; so a role that can take nothing is not even looked
#   at.
#   3. what a role holds is the sum of what its frameworks hold.
# Source: Mesos src/master/allocator/mesos/hierarchical.cpp (trackFrameworkUnderRole,
#   trackAllocatedResources).

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from mesoslite.model import FrameworkID, Resources, dominant_share

from .filters import Client
from .sorter import ClusterTotal, Sorter

SorterFactory = Callable[[ClusterTotal], Sorter]


class Shares:
    """The order in which frameworks are served."""

    def __init__(self, sorter: SorterFactory) -> None:
        self.total = ClusterTotal()
        self._sorter = sorter
        self._roles = sorter(self.total)
        self._frameworks: dict[str, Sorter] = {}  # by role
        self._weights: dict[str, float] = {}  # by role, also for roles that nobody is in yet

    def reweigh(self, role: str, weight: float) -> None:
        """Set the weight of a role, now or for when it appears."""
        self._weights[role] = weight
        if role in self._roles.clients:
            self._roles.reweigh(role, weight)

    def track(self, client: Client) -> None:
        """Know a framework under a role; again is fine."""
        framework_id, role = client
        if role not in self._frameworks:
            self._roles.add(role, self._weights.get(role, 1.0))
            self._frameworks[role] = self._sorter(self.total)
        if framework_id not in self._frameworks[role].clients:
            self._frameworks[role].add(framework_id)

    def untrack(self, client: Client) -> None:
        """Forget a framework under a role, unless it still holds something there."""
        framework_id, role = client
        frameworks = self._frameworks[role]
        self.set_active(client, False)
        if not frameworks.held(framework_id):
            frameworks.remove(framework_id)
        if not frameworks.clients:
            del self._frameworks[role]
            self._roles.remove(role)

    def set_active(self, client: Client, active: bool) -> None:
        """Let a framework be served under a role, or not."""
        framework_id, role = client
        frameworks = self._frameworks[role]
        if active:
            frameworks.activate(framework_id)
            self._roles.activate(role)
        else:
            frameworks.deactivate(framework_id)
            if frameworks.active_count == 0:
                self._roles.deactivate(role)

    def allocate(self, client: Client, resources: Resources) -> None:
        """Count resources as the framework's and as its role's."""
        self.track(client)
        framework_id, role = client
        self._frameworks[role].allocate(framework_id, resources)
        self._roles.allocate(role, resources)

    def release(self, client: Client, resources: Resources, subscribed: bool) -> None:
        """Count resources as theirs no longer; one not ``subscribed`` is forgotten with the last of them."""
        framework_id, role = client
        self._frameworks[role].release(framework_id, resources)
        self._roles.release(role, resources)
        if not subscribed:
            self.untrack(client)

    def ranked(self) -> Iterator[Client]:
        """Yield who is to be served, first at the front; stop before the next change."""
        for role in self._roles.ranked():
            for framework_id in self._frameworks[role].ranked():
                yield FrameworkID(framework_id), role

    def dominant_share(self, framework_id: FrameworkID) -> float:
        """Return the framework's largest share, over all roles and not weighted. Cost: O(roles)."""
        held: Counter[str] = Counter()
        for frameworks in self._frameworks.values():
            if framework_id in frameworks.clients:
                held.update(frameworks.held(framework_id))
        return dominant_share(held, self.total.milli)

    def held(self) -> dict[Client, Mapping[str, int]]:
        """Return the thousandths by name that each tracked framework holds under each role; for checks."""
        return {
            (FrameworkID(framework_id), role): frameworks.held(framework_id)
            for role, frameworks in self._frameworks.items()
            for framework_id in frameworks.clients
        }

    def check(self) -> bool:
        """Return True if invariants 2 and 3 hold; only for ``assert``. Cost: O(frameworks)."""
        active = {role for role, frameworks in self._frameworks.items() if frameworks.active_count}
        if active != set(self._roles.ranked()):
            return False
        for role, frameworks in self._frameworks.items():
            sums: Counter[str] = Counter()
            for framework_id in frameworks.clients:
                sums.update(frameworks.held(framework_id))
            if sums != self._roles.held(role) or not frameworks.clients:
                return False
        return list(self._roles.clients) == list(self._frameworks)
