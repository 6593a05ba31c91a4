"""Master machine: a host with a production master that stands for leadership, its allocator and its registrar."""

# Who calls: world.py makes them and looks after them at each step; faults.py crashes them and cuts them off.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.allocator import HierarchicalAllocator, pattern_problem
from mesoslite.master import AgentOptions, Allocator, Master, MasterOptions
from mesoslite.registry import Registrar

from .audit import listen
from .seat import Seat
from .shadow import Shadow
from .storage import SimStorage, Trouble

if TYPE_CHECKING:
    from libactor.testing import Host

    from .world import World

PORT = 5050
OFFER_TIMEOUT_SECONDS = 30.0
RESTART_SECONDS = 5.0  # that an init system waits


class MasterMachine:
    """The ``number``-th master's host; ``up`` unless it has crashed.

    ``shadow`` is of the master that runs there, None while none does; ``trouble`` is what its registry suffers from.
    """

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.name = f"master {number}"
        self.host: Host = world.runtime.host(f"10.0.0.{number}:{PORT}")
        self.up = False
        self.trouble = Trouble()
        self.seat: Seat | None = None
        self.pids: tuple[la.PID[Any], ...] = ()
        self.actor: Master | None = None
        self.policy: HierarchicalAllocator | None = None
        self.shadow: Shadow | None = None
        self._starts = 0
        self._restart_at = 0.0

    @property
    def lives(self) -> bool:
        """Whether a master runs there, whether it leads or not."""
        return self.up and self.shadow is not None and not la.wait(self.pid, 0)

    @property
    def leads(self) -> bool:
        """Whether a master runs there that believes that it leads, and has read the registry."""
        return self.shadow is not None and self.shadow.epoch > 0 and self.lives

    @property
    def pid(self) -> la.PID[Master]:
        """The master that runs there, or ran there last."""
        return self.pids[0]

    def start(self) -> None:
        """Start the host, if it is down, and a master there."""
        if self.host.life.dead:
            self.world.runtime.network.start(self.host)
        self.up = True
        self._starts += 1
        policy = self.policy = HierarchicalAllocator()
        allocator = self.host.spawn(Allocator(policy))
        storage = SimStorage(self.world.registry, self.trouble, self.world.stored)
        registrar = self.host.spawn(Registrar(storage, id=f"registrar({self._starts})"))
        seat = self.seat = Seat(self.world.election)
        with self.host:
            self.actor = Master(
                allocator,
                registrar,
                contender=seat,
                detector=seat,
                hostname=self.name.replace(" ", "-"),
                port=PORT,
                options=MasterOptions(offer_timeout=OFFER_TIMEOUT_SECONDS),
                agents=AgentOptions(agent_removal_rate_limit=self.world.options.removal_limit),
                pattern_problem=pattern_problem,
            )
        shadow = self.shadow = Shadow(self.actor.master_id)
        listen(self.actor, lambda happening: self.world.hear(self, shadow, happening))
        self.pids = (self.host.spawn(self.actor), allocator, registrar)

    def crash(self) -> None:
        """Let the host go down; the others find out when its session has expired."""
        self.world.runtime.network.crash(self.host)
        self.up = False
        self.shadow = None
        if self.seat is not None:
            self.world.expire_later(self.seat)
            self.seat = None

    def tick(self) -> None:
        """Do what the master asks the election; one that has ended is started anew, as an init system does."""
        now = self.world.runtime.clock.now()
        if not self.up:
            return
        if self.seat is not None:
            self.seat.tick()
        if self.shadow is not None and not self.lives:
            self.world.note(f"{self.name} has ended")
            self._stop()
            self._restart_at = now + RESTART_SECONDS
        elif self.shadow is None and now >= self._restart_at:
            self.start()

    def _stop(self) -> None:
        """End what is left of the process; the host stays up."""
        for pid in self.pids:
            la.terminate(pid)
        self.shadow = None
        if self.seat is not None:
            self.seat.leave()
            self.seat = None
