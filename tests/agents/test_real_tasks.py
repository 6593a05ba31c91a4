"""An agent with real processes and a real clock: commands run, end and are killed, and nothing of them is left."""

import os
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

import libactor as la
from mesoslite.agent import Agent, RecoveryOptions
from mesoslite.containment import FetchingContainerizer, PosixContainerizer, SupervisedContainerizer
from mesoslite.model import (
    AgentRegistered,
    CommandInfo,
    Containerizer,
    ExecutorID,
    ExecutorInfo,
    ExecutorType,
    KillTask,
    RegisterAgent,
    Resources,
    RunGroup,
    RunTask,
    StatusUpdate,
    StatusUpdateAcknowledgement,
    TaskGroup,
    TaskID,
    TaskInfo,
    TaskState,
    TaskStatus,
)

from .house import AGENT, FRAMEWORK, make_framework, make_task

pytestmark = pytest.mark.real

BOUND_SECONDS = 120  # a bound on failure: no test waits this long
UNTIL_KILLED = "mkfifo f; while :; do read x < f; done"


class PromptMaster(la.Actor):
    """Acknowledges every status at once and hands it to the test."""

    def __init__(self) -> None:
        super().__init__()
        self.agents: queue.Queue[la.PID[Agent]] = queue.Queue()
        self.statuses: queue.Queue[TaskStatus] = queue.Queue()

    @la.handles(RegisterAgent)
    def register(self, message: RegisterAgent, sender: la.PID[Agent]) -> None:
        la.post(sender, AgentRegistered(AGENT))
        self.agents.put(sender)

    @la.handles(StatusUpdate)
    def update(self, message: StatusUpdate, sender: la.PID[Agent]) -> None:
        status = message.status
        assert status.uuid is not None
        answer = StatusUpdateAcknowledgement(
            agent_id=AGENT, framework_id=message.framework_id, task_id=status.task_id, uuid=status.uuid
        )
        la.post(sender, answer)
        self.statuses.put(status)

    def send(self, pid: la.PID[Agent], message: object) -> None:
        la.post(pid, message)


CONTAINERIZERS: dict[str, Callable[[Path], Containerizer]] = {
    "posix": lambda place: FetchingContainerizer(PosixContainerizer(), str(place)),
    "supervised": lambda place: FetchingContainerizer(SupervisedContainerizer(str(place / "runtime")), str(place)),
}


class Works:
    """A runtime with such a master and one agent."""

    def __init__(
        self, runtime: la.Runtime, work_directory: Path, kind: str, recovery: RecoveryOptions | None = None
    ) -> None:
        self.runtime = runtime
        self.master = PromptMaster()
        self.master_pid = runtime.spawn(self.master)
        self.agent = runtime.spawn(
            Agent(
                self.master_pid,
                resources=Resources.parse("cpus:100"),
                work_dir=work_directory,
                containerizer=CONTAINERIZERS[kind](work_directory),
                recovery=recovery,
            )
        )
        assert self.master.agents.get(timeout=BOUND_SECONDS) == self.agent

    def run(self, name: str, script: str, shell: bool = True) -> None:
        task = make_task(name, command=CommandInfo(value=script, shell=shell))
        self.send(RunTask(make_framework(), task))

    def send(self, message: object) -> None:
        la.dispatch(self.master_pid, PromptMaster.send, self.agent, message).get(BOUND_SECONDS)

    def statuses(self, tasks: int = 1) -> list[TaskStatus]:
        """Wait for the ends of so many tasks and return all statuses until then."""
        found: list[TaskStatus] = []
        while sum(status.state.is_terminal for status in found) < tasks:
            found.append(self.master.statuses.get(timeout=BOUND_SECONDS))
        return found

    def wait_until_running(self, tasks: int = 1) -> None:
        for _ in range(2 * tasks):
            self.master.statuses.get(timeout=BOUND_SECONDS)

    def run_group(self, *tasks: TaskInfo) -> None:
        executor = ExecutorInfo(executor_id=ExecutorID("pod"), type=ExecutorType.DEFAULT)
        members = tuple([msgspec.structs.replace(task, executor=executor) for task in tasks])
        self.send(RunGroup(make_framework(), executor, TaskGroup(members), True))


@pytest.fixture(params=sorted(CONTAINERIZERS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def works(kind: str, tmp_path: Path) -> Iterator[Works]:
    with la.Runtime() as runtime:
        yield Works(runtime, tmp_path, kind)


def test_a_command_runs_in_its_sandbox_from_start_to_end(works: Works, tmp_path: Path):
    works.run("t1", "echo $MESOS_TASK_ID in $PWD; exit 3")

    statuses = works.statuses()

    assert [status.state.name for status in statuses] == ["TASK_STARTING", "TASK_RUNNING", "TASK_FAILED"]
    assert statuses[-1].message == "Command exited with status 3"
    assert statuses[-1].exit_status == 3
    runs = tmp_path / "slaves" / AGENT / "frameworks" / FRAMEWORK / "executors" / "t1" / "runs"
    assert (runs / "latest" / "stdout").read_text() == f"t1 in {(runs / 'latest').resolve()}\n"


def test_a_group_runs_side_by_side_and_ends_when_a_task_of_it_fails(works: Works, tmp_path: Path):
    os.mkfifo(tmp_path / "between")
    script = f"echo of $MESOS_EXECUTOR_ID; cat {tmp_path}/between; {UNTIL_KILLED}"
    waits = make_task("waits", command=CommandInfo(value=script))
    fails = make_task("fails", command=CommandInfo(value=f"echo > {tmp_path}/between; exit 1"))

    works.run_group(waits, fails)

    ends = {status.task_id: status.state.name for status in works.statuses(2)}
    assert ends == {"waits": "TASK_KILLED", "fails": "TASK_FAILED"}
    runs = tmp_path / "slaves" / AGENT / "frameworks" / FRAMEWORK / "executors" / "pod" / "runs"
    assert (runs / "latest" / "tasks" / "waits" / "stdout").read_text().startswith("of pod\n")


def test_a_command_that_cannot_start_fails_with_its_name(works: Works):
    works.run("t1", "no-such-program", shell=False)

    *_, status = works.statuses()

    assert status.state is TaskState.TASK_FAILED
    assert "'no-such-program': No such file or directory" in status.message


@pytest.mark.parametrize("grace", [0.0, 0.05])
def test_a_command_that_ignores_the_request_is_killed_after_the_grace(works: Works, tmp_path: Path, grace: float):
    os.mkfifo(tmp_path / "ready")
    works.run("t1", f"trap '' TERM; echo > {tmp_path}/ready; {UNTIL_KILLED}")
    (tmp_path / "ready").read_text()
    works.wait_until_running()

    works.send(KillTask(framework_id=FRAMEWORK, task_id=TaskID("t1"), grace_seconds=grace))

    (status,) = works.statuses()
    assert (status.state, status.message) == (TaskState.TASK_KILLED, "Command terminated with signal SIGKILL")


def test_a_hundred_commands_at_once_end_as_they_should(works: Works):
    for number in range(100):
        works.run(f"t{number}", f"exit {number % 2}")

    statuses = works.statuses(100)

    ends = [status.state for status in statuses if status.state.is_terminal]
    assert (ends.count(TaskState.TASK_FINISHED), ends.count(TaskState.TASK_FAILED)) == (50, 50)
    assert len(statuses) == 300


def test_a_stopped_runtime_leaves_no_process_no_thread_and_no_descriptor(kind: str, tmp_path: Path):
    threads, descriptors = set(threading.enumerate()), set(os.listdir("/proc/self/fd"))

    with la.Runtime() as runtime:
        works = Works(runtime, tmp_path, kind)
        for number in range(5):
            works.run(f"t{number}", UNTIL_KILLED)
        works.wait_until_running(5)
        snapshot = la.dispatch(works.agent, Agent.state).get(BOUND_SECONDS)

    pids = [run.pid for framework in snapshot.frameworks for run in framework.tasks]
    assert len(pids) == 5
    assert not any(pid is None or os.path.exists(f"/proc/{pid}") for pid in pids)
    assert (set(threading.enumerate()), set(os.listdir("/proc/self/fd"))) == (threads, descriptors)
