"""Executors that live in the program of their cluster: the same hooks and ends as in a program of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import libactor as la
import mesoslite
from mesoslite import InvalidRequest, Offer, TaskInfo, TaskState, TaskStatus
from mesoslite.model import Reason

from .script import Script, check_books, ended, run_command

pytestmark = pytest.mark.real

COMMAND = "exec ./worker"  # a program that is nowhere
STARTING, RUNNING, KILLED = TaskState.TASK_STARTING, TaskState.TASK_RUNNING, TaskState.TASK_KILLED


class Worker(mesoslite.Executor):
    """Does what its tasks' data says, and keeps what it hears where the tests see it."""

    heard: list[Any] = []

    def on_registered(self) -> None:
        assert self.settings is not None
        self.heard.append(("registered", Path(self.settings.sandbox).is_dir()))

    async def on_launch(self, task: TaskInfo) -> None:
        await self.update(task.task_id, RUNNING)
        self.heard.append(("launched", task.data))
        if task.data == b"crash":
            raise OSError("the tape is full")
        if task.data == b"stop":
            self.stop()
        if task.data is not None and task.data.startswith(b"say "):
            self.send(task.data[4:])
        if task.data == b"finish":
            self.update(task.task_id, TaskState.TASK_FINISHED, data=b"done")

    def on_kill(self, task_id: str, grace_seconds: float | None) -> None:
        self.heard.append(("kill", task_id, grace_seconds))
        self.update(task_id, KILLED)

    def on_message(self, data: bytes) -> None:
        self.send(data[::-1])

    def on_shutdown(self) -> None:
        self.heard.append("shutdown")
        self.update("a", KILLED, message="with its executor")


class Talk(Script):
    """A Script that answers what its executor says, once, and kills task ``b`` when ``b`` runs."""

    def __init__(self, act: Callable[[Script, Offer], object], until: Callable[[Script], bool]) -> None:
        super().__init__(act, until)
        self.told: list[Any] = []

    def on_update(self, status: TaskStatus) -> None:
        if (status.task_id, status.state) == ("b", RUNNING):
            self.kill("b", grace_seconds=2.5)
        super().on_update(status)

    def on_message(self, agent_id: str, executor_id: str, data: bytes) -> None:
        self.told.append(data)
        if data == b"hello":
            self.tell_executor(agent_id, executor_id, b"abc")
        else:
            self.shut_down_executor(agent_id, executor_id)

    def on_executor_end(self, agent_id: str, executor_id: str, exit_status: int | None) -> None:
        self.told.append((executor_id, exit_status))


def act(*tasks: tuple[str, bytes]) -> Callable[[Script, Offer], object]:
    """Launch such tasks with one executor."""

    def launch(script: Script, offer: Offer) -> None:
        executor = script.executor("worker", COMMAND, cpus=0.1, mem=32)
        script.launch(
            offer,
            [script.task(offer, executor=executor, data=data, cpus=0.1, mem=32, task_id=name) for name, data in tasks],
        )

    return launch


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[mesoslite.Cluster]:
    Worker.heard = []
    with mesoslite.Cluster(work_dir=tmp_path, executors={COMMAND: Worker}) as running:
        yield running


def test_its_tasks_run_in_this_program_and_are_killed_and_talked_to(cluster: mesoslite.Cluster) -> None:
    framework = Talk(act(("a", b"say hello"), ("b", b""), ("c", b"finish")), ended("a", "b", "c"))

    updates = cluster.run(framework, timeout=60)

    assert framework.states_of("b") == [RUNNING, KILLED]
    assert framework.states_of("c") == [RUNNING, TaskState.TASK_FINISHED]
    assert next(one for one in updates if one.state is TaskState.TASK_FINISHED).data == b"done"
    assert framework.told[:2] == [b"hello", b"cba"]
    assert next(one for one in updates if one.task_id == "a" and one.state is KILLED).message == "with its executor"
    assert Worker.heard[0] == ("registered", True)
    assert ("kill", "b", 2.5) in Worker.heard
    assert Worker.heard[-1] == "shutdown"
    check_books(cluster)
    assert run_command(cluster, "true")[-1].state is TaskState.TASK_FINISHED  # what is no executor is a process


@pytest.mark.parametrize(("data", "status"), [(b"crash", 1), (b"stop", 0)])
def test_one_that_ends_takes_its_tasks_along(
    cluster: mesoslite.Cluster, tmp_path: Path, data: bytes, status: int
) -> None:
    framework = Talk(act(("a", data)), ended("a"))

    last = cluster.run(framework, timeout=60)[-1]

    assert (last.state, last.reason) == (TaskState.TASK_FAILED, Reason.REASON_EXECUTOR_TERMINATED)
    assert f"exited with status {status}" in last.message
    told = [
        path.read_text() for path in tmp_path.glob("agent-1/slaves/*/frameworks/*/executors/worker/runs/*-*/stderr")
    ]
    assert ["the tape is full" in text for text in told] == ([True] if status else [])


def test_it_ends_with_its_agent(tmp_path: Path) -> None:
    class Kept(Worker):
        made: list[Kept] = []
        running: la.Promise[None] = la.Promise()

        async def on_launch(self, task: TaskInfo) -> None:
            self.made.append(self)
            self.running.set(None)

    with mesoslite.Cluster(work_dir=tmp_path, executors={COMMAND: Kept}) as cluster:
        result = cluster.submit(Script(act(("a", b"")), ended("a")))
        Kept.running.future.get(timeout=60)
        executor = Kept.made[0].pid
        la.terminate(cluster.agents[0])

        assert la.wait(executor, 60)
        result.discard()


def test_one_that_does_not_end_when_it_is_asked_is_ended(tmp_path: Path) -> None:
    class Stubborn(Worker):
        never: la.Promise[None] = la.Promise()

        async def on_shutdown(self) -> None:
            await self.never.future

    def launch(script: Script, offer: Offer) -> None:
        executor = script.executor("worker", COMMAND, cpus=0.1, mem=32, shutdown_grace_seconds=0.0)
        script.launch(offer, script.task(offer, executor=executor, data=b"say bye", cpus=0.1, mem=32, task_id="a"))

    with mesoslite.Cluster(work_dir=tmp_path, executors={COMMAND: Stubborn}) as cluster:
        updates = cluster.run(Talk(launch, ended("a")), timeout=60)

    assert "SIGKILL" in updates[-1].message


def test_who_makes_no_executor_fails_its_tasks() -> None:
    with mesoslite.Cluster(executors={COMMAND: dict}) as cluster:  # type: ignore[dict-item]
        updates = cluster.run(Script(act(("a", b"")), ended("a")), timeout=60)

    assert "expected a mesoslite.Executor" in updates[-1].message
    assert updates[-1].reason is Reason.REASON_CONTAINER_LAUNCH_FAILED


def test_what_can_make_no_executor_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="expected a command and a subclass of Executor"):
        mesoslite.Cluster(executors={COMMAND: Worker()})  # type: ignore[dict-item]


def test_its_process_is_this_one(cluster: mesoslite.Cluster) -> None:
    pids = []

    def look(script: Script) -> bool:
        if script.updates[-1].state is RUNNING:
            snapshot = la.dispatch(cluster.agents[0], mesoslite.Agent.state).get(timeout=60)
            pids.extend(run.pid for run in snapshot.frameworks[0].executors)
        return bool(pids)

    cluster.run(Script(act(("a", b"")), look), timeout=60)

    assert pids == [os.getpid()]
