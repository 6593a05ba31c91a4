"""ContainerDirectory: the files by which a container's supervisor and an agent know of each other, on one machine."""

# Who calls: supervisors.py and supervised.py. Twin: csrc/supervisor/main.c, which says what the files are.
# Layout: <runtime directory>/reports, and containers/<container id>/{script, control, pid, status, io, limitation},
#   closed to other users, for a script has the environment of its command. Nested containers lie beside what they are
#   in, and those that outlive an agent have a `config` as well: what is known of them is known here.
# Source: Mesos src/slave/containerizer/mesos/paths.hpp, which has most of the names.

import errno
import fcntl
import logging
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mesoslite.model import ContainerConfig, ContainerID, InvalidRequest, parent_of

from .isolators.isolator import Limitation
from .processes import ProcessName

log = logging.getLogger("mesoslite")

REPORTS, CONTAINERS, LOCK = "reports", "containers", ".lock"
SCRIPT, CONTROL, PID, STATUS, CONFIG, SOCKET = "script", "control", "pid", "status", "config", "io"
LIMITATION = "limitation"
_NAME_BYTES_MAX = 200
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(ContainerConfig).decode
_decode_limitation = msgspec.msgpack.Decoder(Limitation).decode
_STATUS = re.compile(r"(exited|killed|failed) (\d{1,9})(?: (\w+)((?:\0[^\0]*)*))?\n")


@dataclass(frozen=True, slots=True)
class Status:
    """How a container has ended: ``exit_status`` as of Termination, or the instruction that failed, with its errno."""

    exit_status: int | None = None
    error: int = 0
    instruction: str = ""
    arguments: tuple[str, ...] = ()  # as far as they were written


class ContainerDirectory:
    """Those of one container, which need not be there."""

    def __init__(self, runtime_directory: str, container_id: ContainerID) -> None:
        """Raises: InvalidRequest for an id that is no name of a file."""
        if container_id in ("", ".", "..") or not set("/\n\0").isdisjoint(container_id):
            raise InvalidRequest(f"launch: container {container_id!r} cannot be named so; leave slashes out of its id")
        if len(os.fsencode(container_id)) > _NAME_BYTES_MAX:
            raise InvalidRequest(f"launch: the id of container {container_id[:40]!r}... is longer than a file's name")
        self.container_id = container_id
        self.path = f"{runtime_directory}/{CONTAINERS}/{container_id}"

    def check_absence(self) -> None:
        """Raises: InvalidRequest, if a container of that id was launched, and its traces are still there."""
        if os.path.lexists(self.path):
            raise InvalidRequest(
                f"launch: there is a container {self.container_id!r} already; give each an id of its own"
            )

    def make(self, script: bytes, config: ContainerConfig | None = None) -> None:
        """Make it, with all that a supervisor needs, and ``config`` for another life of the agent. Raises: OSError."""
        os.mkdir(self.path, 0o700)
        if config is not None:
            _write(self.file(CONFIG), _encode(config))
        _write(self.file(SCRIPT), script)
        os.mkfifo(self.file(CONTROL), 0o600)

    def remove(self) -> None:
        """Remove it with all that it holds, if it is there."""
        shutil.rmtree(self.path, ignore_errors=True)

    def write_limitation(self, limitation: Limitation) -> None:
        """Write down, in one step, for what it is ended, or was; it is ended all the same if that cannot be."""
        beside = f"{self.file(LIMITATION)}.new"
        try:
            Path(beside).unlink(missing_ok=True)
            _write(beside, _encode(limitation))
            os.replace(beside, self.file(LIMITATION))
        except OSError as error:
            log.warning("container %s: why it is ended is not written down: %s", self.container_id, error)

    def read_limitation(self) -> Limitation | None:
        """For what it is ended, or was; None if there is no word of it."""
        try:
            return _decode_limitation(_read(self.file(LIMITATION)))
        except (msgspec.MsgspecError, ValueError):
            return None

    def keep_status(self) -> None:
        """Remove all but how it has ended, for an agent that is killed before it has written that down."""
        for name in (SCRIPT, CONTROL, PID, SOCKET):
            Path(self.file(name)).unlink(missing_ok=True)

    def file(self, name: str) -> str:
        """The path of one of its files."""
        return f"{self.path}/{name}"

    def read_pid(self) -> tuple[ProcessName, ProcessName | None] | None:
        """Its supervisor and its first process, if that was started; None if there is no word of them."""
        words = _read(self.file(PID)).split()
        if len(words) != 4 or not all(map(bytes.isdigit, words)):
            return None
        numbers = [int(word) for word in words]
        return ProcessName(*numbers[:2]), ProcessName(*numbers[2:]) if numbers[2] else None

    def read_config(self) -> ContainerConfig | None:
        """What it was to be, if it is nested, and outlives its agent; None if there is no word of it."""
        try:
            return _decode(_read(self.file(CONFIG)))
        except (msgspec.MsgspecError, ValueError):
            return None

    def read_status(self) -> Status | None:
        """How it has ended; None if there is no word of it."""
        words = _STATUS.fullmatch(os.fsdecode(_read(self.file(STATUS))))
        if words is None:
            return None
        kind, number, instruction, arguments = words.groups()
        if kind == "failed":
            return Status(None, int(number), instruction or "", tuple((arguments or "").split("\0")[1:]))
        return Status(exit_status=int(number) if kind == "exited" else -int(number))


def make_runtime_directory(path: str) -> None:
    """Make what is not there yet. Raises: OSError."""
    Path(path, CONTAINERS).mkdir(parents=True, exist_ok=True)
    os.chmod(f"{path}/{CONTAINERS}", 0o700)
    try:
        os.mkfifo(f"{path}/{REPORTS}", 0o600)
    except FileExistsError:
        return


def claim_runtime_directory(path: str) -> int:
    """Have it to oneself until the descriptor is closed: another one would take our containers for left by nobody.

    Raises: OSError, BlockingIOError if another containerizer has it.
    """
    descriptor = os.open(f"{path}/{LOCK}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        problem = "another agent has this runtime directory; give each one of its own"
        raise BlockingIOError(errno.EAGAIN, problem, path) from None
    return descriptor


def find_containers(path: str, known: Sequence[ContainerConfig]) -> list[tuple[ContainerID, ContainerConfig | None]]:
    """Whoever has a directory there, each behind what it is nested in; None for what nobody knows any more."""
    found: dict[ContainerID, ContainerConfig | None] = {config.container_id: config for config in known}
    there = sorted(map(ContainerID, os.listdir(f"{path}/{CONTAINERS}")), key=lambda name: (name.count("."), name))
    for container_id in there:
        outer = parent_of(container_id)
        if outer is not None and found.get(outer) is not None:
            found[container_id] = ContainerDirectory(path, container_id).read_config()
    return [(container_id, found.get(container_id)) for container_id in there]


def _write(path: str, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb", buffering=0) as file:
        file.write(content)


def _read(path: str) -> bytes:
    """The content of a file; empty if there is none."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.readall()
    except FileNotFoundError:
        return b""
