"""Scheduler: a framework of the simulator: it wants some tasks to run, and is as careful as its documentation asks."""

# Who calls: scheduler_machine.py spawns one a start of its host; masters post events; life.py tells it what to do.
# It follows whoever leads, subscribes until it is answered, reconciles what it knows every half minute, and repeats
#   kills: whatever is lost on the way, in the end it knows. What it knows is in its Beliefs.
# Rejected: the production Framework as base. It ends with its connection, by design; what it leaves to its user, to
#   find the next master and to come back under its id, is what is simulated here.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import (
    Accept,
    Acknowledge,
    CommandInfo,
    Decline,
    Error,
    Failure,
    Filters,
    Heartbeat,
    Kill,
    Launch,
    Leader,
    Offer,
    Offers,
    Reconcile,
    Rescind,
    Revive,
    Subscribe,
    Subscribed,
    Suppress,
    TaskID,
    TaskInfo,
    TaskReference,
    TaskStatus,
    Update,
    UpdateOperationStatus,
)

from .beliefs import OUT_OF_SIGHT, TaskBelief
from .containers import command_text

if TYPE_CHECKING:
    from mesoslite.model import Call, OfferID

    from .scheduler_machine import SchedulerMachine

TICK_SECONDS = 5.0
RECONCILE_TICKS = 6
SILENT_TICKS = 12  # without a word from its master: then it subscribes anew
SECONDS = (5, 1, 20, 60, 1e6)  # that tasks run
REFUSALS = (5.0, 1.0, 30.0, 0.0, 120.0)  # seconds
CALM_REFUSAL = 3600.0


class Scheduler(la.Actor):
    """One start of the scheduler on a machine."""

    def __init__(self, machine: SchedulerMachine, member: Any) -> None:
        super().__init__("scheduler")
        self._machine = machine
        self._world = machine.world
        self._beliefs = machine.beliefs
        self._stream = machine.stream
        self._detector = member
        self._master: la.PID[Any] | None = None
        self._subscribed = False
        self._ticks = 0
        self._silent_ticks = 0
        self._held: dict[OfferID, Offer] = {}
        self._unacknowledged: list[TaskStatus] = []

    # ---- the master ----

    def on_start(self) -> None:
        """Look for a master."""
        self._detect(None)
        la.delay(TICK_SECONDS, self.pid, Scheduler.tick)

    def _detect(self, previous: Leader | None) -> None:
        self._detector.detect(previous).on_ready(la.defer(self._found))

    def _found(self, leader: Leader | None) -> None:
        self._subscribed = False
        self._master = None if leader is None else la.parse_pid(leader.info.pid)
        self._subscribe()
        self._detect(leader)

    def _subscribe(self) -> None:
        if self._master is not None and not self._beliefs.is_removed:
            la.link(self._master, reconnect=True)
            info = self._machine.info(self._beliefs.framework_id)
            la.post(self._master, Subscribe(info, info.roles if self._is_content() else ()))

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        """The master has gone, or the connection to it."""
        if pid == self._master:
            self._subscribed = False
            self._held.clear()

    @la.handles(Subscribed)
    def subscribed(self, event: Subscribed, sender: la.PID[Any]) -> None:
        """Go on under this id; offers of before are void."""
        self._silent_ticks = 0
        self._beliefs.framework_id = event.framework_id
        self._subscribed = True
        self._held.clear()
        self._reconcile()

    @la.handles(Error)
    def refused(self, event: Error) -> None:
        """The framework was removed, or another scheduler has taken over."""
        self._world.note(f"{self._machine.name} hears: {event.message}")
        if "removed" in event.message:
            self._beliefs.is_removed = True
        self._subscribed = False

    @la.handles(Failure)
    @la.handles(Heartbeat)
    @la.handles(UpdateOperationStatus)
    def hear(self, event: Any) -> None:
        """Nothing to do."""
        self._silent_ticks = 0

    def _call(self, call: Call) -> None:
        if self._subscribed and self._master is not None:
            la.post(self._master, call)

    # ---- time ----

    def tick(self) -> None:
        """What is done again and again."""
        la.delay(TICK_SECONDS, self.pid, Scheduler.tick)
        if self._beliefs.is_removed:
            return
        self._ticks += 1
        self._silent_ticks += 1
        if not self._subscribed or self._silent_ticks >= SILENT_TICKS:
            self._silent_ticks = 0
            self._subscribe()
            return
        for status in self._unacknowledged:
            self._acknowledge(status)
        self._unacknowledged.clear()
        self._answer(tuple(self._held.values()))
        self._held.clear()
        if self._ticks % RECONCILE_TICKS == 0:
            self._reconcile()
        for task in self._beliefs.living:
            if task.is_to_end:
                self._kill(task)

    def _reconcile(self) -> None:
        """Ask for what is known to live, and for what the master knows beyond that."""
        known = tuple([TaskReference(task.info.task_id, task.info.agent_id) for task in self._beliefs.living])
        for tasks in [known, ()] if known else [()]:
            if self._beliefs.framework_id is not None:
                self._call(Reconcile(self._beliefs.framework_id, tasks))

    # ---- offers ----

    @la.handles(Offers)
    def offers(self, event: Offers) -> None:
        """Launch on them, decline them, or keep them for a while."""
        self._silent_ticks = 0
        if self._world.wants("late answers") and self._stream.chance(0.2):
            self._held |= {offer.id: offer for offer in event.offers}
        else:
            self._answer(event.offers)

    @la.handles(Rescind)
    def rescind(self, event: Rescind) -> None:
        """An offer is void; a careless scheduler uses it all the same, and is to be refused."""
        offer = self._held.pop(event.offer_id, None)
        if offer is not None and self._stream.chance(0.5):
            self._accept(offer, [self._task(offer, is_stale=True)])

    def _answer(self, offers: tuple[Offer, ...]) -> None:
        for offer in offers:
            wanted = self._machine.appetite - len(self._beliefs.living)
            tasks: list[TaskInfo] = []
            left = offer.resources.allocatable_to(offer.role)
            while len(tasks) < wanted and left.contains(self._machine.size):
                left -= self._machine.size
                tasks.append(self._task(offer))
            if tasks:
                self._accept(offer, tasks)
            else:
                self._decline(offer)
        if self._is_content():
            self._call(Suppress(offers[0].framework_id)) if offers else None

    def _is_content(self) -> bool:
        return self._world.wants("suppression") and len(self._beliefs.living) >= self._machine.appetite

    def _refusal(self) -> Filters:
        return Filters(CALM_REFUSAL if self._world.is_calm else self._stream.pick(REFUSALS))

    def _accept(self, offer: Offer, tasks: list[TaskInfo]) -> None:
        self._call(
            Accept(
                framework_id=offer.framework_id,
                offer_ids=(offer.id,),
                operations=(Launch(tuple(tasks)),),
                filters=self._refusal(),
            )
        )

    def _decline(self, offer: Offer) -> None:
        self._call(Decline(framework_id=offer.framework_id, offer_ids=(offer.id,), filters=self._refusal()))

    def _task(self, offer: Offer, *, is_stale: bool = False) -> TaskInfo:
        seconds = self._stream.pick(SECONDS)
        command = command_text(seconds, self._stream.choose(2), obeys=not self._stream.chance(0.2))
        info = TaskInfo(
            task_id=TaskID(f"{self._machine.task_prefix}-{len(self._beliefs.tasks) + 1}"),
            name="task",
            agent_id=offer.agent_id,
            resources=self._machine.size,
            command=CommandInfo(value=command),
        )
        self._beliefs.tasks[info.task_id] = TaskBelief(info, self.runtime.clock.now(), is_stale)
        return info

    # ---- tasks ----

    @la.handles(Update)
    def update(self, event: Update) -> None:
        """Believe it, and acknowledge it, now or later."""
        self._silent_ticks = 0
        status = event.status
        task = self._beliefs.tasks.get(status.task_id)
        if task is not None:
            task.hear(self.runtime.clock.now(), status)
        self._world.told(self._machine, task, status)
        if status.uuid is not None:
            if self._world.wants("late answers") and self._stream.chance(0.2):
                self._unacknowledged.append(status)
            else:
                self._acknowledge(status)
        if status.state.is_terminal and not self._is_content() and self._beliefs.framework_id is not None:
            self._call(Revive(self._beliefs.framework_id))

    def _acknowledge(self, status: TaskStatus) -> None:
        if status.uuid is None or status.agent_id is None or self._beliefs.framework_id is None:
            return
        task = self._beliefs.tasks.get(status.task_id)
        if task is not None:
            task.acknowledged.add(status.uuid)
        self._call(
            Acknowledge(
                framework_id=self._beliefs.framework_id,
                agent_id=status.agent_id,
                task_id=status.task_id,
                uuid=status.uuid,
            )
        )

    def kill(self, task_id: TaskID) -> None:
        """Want the end of a task; it is asked for until it has come."""
        task = self._beliefs.tasks[task_id]
        task.is_to_end = True
        self._kill(task)

    def _kill(self, task: TaskBelief) -> None:
        if self._beliefs.framework_id is not None and task.state not in OUT_OF_SIGHT:
            info = task.info
            self._call(Kill(framework_id=self._beliefs.framework_id, task_id=info.task_id, agent_id=info.agent_id))

    def calm_down(self) -> None:
        """Say once more what is wanted: the network was bad until now, and is good from now on."""
        if self._subscribed and self._beliefs.framework_id is not None:
            self._reconcile()
            self._call((Suppress if self._is_content() else Revive)(self._beliefs.framework_id))
