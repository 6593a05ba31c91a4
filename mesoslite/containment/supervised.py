"""SupervisedContainerizer: each container has a supervisor in C, is kept apart by isolators, and outlives its agent."""

# Who calls: an agent, in its handlers, which wait for the start of a supervisor and for nothing else.
# What a supervisor is told is made by scripting.py. What has become of a container is told by files
#   (container_directory.py), and heard of in the thread of Supervisors.
# Invariants: 1. isolators are cleaned up once for each container that was prepared, in reverse order, when none of its
#   processes is left, nor of what is nested in it.    2. `ended` is told after that.
# Source: Mesos src/slave/containerizer/mesos/containerizer.cpp.

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mesoslite.model import ContainerUsage, InvalidRequest, Reason, Termination, parent_of

from .asked import has_tty, refuse_unhonoured, wants_streams
from .container_directory import (
    ContainerDirectory,
    claim_runtime_directory,
    find_containers,
    make_runtime_directory,
)
from .isolators.process_usage import ProcessUsage
from .launch_failures import failure_message
from .nested import nested_config, without_streams
from .nesting import Nesting
from .processes import Family, is_ending, kill_rest
from .scripting import Scripting
from .stream_socket import StreamSocket
from .streams import StreamHub
from .supervisors import Supervisors
from .volume_links import link_volumes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mesoslite.model import (
        Attachment,
        Container,
        ContainerConfig,
        ContainerID,
        ContainerNotices,
        PersistentVolume,
    )

    from .isolators.isolator import Isolator, Limitation
    from .log_rotation import LogRotation

log = logging.getLogger("mesoslite")

KEPT_MAX = 4_096  # ends of checkpointed containers that an agent may not have written down yet
CLOSE_SECONDS = 60.0  # what killed containers are granted to vanish; only one stuck in the kernel needs more
LOST = "The supervisor of the container was ended by somebody, and with it the container"


@dataclass(slots=True, eq=False)
class SupervisedContainer:
    """One command and what it started, living or not: see model.Container."""

    container_id: ContainerID
    directory: ContainerDirectory
    notices: ContainerNotices | None  # None for one that nobody knows any more, and that is ended
    supervisors: Supervisors
    nesting: Nesting
    is_checkpointed: bool
    volumes: tuple[PersistentVolume, ...] = ()
    pid: int | None = None
    exceeded: Limitation | None = None

    @property
    def has_started(self) -> bool:
        """Whether its command runs, or has run."""
        return self.pid is not None

    @property
    def is_ending(self) -> bool:
        """Whether its command ends, or has ended."""
        return self.pid is not None and is_ending(self.pid)

    def terminate(self, grace_seconds: float) -> None:
        """Have its supervisor ask all its processes to end, and kill them when the grace is over."""
        self.supervisors.order(self.container_id, f"terminate {max(0, round(grace_seconds * 1000))}")

    def kill(self) -> None:
        """Have its supervisor kill all its processes; first, those of what is nested in it."""
        for container_id in (*self.nesting.within(self.container_id), self.container_id):
            self.supervisors.order(container_id, "kill")

    def signal(self, number: int) -> None:
        """Have its supervisor send its first process a signal."""
        self.supervisors.order(self.container_id, f"signal {number}")


class SupervisedContainerizer:
    """Has each command run by a supervisor, whose files are below ``runtime_directory``: see model.Containerizer.

    The directory is one containerizer's, from the first call until it is closed. ``open_files``: the soft and the hard
    limit that commands have; None: those of this process. ``rotation`` bounds their output; None: nothing does.
    Raises: OSError, if the directory cannot be made.
    """

    def __init__(
        self,
        runtime_directory: str,
        isolators: Sequence[Isolator] | None = None,
        *,
        open_files: tuple[int, int] | None = None,
        rotation: LogRotation | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        make_runtime_directory(runtime_directory)
        self._directory = runtime_directory
        self._claim: int | None = None  # a descriptor
        self._isolators: Sequence[Isolator] = [ProcessUsage()] if isolators is None else list(isolators)
        self._isolation = frozenset([name for isolator in self._isolators for name in isolator.name.split(",")])
        self._has_mounts = "filesystem/linux" in self._isolation
        self._scripting = Scripting(
            runtime_directory,
            self._isolators,
            has_mounts=self._has_mounts,
            open_files=open_files,
            rotation=rotation,
            environment=environment,
        )
        self.destroy_errors = 0  # containers of which something was left
        self._lock = threading.Lock()
        self._containers: dict[ContainerID, SupervisedContainer] = {}
        self._nesting = Nesting()
        self._kept: deque[ContainerDirectory] = deque()  # the oldest first; in the thread, and while recovering
        self._streams = StreamHub()
        self._supervisors = Supervisors(runtime_directory, started=self._started, ended=self._ended)
        for isolator in self._isolators:
            isolator.watch(self._exceeded)

    def recover(
        self, known: Sequence[ContainerConfig], notices: Callable[[ContainerID], ContainerNotices]
    ) -> Mapping[ContainerID, Container]:
        """Take over what lives, tell how the rest has ended, and end what nobody knows: see model.Containerizer."""
        self._have_claim()
        found: dict[ContainerID, SupervisedContainer] = {}
        with self._lock:  # so nothing is told of them yet
            traces = find_containers(self._directory, known)
            for container_id, config in traces:
                self._nesting.restore(container_id, config)
                found[container_id] = SupervisedContainer(
                    container_id,
                    ContainerDirectory(self._directory, container_id),
                    notices(container_id) if config is not None else None,
                    self._supervisors,
                    self._nesting,
                    is_checkpointed=config is not None and config.is_checkpointed,
                    volumes=config.volumes if config is not None else (),
                )
            self._containers.update(found)
            living = [each for each in found.values() if self._supervisors.adopt(each.directory)]
            supervisors = {container_id: _take_pids(container) for container_id, container in found.items()}
            configs = [config for _, config in traces if config is not None]
            for isolator in self._isolators:
                isolator.recover(supervisors)
                for config in configs:
                    isolator.resume(config)
        for container in found.values():
            if container not in living:
                self._ended(container.container_id)
            elif container.notices is None or container.exceeded is not None:
                log.warning("container %s: it was left by an earlier life, and is ended", container.container_id)
                container.kill()
        return {container_id: each for container_id, each in found.items() if each.notices is not None}

    def launch(self, config: ContainerConfig, notices: ContainerNotices) -> SupervisedContainer:
        """Start its supervisor; that its command runs, or cannot, is told later: see model.Containerizer.launch."""
        directory = ContainerDirectory(self._directory, config.container_id)
        outer = self._nesting.enter(config)
        try:
            if outer is not None:
                config = nested_config(config, outer)
            container = self._launch(config, directory, notices, outer)
        except BaseException:
            self._finish(self._nesting.withdraw(config.container_id))
            raise
        if self._nesting.is_doomed(config.container_id):
            container.kill()
        return container

    def _launch(
        self,
        config: ContainerConfig,
        directory: ContainerDirectory,
        notices: ContainerNotices,
        outer: ContainerConfig | None,
    ) -> SupervisedContainer:
        refuse_unhonoured(config, self._isolation)
        self._have_claim()
        directory.check_absence()
        container_id = config.container_id
        container = SupervisedContainer(
            container_id, directory, notices, self._supervisors, self._nesting, config.is_checkpointed, config.volumes
        )
        try:
            script = self._scripting.script(config, outer)
            is_remembered = config.is_checkpointed and outer is not None
            directory.make(script, config if is_remembered else None)
            listener = self._listen(config, directory) if wants_streams(config) else None
            with self._lock, listener or nullcontext():  # till it is attached nothing is told of it
                pid = self._supervisors.launch(directory, listener)
                self._containers[container_id] = container
                for isolator in self._isolators:
                    isolator.attach(container_id, pid)
        except BaseException:
            self._streams.discard(container_id)
            self._clean(container)
            directory.remove()
            raise
        return container

    def _listen(self, config: ContainerConfig, directory: ContainerDirectory) -> StreamSocket:
        """The socket to attach by; nothing of what a debug container puts out is to be lost."""
        listener = StreamSocket.listen(directory)
        try:
            if config.is_debug:
                connection = StreamSocket.connect(directory)
                self._streams.add(config.container_id, connection, has_tty=has_tty(config), waits=True)
        except BaseException:
            listener.close()
            raise
        return listener

    def remove(self, container_id: ContainerID) -> None:
        """Forget a nested container that has ended: see model.Containerizer.remove."""
        if self._nesting.forget(container_id):
            ContainerDirectory(self._directory, container_id).remove()

    def attach(self, container_id: ContainerID) -> Attachment:
        """See model.Containerizer.attach."""
        known = self._streams.find(container_id)
        if known is not None:
            return known
        config = self._nesting.living(container_id)
        if config is None or not wants_streams(config):
            raise without_streams(container_id)
        connection = StreamSocket.connect(ContainerDirectory(self._directory, container_id))
        return self._streams.add(container_id, connection, has_tty=has_tty(config), waits=False)

    def update(self, config: ContainerConfig) -> None:
        """See model.Containerizer.update."""
        with self._lock:
            container = self._containers.get(config.container_id)
        if container is None:
            return
        refuse_unhonoured(config, self._isolation)
        self._change_volumes(container, config)
        for isolator in self._isolators:
            isolator.update(config.container_id, config.resources, config.limits)

    def _change_volumes(self, container: SupervisedContainer, config: ContainerConfig) -> None:
        """Raises: InvalidRequest, OSError."""
        if container.volumes == config.volumes:
            return
        if not self._has_mounts:
            link_volumes(config, container.volumes)
        elif set(config.volumes) - set(container.volumes):
            raise InvalidRequest(
                "launch: the container of the executor has mounts of its own, and can be given a volume only before it "
                "starts; give it to the executor, or to its first task"
            )
        container.volumes = config.volumes

    def measure(self) -> dict[ContainerID, ContainerUsage]:
        """What each container has used: see model.ContainerMeter."""
        with self._lock:
            container_ids = list(self._containers)
        fields: dict[ContainerID, dict[str, Any]] = {}
        for isolator in self._isolators:
            for container_id, used in isolator.usage(container_ids).items():
                fields.setdefault(container_id, {}).update(used)
        return {container_id: ContainerUsage(**used) for container_id, used in fields.items()}

    def detach(self) -> None:
        """End what is not checkpointed, and let the rest run on: see model.Containerizer.detach."""
        with self._lock:
            staying = [container_id for container_id, each in self._containers.items() if each.is_checkpointed]
        self._supervisors.forget(staying)
        self._stop()

    def close(self) -> None:
        """Kill what runs and wait until it is gone; nothing can be launched afterwards."""
        self._stop()
        while self._kept:
            self._kept.popleft().remove()

    def _stop(self) -> None:
        for container_id in self._supervisors.living():
            self._supervisors.order(container_id, "kill")
        self._supervisors.stop(CLOSE_SECONDS)
        self._streams.close()
        for isolator in reversed(self._isolators):
            isolator.close()
        if self._claim is not None:
            os.close(self._claim)
            self._claim = None

    def _have_claim(self) -> None:
        if self._claim is None:
            self._claim = claim_runtime_directory(self._directory)

    def _clean(self, container: SupervisedContainer) -> None:
        for isolator in reversed(self._isolators):
            try:
                isolator.cleanup(container.container_id)
            except Exception:  # the others have to be cleaned up all the same
                self.destroy_errors += 1
                log.exception("container %s: %s left something", container.container_id, isolator.name)
        if container.is_checkpointed and container.notices is not None:
            container.directory.keep_status()
            if parent_of(container.container_id) is None:  # what is nested is forgotten with what it is in
                self._kept.append(container.directory)
        else:
            container.directory.remove()
        while len(self._kept) > KEPT_MAX:
            self._kept.popleft().remove()

    # In the thread of the supervisors, but for `_exceeded`

    def _exceeded(self, container_id: ContainerID, limitation: Limitation) -> None:
        with self._lock:
            container = self._containers.get(container_id)
            if container is None or container.exceeded is not None:
                return
            container.exceeded = limitation
        if container.is_checkpointed:
            container.directory.write_limitation(limitation)
        container.kill()

    def _started(self, container_id: ContainerID, pid: int) -> None:
        with self._lock:
            container = self._containers[container_id]
        if container.pid is None and container.notices is not None:
            container.pid = pid
            container.notices.started()

    def _ended(self, container_id: ContainerID) -> None:
        self._finish(self._nesting.end(container_id))
        for inner in self._nesting.within(container_id):
            self._supervisors.order(inner, "kill")

    def _finish(self, ended: Sequence[ContainerID]) -> None:
        """Neither of these is anything left, nor of what is nested in them."""
        for container_id in ended:
            with self._lock:
                container = self._containers.pop(container_id)
            self._streams.finish(container_id)
            termination = self._termination(container)
            self._clean(container)
            for inner in self._nesting.drop(container_id):
                ContainerDirectory(self._directory, inner).remove()
            if container.notices is not None:
                container.notices.ended(termination)

    def _termination(self, container: SupervisedContainer) -> Termination:
        status = container.directory.read_status()
        if status is None:
            self._end_rest(container)
            return Termination(None, message=LOST)
        limitations = (isolator.limitation(container.container_id) for isolator in self._isolators)
        limitation = container.exceeded or next(filter(None, limitations), None)
        if limitation is not None:
            if container.is_checkpointed:
                container.directory.write_limitation(limitation)
            return Termination(status.exit_status, limitation.reason, limitation.message, limitation.limited)
        if status.exit_status is None:
            return Termination(None, Reason.REASON_CONTAINER_LAUNCH_FAILED, failure_message(status))
        return Termination(status.exit_status)

    def _end_rest(self, container: SupervisedContainer) -> None:
        """End what a supervisor has left that was killed: its first process has ended with it."""
        log.warning("container %s: its supervisor has ended before it", container.container_id)
        pids = container.directory.read_pid()
        first = {pids[1]} if pids is not None and pids[1] is not None else set()
        kill_rest([Family(-1, container.container_id, known=first)])
        for isolator in self._isolators:
            isolator.end_rest(container.container_id)


def _take_pids(container: SupervisedContainer) -> int:
    """Have a recovered container know its first process, and why it is ended; the pid of its supervisor."""
    container.exceeded = container.directory.read_limitation()
    pids = container.directory.read_pid()
    if pids is None:
        return -1
    supervisor, first = pids
    container.pid = first.pid if first is not None else None
    return supervisor.pid
