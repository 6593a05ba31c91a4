"""Scheduler: a framework of the simulator: it wants some tasks to run, and is as careful as its documentation asks."""

# Who calls: scheduler_machine.py spawns one a start of its host; masters post events; life.py tells it what to do.
# It follows whoever leads, and hears nobody else; it subscribes until it is answered, reconciles what it knows every
#   half minute, and repeats kills: whatever is lost on the way, in the end it knows. What it knows is in its Beliefs.
# Rejected: the production Framework as base. It ends with its connection, by design; what it leaves to its user, to
#   find the next master and to come back under its id, is what is simulated here.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import libactor as la
from mesoslite.model import (
    Accept,
    Acknowledge,
    AcknowledgeOperationStatus,
    CommandInfo,
    Decline,
    Error,
    ExecutorID,
    ExecutorInfo,
    ExecutorMessage,
    ExecutorType,
    Failure,
    Filters,
    Heartbeat,
    InverseOffers,
    Kill,
    Launch,
    LaunchGroup,
    Leader,
    Offer,
    Offers,
    Operation,
    Reconcile,
    Rescind,
    RescindInverseOffer,
    Resources,
    Revive,
    Subscribe,
    Subscribed,
    Suppress,
    TaskGroup,
    TaskID,
    TaskInfo,
    TaskReference,
    TaskStatus,
    Teardown,
    Update,
    UpdateFramework,
    UpdateOperationStatus,
)

from .beliefs import OUT_OF_SIGHT, TaskBelief
from .containers import command_text
from .operations import draw_operations

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesoslite.model import Call, OfferID

    from .scheduler_machine import SchedulerMachine

TICK_SECONDS = 5.0
RECONCILE_TICKS = 6
SILENT_TICKS = 12  # without a word from its master: then it subscribes anew
SECONDS = (5, 1, 20, 60, 1e6)  # that tasks run
REFUSALS = (5.0, 1.0, 30.0, 0.0, 120.0)  # seconds
CALM_REFUSAL = 3600.0

E = TypeVar("E")


def _from_master(method: Callable[[Any, E], None]) -> Callable[[Any, E, la.PID[Any] | None], None]:
    """Have a handler of events heed the master that the scheduler follows, and none that was voted out."""

    def checked(self: Scheduler, event: E, sender: la.PID[Any] | None) -> None:
        if sender == self._master:
            method(self, event)

    return checked


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
        self._numbers = 0
        self._lacks_tasks = False  # one has ended since offers were asked for
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
    @_from_master
    def subscribed(self, event: Subscribed) -> None:
        """Go on under this id; offers of before are void."""
        self._silent_ticks = 0
        self._beliefs.framework_id = event.framework_id
        self._subscribed = True
        self._held.clear()
        self._reconcile()

    @la.handles(Error)
    @_from_master
    def refused(self, event: Error) -> None:
        """The framework was removed, or another scheduler has taken over; not one that was here before."""
        self._world.note(f"{self._machine.name} hears: {event.message}")
        if f"framework {self._beliefs.framework_id} has been removed" in event.message:
            self._beliefs.is_removed = True
        self._subscribed = False

    @la.handles(ExecutorMessage)
    @la.handles(Failure)
    @la.handles(Heartbeat)
    @la.handles(InverseOffers)
    @la.handles(RescindInverseOffer)
    @_from_master
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
        if self._beliefs.is_torn_down and self._subscribed:
            self.tear_down()  # until it is answered that the framework is gone
            self._subscribe()
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
        if self._lacks_tasks and not self._is_content() and self._beliefs.framework_id is not None:
            self._lacks_tasks = False
            self._call(Revive(self._beliefs.framework_id))
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
    @_from_master
    def offers(self, event: Offers) -> None:
        """Launch on them, decline them, or keep them for a while."""
        self._silent_ticks = 0
        self._machine.was_offered = True
        if self._world.wants("late answers") and self._stream.chance(0.2):
            self._held |= {offer.id: offer for offer in event.offers}
        else:
            self._answer(event.offers)

    @la.handles(Rescind)
    @_from_master
    def rescind(self, event: Rescind) -> None:
        """An offer is void; a careless scheduler uses it all the same, and is to be refused."""
        offer = self._held.pop(event.offer_id, None)
        if offer is not None and self._stream.chance(0.5):
            self._accept(offer, [Launch((self._task(offer, self._machine.size, is_stale=True),))])

    def _answer(self, offers: tuple[Offer, ...]) -> None:
        for offer in offers:
            operations = self._operations(offer)
            tasks = [] if operations else self._tasks(offer)
            if tasks:
                operations.append(self._launch(tasks))
            if operations:
                self._accept(offer, operations)
            else:
                self._decline(offer)
        if offers and self._is_content():
            self._call(Suppress(offers[0].framework_id))

    def _operations(self, offer: Offer) -> list[Operation]:
        wants = self._world.wants
        self._numbers += 1
        features = {"reserves": wants("reservations"), "makes_volumes": wants("volumes")}
        return [*draw_operations(self._stream, offer.role, offer.resources, str(self._numbers), **features)]

    def _tasks(self, offer: Offer) -> list[TaskInfo]:
        """As many tasks as are wanted, and fit."""
        tasks: list[TaskInfo] = []
        wanted = self._machine.appetite - len(self._beliefs.living)
        left = offer.resources.allocatable_to(offer.role)
        while len(tasks) < wanted:
            resources = self._machine.size_on(left)
            if resources is None:
                break
            left -= resources
            tasks.append(self._task(offer, resources))
        return tasks

    def _launch(self, tasks: list[TaskInfo]) -> Operation:
        if not (self._world.wants("groups") and len(tasks) > 1 and self._stream.chance(0.3)):
            return Launch(tuple(tasks))
        *members, last = tasks  # the room of the last one is for their executor, which needs a sandbox
        del self._beliefs.tasks[last.task_id], self._world.tasks[last.task_id]
        executor = ExecutorInfo(
            executor_id=ExecutorID(f"{last.task_id}-group"),
            type=ExecutorType.DEFAULT,
            resources=last.resources + Resources.of(disk=1),
        )
        return LaunchGroup(executor, TaskGroup(tuple(members)))

    def _is_content(self) -> bool:
        return self._world.wants("suppression") and len(self._beliefs.living) >= self._machine.appetite

    def _refusal(self) -> Filters:
        return Filters(CALM_REFUSAL if self._world.is_calm else self._stream.pick(REFUSALS))

    def _accept(self, offer: Offer, operations: list[Operation]) -> None:
        self._call(
            Accept(
                framework_id=offer.framework_id,
                offer_ids=(offer.id,),
                operations=tuple(operations),
                filters=self._refusal(),
            )
        )

    def _decline(self, offer: Offer) -> None:
        self._call(Decline(framework_id=offer.framework_id, offer_ids=(offer.id,), filters=self._refusal()))

    def _task(self, offer: Offer, resources: Resources, *, is_stale: bool = False) -> TaskInfo:
        seconds = self._stream.pick(SECONDS)
        command = command_text(seconds, self._stream.choose(2), obeys=not self._stream.chance(0.2))
        self._beliefs.numbers += 1
        info = TaskInfo(
            task_id=TaskID(f"{self._machine.task_prefix}-{self._beliefs.numbers}"),
            name="task",
            agent_id=offer.agent_id,
            resources=resources,
            command=CommandInfo(value=command),
        )
        belief = TaskBelief(info, self.runtime.clock.now(), is_stale)
        self._beliefs.tasks[info.task_id] = self._world.tasks[info.task_id] = belief
        return info

    # ---- tasks ----

    @la.handles(Update)
    @_from_master
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
        self._lacks_tasks = self._lacks_tasks or status.state.is_terminal

    @la.handles(UpdateOperationStatus)
    @_from_master
    def operation(self, event: UpdateOperationStatus) -> None:
        """Acknowledge how an operation went."""
        self._silent_ticks = 0
        status = event.status
        if status.uuid is not None and status.operation_id is not None and self._beliefs.framework_id is not None:
            self._call(
                AcknowledgeOperationStatus(
                    framework_id=self._beliefs.framework_id,
                    operation_id=status.operation_id,
                    uuid=status.uuid,
                    agent_id=status.agent_id,
                )
            )

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

    # ---- what it is told to do ----

    def ask(self) -> None:
        """Want offers, whatever was refused before."""
        if self._beliefs.framework_id is not None:
            self._reconcile()
            self._call(Revive(self._beliefs.framework_id))

    def update_framework(self) -> None:
        """Say anew what the framework is."""
        framework_id = self._beliefs.framework_id
        if framework_id is not None:
            self._call(UpdateFramework(framework_id=framework_id, framework=self._machine.info(framework_id)))

    def tear_down(self) -> None:
        """End the framework, if there is a master to tell."""
        framework_id = self._beliefs.framework_id
        if framework_id is not None and self._subscribed:
            self._world.torn_down.add(framework_id)
            self._call(Teardown(framework_id))
            self._beliefs.is_torn_down = True
