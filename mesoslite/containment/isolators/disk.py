"""disk/du: how much of its disk a container takes, by a look every so often, and a bound if wanted."""

# What counts is its sandbox, and what it has changed of a root file system of its own; so does the same of what is
#   nested in it, whose sandboxes are beside its own, and stay there till it ends. What is linked to from outside
#   counts, what the sandbox links to does not, and neither do mounts, which are in the container's own namespace, nor
#   volumes that outlive their tasks.
# One thread looks, at LOOKS_MAX containers in turn, and rests between steps: so a container with a million files holds
#   up neither the agent, whose interpreter it shares, nor the looks at others.
# Invariant: a container is ended after two looks in a row that found too much, the second just after the first: what is
#   moved while it is counted may have been counted twice.
# Source: Mesos src/slave/containerizer/mesos/isolators/posix/disk.cpp.

import logging
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mesoslite.containment.script import Script
from mesoslite.model import MILLI, ContainerConfig, ContainerID, Reason, Resources, parent_of
from mesoslite.model.container_ids import PART, nested_directory

from .directory_bytes import directory_bytes
from .isolator import Limitation
from .plain import PlainIsolator

log = logging.getLogger("mesoslite")

INTERVAL_SECONDS = 15.0
MEBIBYTE = 1 << 20
LOOKS_MAX = 8  # under way
STEPS = 10  # of looks, between two rests
REST_SECONDS = 0.01


@dataclass(slots=True)
class _Look:
    container_id: ContainerID
    steps: Iterator[int]  # bytes so far
    is_second: bool = False
    bytes: int = 0


class DiskUsage(PlainIsolator):
    """Looks every ``interval_seconds``; ``enforces``: a container that takes more disk than it has is ended.

    ``changes`` is where the changes of a container's root are, be they there or not.
    """

    name = "disk/du"

    def __init__(
        self,
        interval_seconds: float = INTERVAL_SECONDS,
        *,
        changes: Callable[[ContainerID], str],
        enforces: bool = False,
    ) -> None:
        self._interval_seconds = interval_seconds
        self._changes = changes
        self._enforces = enforces
        self._lock = threading.Lock()
        self._sandboxes: dict[ContainerID, str] = {}
        self._nested: defaultdict[ContainerID, set[ContainerID]] = defaultdict(set)  # by the outermost, those that live
        self._quotas: dict[ContainerID, int] = {}  # in bytes
        self._used: dict[ContainerID, int] = {}  # as of the last look
        self._limitations: dict[ContainerID, Limitation] = {}
        self._waiting: deque[ContainerID] = deque()  # for a look; this and the next in the thread
        self._looks: deque[_Look] = deque()
        self._exceeded: Callable[[ContainerID, Limitation], None] = lambda container_id, limitation: None
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, exceeded: Callable[[ContainerID, Limitation], None]) -> None:
        """See Isolator."""
        self._exceeded = exceeded

    def prepare(self, config: ContainerConfig, script: Script) -> None:
        """Begin to look at it."""
        self.resume(config)

    def resume(self, config: ContainerConfig) -> None:
        """Look at it, unless it has nothing of its own: that counts with what it is in."""
        if parent_of(config.container_id) is not None:
            with self._lock:
                self._nested[_outermost(config.container_id)].add(config.container_id)
            return
        if config.parent is not None and not config.resources:
            return
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
                self._quotas[container_id] = _quota(resources)

    def usage(self, container_ids: Collection[ContainerID]) -> Mapping[ContainerID, Mapping[str, Any]]:
        """As of the last look; nothing before the first one."""
        with self._lock:
            known = self._used.keys() & set(container_ids)
            return {
                each: {"disk_used_bytes": self._used[each], "disk_limit_bytes": self._quotas.get(each, 0)}
                for each in known
            }

    def limitation(self, container_id: ContainerID) -> Limitation | None:
        """That it was ended for what it took."""
        with self._lock:
            return self._limitations.get(container_id)

    def cleanup(self, container_id: ContainerID) -> None:
        """Look at it no more."""
        with self._lock:
            for known in (self._sandboxes, self._nested, self._quotas, self._used, self._limitations):
                known.pop(container_id, None)
            self._nested.get(_outermost(container_id), set()).discard(container_id)

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()
        self._looks.clear()

    # In the thread

    def begin(self) -> None:
        """Have a look at each container at which none is under way."""
        under_way = {*self._waiting, *[look.container_id for look in self._looks]}
        with self._lock:
            self._waiting += [each for each in self._sandboxes if each not in under_way]

    def go_on(self) -> bool:
        """Take some steps of the looks that are under way; whether more are to be taken."""
        for _ in range(STEPS):
            while self._waiting and len(self._looks) < LOOKS_MAX:
                self._start(self._waiting.popleft())
            if not self._looks:
                return False
            self._step(self._looks.popleft())
        return True

    def _start(self, container_id: ContainerID, *, is_second: bool = False) -> None:
        with self._lock:
            sandbox, nested = self._sandboxes.get(container_id), [*self._nested.get(container_id, ())]
        if sandbox is not None:
            changes = map(self._changes, [container_id, *nested])
            steps = _bytes_of(sandbox, nested_directory(sandbox), *changes)
            self._looks.append(_Look(container_id, steps, is_second))

    def _step(self, look: _Look) -> None:
        used = next(look.steps, None)
        look.bytes = look.bytes if used is None else used
        with self._lock:
            is_known = look.container_id in self._sandboxes
            exceeds = self._enforces and 0 < self._quotas.get(look.container_id, 0) < look.bytes
            is_over = used is None or exceeds
            if is_known and is_over:
                self._used[look.container_id] = look.bytes
        if is_known and not is_over:
            self._looks.append(look)
        elif is_known and exceeds and look.is_second:
            self._end(look)
        elif is_known and exceeds:
            self._start(look.container_id, is_second=True)

    def _end(self, look: _Look) -> None:
        with self._lock:
            quota = self._quotas.get(look.container_id, 0)
            text = f"Disk usage ({look.bytes / MEBIBYTE:g}MB) exceeds quota ({quota / MEBIBYTE:g}MB)"
            limited = Resources.of(disk=round(look.bytes / MEBIBYTE, 3))
            limitation = Limitation(Reason.REASON_CONTAINER_LIMITATION_DISK, text, limited)
            self._limitations[look.container_id] = limitation
        self._exceeded(look.container_id, limitation)

    def _run(self) -> None:
        left, has_more = self._interval_seconds, False
        while not self._closed.wait(rest := min(left, REST_SECONDS) if has_more else left):
            left -= rest
            try:
                if left <= 0:
                    left = self._interval_seconds
                    self.begin()
                has_more = self.go_on()
            except Exception:
                log.exception("disk/du: a look has failed; the next one goes on")


def _outermost(container_id: ContainerID) -> ContainerID:
    return ContainerID(container_id.partition(PART)[0])


def _quota(resources: Resources) -> int:
    """The bytes of disk that are no volumes."""
    kinds = [each for each in resources.portions if each.kind.name == "disk" and each.scalar]
    plain = [each for each in kinds if each.kind.disk is None or each.kind.disk.persistence is None]
    return sum([each.scalar for each in plain]) * MEBIBYTE // MILLI


def _bytes_of(*directories: str) -> Iterator[int]:
    """The bytes that directories take together, those so far first."""
    total = 0
    for directory in directories:
        used = 0
        for used in directory_bytes(directory):
            yield total + used
        total += used
