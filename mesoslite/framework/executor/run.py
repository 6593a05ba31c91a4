"""Run: an executor as a program, from its environment to its end."""

# Who calls: the user's program, in its main thread.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import InvalidRequest

from .executor import Executor
from .settings import executor_settings

if TYPE_CHECKING:
    from .settings import ExecutorSettings


def run_executor(executor: Executor, settings: ExecutorSettings | None = None) -> None:
    """Run ``executor`` until it ends; left out, the settings are those that the agent has put in the environment.

    Raises: what has ended it, if that was an error; InvalidRequest for an environment that is no executor's.
    """
    if not isinstance(executor, Executor):
        raise InvalidRequest(
            f"run_executor: got {executor!r}, expected an instance of a subclass of mesoslite.Executor"
        )
    executor.settings = settings or executor_settings()
    with la.Runtime() as runtime:
        ended: la.Promise[None] = la.Promise()
        runtime.spawn(_Watch(runtime.spawn(executor), ended))
        ended.future.get()


class _Watch(la.Actor):
    """Completes ``ended`` as an actor has ended: with its error, if there was one."""

    def __init__(self, watched: la.PID[Any], ended: la.Promise[None]) -> None:
        super().__init__("executor-watch")
        self._watched = watched
        self._ended = ended

    def on_start(self) -> None:
        la.link(self._watched)

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        if reason is not None:
            self._ended.fail(reason)
        else:
            self._ended.set(None)
