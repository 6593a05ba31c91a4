"""disk/du: how much of its disk a container's sandbox takes, by a look every so often, and a bound if wanted."""

# One thread looks at one sandbox after the other, in rounds: a look takes a system call for each file, and none of it
#   holds up anybody else. What is linked to from outside counts, what the sandbox links to does not, and neither do
#   mounts, which are in the container's own namespace.
# Source: Mesos src/slave/containerizer/mesos/isolators/posix/disk.cpp.

import logging
import os
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any

from mesoslite.containment.script import Script
from mesoslite.model import ContainerConfig, ContainerID, Reason, Resources

from .isolator import Limitation
from .plain import PlainIsolator

log = logging.getLogger("mesoslite")

INTERVAL_SECONDS = 15.0
MEBIBYTE = 1 << 20
_BLOCK = 512  # what st_blocks counts in


class DiskUsage(PlainIsolator):
    """Looks every ``interval_seconds``; ``enforces``: a container that takes more disk than it has is ended."""

    name = "disk/du"

    def __init__(self, interval_seconds: float = INTERVAL_SECONDS, *, enforces: bool = False) -> None:
        self._interval_seconds = interval_seconds
        self._enforces = enforces
        self._lock = threading.Lock()
        self._sandboxes: dict[ContainerID, str] = {}
        self._quotas: dict[ContainerID, int] = {}  # in bytes
        self._used: dict[ContainerID, int] = {}  # as of the last look
        self._exceeded: Callable[[ContainerID, Limitation], None] = lambda container_id, limitation: None
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, exceeded: Callable[[ContainerID, Limitation], None]) -> None:
        """See Isolator."""
        self._exceeded = exceeded

    def prepare(self, config: ContainerConfig, script: Script) -> None:
        """Begin to look at its sandbox."""
        with self._lock:
            self._sandboxes[config.container_id] = config.sandbox
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="disk-usage", daemon=True)
                self._thread.start()
        self.update(config.container_id, config.resources, config.limits)

    def update(self, container_id: ContainerID, resources: Resources, limits: tuple[tuple[str, float], ...]) -> None:
        """What it may take from now on; the next look sees to it."""
        with self._lock:
            if container_id in self._sandboxes:
                self._quotas[container_id] = int(resources.get("disk") * MEBIBYTE)

    def usage(self, container_ids: Collection[ContainerID]) -> Mapping[ContainerID, Mapping[str, Any]]:
        """As of the last look; nothing before the first one."""
        with self._lock:
            known = self._used.keys() & set(container_ids)
            return {
                each: {"disk_used_bytes": self._used[each], "disk_limit_bytes": self._quotas.get(each, 0)}
                for each in known
            }

    def limitation(self, container_id: ContainerID) -> Limitation | None:
        """That it took more than it has, by the last look."""
        with self._lock:
            used, quota = self._used.get(container_id, 0), self._quotas.get(container_id, 0)
        if not self._enforces or not quota or used <= quota:
            return None
        text = f"Disk usage ({used / MEBIBYTE:g}MB) exceeds quota ({quota / MEBIBYTE:g}MB)"
        limited = Resources.of(disk=round(used / MEBIBYTE, 3))
        return Limitation(Reason.REASON_CONTAINER_LIMITATION_DISK, text, limited)

    def cleanup(self, container_id: ContainerID) -> None:
        """Look at it no more."""
        with self._lock:
            for known in (self._sandboxes, self._quotas, self._used):
                known.pop(container_id, None)

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def look(self) -> None:
        """One round."""
        with self._lock:
            sandboxes = dict(self._sandboxes)
        for container_id, sandbox in sandboxes.items():
            if self._closed.is_set():
                return
            used = disk_usage(sandbox)
            with self._lock:
                if container_id not in self._sandboxes:
                    continue
                self._used[container_id] = used
            limitation = self.limitation(container_id)
            if limitation is not None:
                self._exceeded(container_id, limitation)

    def _run(self) -> None:
        while not self._closed.wait(self._interval_seconds):
            try:
                self.look()
            except Exception:
                log.exception("disk/du: a round has failed; the next one goes on")


def disk_usage(directory: str) -> int:
    """The bytes that a directory takes, as du(1) counts: of a file with several names once, and no other file system.

    What goes meanwhile is passed over. Cost: a system call for each file in it.
    """
    try:
        top = os.lstat(directory)
    except OSError:
        return 0
    blocks, linked, waiting = top.st_blocks, set(), [directory]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except OSError:
                        continue
                    if status.st_dev != top.st_dev:
                        continue
                    if status.st_nlink > 1 and not entry.is_dir(follow_symlinks=False):
                        if status.st_ino in linked:
                            continue
                        linked.add(status.st_ino)
                    blocks += status.st_blocks
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except OSError:
            continue
    return blocks * _BLOCK
