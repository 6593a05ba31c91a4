"""Master machine: a host with a production master, its allocator and its registrar, once it has been elected."""

# Who calls: world.py makes them and looks after them at each step; faults.py crashes them.
# A master leads as soon as its candidacy has won, and ends when it is told that it has lost; who is cut off hears
#   nothing of that.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.allocator import HierarchicalAllocator, pattern_problem
from mesoslite.master import AgentOptions, Allocator, Master, MasterOptions
from mesoslite.model import MasterInfo
from mesoslite.registry import Registrar

from .audit import listen
from .shadow import Shadow
from .storage import SimStorage, Trouble

if TYPE_CHECKING:
    from libactor.testing import Host
    from mesoslite.election import MemoryMember

    from .world import World

PORT = 5050
OFFER_TIMEOUT_SECONDS = 30.0
RESTART_SECONDS = 5.0  # that an init system waits


class MasterMachine:
    """The ``number``-th master's host; ``up`` unless it has crashed. ``shadow`` is set while a master runs there."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.name = f"master {number}"
        self.host: Host = world.runtime.host(f"10.0.0.{number}:{PORT}")
        self.up = False
        self.starts = 0
        self.trouble = Trouble()
        self.member: MemoryMember | None = None
        self.won: la.Future[Any] | None = None
        self.pids: tuple[la.PID[Any], ...] = ()
        self.actor: Master | None = None
        self.policy: HierarchicalAllocator | None = None
        self.shadow: Shadow | None = None
        self.restart_at = 0.0

    def start(self) -> None:
        """Start the host, if it is down, and stand for leadership."""
        if self.host.life.dead:
            self.world.runtime.network.start(self.host)
        self.up = True
        self.starts += 1
        self.member = self.world.election.join()
        info = MasterInfo(id=f"{self.name} #{self.starts}", port=PORT, pid=f"master@{self.host.address}")
        self.won = self.member.contend(info)

    def crash(self) -> None:
        """Let the host go down; the others find out when its session has expired (World.expire_later)."""
        self.world.runtime.network.crash(self.host)
        self.up = False
        self._forget()
        if self.member is not None:
            self.world.expire_later(self.member)
            self.member = None

    @property
    def leads(self) -> bool:
        """Whether a master runs there that believes that it leads."""
        return self.shadow is not None and self.up and not la.wait(self.pids[0], 0)

    @property
    def pid(self) -> la.PID[Master]:
        """The master that runs there."""
        return self.pids[0]

    def tick(self) -> None:
        """Begin to lead, or cease to."""
        if not self.up:
            return
        if self.shadow is None and self.won is not None and self.won.is_ready():
            self._lead()
        elif self.shadow is not None and (not self.leads or self._has_lost()):
            self.world.note(f"{self.name} leads no more")
            self.stop()
            self.restart_at = self.world.runtime.clock.now() + RESTART_SECONDS
        elif self.member is None and self.world.runtime.clock.now() >= self.restart_at:
            self.start()

    def stop(self) -> None:
        """End the process; the host stays up."""
        for pid in self.pids:
            la.terminate(pid)
        self._forget()
        if self.member is not None:
            self.world.election.mend(self.member)
            self.world.election.expire(self.member)
            self.member = None

    def _has_lost(self) -> bool:
        assert self.won is not None
        return bool(self.won.get(0).lost.is_ready())

    def _forget(self) -> None:
        self.shadow = self.actor = self.policy = self.won = None

    def _lead(self) -> None:
        self.world.note(f"{self.name} has won the election")
        policy = self.policy = HierarchicalAllocator()
        allocator = self.host.spawn(Allocator(policy))
        storage = SimStorage(self.world.registry, self.trouble, self.world.stored)
        registrar = self.host.spawn(Registrar(storage, id=f"registrar({self.starts})"))
        self.actor = Master(
            allocator,
            registrar,
            port=PORT,
            options=MasterOptions(offer_timeout=OFFER_TIMEOUT_SECONDS),
            agents=AgentOptions(),
            pattern_problem=pattern_problem,
        )
        shadow = self.shadow = Shadow(self.actor.master_id)
        listen(self.actor, lambda happening: self.world.hear(self, shadow, happening))
        self.pids = (self.host.spawn(self.actor), allocator, registrar)
