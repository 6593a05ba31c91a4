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
RECORDS = 500  # of three objects each

Send = Callable[[la.PID["Receiver"], list[Any]], None]


@dataclass
class ResourcesData:
    """What a task uses."""

    cpus: float
    mem: int
    disk: int


@dataclass
class TaskData:
    """A record as a dataclass that holds another one and a list."""

    id: int
    name: str
    state: str
    resources: ResourcesData
    labels: list[str]


class ResourcesStruct(msgspec.Struct):
    """As ResourcesData."""

    cpus: float
    mem: int
    disk: int


class TaskStruct(msgspec.Struct):
    """As TaskData."""

    id: int
    name: str
    state: str
    resources: ResourcesStruct
    labels: list[str]


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

    def give_back(self, records: list[Any]) -> list[Any]:
        """Answer what came."""
        return records

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
        return _send(count, _ten_records(), lambda pid, records: la.tell(pid, Receiver.receive, records))

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
        """Dicts with a dict and a list each."""
        return _copy(count, _containers())

    def copy_dataclasses(self, count: int) -> float:
        """Dataclasses with a dataclass and a list each."""
        return _copy(count, _dataclasses())

    def copy_structs(self, count: int) -> float:
        """Structs with a struct and a list each."""
        return _copy(count, _structs())

    def deepcopy_containers(self, count: int) -> float:
        """As copy_containers, by copy.deepcopy."""
        return _deepcopy(count, _containers())

    def deepcopy_dataclasses(self, count: int) -> float:
        """As copy_dataclasses, by copy.deepcopy."""
        return _deepcopy(count, _dataclasses())

    def deepcopy_structs(self, count: int) -> float:
        """As copy_structs, by copy.deepcopy."""
        return _deepcopy(count, _structs())


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


def _copy(count: int, records: list[Any]) -> float:
    """``defer`` takes what it binds by value; each copy goes away with what ``defer`` returned, the last is used."""
    with la.Runtime():
        pid = la.spawn(Receiver())
        start = perf_counter()
        for _ in range(count):
            deferred = la.defer(pid, Receiver.give_back, records)
        seconds = perf_counter() - start
        records_then = deepcopy(records)
        records.clear()
        expect(deferred().get(), records_then, "records that were bound before the sender's were taken away")
    return seconds


def _deepcopy(count: int, records: list[Any]) -> float:
    start = perf_counter()
    for _ in range(count):
        copied = deepcopy(records)
    seconds = perf_counter() - start
    expect(copied, records, "records")
    expect(copied[0] is records[0], False, "the first record itself")
    return seconds


def _ten_records() -> list[dict[str, Any]]:
    return [{"id": number, "tags": ["first", "second"]} for number in range(10)]


def _containers() -> list[dict[str, Any]]:
    return [
        {
            "id": number,
            "name": f"task-{number}",
            "state": "running",
            "resources": {"cpus": 1.5, "mem": 512, "disk": 0},
            "labels": ["first", "second"],
        }
        for number in range(RECORDS)
    ]


def _dataclasses() -> list[TaskData]:
    return [
        TaskData(number, f"task-{number}", "running", ResourcesData(1.5, 512, 0), ["first", "second"])
        for number in range(RECORDS)
    ]


def _structs() -> list[TaskStruct]:
    return [
        TaskStruct(number, f"task-{number}", "running", ResourcesStruct(1.5, 512, 0), ["first", "second"])
        for number in range(RECORDS)
    ]
