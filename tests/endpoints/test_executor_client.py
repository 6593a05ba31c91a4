"""Executors that users write: what they hear and say over HTTP, and what becomes of it when the agent is lost."""

import queue
from typing import Any

import pytest

import libactor as la
import mesoslite
from libactor.http import HttpServer
from mesoslite.api import agent_app
from mesoslite.framework import ExecutorSettings, executor_settings
from mesoslite.framework.executor.connection import AgentLost
from mesoslite.model import (
    AgentInfo,
    ExecutorID,
    ExecutorInfo,
    FrameworkInfo,
    InvalidRequest,
    NotFound,
    Resources,
    TaskGroup,
    TaskID,
    TaskInfo,
    TaskState,
)
from mesoslite.model.executor_calls import ExecutorSubscribe, ExecutorUpdate, TellFramework
from mesoslite.model.executor_events import (
    EndExecutor,
    EndTask,
    ExecutorSubscribed,
    FrameworkMessage,
    LaunchTask,
    LaunchTasks,
    UpdateAcknowledged,
)

from .fakes import BOUND, FRAMEWORK, FakeAgent, agent_snapshot

SUBSCRIBED = ExecutorSubscribed(
    executor=ExecutorInfo(executor_id=ExecutorID("e")),
    framework=FrameworkInfo(name="f", id=FRAMEWORK),
    agent=AgentInfo(hostname="h", port=5051, resources=Resources.of(cpus=1)),
)
RUNNING, FINISHED = TaskState.TASK_RUNNING, TaskState.TASK_FINISHED


def task(name: str) -> TaskInfo:
    return TaskInfo(task_id=TaskID(name), name=name, agent_id="a", resources=Resources.of(cpus=1))


class Agent(FakeAgent):
    """Puts what executors say into ``heard``; acknowledges statuses if it is to, and refuses calls with ``error``."""

    def __init__(self, acknowledges: bool = True):
        super().__init__(agent_snapshot())
        self.acknowledges = acknowledges
        self.error: Exception | None = None
        self.heard: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def subscribe_executor(self, call: ExecutorSubscribe, channel: la.PID[Any], claims: Any = None) -> None:
        if self.error is not None:
            raise self.error
        self.channel = channel
        self.heard.put(call)
        la.post(channel, SUBSCRIBED)

    def executor_call(self, call: Any, claims: Any = None) -> None:
        self.heard.put(call)
        if self.error is not None:
            raise self.error
        if isinstance(call, ExecutorUpdate) and self.acknowledges:
            la.post(self.channel, UpdateAcknowledged(call.status.task_id, call.status.uuid))

    def tell(self, event: Any) -> None:
        la.post(self.channel, event)

    def hang_up(self) -> None:
        la.terminate(self.channel)


class Diary(mesoslite.Executor):
    """Writes down what happens; a task runs until it is killed. Half of its hooks are coroutines."""

    def __init__(self) -> None:
        super().__init__()
        self.told: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def on_registered(self) -> None:
        self.told.put(("registered", self.info, self.framework, self.agent))

    async def on_launch(self, task: TaskInfo) -> None:
        self.told.put(("launch", task.task_id))
        await self.update(task.task_id, RUNNING, data=b"x")
        self.told.put(("arrived", task.task_id))

    async def on_kill(self, task_id: TaskID, grace_seconds: float | None) -> None:
        self.told.put(("kill", task_id, grace_seconds))
        self.update(task_id, TaskState.TASK_KILLED)

    def on_message(self, data: bytes) -> None:
        self.told.put(data)
        self.send(data[::-1])

    def on_shutdown(self) -> None:
        self.told.put("shutdown")


class Site:
    def __init__(self, runtime: la.Runtime, server: HttpServer, tmp_path: Any, **options: Any) -> None:
        self.runtime = runtime
        self.agent = Agent(**options)
        self.agent_pid = runtime.spawn(self.agent)
        self.url = server.listen(agent_app(self.agent_pid, tmp_path))

    def run(self, executor: mesoslite.Executor, **settings: Any) -> la.PID[Any]:
        who = {"framework_id": FRAMEWORK, "executor_id": ExecutorID("e"), "backoff_max": 0.0}
        executor.settings = ExecutorSettings(url=self.url, **{**who, **settings})
        return self.runtime.spawn(executor)

    def heard(self, kind: type) -> Any:
        """The next call that the agent hears, which is of that kind."""
        call = self.agent.heard.get(timeout=BOUND)
        assert type(call) is kind
        return call

    def tell(self, event: Any) -> None:
        la.dispatch(self.agent_pid, Agent.tell, event).get(timeout=BOUND)

    def hang_up(self) -> None:
        la.dispatch(self.agent_pid, Agent.hang_up).get(timeout=BOUND)


@pytest.fixture
def sites(tmp_path):
    with la.Runtime() as runtime, HttpServer() as server:
        yield lambda **options: Site(runtime, server, tmp_path, **options)


def test_an_executor_hears_what_happens_and_says_how_it_goes(sites):
    site, diary = sites(), Diary()
    pid = site.run(diary)
    assert site.heard(ExecutorSubscribe) == ExecutorSubscribe(framework_id=FRAMEWORK, executor_id=ExecutorID("e"))
    told = ("registered", SUBSCRIBED.executor, SUBSCRIBED.framework, SUBSCRIBED.agent)
    assert diary.told.get(timeout=BOUND) == told

    site.tell(LaunchTask(task("a")))
    status = site.heard(ExecutorUpdate).status
    assert (status.task_id, status.state, status.data, status.executor_id) == ("a", RUNNING, b"x", "e")
    assert [diary.told.get(timeout=BOUND) for _ in range(2)] == [("launch", "a"), ("arrived", "a")]

    site.tell(LaunchTasks(TaskGroup((task("b"), task("c")))))
    assert {site.heard(ExecutorUpdate).status.task_id for _ in range(2)} == {"b", "c"}
    assert [diary.told.get(timeout=BOUND)[1] for _ in range(4)] == ["b", "b", "c", "c"]

    site.tell(EndTask(TaskID("a"), 1.5))
    assert site.heard(ExecutorUpdate).status.state is TaskState.TASK_KILLED
    site.tell(FrameworkMessage(b"ab"))
    assert site.heard(TellFramework).data == b"ba"
    assert [diary.told.get(timeout=BOUND) for _ in range(2)] == [("kill", "a", 1.5), b"ab"]

    site.tell(EndExecutor())
    assert diary.told.get(timeout=BOUND) == "shutdown"
    assert la.wait(pid, BOUND)


def test_an_executor_that_checkpoints_comes_again_and_tells_what_may_be_lost(sites):
    site, diary = sites(acknowledges=False), Diary()
    site.run(diary, checkpoints=True)
    site.heard(ExecutorSubscribe)
    site.tell(LaunchTask(task("a")))
    status = site.heard(ExecutorUpdate).status

    site.hang_up()

    again = site.heard(ExecutorSubscribe)
    assert (again.unacknowledged_tasks, again.unacknowledged_updates) == ((task("a"),), (status,))
    site.tell(UpdateAcknowledged(status.task_id, status.uuid))
    told = [diary.told.get(timeout=BOUND) for _ in range(3)]
    assert told[1:] == [("launch", "a"), ("arrived", "a")]  # registered once
    site.hang_up()
    assert site.heard(ExecutorSubscribe).unacknowledged_updates == ()


def test_an_executor_that_does_not_checkpoint_ends_with_its_stream(sites):
    site, diary = sites(acknowledges=False), Diary()
    pid = site.run(diary)
    site.heard(ExecutorSubscribe)
    diary.told.get(timeout=BOUND)

    site.hang_up()

    assert diary.told.get(timeout=BOUND) == "shutdown"
    assert la.wait(pid, BOUND)


# Its agent may go while it is at it, or come back and say it again.
@pytest.mark.parametrize("checkpoints", [True, False])
def test_an_executor_is_shut_down_once(sites, checkpoints):
    class Slow(Diary):
        end = la.Promise()

        async def on_shutdown(self):
            self.told.put("shutdown")
            await self.end.future

    site, slow = sites(), Slow()
    pid = site.run(slow, checkpoints=checkpoints)
    site.heard(ExecutorSubscribe)
    slow.told.get(timeout=BOUND)

    site.tell(EndExecutor())
    assert slow.told.get(timeout=BOUND) == "shutdown"
    la.post(pid, AgentLost("the stream is cut", is_final=False))
    if checkpoints:
        site.heard(ExecutorSubscribe)
        site.tell(EndExecutor())
        site.tell(FrameworkMessage(b"ab"))  # behind it
        assert slow.told.get(timeout=BOUND) == b"ab"
    la.execute(pid, lambda: None).get(timeout=BOUND)
    Slow.end.set(None)

    assert la.wait(pid, BOUND)
    assert slow.told.empty()


def test_an_executor_ends_once_its_last_status_has_arrived(sites):
    class Brief(mesoslite.Executor):
        def on_launch(self, task):
            self.update(task.task_id, FINISHED)
            self.stop()

    site = sites(acknowledges=False)
    pid = site.run(Brief())
    site.heard(ExecutorSubscribe)
    site.tell(LaunchTask(task("a")))
    status = site.heard(ExecutorUpdate).status
    assert not la.wait(pid, 0)

    site.tell(UpdateAcknowledged(status.task_id, status.uuid))

    assert la.wait(pid, BOUND)


def test_an_executor_that_is_refused_ends_with_the_reason(sites):
    site = sites()
    site.agent.error = NotFound("Executor cannot be found")
    executor = Diary()
    executor.settings = ExecutorSettings(url=site.url, framework_id=FRAMEWORK, executor_id=ExecutorID("e"))

    with pytest.raises(InvalidRequest, match="Executor cannot be found"):
        mesoslite.run_executor(executor, executor.settings)


def test_an_executor_without_hooks_says_that_it_launches_nothing(sites):
    site = sites()
    site.run(mesoslite.Executor())
    site.heard(ExecutorSubscribe)

    site.tell(LaunchTask(task("a")))
    status = site.heard(ExecutorUpdate).status
    site.tell(EndTask(TaskID("b")))

    assert (status.state, status.message) == (TaskState.TASK_FAILED, "Executor launches no tasks")
    assert site.heard(ExecutorUpdate).status.state is TaskState.TASK_KILLED


def test_what_is_no_status_is_refused_where_it_is_said(sites):
    class Wrong(mesoslite.Executor):
        def on_registered(self):
            for state in (TaskState.TASK_STAGING, "TASK_RUNNING"):
                with pytest.raises(InvalidRequest, match="update"):
                    self.update("a", state)
            self.stop()

    assert la.wait(sites().run(Wrong()), BOUND)


# ---- the environment ----

ENVIRONMENT = {"MESOS_AGENT_ENDPOINT": "h:5051", "MESOS_FRAMEWORK_ID": "f", "MESOS_EXECUTOR_ID": "e"}


def test_an_executor_knows_its_agent_by_its_environment():
    plain = executor_settings(ENVIRONMENT)
    full = executor_settings(
        {
            **ENVIRONMENT,
            "MESOS_CHECKPOINT": "1",
            "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": "10secs",
            "MESOS_RECOVERY_TIMEOUT": "15mins",
            "MESOS_SUBSCRIPTION_BACKOFF_MAX": "500ms",
        }
    )

    assert (plain.url, plain.framework_id, plain.executor_id) == ("http://h:5051", "f", "e")
    assert (plain.checkpoints, plain.grace, plain.recovery_timeout, plain.backoff_max) == (False, 5, 900, 2)
    assert (full.checkpoints, full.grace, full.recovery_timeout, full.backoff_max) == (True, 10, 900, 0.5)
    assert not executor_settings({**ENVIRONMENT, "MESOS_CHECKPOINT": "0"}).checkpoints


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, "MESOS_AGENT_ENDPOINT is not set"),
        ({**ENVIRONMENT, "MESOS_EXECUTOR_ID": ""}, "MESOS_EXECUTOR_ID is not set"),
        ({**ENVIRONMENT, "MESOS_RECOVERY_TIMEOUT": "soon"}, "MESOS_RECOVERY_TIMEOUT: duration: got 'soon'"),
    ],
)
def test_a_program_that_no_agent_has_started_says_so(variables, told):
    with pytest.raises(InvalidRequest, match=told):
        executor_settings(variables)


def test_only_executors_are_run():
    with pytest.raises(InvalidRequest, match="expected an instance"):
        mesoslite.run_executor(Diary)  # the class
