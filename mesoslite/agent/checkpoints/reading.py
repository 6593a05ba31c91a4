"""Reading: what an earlier life of the agent has written, checked, and put together by framework and run."""

# Who calls: recovery, once, before the agent does anything else.
# A file that is damaged, foreign, of a later release or not to be read is refused by an agent that is ``strict``; else
#   it is logged, counted, and what it tells of is left out: containers of tasks that are left out are ended.
# Source: Mesos src/slave/state.cpp (recover).

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from mesoslite.model import AgentID, AgentInfo, ContainerID, ExecutorID, FrameworkID, FrameworkInfo, can_follow

from . import files, layout
from .contents import (
    Acknowledged,
    AskedToEnd,
    ExecutorCheckpoint,
    Reported,
    ResourcesCheckpoint,
    StandaloneCheckpoint,
    TaskCheckpoint,
    Verdict,
)
from .files import BadCheckpoint
from .task_log import read_log, resumed_log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mesoslite.model import TaskStatus

    from .contents import TaskEvent
    from .task_log import TaskLog

log = logging.getLogger("mesoslite")

T = TypeVar("T")


@dataclass(slots=True)
class FoundTask:
    """A task; ``statuses`` are all that were told of it, of which the last ``pending`` are not acknowledged."""

    checkpoint: TaskCheckpoint
    log: TaskLog
    statuses: list[TaskStatus] = field(default_factory=list)
    pending: int = 0
    kill: AskedToEnd | None = None

    @property
    def is_over(self) -> bool:
        """Whether its end is acknowledged."""
        return bool(self.statuses) and self.statuses[-1].state.is_terminal and not self.pending


@dataclass(slots=True)
class FoundRun:
    """One start of an executor, with its tasks, or of the command that is its only task, without an ``executor``.

    ``exit_status`` is that of one that has ended, if anybody knows. ``verdict``: it was to be killed.
    """

    executor_id: ExecutorID
    container_id: ContainerID
    executor: ExecutorCheckpoint | None
    has_subscribed: bool
    has_ended: bool
    exit_status: int | None
    verdict: Verdict | None
    tasks: list[FoundTask]


@dataclass(slots=True)
class FoundFramework:
    """A framework, with the runs that were not over."""

    info: FrameworkInfo
    runs: list[FoundRun]


class Reader:
    """Reads the checkpoints below a work directory; ``errors`` counts what could not be.

    All methods raise BadCheckpoint, if it is ``strict``, and OSError.
    """

    def __init__(self, work_directory: str, *, strict: bool) -> None:
        self._meta = layout.meta_path(work_directory)
        self._strict = strict
        self.errors = 0

    def boot_id(self) -> str | None:
        """The machine's, when the agent began last; None, if it never did, or nobody can tell."""
        try:
            return files.read_bytes(f"{self._meta}/{layout.BOOT_ID}").decode(errors="replace")
        except FileNotFoundError:
            return None
        except BadCheckpoint as error:
            self._note(error)
            return None

    def agent(self) -> AgentInfo | None:
        """The agent whose life is gone on with; None, if a new one begins here."""
        try:
            name = os.readlink(f"{layout.agents_path(self._meta)}/{layout.LATEST}")
        except FileNotFoundError:
            return None
        path = f"{layout.agent_path(self._meta, AgentID(name))}/{layout.AGENT}"
        info = self._read(path, AgentInfo)
        if info is not None and info.id != name:
            self._note(BadCheckpoint(f"{path} is of agent {info.id}"))
            return None
        return info

    def other_agents(self, agent_id: AgentID | None) -> list[AgentID]:
        """Those that were here before, but for that one."""
        names = _names(layout.agents_path(self._meta))
        return [AgentID(name) for name in names if name not in (agent_id, layout.LATEST, f"{layout.LATEST}.new")]

    def resources(self) -> ResourcesCheckpoint | None:
        """What the agent had; None: nothing was written of that."""
        return self._read(f"{self._meta}/{layout.RESOURCES}", ResourcesCheckpoint)

    def standalone(self) -> Iterator[StandaloneCheckpoint]:
        """The standalone containers, in the order of their names."""
        directory = layout.standalone_path(self._meta)
        for name in _names(directory):
            found = self._read(f"{directory}/{name}", StandaloneCheckpoint) if "." not in name else None
            if found is not None and found.name != name:
                self._note(BadCheckpoint(f"{directory}/{name} is of container {found.name}"))
            elif found is not None:
                yield found

    def frameworks(self, agent_id: AgentID) -> Iterator[FoundFramework]:
        """The frameworks that had something on an agent, in the order of their ids."""
        agent = layout.agent_path(self._meta, agent_id)
        for name in _names(f"{agent}/{layout.FRAMEWORKS}"):
            path = layout.framework_path(agent, FrameworkID(name))
            info = self._read(f"{path}/{layout.FRAMEWORK}", FrameworkInfo)
            if info is not None and info.id != name:
                self._note(BadCheckpoint(f"{path}/{layout.FRAMEWORK} is of framework {info.id}"))
            elif info is not None:
                yield FoundFramework(info, list(self._runs(path)))

    def _runs(self, framework: str) -> Iterator[FoundRun]:
        for executor in map(ExecutorID, _names(f"{framework}/{layout.EXECUTORS}")):
            for container in map(ContainerID, _names(f"{framework}/{layout.EXECUTORS}/{executor}/{layout.RUNS}")):
                path = layout.run_path(framework, executor, container)
                errors = self.errors
                checkpoint = self._read(f"{path}/{layout.EXECUTOR}", ExecutorCheckpoint)
                verdict = self._read(f"{path}/{layout.VERDICT}", Verdict)
                if self.errors > errors:
                    continue
                names = set(_names(path))
                run = FoundRun(
                    executor_id=executor,
                    container_id=container,
                    executor=checkpoint,
                    has_subscribed=layout.SUBSCRIBED in names,
                    has_ended=layout.ENDED in names,
                    exit_status=_read_number(f"{path}/{layout.ENDED}"),
                    verdict=verdict,
                    tasks=list(self._tasks(path)),
                )
                if run.tasks or (checkpoint is not None and not run.has_ended):
                    yield run

    def _tasks(self, run: str) -> Iterator[FoundTask]:
        for name in _names(f"{run}/{layout.TASKS}"):
            path = f"{run}/{layout.TASKS}/{name}"
            checkpoint = self._read(f"{path}/{layout.TASK}", TaskCheckpoint)
            if checkpoint is not None and checkpoint.task.task_id != name:
                self._note(BadCheckpoint(f"{path}/{layout.TASK} is of task {checkpoint.task.task_id}"))
            elif checkpoint is not None:
                yield self._replayed(checkpoint, f"{path}/{layout.UPDATES}")

    def _replayed(self, checkpoint: TaskCheckpoint, path: str) -> FoundTask:
        contents = read_log(path)
        if contents.problem is not None:
            self._note(contents.problem)
        task = FoundTask(checkpoint, resumed_log(path, contents))
        for event in contents.events:
            problem = _replay(task, event)
            if problem is not None:
                self._note(BadCheckpoint(f"{path} contradicts itself: {problem}"))
        return task

    def _read(self, path: str, kind: type[T]) -> T | None:
        """What is in a file; None if it is not there, or cannot be used."""
        try:
            return files.read(path, kind)
        except FileNotFoundError:
            return None
        except BadCheckpoint as error:
            self._note(error)
            return None

    def _note(self, error: BadCheckpoint) -> None:
        if self._strict:
            raise BadCheckpoint(
                f"{error}; to go on without what it tells of, start with --no-strict, or take the file away"
            ) from error
        self.errors += 1
        log.warning("recovery: %s; what it tells of is left out", error)


def _replay(task: FoundTask, event: TaskEvent) -> str | None:
    """Have an event become of a task; why it cannot have, if so."""
    match event:
        case Reported(status):
            if task.statuses and not can_follow(task.statuses[-1].state, status.state):
                return f"{status.state.name} follows {task.statuses[-1].state.name}"
            task.statuses.append(status)
            task.pending += 1
        case Acknowledged(uuid):
            if not task.pending or task.statuses[-task.pending].uuid != uuid:
                return f"{uuid.hex()} is acknowledged, and is not under way"
            task.pending -= 1
        case AskedToEnd():
            task.kill = event
    return None


def _read_number(path: str) -> int | None:
    """The number that is in a file; None if there is none."""
    try:
        return int(files.read_bytes(path))
    except (FileNotFoundError, BadCheckpoint, ValueError):
        return None


def _names(directory: str) -> list[str]:
    """What is in a directory, sorted; nothing, if there is none."""
    try:
        return sorted(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return []
