"""Scheduler machine: a host with the scheduler of one framework after the other."""

# Who calls: world.py makes them; faults.py crashes them and starts them again.
# What a scheduler knows outlives its crashes, as on a disk; a framework that was removed is followed by a new one.

from __future__ import annotations

from typing import TYPE_CHECKING

import libactor as la
from mesoslite.model import MULTI_ROLE, PARTITION_AWARE, FrameworkID, FrameworkInfo, Resources

from .beliefs import Beliefs
from .scheduler import Scheduler

if TYPE_CHECKING:
    from libactor.testing import Host, Stream

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
        self.past: list[Beliefs] = []  # of frameworks that were removed
        stream = world.runtime.streams("schedulers")
        self.role = stream.pick(ROLES)
        self.size = Resources.parse(stream.pick(SIZES))
        self.appetite = stream.between(2, 6)
        self.failover_timeout = stream.pick(FAILOVER_SECONDS)
        self.partition_aware = stream.chance(0.5)
        self.checkpoint = not stream.chance(0.3)
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

    def start(self) -> None:
        """Start the host, if it is down, and a scheduler there that goes on with what is known."""
        if self.host.life.dead:
            self.world.runtime.network.start(self.host)
        self.up = True
        self.pid = self.host.spawn(Scheduler(self, self.world.election.join()))

    def crash(self) -> None:
        """Let the host go down."""
        self.world.runtime.network.crash(self.host)
        self.up = False

    def kill(self, task: TaskBelief) -> None:
        """Have the scheduler want the end of a task."""
        assert self.pid is not None
        self.world.note(f"{self.name} is to kill {task.info.task_id}")
        la.tell(self.pid, Scheduler.kill, task.info.task_id)

    def calm_down(self) -> None:
        """Have the scheduler say once more what it wants."""
        assert self.pid is not None
        la.tell(self.pid, Scheduler.calm_down)

    def tick(self) -> None:
        """A framework that was removed is followed by a new one."""
        if self.up and self.beliefs.is_removed:
            assert self.pid is not None
            self.past.append(self.beliefs)
            self.beliefs = Beliefs()
            la.terminate(self.pid)
            la.wait(self.pid, 1)
            self.start()
