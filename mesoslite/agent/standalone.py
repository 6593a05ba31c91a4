"""Standalone: containers of no framework, which operators launch by calls, and which stay until they are removed."""

# Who calls: nested.py, inside the agent actor, for what is nested in nothing; recovery, of what an earlier life has
#   left. They take nothing of what the agent offers.
# Names: calls name one as they like, so it is another one's on another agent of the machine, and after a removal. Its
#   containerizer, which finds processes by their container's id, is given one that nobody else has: the name, and a
#   part at random.
# Invariants: 1. what was launched is written down before, and its end once it is known; an agent that goes on finds
#   both.    2. a name is taken until it is removed, or the oldest that have ended are forgotten, of which ENDED_MAX are
#   kept.    3. a sandbox is new: where one of that name is left, nothing is launched until it is removed.
# Source: Mesos src/slave/http.cpp (_launchContainer, _removeContainer), src/slave/paths.cpp (getContainerPath).

from __future__ import annotations

import logging
import os
import shutil
from typing import TYPE_CHECKING

import libactor as la
from mesoslite.model import (
    Conflict,
    ContainerConfig,
    InvalidRequest,
    NotFound,
    StandaloneContainer,
    Termination,
)
from mesoslite.model.container_ids import nested_directory

from .checkpoints import StandaloneCheckpoint
from .container_ids import named_container_id
from .container_runs import ENDED_MAX, StandaloneRun, abandon, fail
from .sandbox import make_standalone_sandbox, standalone_sandbox_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mesoslite.model import Container, ContainerID, Containerizer
    from mesoslite.model.container_calls import LaunchContainer

    from .checkpoints import Checkpoints
    from .garbage import Garbage
    from .notices import Notices

log = logging.getLogger("mesoslite")


class Standalone:
    """The standalone containers of one agent, in sandboxes below ``work_directory``; the rest is as of Nested."""

    def __init__(
        self,
        checkpoints: Checkpoints,
        garbage: Garbage,
        *,
        containerizer: Containerizer,
        work_directory: str,
        notices: Callable[[ContainerID], Notices],
    ) -> None:
        self._checkpoints = checkpoints
        self._garbage = garbage
        self._containerizer = containerizer
        self._work_directory = work_directory
        self._notices = notices
        self._runs: dict[ContainerID, StandaloneRun] = {}  # by name
        self._by_id: dict[ContainerID, StandaloneRun] = {}
        self._leaving: dict[ContainerID, la.Promise[None]] = {}  # by name, those that are being removed

    @property
    def are_checkpointed(self) -> bool:
        """Whether they outlive their agent."""
        return self._checkpoints.keeps_standalone

    def find(self, container_id: ContainerID) -> StandaloneRun | None:
        """The one of that name, or of that id, which may have ended."""
        return self._runs.get(container_id) or self._by_id.get(container_id)

    def living(self, container_id: ContainerID) -> StandaloneRun | None:
        """The one of that name, or of that id, if it has not ended."""
        run = self.find(container_id)
        return run if run is not None and run.termination is None else None

    def sandboxes(self) -> list[str]:
        """Those that are in use."""
        return [run.sandbox for run in self._runs.values() if run.termination is None]

    def launch(self, call: LaunchContainer) -> bool:
        """See LaunchContainer."""
        name = call.container_id
        if name in self._leaving:
            raise Conflict(f"Container {name} is being removed; ask again")
        known = self.find(name)
        if known is not None and known.termination is None:
            return False
        if known is not None:
            raise Conflict(f"Container {name} has ended; remove it, or take another id")
        run = self._new_run(call)
        if os.path.lexists(run.sandbox):
            raise Conflict(f"A sandbox of an earlier container {name} is left; remove it, or take another id")
        try:
            self._start(run)
        except BaseException as error:
            shutil.rmtree(run.sandbox, ignore_errors=True)
            self._checkpoints.standalone_over(name)
            if isinstance(error, (OSError, NotFound)):
                raise InvalidRequest(str(error)) from error
            raise
        self._enter(run)
        return True

    def _new_run(self, call: LaunchContainer) -> StandaloneRun:
        name, container_id = call.container_id, named_container_id(call.container_id)
        sandbox = standalone_sandbox_path(self._work_directory, name)
        config = ContainerConfig(
            container_id=container_id,
            user=call.command.user,
            command=call.command,
            sandbox=sandbox,
            environment=(("MESOS_SANDBOX", sandbox),),
            resources=call.resources,
            limits=call.limits,
            container=call.container,
            is_checkpointed=self.are_checkpointed,
        )
        return StandaloneRun(container_id, sandbox, config.user, name=name, config=config)

    def _start(self, run: StandaloneRun) -> None:
        self._checkpoints.standalone(StandaloneCheckpoint(run.name, run.config))
        make_standalone_sandbox(run.sandbox, self._work_directory)
        self._garbage.spare(run.sandbox)
        run.launched(self._containerizer.launch(run.config, self._notices(run.container_id)))

    def _enter(self, run: StandaloneRun) -> None:
        self._runs[run.name] = self._by_id[run.container_id] = run

    def remove(self, container_id: ContainerID) -> la.Future[None]:
        """See RemoveContainer; the sandboxes of what was nested in it go as well."""
        run = self.find(container_id)
        name = run.name if run is not None else container_id
        if run is not None and run.termination is None:
            raise Conflict(f"Container {name} runs; kill it first")
        if name in self._leaving:
            return self._leaving[name].future
        sandbox = standalone_sandbox_path(self._work_directory, name)
        directories = [sandbox, nested_directory(sandbox)]
        if run is None and not any(map(os.path.lexists, directories)):
            raise NotFound(f"Container {name} cannot be found")
        leaving: la.Promise[None] = la.Promise()
        self._leaving[name] = leaving
        self._garbage.remove(directories, lambda problem: self._removed(name, problem))
        return leaving.future

    def _removed(self, name: ContainerID, problem: OSError | None) -> None:
        leaving = self._leaving.pop(name)
        if problem is not None:
            fail(leaving, InvalidRequest(f"The sandbox of container {name} cannot be removed: {problem}"))
            return
        if name in self._runs:
            self._forget(self._runs[name])
        leaving.set(None)

    def _forget(self, run: StandaloneRun) -> None:
        self._checkpoints.standalone_over(run.name)
        del self._runs[run.name], self._by_id[run.container_id]

    # ---- what becomes of them ----

    def restore(self, found: Sequence[StandaloneCheckpoint]) -> list[ContainerConfig]:
        """Enter what an earlier life has launched; the configs of those that had not ended when it did."""
        for checkpoint in found:
            config = checkpoint.config
            run = StandaloneRun(config.container_id, config.sandbox, config.user, name=checkpoint.name, config=config)
            self._enter(run)
            if checkpoint.termination is not None:
                run.ended(checkpoint.termination)
        return [run.config for run in self._runs.values() if run.termination is None]

    def adopt(self, containers: Mapping[ContainerID, Container], why: str) -> None:
        """Go on with those that were found; of the others nothing is left, and ``why`` says that."""
        for run in [run for run in self._runs.values() if run.termination is None]:
            if run.container_id in containers:
                run.launched(containers[run.container_id])
            else:
                self.ended(run.container_id, Termination(None, message=why))

    def started(self, container_id: ContainerID) -> bool:
        """The command of a container runs; False, if it is another's."""
        run = self._by_id.get(container_id)
        if run is not None:
            run.began.set(None)
        return run is not None

    def ended(self, container_id: ContainerID, termination: Termination) -> bool:
        """A container has ended; False, if it was another's."""
        run = self._by_id.get(container_id)
        if run is None:
            return False
        self._checkpoints.standalone(StandaloneCheckpoint(run.name, run.config, termination))
        run.ended(termination)
        self._garbage.schedule(run.sandbox)
        over = [run for run in self._runs.values() if run.termination is not None and run.name not in self._leaving]
        for oldest in over[: max(0, len(over) - ENDED_MAX)]:
            self._forget(oldest)
        return True

    def close(self) -> None:
        """The agent stops: who waits is told so."""
        for run in self._runs.values():
            run.abandon()
        for leaving in self._leaving.values():
            abandon(leaving)

    def snapshot(self) -> tuple[StandaloneContainer, ...]:
        """Those that run, as readers see them."""
        return tuple(
            [
                StandaloneContainer(run.name, run.container_id, run.config.resources, run.container.pid)
                for run in self._runs.values()
                if run.container is not None
            ]
        )
