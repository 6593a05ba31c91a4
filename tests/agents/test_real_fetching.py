"""What frameworks hear of tasks whose files are fetched, or cannot be."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

import libactor as la
from mesoslite.agent import Agent, RecoveryOptions
from mesoslite.model import (
    CommandInfo,
    CommandURI,
    ExecutorID,
    ExecutorInfo,
    KillTask,
    Reason,
    Resources,
    RunTask,
    TaskID,
    TaskState,
)

from .house import FRAMEWORK, make_framework, make_task
from .test_real_tasks import BOUND_SECONDS, CONTAINERIZERS, PromptMaster, Works

pytestmark = pytest.mark.real


@pytest.fixture
def works(tmp_path: Path) -> Iterator[Works]:
    with la.Runtime() as runtime:
        yield Works(runtime, tmp_path, "supervised")


class Mute:
    """A server that answers nothing."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(BOUND_SECONDS)
        self.command = CommandInfo(
            value="touch ran",
            environment=(("no_proxy", "127.0.0.1"),),
            uris=(CommandURI(value=f"http://127.0.0.1:{self._listener.getsockname()[1]}/f"),),
        )

    def await_question(self) -> socket.socket:
        connection = self._listener.accept()[0]
        connection.settimeout(BOUND_SECONDS)
        while b"\r\n\r\n" not in connection.recv(1 << 16, socket.MSG_PEEK):
            continue
        return connection

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def mute(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mute]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    made = Mute()
    yield made
    made.close()


def test_a_task_runs_with_what_it_names(works: Works, tmp_path: Path):
    (tmp_path / "f").write_text("exit 7")
    command = CommandInfo(value="./f", uris=(CommandURI(value=str(tmp_path / "f"), executable=True),))

    works.send(RunTask(make_framework(), make_task("t1", command=command)))

    statuses = works.statuses()
    assert [status.state.name for status in statuses] == ["TASK_STARTING", "TASK_RUNNING", "TASK_FAILED"]
    assert statuses[-1].message == "Command exited with status 7"


def test_a_task_whose_files_cannot_be_fetched_fails_with_the_reason(works: Works):
    command = CommandInfo(value="true", uris=(CommandURI(value="hdfs://h/f"),))

    works.send(RunTask(make_framework(), make_task("t1", command=command)))

    *_, status = works.statuses()
    assert (status.state, status.reason) == (TaskState.TASK_FAILED, Reason.REASON_CONTAINER_LAUNCH_FAILED)
    assert status.message.startswith("Failed to fetch 'hdfs://h/f': nobody here knows the scheme 'hdfs'")


def test_a_task_that_is_killed_while_its_files_come_is_killed_at_once(works: Works, mute: Mute):
    works.send(RunTask(make_framework(), make_task("t1", command=mute.command)))
    with mute.await_question() as connection:
        works.send(KillTask(framework_id=FRAMEWORK, task_id=TaskID("t1"), grace_seconds=600.0))

        *_, status = works.statuses()
        assert (status.state, status.reason) == (
            TaskState.TASK_KILLED,
            Reason.REASON_TASK_KILLED_DURING_LAUNCH,
        )
        while connection.recv(1 << 16):  # the fetcher has gone, or this waits on
            continue


def test_the_tasks_of_an_executor_whose_files_cannot_be_fetched_fail(works: Works):
    command = CommandInfo(value="true", uris=(CommandURI(value="/none/such"),))
    executor = ExecutorInfo(executor_id=ExecutorID("e"), command=command)
    task = msgspec.structs.replace(make_task("t1"), command=None, executor=executor)

    works.send(RunTask(make_framework(), task, starts_executor=True))

    *_, status = works.statuses()
    assert (status.state, status.reason) == (TaskState.TASK_FAILED, Reason.REASON_CONTAINER_LAUNCH_FAILED)
    assert "'/none/such': No such file" in status.message


# Goal: an agent that goes while files come leaves nothing, and the next one says what has become of the task.
@pytest.mark.parametrize("kind", ["posix", "supervised"])
def test_what_was_fetched_when_an_agent_went_has_failed(tmp_path: Path, mute: Mute, kind: str):
    framework = msgspec.structs.replace(make_framework(), checkpoint=True)
    with la.Runtime() as runtime:
        first = Works(runtime, tmp_path, kind, RecoveryOptions(boot_id="b"))
        first.send(RunTask(framework, make_task("t1", command=mute.command)))
        with mute.await_question() as connection:
            la.dispatch(first.agent, Agent.let_go)
            la.wait(first.agent, BOUND_SECONDS)
            while connection.recv(1 << 16):
                continue
    with la.Runtime() as runtime:
        again = Agent(
            runtime.spawn(PromptMaster()),
            resources=Resources.parse("cpus:100"),
            work_dir=tmp_path,
            containerizer=CONTAINERIZERS[kind](tmp_path),
            recovery=RecoveryOptions(boot_id="b"),
        )
        state = la.dispatch(runtime.spawn(again), Agent.state).get(BOUND_SECONDS)

    *_, status = state.frameworks[0].tasks[0].task.statuses
    assert (status.state, status.reason) == (TaskState.TASK_FAILED, Reason.REASON_EXECUTOR_TERMINATED)
    assert not [name for _, _, names in os.walk(tmp_path) for name in names if name == "ran"]
