"""Nested: containers in those of executors and commands, launched by calls, waited for, and ended with these."""

# Who calls: agent.py for each call; running.py tells what becomes of containers; recovery, what an earlier life has
#   left. What keeps a container below its parent, and ends it before that, is the containerizer.
# A task of an executor of type DEFAULT has a container of its own, whose id says nothing of the executor's; calls name
#   it below that as Mesos does, or by itself.
# Invariants: 1. a container is known from its launch until it is removed, or the outermost around it has ended, but
#   for the oldest that have ended, of which ENDED_MAX are kept in each.    2. whoever waits is answered by then.
# Source: Mesos src/slave/http.cpp (_launchContainer, _waitContainer, _killContainer, _removeContainer).

from __future__ import annotations

import logging
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, assert_never

import libactor as la
from mesoslite.model import (
    Conflict,
    ContainerConfig,
    ContainerID,
    ExecutorID,
    InvalidRequest,
    NestedContainer,
    NotFound,
    Reason,
    Termination,
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

from .nested_sandboxes import make_nested_sandbox, nested_sandbox_path, remove_nested_sandbox
from .runs import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mesoslite.model import Container, Containerizer
    from mesoslite.model.container_calls import ContainerCall

    from .commands import Commands
    from .executors import Execution, Executors
    from .notices import Notices
    from .runs import Frameworks

log = logging.getLogger("mesoslite")

ENDED_MAX = 1_000  # containers that have ended, in each outermost one, of which it can be asked how


@dataclass(slots=True, eq=False)
class NestedRun:
    """One container; ``began`` and ``over`` are ready once its command runs, or cannot, and when it has ended."""

    container_id: ContainerID
    sandbox: str
    user: str
    container: Container | None = None  # None when it has ended
    termination: Termination | None = None
    began: la.Promise[None] = field(default_factory=la.Promise)
    over: la.Promise[Termination] = field(default_factory=la.Promise)


class Nested:
    """The nested containers of one agent; ``over(directory)`` is called when nobody uses that of their sandboxes.

    The other arguments are as of Running.
    """

    def __init__(
        self,
        frameworks: Frameworks,
        commands: Commands,
        executors: Executors,
        *,
        containerizer: Containerizer,
        notices: Callable[[ContainerID], Notices],
        over: Callable[[str], None],
    ) -> None:
        self._frameworks = frameworks
        self._commands = commands
        self._executors = executors
        self._containerizer = containerizer
        self._notices = notices
        self._over = over
        self._runs: dict[ContainerID, dict[ContainerID, NestedRun]] = {}  # by the outermost container
        self._waiting: dict[ContainerID, la.Promise[Termination]] = {}  # for the end of outermost ones

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
        if "." not in container_id and self._outermost(container_id) is not None:
            return False  # a task's
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
        run = NestedRun(container_id, sandbox, call.command.user or user)
        try:
            make_nested_sandbox(run.sandbox, parent)
            config = self._config(call, run, outermost)
            run.container = self._containerizer.launch(config, self._notices(container_id))
        except BaseException as error:
            remove_nested_sandbox(sandbox, parent)
            if isinstance(error, (OSError, NotFound)):
                raise InvalidRequest(str(error)) from error
            raise
        self._runs.setdefault(_root(container_id), {})[container_id] = run
        if run.container.has_started:
            run.began.set(None)
        return True

    def _config(self, call: LaunchContainer, run: NestedRun, outermost: Run | Execution) -> ContainerConfig:
        framework = self._frameworks.active[outermost.framework_id].info
        return ContainerConfig(
            container_id=run.container_id,
            user=run.user,
            command=call.command,
            sandbox=run.sandbox,
            environment=() if call.is_session else (("MESOS_SANDBOX", run.sandbox),),
            container=call.container,
            parent=_parent(run.container_id),
            is_checkpointed=not call.is_session and self._frameworks.checkpoints.keeps(framework),
            is_debug=call.is_session,
            has_streams=call.is_session,
        )

    def _start_of(self, container_id: ContainerID) -> la.Future[None] | None:
        container_id = self._resolve(container_id)
        if "." not in container_id and self._outermost(container_id) is not None:
            return None
        return self._find(container_id).began.future

    def _end_of(self, container_id: ContainerID) -> la.Future[Termination]:
        container_id = self._resolve(container_id)
        if "." not in container_id and self._outermost(container_id) is not None:
            return self._waiting.setdefault(container_id, la.Promise()).future
        return self._find(container_id).over.future

    def _signal(self, container_id: ContainerID, number: int) -> None:
        container_id = self._resolve(container_id)
        outermost = self._outermost(container_id) if "." not in container_id else None
        container = outermost.container if outermost is not None else self._find(container_id).container
        if container is None:
            raise _unknown(container_id)
        if number == signal.SIGKILL:
            container.kill()
        else:
            container.signal(number)

    def _remove(self, container_id: ContainerID) -> None:
        run = self._runs.get(_root(container_id), {}).get(container_id)
        if "." not in container_id or (run is None and self._outermost(_root(container_id)) is None):
            raise _unknown(container_id)
        self._containerizer.remove(container_id)
        inside = f"{container_id}."
        runs = self._runs.get(_root(container_id), {})
        for key in [key for key in runs if key == container_id or key.startswith(inside)]:
            del runs[key]
        outermost = self._outermost(_root(container_id))
        if run is not None and outermost is not None:
            remove_nested_sandbox(run.sandbox, self._sandbox(_parent(container_id), outermost))

    # ---- who is who ----

    def _resolve(self, container_id: ContainerID) -> ContainerID:
        """The id that its containerizer knows a container by."""
        root, _, rest = container_id.partition(".")
        if rest:
            run = self._commands.find(_root(rest))
            if run is not None and run.execution is not None and run.execution.container_id == root:
                return ContainerID(rest)
        return container_id

    def _outermost(self, container_id: ContainerID) -> Run | Execution | None:
        """What lives in a container that is nested in none."""
        return self._commands.find(container_id) or self._executors.find(container_id)

    def _owner(self, container_id: ContainerID) -> ContainerOwner | None:
        outermost = self._outermost(_root(container_id))
        if outermost is None:
            return None
        executor_id = outermost.executor_id if isinstance(outermost, Run) else outermost.info.executor_id
        return ContainerOwner(outermost.framework_id, ExecutorID(executor_id), self._user(outermost))

    def _user(self, outermost: Run | Execution) -> str:
        command = outermost.task.command if isinstance(outermost, Run) else outermost.info.command
        own = command.user if command is not None else ""
        return own or self._frameworks.active[outermost.framework_id].info.user

    def _sandbox(self, container_id: ContainerID, outermost: Run | Execution) -> str:
        return nested_sandbox_path(outermost.sandbox, container_id) if "." in container_id else outermost.sandbox

    def _parent(self, container_id: ContainerID, outermost: Run | Execution) -> tuple[str, str]:
        """The sandbox and the user of the container that one is in. Raises: InvalidRequest, if that has ended."""
        parent = _parent(container_id)
        if "." not in parent:
            return outermost.sandbox, self._user(outermost)
        run = self._runs.get(_root(parent), {}).get(parent)
        if run is None or run.termination is not None:
            raise InvalidRequest(f"Parent container {parent} does not run")
        return run.sandbox, run.user

    def _find(self, container_id: ContainerID) -> NestedRun:
        container_id = self._resolve(container_id)
        run = self._runs.get(_root(container_id), {}).get(container_id)
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
            run = NestedRun(container_id, nested_sandbox_path(outermost.sandbox, container_id), user)
            run.container = runs.setdefault(container_id, run).container = container
            if container.has_started:
                run.began.set(None)

    def started(self, container_id: ContainerID) -> bool:
        """The command of a container runs; False, if it is not nested in another one."""
        run = self._runs.get(_root(container_id), {}).get(container_id)
        if run is not None:
            run.began.set(None)
        return "." in container_id

    def ended(self, container_id: ContainerID, termination: Termination) -> bool:
        """A container has ended; False, if it was not nested in another one."""
        if "." not in container_id:
            outermost = self._outermost(container_id)
            if self._runs.pop(container_id, None) is not None and outermost is not None:
                self._over(nested_directory(outermost.sandbox))
            waiting = self._waiting.pop(container_id, None)
            if waiting is not None:
                waiting.set(termination)
            return False
        runs = self._runs.get(_root(container_id), {})
        run = runs.get(container_id)
        if run is not None:
            run.container, run.termination = None, termination
            if termination.reason is Reason.REASON_CONTAINER_LAUNCH_FAILED:
                _fail(run.began, InvalidRequest(termination.message))
            run.began.set(None)
            run.over.set(termination)
            self._forget_oldest(runs)
        return True

    def _forget_oldest(self, runs: dict[ContainerID, NestedRun]) -> None:
        over = [key for key, run in runs.items() if run.termination is not None]
        for key in over[: max(0, len(over) - ENDED_MAX)]:
            self._containerizer.remove(key)
            del runs[key]

    def close(self) -> None:
        """The agent stops: who waits is told so."""
        runs = [run for runs in self._runs.values() for run in runs.values()]
        promises: list[la.Promise[Any]] = [promise for run in runs for promise in (run.began, run.over)]
        for promise in (*promises, *self._waiting.values()):
            _fail(promise, la.Abandoned("the agent has stopped"))

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


def _fail(promise: la.Promise[Any], error: BaseException) -> None:
    """Fail it, whether or not somebody waits."""
    promise.future.on_failed(lambda error: None)
    promise.fail(error)


def _root(container_id: str) -> ContainerID:
    return ContainerID(container_id.partition(".")[0])


def _parent(container_id: ContainerID) -> ContainerID:
    return ContainerID(container_id.rpartition(".")[0])


def _unknown(container_id: ContainerID) -> NotFound:
    return NotFound(f"Container {container_id} cannot be found")
