"""Streams: every random decision of a deterministic run, each kind from a stream of its own."""

# Who calls: the simulation (which actor is next, which timer), the network and the disk (faults); tests for choices of
#   their own; the doors of libactor/_core/randomness.py by random_bytes.
# Invariants: 1. a draw in one stream never shifts another: each has a generator of its own, forked from the seed by
#   name.    2. what choose() answers stands on the tape; 0 is the tame choice.    3. nothing depends on hash().
# Rejected: one generator for all; a new draw anywhere would make another run of every seed.
# Generators are asked for random() only: what comes of a seed there is promised to stay from one Python to the next.

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence
from random import Random
from typing import TypeVar

from libactor.testing.tape import Tape

T = TypeVar("T")

CHOICES_MAX = 1 << 53  # as many as random() tells apart


def derive(seed: int, name: str) -> int:
    """The seed of what is called ``name`` under ``seed``."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:16])


class Stream:
    """One kind of choices. ``taken`` is what came out so far, the draws in order."""

    __slots__ = ("_played", "_random", "name", "taken")

    # _played: what the tape says, by number of the draw; None: the seed decides.

    def __init__(self, name: str, seed: int, played: dict[int, int] | None) -> None:
        self.name = name
        self.taken = array("Q")
        self._random = Random(derive(seed, name)).random
        self._played = played

    def choose(self, count: int) -> int:
        """A number from 0 to less than ``count``, recorded; 0, and no draw, if there is nothing to choose."""
        if count < 2:
            return 0
        if self._played is None:
            value = int(self._random() * count)
        else:
            value = self._played.get(len(self.taken), 0)
            if value >= count:
                value = 0  # the tape does not fit
        self.taken.append(value)
        return value

    def chance(self, probability: float) -> bool:
        """True with this probability, recorded; a tape that has run out says False."""
        if not 0.0 <= probability <= 1.0:
            raise ValueError(f"chance: got the probability {probability!r}, expected 0 to 1")
        if probability == 0.0:
            return False
        if self._played is None:
            value = int(self._random() < probability)
        else:
            value = min(self._played.get(len(self.taken), 0), 1)
        self.taken.append(value)
        return bool(value)

    def between(self, low: int, high: int) -> int:
        """A whole number from ``low``, the tame one, to ``high``."""
        if high < low or high - low >= CHOICES_MAX:
            raise ValueError(f"between: got {low!r} and {high!r}, expected two numbers in order, not too far apart")
        return low + self.choose(high - low + 1)

    def pick(self, items: Sequence[T]) -> T:
        """One of ``items``, of which the first is the tame one."""
        if not items:
            raise ValueError("pick: got nothing to pick from")
        return items[self.choose(len(items))]


class Streams:
    """All streams of a run, by name; each is made when it is first asked for."""

    def __init__(self, seed: int, tape: Tape | None) -> None:
        self.seed = seed
        self._tape = tape
        self._streams: dict[str, Stream] = {}
        self._bytes: dict[str, int] = {}  # purpose to how often it was asked for

    def __call__(self, name: str) -> Stream:
        """The stream called ``name``."""
        stream = self._streams.get(name)
        if stream is None:
            if not isinstance(name, str):
                raise TypeError(f"streams: got {name!r}, expected the name of a stream")
            played = None if self._tape is None else dict(self._tape.streams.get(name, {}))
            stream = self._streams[name] = Stream(name, self.seed, played)
        return stream

    def random_bytes(self, count: int, purpose: str) -> bytes:
        """``count`` bytes, at most 32, for a purpose; they are not chosen, so they do not stand on the tape."""
        number = self._bytes[purpose] = self._bytes.get(purpose, 0) + 1
        return hashlib.sha256(f"{self.seed}/{purpose}/{number}".encode()).digest()[:count]

    def record(self) -> Tape:
        """What came out so far."""
        return Tape.of(
            self.seed,
            [
                (stream.name, place, value)
                for stream in self._streams.values()
                for place, value in enumerate(stream.taken)
                if value
            ],
        )
