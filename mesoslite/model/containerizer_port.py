"""Containerizer: the Protocol through which an agent has containers started, found again, measured and ended."""

# Who calls: agent/ is given a Containerizer, which containment/ implements; api/ a ContainerMeter; sim/ fakes them.
# A callback, not a future: an agent's handler does not wait for the end of a task, it goes on and is told.
# How long to wait between asking and killing is the agent's business, which has a clock that can be virtual; what
#   outlives an agent is told the grace as well, and keeps it without one.

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from .container_config import ContainerConfig, Termination
from .container_usage import ContainerUsage
from .ids import ContainerID
from .resources import Resources


class Container(Protocol):
    """A command that was started, with all the processes that it starts in turn."""

    @property
    def pid(self) -> int | None:
        """The operating system's id of its first process; None before that has started."""
        ...

    @property
    def has_started(self) -> bool:
        """Whether its command runs, or has run."""
        ...

    def terminate(self, grace_seconds: float) -> None:
        """Have all its processes asked to end (SIGTERM), without waiting; nothing happens once it has ended.

        One that can outlive its agent is killed when the grace is over, should the agent have gone; a later call may
        only shorten that.
        """
        ...

    def kill(self) -> None:
        """Have all its processes ended at once (SIGKILL), without waiting; nothing happens once it has ended."""
        ...


class ContainerNotices(Protocol):
    """Who hears what becomes of a container. From any thread; they must only hand the news on."""

    def started(self) -> None:
        """Its command runs. Once, unless it ran when ``launch`` or ``recover`` returned; never after ``ended``."""
        ...

    def ended(self, termination: Termination) -> None:
        """None of its processes is left. Once."""
        ...


class Containerizer(Protocol):
    """Makes containers."""

    def recover(
        self, known: Sequence[ContainerConfig], notices: Callable[[ContainerID], ContainerNotices]
    ) -> Mapping[ContainerID, Container]:
        """Find the containers ``known`` that an earlier life has launched; first of all, and once.

        Those that still run, and those that have ended since, of which it is told how; what has left no trace is not in
        the answer. What an earlier life has launched and is not ``known`` is ended.
        """
        ...

    def launch(self, config: ContainerConfig, notices: ContainerNotices) -> Container:
        """Start what ``config`` says; no other container has its id.

        Raises: OSError that says what was wrong and what to do, if the command cannot be started; NotFound, if there is
        no such user; InvalidRequest, if this machine has not what it asks for. Then no notice is given.
        """
        ...

    def update(self, container_id: ContainerID, resources: Resources, limits: tuple[tuple[str, float], ...]) -> None:
        """What a container may use from now on; nothing happens if it has ended."""
        ...

    def detach(self) -> None:
        """End what is not checkpointed, wait until it is gone, and let go of the rest, for another life to recover.

        Raises: RuntimeError, if one would not end within a bound.
        """
        ...

    def close(self) -> None:
        """Kill every container that runs and wait until it is gone; sandboxes stay.

        Inside a handler other actors run meanwhile. Raises: RuntimeError, if one would not end within a bound.
        """
        ...


class ContainerMeter(Protocol):
    """Measures containers."""

    def measure(self) -> Mapping[ContainerID, ContainerUsage]:
        """What each container that runs has used; from any thread. Cost: at most a look at each process there is."""
        ...
