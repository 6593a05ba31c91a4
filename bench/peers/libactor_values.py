"""Values that cross to an actor of libactor: copied, moved, shared; and copied by copy.deepcopy beforehand."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import msgspec

import libactor as la
from bench.benchmarks import expect

MOVE_BATCH = 1_000  # moves, and then as many empty messages, so that both meet the same machine
TWO_EACH = 500  # records, each of which is two objects

Record = dict[str, int | list[str]]
Send = Callable[[la.PID["Receiver"], list[Any]], None]


@dataclass
class UsedData:
    """What a task uses."""

    cpus: float
    mem: int


@dataclass
class TaskData:
    """A record as a dataclass that holds another one."""

    id: int
    name: str
    used: UsedData


class UsedStruct(msgspec.Struct):
    """As UsedData."""

    cpus: float
    mem: int


class TaskStruct(msgspec.Struct):
    """As TaskData."""

    id: int
    name: str
    used: UsedStruct


class Receiver(la.Actor):
    """Counts the records that it is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.received = 0

    def receive(self, records: list[Any]) -> None:
        """Count records that are this actor's own."""
        self.received += len(records)

    def receive_shared(self, records: la.Shared[list[Any]]) -> None:
        """Count records that others hold as well."""
        self.received += len(records.value)

    def count(self) -> int:
        """Answer how many there were."""
        return self.received


class Mover(la.Actor):
    """Sends itself its payload, moved, and nothing, in turns; adds up what either took."""

    def __init__(self, payload: bytearray, batches: int) -> None:
        super().__init__()
        self.payload = payload
        self.left = 2 * batches
        self.moving = False
        self.accepted = 0
        self.start = 0.0
        self.seconds = {False: 0.0, True: 0.0}
        self.done: la.Promise[None] = la.Promise()

    def send(self) -> None:
        """Send a batch to itself."""
        self.start = perf_counter()
        if self.moving:
            for _ in range(MOVE_BATCH):
                la.tell(self.pid, Mover.accept, la.move(self.payload))
        else:
            for _ in range(MOVE_BATCH):
                la.tell(self.pid, Mover.accept, None)
        la.tell(self.pid, Mover.end_batch)

    def accept(self, payload: bytearray | None) -> None:
        """Count the payloads that are the very object."""
        self.accepted += payload is self.payload

    def end_batch(self) -> None:
        """Take the time, and begin the next batch."""
        self.seconds[self.moving] += perf_counter() - self.start
        self.moving = not self.moving
        self.left -= 1
        if self.left:
            la.tell(self.pid, Mover.send)
        else:
            self.done.set(None)


class Values:
    """What is sent is made before the clock starts."""

    def copy(self, count: int) -> float:
        """``tell`` with the plain object."""
        return _send(count, _ten_records(), _by_value)

    def move(self, count: int) -> float:
        """``tell`` with ``move``; always the same object, which the receiver leaves as it is."""
        return _send(count, _ten_records(), lambda pid, records: la.tell(pid, Receiver.receive, la.move(records)))

    def share(self, count: int) -> float:
        """``tell`` with ``Shared``."""
        return _send(
            count, _ten_records(), lambda pid, records: la.tell(pid, Receiver.receive_shared, la.Shared(records))
        )

    def move_extra(self, count: int, size: int) -> float:
        """What moves took, less what as many messages that carry None took; an actor sends both to itself."""
        batches = max(1, count // MOVE_BATCH)
        mover = Mover(bytearray(size), batches)
        with la.Runtime():
            la.tell(la.spawn(mover), Mover.send)
            mover.done.future.get()
        expect(mover.accepted, batches * MOVE_BATCH, "payloads that arrived as the very object")
        return (mover.seconds[True] - mover.seconds[False]) / (batches * MOVE_BATCH) * count

    def copy_containers(self, count: int) -> float:
        """Dicts with a list each."""
        return _send(count, _containers(), _by_value)

    def copy_dataclasses(self, count: int) -> float:
        """Dataclasses with a dataclass each."""
        return _send(count, _dataclasses(), _by_value)

    def copy_structs(self, count: int) -> float:
        """Structs with a struct each."""
        return _send(count, _structs(), _by_value)

    def deepcopy_containers(self, count: int) -> float:
        """As copy_containers, after copy.deepcopy."""
        return _send(count, _containers(), _deep_copied)

    def deepcopy_dataclasses(self, count: int) -> float:
        """As copy_dataclasses, after copy.deepcopy."""
        return _send(count, _dataclasses(), _deep_copied)

    def deepcopy_structs(self, count: int) -> float:
        """As copy_structs, after copy.deepcopy."""
        return _send(count, _structs(), _deep_copied)


def _send(count: int, records: list[Any], send: Send) -> float:
    with la.Runtime():
        pid = la.spawn(Receiver())
        start = perf_counter()
        for _ in range(count):
            send(pid, records)
        received = la.dispatch(pid, Receiver.count).get()
        seconds = perf_counter() - start
    expect(received, count * len(records), "records")
    return seconds


def _by_value(pid: la.PID[Receiver], records: list[Any]) -> None:
    la.tell(pid, Receiver.receive, records)


def _deep_copied(pid: la.PID[Receiver], records: list[Any]) -> None:
    la.tell(pid, Receiver.receive, la.move(deepcopy(records)))


def _ten_records() -> list[Record]:
    return _containers()[:10]


def _containers() -> list[Record]:
    return [{"id": number, "tags": ["first", "second"]} for number in range(TWO_EACH)]


def _dataclasses() -> list[TaskData]:
    return [TaskData(number, f"task-{number}", UsedData(1.5, 512)) for number in range(TWO_EACH)]


def _structs() -> list[TaskStruct]:
    return [TaskStruct(number, f"task-{number}", UsedStruct(1.5, 512)) for number in range(TWO_EACH)]
