"""Faults and other events: what strikes a run once, drawn step by step."""

# Who calls: life.py, at each step of the phase of faults; and ``heal``, when it is over.
# Each step has a stream of its own, so that a step taken off a tape leaves the others as they are.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from libactor.testing import Conditions

from .agent_machine import AgentMachine
from .master_machine import MasterMachine
from .scheduler_machine import SchedulerMachine

if TYPE_CHECKING:
    from collections.abc import Callable

    from libactor.testing import Stream

    from .world import World

DOWN_SECONDS = (3.0, 30.0, 120.0, 700.0)  # that a host stays down, or a partition lasts
NOTICE_SECONDS = (5.0, 15.0)
STRAGGLE_SECONDS = (0.01, 20.0)  # until what straggles arrives: behind a restart of its sender, too


class Faults:
    """What is wrong at this moment, and until when."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._network = world.runtime.network
        self._until: list[tuple[float, Callable[[], None]]] = []  # what is to be mended, and when
        self._partitions: list[tuple[list[str], list[str], bool]] = []
        self._weights = [(self._EVENTS[name], weight) for name, weight in world.options.events]

    def begin(self) -> None:
        """Let the network be bad from now on."""
        rates: dict[str, Any] = dict(self._world.options.rates)
        if "straggle" in rates:
            rates["tail_delay"] = STRAGGLE_SECONDS
        self._set_conditions({name: rate for name, rate in rates.items() if name != "duplicate"})
        if "duplicate" in rates:
            doubling = Conditions(**rates, notice=NOTICE_SECONDS)
            for agent in self._world.agents:
                for master in self._world.masters:
                    self._network.between(agent.host, master.host, doubling)

    def strike(self, stream: Stream) -> None:
        """Perhaps one event of those that the run has."""
        total = sum([weight for _, weight in self._weights])
        if total and stream.chance(min(0.5, 0.08 * total)):
            drawn = stream.choose(total)
            for event, weight in self._weights:
                drawn -= weight
                if drawn < 0:
                    event(self, stream)
                    return

    def mend_due(self) -> None:
        """Mend what has been broken for as long as it was to be."""
        now = self._world.runtime.clock.now()
        due = [mend for when, mend in self._until if when <= now]
        self._until = [entry for entry in self._until if entry[0] > now]
        for mend in due:
            mend()

    def heal(self) -> None:
        """Mend everything.

        Every connection breaks once more: what was lost on one that never broke, nobody would find out. In earnest no
        such connection loses anything, and as in Mesos nothing is there to repair it.
        """
        self._set_conditions({})
        for agent in self._world.agents:
            for master in self._world.masters:
                self._network.between(agent.host, master.host, self._network.conditions)
        for _, mend in self._until:
            mend()
        self._until.clear()
        for master in self._world.masters:
            for other in self._world.machines:
                if not isinstance(other, MasterMachine):
                    self._network.reset(master.host, other.host)

    def _later(self, stream: Stream, mend: Callable[[], None]) -> None:
        self._until.append((self._world.runtime.clock.now() + stream.pick(DOWN_SECONDS), mend))

    def _set_conditions(self, rates: dict[str, Any]) -> None:
        self._network.conditions = Conditions(**rates, notice=NOTICE_SECONDS)

    # ---- the network ----

    def _partition(self, stream: Stream, *, both_ways: bool = True) -> None:
        machine = stream.pick(self._world.machines)
        others = [other.host.address for other in self._world.machines if other is not machine]
        cut = ([machine.host.address], others, both_ways)
        if not both_ways and stream.chance(0.5):
            cut = (cut[1], cut[0], both_ways)
        self._world.note(f"{machine.name} is cut off{'' if both_ways else ', one way'}")
        self._partitions.append(cut)
        self._network.partition(cut[0], cut[1], both_ways=both_ways)

        def mend() -> None:
            self._world.note(f"{machine.name} is cut off no more")
            self._partitions.remove(cut)
            self._network.heal()
            for first, second, both in self._partitions:
                self._network.partition(first, second, both_ways=both)

        self._later(stream, mend)

    def _one_way_partition(self, stream: Stream) -> None:
        self._partition(stream, both_ways=False)

    # ---- hosts ----

    def _crash_agent(self, stream: Stream) -> None:
        machine = stream.pick(self._world.agents)
        if machine.up:
            machine.disks += stream.chance(0.5)
        self._crash(stream, machine)

    def _kill_agent(self, stream: Stream) -> None:
        machine = stream.pick(self._world.agents)
        if machine.up:
            self._world.note(f"{machine.name} is killed")
            machine.kill()
            machine.start() if stream.chance(0.5) else self._start_later(stream, machine)

    def _crash_scheduler(self, stream: Stream) -> None:
        self._crash(stream, stream.pick(self._world.schedulers))

    def _crash_master(self, stream: Stream) -> None:
        self._crash(stream, self._world.leader or stream.pick(self._world.masters))

    def _crash(self, stream: Stream, machine: MasterMachine | AgentMachine | SchedulerMachine) -> None:
        if not machine.up:
            return
        self._world.note(f"{machine.name} crashes")
        machine.crash()
        self._start_later(stream, machine)

    def _start_later(self, stream: Stream, machine: MasterMachine | AgentMachine | SchedulerMachine) -> None:
        def mend() -> None:
            self._world.note(f"{machine.name} starts again")
            machine.start()

        self._later(stream, mend)

    def _restart_agent(self, stream: Stream) -> None:
        machine = stream.pick(self._world.agents)
        if machine.up:
            self._world.note(f"{machine.name} restarts")
            machine.crash(loses_disk=True)
            machine.start()

    def _leave(self, stream: Stream) -> None:
        machine = stream.pick(self._world.agents)
        if machine.up:
            self._world.note(f"{machine.name} leaves")
            machine.leave()

    # ---- masters ----

    def _fail_registry(self, stream: Stream) -> None:
        machine = self._world.leader or stream.pick(self._world.masters)
        trouble = machine.trouble
        trouble.fails_before, trouble.fails_after = (False, True) if stream.chance(0.5) else (True, False)
        self._world.note(f"the registry of {machine.name} fails, {'done' if trouble.fails_after else 'undone'}")
        self._later(stream, trouble.end)

    def _slow_registry(self, stream: Stream) -> None:
        machine = self._world.leader or stream.pick(self._world.masters)
        machine.trouble.seconds = stream.pick((1.0, 5.0, 30.0))
        self._world.note(f"the registry of {machine.name} takes {machine.trouble.seconds:g} s")
        self._later(stream, machine.trouble.end)

    def _split(self, stream: Stream) -> None:
        machine = self._world.leader
        if machine is None or machine.seat is None:
            return
        seat = machine.seat
        self._world.note(f"{machine.name} is cut off from the election, and believes that it leads")
        self._world.election.cut_off(seat.member)
        self._later(stream, lambda: self._world.election.mend(seat.member))

    _EVENTS: ClassVar[dict[str, Callable[[Faults, Stream], None]]] = {
        "partition": _partition,
        "one-way partition": _one_way_partition,
        "agent crash": _crash_agent,
        "scheduler crash": _crash_scheduler,
        "master crash": _crash_master,
        "agent restarts": _restart_agent,
        "agent is killed": _kill_agent,
        "agent leaves": _leave,
        "registry fails": _fail_registry,
        "registry is slow": _slow_registry,
        "two masters": _split,
    }
