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

    @property
    def is_ending(self) -> bool:
        """Whether its first process is about to end or has, though that need not have been told of yet."""
        ...

    def terminate(self, grace_seconds: float) -> None:
        """Have all its processes asked to end (SIGTERM), without waiting; nothing happens once it has ended.

        One that can outlive its agent is killed when the grace is over, should the agent have gone; a later call may
        only shorten that.
        """
        ...

    def kill(self) -> None:
        """Have all its processes ended at once (SIGKILL), without waiting; nothing happens once it has ended.

        What is nested in it is killed with it.
        """
        ...

    def signal(self, number: int) -> None:
        """Send a signal to its first process, as soon as that runs; nothing happens once it has ended."""
        ...


class ContainerNotices(Protocol):
    """Who hears what becomes of a container. From any thread; they must only hand the news on."""

    def started(self) -> None:
        """Its command runs. Once, unless it ran when ``launch`` or ``recover`` returned; never after ``ended``."""
        ...

    def ended(self, termination: Termination) -> None:
        """None of its processes is left, nor of what was nested in it, of which it was told before. Once."""
        ...


class OutputFollower(Protocol):
    """Who hears what a container puts out. From any thread; it must not wait for anything."""

    def output(self, is_stderr: bool, data: bytes) -> bool:
        """A piece of it, in order; return False to hear no more."""
        ...

    def ended(self) -> None:
        """There is no more of it. Once, before ``ContainerNotices.ended``, or when the agent lets go of it."""
        ...


class Attachment(Protocol):
    """The input and the output of one container; from any thread. Nothing happens once that has ended."""

    @property
    def has_tty(self) -> bool:
        """Whether they are a terminal, of which all output is stdout."""
        ...

    def follow(self, follower: OutputFollower) -> None:
        """Have it hear the output from now on; the first one of a debug container hears all of it."""
        ...

    def unfollow(self, follower: OutputFollower) -> None:
        """Have it hear no more, not even of the end."""
        ...

    def hold(self, follower: OutputFollower) -> None:
        """Have no more of the output read: the container waits, as with any full pipe, until that follower goes on."""
        ...

    def go_on(self, follower: OutputFollower) -> None:
        """Undo ``hold``, as ``unfollow`` does; nothing happens if it does not hold."""
        ...

    def write(self, data: bytes, taken: Callable[[bool], None]) -> None:
        """Put ``data`` into its input, behind what was put there before.

        ``taken``, from any thread, is told True when the container has room for it, so that more may come, and False if
        nobody will ever read it.
        """
        ...

    def end_input(self) -> None:
        """End its input behind what was written; of a terminal, by the character that says so."""
        ...

    def resize(self, rows: int, columns: int) -> None:
        """Set the size of its terminal. Raises: Conflict, if it has none."""
        ...


class Containerizer(Protocol):
    """Makes containers."""

    def recover(
        self, known: Sequence[ContainerConfig], notices: Callable[[ContainerID], ContainerNotices]
    ) -> Mapping[ContainerID, Container]:
        """Find the containers ``known`` that an earlier life has launched; first of all, and once.

        Those that still run, and those that have ended since, of which it is told how; what has left no trace is not in
        the answer. What an earlier life has launched and is not ``known`` is ended. Checkpointed containers that are
        nested in known ones are in the answer too, behind these; those of them that had ended until they are removed.
        """
        ...

    def launch(self, config: ContainerConfig, notices: ContainerNotices) -> Container:
        """Start what ``config`` says; no other container has its id.

        Its parent has to live if it is a debug container, or its id says what it is nested in (``nested_id``).
        Raises: OSError that says what was wrong and what to do, if the command cannot be started; NotFound, if there is
        no such user, or the parent does not live; Conflict, if the parent is a debug container, or a nested one of that
        id lives, or was not removed; InvalidRequest, if this machine has not what it asks for. Then no notice is given.
        """
        ...

    def remove(self, container_id: ContainerID) -> None:
        """Forget how a nested container has ended, so that its id is free; with its parent's end that is done for all.

        Raises: Conflict, if it lives.
        """
        ...

    def attach(self, container_id: ContainerID) -> Attachment:
        """The streams of a container. Raises: NotFound, if it does not live; Conflict, if it has none."""
        ...

    def update(self, config: ContainerConfig) -> None:
        """Have a container from now on what ``config`` says of its resources, limits and volumes.

        Nothing happens if it has ended. Raises: InvalidRequest, OSError, if it cannot have that; it stays as it was.
        """
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
