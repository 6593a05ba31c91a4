"""The tasks of bench/tasks.py as a master keeps them: records, in thousandths and by numbers of states."""

# Who calls: bench/peers/libactor_records.py, bench/peers/libactor_texts.py, bench/records.py. 551 bytes each.

from __future__ import annotations

from enum import Enum

import msgspec

from bench.tasks import task
from libactor.records import RecordType


class State(Enum):
    """As Mesos numbers them."""

    TASK_STARTING = 0
    TASK_RUNNING = 1


class Pair(msgspec.Struct, array_like=True, frozen=True):
    """A label."""

    key: str
    value: str


class Range(msgspec.Struct, array_like=True, frozen=True):
    """Ports, both ends included."""

    begin: int
    end: int


class Amount(msgspec.Struct, array_like=True, frozen=True):
    """A resource; numbers are thousandths."""

    name: str
    scalar: int | None = None
    ranges: tuple[Range, ...] = ()
    role: str = "*"


class Report(msgspec.Struct, array_like=True, frozen=True):
    """A status."""

    state: State
    timestamp: float
    healthy: bool | None = None


class Kept(msgspec.Struct, array_like=True, frozen=True):
    """A task as a master keeps it."""

    id: str
    name: str
    framework_id: str
    slave_id: str
    state: State
    resources: tuple[Amount, ...]
    role: str
    statuses: tuple[Report, ...]
    user: str | None = None
    labels: tuple[Pair, ...] = ()


KEPT = RecordType(Kept, hot=("id",))


def kept(number: int) -> Kept:
    """One of them."""
    shown = task(number)
    return Kept(
        shown.id,
        shown.name,
        shown.framework_id,
        shown.slave_id,
        State[shown.state],
        (
            Amount("cpus", round(shown.resources.cpus * 1_000)),
            Amount("mem", round(shown.resources.mem * 1_000)),
            Amount("ports", None, (Range(31_000 + number % 1_000, 31_001 + number % 1_000),)),
        ),
        shown.role,
        tuple([Report(State[status.state], status.timestamp, status.healthy) for status in shown.statuses]),
        shown.user,
        tuple([Pair(label.key, label.value) for label in shown.labels]),
    )


def packed(count: int) -> list[bytes]:
    """The bytes of so many of them, as they arrive."""
    return [msgspec.msgpack.encode(kept(number)) for number in range(count)]
