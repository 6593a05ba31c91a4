"""Tree: the groups of one agent's containers in one hierarchy, ``<mount>/<root>/<container>``."""

# Who calls: the isolators of control groups, in the thread of whoever launches, measures or ends a container.
# Invariants: 1. paths are put together here and nowhere else.    2. a group that could not be removed, since what ran
#   in it is still on its way out, is tried again with each later removal: nobody waits for it.
# Processes are in the group of their container itself: no container has groups below its own, so the rule of version 2
#   against processes in inner groups is kept without the further group "leaf" that Mesos has.
# Source: Mesos src/linux/cgroups.cpp, cgroups2.cpp; Linux Documentation/admin-guide/cgroup-v2.rst.

import errno
import logging
import os
import select
import signal
from collections.abc import Collection, Iterable

from .files import Files, KernelFiles
from .hierarchies import Hierarchy

log = logging.getLogger("mesoslite")

KILL_SECONDS = 60.0  # for the processes of one group to be gone once they were killed, as in Mesos

_ADVICE = {
    errno.ENOENT: "no such group or controller; see /proc/cgroups for what the kernel has",
    errno.EACCES: "run the agent as root, or give it a group of its own that it may write (--cgroups-root)",
    errno.EPERM: "run the agent as root, or give it a group of its own that it may write (--cgroups-root)",
    errno.EROFS: "the hierarchy is mounted read-only; mount it read-write",
    errno.EBUSY: "processes or groups are in it; end them first",
    errno.EINVAL: "the kernel takes no such value there; groups above may allow less",
    errno.ERANGE: "the value is out of the range that the kernel takes",
    errno.ENODEV: "the group has gone",
    errno.ENOSPC: "the hierarchy holds no further group (cgroup.max.descendants), or has no cpus or memory nodes set",
}


class CgroupError(OSError):
    """A control group could not be used as the text says; its number is the system's."""


class Tree:
    """The groups of containers in ``hierarchy`` below ``root``, a relative path."""

    def __init__(self, hierarchy: Hierarchy, root: str, files: Files | None = None) -> None:
        self.version = hierarchy.version
        self.root = f"{hierarchy.path}/{root}"
        self._mount = hierarchy.path
        self._files = files or KernelFiles()
        self._busy: set[str] = set()

    def make_root(self, controllers: Collection[str] = ()) -> None:
        """Make the group of all containers, and have groups below it use ``controllers``. Raises: CgroupError."""
        path, wanted = self._mount, " ".join([f"+{name}" for name in sorted(controllers)])
        for name in self.root.removeprefix(self._mount).strip("/").split("/"):
            self._enable(path, wanted)
            path = f"{path}/{name}"
            try:
                self._files.make(path)
            except FileExistsError:
                continue
            except OSError as error:
                raise _explained(error, "make", path) from error
        self._enable(path, wanted)

    def claim(self) -> int:
        """Have the root as this agent's own until the descriptor is closed. Raises: CgroupError."""
        try:
            return self._files.claim(self.root)
        except BlockingIOError as error:
            text = f"cgroups: {self.root} is another agent's; give this one a root of its own (--cgroups-root)"
            raise CgroupError(errno.EBUSY, text) from error

    def inherit(self, file: str) -> None:
        """Give the groups down to the root what the one above each of them has in ``file``, if they have nothing."""
        path = self._mount
        for name in self.root.removeprefix(self._mount).strip("/").split("/"):
            value, path = self._read(f"{path}/{file}").decode().strip(), f"{path}/{name}"
            if not self._read(f"{path}/{file}").strip():
                self._write(f"{path}/{file}", value)

    def _enable(self, path: str, wanted: str) -> None:
        if self.version == 2 and wanted:
            have = self._read(f"{path}/cgroup.subtree_control").split()
            if not {name[1:].encode() for name in wanted.split()} <= set(have):
                self._write(f"{path}/cgroup.subtree_control", wanted)

    def create(self, name: str) -> None:
        """Make the group of a container; an empty one that a dead agent left makes way. Raises: CgroupError."""
        path = f"{self.root}/{name}"
        self._busy.discard(name)
        try:
            self._files.make(path)
        except FileExistsError:
            try:
                self._files.remove(path)
                self._files.make(path)
            except OSError as error:
                raise _explained(error, "make anew", path) from error
        except OSError as error:
            raise _explained(error, "make", path) from error

    def remove(self, name: str) -> bool:
        """Remove the group of a container that has ended; False, if it is still busy, and is tried again later."""
        self._busy.add(name)
        for one in list(self._busy):
            path = f"{self.root}/{one}"
            try:
                self._files.remove(path)
            except FileNotFoundError:
                pass
            except OSError as error:
                if error.errno != errno.EBUSY:
                    log.warning("cgroups: %s", _explained(error, "remove", path))
                continue
            self._busy.discard(one)
        return name not in self._busy

    def names(self) -> list[str]:
        """The containers that have a group here."""
        try:
            return self._files.groups(self.root)
        except FileNotFoundError:
            return []

    def path(self, name: str, file: str) -> str:
        """The path of a file of a container's group, of the root if ``name`` is empty."""
        return f"{self.root}/{name}/{file}"

    def has(self, file: str) -> bool:
        """Whether groups of containers have such a file. The group of all must be there."""
        try:
            self._files.read(f"{self.root}/{file}")
        except FileNotFoundError:
            return False
        except OSError:
            return True  # one that is only written, as cgroup.kill
        return True

    def read(self, name: str, file: str) -> bytes:
        """What a file of a container's group says. Raises: CgroupError."""
        return self._read(f"{self.root}/{name}/{file}")

    def read_number(self, name: str, file: str) -> int:
        """The number in a file; ``max`` is 2**63 - 1."""
        text = self.read(name, file).strip()
        return 2**63 - 1 if text == b"max" else int(text)

    def read_fields(self, name: str, file: str) -> dict[bytes, int]:
        """The numbers in a file of lines such as ``name 4711``, by name."""
        words = self.read(name, file).split()
        return dict(zip(words[::2], map(int, words[1::2]), strict=True))

    def write(self, name: str, file: str, value: object) -> None:
        """Give a file of a container's group a value. Raises: CgroupError."""
        self._write(f"{self.root}/{name}/{file}", str(value))

    def pids(self, name: str) -> list[int]:
        """The processes of a container; none if it has no group. Those outside this pid namespace are 0."""
        try:
            return [int(pid) for pid in self._files.read(f"{self.root}/{name}/cgroup.procs").split()]
        except (FileNotFoundError, ProcessLookupError):
            return []

    def destroy(self, names: Iterable[str], bound_seconds: float = KILL_SECONDS) -> None:
        """Kill what is in the groups of containers that nobody knows, wait until it is gone, and remove them."""
        for name in names:
            while pids := [pid for pid in self.pids(name) if pid]:
                if not _killed(pids, bound_seconds):
                    log.error("cgroups: processes of %s/%s would not die: %s", self.root, name, pids)
                    break
            self.remove(name)

    def _read(self, path: str) -> bytes:
        try:
            return self._files.read(path)
        except OSError as error:
            raise _explained(error, "read", path) from error

    def _write(self, path: str, value: str) -> None:
        try:
            self._files.write(path, value)
        except OSError as error:
            raise _explained(error, f"write {value!r} to", path) from error


def _explained(error: OSError, operation: str, path: str) -> CgroupError:
    """The error with what was tried, on which file, what the system says of it, and what to do."""
    number = error.errno or 0
    advice = f"; {_ADVICE[number]}" if number in _ADVICE else ""
    return CgroupError(number, f"cgroups: could not {operation} {path}: {os.strerror(number)}{advice}")


def _killed(pids: list[int], bound_seconds: float) -> bool:
    """Kill processes and wait for their end; False if they are not gone within the bound."""
    waiting = select.poll()
    ends = []
    for pid in pids:
        try:
            ends.append(os.pidfd_open(pid))
        except ProcessLookupError:
            continue
    try:
        for end in ends:
            waiting.register(end, select.POLLIN)
            try:
                signal.pidfd_send_signal(end, signal.SIGKILL)
            except ProcessLookupError:
                continue
        left = len(ends)
        while left:
            ready = waiting.poll(bound_seconds * 1000)
            if not ready:
                return False
            for end, _ in ready:
                waiting.unregister(end)
            left -= len(ready)
        return True
    finally:
        for end in ends:
            os.close(end)
