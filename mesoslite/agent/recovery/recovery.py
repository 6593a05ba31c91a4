"""Recovery: reads what an earlier life of the agent has left, finds its containers again, and waits for executors."""

# Who calls: agent.py, inside the agent actor: ``find`` and ``resume`` first of all, before it
#   registers; ``is_waiting`` as things happen.
# Order: what the agent has; who it is; frameworks with their runs and the streams of their statuses; containers; kills;
#   then executors have a time to subscribe again. The agent registers when all have, or their time is over: Mesos waits
#   for the whole time.
# After a reboot no container is left, and all that ran has failed. The agent goes on under its id then too, unless it
#   is configured otherwise: then it is a new one. Without a reboot that is refused, for its containers may run.
# Invariant: nothing is told to anybody before ``resume`` has returned; statuses wait for the master.
# Source: Mesos src/slave/slave.cpp (recover, _recover, reregisterExecutorTimeout, __recover).

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from mesoslite.model import (
    ContainerConfig,
    ContainerID,
    InsufficientResources,
    InvalidRequest,
    Reason,
    TaskState,
    Termination,
)

from ..checkpoints import Reader
from ..executors.execution import Phase
from ..statuses import dropped_state, refusal
from .books import Books
from .compatibility import Incompatible, incompatibility
from .options import ADDITIVE, CLEANUP, RecoveryOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mesoslite.model import AgentID, AgentInfo, Container, Containerizer

    from ..checkpoints import Checkpoints, FoundFramework, ResourcesCheckpoint, StandaloneCheckpoint
    from ..executors import Execution
    from ..kills import Kills
    from ..nested import Nested
    from ..notices import Notices
    from ..operations import Operations
    from ..reports import Reports
    from ..running import Running
    from ..runs import Frameworks
    from ..standalone import Standalone
    from ..status_updates import StatusUpdateManager

log = logging.getLogger("mesoslite")


class Recovery:
    """The recovery of one agent by ``options``; None: it begins with nothing, and ends what it finds.

    ``notices(container)`` is who is to hear what becomes of that container.
    """

    def __init__(
        self,
        options: RecoveryOptions | None,
        checkpoints: Checkpoints,
        *,
        work_directory: str,
        containerizer: Containerizer,
        frameworks: Frameworks,
        updates: StatusUpdateManager,
        operations: Operations,
        reports: Reports,
        running: Running,
        kills: Kills,
        nested: Nested,
        standalone: Standalone,
        notices: Callable[[ContainerID], Notices],
    ) -> None:
        self._options = options
        self._checkpoints = checkpoints
        self._work_directory = work_directory
        self._containerizer = containerizer
        self._frameworks = frameworks
        self._updates = updates
        self._operations = operations
        self._reports = reports
        self._running = running
        self._kills = kills
        self._nested = nested
        self._standalone = standalone
        self._notices = notices
        self._found: list[FoundFramework] = []
        self._found_standalone: list[StandaloneCheckpoint] = []
        self._was_rebooted = False
        self._awaited: list[Execution] = []
        self.errors = 0  # files that could not be used
        self.is_wanted = options is not None
        self.is_cleanup = options is not None and options.recover == CLEANUP

    def find(self, info: AgentInfo) -> AgentInfo:
        """Return what the agent is to say of itself, with its id if it goes on as the one that was here.

        Raises: BadCheckpoint, Incompatible, and OSError.
        """
        if self._options is None or self.is_cleanup:
            return info
        reader = Reader(self._work_directory, strict=self._options.strict)
        before = reader.boot_id()
        self._was_rebooted = before is not None and before != self._options.boot_id
        old = reader.agent()
        if old is not None and old.id is not None and self._goes_on(old, info):
            info = msgspec.structs.replace(info, id=old.id)
            self._found = list(reader.frameworks(old.id))
            self._checkpoints.agent(info)
        self._found_standalone = list(reader.standalone())
        self._restore_resources(reader.resources(), info)
        for agent_id in reader.other_agents(info.id):
            self._checkpoints.discard(agent_id)
        self._checkpoints.boot(self._options.boot_id)
        self.errors = reader.errors
        return info

    def _goes_on(self, old: AgentInfo, info: AgentInfo) -> bool:
        """Whether the agent may be the one that was here; False: another one begins. Raises: Incompatible."""
        assert self._options is not None
        options = self._options
        problem = incompatibility(old, info, options.reconfiguration_policy, has_any_port=options.has_any_port)
        if problem is None:
            if old.port != info.port:
                text = "recovery: agent %s was on port %d, which is taken, and is on %d: its executors do not find it"
                log.warning(text, old.id, old.port, info.port)
            return True
        if self._was_rebooted:
            log.warning("recovery: agent %s is not gone on with after a reboot: %s", old.id, problem)
            return False
        raise Incompatible(
            f"agent {old.id} was here, and cannot be gone on with: {problem}; start it as it was, or with "
            f"--reconfiguration-policy {ADDITIVE} if there is only more of it, or end what it runs by --recover "
            f"{CLEANUP}: the next one is a new agent"
        )

    def _restore_resources(self, state: ResourcesCheckpoint | None, info: AgentInfo) -> None:
        """Have what is reserved, and volumes, again, whoever the agent is now. Raises: Incompatible."""
        if state is None:
            return
        if info.id is None:  # the operations were another agent's
            state = msgspec.structs.replace(state, operations=(), done=())
        try:
            self._operations.restore(state)
        except InsufficientResources as error:
            raise Incompatible(
                f"reservations or volumes are on this machine, in {self._work_directory}, for which it has too little "
                f"now: {error}; give the agent as much as it had"
            ) from error

    def resume(self, agent_id: AgentID | None) -> None:
        """Enter what was found in the books, look for its containers, and go on with them."""
        books = Books(self._work_directory, self._frameworks, self._updates)
        if agent_id is not None:
            for framework in self._found:
                books.enter(framework, agent_id)
        self._found = []
        configs = [*self._configs(books), *self._standalone.restore(self._found_standalone)]
        containers = self._containerizer.recover([] if self._was_rebooted else configs, self._notices)
        self._standalone.adopt(containers, self._loss)
        if agent_id is None:
            self._nested.adopt(containers)
            return
        log.info("recovery: agent %s goes on; of %d containers %d were found", agent_id, len(configs), len(containers))
        self._adopt(books, containers)
        self._nested.adopt(containers)
        for run, kill in books.kills:
            self._kills.resume(run, kill)
        self._lose(books, containers)
        for execution in [one for one in books.executions if one.is_default]:
            self._running.executors.groups.resume(self._frameworks.active[execution.framework_id], execution)
        for framework_id in list(self._frameworks.active):
            self._reports.retire(framework_id)

    def _configs(self, books: Books) -> Iterator[ContainerConfig]:
        """What the containers were to be, as far as anybody can tell."""
        active = self._frameworks.active
        for run in books.runs:
            with suppress(InvalidRequest):  # what this release does not run has left no trace
                yield self._running.commands.config(run, active[run.framework_id].info)
        for execution in books.executions:
            with suppress(InvalidRequest):
                config = self._running.executors.config(execution, active[execution.framework_id].info)
                if config is not None:
                    yield config

    def _adopt(self, books: Books, containers: Mapping[ContainerID, Container]) -> None:
        """Take over what runs, or has ended since."""
        assert self._options is not None
        seconds = self._options.executor_reregistration_seconds
        for execution in [one for one in books.executions if not one.is_default]:
            self._running.executors.adopt(execution, containers.get(execution.container_id), seconds)
            if execution.is_returning and execution.container is not None:
                self._awaited.append(execution)
        for run in books.runs:
            if run.container_id in containers:
                self._running.commands.adopt(run, containers[run.container_id])

    def _lose(self, books: Books, containers: Mapping[ContainerID, Container]) -> None:
        """Say that what has left no trace has ended, or never began."""
        lost = Termination(None, Reason.REASON_EXECUTOR_TERMINATED, self._loss)
        for run in [run for run in books.runs if run.container_id not in containers]:
            if run.state is TaskState.TASK_STAGING:
                info = self._frameworks.active[run.framework_id].info
                text = "Agent was restarted before the task was launched"
                report = refusal(dropped_state(info), Reason.REASON_AGENT_RESTARTED, text)
                self._reports.report(run.framework_id, run.task.task_id, report)
            else:
                self._running.commands.adopt(run, None)
                self._running.commands.ended(run.container_id, lost if not run.is_asked_to_end else Termination(None))
        for execution in [one for one in books.executions if not one.is_default]:
            if execution.container is None:
                self._running.executors.ended(execution.container_id, lost)

    @property
    def _loss(self) -> str:
        """Why a container was not found."""
        return "Machine was rebooted" if self._was_rebooted else "Container left no trace while the agent was away"

    @property
    def is_waiting(self) -> bool:
        """Whether an executor may still subscribe again, so that the agent is not to register yet."""
        if self._awaited:
            self._awaited = [one for one in self._awaited if one.is_returning and one.phase is Phase.REGISTERING]
        return bool(self._awaited)
