"""Scheduler machine: a host with the scheduler of one framework after the other."""

# Who calls: world.py makes them; faults.py crashes them and starts them again.
# What a scheduler knows outlives its crashes, as on a disk; a framework that was removed is followed by a new one.

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

import libactor as la
from mesoslite.model import MULTI_ROLE, PARTITION_AWARE, FrameworkID, FrameworkInfo, Resources

from .beliefs import Beliefs
from .scheduler import Scheduler

if TYPE_CHECKING:
    from libactor.testing import Host, Stream
    from mesoslite.election import MemoryMember

    from .beliefs import TaskBelief
    from .world import World

ROLES = ("*", "ads", "web", "ads/batch")
SIZES = ("cpus:1;mem:128", "cpus:0.5;mem:64", "cpus:2;mem:256")
FAILOVER_SECONDS = (1e6, 60.0, 1e6, 20.0)


class SchedulerMachine:
    """The ``number``-th scheduler's host; ``up`` unless it has crashed."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.name = f"scheduler {number}"
        self.host: Host = world.runtime.host(f"10.0.2.{number}:5052")
        self.stream: Stream = world.runtime.streams(self.name)
        self.up = False
        self.pid: la.PID[Scheduler] | None = None
        self._member: MemoryMember | None = None
        self.past: list[Beliefs] = []  # of frameworks that were removed
        stream = world.runtime.streams("schedulers")
        self.role = stream.pick(ROLES)
        self.size = Resources.parse(stream.pick(SIZES))
        self.appetite = stream.between(2, 6)
        self.failover_timeout = stream.pick(FAILOVER_SECONDS)
        self.partition_aware = stream.chance(0.5)
        self.checkpoint = not stream.chance(0.3)
        self.has_ports = world.wants("ports") and stream.chance(0.5)
        self.was_offered = False
        self.beliefs = Beliefs()

    def info(self, framework_id: FrameworkID | None) -> FrameworkInfo:
        """What its framework says of itself."""
        return FrameworkInfo(
            name=self.name.replace(" ", "-"),
            roles=(self.role,),
            id=framework_id,
            failover_timeout=self.failover_timeout,
            checkpoint=self.checkpoint,
            capabilities=(MULTI_ROLE, PARTITION_AWARE) if self.partition_aware else (MULTI_ROLE,),
        )

    @property
    def task_prefix(self) -> str:
        """What the ids of its tasks begin with: no two tasks of a run have one id."""
        return f"{self.name.replace(' ', '')}.{len(self.past) + 1}"

    def size_on(self, left: Resources) -> Resources | None:
        """What a task takes of what is left of an offer; None if it does not fit."""
        if not left.contains(self.size):
            return None
        ports = [portion for portion in left.others if portion.kind.name == "ports" and portion.ranges]
        if not (self.has_ports and ports):
            return self.size
        first = ports[0].ranges[0][0]
        return self.size + Resources.from_portions([replace(ports[0], ranges=((first, first),))])

    def start(self) -> None:
        """Start the host, if it is down, and a scheduler there that goes on with what is known."""
        if self.host.life.dead:
            self.world.runtime.network.start(self.host)
        self.up = True
        self._member = self.world.member_after(self._member)
        self.pid = self.host.spawn(Scheduler(self, self._member))

    def crash(self) -> None:
        """Let the host go down."""
        self.world.runtime.network.crash(self.host)
        self.up = False

    def kill(self, task: TaskBelief) -> None:
        """Have the scheduler want the end of a task."""
        assert self.pid is not None
        self.world.note(f"{self.name} is to kill {task.info.task_id}")
        la.tell(self.pid, Scheduler.kill, task.info.task_id)

    def ask(self) -> None:
        """Have the scheduler ask for offers; ``was_offered`` says whether any came."""
        assert self.pid is not None
        self.was_offered = False
        la.tell(self.pid, Scheduler.ask)

    def update(self, number: int) -> None:
        """Have the scheduler say anew what its framework is."""
        assert self.pid is not None
        self.failover_timeout = (1e6, 60.0)[number]
        la.tell(self.pid, Scheduler.update_framework)

    def tear_down(self) -> None:
        """Have the scheduler end its framework."""
        assert self.pid is not None
        self.world.note(f"{self.name} is to end its framework")
        la.tell(self.pid, Scheduler.tear_down)

    def tick(self) -> None:
        """A framework that was removed is followed by a new one."""
        if self.up and self.beliefs.is_removed:
            assert self.pid is not None
            self.past.append(self.beliefs)
            self.beliefs = Beliefs()
            la.terminate(self.pid)
            la.wait(self.pid, 1)
            self.start()
