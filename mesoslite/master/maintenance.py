"""Maintenance: machines are to be serviced at a time, taken down, and brought up again, as operators say."""

# Who calls: operator.py for operators, inside the master actor.
# A machine is up, draining once it is in the schedule, and down when an operator says that it is being serviced: its
#   agents are told to stop then, and none may register from it until it is brought up, which takes it out of the
#   schedule. What is known of machines is in the roster; the registry has it first.
# Invariants: 1. one change is under way at a time, so that each is judged by what will be.    2. the allocator hears of
#   a new time before the offers of its agents are rescinded, so that they are not made again by the old one.
#   3. what a change means for agents goes in slices: each is compared with the machines as they are in its turn.
# An agent is on a machine if host name and address are those of its id; a name that the id lacks is not compared.
# Source: Mesos src/master/maintenance.cpp (validation), src/master/http.cpp (_updateMaintenanceSchedule,
#   _startMaintenance, _stopMaintenance, _getMaintenanceStatus), src/master/master.cpp (updateUnavailability).

from __future__ import annotations

import logging
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from msgspec.structs import replace

import libactor as la
from mesoslite.model import InTransition, InvalidRequest, Unavailability, happenings
from mesoslite.model.maintenance import DrainingMachine, InverseAnswer, MaintenanceStatus
from mesoslite.model.registry import (
    Machine,
    MachineID,
    MachineMode,
    Schedule,
    StartMaintenance,
    StopMaintenance,
    UpdateSchedule,
    Window,
)

from .roster import machine_key
from .slices import in_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping

    from mesoslite.model.registry import RegistryOperation

    from .agent_entry import AgentEntry
    from .durability import Durability
    from .ledger import Ledger
    from .offering import Offering
    from .removal import Removal
    from .slices import Slices

log = logging.getLogger("mesoslite.master")

AGENTS_IN_STEP, MACHINES_IN_STEP = 64, 256
# Looks at some machines in a step; what comes of it is what to store, and what to do once that is durable.
Judging: TypeAlias = "Generator[None, None, tuple[RegistryOperation, Callable[[], None]]]"


class Maintenance:
    """The machines of one master's cluster."""

    def __init__(
        self, ledger: Ledger, offering: Offering, removal: Removal, durability: Durability, slices: Slices
    ) -> None:
        self._ledger = ledger
        self._roster = ledger.roster
        self._slices = slices
        self._offering = offering
        self._removal = removal
        self._durability = durability
        self._is_under_way = False

    @property
    def schedule(self) -> Schedule:
        """What is to be serviced."""
        return self._roster.schedule

    @property
    def machines(self) -> tuple[Machine, ...]:
        """The machines of the schedule."""
        return tuple(self._roster.machines.values())

    def status(self) -> MaintenanceStatus:
        """How far the machines of the schedule are, and who has agreed to leave them. Cost: O(agents)."""
        answers: dict[tuple[str, str], list[InverseAnswer]] = {}
        for agent in self._ledger.agents.values():
            machine = self._roster.machine_of(agent.info, agent.pid.address) if agent.answers else None
            if machine is not None:
                answers.setdefault(machine_key(machine.id), []).extend(agent.answers.values())
        draining, down = [], []
        for key, machine in self._roster.machines.items():
            if machine.mode is MachineMode.DRAINING:
                draining.append(DrainingMachine(machine.id, tuple(answers.get(key, ()))))
            elif machine.mode is MachineMode.DOWN:
                down.append(machine.id)
        return MaintenanceStatus(tuple(draining), tuple(down))

    def update_schedule(self, schedule: Schedule) -> la.Future[None]:
        """Service these machines and no others; ready once that is durable.

        Raises: InvalidRequest, for what no schedule can be, or if it leaves out a machine that is down: by the future.
        """
        return self._in_turn(self._schedule(schedule))

    def _schedule(self, schedule: Schedule) -> Judging:
        machines = yield from _judged_schedule(schedule, self._roster.machines)
        tell = partial(self._ledger.chronicle.tell, happenings.ScheduleUpdated, schedule)
        return UpdateSchedule(schedule), partial(self._set, schedule, machines, tell)

    def start(self, machine_ids: tuple[MachineID, ...]) -> la.Future[None]:
        """Take machines of the schedule down: their agents are told to stop; ready once that is durable.

        Raises: InvalidRequest, by the future, unless each is draining.
        """
        operation, then = StartMaintenance(machine_ids), partial(self._take_down, machine_ids)
        return self._in_turn(self._change(operation, MachineMode.DRAINING, "schedule it first", then))

    def stop(self, machine_ids: tuple[MachineID, ...]) -> la.Future[None]:
        """Bring machines up, which takes them out of the schedule; ready once that is durable.

        Raises: InvalidRequest, by the future, unless each is down.
        """
        operation, then = StopMaintenance(machine_ids), partial(self._bring_up, machine_ids)
        return self._in_turn(self._change(operation, MachineMode.DOWN, "take it down first", then))

    # ---- once it is durable ----

    def _take_down(self, machine_ids: tuple[MachineID, ...]) -> None:
        machines = self._roster.machines
        for key in map(machine_key, machine_ids):
            machines[key] = replace(machines[key], mode=MachineMode.DOWN)
        log.info("machines that go down now: %d", len(machine_ids))
        self._ledger.chronicle.tell(happenings.MachinesDown, machine_ids)
        self._with_agents(self._removal.end_if_down)

    def _bring_up(self, machine_ids: tuple[MachineID, ...]) -> None:
        keys, windows = set(map(machine_key, machine_ids)), []
        for window in self._roster.schedule.windows:
            left = tuple([machine_id for machine_id in window.machines if machine_key(machine_id) not in keys])
            if left:
                windows.append(replace(window, machines=left))
        machines = {key: machine for key, machine in self._roster.machines.items() if key not in keys}
        self._set(
            Schedule(tuple(windows)), machines, partial(self._ledger.chronicle.tell, happenings.MachinesUp, machine_ids)
        )

    def _set(self, schedule: Schedule, machines: dict[tuple[str, str], Machine], tell: Callable[[], None]) -> None:
        self._roster.schedule, self._roster.machines = schedule, machines
        tell()
        self._with_agents(self._reschedule)
        log.info("machines to be serviced, or that are being: %d", len(machines))

    def _reschedule(self, agent: AgentEntry) -> None:
        """If an agent is to be serviced at another time than the allocator knows, or no more, say so."""
        unavailability = self._roster.unavailability(agent.info, agent.pid.address)
        if unavailability != agent.unavailability:
            self._offering.inverse.reschedule(agent, unavailability)
            for offer in list(agent.offers.values()):
                self._offering.rescind(offer)

    def _with_agents(self, do: Callable[[AgentEntry], None]) -> None:
        """Do something about each agent that is there when its turn comes; who comes later is entered as things are."""

        def do_if_there(agent: AgentEntry) -> None:
            if self._ledger.agents.get(agent.id) is agent:
                do(agent)

        self._slices.take(self, in_steps(self._ledger.agents.values(), do_if_there, AGENTS_IN_STEP))

    # ---- what they have in common ----

    def _change(
        self, operation: StartMaintenance | StopMaintenance, mode: MachineMode, remedy: str, then: Callable[[], None]
    ) -> Judging:
        """Change machines that are in that mode. Raises: InvalidRequest, for others."""
        for count, machine_id in enumerate(_judged_machines(operation.machines, set()), 1):
            machine = self._roster.machines.get(machine_key(machine_id))
            if machine is None or machine.mode is not mode:
                what = machine.mode.value if machine is not None else "up, and not in the schedule"
                raise _refused(f"{_name(machine_id)} is {what}, expected {mode.value}; {remedy}")
            if count % MACHINES_IN_STEP == 0:
                yield
        return operation, then

    def _in_turn(self, judging: Judging) -> la.Future[None]:
        """Begin a change. Raises: InTransition, if another one is under way."""
        if self._is_under_way:
            raise InTransition("maintenance: another change is being stored; ask again")
        self._is_under_way = True
        promise = la.Promise[None]()
        self._slices.take(self, self._judge(judging, promise))
        return promise.future

    def _judge(self, judging: Judging, promise: la.Promise[None]) -> Iterator[None]:
        """Look whether a change can be, some machines in a step, then store it."""
        try:
            operation, then = yield from judging
        except InvalidRequest as error:
            self._is_under_way = False
            promise.fail(error)
        else:
            self._store(operation, then, promise)

    def _store(self, operation: RegistryOperation, then: Callable[[], None], promise: la.Promise[None]) -> None:
        def durable() -> None:
            self._is_under_way = False
            then()
            promise.set(None)

        def refused(error: Exception) -> None:
            self._is_under_way = False
            promise.fail(error)

        self._durability.apply(operation, durable, refused)


def _judged_schedule(
    schedule: object, known: Mapping[tuple[str, str], Machine]
) -> Generator[None, None, dict[tuple[str, str], Machine]]:
    """The machines of a schedule, ``known`` ones as far as they are, some in a step.

    Raises: InvalidRequest for what is no schedule, or lacks one that is down.
    """
    if not isinstance(schedule, Schedule) or not isinstance(cast(object, schedule.windows), tuple):
        raise _refused(f"got {schedule!r:.200}, expected a Schedule of a tuple of windows")
    seen: set[tuple[str, str]] = set()
    machines: dict[tuple[str, str], Machine] = {}
    for window in cast("Iterable[Any]", schedule.windows):
        if not isinstance(window, Window):
            raise _refused(f"got {window!r:.200}, expected a Window")
        when = _judged_time(window.unavailability)
        for machine_id in _judged_machines(window.machines, seen):
            key = machine_key(machine_id)
            machine = known.get(key) or Machine(machine_id, MachineMode.DRAINING, when)
            machines[key] = replace(machine, unavailability=when)
            if len(machines) % MACHINES_IN_STEP == 0:
                yield
    for key, machine in known.items():
        if machine.mode is MachineMode.DOWN and key not in machines:
            raise _refused(f"{_name(machine.id)} is down and cannot be left out; bring it up first")
    return machines


def _judged_time(when: Any) -> Unavailability:
    """The same, if it is one. Raises: InvalidRequest."""
    if not isinstance(when, Unavailability) or not _is_time(when.start):
        raise _refused(f"got {when!r:.200}, expected an Unavailability with a start in nanoseconds")
    if when.duration is not None and not _is_time(when.duration):
        raise _refused(f"got {when.duration!r:.80} as duration, expected nanoseconds, zero or more, or None")
    return when


def _judged_machines(machine_ids: object, seen: set[tuple[str, str]]) -> Iterator[MachineID]:
    """One after the other, if each has a name and none is ``seen`` twice. Raises: InvalidRequest."""
    if not isinstance(machine_ids, tuple) or not machine_ids:
        raise _refused(f"got {machine_ids!r:.200} as machines, expected a tuple of one or more")
    for machine_id in machine_ids:
        if not isinstance(machine_id, MachineID):
            raise _refused(f"got {machine_id!r:.200} as a machine, expected a MachineID")
        hostname, ip = cast(object, machine_id.hostname), cast(object, machine_id.ip)
        if not isinstance(hostname, str) or not isinstance(ip, str) or not (hostname or ip):
            raise _refused(f"got {machine_id!r:.200}, expected a machine's host name, or its address, or both")
        if ip and _shortest(ip) != ip:
            wanted = _shortest(ip) or "one such as 192.0.2.1 or 2001:db8::1"
            raise _refused(f"got {ip[:80]!r} as the address of a machine, expected {wanted}")
        key = machine_key(machine_id)
        if key in seen:
            raise _refused(f"{_name(machine_id)} is named twice; name each machine once")
        seen.add(key)
        yield machine_id


def _is_time(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _shortest(text: str) -> str | None:
    """The address as a machine's is compared; None, if it is none."""
    try:
        return str(ip_address(text))
    except ValueError:
        return None


def _name(machine_id: MachineID) -> str:
    return "machine " + " ".join(part[:80] for part in (machine_id.hostname, machine_id.ip) if part)


def _refused(problem: str) -> InvalidRequest:
    return InvalidRequest(f"maintenance: {problem}")
