"""Checkpoints: what an agent writes down, so that one that begins anew goes on where this one has ended."""

# Who calls: the agent's parts, inside the agent actor, each before it does what must not be forgotten: a task is
#   written before it is launched, a status before it is sent or acknowledged to an executor, an acknowledgement before
#   the next status is sent.
# Of frameworks that do not checkpoint nothing is written, and nothing at all by an agent that is not to be recovered.
# A file that cannot be written fails the launch that it is for; else it ends the agent, as in Mesos, and its
#   containers go on.
# Source: Mesos src/slave/slave.cpp (checkpointExecutor, checkpointTask), src/slave/state.cpp.

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from . import files, layout
from .contents import ExecutorCheckpoint, TaskCheckpoint, Verdict
from .task_log import TaskLog

if TYPE_CHECKING:
    from mesoslite.model import (
        AgentID,
        AgentInfo,
        ContainerID,
        ExecutorID,
        ExecutorInfo,
        FrameworkInfo,
        TaskID,
    )

    from .contents import ResourcesCheckpoint, StandaloneCheckpoint


class Checkpoints:
    """The checkpoints below ``work_directory``; None: there are none, and nothing is kept."""

    def __init__(self, work_directory: str | None) -> None:
        self._meta = layout.meta_path(work_directory) if work_directory is not None else None
        self._agent: str | None = None  # where those of the agent are, once it has an id

    def keeps(self, framework: FrameworkInfo) -> bool:
        """Whether what is of that framework outlives the agent."""
        return self._agent is not None and framework.checkpoint

    @property
    def keeps_standalone(self) -> bool:
        """Whether standalone containers outlive the agent."""
        return self._meta is not None

    # ---- the agent ----

    def boot(self, boot_id: str) -> None:
        """The machine runs since it was started under that id."""
        if self._meta is not None:
            os.makedirs(self._meta, exist_ok=True)
            files.replace(f"{self._meta}/{layout.BOOT_ID}", boot_id.encode())

    def agent(self, info: AgentInfo) -> None:
        """The agent is the one of the id in ``info``, and whoever begins here anew goes on as it."""
        if self._meta is None:
            return
        assert info.id is not None
        self._agent = layout.agent_path(self._meta, info.id)
        os.makedirs(self._agent, exist_ok=True)
        files.write(f"{self._agent}/{layout.AGENT}", info)
        latest = f"{layout.agents_path(self._meta)}/{layout.LATEST}"
        Path(f"{latest}.new").unlink(missing_ok=True)
        os.symlink(info.id, f"{latest}.new")
        os.replace(f"{latest}.new", latest)

    def leave(self) -> None:
        """Whoever begins here anew is another agent, and finds nothing that runs."""
        if self._meta is not None:
            shutil.rmtree(layout.standalone_path(self._meta), ignore_errors=True)
            Path(layout.agents_path(self._meta), layout.LATEST).unlink(missing_ok=True)

    def discard(self, agent_id: AgentID) -> None:
        """Nothing of an agent that was here is needed any more."""
        assert self._meta is not None
        shutil.rmtree(layout.agent_path(self._meta, agent_id), ignore_errors=True)

    def resources(self, state: ResourcesCheckpoint) -> None:
        """What the agent has, and what it was asked to do with it."""
        if self._meta is not None:
            os.makedirs(self._meta, exist_ok=True)
            files.write(f"{self._meta}/{layout.RESOURCES}", state)

    # ---- standalone containers ----

    def standalone(self, container: StandaloneCheckpoint) -> None:
        """One is about to be launched, or has ended."""
        if self._meta is not None:
            directory = layout.standalone_path(self._meta)
            os.makedirs(directory, exist_ok=True)
            files.write(f"{directory}/{container.name}", container)

    def standalone_over(self, name: ContainerID) -> None:
        """Nothing of one is needed any more."""
        if self._meta is not None:
            _remove(f"{layout.standalone_path(self._meta)}/{name}")

    # ---- frameworks: each names itself in its description ----

    def framework(self, info: FrameworkInfo) -> None:
        """A framework has something here, or says something else of itself now."""
        if self.keeps(info):
            path = self._framework_path(info)
            os.makedirs(path, exist_ok=True)
            files.write(f"{path}/{layout.FRAMEWORK}", info)

    def framework_over(self, info: FrameworkInfo) -> None:
        """Nothing of a framework is here any more."""
        if self.keeps(info):
            path = self._framework_path(info)
            _remove(f"{path}/{layout.FRAMEWORK}")  # first: what is without it is not there for who reads
            shutil.rmtree(path, ignore_errors=True)

    # ---- executors ----

    def executor(self, framework: FrameworkInfo, container_id: ContainerID, info: ExecutorInfo, role: str) -> None:
        """An executor is about to be started."""
        if self.keeps(framework):
            path = self._run_path(framework, info.executor_id, container_id)
            os.makedirs(path, exist_ok=True)
            files.write(f"{path}/{layout.EXECUTOR}", ExecutorCheckpoint(info, role))

    def executor_subscribed(self, framework: FrameworkInfo, executor_id: ExecutorID, container_id: ContainerID) -> None:
        """An executor has come for the first time, and is sent its tasks."""
        if self.keeps(framework):
            Path(self._run_path(framework, executor_id, container_id), layout.SUBSCRIBED).touch()

    def executor_condemned(
        self, framework: FrameworkInfo, executor_id: ExecutorID, container_id: ContainerID, verdict: Verdict
    ) -> None:
        """An executor is about to be killed."""
        if self.keeps(framework):
            files.write(f"{self._run_path(framework, executor_id, container_id)}/{layout.VERDICT}", verdict)

    def executor_ended(
        self, framework: FrameworkInfo, executor_id: ExecutorID, container_id: ContainerID, exit_status: int | None
    ) -> None:
        """An executor has ended, and so has each of its tasks, as is written; none need be over."""
        if self.keeps(framework):
            path = f"{self._run_path(framework, executor_id, container_id)}/{layout.ENDED}"
            files.replace(path, b"" if exit_status is None else b"%d" % exit_status)

    def executor_over(
        self, framework: FrameworkInfo, executor_id: ExecutorID | TaskID, container_id: ContainerID
    ) -> None:
        """An executor, or a command, has ended, and so have all of its tasks."""
        if self.keeps(framework):
            run = self._run_path(framework, executor_id, container_id)
            for name in (layout.EXECUTOR, layout.SUBSCRIBED, layout.VERDICT, layout.ENDED):
                _remove(f"{run}/{name}")
            runs = os.path.dirname(run)
            for directory in (f"{run}/{layout.TASKS}", run, runs, os.path.dirname(runs)):
                _remove_empty(directory)

    # ---- tasks ----

    def task(
        self,
        framework: FrameworkInfo,
        executor_id: ExecutorID | TaskID,
        container_id: ContainerID,
        task: TaskCheckpoint,
    ) -> TaskLog:
        """A task of a framework that it keeps is about to be launched below that container, or its executor's."""
        path = layout.task_path(self._run_path(framework, executor_id, container_id), task.task.task_id)
        os.makedirs(path, exist_ok=True)
        files.write(f"{path}/{layout.TASK}", task)
        return TaskLog(f"{path}/{layout.UPDATES}")

    def task_over(
        self,
        framework: FrameworkInfo,
        executor_id: ExecutorID | TaskID,
        container_id: ContainerID,
        task_id: TaskID,
    ) -> None:
        """The end of a task is acknowledged."""
        if self.keeps(framework):
            path = layout.task_path(self._run_path(framework, executor_id, container_id), task_id)
            for name in (layout.TASK, layout.UPDATES):  # a task without the first is not there for who reads
                _remove(f"{path}/{name}")
            _remove_empty(path)

    # ---- paths ----

    def _framework_path(self, framework: FrameworkInfo) -> str:
        assert self._agent is not None
        assert framework.id is not None
        return layout.framework_path(self._agent, framework.id)

    def _run_path(self, framework: FrameworkInfo, executor_id: ExecutorID | TaskID, container_id: ContainerID) -> str:
        return layout.run_path(self._framework_path(framework), executor_id, container_id)


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _remove_empty(path: str) -> None:
    try:
        os.rmdir(path)
    except OSError:
        return  # another start is there, say, or a file that was left since it cannot be read
