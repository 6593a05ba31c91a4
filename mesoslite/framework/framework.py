"""Framework: what users subclass to schedule tasks of their own on offered resources."""

# Who calls: the user's subclass overrides the on_ methods and calls the others, inside them; events come from the
#   master, by whichever connection was set (in this program or over HTTP).
# A status is acknowledged when on_update has returned: one that raises is delivered again to the framework that comes
#   back under the same id.
# Offers that are neither launched on nor declined stay with the framework, and count as its share, until it does.
# Source: Mesos v1 scheduler API; the names of the events and calls are its.

from __future__ import annotations

import inspect
import itertools
import logging
from typing import TYPE_CHECKING, Any

import msgspec

import libactor as la
from mesoslite.model import (
    MULTI_ROLE,
    NOTHING,
    Accept,
    AcceptInverseOffers,
    Acknowledge,
    AcknowledgeOperationStatus,
    AgentID,
    CommandInfo,
    Decline,
    DeclineInverseOffers,
    Error,
    Failure,
    Filters,
    FrameworkID,
    FrameworkInfo,
    Heartbeat,
    InvalidRequest,
    InverseOffer,
    InverseOffers,
    Kill,
    Launch,
    Offer,
    OfferID,
    Offers,
    Operation,
    OperationStatus,
    Reconcile,
    Rescind,
    RescindInverseOffer,
    Resources,
    Revive,
    Subscribe,
    Subscribed,
    Suppress,
    TaskID,
    TaskInfo,
    TaskReference,
    TaskStatus,
    Teardown,
    Update,
    UpdateOperationStatus,
    checked_message,
    constants,
    validate_framework,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mesoslite.model import Call, SchedulerConnection

log = logging.getLogger("mesoslite.framework")

# What the framework itself calls of what users override.
HOOKS = (
    *("on_subscribed", "on_offers", "on_update", "on_operation", "on_rescind"),
    *("on_inverse_offers", "on_rescind_inverse_offer", "on_failure", "on_error"),
)


class Framework(la.Actor):
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
        super().__init__(la.generate_id("framework"))
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
        self._task_numbers = itertools.count(1)
        self.stopped = False  # stop() or leave() was called
        self._is_subscribed = False

    # ---- what happens: override these ----

    def on_subscribed(self, framework_id: FrameworkID) -> None:
        """The master knows this framework, under this id; offers follow."""

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

    def on_failure(self, agent_id: AgentID) -> None:
        """An agent is lost; on_update tells of each of its tasks."""

    def on_error(self, message: str) -> None:
        """The subscription has ended, for that reason; by default so does the framework, with an error."""
        raise InvalidRequest(f"framework {self.info.name}: {message}")

    # ---- what to do: call these, inside the methods above ----

    def task(
        self,
        offer: Offer,
        command: str,
        *,
        cpus: float = 0.0,
        mem: float = 0.0,
        resources: Resources | None = None,
        name: str | None = None,
        task_id: str | None = None,
        environment: Mapping[str, str] | None = None,
        kill_grace_seconds: float | None = None,
    ) -> TaskInfo:
        """Describe a task for ``offer``: a shell command that needs ``cpus``, ``mem`` (MiB) and ``resources`` together.

        Left out, ``task_id`` is made from the name and a number; ids are unique within a framework.
        """
        base = name or "task"
        return TaskInfo(
            task_id=TaskID(task_id or f"{base}-{next(self._task_numbers)}"),
            name=base,
            agent_id=offer.agent_id,
            resources=Resources.of(cpus=cpus, mem=mem) + (resources or NOTHING),
            command=CommandInfo(value=command, environment=tuple((environment or {}).items())),
            kill_grace_seconds=kill_grace_seconds,
        )

    def launch(
        self,
        offers: Offer | Iterable[Offer],
        tasks: TaskInfo | Iterable[TaskInfo],
        refuse_seconds: float = constants.REFUSE_SECONDS,
    ) -> None:
        """Launch one task or several on one offer, or on several of one agent; the rest is declined for that long.

        A task that does not fit is answered in on_update with TASK_ERROR and does not keep the others back.
        """
        self._accept(
            "launch", offers, (Launch((tasks,) if isinstance(tasks, TaskInfo) else tuple(tasks)),), refuse_seconds
        )

    def accept(
        self,
        offers: Offer | Iterable[Offer],
        *operations: Operation,
        refuse_seconds: float = constants.REFUSE_SECONDS,
    ) -> None:
        """Do operations (Reserve, Create, Launch, ...) in order, each on what those before it have left and made.

        One that cannot be done is answered in on_operation if it has an id, and does not keep the others back.
        """
        self._accept("accept", offers, operations, refuse_seconds)

    def _accept(
        self,
        name: str,
        offers: Offer | Iterable[Offer],
        operations: tuple[Operation, ...],
        refuse_seconds: float,
    ) -> None:
        self._call(
            Accept(
                framework_id=self.framework_id,
                offer_ids=_offer_ids(name, (offers,) if isinstance(offers, Offer) else offers),
                operations=operations,
                filters=Filters(refuse_seconds),
            )
        )

    def decline(self, *offers: Offer, refuse_seconds: float = constants.REFUSE_SECONDS) -> None:
        """Give offers back, and see none of the like from those agents for ``refuse_seconds``."""
        if offers:
            offer_ids = _offer_ids("decline", offers)
            filters = Filters(refuse_seconds)
            self._call(Decline(framework_id=self.framework_id, offer_ids=offer_ids, filters=filters))

    def accept_inverse(self, *inverse_offers: InverseOffer, refuse_seconds: float = constants.REFUSE_SECONDS) -> None:
        """Agree to have left these agents in time, and do not be asked about them again for ``refuse_seconds``."""
        self._answer(AcceptInverseOffers, "accept_inverse", inverse_offers, refuse_seconds)

    def decline_inverse(self, *inverse_offers: InverseOffer, refuse_seconds: float = constants.REFUSE_SECONDS) -> None:
        """Say that these agents cannot be left, and do not be asked about them again for ``refuse_seconds``."""
        self._answer(DeclineInverseOffers, "decline_inverse", inverse_offers, refuse_seconds)

    def _answer(self, call: Any, name: str, inverse_offers: tuple[InverseOffer, ...], refuse_seconds: float) -> None:
        ids, filters = _offer_ids(name, inverse_offers, InverseOffer), Filters(refuse_seconds)
        if ids:
            self._call(call(framework_id=self.framework_id, inverse_offer_ids=ids, filters=filters))

    def kill(self, task_id: str, grace_seconds: float | None = None) -> None:
        """Ask for the end of a task; ``grace_seconds`` between SIGTERM and SIGKILL, None for the task's own."""
        self._call(Kill(framework_id=self.framework_id, task_id=TaskID(task_id), grace_seconds=grace_seconds))

    def reconcile(self, *task_ids: str) -> None:
        """Ask for on_update with the present states of these tasks, or of all."""
        references = tuple([TaskReference(TaskID(task_id)) for task_id in task_ids])
        self._call(Reconcile(self.framework_id, references))

    def suppress(self, *roles: str) -> None:
        """Ask for no offers, for these roles or for all, until ``revive``."""
        self._call(Suppress(self.framework_id, roles))

    def revive(self, *roles: str) -> None:
        """Ask for offers again, and for those that were declined as well."""
        self._call(Revive(self.framework_id, roles))

    def stop(self, result: Any = None) -> None:
        """End the framework: its tasks are killed, it leaves the cluster, and ``Cluster.run`` returns ``result``."""
        self.result = result
        self.leave()

    def leave(self) -> None:
        """As ``stop``, without a result. Before on_subscribed it takes effect once the master has answered."""
        if not self.stopped:
            self.stopped = True
            if self._is_subscribed:
                self._depart()

    @property
    def framework_id(self) -> FrameworkID:
        """The id the master gave; raises InvalidRequest before on_subscribed."""
        if self.info.id is None:
            raise InvalidRequest(f"framework {self.info.name} has not subscribed yet; wait for on_subscribed")
        return self.info.id

    # ---- the actor ----

    def on_start(self) -> None:
        """Subscribe."""
        if self.connection is None:
            raise InvalidRequest(f"framework {self.info.name} has no connection; hand it to Cluster.run or submit")
        self.connection.open(self.pid)
        self._call(Subscribe(self.info))

    def on_stop(self) -> None:
        """Let go of the connection."""
        if self.connection is not None:
            self.connection.close()

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        """The master's actor has stopped."""
        self.on_error(f"the master has stopped: {reason}" if reason is not None else "the master has stopped")

    @la.handles(Subscribed)
    def _subscribed(self, event: Subscribed) -> None:
        self.info = msgspec.structs.replace(self.info, id=event.framework_id)
        self._is_subscribed = True
        if self.stopped:
            self._depart()
        else:
            self.on_subscribed(event.framework_id)

    @la.handles(Offers)
    def _offers(self, event: Offers) -> None:
        self.on_offers(event.offers)

    @la.handles(Update)
    def _update(self, event: Update) -> None:
        status = event.status
        self.on_update(status)
        if status.uuid is not None and status.agent_id is not None and not self.stopped:
            self._call(
                Acknowledge(
                    framework_id=self.framework_id,
                    agent_id=status.agent_id,
                    task_id=status.task_id,
                    uuid=status.uuid,
                )
            )

    @la.handles(UpdateOperationStatus)
    def _operation(self, event: UpdateOperationStatus) -> None:
        status = event.status
        self.on_operation(status)
        if status.uuid is not None and status.operation_id is not None and not self.stopped:
            self._call(
                AcknowledgeOperationStatus(
                    framework_id=self.framework_id,
                    operation_id=status.operation_id,
                    uuid=status.uuid,
                    agent_id=status.agent_id,
                )
            )

    @la.handles(Rescind)
    def _rescind(self, event: Rescind) -> None:
        self.on_rescind(event.offer_id)

    @la.handles(InverseOffers)
    def _inverse_offers(self, event: InverseOffers) -> None:
        self.on_inverse_offers(event.inverse_offers)

    @la.handles(RescindInverseOffer)
    def _rescind_inverse_offer(self, event: RescindInverseOffer) -> None:
        self.on_rescind_inverse_offer(event.inverse_offer_id)

    @la.handles(Failure)
    def _failure(self, event: Failure) -> None:
        if event.executor_id is None:  # on_update tells of the tasks of an executor
            self.on_failure(event.agent_id)

    @la.handles(Error)
    def _error(self, event: Error) -> None:
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

    def _call(self, call: Call) -> None:
        assert self.connection is not None
        if not self._is_current():
            raise InvalidRequest(
                f"{type(call).__name__.lower()}: called from outside framework {self.info.name}; call it in one of its "
                "methods, or send it there: libactor.dispatch(framework.pid, MyFramework.method, ...)"
            )
        self.connection.send(checked_message(call))


def _offer_ids(
    operation: str, offers: Iterable[Offer] | Iterable[InverseOffer], kind: type[Offer | InverseOffer] = Offer
) -> tuple[OfferID, ...]:
    ids = []
    for offer in offers:
        if not isinstance(offer, kind):
            what, hook = ("offers", "on_offers") if kind is Offer else ("inverse offers", "on_inverse_offers")
            raise InvalidRequest(f"{operation}: got {offer!r}, expected {what}, as {hook} gets them")
        ids.append(offer.id)
    return tuple(ids)
