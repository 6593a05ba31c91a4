"""Scheduler calls: what a framework may ask of its master, as methods of its actor."""

# Who calls: the user's subclass of Framework, inside its methods; framework.py inherits them.
# Without a master nothing is sent: what is asked for then is dropped, and tasks are told lost, as in Mesos. What a
#   framework wants no offers for is remembered, and goes with its next subscription.
# Source: Mesos v1 scheduler API; src/sched/sched.cpp for calls without a master.

from __future__ import annotations

import itertools
import logging
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import (
    Accept,
    AcceptInverseOffers,
    CommandInfo,
    CommandURI,
    Decline,
    DeclineInverseOffers,
    ExecutorID,
    ExecutorInfo,
    Filters,
    FrameworkID,
    FrameworkInfo,
    InvalidRequest,
    InverseOffer,
    Kill,
    Launch,
    Offer,
    OfferID,
    Operation,
    Reconcile,
    Resources,
    Revive,
    Shutdown,
    Subscribe,
    Suppress,
    TaskID,
    TaskInfo,
    TaskReference,
    TellExecutor,
    Update,
    checked_message,
    constants,
)

from .lost_calls import lost_tasks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mesoslite.model import Call, FrameworkInfo, SchedulerConnection

log = logging.getLogger("mesoslite.framework")


class SchedulerCalls(la.Actor):
    """The part of a framework that calls its master."""

    info: FrameworkInfo
    connection: SchedulerConnection | None  # set before the framework is spawned

    def __init__(self) -> None:
        super().__init__(la.generate_id("framework"))
        self._task_numbers = itertools.count(1)
        self._suppressed: set[str] = set()  # roles
        self._is_away = False  # there was a master, and is none

    def task(
        self,
        offer: Offer,
        command: str = "",
        *,
        executor: ExecutorInfo | None = None,
        data: bytes | None = None,
        cpus: float = 0.0,
        mem: float = 0.0,
        resources: Resources | None = None,
        name: str | None = None,
        task_id: str | None = None,
        environment: Mapping[str, str] | None = None,
        uris: Iterable[str | CommandURI] = (),
        kill_grace_seconds: float | None = None,
    ) -> TaskInfo:
        """Describe a task for ``offer``: a shell command that needs ``cpus``, ``mem`` (MiB) and ``resources`` together.

        ``uris`` are of the files that its agent fetches into the sandbox first, archives unpacked.
        With an ``executor`` it has no command: that one runs it, and knows by ``data`` what to do.
        Left out, ``task_id`` is made from the name and a number; ids are unique within a framework.
        """
        base = name or "task"
        return TaskInfo(
            task_id=TaskID(task_id or f"{base}-{next(self._task_numbers)}"),
            name=base,
            agent_id=offer.agent_id,
            resources=_scalars(cpus, mem) if resources is None else _scalars(cpus, mem) + resources,
            command=_command(command, environment, uris) if executor is None else None,
            executor=executor,
            data=data,
            kill_grace_seconds=kill_grace_seconds,
        )

    def executor(
        self,
        executor_id: str,
        command: str,
        *,
        cpus: float = 0.0,
        mem: float = 0.0,
        environment: Mapping[str, str] | None = None,
        uris: Iterable[str | CommandURI] = (),
        shutdown_grace_seconds: float | None = None,
    ) -> ExecutorInfo:
        """Describe a program that runs tasks: a shell command that needs ``cpus`` and ``mem`` (MiB) besides theirs.

        ``uris`` as of a task.
        On each agent it is started with the first task that names it; tasks that are to share it describe it alike.
        """
        return ExecutorInfo(
            executor_id=ExecutorID(executor_id),
            command=_command(command, environment, uris),
            resources=_scalars(cpus, mem),
            shutdown_grace_seconds=shutdown_grace_seconds,
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

    def tell_executor(self, agent_id: str, executor_id: str, data: bytes) -> None:
        """Send bytes to an executor; they get there once, or never."""
        who: Any = {"agent_id": agent_id, "executor_id": executor_id}
        self._call(TellExecutor(framework_id=self.framework_id, data=data, **who))

    def shut_down_executor(self, agent_id: str, executor_id: str) -> None:
        """Ask an executor to end with all of its tasks; it is killed when its grace is over."""
        who: Any = {"agent_id": agent_id, "executor_id": executor_id}
        self._call(Shutdown(framework_id=self.framework_id, **who))

    def reconcile(self, *task_ids: str) -> None:
        """Ask for on_update with the present states of these tasks, or of all."""
        references = tuple([TaskReference(TaskID(task_id)) for task_id in task_ids])
        self._call(Reconcile(self.framework_id, references))

    def suppress(self, *roles: str) -> None:
        """Ask for no offers, for these roles or for all, until ``revive``."""
        self._suppressed |= set(roles or self.info.roles)
        self._call(Suppress(self.framework_id, roles))

    def revive(self, *roles: str) -> None:
        """Ask for offers again, and for those that were declined as well."""
        self._suppressed -= set(roles or self._suppressed)
        self._call(Revive(self.framework_id, roles))

    @property
    def framework_id(self) -> FrameworkID:
        """The id the master gave; raises InvalidRequest before on_subscribed."""
        if self.info.id is None:
            raise InvalidRequest(f"framework {self.info.name} has not subscribed yet; wait for on_subscribed")
        return self.info.id

    def _call(self, call: Call) -> None:
        if not self._is_current():
            raise InvalidRequest(
                f"{type(call).__name__.lower()}: called from outside framework {self.info.name}; call it in one of its "
                "methods, or send it there: libactor.dispatch(framework.pid, MyFramework.method, ...)"
            )
        self._send(checked_message(call))

    def _send(self, call: Call) -> None:
        """Send what is a call."""
        assert self.connection is not None
        is_void = self._is_away and not isinstance(call, Subscribe)  # it is subscribed with nobody
        if is_void or not self.connection.send(call):
            log.info("%s of framework %s is dropped: there is no master", type(call).__name__, self.info.name)
            for status in lost_tasks(call, self.info, self.runtime.clock.now()):
                la.post(self.pid, Update(status))

    def _suppressed_roles(self) -> tuple[str, ...]:
        return tuple([role for role in self.info.roles if role in self._suppressed])


def _command(value: str, environment: Mapping[str, str] | None, uris: Iterable[str | CommandURI]) -> CommandInfo:
    if isinstance(uris, str):
        raise InvalidRequest(f"uris: expected a list of URIs, got the text {uris[:80]!r}; put it into a list")
    fetched = [uri if isinstance(uri, CommandURI) else CommandURI(value=uri) for uri in uris]
    return CommandInfo(value=value, environment=tuple((environment or {}).items()), uris=tuple(fetched))


@lru_cache(maxsize=1_024, typed=True)  # most tasks of a framework want the same
def _scalars(cpus: float, mem: float) -> Resources:
    return Resources.of(cpus=cpus, mem=mem)


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
