"""What the tests of the registry have in common: infos, and storages that share one registry."""

from collections.abc import Callable
from pathlib import Path

import libactor as la
from mesoslite.model import (
    AgentID,
    AgentInfo,
    MasterInfo,
    RegistryStorage,
    Resources,
)
from mesoslite.model.registry import (
    Recovered,
    RegistryOperation,
    RegistryState,
)
from mesoslite.registry import MemoryRegistry, MemoryStorage, Registrar, SqliteStorage
from mesoslite.registry.books import Books, Change
from mesoslite.registry.operations import deciding
from mesoslite.registry.rows import encode


def decide(books: Books, operation: RegistryOperation) -> Change:
    """What an operation changes, decided in one go."""
    steps = deciding(books, operation)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


Storages = Callable[[], RegistryStorage]
MASTER = MasterInfo(id="first", hostname="one.example.com")
SECOND = MasterInfo(id="second", hostname="two.example.com")


def agent(number: int, hostname: str = "host") -> AgentInfo:
    """An agent that has an id."""
    return AgentInfo(
        hostname=f"{hostname}-{number}",
        port=5051,
        resources=Resources.of(cpus=4, mem=8_192),
        id=AgentID(f"m-S{number}"),
    )


def storages_of(kind: str, folder: Path) -> Storages:
    """What makes one storage for each master of one registry."""
    if kind == "memory":
        registry = MemoryRegistry()
        return lambda: MemoryStorage(registry)
    return lambda: SqliteStorage(folder / "registry.db", lock_wait_seconds=0.05)


class Bench:
    """Books, and a storage that is told what changes in them: the registrar without its actor."""

    def __init__(self, storage: RegistryStorage, master: MasterInfo = MASTER) -> None:
        self.storage = storage
        self.recovered = storage.recover(master)
        self.books = Books(self.recovered.state)

    def apply(self, *operations: RegistryOperation) -> list[bool]:
        """Decide each, and store all of them together."""
        entries, changed = {}, []
        for operation in operations:
            change = decide(self.books, operation)
            self.books.commit(change)
            entries.update({place: encode(place, row) for place, row in change.puts})
            assert not change.deletes, "this is for what only adds"
            changed.append(change != Change())
        self.storage.store(list(entries.values()))
        return changed


def read(storages: Storages, master: MasterInfo = MASTER) -> RegistryState:
    """What a master that starts now finds."""
    storage = storages()
    try:
        return storage.recover(master).state
    finally:
        storage.close()


def recovered(registrar: la.PID, master: MasterInfo = MASTER) -> Recovered:
    """What a registrar has found."""
    return la.dispatch(registrar, Registrar.recover, master).get(60)


def applied(registrar: la.PID, operation: RegistryOperation) -> bool:
    """What a registrar answers."""
    return la.dispatch(registrar, Registrar.apply, operation).get(60)
