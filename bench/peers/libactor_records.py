"""Many messages kept: as records in a collection, or as structs in a list."""

from __future__ import annotations

from time import perf_counter

import msgspec

from bench.benchmarks import expect
from libactor.records import Collection, RecordType

KEPT_AT_ONCE = 10_000
LABELS = 10
PADDING = 400  # bytes, so that a message is about a kilobyte


class Label(msgspec.Struct, array_like=True, frozen=True):
    """As a task of a cluster has ten."""

    key: str
    value: str = ""


class Job(msgspec.Struct, array_like=True, frozen=True):
    """As a task of a cluster, some thirty values."""

    id: str
    name: str
    owner: str
    host: str
    started: float
    resources: dict[str, float]
    labels: tuple[Label, ...] = ()
    data: bytes = b""
    user: str | None = None


JOB = RecordType(Job, hot=("id", "host"))


def packed_job(number: int, padding: int) -> bytes:
    """The bytes of a job."""
    labels = tuple([Label(f"label-key-{n}", f"some value of a label {number * n % 97}") for n in range(LABELS)])
    resources = {"cpus": 0.5, "mem": 128.0, "disk": 1024.0, "ports": 3.0}
    job = Job(
        f"job-{number:012}", "server", "owner-0001-0002", "host-0003", 1.5, resources, labels, b"x" * padding, "root"
    )
    return msgspec.msgpack.encode(job)


class Records:
    """What is kept as it arrived, checked."""

    def record_read(self, count: int) -> float:
        """Records of as many messages, ten thousand of which are kept at a time."""
        packed = [packed_job(number, PADDING) for number in range(min(count, KEPT_AT_ONCE))]
        seconds = 0.0
        for _ in range(max(1, count // len(packed))):
            start = perf_counter()
            records = list(map(JOB.read, packed))
            seconds += perf_counter() - start
        expect(records[-1].id, f"job-{len(packed) - 1:012}", "the last record's id")
        return seconds

    def struct_decode(self, count: int) -> float:
        """The same as structs."""
        packed = [packed_job(number, PADDING) for number in range(min(count, KEPT_AT_ONCE))]
        decode = msgspec.msgpack.Decoder(Job).decode
        seconds = 0.0
        for _ in range(max(1, count // len(packed))):
            start = perf_counter()
            jobs = list(map(decode, packed))
            seconds += perf_counter() - start
        expect(jobs[-1].id, f"job-{len(packed) - 1:012}", "the last struct's id")
        return seconds

    def record_snapshot(self, count: int) -> float:
        """A snapshot of a collection of as many records, while another one is held."""
        jobs = Collection(JOB, "id")
        for number in range(count):
            jobs.put(JOB.read(packed_job(number, 0)))
        before = jobs.snapshot()
        start = perf_counter()
        snapshot = jobs.snapshot()
        seconds = perf_counter() - start
        expect(len(snapshot), len(before), "records in the snapshot")
        return seconds
