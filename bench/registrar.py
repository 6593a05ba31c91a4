"""The registrar: how long storms of operations take until each is durable, in a file of its own."""

# No peer that could run beside it: what Mesos's C++ needs for the same stands in bench/master_figures.py.
# Each method asks for so many operations at once, from outside, and waits for all answers; time is that of the clock on
#   the wall, for syncs of the disk are part of it. The file is on the disk of the checkout: in /tmp there may be none.

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import libactor as la
from bench.benchmarks import expect
from mesoslite.model import AgentID, AgentInfo, Attribute, MasterInfo, Resources
from mesoslite.model.registry import (
    AdmitAgent,
    MarkAgentReachable,
    MarkAgentUnreachable,
    Prune,
    Recovered,
    RegistryOperation,
    RemoveAgent,
)
from mesoslite.registry import Registrar, SqliteStorage

RESOURCES = Resources.parse("cpus:16;mem:65536;disk:1024000;ports:[31000-32000]")
MASTER_ID = "5d6ce2a1-8f5b-4d9c-b1f5-6a0a2f7c9e11"
FOLDER = Path(__file__).resolve().parents[1]


class Registry:
    """One registry, and the registrar that keeps it."""

    def __init__(self, folder: str) -> None:
        self._path = Path(folder) / "registry.db"

    @contextmanager
    def open(self) -> Iterator[None]:
        """Have a registrar that has recovered."""
        with la.Runtime() as runtime:
            self._registrar = runtime.spawn(Registrar(SqliteStorage(self._path)))
            start = perf_counter()
            self.recovered: Recovered = la.dispatch(self._registrar, Registrar.recover, MasterInfo(id=MASTER_ID)).get()
            self.recovery_seconds = perf_counter() - start
            yield

    def ask(self, operations: Sequence[RegistryOperation]) -> float:
        """Ask for all of them, and return the seconds until all are durable."""
        gc.collect()
        start = perf_counter()
        changed = la.collect([la.dispatch(self._registrar, Registrar.apply, one) for one in operations]).get()
        seconds = perf_counter() - start
        expect(sum(changed), len(operations), "operations that changed the registry")
        return seconds


class RegistrarWork:
    """Each method does something with so many agents (``count``)."""

    def admit_agents(self, count: int) -> float:
        """As if they all registered at once."""
        with _registry() as registry:
            return registry.ask([AdmitAgent(info) for info in agents(count)])

    def mark_unreachable(self, count: int) -> float:
        """As if all were lost at once."""
        with _registry(count) as registry:
            return registry.ask([MarkAgentUnreachable(agent_id, 1) for agent_id in ids(count)])

    def mark_reachable(self, count: int) -> float:
        """And came back."""
        with _registry(count) as registry:
            registry.ask([MarkAgentUnreachable(agent_id, 1) for agent_id in ids(count)])
            return registry.ask([MarkAgentReachable(info) for info in agents(count)])

    def recover_registry(self, count: int) -> float:
        """A new master reads what there is, after it was checked."""
        with TemporaryDirectory(dir=FOLDER) as folder:
            registry = Registry(folder)
            with registry.open():
                registry.ask([AdmitAgent(info) for info in agents(count)])
            with registry.open():
                expect(len(registry.recovered.state.agents), count, "agents that were found")
                return registry.recovery_seconds

    def remove_agents(self, count: int) -> float:
        """All leave at once."""
        with _registry(count) as registry:
            return registry.ask([RemoveAgent(agent_id) for agent_id in ids(count)])

    def prune_agents(self, count: int) -> float:
        """Half of the unreachable ones are forgotten, in one operation."""
        with _registry(count) as registry:
            registry.ask([MarkAgentUnreachable(agent_id, 1) for agent_id in ids(count)])
            return registry.ask([Prune(tuple(ids(count)[: count // 2]))])


def ids(count: int) -> list[AgentID]:
    """The ids of the first so many agents."""
    return [AgentID(f"{MASTER_ID}-S{number}") for number in range(count)]


def agents(count: int) -> list[AgentInfo]:
    """So many agents, each with its id."""
    return [
        AgentInfo(
            hostname=f"host-{number}.example.com",
            port=5051,
            resources=RESOURCES,
            attributes=(Attribute("rack", f"r{number % 40}"),),
            id=agent_id,
        )
        for number, agent_id in enumerate(ids(count))
    ]


@contextmanager
def _registry(count: int = 0) -> Iterator[Registry]:
    """A registry in which so many agents are admitted."""
    with TemporaryDirectory(dir=FOLDER) as folder:
        registry = Registry(folder)
        with registry.open():
            registry.ask([AdmitAgent(info) for info in agents(count)])
            yield registry
