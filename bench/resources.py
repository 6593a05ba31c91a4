"""Resource arithmetic: what an agent with hundreds of reservations, or with ports in pieces, costs to reckon with."""

# ``python -m bench.resources`` prints it. No peer and one process: what is timed is pure arithmetic, by the processor's
#   time. The parameters are those of Mesos's own UpdateAllocation and DeclineOffers: four resources for each of 200
#   roles with labels of 36 characters, and ports in 16 pieces. Each operation checks its result once, untimed.

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from time import process_time

from bench.benchmarks import expect
from mesoslite.model import Label, Reservation, ReservationType, Resources

ROLES, EACH, PIECES = 200, 4, 16
ROUNDS, SEED = 5, 4711


@dataclass(frozen=True)
class Operation:
    """One line: what is done, and what it must give."""

    name: str
    run: Callable[[], object]
    result: object


def operations(roles: int) -> list[Operation]:
    """The operations, on an agent with ``EACH`` reserved resources for each of ``roles`` roles."""
    return [*_reserved(roles), *_common()]


def _reserved(roles: int) -> list[Operation]:
    rng = random.Random(SEED)
    entries = [_entry(rng, number % roles) for number in range(roles * EACH)]
    total = Resources.parse("cpus:1000;mem:1000000;ports:[31000-32000]") + sum(entries, Resources())
    expect(len(total.reserved().others), roles * EACH, "reserved resources of the agent")
    wanted = Resources.parse("cpus:1")
    reservation = _reservation(rng, roles // 2)
    reserved = wanted.pushed(reservation)
    middle = entries[len(entries) // 2]
    role = middle.others[0].kind.role
    mine = total.reserved_by_role()[role]

    def reserve() -> Resources:
        """RESERVE as a master does it: is it there, convert it, and is the result there."""
        expect(total.contains(wanted), True, "whether it is there")
        after = total - wanted + wanted.pushed(reservation)
        expect(after.contains(reserved), True, "whether it is reserved")
        return after

    after = reserve()
    among = f"among {roles * EACH} reservations"
    return [
        Operation(f"RESERVE {among}: contains, push, subtract, add, contains", reserve, total - wanted + reserved),
        Operation(f"UNRESERVE {among}: subtract, pop, add", lambda: after - reserved + reserved.popped(), total),
        Operation(f"contains one {among}", lambda: total.contains(middle), True),
        Operation(f"allocatable_to a role {among}", lambda: total.allocatable_to(role), total.unreserved() + mine),
        Operation(f"scalars {among}", total.scalars, total.scalars()),
    ]


def _common() -> list[Operation]:
    agent = Resources.parse("cpus:24;mem:4096;disk:4096;ports:[31000-32000]")
    pieces = ",".join([f"{31000 + 60 * piece}-{31020 + 60 * piece}" for piece in range(PIECES)])
    used = Resources.parse(f"cpus:16;mem:2014;disk:1024;ports:[{pieces}]")
    left = agent - used
    task = Resources.parse("cpus:1;mem:128;ports:[31030-31032,31100-31102]")
    plain, less = Resources.parse("cpus:24;mem:4096;disk:4096"), Resources.parse("cpus:16;mem:2014;disk:1024")
    return [
        Operation("plain scalars: add", lambda: plain + less, less + plain),
        Operation("plain scalars: subtract", lambda: plain - less, Resources.parse("cpus:8;mem:2082;disk:3072")),
        Operation("plain scalars: contains", lambda: plain.contains(less), True),
        Operation(f"ports in {PIECES} pieces: subtract all", lambda: agent - used, left),
        Operation(f"ports in {PIECES} pieces: add all", lambda: left + used, agent),
        Operation(f"ports in {PIECES} pieces: subtract two", lambda: left - task, left - task),
        Operation(f"ports in {PIECES} pieces: contains two", lambda: left.contains(task), True),
    ]


def _entry(rng: random.Random, role: int) -> Resources:
    return Resources.parse(rng.choice(["cpus:1", "mem:64"])).pushed(_reservation(rng, role))


def _reservation(rng: random.Random, role: int) -> Reservation:
    label = Label(_text(rng), _text(rng))
    return Reservation(ReservationType.DYNAMIC, f"role-{role}", "principal", (label,))


def _text(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128)))


def microseconds(operation: Operation, times: int) -> float:
    """Run an operation often and return what one run takes at best, of ``ROUNDS`` rounds."""
    expect(operation.run(), operation.result, operation.name)
    best = float("inf")
    for _ in range(ROUNDS):
        start = process_time()
        for _ in range(times):
            operation.run()
        best = min(best, process_time() - start)
    return best / times * 1e6


def main(times: int = 2_000) -> None:
    """Print a line for each operation."""
    for operation in operations(ROLES):
        print(f"{operation.name:<76} {microseconds(operation, times):8.2f} µs")


if __name__ == "__main__":
    main()
