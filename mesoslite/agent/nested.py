"""Nested: containers in those of executors and commands, launched by calls, waited for, and ended with these."""

# Who calls: agent.py for each call; parts.py tells what becomes of containers; recovery, what an earlier life has
#   left. What keeps a container below its parent, and ends it before that, is the containerizer. Those that are nested
#   in nothing are standalone.py's.
# A task of an executor of type DEFAULT has a container of its own, whose id says nothing of the executor's; calls name
#   it below that as Mesos does, or by itself.
# Invariants: 1. a container is known from its launch until it is removed, or the outermost around it has ended, but
#   for the oldest that have ended, of which ENDED_MAX are kept in each.    2. whoever waits is answered by then.
# Source: Mesos src/slave/http.cpp (_launchContainer, _waitContainer, _killContainer, _removeContainer).

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

import libactor as la
from mesoslite.model import (
    Conflict,
    ContainerConfig,
    ContainerID,
    ExecutorID,
    InvalidRequest,
    NestedContainer,
    NotFound,
)
from mesoslite.model.container_calls import (
    AttachContainer,
    AwaitEnd,
    AwaitStart,
    ContainerOwner,
    FindContainer,
    LaunchContainer,
    RemoveContainer,
    SignalContainer,
)
from mesoslite.model.container_ids import nested_directory

from .container_runs import ENDED_MAX, ContainerRun, StandaloneRun, abandon
from .executors import Execution
from .nested_sandboxes import make_nested_sandbox, nested_sandbox_path, remove_nested_sandbox
from .runs import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mesoslite.model import Container, Containerizer, Termination
    from mesoslite.model.container_calls import ContainerCall

    from .commands import Commands
    from .executors import Executors
    from .notices import Notices
    from .runs import Frameworks
    from .standalone import Standalone

Outermost: TypeAlias = Run | Execution | StandaloneRun
"""What lives in a container that is nested in none."""


class Nested:
    """The nested containers of one agent; ``over(directory)`` is called when nobody uses that of their sandboxes.

    The other arguments are as of Running.
    """

    def __init__(
        self,
        frameworks: Frameworks,
        commands: Commands,
        executors: Executors,
        standalone: Standalone,
        *,
        containerizer: Containerizer,
        notices: Callable[[ContainerID], Notices],
        over: Callable[[str], None],
    ) -> None:
        self._frameworks = frameworks
        self._commands = commands
        self._executors = executors
        self._standalone = standalone
        self._containerizer = containerizer
        self._notices = notices
        self._over = over
        self._runs: dict[ContainerID, dict[ContainerID, ContainerRun]] = {}  # by the outermost container
        self._waiting: dict[ContainerID, la.Promise[Termination]] = {}  # for the end of executors' and tasks'

    def take(self, call: ContainerCall) -> Any:
        """Do what a call asks; what its class says, or the future of that. Raises: as that says."""
        match call:
            case LaunchContainer():
                return self._launch(call)
            case AwaitStart(container_id):
                return self._start_of(container_id)
            case AwaitEnd(container_id):
                return self._end_of(container_id)
            case SignalContainer(container_id, number):
                return self._signal(container_id, number)
            case RemoveContainer(container_id):
                return self._remove(self._resolve(container_id))
            case AttachContainer(container_id):
                return la.Shared(self._containerizer.attach(self._resolve(container_id)))
            case FindContainer(container_id):
                return self._owner(self._resolve(container_id))
            case _:
                assert_never(call)

    # ---- calls ----

    def _launch(self, call: LaunchContainer) -> bool:
        container_id = self._resolve(call.container_id)
        if "." not in container_id:
            return self._of_framework(container_id) is None and self._standalone.launch(call)
        known = self._runs.get(_root(container_id), {}).get(container_id)
        if known is not None:
            if known.termination is None:
                return False
            raise Conflict(f"Container {container_id} has ended; remove it, or take another id")
        outermost = self._outermost(_root(container_id))
        if outermost is None:
            raise InvalidRequest(f"Parent container {_parent(container_id)} does not run")
        parent, user = self._parent(container_id, outermost)
        sandbox = nested_sandbox_path(outermost.sandbox, container_id)
        run = ContainerRun(container_id, sandbox, call.command.user or user)
        try:
            make_nested_sandbox(run.sandbox, parent)
            config = self._config(call, run, outermost)
            run.launched(self._containerizer.launch(config, self._notices(container_id)))
        except BaseException as error:
            remove_nested_sandbox(sandbox, parent)
            if isinstance(error, (OSError, NotFound)):
                raise InvalidRequest(str(error)) from error
            raise
        self._runs.setdefault(_root(container_id), {})[container_id] = run
        return True

    def _config(self, call: LaunchContainer, run: ContainerRun, outermost: Outermost) -> ContainerConfig:
        return ContainerConfig(
            container_id=run.container_id,
            user=run.user,
            command=call.command,
            sandbox=run.sandbox,
            environment=() if call.is_session else (("MESOS_SANDBOX", run.sandbox),),
            limits=call.limits,
            container=call.container,
            parent=_parent(run.container_id),
            is_checkpointed=not call.is_session and self._is_checkpointed(outermost),
            is_debug=call.is_session,
            has_streams=call.is_session,
        )

    def _start_of(self, container_id: ContainerID) -> la.Future[None] | None:
        container_id = self._resolve(container_id)
        if self._of_framework(container_id) is not None:
            return None
        return self._find(container_id).began.future

    def _end_of(self, container_id: ContainerID) -> la.Future[Termination]:
        container_id = self._resolve(container_id)
        if self._of_framework(container_id) is not None:
            return self._waiting.setdefault(container_id, la.Promise()).future
        return self._find(container_id).over.future

    def _signal(self, container_id: ContainerID, number: int) -> None:
        container_id = self._resolve(container_id)
        container = (self._of_framework(container_id) or self._find(container_id)).container
        if container is None:
            raise _unknown(container_id)
        if number == signal.SIGKILL:
            container.kill()
        else:
            container.signal(number)

    def _remove(self, container_id: ContainerID) -> la.Future[None] | None:
        if "." not in container_id:
            if self._of_framework(container_id) is not None:
                raise Conflict(f"Container {container_id} is that of a task or an executor, and goes with it")
            return self._standalone.remove(container_id)
        run = self._runs.get(_root(container_id), {}).get(container_id)
        outermost = self._outermost(_root(container_id))
        if run is None and outermost is None:
            raise _unknown(container_id)
        self._containerizer.remove(container_id)
        inside = f"{container_id}."
        runs = self._runs.get(_root(container_id), {})
        for key in [key for key in runs if key == container_id or key.startswith(inside)]:
            del runs[key]
        if run is not None and outermost is not None:
            remove_nested_sandbox(run.sandbox, self._sandbox(_parent(container_id), outermost))
        return None

    # ---- who is who ----

    def _resolve(self, container_id: ContainerID) -> ContainerID:
        """The id that its containerizer knows a container by."""
        root, dot, rest = container_id.partition(".")
        if rest:
            run = self._commands.find(_root(rest))
            if run is not None and run.execution is not None and run.execution.container_id == root:
                return ContainerID(rest)
        standalone = self._standalone.find(ContainerID(root))
        return ContainerID(f"{standalone.container_id}{dot}{rest}") if standalone is not None else container_id

    def _of_framework(self, container_id: ContainerID) -> Run | Execution | None:
        """The task, or the executor, that lives in a container of its own."""
        return self._commands.find(container_id) or self._executors.find(container_id)

    def _outermost(self, container_id: ContainerID) -> Outermost | None:
        return self._of_framework(container_id) or self._standalone.living(container_id)

    def _is_checkpointed(self, outermost: Outermost) -> bool:
        if isinstance(outermost, StandaloneRun):
            return self._standalone.are_checkpointed
        return self._frameworks.checkpoints.keeps(self._frameworks.active[outermost.framework_id].info)

    def _owner(self, container_id: ContainerID) -> ContainerOwner | None:
        known = self._standalone.find(_root(container_id))
        outermost = self._outermost(_root(container_id)) or known
        if outermost is None:
            return None
        if isinstance(outermost, StandaloneRun):
            return ContainerOwner(None, None, outermost.user)
        executor_id = outermost.executor_id if isinstance(outermost, Run) else outermost.info.executor_id
        return ContainerOwner(outermost.framework_id, ExecutorID(executor_id), self._user(outermost))

    def _user(self, outermost: Outermost) -> str:
        if isinstance(outermost, StandaloneRun):
            return outermost.user
        command = outermost.task.command if isinstance(outermost, Run) else outermost.info.command
        own = command.user if command is not None else ""
        return own or self._frameworks.active[outermost.framework_id].info.user

    def _sandbox(self, container_id: ContainerID, outermost: Outermost) -> str:
        return nested_sandbox_path(outermost.sandbox, container_id) if "." in container_id else outermost.sandbox

    def _parent(self, container_id: ContainerID, outermost: Outermost) -> tuple[str, str]:
        """The sandbox and the user of the container that one is in. Raises: InvalidRequest, if that has ended."""
        parent = _parent(container_id)
        if "." not in parent:
            return outermost.sandbox, self._user(outermost)
        run = self._runs.get(_root(parent), {}).get(parent)
        if run is None or run.termination is not None:
            raise InvalidRequest(f"Parent container {parent} does not run")
        return run.sandbox, run.user

    def _find(self, container_id: ContainerID) -> ContainerRun:
        """A container that was launched by a call, of which something is known. Raises: NotFound."""
        nested = self._runs.get(_root(container_id), {}).get(container_id)
        run = nested or self._standalone.find(container_id)
        if run is None:
            raise _unknown(container_id)
        return run

    # ---- what becomes of them ----

    def adopt(self, containers: Mapping[ContainerID, Container]) -> None:
        """Go on with those that an earlier life has launched, each behind its parent; what has ended is told later."""
        for container_id, container in containers.items():
            outermost = self._outermost(_root(container_id))
            if "." not in container_id or outermost is None:
                continue
            runs = self._runs.setdefault(_root(container_id), {})
            above = runs.get(_parent(container_id))
            user = above.user if above is not None else self._user(outermost)
            run = ContainerRun(container_id, nested_sandbox_path(outermost.sandbox, container_id), user)
            runs.setdefault(container_id, run).launched(container)

    def started(self, container_id: ContainerID) -> bool:
        """The command of a container runs; False, if it is that of a task or an executor."""
        if "." not in container_id:
            return self._standalone.started(container_id)
        run = self._runs.get(_root(container_id), {}).get(container_id)
        if run is not None:
            run.began.set(None)
        return True

    def ended(self, container_id: ContainerID, termination: Termination) -> bool:
        """A container has ended; False, if it was that of a task or an executor."""
        if "." not in container_id:
            outermost = self._outermost(container_id)
            if self._runs.pop(container_id, None) is not None and outermost is not None:
                self._over(nested_directory(outermost.sandbox))
            waiting = self._waiting.pop(container_id, None)
            if waiting is not None:
                waiting.set(termination)
            return self._standalone.ended(container_id, termination)
        runs = self._runs.get(_root(container_id), {})
        run = runs.get(container_id)
        if run is not None:
            run.ended(termination)
            self._forget_oldest(runs)
        return True

    def _forget_oldest(self, runs: dict[ContainerID, ContainerRun]) -> None:
        over = [key for key, run in runs.items() if run.termination is not None]
        for key in over[: max(0, len(over) - ENDED_MAX)]:
            self._containerizer.remove(key)
            del runs[key]

    def close(self) -> None:
        """The agent stops: who waits is told so."""
        self._standalone.close()
        for run in [run for runs in self._runs.values() for run in runs.values()]:
            run.abandon()
        for waiting in self._waiting.values():
            abandon(waiting)

    def snapshot(self) -> tuple[NestedContainer, ...]:
        """Those that run, as readers see them."""
        return tuple(
            [
                NestedContainer(run.container_id, run.container.pid)
                for runs in self._runs.values()
                for run in runs.values()
                if run.container is not None
            ]
        )


def _root(container_id: str) -> ContainerID:
    return ContainerID(container_id.partition(".")[0])


def _parent(container_id: ContainerID) -> ContainerID:
    return ContainerID(container_id.rpartition(".")[0])


def _unknown(container_id: ContainerID) -> NotFound:
    return NotFound(f"Container {container_id} cannot be found")
