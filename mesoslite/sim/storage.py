"""Storage: a master's access to a registry in memory that is slow, or fails, when the simulator says so."""

# Who calls: registrars, in their pools, which are actors of the simulation; master_machine.py makes one a master.
# What fails, fails before or after the change is made: whoever is told of a failure does not know which.
# The registry itself loses nothing: what was stored is there for the next master, as on a disk that keeps its word.

from __future__ import annotations

from typing import TYPE_CHECKING

import libactor as la
from mesoslite.model import RegistryFailed
from mesoslite.registry import MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mesoslite.model import MasterInfo
    from mesoslite.model.registry import Entry, Recovered
    from mesoslite.registry import MemoryRegistry


class Trouble:
    """What is wrong with the storage of a master: the next calls take ``seconds``, and ``fails`` of them fail."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.fails_before = self.fails_after = False

    def end(self) -> None:
        """All is well from now on."""
        self.seconds, self.fails_before, self.fails_after = 0.0, False, False


class SimStorage:
    """Implements RegistryStorage; ``stored`` is told of each store that was made, with the epoch of the master."""

    def __init__(
        self, registry: MemoryRegistry, trouble: Trouble, stored: Callable[[int, Sequence[Entry]], None]
    ) -> None:
        self._storage = MemoryStorage(registry)
        self._trouble = trouble
        self._stored = stored
        self._epoch = 0

    def recover(self, master: MasterInfo, epoch_least: int = 1) -> Recovered:
        """See RegistryStorage."""
        self._wait()
        found = self._storage.recover(master, epoch_least)
        self._epoch = found.epoch
        return found

    def store(self, entries: Sequence[Entry], /) -> None:
        """See RegistryStorage."""
        self._wait()
        self._fail_if(self._trouble.fails_before)
        self._storage.store(entries)
        self._stored(self._epoch, entries)
        self._fail_if(self._trouble.fails_after)

    def size_bytes(self) -> int:
        """See RegistryStorage."""
        return self._storage.size_bytes()

    def close(self) -> None:
        """See RegistryStorage."""
        self._storage.close()

    def _wait(self) -> None:
        if self._trouble.seconds:
            la.after(self._trouble.seconds).get()

    def _fail_if(self, fails: bool) -> None:
        if fails:
            raise RegistryFailed("the simulator wants the registry to fail")
