"""RunFramework: the scheduler behind `mesoslite run`: one task, on the first offer that is large enough."""

# Who calls: run.py spawns it and reads its notes, the only thing that leaves this actor.
# States: subscribing -> waiting for an offer -> launched -> ended. A launch that came too late for its offer goes back
#   to waiting. Whatever ends the subscription is noted once, by Lost.

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

import libactor as la
from mesoslite.model import (
    Accept,
    Acknowledge,
    AgentID,
    Decline,
    Error,
    Failure,
    Filters,
    FrameworkID,
    FrameworkInfo,
    Heartbeat,
    Kill,
    Offer,
    Offers,
    Reason,
    Rescind,
    Revive,
    SchedulerConnection,
    Subscribe,
    Subscribed,
    Suppress,
    TaskInfo,
    TaskStatus,
    Teardown,
    Update,
)

NO_OFFER_SECONDS = 2.0  # after which the command looks why there is none
_SMALL_OFFER = Filters(1.0)  # an offer that is too small may soon grow
_OTHER_OFFERS = Filters(3600.0)


@dataclass(frozen=True)
class Unfit:
    """No offer has been large enough so far."""


@dataclass(frozen=True)
class Placed:
    """The task was sent to the agent of this offer."""

    offer: Offer


@dataclass(frozen=True)
class Ended:
    """The task is over."""

    status: TaskStatus


@dataclass(frozen=True)
class TimedOut:
    """The time that was given is over; a task that runs is being killed."""

    launched: bool


@dataclass(frozen=True)
class Stopped:
    """A signal has asked for the end."""

    signal: int


@dataclass(frozen=True)
class Lost:
    """The subscription is over."""

    message: str


Note = Unfit | Placed | Ended | TimedOut | Stopped | Lost


class RunFramework(la.Actor):
    """Runs ``task``, whose agent is still open, and tells ``note`` what happens; ``timeout_seconds`` None: no limit."""

    def __init__(
        self,
        connection: SchedulerConnection,
        info: FrameworkInfo,
        task: TaskInfo,
        note: Callable[[Note], object],
        timeout_seconds: float | None,
    ) -> None:
        super().__init__()
        self._connection = connection
        self._info = info
        self._task = task
        self._note = note
        self._timeout_seconds = timeout_seconds
        self._framework_id: FrameworkID | None = None
        self._launched = False
        self._unfit_noted = False

    def on_start(self) -> None:
        """Subscribe."""
        self._connection.open(self.pid)
        self._connection.send(Subscribe(self._info))
        la.delay(NO_OFFER_SECONDS, self.pid, RunFramework.note_unfit)
        if self._timeout_seconds is not None:
            la.delay(self._timeout_seconds, self.pid, RunFramework.expire)

    def on_stop(self) -> None:
        """Leave the cluster."""
        if self._framework_id is not None:
            self._connection.send(Teardown(self._framework_id))
        self._connection.close()
        self._note(Lost("the framework has stopped"))  # read only if nothing else has ended the command

    def kill(self) -> None:
        """Ask for the end of the task."""
        if self._launched and self._framework_id is not None:
            self._connection.send(Kill(framework_id=self._framework_id, task_id=self._task.task_id))

    def expire(self) -> None:
        """The time is over."""
        self.kill()
        self._note(TimedOut(self._launched))

    def note_unfit(self) -> None:
        """Note once that nothing fits, unless something has."""
        if not self._launched and not self._unfit_noted:
            self._unfit_noted = True
            self._note(Unfit())

    @la.handles(Subscribed)
    def subscribed(self, event: Subscribed) -> None:
        """Offers follow."""
        self._framework_id = event.framework_id

    @la.handles(Offers)
    def offers(self, event: Offers) -> None:
        """Take the first that is large enough."""
        fitting = [offer for offer in event.offers if offer.resources.contains(self._task.resources)]
        if self._launched or not fitting:
            self._decline(event.offers)
            self.note_unfit()
            return
        self._launch(fitting[0])
        self._decline(tuple([offer for offer in event.offers if offer is not fitting[0]]))

    @la.handles(Update)
    def update(self, event: Update) -> None:
        """Acknowledge, and note the end."""
        status = event.status
        if status.uuid is not None:
            self._acknowledge(status, status.uuid)
        if status.task_id != self._task.task_id or not status.state.is_terminal:
            return
        if status.reason is Reason.REASON_INVALID_OFFERS:
            self._launched = False
            self._connection.send(Revive(self._known_id()))
        else:
            self._note(Ended(status))

    @la.handles(Error)
    def error(self, event: Error) -> None:
        """The subscription is over."""
        self._note(Lost(event.message))

    @la.handles(Rescind)
    @la.handles(Failure)
    @la.handles(Heartbeat)
    def passing(self, event: Rescind | Failure | Heartbeat) -> None:
        """Nothing to do: what a loss means for the task comes as its status."""

    def _launch(self, offer: Offer) -> None:
        self._launched = True
        framework_id = self._known_id()
        task = msgspec.structs.replace(self._task, agent_id=offer.agent_id)
        accept = Accept(framework_id=framework_id, offer_ids=(offer.id,), tasks=(task,), filters=_OTHER_OFFERS)
        self._connection.send(accept)
        self._connection.send(Suppress(framework_id))
        self._note(Placed(offer))

    def _decline(self, offers: tuple[Offer, ...]) -> None:
        if offers:
            filters = _OTHER_OFFERS if self._launched else _SMALL_OFFER
            offer_ids = tuple([offer.id for offer in offers])
            self._connection.send(Decline(framework_id=self._known_id(), offer_ids=offer_ids, filters=filters))

    def _acknowledge(self, status: TaskStatus, uuid: bytes) -> None:
        self._connection.send(
            Acknowledge(
                framework_id=self._known_id(),
                agent_id=status.agent_id or AgentID(""),
                task_id=status.task_id,
                uuid=uuid,
            )
        )

    def _known_id(self) -> FrameworkID:
        assert self._framework_id is not None, "no event comes before SUBSCRIBED"
        return self._framework_id
