"""Free operations: what operators make of resources that nobody uses: reservations, volumes, and neither any more."""

# Who calls: operator.py, inside the master actor.
# Offers that stand in the way are rescinded, no more of them than it takes, and their frameworks are not offered that
#   again for 5 s, as in Mesos. What an ACCEPT under way holds (holdings.py) is used, as far as this goes.
# Then the books change at once, also of volumes that grow or shrink, and the agent follows; one that does not says what
#   it has, and the books follow that (feedback.py). Nobody but the master hears of it.
# Invariant: what is refused has rescinded nothing.
# Rejected: to ask the allocator whether as much is available there, as Mesos does. It may have granted that, and the
#   operator would be refused by chance; here it is told, and such a grant goes back when it comes (accounts.py).
# Source: Mesos src/master/http.cpp (Master::Http::_operation), src/master/master.cpp (Master::apply).

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from msgspec.structs import replace

import libactor as la
from mesoslite.model import (
    AGENT_CAPABILITIES,
    NO_FRAMEWORK,
    ApplyOperation,
    Conflict,
    Destroy,
    Filters,
    InvalidRequest,
    NotFound,
    OperationSite,
    OperationState,
    OperationStatus,
    ResourceOperation,
    checked_message,
    conversion,
    operation_problem,
)

from .operations import OperationEntry

if TYPE_CHECKING:
    from mesoslite.model import AgentID, Offer, Resources

    from .accounts import Accounts
    from .agent_entry import AgentEntry
    from .ledger import Ledger
    from .offering import Offering

log = logging.getLogger("mesoslite.master")


class FreeOperations:
    """Operators' operations, over the ledger and the accounts of one master."""

    def __init__(self, ledger: Ledger, accounts: Accounts, offering: Offering) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._offering = offering

    def apply(self, agent_id: AgentID, operation: ResourceOperation, principal: str | None) -> None:
        """Do an operation to an agent, in the books, and send it there; ``principal`` is who asks, None: nobody knows.

        Raises: InvalidRequest, for what cannot be; NotFound, for an agent that is not registered; Conflict, for one
        that is not there, or has not that much which nobody uses.
        """
        if not isinstance(operation, ResourceOperation):
            raise InvalidRequest(f"operation: got {operation!r:.200}, expected one on resources")
        operation = checked_message(operation)
        what = f"{type(operation).__name__} on agent {agent_id[:80]}"
        agent = self._ledger.agents.get(agent_id)
        if agent is None:
            raise NotFound(f"{what}: it is not registered; look its id up")
        problem = _problem(operation, agent, principal)
        if problem is not None:
            raise InvalidRequest(f"{what} {problem}")
        if not agent.connected or self._ledger.roster.is_leaving(agent.id):
            raise Conflict(f"{what}: it is away, or about to be removed; ask again when it is back")
        done = replace(conversion(operation), reusable=True)
        for offer in _in_the_way(agent, done.before, what):
            self._offering.rescind(offer, filters=Filters())
        if isinstance(operation, Destroy):
            self._offering.rescind_users(agent, done.before)
        entry = OperationEntry(
            uuid=la.random_uuid_bytes(),
            operation=operation,
            conversion=done,
            framework_id=NO_FRAMEWORK,
            role="",
            agent_id=agent.id,
            status=OperationStatus(state=OperationState.OPERATION_PENDING, agent_id=agent.id),
            is_orphan=True,
        )
        self._accounts.convert_free(entry)
        agent.send(ApplyOperation(framework_id=NO_FRAMEWORK, operation_uuid=entry.uuid, operation=operation))
        log.info("agent %s: an operator makes %s of %s", agent.id, done.after.brief, done.before.brief)


def _problem(operation: ResourceOperation, agent: AgentEntry, principal: str | None) -> str | None:
    """The first rule that an operation breaks."""
    if operation.id is not None:
        return "has an id, and nobody is told how it goes; leave it out"
    site = OperationSite(
        role=None, total=agent.total, used=agent.used, principal=principal, capabilities=AGENT_CAPABILITIES
    )
    return operation_problem(operation, site)


def _in_the_way(agent: AgentEntry, wanted: Resources, what: str) -> list[Offer]:
    """The offers, in the order in which they were made, without which as much is free. Raises: Conflict."""
    missing = agent.free.shortfall(wanted)
    found: list[Offer] = []
    for offer in () if agent.is_short else agent.offers.values():
        if missing.is_empty:
            break
        rest = offer.resources.shortfall(missing)
        if rest != missing:
            found.append(offer)
            missing = rest
    if not missing.is_empty:
        raise Conflict(f"{what}: {missing.brief} of it is used, or not there; free that, or name less")
    return found
