"""Framework: what users subclass to schedule tasks of their own on offered resources."""

# Who calls: the user's subclass overrides the on_ methods and calls the others, inside them; events come from the
#   master, by whichever connection was set (in this program or over HTTP).
# Hooks may be coroutines: while one waits the framework hears other events, see hooks.py.
# A status is acknowledged when on_update is over: one that raises, or waits at the end, is delivered again to the
#   framework that comes back under the same id. One that is delivered again while its on_update waits is passed over.
# Offers that are neither launched on nor declined stay with the framework, and count as its share, until it does.
# Source: Mesos v1 scheduler API; the names of the events and calls are its.

from __future__ import annotations

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
from .hooks import done, refuse_exclusive, rest_of
from .scheduler_calls import SchedulerCalls

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from mesoslite.model import SchedulerConnection

    Rest = Coroutine[Any, Any, None] | None  # of what a handler does: None if it is over

E = TypeVar("E")
StatusT = TypeVar("StatusT", TaskStatus, OperationStatus)

log = logging.getLogger("mesoslite.framework")


def _from_master(method: Callable[[Any, E], Rest]) -> Callable[[Any, E, la.PID[Any] | None], Rest]:
    """Have a handler of events heed its master only: one that was voted out, and does not know, may go on telling."""

    def checked(self: Framework, event: E, sender: la.PID[Any] | None) -> Rest:
        assert self.connection is not None
        if sender is None or self.connection.heeds(sender) or sender == self.pid:
            return method(self, event)
        log.info("framework %s ignores %s from %s", self.info.name, type(event).__name__, sender)
        return None

    checked.__doc__ = method.__doc__
    return checked


class Framework(SchedulerCalls):
    """A scheduler: gets offers, launches tasks on them, hears what becomes of them.

    Override ``on_offers`` and ``on_update``; end with ``stop``. Hand the object to ``Cluster.run`` or ``submit``.

    ``name`` is shown to people, the class name by default. ``roles`` are shared among fairly. ``failover_timeout``
    is how many seconds its tasks outlive a framework that vanished; with ``checkpoint`` they outlive an agent that is
    restarted, too. Any on_ method may be a coroutine; while it waits others are called. An exception in one ends the
    framework.
    """

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        refuse_exclusive(cls, Framework)

    def __init__(
        self,
        name: str | None = None,
        *,
        roles: tuple[str, ...] = ("*",),
        user: str = "",
        failover_timeout: float = 0.0,
        checkpoint: bool = False,
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
            checkpoint=checkpoint,
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
        self._statuses_waiting: set[bytes] = set()  # uuids of the statuses whose hooks wait
        self._is_refused = False  # by the master that it asked last; nobody else will be asked

    # ---- what happens: override these ----

    def on_subscribed(self, framework_id: FrameworkID) -> Awaitable[None] | None:
        """The master knows this framework, under this id; offers follow."""

    def on_disconnected(self) -> Awaitable[None] | None:
        """The master is lost: tasks run on, offers are void, and what is called until on_resubscribed is dropped.

        Tasks that are launched meanwhile are told lost by on_update.
        """

    def on_resubscribed(self, framework_id: FrameworkID) -> Awaitable[None] | None:
        """A master knows this framework again; what was called last may not have come to the one before: reconcile.

        Over HTTP the framework is told the states of all of its tasks after this, unless this calls ``reconcile``
        before it waits.
        """

    def on_offers(self, offers: tuple[Offer, ...]) -> Awaitable[None] | None:
        """Resources to launch tasks on or to decline; by default they are declined."""
        self.decline(*offers)
        return None

    def on_update(self, status: TaskStatus) -> Awaitable[None] | None:
        """A task's state; acknowledged once this is over."""

    def on_operation(self, status: OperationStatus) -> Awaitable[None] | None:
        """How an operation that was given an id goes; acknowledged once this is over."""

    def on_rescind(self, offer_id: OfferID) -> Awaitable[None] | None:
        """An offer no longer stands; do not use it."""

    def on_inverse_offers(self, inverse_offers: tuple[InverseOffer, ...]) -> Awaitable[None] | None:
        """Agents are to be serviced where the framework holds something; by default nothing is answered."""

    def on_rescind_inverse_offer(self, inverse_offer_id: OfferID) -> Awaitable[None] | None:
        """An inverse offer no longer stands; it need not be answered."""

    def on_message(self, agent_id: AgentID, executor_id: ExecutorID, data: bytes) -> Awaitable[None] | None:
        """An executor of the framework's own says something; such a message may be lost."""

    def on_executor_end(
        self, agent_id: AgentID, executor_id: ExecutorID, exit_status: int | None
    ) -> Awaitable[None] | None:
        """An executor has ended, or was never started; on_update tells of each of its tasks. None: nobody knows how."""

    def on_failure(self, agent_id: AgentID) -> Awaitable[None] | None:
        """An agent is lost; on_update tells of each of its tasks."""

    def on_error(self, message: str) -> Awaitable[None] | None:
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

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> Rest:
        """The master's actor has stopped, or cannot be reached; a connection that looks for it again does so."""
        assert self.connection is not None
        if self.connection.exited(pid, reason):
            return None
        problem = f"the master has stopped: {reason}" if reason is not None else "the master has stopped"
        return rest_of(self.on_error(problem))

    @la.handles(Connected)
    def _connected(self, event: Connected) -> None:
        self._has_master = True
        self._call(Subscribe(self.info, self._suppressed_roles()))

    @la.handles(Disconnected)
    def _disconnected(self, event: Disconnected) -> Rest:
        was_subscribed, self._is_subscribed, self._is_away = self._is_subscribed, False, True
        self._has_master = False
        if self.stopped and not self._was_subscribed:
            la.terminate(self.pid)
        elif was_subscribed and not self.stopped:
            return rest_of(self.on_disconnected())
        return None

    @la.handles(Subscribed)
    @_from_master
    def _subscribed(self, event: Subscribed) -> Rest:
        assert self.connection is not None
        self.connection.answered()
        if self._is_subscribed:
            return None  # the answer to a subscription that was repeated
        self.info = msgspec.structs.replace(self.info, id=event.framework_id)
        was_subscribed, self._was_subscribed = self._was_subscribed, True
        self._is_subscribed, self._is_away = True, False
        if self.stopped:
            self._depart()
            return None
        hook = self.on_resubscribed if was_subscribed else self.on_subscribed
        return rest_of(hook(event.framework_id))

    @la.handles(Offers)
    @_from_master
    def _offers(self, event: Offers) -> Rest:
        return rest_of(self.on_offers(event.offers))

    @la.handles(Update)
    @_from_master
    def _update(self, event: Update) -> Rest:
        return self._hear(event.status, self.on_update, self._acknowledge)

    @la.handles(UpdateOperationStatus)
    @_from_master
    def _operation(self, event: UpdateOperationStatus) -> Rest:
        return self._hear(event.status, self.on_operation, self._acknowledge_operation)

    @la.handles(Rescind)
    @_from_master
    def _rescind(self, event: Rescind) -> Rest:
        return rest_of(self.on_rescind(event.offer_id))

    @la.handles(InverseOffers)
    @_from_master
    def _inverse_offers(self, event: InverseOffers) -> Rest:
        return rest_of(self.on_inverse_offers(event.inverse_offers))

    @la.handles(RescindInverseOffer)
    @_from_master
    def _rescind_inverse_offer(self, event: RescindInverseOffer) -> Rest:
        return rest_of(self.on_rescind_inverse_offer(event.inverse_offer_id))

    @la.handles(Failure)
    @_from_master
    def _failure(self, event: Failure) -> Rest:
        if event.executor_id is None:
            return rest_of(self.on_failure(event.agent_id))
        return rest_of(self.on_executor_end(event.agent_id, event.executor_id, event.exit_status))

    @la.handles(ExecutorMessage)
    @_from_master
    def _message(self, event: ExecutorMessage) -> Rest:
        return rest_of(self.on_message(event.agent_id, event.executor_id, event.data))

    @la.handles(Error)
    @_from_master
    def _error(self, event: Error) -> Rest:
        assert self.connection is not None
        self.connection.answered()
        self._is_refused = not self._is_subscribed
        if self.stopped:
            la.terminate(self.pid)
            return None
        return rest_of(self.on_error(event.message))

    @la.handles(Heartbeat)
    def _heartbeat(self, event: Heartbeat) -> None:
        """The master is alive; nothing to do."""

    def _hear(
        self, status: StatusT, hook: Callable[[StatusT], Awaitable[None] | None], acknowledge: Callable[[StatusT], None]
    ) -> Rest:
        """Have ``hook`` hear of a status, and acknowledge that once it is over."""
        if status.uuid in self._statuses_waiting:
            return None
        answer = hook(status)
        if answer is None:
            acknowledge(status)
            return None
        return self._acknowledge_later(status, answer, acknowledge)

    async def _acknowledge_later(
        self, status: StatusT, answer: Awaitable[None], acknowledge: Callable[[StatusT], None]
    ) -> None:
        uuids = set() if status.uuid is None else {status.uuid}
        self._statuses_waiting |= uuids
        await done(answer)
        self._statuses_waiting -= uuids
        acknowledge(status)

    def _acknowledge(self, status: TaskStatus) -> None:
        if status.uuid is not None and status.agent_id is not None and not self.stopped:
            self._send(  # made of what the master has said, so there is nothing to check
                Acknowledge(
                    framework_id=self.framework_id,
                    agent_id=status.agent_id,
                    task_id=status.task_id,
                    uuid=status.uuid,
                )
            )

    def _acknowledge_operation(self, status: OperationStatus) -> None:
        if status.uuid is not None and status.operation_id is not None and not self.stopped:
            self._send(
                AcknowledgeOperationStatus(
                    framework_id=self.framework_id,
                    operation_id=status.operation_id,
                    uuid=status.uuid,
                    agent_id=status.agent_id,
                )
            )

    def _depart(self) -> None:
        self._call(Teardown(self.framework_id))
        la.terminate(self.pid)
