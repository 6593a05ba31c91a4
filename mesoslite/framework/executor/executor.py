"""Executor: what users subclass to run tasks of their framework on an agent, in a program of their own or its."""

# Who calls: the user's subclass overrides the on_ methods and calls the others, inside them; events come from the
#   agent, by the connection (in this program or over HTTP).
# A status is kept until the agent has acknowledged it, and a task until a status of it was: an executor that comes
#   again tells both, so that neither is lost nor taken twice.
# Hooks may be coroutines: while one waits the executor hears other events, see hooks.py.
# Source: Mesos v1 executor API; src/launcher/executor.cpp, src/executor/executor.cpp for what a lost agent means.

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import (
    AgentInfo,
    ExecutorInfo,
    FrameworkInfo,
    InvalidRequest,
    Label,
    Reason,
    Source,
    TaskID,
    TaskInfo,
    TaskState,
    TaskStatus,
    checked_message,
)
from mesoslite.model.executor_calls import ExecutorSubscribe, ExecutorUpdate, TellFramework
from mesoslite.model.executor_events import (
    AgentAlive,
    EndExecutor,
    EndTask,
    ExecutorError,
    ExecutorSubscribed,
    FrameworkMessage,
    LaunchTask,
    LaunchTasks,
    UpdateAcknowledged,
)

from ..hooks import done, refuse_exclusive
from .connection import AgentLost, CallRefused, ExecutorConnection

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from .local import LocalExecutorConnection
    from .settings import ExecutorSettings

log = logging.getLogger("mesoslite.framework")


class Executor(la.Actor):
    """Runs tasks of a framework on an agent.

    Override ``on_launch`` and ``on_kill``, say by ``update`` how tasks go, and hand the object to ``run_executor``, or
    the class to a Cluster. Any on_ method may be a coroutine. An exception in one ends the executor, and its tasks.
    """

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        refuse_exclusive(cls, Executor)

    def __init__(self) -> None:
        super().__init__(la.generate_id("executor"))
        self.settings: ExecutorSettings | None = None  # these two before it is spawned; the connection, unless by HTTP
        self.connection: ExecutorConnection | LocalExecutorConnection | None = None
        self.info: ExecutorInfo | None = None  # these three once it is subscribed
        self.framework: FrameworkInfo | None = None
        self.agent: AgentInfo | None = None
        self._tasks: dict[TaskID, TaskInfo] = {}  # of which no status is acknowledged
        self._statuses: dict[bytes, TaskStatus] = {}  # that are not acknowledged, by uuid, oldest first
        self._waiting: dict[bytes, la.Promise[None]] = {}  # for their acknowledgements
        self._lost_at: float | None = None  # when the agent was lost
        self._is_shutting_down = False
        self._is_ending = False

    # ---- what happens: override these ----

    def on_registered(self) -> Awaitable[None] | None:
        """The agent knows this executor: ``info``, ``framework`` and ``agent`` are set. Tasks follow."""

    def on_launch(self, task: TaskInfo) -> Awaitable[None] | None:
        """Start a task, and say how it goes; by default it fails."""
        self.update(task.task_id, TaskState.TASK_FAILED, message=f"{type(self).__name__} launches no tasks")
        return None

    def on_launch_group(self, tasks: tuple[TaskInfo, ...]) -> Awaitable[None] | None:
        """Start tasks that belong together; by default one after the other by ``on_launch``."""
        return self._launch_each(tasks)

    def on_kill(self, task_id: TaskID, grace_seconds: float | None) -> Awaitable[None] | None:
        """End a task, within that time if there is one; by default it is said to be killed."""
        self.update(task_id, TaskState.TASK_KILLED)
        return None

    def on_message(self, data: bytes) -> Awaitable[None] | None:
        """The framework says something."""

    def on_shutdown(self) -> Awaitable[None] | None:
        """End all tasks, and say so; when this is done, and that has arrived, the executor ends."""

    # ---- what it does ----

    def update(
        self,
        task_id: str,
        state: TaskState,
        *,
        message: str = "",
        data: bytes | None = None,
        reason: Reason | None = None,
        healthy: bool | None = None,
        labels: tuple[Label, ...] = (),
    ) -> la.Future[None]:
        """Say how a task goes; the future is ready once the agent has that, and sees to it that it arrives.

        Raises: InvalidRequest, for values of wrong types and for TASK_STAGING.
        """
        if state is TaskState.TASK_STAGING:
            raise InvalidRequest("update: a task is TASK_STAGING until its executor says otherwise; say TASK_STARTING")
        uuid = la.random_uuid_bytes()
        status = TaskStatus(
            task_id=TaskID(task_id),
            state=state,
            source=Source.SOURCE_EXECUTOR,
            timestamp=self.runtime.clock.now(),
            executor_id=self._settings.executor_id,
            message=message,
            data=data,
            reason=reason,
            healthy=healthy,
            labels=labels,
            uuid=uuid,
        )
        call = checked_message(ExecutorUpdate(**self._ids, status=status))
        promise = self._waiting[uuid] = la.Promise[None]()
        self._statuses[uuid] = status
        self._line.send(call)
        return promise.future

    def send(self, data: bytes) -> None:
        """Say something to the framework, which gets it once, or never."""
        self._line.send(checked_message(TellFramework(**self._ids, data=data)))

    def stop(self) -> None:
        """End, once all that was said of tasks has arrived, or the grace is over."""
        if not self._is_ending:
            self._is_ending = True
            la.delay(self._settings.grace, self.pid, Executor._end)
        self._end_ifdone()

    # ---- the actor ----

    def on_start(self) -> None:
        """Subscribe."""
        if self.settings is None:
            raise InvalidRequest(f"executor {type(self).__name__} has no settings; hand it to run_executor")
        if self.connection is None:
            self.connection = ExecutorConnection(self.settings.url, self.settings.token)
        self.connection.open(self.pid)
        self._subscribe()

    def on_stop(self) -> None:
        """Let go of the agent."""
        if self.connection is not None:
            self.connection.close()

    @la.handles(ExecutorSubscribed)
    async def _subscribed(self, event: ExecutorSubscribed) -> None:
        is_first, self._lost_at = self.info is None, None
        self.info, self.framework, self.agent = event.executor, event.framework, event.agent
        if is_first:
            await done(self.on_registered())

    @la.handles(LaunchTask)
    async def _launch(self, event: LaunchTask) -> None:
        self._tasks[event.task.task_id] = event.task
        await done(self.on_launch(event.task))

    @la.handles(LaunchTasks)
    async def _launch_group(self, event: LaunchTasks) -> None:
        self._tasks |= {task.task_id: task for task in event.group.tasks}
        await done(self.on_launch_group(event.group.tasks))

    async def _launch_each(self, tasks: tuple[TaskInfo, ...]) -> None:
        for task in tasks:
            await done(self.on_launch(task))

    @la.handles(EndTask)
    async def _kill(self, event: EndTask) -> None:
        await done(self.on_kill(event.task_id, event.grace_seconds))

    @la.handles(FrameworkMessage)
    async def _message(self, event: FrameworkMessage) -> None:
        await done(self.on_message(event.data))

    @la.handles(EndExecutor)
    async def _shutdown(self, event: EndExecutor) -> None:
        await self._shut_down()

    @la.handles(UpdateAcknowledged)
    def _acknowledged(self, event: UpdateAcknowledged) -> None:
        self._tasks.pop(event.task_id, None)
        self._statuses.pop(event.uuid, None)
        promise = self._waiting.pop(event.uuid, None)
        if promise is not None:
            promise.set(None)
        self._end_ifdone()

    @la.handles(AgentAlive)
    def _alive(self, event: AgentAlive) -> None:
        """The agent is there; nothing to do."""

    @la.handles(ExecutorError)
    @la.handles(CallRefused)
    def _refused(self, event: ExecutorError | CallRefused) -> None:
        text = event.message if isinstance(event, ExecutorError) else event.reason
        raise InvalidRequest(f"executor {self._settings.executor_id}: {text}")

    @la.handles(AgentLost)
    async def _lost(self, event: AgentLost) -> None:
        settings, now = self._settings, self.runtime.clock.now()
        if self._is_ending:
            self._end()
            return
        if self._lost_at is None:
            self._lost_at = now
            log.warning("executor %s: %s", settings.executor_id, event.reason)
        if settings.checkpoints and not event.is_final and now - self._lost_at < settings.recovery_timeout:
            wait = la.random_stream().random() * settings.backoff_max
            la.delay(wait, self.pid, Executor._subscribe)
        elif self.info is None:
            raise InvalidRequest(f"executor {settings.executor_id}: {event.reason}")
        else:
            self._statuses.clear()  # there is nobody to hear of them
            await self._shut_down()

    async def _shut_down(self) -> None:
        if self._is_shutting_down:  # it is told again, or its agent is lost meanwhile
            return
        self._is_shutting_down = True
        await done(self.on_shutdown())
        self.stop()

    def _subscribe(self) -> None:
        self._line.subscribe(
            ExecutorSubscribe(
                **self._ids,
                unacknowledged_tasks=tuple(self._tasks.values()),
                unacknowledged_updates=tuple(self._statuses.values()),
            )
        )

    def _end_ifdone(self) -> None:
        if self._is_ending and not self._statuses:
            self._end()

    def _end(self) -> None:
        la.terminate(self.pid)

    @property
    def _settings(self) -> ExecutorSettings:
        assert self.settings is not None
        return self.settings

    @property
    def _ids(self) -> dict[str, Any]:
        return {"framework_id": self._settings.framework_id, "executor_id": self._settings.executor_id}

    @property
    def _line(self) -> ExecutorConnection | LocalExecutorConnection:
        assert self.connection is not None
        return self.connection
