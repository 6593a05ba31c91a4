"""Framework: what users subclass to schedule tasks of their own on offered resources."""

# Who calls: the user's subclass overrides the on_ methods and calls the others, inside them; events come from the
#   master, by whichever connection was set (in this program or over HTTP).
# A status is acknowledged when on_update has returned: one that raises is delivered again to the framework that comes
#   back under the same id.
# Offers that are neither launched on nor declined stay with the framework, and count as its share, until it does.
# Source: Mesos v1 scheduler API; the names of the events and calls are its.

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

import libactor as la
from mesoslite.model import (
    MULTI_ROLE,
    Acknowledge,
    AcknowledgeOperationStatus,
    AgentID,
    Error,
    ExecutorID,
    ExecutorMessage,
    Failure,
    FrameworkID,
    FrameworkInfo,
    Heartbeat,
    InvalidRequest,
    InverseOffer,
    InverseOffers,
    Offer,
    OfferID,
    Offers,
    OperationStatus,
    Rescind,
    RescindInverseOffer,
    Subscribe,
    Subscribed,
    TaskStatus,
    Teardown,
    Update,
    UpdateOperationStatus,
    validate_framework,
)

from .connected import Connected, Disconnected
from .scheduler_calls import SchedulerCalls

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesoslite.model import SchedulerConnection

E = TypeVar("E")

log = logging.getLogger("mesoslite.framework")

# What the framework itself calls of what users override.
HOOKS = (
    *("on_subscribed", "on_disconnected", "on_resubscribed", "on_offers", "on_update", "on_operation", "on_rescind"),
    *("on_inverse_offers", "on_rescind_inverse_offer", "on_message", "on_executor_end", "on_failure", "on_error"),
)


def _from_master(method: Callable[[Any, E], None]) -> Callable[[Any, E, la.PID[Any] | None], None]:
    """Have a handler of events heed its master only: one that was voted out, and does not know, may go on telling."""

    def checked(self: Framework, event: E, sender: la.PID[Any] | None) -> None:
        assert self.connection is not None
        if sender is None or sender == self.pid or self.connection.heeds(sender):
            method(self, event)
        else:
            log.info("framework %s ignores %s from %s", self.info.name, type(event).__name__, sender)

    checked.__doc__ = method.__doc__
    return checked


class Framework(SchedulerCalls):
    """A scheduler: gets offers, launches tasks on them, hears what becomes of them.

    Override ``on_offers`` and ``on_update``; end with ``stop``. Hand the object to ``Cluster.run`` or ``submit``.

    ``name`` is shown to people, the class name by default. ``roles`` are shared among fairly. ``failover_timeout``
    is how many seconds its tasks outlive a framework that vanished. An exception in an on_ method ends the framework.
    """

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        for hook in HOOKS:
            if inspect.iscoroutinefunction(vars(cls).get(hook)):
                raise TypeError(
                    f"{cls.__qualname__}.{hook}: is a coroutine, which nobody would run; make it a plain method, which "
                    "may la.tell(self.pid, ...) a coroutine method of its own"
                )

    def __init__(
        self,
        name: str | None = None,
        *,
        roles: tuple[str, ...] = ("*",),
        user: str = "",
        failover_timeout: float = 0.0,
        capabilities: tuple[str, ...] = (),
        id: FrameworkID | None = None,
    ) -> None:
        super().__init__()
        if len(roles) > 1 and MULTI_ROLE not in capabilities:
            capabilities = (*capabilities, MULTI_ROLE)
        self.info = FrameworkInfo(
            name=name or type(self).__name__,
            roles=roles,
            user=user,
            failover_timeout=failover_timeout,
            capabilities=capabilities,
            id=id,
        )
        validate_framework(self.info)
        self.connection: SchedulerConnection | None = None  # set before the framework is spawned
        self.result: Any = None  # what stop() was given
        self.stopped = False  # stop() or leave() was called
        self._has_master = False  # to subscribe with
        self._is_subscribed = False
        self._was_subscribed = False  # with any master
        self._is_refused = False  # by the master that it asked last; nobody else will be asked

    # ---- what happens: override these ----

    def on_subscribed(self, framework_id: FrameworkID) -> None:
        """The master knows this framework, under this id; offers follow."""

    def on_disconnected(self) -> None:
        """The master is lost: tasks run on, offers are void, and what is called until on_resubscribed is dropped.

        Tasks that are launched meanwhile are told lost by on_update.
        """

    def on_resubscribed(self, framework_id: FrameworkID) -> None:
        """A master knows this framework again; what was called last may not have come to the one before: reconcile.

        Over HTTP the framework is told the states of all of its tasks after this, unless this calls ``reconcile``.
        """

    def on_offers(self, offers: tuple[Offer, ...]) -> None:
        """Resources to launch tasks on or to decline; by default they are declined."""
        self.decline(*offers)

    def on_update(self, status: TaskStatus) -> None:
        """A task's state; acknowledged once this returns."""

    def on_operation(self, status: OperationStatus) -> None:
        """How an operation that was given an id goes; acknowledged once this returns."""

    def on_rescind(self, offer_id: OfferID) -> None:
        """An offer no longer stands; do not use it."""

    def on_inverse_offers(self, inverse_offers: tuple[InverseOffer, ...]) -> None:
        """Agents are to be serviced where the framework holds something; by default nothing is answered."""

    def on_rescind_inverse_offer(self, inverse_offer_id: OfferID) -> None:
        """An inverse offer no longer stands; it need not be answered."""

    def on_message(self, agent_id: AgentID, executor_id: ExecutorID, data: bytes) -> None:
        """An executor of the framework's own says something; such a message may be lost."""

    def on_executor_end(self, agent_id: AgentID, executor_id: ExecutorID, exit_status: int | None) -> None:
        """An executor has ended, or was never started; on_update tells of each of its tasks. None: nobody knows how."""

    def on_failure(self, agent_id: AgentID) -> None:
        """An agent is lost; on_update tells of each of its tasks."""

    def on_error(self, message: str) -> None:
        """The subscription has ended, for that reason; by default so does the framework, with an error."""
        raise InvalidRequest(f"framework {self.info.name}: {message}")

    # ---- the end ----

    def stop(self, result: Any = None, *, failover: bool = False) -> None:
        """End the framework: its tasks are killed, it leaves the cluster, and ``Cluster.run`` returns ``result``.

        With ``failover`` it only goes: its tasks run on, for ``failover_timeout`` seconds unless another one comes
        under its id.
        """
        self.result = result
        if failover:
            self.stopped = True
            la.terminate(self.pid)
        else:
            self.leave()

    def leave(self) -> None:
        """As ``stop``, without a result. While a subscription is under way it takes effect once that is answered.

        Without a master a framework that was subscribed waits for one, which is to end its tasks.
        """
        if not self.stopped:
            self.stopped = True
            if self._is_subscribed:
                self._depart()
            elif self._is_refused or (not self._was_subscribed and not self._has_master):
                la.terminate(self.pid)  # nobody knows of it

    # ---- the actor ----

    def on_start(self) -> None:
        """Look for a master to subscribe with."""
        if self.connection is None:
            raise InvalidRequest(f"framework {self.info.name} has no connection; hand it to Cluster.run or submit")
        self.connection.open(self.pid)

    def on_stop(self) -> None:
        """Let go of the connection."""
        if self.connection is not None:
            self.connection.close()

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        """The master's actor has stopped, or cannot be reached; a connection that looks for it again does so."""
        assert self.connection is not None
        if self.connection.exited(pid, reason):
            return
        self.on_error(f"the master has stopped: {reason}" if reason is not None else "the master has stopped")

    @la.handles(Connected)
    def _connected(self, event: Connected) -> None:
        self._has_master = True
        self._call(Subscribe(self.info, self._suppressed_roles()))

    @la.handles(Disconnected)
    def _disconnected(self, event: Disconnected) -> None:
        was_subscribed, self._is_subscribed, self._is_away = self._is_subscribed, False, True
        self._has_master = False
        if self.stopped and not self._was_subscribed:
            la.terminate(self.pid)
        elif was_subscribed and not self.stopped:
            self.on_disconnected()

    @la.handles(Subscribed)
    @_from_master
    def _subscribed(self, event: Subscribed) -> None:
        assert self.connection is not None
        self.connection.answered()
        if self._is_subscribed:
            return  # the answer to a subscription that was repeated
        self.info = msgspec.structs.replace(self.info, id=event.framework_id)
        was_subscribed, self._was_subscribed = self._was_subscribed, True
        self._is_subscribed, self._is_away = True, False
        if self.stopped:
            self._depart()
        elif was_subscribed:
            self.on_resubscribed(event.framework_id)
        else:
            self.on_subscribed(event.framework_id)

    @la.handles(Offers)
    @_from_master
    def _offers(self, event: Offers) -> None:
        self.on_offers(event.offers)

    @la.handles(Update)
    @_from_master
    def _update(self, event: Update) -> None:
        status = event.status
        self.on_update(status)
        if status.uuid is not None and status.agent_id is not None and not self.stopped:
            self._send(  # made of what the master has said, so there is nothing to check
                Acknowledge(
                    framework_id=self.framework_id,
                    agent_id=status.agent_id,
                    task_id=status.task_id,
                    uuid=status.uuid,
                )
            )

    @la.handles(UpdateOperationStatus)
    @_from_master
    def _operation(self, event: UpdateOperationStatus) -> None:
        status = event.status
        self.on_operation(status)
        if status.uuid is not None and status.operation_id is not None and not self.stopped:
            self._send(
                AcknowledgeOperationStatus(
                    framework_id=self.framework_id,
                    operation_id=status.operation_id,
                    uuid=status.uuid,
                    agent_id=status.agent_id,
                )
            )

    @la.handles(Rescind)
    @_from_master
    def _rescind(self, event: Rescind) -> None:
        self.on_rescind(event.offer_id)

    @la.handles(InverseOffers)
    @_from_master
    def _inverse_offers(self, event: InverseOffers) -> None:
        self.on_inverse_offers(event.inverse_offers)

    @la.handles(RescindInverseOffer)
    @_from_master
    def _rescind_inverse_offer(self, event: RescindInverseOffer) -> None:
        self.on_rescind_inverse_offer(event.inverse_offer_id)

    @la.handles(Failure)
    @_from_master
    def _failure(self, event: Failure) -> None:
        if event.executor_id is None:
            self.on_failure(event.agent_id)
        else:
            self.on_executor_end(event.agent_id, event.executor_id, event.exit_status)

    @la.handles(ExecutorMessage)
    @_from_master
    def _message(self, event: ExecutorMessage) -> None:
        self.on_message(event.agent_id, event.executor_id, event.data)

    @la.handles(Error)
    @_from_master
    def _error(self, event: Error) -> None:
        assert self.connection is not None
        self.connection.answered()
        self._is_refused = not self._is_subscribed
        if self.stopped:
            la.terminate(self.pid)
        else:
            self.on_error(event.message)

    @la.handles(Heartbeat)
    def _heartbeat(self, event: Heartbeat) -> None:
        """The master is alive; nothing to do."""

    def _depart(self) -> None:
        self._call(Teardown(self.framework_id))
        la.terminate(self.pid)
