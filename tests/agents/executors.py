"""Executors of a house: tasks that name one, and the end of its stream, which writes down what it hears."""

# Who calls: the tests of executors in this folder.

from typing import Any

import libactor as la
from mesoslite.agent import Agent
from mesoslite.model import (
    CommandInfo,
    ExecutorExited,
    ExecutorID,
    ExecutorInfo,
    FrameworkInfo,
    Resources,
    RunGroup,
    RunTask,
    Source,
    TaskGroup,
    TaskID,
    TaskInfo,
    TaskState,
    TaskStatus,
)
from mesoslite.model.executor_calls import ExecutorCall, ExecutorSubscribe, ExecutorUpdate
from mesoslite.model.executor_events import (
    AgentAlive,
    EndExecutor,
    EndTask,
    ExecutorError,
    ExecutorEvent,
    ExecutorSubscribed,
    FrameworkMessage,
    LaunchTask,
    LaunchTasks,
    UpdateAcknowledged,
)

from .house import FRAMEWORK, SETTLE_SECONDS, Box, House, make_framework, make_task

EXECUTOR = ExecutorID("e")


def make_executor(name: str = EXECUTOR, resources: str = "cpus:0.5;mem:32", **fields: Any) -> ExecutorInfo:
    return ExecutorInfo(
        executor_id=ExecutorID(name),
        framework_id=FRAMEWORK,
        command=CommandInfo(value="run-executor"),
        resources=Resources.parse(resources),
        **fields,
    )


def task_of(executor: ExecutorInfo, name: str = "t1", **fields: Any) -> TaskInfo:
    return make_task(name, command=None, executor=executor, **fields)


def status_of(task: str, state: TaskState, number: int = 1, **fields: Any) -> TaskStatus:
    """The status as an executor sends it; ``number`` makes its uuid."""
    fields = {"source": Source.SOURCE_EXECUTOR, "timestamp": 7.0, "uuid": number.to_bytes(16, "big"), **fields}
    return TaskStatus(task_id=TaskID(task), state=state, **fields)


class Channel(la.Actor):
    """What is subscribed for an executor."""

    def __init__(self) -> None:
        super().__init__(la.generate_id("channel"))
        self.heard: list[ExecutorEvent] = []
        self.has_ended = False

    @la.handles(ExecutorSubscribed)
    @la.handles(LaunchTask)
    @la.handles(LaunchTasks)
    @la.handles(EndTask)
    @la.handles(UpdateAcknowledged)
    @la.handles(FrameworkMessage)
    @la.handles(EndExecutor)
    @la.handles(ExecutorError)
    @la.handles(AgentAlive)
    def hear(self, event: Any) -> None:
        self.heard.append(event)

    def on_stop(self) -> None:
        self.has_ended = True


class Program:
    """An executor that speaks with the agent of a house."""

    def __init__(self, house: House, name: str = EXECUTOR) -> None:
        self.house = house
        self.id = ExecutorID(name)
        self.channel = Channel()

    def subscribe(self, **unacknowledged: Any) -> None:
        """Come, or come again, by a stream of its own each time."""
        self.channel = Channel()
        self.pid = self.house.runtime.spawn(self.channel)
        call = ExecutorSubscribe(framework_id=FRAMEWORK, executor_id=self.id, **unacknowledged)
        la.dispatch(self.house.agent, Agent.subscribe_executor, call, self.pid).get(timeout=SETTLE_SECONDS)
        self.house.settle()

    def call(self, call: ExecutorCall) -> None:
        la.dispatch(self.house.agent, Agent.executor_call, call).get(timeout=SETTLE_SECONDS)
        self.house.settle()

    def update(self, task: str, state: TaskState, number: int = 1, **fields: Any) -> None:
        status = status_of(task, state, number, **fields)
        self.call(ExecutorUpdate(framework_id=FRAMEWORK, executor_id=self.id, status=status))

    def hang_up(self) -> None:
        la.terminate(self.pid)
        self.house.settle()

    def heard(self) -> list[ExecutorEvent]:
        """What it has heard since it came last, but for the answer to that."""
        return [event for event in self.channel.heard if not isinstance(event, ExecutorSubscribed)]


def launch(
    house: House, *tasks: TaskInfo, starts: bool = True, framework: FrameworkInfo | None = None, group: bool = False
) -> Box:
    """Launch tasks of one executor; the container of the newest that was started."""
    framework = framework or make_framework()
    executor = tasks[0].executor
    assert executor is not None
    if group:
        house.send(RunGroup(framework, executor, TaskGroup(tasks), starts, "web"))
    else:
        for number, task in enumerate(tasks):
            house.send(RunTask(framework, task, starts and number == 0, "web"))
    return house.boxes.made[-1]


def exits(house: House) -> list[ExecutorExited]:
    return [message for message in house.master.heard if isinstance(message, ExecutorExited)]
