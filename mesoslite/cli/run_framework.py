"""RunFramework: the scheduler behind `mesoslite run`: one task, on the first offer that is large enough."""

# Who calls: run.py spawns it and reads its notes, the only thing that leaves this actor.
# States: subscribing -> waiting for an offer -> launched -> ended. A launch that came too late for its offer goes back
#   to waiting. Whatever ends the subscription is noted once, by Lost.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

import libactor as la
from mesoslite.framework import Framework
from mesoslite.model import FrameworkID, Offer, Reason, TaskInfo, TaskStatus

if TYPE_CHECKING:
    from collections.abc import Callable

NO_OFFER_SECONDS = 2.0  # after which the command looks why there is none
SMALL_OFFER_SECONDS = 1.0  # an offer that is too small may soon grow
OTHER_OFFERS_SECONDS = 3600.0


@dataclass(frozen=True)
class Unfit:
    """No offer has been large enough so far."""

    framework_id: str  # empty if the master has not even answered


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
    """A signal has asked for the end, or the output cannot be written."""

    exit_status: int


@dataclass(frozen=True)
class Lost:
    """The subscription is over."""

    message: str


Note = Unfit | Placed | Ended | TimedOut | Stopped | Lost


class RunFramework(Framework):
    """Runs ``task``, whose agent is still open, and tells ``note`` what happens; ``timeout_seconds`` None: no limit."""

    def __init__(
        self, name: str, user: str, task: TaskInfo, note: Callable[[Note], object], timeout_seconds: float | None
    ) -> None:
        super().__init__(name, user=user)
        self._task = task
        self._note = note
        self._timeout_seconds = timeout_seconds
        self._launched = False
        self._unfit_noted = False

    def on_start(self) -> None:
        """Subscribe, and see to it that somebody looks if nothing comes of it."""
        super().on_start()
        la.delay(NO_OFFER_SECONDS, self.pid, RunFramework.note_unfit)
        if self._timeout_seconds is not None:
            la.delay(self._timeout_seconds, self.pid, RunFramework.expire)

    def on_stop(self) -> None:
        """Leave the cluster."""
        self.leave()
        super().on_stop()
        self._note(Lost("the framework has stopped"))  # read only if nothing else has ended the command

    def kill_task(self) -> None:
        """Ask for the end of the task."""
        if self._launched:
            self.kill(self._task.task_id)

    def expire(self) -> None:
        """The time is over."""
        self.kill_task()
        self._note(TimedOut(self._launched))

    def note_unfit(self) -> None:
        """Note that nothing fits, unless something has: once while nobody answers, once after that."""
        if not self._launched and not self._unfit_noted:
            self._unfit_noted = self.info.id is not None
            self._note(Unfit(self.info.id or ""))

    def on_subscribed(self, framework_id: FrameworkID) -> None:
        """See to it that somebody looks if there is no offer either, once the master has answered."""
        la.delay(NO_OFFER_SECONDS, self.pid, RunFramework.note_unfit)

    def on_offers(self, offers: tuple[Offer, ...]) -> None:
        """Take the first that is large enough."""
        fitting = next((offer for offer in offers if offer.resources.contains(self._task.resources)), None)
        if self._launched:
            self.decline(*offers, refuse_seconds=OTHER_OFFERS_SECONDS)
        elif fitting is None:
            self.decline(*offers, refuse_seconds=SMALL_OFFER_SECONDS)
            self.note_unfit()
        else:
            self._launched = True
            task = msgspec.structs.replace(self._task, agent_id=fitting.agent_id)
            self.launch(fitting, [task], refuse_seconds=OTHER_OFFERS_SECONDS)
            others = [offer for offer in offers if offer is not fitting]
            self.decline(*others, refuse_seconds=OTHER_OFFERS_SECONDS)
            self.suppress()
            self._note(Placed(fitting))

    def on_update(self, status: TaskStatus) -> None:
        """Note the end; a launch that came too late is tried again."""
        if status.task_id != self._task.task_id or not status.state.is_terminal:
            return
        if status.reason is Reason.REASON_INVALID_OFFERS:
            self._launched = False
            self.revive()
        else:
            self._note(Ended(status))

    def on_error(self, message: str) -> None:
        """The subscription is over."""
        self._note(Lost(message))
