"""Plan checks: what a policy answers is looked at before the master hears of it."""

# Who calls: allocation.py, inside the allocator's actor.
# A policy may be anybody's. One that breaks its contract ends the allocator, and the master with it, by an
#   AllocatorFailed that names the policy and what was wrong: its books are not true, so nothing it says later is.
# Whether a grant fits what is free is the master's to say, which keeps the ledger (accounts.py).
# Invariant: what is gone, or was left, since the run began may still be granted; the master hands that back.
# Rejected: to drop what is wrong and go on. The policy counts it as held for ever, and nobody notices.

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import (
    AgentAdded,
    AgentRemoved,
    AgentsTaker,
    AllocatorFailed,
    FrameworkAdded,
    FrameworkRemoved,
    FrameworkUpdated,
    Grant,
    InverseGrant,
    MesosliteError,
    OfferUsed,
    Plan,
    Resources,
    ResourcesRecovered,
    Unavailability,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mesoslite.model import AgentID, AllocationCycle, AllocationPolicy, Delta, FrameworkID, RandomStream

GRANTS_IN_STEP = 4_096  # that are checked before others have their turn: some 2 ms


class PlanChecks:
    """What is known of the cluster, so as to judge what ``policy`` answers."""

    def __init__(self, policy: AllocationPolicy) -> None:
        self._policy = policy
        self._taker = policy if isinstance(policy, AgentsTaker) else None  # asked once: it is a look at all its methods
        self.name = type(policy).__name__
        self._agents: set[AgentID] = set()
        self._roles: dict[FrameworkID, frozenset[str]] = {}
        self._gone_agents: set[AgentID] = set()  # since the run began
        self._roles_left: dict[FrameworkID, set[str]] = {}  # likewise, by framework, which may be gone

    def apply(self, delta: Delta) -> tuple[int, ...]:
        """Tell the policy. Raises: what it raises; AllocatorFailed, for an answer that is none."""
        ended: object = self._policy.apply(delta)
        if not isinstance(ended, tuple):
            raise self._failed(
                f"apply gave {ended!r} for {type(delta).__name__}, expected a tuple of numbers of filters; return () "
                f"if none has ended"
            )
        match delta:  # most first: of structs, a case that is not met takes a sixth of a microsecond
            case ResourcesRecovered() | OfferUsed():
                pass
            case AgentAdded():
                self._agents.add(delta.agent_id)
            case AgentRemoved():
                self._agents.discard(delta.agent_id)
                self._gone_agents.add(delta.agent_id)
            case FrameworkAdded() | FrameworkUpdated():
                self._leave(delta.framework_id)
                self._roles[delta.framework_id] = frozenset(delta.roles)
            case FrameworkRemoved():
                self._leave(delta.framework_id)
        return ended

    def tell(self, delta: Delta) -> tuple[int, ...]:
        """Tell the policy what has happened, which it may not refuse. Raises: AllocatorFailed."""
        try:
            return self.apply(delta)
        except AllocatorFailed:
            raise
        except Exception as error:
            raise self._failed(f"apply({type(delta).__name__}) failed: {_shown(error)}") from error

    def tell_agents(self, agents: tuple[AgentAdded, ...]) -> None:
        """Tell the policy of agents that have come at once, as it takes them. Raises: AllocatorFailed."""
        if self._taker is None:
            for agent in agents:
                self.tell(agent)
            return
        try:
            self._taker.add_agents(agents)
        except Exception as error:
            raise self._failed(f"add_agents of {len(agents)} failed: {_shown(error)}") from error
        self._agents.update([agent.agent_id for agent in agents])

    def _leave(self, framework_id: FrameworkID) -> None:
        roles = self._roles.pop(framework_id, None)
        if roles is not None:
            self._roles_left.setdefault(framework_id, set()).update(roles)

    def begin(self, rng: RandomStream) -> AllocationCycle:
        """Begin a run. Raises: AllocatorFailed."""
        self._gone_agents.clear()
        self._roles_left.clear()
        try:
            cycle: object = self._policy.begin(rng)
        except Exception as error:
            raise self._failed(f"begin failed: {_shown(error)}") from error
        if not callable(getattr(cycle, "advance", None)) or not hasattr(cycle, "plan"):
            raise self._failed(f"begin gave {cycle!r}, expected a run, with the method advance and the attribute plan")
        return cycle  # type: ignore[return-value]

    def advance(self, cycle: AllocationCycle, work: int) -> bool:
        """Do a piece of a run. Raises: AllocatorFailed."""
        try:
            return cycle.advance(work)
        except Exception as error:
            raise self._failed(f"advance failed: {_shown(error)}") from error

    def review(self, cycle: AllocationCycle) -> Iterator[None]:
        """Check the plan of a run that is through, in steps. Raises: AllocatorFailed."""
        plan: object = cycle.plan
        parts = (getattr(plan, "grants", None), getattr(plan, "inverse", None))
        if not isinstance(plan, Plan) or not all(isinstance(part, tuple) for part in parts):
            raise self._failed(
                f"advance said that the run is through, but its plan is {str(plan)[:200]}, expected a Plan of tuples"
            )
        given: tuple[object, ...] = plan.inverse  # whatever it says that it gives
        for begin in range(0, len(given), GRANTS_IN_STEP):
            for inverse in given[begin : begin + GRANTS_IN_STEP]:
                problem = self._inverse_problem(inverse)
                if problem is not None:
                    raise self._failed(problem)
            yield
        for begin in range(0, len(plan.grants), GRANTS_IN_STEP):
            self._check(plan.grants[begin : begin + GRANTS_IN_STEP])
            yield

    def _check(self, grants: tuple[Grant, ...]) -> None:
        known, agents = self._roles, self._agents
        for grant in grants:
            try:
                resources = grant.resources
                is_plain = (
                    grant.agent_id in agents
                    and grant.role in known.get(grant.framework_id, ())
                    and type(resources) is Resources
                    and (resources.quantities or resources.others)
                )
            except (AttributeError, TypeError):  # it is no grant, or has what cannot be looked up
                is_plain = False
            problem = None if is_plain else self._grant_problem(grant)
            if problem is not None:
                raise self._failed(problem)

    def _grant_problem(self, grant: object) -> str | None:
        if not isinstance(grant, Grant):
            return f"granted {grant!r}, expected a Grant"
        resources: object = grant.resources
        role: object = grant.role
        what = f"granted {str(grant.resources)[:200]!r} of agent {grant.agent_id!r} to framework {grant.framework_id!r}"
        if not isinstance(resources, Resources):
            return f"{what}, expected Resources, got {type(resources).__name__}"
        if resources.is_empty:
            return f"{what}; grant something, or leave it out"
        problem = self._stranger(grant.agent_id, grant.framework_id)
        if problem is None and not isinstance(role, str):
            problem = f"under the role {role!r}, expected a text"
        if problem is None and not self._has_role(grant.framework_id, grant.role):
            roles = ", ".join(sorted(self._roles.get(grant.framework_id, ()))[:10]) or "none"
            problem = f"under the role {grant.role!r}, which it is not in; its roles are {roles}"
        return None if problem is None else f"{what}, {problem}"

    def _inverse_problem(self, inverse: object) -> str | None:
        when: object = getattr(inverse, "unavailability", None)
        if not isinstance(inverse, InverseGrant) or not isinstance(when, Unavailability):
            return f"asked to leave by {inverse!r}, expected an InverseGrant with an Unavailability"
        problem = self._stranger(inverse.agent_id, inverse.framework_id)
        return None if problem is None else f"asked {inverse.framework_id!r} to leave {inverse.agent_id!r}, {problem}"

    def _stranger(self, agent_id: object, framework_id: object) -> str | None:
        if not isinstance(agent_id, str) or not (agent_id in self._agents or agent_id in self._gone_agents):
            return "but there is no such agent; forget it with AgentRemoved"
        if not isinstance(framework_id, str) or not (framework_id in self._roles or framework_id in self._roles_left):
            return "but there is no such framework; forget it with FrameworkRemoved"
        return None

    def _has_role(self, framework_id: FrameworkID, role: str) -> bool:
        return role in self._roles.get(framework_id, ()) or role in self._roles_left.get(framework_id, ())

    def _failed(self, problem: str) -> AllocatorFailed:
        return AllocatorFailed(f"allocation policy {self.name}: {problem}; mend the policy")


def _shown(error: Exception) -> str:
    return str(error) if isinstance(error, MesosliteError) else repr(error)
