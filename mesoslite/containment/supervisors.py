"""Supervisors: the processes that hold containers, started, given orders, and heard of, with one thread for all."""

# Who calls: SupervisedContainerizer (supervised.py). Twin: csrc/supervisor, which is what is started.
# A supervisor is heard of by its control, a FIFO that it reads and this holds open for writing: when it is gone,
#   however it went, the FIFO has no reader, and epoll says so. So a supervisor that an earlier life has started is
#   watched just like a child, no pid is believed, and one descriptor serves for orders too.
# Invariants: 1. `started` of a container is told before `ended`, and neither under a lock of this.    2. a supervisor
#   that is our child is reaped before `ended` is told.    3. after `stop` no thread and no descriptor is left.
# Rejected: a pidfd each, which needs a pid that is still its own after a restart, and a descriptor for orders besides.

from __future__ import annotations

import errno
import fcntl
import logging
import os
import select
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import libactor as la
from mesoslite.model import ContainerID

from .container_directory import CONTROL, REPORTS, SOCKET, ContainerDirectory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .stream_socket import StreamSocket

log = logging.getLogger("mesoslite")

PROGRAM = Path(__file__).with_name("mesoslite-supervisor")
_CHILDREN = "/proc/thread-self/children"
_CONTROL_DESCRIPTOR, _LISTENER_DESCRIPTOR = 3, 4
_REPORT_BYTES = 1 << 16


def supervisor_problem() -> str | None:
    """Why containers cannot have supervisors here, and what to do; None if they can."""
    if not PROGRAM.exists():
        return "the supervisor was not built; install a C compiler, and mesoslite again"
    if not os.path.exists(_CHILDREN):
        return f"this kernel has no {_CHILDREN}, by which a supervisor finds processes; take --launcher=posix"
    return None


@dataclass(slots=True, eq=False)
class Supervisor:
    """One that was alive when it was last looked at. ``child`` is its pid, if this has started it."""

    directory: ContainerDirectory
    control: int  # -1 once it is gone
    child: int | None

    @property
    def container_id(self) -> ContainerID:
        """The container that it holds."""
        return self.directory.container_id


class Supervisors:
    """Those of one runtime directory. ``started(container, pid)`` and ``ended(container)`` are called in the thread."""

    def __init__(
        self,
        runtime_directory: str,
        *,
        started: Callable[[ContainerID, int], None],
        ended: Callable[[ContainerID], None],
    ) -> None:
        self._directory = runtime_directory
        self._on_started, self._on_ended = started, ended
        self._lock = threading.Lock()  # of what follows
        self._by_control: dict[int, Supervisor] = {}
        self._by_container: dict[ContainerID, Supervisor] = {}
        self._is_stopping = False
        self._part = b""  # of a report
        self._ended: la.Promise[None] = la.Promise()  # the thread's last act
        self._thread: threading.Thread | None = None
        self._epoll: select.epoll | None = None
        self._wake = self._reports = -1

    def launch(self, directory: ContainerDirectory, listener: StreamSocket | None = None) -> int:
        """Start the supervisor of a container, with the socket for whoever attaches, if anybody may; its pid.

        Raises: OSError; RuntimeError after ``stop``.
        """
        with self._lock:
            epoll = self._start()
            reader, control = _open_control(directory)
            try:
                child = _spawn(directory, listener)
            except OSError as error:
                os.close(control)
                advice = "see that the machine has processes and memory free"
                raise type(error)(
                    error.errno, f"launch: cannot start {str(PROGRAM)!r}: {error.strerror}; {advice}"
                ) from None
            finally:
                os.close(reader)
            self._add(epoll, Supervisor(directory, control, child))
            return child

    def adopt(self, directory: ContainerDirectory) -> bool:
        """Watch the supervisor that an earlier life has started; False if it is gone. Raises: OSError."""
        try:
            control = os.open(directory.file(CONTROL), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in (errno.ENXIO, errno.ENOENT):  # nobody reads it, or it was not made
                _reap(Supervisor(directory, -1, None))
                return False
            raise
        with self._lock:
            self._add(self._start(), Supervisor(directory, control, None))
        return True

    def order(self, container_id: ContainerID, order: str) -> None:
        """Give an order; nothing happens if the supervisor is gone."""
        with self._lock:
            supervisor = self._by_container.get(container_id)
            if supervisor is None:
                return
            try:
                os.write(supervisor.control, f"{order}\n".encode())
            except BrokenPipeError:
                return  # it has just gone, and the thread will hear of it
            except BlockingIOError:
                log.warning("container %s: its supervisor does not hear orders; is it stopped?", container_id)

    def living(self) -> list[ContainerID]:
        """The containers whose supervisors are not known to have gone."""
        with self._lock:
            return list(self._by_container)

    def forget(self, container_ids: Iterable[ContainerID]) -> None:
        """Let go of those that live among these; they go on, and are not told of any more."""
        with self._lock:
            for container_id in container_ids:
                if container_id in self._by_container:
                    self._remove(self._by_container[container_id])

    def stop(self, timeout: float) -> None:
        """Wait until all have gone, then end the thread. Inside a handler other actors run meanwhile.

        Raises: RuntimeError naming the containers that are there after ``timeout`` seconds. A second call does nothing.
        """
        with self._lock:
            self._is_stopping = True
            thread = self._thread
            if thread is None:
                return
            os.eventfd_write(self._wake, 1)
        if not _wait_for(self._ended.future, timeout):
            left = ", ".join(sorted(self.living()))
            raise RuntimeError(f"close: after {timeout} s there are still supervisors of the killed containers {left}")
        thread.join(timeout)  # after the future only a moment is left of it
        with self._lock:
            if self._epoll is not None:
                self._epoll.close()
                os.close(self._wake)
                os.close(self._reports)
            self._thread = self._epoll = None

    # With the lock

    def _start(self) -> select.epoll:
        if self._is_stopping:
            raise RuntimeError("launch: the containerizer is closed; make a new one")
        if self._epoll is None:
            # For writing too, or it would end when the first supervisor closes it.
            self._reports = os.open(f"{self._directory}/{REPORTS}", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
            self._epoll = select.epoll()
            self._epoll.register(self._wake, select.EPOLLIN)
            self._epoll.register(self._reports, select.EPOLLIN)
            self._thread = threading.Thread(target=self._run, args=(self._epoll,), name="containers", daemon=True)
            self._thread.start()
        return self._epoll

    def _add(self, epoll: select.epoll, supervisor: Supervisor) -> None:
        self._by_control[supervisor.control] = supervisor
        self._by_container[supervisor.container_id] = supervisor
        epoll.register(supervisor.control, 0)  # that nobody reads it any more is told always

    def _remove(self, supervisor: Supervisor) -> None:
        del self._by_control[supervisor.control], self._by_container[supervisor.container_id]
        os.close(supervisor.control)  # epoll forgets it with that
        supervisor.control = -1

    # In the thread

    def _run(self, epoll: select.epoll) -> None:
        while True:
            ready = {descriptor for descriptor, _ in epoll.poll()}
            if self._wake in ready:
                os.eventfd_read(self._wake)
            self._hear_reports()  # first: who has ended may have started just before
            with self._lock:
                gone = [self._by_control[control] for control in ready if control in self._by_control]
                for supervisor in gone:
                    self._remove(supervisor)
            for supervisor in gone:
                _reap(supervisor)
                self._call(self._on_ended, supervisor.container_id)
            with self._lock:
                if self._is_stopping and not self._by_control:
                    break
        self._ended.set(None)

    def _hear_reports(self) -> None:
        while True:
            try:
                text = os.read(self._reports, _REPORT_BYTES)
            except BlockingIOError:
                return
            *lines, self._part = (self._part + text).split(b"\n")
            for line in lines:
                name, verb, pid = os.fsdecode(line).rsplit(" ", 2)
                container_id = ContainerID(name)
                with self._lock:  # it may only just have been started
                    is_ours = verb == "started" and container_id in self._by_container
                if is_ours:
                    self._call(self._on_started, container_id, int(pid))

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        try:
            function(*arguments)
        except Exception:  # the thread goes on, for all other containers
            log.exception("container %s: what became of it could not be told", arguments[0])


def _open_control(directory: ContainerDirectory) -> tuple[int, int]:
    """A reader that stands in until the supervisor has its own, and what orders are written to."""
    path = directory.file(CONTROL)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return reader, os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        os.close(reader)
        raise


def _spawn(directory: ContainerDirectory, listener: StreamSocket | None) -> int:
    """Start the program without a copy of this process; it has its control when this returns, so no order is lost."""
    # For reading and writing, so that it does not end with the agent.
    control = (os.POSIX_SPAWN_OPEN, _CONTROL_DESCRIPTOR, directory.file(CONTROL), os.O_RDWR | os.O_NONBLOCK, 0)
    if listener is None:
        return os.posix_spawn(PROGRAM, [PROGRAM.name, directory.path], {}, file_actions=[control])
    beyond = fcntl.fcntl(listener, fcntl.F_DUPFD_CLOEXEC, _LISTENER_DESCRIPTOR + 1)  # so that neither takes its place
    try:
        given = (os.POSIX_SPAWN_DUP2, beyond, _LISTENER_DESCRIPTOR)
        arguments = [PROGRAM.name, directory.path, SOCKET]
        return os.posix_spawn(PROGRAM, arguments, {}, file_actions=[given, control])
    finally:
        os.close(beyond)


def _own_child(directory: ContainerDirectory) -> int | None:
    """The pid of a supervisor that this very program has started, for an agent that let go of it."""
    pids = directory.read_pid()
    if pids is None:
        return None
    pid = pids[0].pid
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return pid


def _reap(supervisor: Supervisor) -> None:
    # One that was adopted may have written its pid only after that.
    child = _own_child(supervisor.directory) if supervisor.child is None else supervisor.child
    if child is None:
        return
    try:
        os.waitpid(child, 0)
    except ChildProcessError:
        return  # SIGCHLD is ignored, or somebody has waited for just any child: it is gone all the same


def _wait_for(future: la.Future[None], timeout: float) -> bool:
    try:
        future.get(timeout)
    except TimeoutError:
        return False
    except RuntimeError as error:  # inside a handler, and no worker can take over: too many wait, or at exit
        log.warning("containers: close holds up all other actors: %s", error)
    return True
