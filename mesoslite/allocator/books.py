"""Books: who holds what on each agent, and which frameworks may get more."""

# Who calls: drf.py only.
# Invariant: per agent, what is held plus what is available is the total, exactly (``AgentBook.check``).

from dataclasses import dataclass, field

from mesoslite.model import NOTHING, AgentID, FrameworkID, InsufficientResources, InternalError, Resources

from .filters import Client


@dataclass(slots=True)
class AgentBook:
    """One agent: its total, what is available of it, and what each framework holds under each role."""

    agent_id: AgentID
    hostname: str
    total: Resources
    available: Resources
    active: bool = True
    held: dict[Client, Resources] = field(default_factory=dict)  # never an empty entry

    def hold(self, client: Client, resources: Resources) -> None:
        """Move ``resources`` to the client. Raises: InternalError, if they are not available."""
        try:
            self.available -= resources
        except InsufficientResources as error:
            raise InternalError(
                f"allocator: framework {client[0]} is given more of agent {self.agent_id} than is available; "
                f"report this"
            ) from error
        self.held[client] = self.held.get(client, NOTHING) + resources

    def release(self, client: Client, resources: Resources) -> None:
        """Take ``resources`` from the client. Raises: InternalError, if it does not hold them."""
        try:
            rest = self.held.get(client, NOTHING) - resources
        except InsufficientResources as error:
            raise InternalError(
                f"allocator: framework {client[0]} gives back {resources} as role {client[1]!r} on agent "
                f"{self.agent_id}, where it holds {self.held.get(client) or 'nothing'}; report this"
            ) from error
        if rest:
            self.held[client] = rest
        else:
            self.held.pop(client, None)
        self.available += resources

    def check(self) -> bool:
        """Return True if held plus available is the total; only for ``assert``. Cost: O(clients)."""
        sums: dict[str, int] = {}
        for resources in (self.available, *self.held.values()):
            for name, milli in resources.quantities:
                sums[name] = sums.get(name, 0) + milli
        return sums == dict(self.total.quantities) and all(self.held.values())


@dataclass(slots=True)
class FrameworkBook:
    """One subscribed framework."""

    framework_id: FrameworkID
    roles: tuple[str, ...]
    active: bool
    suppressed: set[str]  # of its roles

    def wants(self, role: str) -> bool:
        """Return whether it is to be offered resources under ``role``."""
        return self.active and role in self.roles and role not in self.suppressed
