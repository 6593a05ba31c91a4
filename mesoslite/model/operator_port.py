"""OperatorPort: the master as operators see it, through whom they ask."""

# Who calls: api/ dispatches these to the address of an actor that is a MasterPort; master/ implements it (operator.py).
# Invariant: a future is ready once what was asked is durable; what is refused has changed nothing.
# Errors are those of errors.py: InvalidRequest, NotFound, Conflict, InTransition. Each method raises NotLeader unless
#   the master leads and serves.

from typing import Any, Protocol

from .ids import AgentID, FrameworkID
from .maintenance import MaintenanceStatus
from .masters import MasterTenure
from .operations import ResourceOperation
from .registry import MachineID, QuotaConfig, Schedule, Weight


class OperatorPort(Protocol):
    """The actor that is the master, for those who dispatch to its address what operators ask."""

    def tenure(self) -> MasterTenure:
        """What it says of itself, and since when it leads."""
        ...

    def teardown_framework(self, framework_id: FrameworkID) -> None:
        """Remove a framework, connected or not. NotFound."""
        ...

    def mark_agent_gone(self, agent_id: AgentID) -> Any:
        """The future of None: an agent is gone for good. NotFound, InTransition."""
        ...

    def deactivate_agent(self, agent_id: AgentID) -> Any:
        """The future of None: an agent is offered no more. NotFound, Conflict."""
        ...

    def reactivate_agent(self, agent_id: AgentID) -> Any:
        """The future of None: a deactivated agent is offered again. NotFound, InvalidRequest, Conflict."""
        ...

    def drain_agent(self, agent_id: AgentID, max_grace_seconds: float | None = None, mark_gone: bool = False) -> Any:
        """The future of None: an agent ends its tasks, then it may be gone. NotFound, InvalidRequest, Conflict."""
        ...

    def apply_operation(self, agent_id: AgentID, operation: ResourceOperation, principal: str | None = None) -> None:
        """Reserve what nobody uses of an agent, make volumes, or undo that. InvalidRequest, NotFound, Conflict."""
        ...

    def schedule(self) -> Schedule:
        """What is to be serviced."""
        ...

    def maintenance_status(self) -> MaintenanceStatus:
        """How far the machines of the schedule are."""
        ...

    def update_schedule(self, schedule: Schedule) -> Any:
        """The future of None: these machines are to be serviced. InvalidRequest, InTransition."""
        ...

    def start_maintenance(self, machines: tuple[MachineID, ...]) -> Any:
        """The future of None: these machines are down. InvalidRequest, InTransition."""
        ...

    def stop_maintenance(self, machines: tuple[MachineID, ...]) -> Any:
        """The future of None: these machines are up. InvalidRequest, InTransition."""
        ...

    def registry(self) -> Any:
        """The future of a RegistryState: what outlives the master."""
        ...

    def quotas(self) -> tuple[QuotaConfig, ...]:
        """The quotas that roles have."""
        ...

    def update_quota(self, configs: tuple[QuotaConfig, ...], force: bool = False) -> Any:
        """The future of None: each role has its quota. InvalidRequest."""
        ...

    def set_quota(self, config: QuotaConfig, force: bool = False) -> Any:
        """The future of None: a role that had no quota has one. InvalidRequest, Conflict."""
        ...

    def remove_quota(self, role: str) -> Any:
        """The future of None: a role has no quota any more. InvalidRequest."""
        ...

    def weights(self) -> tuple[Weight, ...]:
        """The weights that roles were given."""
        ...

    def update_weights(self, weights: tuple[Weight, ...]) -> Any:
        """The future of None: each role has its weight. InvalidRequest."""
        ...
