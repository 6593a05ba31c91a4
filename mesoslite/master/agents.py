"""Agents: all that a master does about its agents, put together: who comes, who is watched, who is given up."""

# Who calls: master.py, inside the master actor, which also lends the timers.
# Nothing is asked of it before ``begin``, which says what the registry knows.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import MasterEnded, RegisterAgent, ReregisterAgent, UnregisterAgent, constants

from .agent_entry import AgentEntry
from .draining import Draining
from .durability import Durability
from .entitlements import Entitlements
from .free_operations import FreeOperations
from .maintenance import Maintenance
from .observer import AgentHeard, AgentSilent, Observer
from .pruning import Pruning
from .recovery import Recovery
from .registration import Registration
from .removal import Cause, Removal
from .returns import Returns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mesoslite.model import AgentID, RegistrarPort
    from mesoslite.model.registry import Recovered

    from .accounts import Accounts
    from .admission import Admission
    from .agent_options import AgentOptions
    from .feedback import Feedback
    from .ledger import Ledger
    from .metrics import MasterMetrics
    from .offering import Offering
    from .slices import Slices
    from .subscription import Subscriptions


class Agents:
    """The agents of one master; ``now`` reads its clock, ``end`` ends it.

    ``wait(agent_id, disconnections)`` has ``removal.overdue`` called with these when the time for a return is over;
    ``settle(agent_id)`` has ``draining.settle`` called behind the present step,
    ``rescind()`` has ``entitlements.go_on``. What roles are entitled to is here since it begins with the registry too.
    """

    def __init__(
        self,
        ledger: Ledger,
        accounts: Accounts,
        offering: Offering,
        feedback: Feedback,
        subscriptions: Subscriptions,
        metrics: MasterMetrics,
        slices: Slices,
        registrar: la.PID[RegistrarPort],
        options: AgentOptions,
        *,
        master_id: str,
        now: Callable[[], float],
        wait: Callable[[AgentID, int], la.Timer],
        settle: Callable[[AgentID], object],
        rescind: Callable[[], object],
        served_roles: frozenset[str] | None,
        admission: Admission,
        end: Callable[[BaseException], None],
    ) -> None:
        self._ledger = ledger
        self._options = options
        self._end = end
        self._now = now
        self._metrics = metrics
        self._observer: la.PID[Observer] | None = None  # once the registry is read
        pings = options.ping_timeout_seconds
        durability = Durability(registrar, end)
        self.removal = Removal(
            ledger, accounts, offering, feedback, durability, metrics, slices, now=now, wait=wait, watch=self._watch
        )
        self.draining = Draining(ledger, accounts, offering, self.removal, durability, settle, now)
        self.pruning = Pruning(ledger, durability, options, now)
        self.maintenance = Maintenance(ledger, offering, self.removal, durability, slices)
        self.free_operations = FreeOperations(ledger, accounts, offering)
        self.entitlements = Entitlements(ledger, accounts, offering, durability, served_roles, rescind)
        returns = Returns(
            ledger,
            accounts,
            offering,
            subscriptions,
            self.removal,
            self.draining,
            now=now,
            watch=self._watch,
            ping_timeout=pings,
        )
        self._registration = Registration(
            ledger,
            accounts,
            self.removal,
            returns,
            durability,
            metrics,
            slices,
            master_id=master_id,
            admission=admission,
            now=now,
            watch=self._watch,
            ping_timeout=pings,
        )
        self.recovery = Recovery(
            ledger, accounts, self.entitlements, self.removal, options.recovery_agent_removal_limit
        )

    def begin(self, found: Recovered, master: la.PID[Any]) -> la.PID[Observer]:
        """Serve agents from now on, for ``master``, with what the registry knows; return the actor that pings them."""
        options = self._options
        if options.agent_removal_rate_limit is not None:
            self.removal.limiter = la.RateLimiter(*options.agent_removal_rate_limit)
        self._registration.epoch = found.epoch
        self.recovery.begin(found)
        self._ledger.frameworks_until = self._now() + constants.FRAMEWORK_RETURN_SECONDS
        observer = Observer(master, found.epoch, options.agent_ping_timeout, options.max_agent_ping_timeouts)
        self._observer, self._master = la.spawn(observer), master
        la.link(self._observer)
        return self._observer

    def take(
        self, message: RegisterAgent | ReregisterAgent | UnregisterAgent, sender: la.PID[Any] | None
    ) -> Iterator[None] | None:
        """Let an agent come, go on, or leave; what is returned is still to be done, in slices."""
        match message:
            case RegisterAgent():
                self._registration.register(message, sender)
            case ReregisterAgent():
                return self._registration.reregister(message, sender)
            case UnregisterAgent():
                self._registration.unregister(message, sender)
        return None

    def observed(self, message: AgentSilent | AgentHeard, sender: la.PID[Any] | None) -> None:
        """An agent does not answer pings, or does again."""
        if sender is None or sender != self._observer:
            self._metrics.drop(message, sender, "it is not the observer")
        elif isinstance(message, AgentSilent):
            self.removal.schedule(message.agent_id, Cause.PINGS)
        else:
            self.removal.cancel(message.agent_id, Cause.PINGS)

    def exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        """An agent has stopped, or the observer: without that nobody would notice any more that agents are gone."""
        agent = self._ledger.agent_at(pid)
        if agent is not None:
            self.removal.disconnect(agent, f"it stopped: {reason}" if reason is not None else "it stopped")
            if reason is None and self._observer is not None:
                la.tell(self._observer, Observer.ended, agent.id, pid)
        if pid == self._observer and reason is None:
            la.terminate(self._master)
        elif pid == self._observer:
            self._end(MasterEnded(f"the observer of the agents has stopped: {reason!r}"))

    def _watch(self, agent: AgentEntry | AgentID) -> None:
        """Ping an agent from now on, or, if it is only an id, no more."""
        assert self._observer is not None
        if isinstance(agent, AgentEntry):
            la.tell(self._observer, Observer.watch, agent.id, agent.pid, agent.connected)
        else:
            la.tell(self._observer, Observer.forget, agent)
