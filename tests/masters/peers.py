"""Several masters of one registry that stand in one election, on a paused clock."""

from __future__ import annotations

from typing import Any

import libactor as la
from mesoslite.allocator import HierarchicalAllocator
from mesoslite.election import MemoryElection, MemoryMember
from mesoslite.master import Allocator, Master
from mesoslite.model import MasterStanding
from mesoslite.registry import MemoryRegistry, MemoryStorage, Registrar


class Watch(la.Actor):
    """Hears how a master ends."""

    def __init__(self, *pids: la.PID[Any]) -> None:
        super().__init__()
        self.pids = pids
        self.ends: dict[str, BaseException | None] = {}

    def on_start(self) -> None:
        for pid in self.pids:
            la.link(pid)

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        self.ends[pid.id] = reason


class Peers:
    """Masters of one registry, each with a member of one election; every method settles before it returns."""

    def __init__(self, runtime: la.Runtime) -> None:
        self.runtime = runtime
        runtime.clock.pause()
        self.election = MemoryElection()
        self.registry = MemoryRegistry()
        self.members: dict[str, MemoryMember] = {}

    def settle(self) -> None:
        self.runtime.clock.settle()

    def stand(self, name: str) -> la.PID[Master]:
        """One more master, and a member for it, unless that name has one."""
        member = self.members.get(name)
        if member is None:
            member = self.members[name] = self.election.join()
        registrar = self.runtime.spawn(Registrar(MemoryStorage(self.registry), id=la.generate_id("registrar")))
        allocator = self.runtime.spawn(Allocator(HierarchicalAllocator()))
        master = self.runtime.spawn(
            Master(allocator, registrar, contender=member, detector=member, hostname=name, port=5050, id=name)
        )
        self.settle()
        return master

    def standing(self, master: la.PID[Master]) -> MasterStanding:
        return la.dispatch(master, Master.standing).get(timeout=60)

    def leading(self, *masters: la.PID[Master]) -> list[bool]:
        return [self.standing(master).serves for master in masters]

    def watch(self, *pids: la.PID[Any]) -> Watch:
        watch = Watch(*pids)
        self.runtime.spawn(watch)
        self.settle()
        return watch

    def end(self, pid: la.PID[Any]) -> None:
        la.terminate(pid)
        la.wait(pid, timeout=60)
        self.settle()
