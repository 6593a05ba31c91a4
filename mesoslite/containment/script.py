"""Script: what a supervisor is to do for its container, instruction by instruction."""

# Who calls: supervised.py, which states what every container needs, and isolators, each its own part.
# Instructions are carried out in the order of Phase, and within a phase in the order in which they were stated, so that
#   no isolator has to know of the others. All but SUPERVISION happens in the process that becomes the command.
# Form: texts that end with a zero byte, so that any path and argument can be told: a heading, then of each instruction
#   its name, the number of its arguments, and these; at last `end`, so that one that is cut short is seen.
# Twin: csrc/supervisor/script.c, which reads it, and instructions.c, which carries it out; what both must agree on is
#   in this file and there, and nowhere else. The form is internal: a supervisor is started by the agent that it was
#   shipped with.

import enum
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .processes import ProcessName

HEADING = "mesoslite supervisor 1"
UNLIMITED = "unlimited"


class Phase(enum.IntEnum):
    """When an instruction is carried out."""

    SUPERVISION = 0  # how the supervisor is to end the container
    STREAMS = 1  # opened as root, with the host's paths
    CGROUPS = 2
    NAMESPACES = 3
    MOUNTS = 4
    ROOT = 5  # from here on paths are those of the container
    LIMITS = 6
    DIRECTORY = 7
    USER = 8
    RESTRICTIONS = 9
    ENVIRONMENT = 10
    COMMAND = 11


class MountFlag(enum.IntFlag):
    """Flags of mount(2)."""

    NONE = 0
    READ_ONLY = 1
    NO_SUID = 2
    NO_DEVICES = 4
    NO_EXECUTION = 8
    BIND = 4096
    MOVE = 8192
    RECURSIVE = 16384
    PRIVATE = 1 << 18
    SLAVE = 1 << 19


class Namespace(enum.IntFlag):
    """Flags of unshare(2) and setns(2)."""

    MOUNT = 0x00020000
    CGROUP = 0x02000000
    UTS = 0x04000000
    IPC = 0x08000000
    PID = 0x20000000
    NETWORK = 0x40000000


@dataclass(frozen=True, slots=True)
class Place:
    """What is at ``path`` below ``top``, where somebody else may write to: no link below ``top`` is followed.

    An empty path is ``top`` itself.
    """

    top: str
    path: str = ""


class Script:
    """Instructions for one supervisor. Paths are absolute; each method states one instruction."""

    def __init__(self) -> None:
        self._instructions: list[tuple[Phase, bytes]] = []
        self.shared = Namespace(0)  # with the container that this one is nested in, as far as was said

    def render(self) -> bytes:
        """The script as its supervisor reads it."""
        ordered = sorted(self._instructions, key=lambda instruction: instruction[0])
        return _texts((HEADING,)) + b"".join([text for _, text in ordered]) + _texts(("end", "0"))

    # How it is ended

    def members(self, procs_file: str) -> None:
        """Whoever ``procs_file``, a cgroup.procs, lists is of the container too, and is ended with it."""
        self._state(Phase.SUPERVISION, "members", procs_file)

    def kill_switch(self, file: str) -> None:
        """Writing "1" to ``file``, a cgroup.kill, kills all of the container at once."""
        self._state(Phase.SUPERVISION, "kill_switch", file)

    def freezer(self, file: str, frozen: str, thawed: str) -> None:
        """While ``file`` holds ``frozen`` no process of it runs, so that none escapes the killing; then ``thawed``."""
        self._state(Phase.SUPERVISION, "freezer", file, frozen, thawed)

    def pid_namespace(self) -> None:
        """Its processes see one another only. The first one is a reaper that the supervisor adds, not the command.

        The reaper has its root and namespaces, and no rights, so that /proc leads nobody out of these by it.
        """
        self._state(Phase.SUPERVISION, "pid_namespace")
        self._state(Phase.LIMITS, "reaper")

    def join_namespaces(self, process: ProcessName) -> None:
        """Be in the namespaces ``shared`` of that process. It fails if that has ended by then. Since Linux 5.8.

        In a pid namespace the command has a guardian, that the supervisor adds, which reaps what the command leaves.
        """
        texts = (f"{process.pid}", f"{process.start_ticks}", f"{int(self.shared)}")
        self._state(Phase.SUPERVISION, "namespaces_of", *texts)
        self._state(Phase.NAMESPACES, "join")

    # What it is given

    def read(self, descriptor: int, path: str) -> None:
        """The command finds ``path`` open for reading as ``descriptor``, which is below 3."""
        self._state(Phase.STREAMS, "read", f"{descriptor}", path)

    def append(self, descriptor: int, path: str, owner: tuple[int, int] | None = None) -> None:
        """As ``read``, for appending; it is made, and given to ``owner`` (user, group)."""
        user, group = owner if owner is not None else (-1, -1)
        self._state(Phase.STREAMS, "append", f"{descriptor}", path, f"{user}", f"{group}")

    def rotate(
        self, descriptor: int, directory: str, owner: tuple[int, int] | None, bytes_max: int, files: int
    ) -> None:
        """What the command writes to ``descriptor`` goes to the file `stdout`, or `stderr`, of ``directory``.

        The supervisor has it be `stdout.1` when it has ``bytes_max``, that be `stdout.2`, and so on; ``files`` of them
        stay. They are given to ``owner`` (user, group).
        """
        user, group = owner if owner is not None else (-1, -1)
        self._state(
            Phase.STREAMS, "rotate", f"{descriptor}", directory, f"{user}", f"{group}", f"{bytes_max}", f"{files}"
        )

    def attach(self, tty: tuple[int, int] | None, owner: tuple[int, int] | None = None) -> None:
        """Whoever connects to the supervisor gives its input, and hears what goes by ``rotate``, stated before.

        ``tty``: rows and columns of a terminal, that its input and all its output are.
        """
        kind, (rows, columns) = ("pipes", (0, 0)) if tty is None else ("tty", tty)
        self._state(Phase.SUPERVISION, "streams", kind, f"{rows}", f"{columns}", f"{owner[0] if owner else -1}")
        self._state(Phase.STREAMS, "attach")

    def join(self, procs_file: str) -> None:
        """Enter the cgroup of that cgroup.procs."""
        self._state(Phase.CGROUPS, "write", procs_file, "0")

    # What it sees

    def namespaces(self, names: Namespace) -> None:
        """Leave the host's namespaces of these kinds for new ones."""
        self._state(Phase.NAMESPACES, "unshare", f"{int(names)}")

    def share(self, names: Namespace) -> None:
        """Be in those namespaces of the container that this one is nested in: see ``join_namespaces``."""
        self.shared |= names

    def loopback(self) -> None:
        """In a namespace NETWORK of its own: have the one device that is there, which leads to itself, up."""
        self._state(Phase.MOUNTS, "loopback")

    def hostname(self, name: str) -> None:
        """In a namespace UTS of its own: the name of its machine."""
        self._state(Phase.MOUNTS, "hostname", name)

    def mount(
        self, source: str, target: str, kind: str = "", flags: MountFlag = MountFlag.NONE, data: str = ""
    ) -> None:
        """As mount(2), in a namespace MOUNT of its own; "" for what is left out."""
        self._state(Phase.MOUNTS, "mount", source, target, kind, f"{int(flags)}", data)

    def bind(self, source: Place, target: Place, *, is_read_only: bool = False) -> None:
        """Have what is at ``source``, with all that is mounted below it, at ``target`` too. Since Linux 5.6.

        ``is_read_only``: there it is only read. Before Linux 5.12 what is mounted below is left out then.
        """
        mode = "ro" if is_read_only else "rw"
        self._state(Phase.MOUNTS, "bind", source.top, source.path, target.top, target.path, mode)

    def make_directory(self, path: str, mode: int = 0o755) -> None:
        """Make a directory among the mounts, whatever the umask; one that is there stays as it is."""
        self._state(Phase.MOUNTS, "directory", path, f"{mode:o}")

    def make_file(self, path: str, mode: int = 0o644) -> None:
        """Make an empty file among the mounts, to mount another one over it; one that is there stays as it is."""
        self._state(Phase.MOUNTS, "file", path, f"{mode:o}")

    def make_link(self, target: str, path: str) -> None:
        """Make a symbolic link among the mounts; one that is there stays as it is."""
        self._state(Phase.MOUNTS, "link", target, path)

    def root(self, directory: str) -> None:
        """Have ``directory``, which is a mount point, as the root; no path leads out of it.

        But for root with all of its rights, to whom /proc shows the roots of processes outside of it, unless a pid
        namespace keeps these from it, and who may mount whatever device there is.
        """
        self._state(Phase.ROOT, "pivot", directory)

    def enter(self, directory: str) -> None:
        """Begin in ``directory``."""
        self._state(Phase.DIRECTORY, "enter", directory)

    # What it may do

    def limit(self, resource: int, soft: int | None, hard: int | None) -> None:
        """As setrlimit(2), ``resource`` being one of RLIMIT_*; None: no limit."""
        bounds = [UNLIMITED if bound is None else f"{bound}" for bound in (soft, hard)]
        self._state(Phase.LIMITS, "limit", f"{resource}", *bounds)

    def umask(self, mode: int) -> None:
        """As umask(2)."""
        self._state(Phase.LIMITS, "umask", f"{mode:o}")

    def bound_capabilities(self, capabilities: Iterable[int]) -> None:
        """Neither it nor what it starts can ever have other capabilities than these, by number."""
        self._state(Phase.LIMITS, "bound", f"{_mask(capabilities):x}")

    def user(self, user: int, group: int, groups: Sequence[int]) -> None:
        """Become that user, with exactly these supplementary groups."""
        self._state(Phase.USER, "user", f"{user}", f"{group}", *[f"{number}" for number in groups])

    def keep_capabilities(self) -> None:
        """Becoming another user than root takes away no permitted capability: see ``capabilities``."""
        self._state(Phase.LIMITS, "keep")

    def capabilities(
        self,
        effective: Iterable[int],
        permitted: Iterable[int],
        inheritable: Iterable[int] = (),
        ambient: Iterable[int] = (),
    ) -> None:
        """As capset(2) and the ambient set, of capabilities by number."""
        sets = [f"{_mask(each):x}" for each in (effective, permitted, inheritable, ambient)]
        self._state(Phase.RESTRICTIONS, "capabilities", *sets)

    def no_new_privileges(self) -> None:
        """No program that it starts gets it more rights than it has, whatever bits its file bears."""
        self._state(Phase.RESTRICTIONS, "no_new_privileges")

    # What it is

    def environment(self, variables: Mapping[str, str]) -> None:
        """All of its environment."""
        self._state(Phase.ENVIRONMENT, "environment", *[f"{name}={value}" for name, value in variables.items()])

    def command(self, program: str, arguments: Sequence[str]) -> None:
        """Run ``program``, found by the PATH of its environment if it has no slash; ``arguments`` begin with a name."""
        self._state(Phase.COMMAND, "run", program, *arguments)

    def _state(self, phase: Phase, name: str, *arguments: str) -> None:
        self._instructions.append((phase, _texts((name, f"{len(arguments)}", *arguments))))


def _texts(texts: Iterable[str]) -> bytes:
    """``texts``, each with a zero byte behind it. Raises: ValueError for one that has a zero byte in it."""
    encoded = [os.fsencode(text) for text in texts]
    for text in encoded:
        if b"\0" in text:
            raise ValueError(f"embedded null byte in {text[:200]!r}")
    return b"".join([text + b"\0" for text in encoded])


def _mask(numbers: Iterable[int]) -> int:
    return sum({1 << number for number in numbers})
