"""ContainerRun: a container that was launched by a call, and who waits for it."""

# Who calls: nested.py and standalone.py, inside the agent actor.
# Invariant: ``began`` and ``over`` are ready once its command runs, or cannot, and when it has ended.

from dataclasses import dataclass, field
from typing import Any

import libactor as la
from mesoslite.model import Container, ContainerConfig, ContainerID, InvalidRequest, Reason, Termination

ENDED_MAX = 1_000  # that have ended, in each outermost container, of which it can be asked how; standalone, as many


@dataclass(slots=True, eq=False)
class ContainerRun:
    """One container, by the id that its containerizer knows; ``container`` is None when it has ended."""

    container_id: ContainerID
    sandbox: str
    user: str
    container: Container | None = None
    termination: Termination | None = None
    began: la.Promise[None] = field(default_factory=la.Promise)
    over: la.Promise[Termination] = field(default_factory=la.Promise)

    def launched(self, container: Container) -> None:
        """It was launched, in this life of the agent or an earlier one."""
        self.container = container
        if container.has_started:
            self.began.set(None)

    def ended(self, termination: Termination) -> None:
        """It has ended."""
        self.container, self.termination = None, termination
        if termination.reason is Reason.REASON_CONTAINER_LAUNCH_FAILED:
            fail(self.began, InvalidRequest(termination.message))
        self.began.set(None)
        self.over.set(termination)

    def abandon(self) -> None:
        """The agent stops: who waits is told so."""
        for promise in (self.began, self.over):
            abandon(promise)


@dataclass(slots=True, eq=False, kw_only=True)
class StandaloneRun(ContainerRun):
    """One that is nested in nothing and of no framework: calls name it ``name``; ``config`` is what it was to be."""

    name: ContainerID
    config: ContainerConfig


def abandon(promise: la.Promise[Any]) -> None:
    """The agent stops: who waits is told so."""
    fail(promise, la.Abandoned("the agent has stopped"))


def fail(promise: la.Promise[Any], error: BaseException) -> None:
    """Fail it, whether or not somebody waits."""
    promise.future.on_failed(lambda error: None)
    promise.fail(error)
