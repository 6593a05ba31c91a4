"""What remote lines send, and the object that counts it where it arrives."""

# Who calls: every peer of remote lines, on both sides. The receiver calls a method of its object for each message; the
#   sender asks it afterwards what arrived, over the same connection, so that the answer is behind all messages.
# Invariant: what was counted is count, size and content, so a message that was lost, cut or mixed up is noticed.

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from bench.benchmarks import expect

SMALL = tuple(bytes([number]) * 100 for number in range(10))
LARGE = tuple(bytes([number]) * 10**6 for number in range(10))


@dataclass
class Reading:
    """One of the objects of a message."""

    place: int
    level: int


READINGS = [Reading(place, place % 100) for place in range(10_000)]


class Tally:
    """Counts messages, their bytes, and the sum of their first bytes."""

    def __init__(self) -> None:
        self.count = self.size = self.sum = self.total = 0

    def take(self, payload: bytes) -> None:
        """Count one message."""
        self.count += 1
        self.size += len(payload)
        self.sum += payload[0]

    def report(self, _: object = None) -> tuple[int, int, int]:
        """Answer what has arrived."""
        return self.count, self.size, self.sum

    def add(self, number: int) -> int:
        """Add, and answer the sum so far."""
        self.total += number
        return self.total

    def sum_up(self, readings: list[Reading]) -> int:
        """Add the levels, and answer the sum so far."""
        self.total += sum([reading.level for reading in readings])
        return self.total


def messages(payloads: Sequence[bytes], count: int) -> Iterator[bytes]:
    """Yield ``count`` messages, each other than the one before."""
    return islice(cycle(payloads), count)


def expect_arrived(report: Sequence[int], payloads: Sequence[bytes], count: int) -> None:
    """Raise WorkNotDone unless ``report`` is that of ``count`` messages."""
    wanted = (count, count * len(payloads[0]), sum([payload[0] for payload in messages(payloads, count)]))
    expect(tuple(report), wanted, "messages, bytes and sum that arrived")


def expect_answers(total: int, count: int) -> None:
    """Raise WorkNotDone unless ``total`` is the sum of the answers to ``count`` questions that each added one."""
    expect(total, count * (count + 1) // 2, "sum of the answers")


def expect_sums(total: int, count: int) -> None:
    """Raise WorkNotDone unless ``total`` is that of ``count`` questions, each answered by the sum so far."""
    each = sum([reading.level for reading in READINGS])
    expect(total, each * count * (count + 1) // 2, "sum of the sums so far")
