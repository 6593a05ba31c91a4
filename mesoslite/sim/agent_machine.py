"""Agent machine: a host with a production agent, whose containers are fake."""

# Who calls: world.py makes them; faults.py crashes them and starts them again.
# An agent that is killed alone, or with its host, is gone on with by the next one there, unless the disk is lost too;
#   containers go on beside an agent, and not beyond their host.

from __future__ import annotations

from typing import TYPE_CHECKING

import libactor as la
from mesoslite.agent import Agent, RecoveryOptions
from mesoslite.model import Resources

from .containers import Boot, SimContainer, SimContainerizer

if TYPE_CHECKING:
    from libactor.testing import Host
    from mesoslite.election import MemoryMember

    from .world import World

RESOURCES = Resources.parse("cpus:4;mem:1024;disk:1000;ports:[31000-31007]")
PORT = 5051


class AgentMachine:
    """The ``number``-th agent's host; ``up`` unless it has crashed."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.name = f"agent {number}"
        self.hostname = f"agent-{number}"
        self.host: Host = world.runtime.host(f"10.0.1.{number}:{PORT}")
        self.up = False
        self.starts = 0
        self.pid: la.PID[Agent] | None = None
        self.actor: Agent | None = None
        self.containerizer: SimContainerizer | None = None
        self.boots = self.disks = 0  # how often the host was started, and was given a disk
        self._boot = Boot()
        self._member: MemoryMember | None = None

    def start(self) -> None:
        """Start the host, if it is down, and an agent there."""
        if self.host.life.dead:
            self.world.runtime.network.start(self.host)
        self.up = True
        self.starts += 1
        self.containerizer = SimContainerizer(self._boot, self._fails, self._launched)
        self.containerizer.open(self.host)
        self._member = self.world.member_after(self._member)
        self.actor = Agent(
            self._member,
            resources=RESOURCES,
            work_dir=self.world.folder / f"{self.hostname}-{self.disks}",
            containerizer=self.containerizer,
            hostname=self.hostname,
            port=PORT,
            recovery=RecoveryOptions(boot_id=str(self.boots)),
            id="slave(1)",
        )
        self.pid = self.host.spawn(self.actor)

    def crash(self, *, loses_disk: bool = False) -> None:
        """Let the host go down, with all that runs there."""
        self.kill()
        self._boot.vanish()
        self._boot = Boot()
        self.boots += 1
        self.disks += loses_disk

    def kill(self) -> None:
        """Let the agent end at once; its containers go on."""
        self.world.runtime.network.crash(self.host)
        self.up = False

    @property
    def lives(self) -> bool:
        """Whether an agent runs there."""
        return self.up and self.pid is not None and not la.wait(self.pid, 0)

    @property
    def containers(self) -> list[SimContainer]:
        """Those that run."""
        return [container for container in self._boot.containers.values() if container.lives]

    @property
    def is_serviced(self) -> bool:
        """Whether operators have taken the machine down."""
        return self.world.operator.services(self.hostname)

    def leave(self) -> None:
        """End the agent in order: it takes leave, and ``tick`` starts another one."""
        if self.pid is not None and self.lives:
            la.terminate(self.pid)

    def tick(self) -> None:
        """Time has passed. An agent that its master has shut down is started anew, as an init system does."""
        if not self.up:
            self._boot.pass_time(self.world.runtime.clock.now())
        if self.up and not self.lives:
            self.world.note(f"{self.name} has ended; it is started anew")
            assert self.containerizer is not None
            assert self.containerizer.processes is not None
            la.terminate(self.containerizer.processes)
            la.wait(self.containerizer.processes, 1)
            self.start()

    def _fails(self) -> bool:
        return self.world.launch_fails()

    def _launched(self, container: SimContainer) -> None:
        self.world.containers.append((self, container))
