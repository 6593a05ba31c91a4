"""Subscription: frameworks come, come back, come from elsewhere than before, and say anew what they are."""

# Who calls: master.py, inside the master actor.
# A framework is believed only from the actor it subscribed from.
# What is judged comes first, and nothing changes until all of it has passed: the call's shape, the framework's own
#   rules, suppressed roles, constraints, whether its id was removed, whether the actor is another framework already,
#   and what of a known one cannot change. So a refusal leaves a subscription that stands as it is.
# A framework of a former master is known from the agents that run its tasks (`recover`), or not at all: then it is
#   taken at its word.
# Rejected: an update to every agent; those without a task of the framework have nothing to do with it.
# Source: Mesos src/master/master.cpp (subscribe, _subscribe, failoverFramework, activateRecoveredFramework,
#   updateFramework); ids as there (`<master>-0000`).

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

import libactor as la
from mesoslite.model import (
    Error,
    InvalidRequest,
    NotAuthorized,
    Subscribe,
    Subscribed,
    UpdateFramework,
    UpdateFrameworkInfo,
    checked_message,
    completed_framework,
    format_framework_id,
    preserved,
    refusal_of,
    validate_change,
    validate_subscription,
)

from .completed import Completed
from .figures import CALLS
from .framework_entry import FrameworkEntry
from .framework_metrics import row_name
from .posting import post

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mesoslite.model import FrameworkID, FrameworkInfo

    from .accounts import Accounts
    from .ledger import Ledger
    from .offering import Offering
    from .options import MasterOptions

log = logging.getLogger("mesoslite.master")

C = TypeVar("C", Subscribe, UpdateFramework)


class Subscriptions:
    """Who is subscribed, over the books of one master; ``now`` reads the master's clock.

    ``pattern_problem`` says what is wrong with a pattern of an offer constraint, None if nothing is.
    """

    def __init__(
        self,
        ledger: Ledger,
        accounts: Accounts,
        offering: Offering,
        *,
        master_id: str,
        options: MasterOptions,
        pattern_problem: Callable[[str], str | None],
        now: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._offering = offering
        self._master_id = master_id
        self._options = options
        self._pattern_problem = pattern_problem
        self._now = now
        self.completed_max = options.max_completed_tasks_per_framework
        self._framework_numbers = itertools.count()

    # ---- what comes in ----

    def subscribe(self, call: Subscribe, sender: la.PID[Any] | None) -> None:
        """Admit a framework, or let one that is known continue from where it now is."""
        if sender is None:
            log.warning("subscribe: a framework without an address; ignored")
            return
        try:
            framework = self._admit(self._judged(call), sender)
        except InvalidRequest as error:
            log.warning("subscribe: %s is refused: %s", sender, error)
            post(sender, Error(str(error)), str(sender))
            return
        la.link(sender, reconnect=framework.reregistered_time is not None)  # the connection of before may be dead
        framework.figures[CALLS[Subscribe]] += 1
        framework.send(
            Subscribed(
                domain=self._options.domain,
                framework_id=framework.id,
                master_id=self._master_id,
                heartbeat_interval_seconds=self._options.heartbeat_interval,
            )
        )

    def update(self, framework: FrameworkEntry, call: UpdateFramework) -> None:
        """Take over what a subscribed framework now says of itself. Raises: InvalidRequest; then nothing changes."""
        call = self._judged(call)
        if call.framework.id != framework.id:
            raise InvalidRequest(
                f"update: framework {framework.id} describes itself as {call.framework.id}; say its own id"
            )
        validate_change(framework.info, call.framework)
        left = set(framework.info.roles) - set(call.framework.roles)
        self._accounts.update_framework(framework, call.framework, call.suppressed_roles, call.constraints)
        for offer in list(framework.offers.values()):
            if offer.role in left:
                self._offering.rescind(offer)
        self._tell_agents(framework)
        log.info("framework %s is updated; its roles are %s", framework.id, ", ".join(framework.info.roles))

    def update_if_valid(self, framework: FrameworkEntry, call: UpdateFramework) -> None:
        """As ``update``, for who is not answered."""
        try:
            self.update(framework, call)
        except InvalidRequest as error:
            log.warning("update: framework %s is not updated: %s", framework.id, error)

    def recover(self, info: FrameworkInfo) -> FrameworkEntry:
        """Enter a framework that an agent has told of, under the id in ``info``; it is offered nothing until it comes.

        It waits without end: how long its scheduler may stay away is counted from a loss, which nobody saw.
        """
        framework = self._entry(info, None)
        self._accounts.admit_framework(framework)
        log.info("framework %s (%s) is known from an agent", info.id, info.name)
        return framework

    def update_in_turn(
        self, call: UpdateFramework, sender: la.PID[Any] | None, done: la.Promise[None]
    ) -> Iterator[None]:
        """As ``update``, in one step, for the framework that calls from ``sender``, with ``done`` for the answer."""
        try:
            call = checked_message(call)
            framework = self.caller(call.framework_id, sender)
            if framework is None:
                raise InvalidRequest(f"update: framework {call.framework_id} is not subscribed from there")
            framework.figures[CALLS[UpdateFramework]] += 1
            self.update(framework, call)
        except InvalidRequest as error:
            done.fail(error)
        else:
            done.set(None)
        yield from ()

    def caller(self, framework_id: FrameworkID, sender: la.PID[Any] | None) -> FrameworkEntry | None:
        """The framework that calls, if it calls from where it subscribed."""
        framework = self._ledger.frameworks.get(framework_id)
        is_caller = framework is not None and framework.connected and framework.address == sender
        return framework if is_caller else None

    # ---- judgement ----

    def _judged(self, call: C) -> C:
        info = completed_framework(call.framework)
        validate_subscription(
            info,
            call.suppressed_roles,
            call.constraints,
            allowed_roles=self._options.served_roles,
            root_submissions=self._options.root_submissions,
            pattern_problem=self._pattern_problem,
        )
        denied = refusal_of(
            [("register_frameworks", role) for role in info.roles], self._options.acls, info.principal or None
        )
        if denied is not None:
            raise NotAuthorized(f"Not authorized to use roles: {denied}")
        suppressed_roles = tuple(dict.fromkeys(call.suppressed_roles))
        return msgspec.structs.replace(call, framework=info, suppressed_roles=suppressed_roles)

    def _admit(self, call: Subscribe, pid: la.PID[Any]) -> FrameworkEntry:
        framework_id = call.framework.id
        here = self._ledger.framework_at(pid)
        if framework_id is None and here is not None and here.connected:
            return here  # it repeats itself, because the answer was late
        if framework_id is not None and self._ledger.is_completed(framework_id):
            raise InvalidRequest(f"subscribe: framework {framework_id} has been removed; subscribe without an id")
        if here is not None and framework_id not in (None, here.id):
            raise InvalidRequest(f"subscribe: {pid} is framework {here.id} already; one actor is one framework")
        known = self._ledger.frameworks.get(framework_id) if framework_id is not None else here
        if known is None:
            return self._enter(call, pid)
        info = preserved(known.info, call.framework)
        if not known.recovered or (self._options.authenticated_frameworks and known.info.principal):
            validate_change(known.info, info)  # else what an agent has told must not keep the true one out
        if known.connected and known.pid != pid and not call.force:
            raise InvalidRequest(
                f"subscribe: framework {known.id} is subscribed from elsewhere; end that, or subscribe with force"
            )
        self._return(known, info, call, pid)
        return known

    # ---- changes ----

    def _enter(self, call: Subscribe, pid: la.PID[Any]) -> FrameworkEntry:
        framework_id = call.framework.id or self._new_framework_id()
        named = msgspec.structs.replace(call.framework, id=framework_id)
        framework = self._entry(named, pid)
        self._accounts.admit_framework(framework, call.suppressed_roles, call.constraints)
        log.info("framework %s (%s) has subscribed from %s", framework_id, named.name, pid)
        return framework

    def _return(self, framework: FrameworkEntry, info: FrameworkInfo, call: Subscribe, pid: la.PID[Any]) -> None:
        """A known framework subscribes again: its offers are void, for it may have answered them and been cut off."""
        if framework.connected and framework.pid != pid:
            framework.send(Error("Framework failed over"))
        self._ledger.move_framework(framework, pid)
        framework.reregistered_time = self._now()
        self._accounts.update_framework(framework, info, call.suppressed_roles, call.constraints)
        self._offering.take_back_all(framework)
        if not framework.connected:
            self._accounts.activate_framework(framework)
        self._tell_agents(framework)
        log.info("framework %s (%s) has subscribed again, from %s", framework.id, info.name, pid)

    def _entry(self, info: FrameworkInfo, pid: la.PID[Any] | None) -> FrameworkEntry:
        assert info.id is not None
        return FrameworkEntry(
            id=info.id,
            info=info,
            address=pid,
            metric_name=row_name(info),
            registered_time=self._now(),
            connected=pid is not None,
            completed=Completed(self._options.max_completed_tasks_per_framework),
            unreachable_max=self._options.max_unreachable_tasks_per_framework,
        )

    def _new_framework_id(self) -> FrameworkID:
        """The next id that nobody has; a framework that brings an id of its own may have taken one of these."""
        while True:
            framework_id = format_framework_id(self._master_id, next(self._framework_numbers))
            if framework_id not in self._ledger.frameworks and not self._ledger.is_completed(framework_id):
                return framework_id

    def _tell_agents(self, framework: FrameworkEntry) -> None:
        agents = self._ledger.agents
        for agent_id in dict.fromkeys([task.agent_id for task in framework.tasks.values()]):
            if agent_id in agents:
                agents[agent_id].send(UpdateFrameworkInfo(framework.info))
