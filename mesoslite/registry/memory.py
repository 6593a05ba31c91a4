"""Memory: a registry that ends with its program; several masters of one program may share it."""

# Who calls: tests and the simulator, and a cluster in one process. Its faults can be told: see MemoryRegistry.
# A store that is held back waits for a future of libactor, so a paused clock settles meanwhile.

from __future__ import annotations

import threading
from collections.abc import Sequence

import libactor as la
from mesoslite.model import (
    MasterInfo,
)
from mesoslite.model.registry import (
    Entry,
    Recovered,
)

from .rows import assemble
from .storage import fenced, not_recovered


class MemoryRegistry:
    """What is stored, and how it is to fail."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.rows: dict[tuple[str, str], bytes] = {}
        self.master: MasterInfo | None = None
        self.epoch = 0
        self.stores = 0  # that were made, or failed
        self._failure: Exception | None = None
        self._gate: la.Promise[None] | None = None

    def fail_next(self, error: Exception) -> None:
        """Let the next call of a storage raise ``error``, with nothing done."""
        self._failure = error

    def hold(self) -> None:
        """Let calls of storages wait before they do anything."""
        self._gate = la.Promise()

    def release(self) -> None:
        """Let them go on."""
        gate, self._gate = self._gate, None
        if gate is not None:
            gate.set(None)

    def pass_gate(self) -> None:
        """What each call begins with: wait, or fail, if that was told."""
        gate = self._gate
        if gate is not None:
            gate.future.get()
        error, self._failure = self._failure, None
        if error is not None:
            raise error


class MemoryStorage:
    """One master's access to a MemoryRegistry; implements RegistryStorage."""

    def __init__(self, registry: MemoryRegistry) -> None:
        self._registry = registry
        self._epoch: int | None = None

    def recover(self, master: MasterInfo, epoch_least: int = 1) -> Recovered:
        """See RegistryStorage."""
        registry = self._registry
        registry.pass_gate()
        with registry.lock:
            rows = [(kind, key, data) for (kind, key), data in registry.rows.items()]
            state = assemble(rows, registry.master, master)
            registry.master = master
            self._epoch = registry.epoch = max(registry.epoch + 1, epoch_least)
        return Recovered(state, self._epoch)

    def store(self, entries: Sequence[Entry], /) -> None:
        """See RegistryStorage."""
        registry = self._registry
        registry.stores += 1
        registry.pass_gate()
        with registry.lock:
            if self._epoch is None:
                raise not_recovered("memory")
            if registry.epoch != self._epoch:
                raise fenced("memory", self._epoch, registry.epoch, registry.master)
            for entry in entries:
                if entry.data is None:
                    registry.rows.pop((entry.kind, entry.key), None)
                else:
                    registry.rows[entry.kind, entry.key] = entry.data

    def size_bytes(self) -> int:
        """See RegistryStorage."""
        with self._registry.lock:
            return sum([len(key) + len(data) for (_, key), data in self._registry.rows.items()])

    def close(self) -> None:
        """See RegistryStorage."""
        self._epoch = None
