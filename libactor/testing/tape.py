"""Tape: the choices of one deterministic run, to be run again, and to be made smaller."""

# Who calls: a deterministic runtime plays one and writes one (streams.py); shrink.py takes choices off it.
# What stands on it: per stream of choices the draws that came out other than 0, by the number of the draw. 0 is always
#   the tame choice: the actor that has waited longest, the timer that was set first, no fault. So a tape with nothing
#   on it is the plain run, and one that runs out, or does not fit, goes on as the plain run.
# A file: JSON, one object; the draws of a stream are pairs in order.

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

VERSION = 1


@dataclass(frozen=True, slots=True)
class Tape:
    """The choices of a run: ``streams`` maps name of stream to {number of draw: what came out, where it was not 0}."""

    seed: int
    streams: Mapping[str, Mapping[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if type(cast(object, self.seed)) is not int:
            raise TypeError(f"Tape: got the seed {self.seed!r}, expected an integer")

    def __len__(self) -> int:
        """How many choices deviate from 0."""
        return sum(len(draws) for draws in self.streams.values())

    def __repr__(self) -> str:
        names = ", ".join(f"{name}: {len(draws)}" for name, draws in sorted(self.streams.items()))
        return f"<Tape of seed {self.seed}, deviations: {names or 'none'}>"

    def deviations(self) -> tuple[tuple[str, int, int], ...]:
        """Stream, number of the draw and what came out, in order."""
        return tuple(
            (name, place, draws[place]) for name, draws in sorted(self.streams.items()) for place in sorted(draws)
        )

    @classmethod
    def of(cls, seed: int, deviations: Any) -> Tape:
        """The tape with these ``deviations``; those that are 0 are none."""
        streams: dict[str, dict[int, int]] = {}
        for name, place, value in deviations:
            if value:
                streams.setdefault(name, {})[place] = value
        return cls(seed, streams)

    def to_json(self) -> str:
        """As text, which from_json reads; equal tapes have equal texts."""
        streams = {
            name: [[place, draws[place]] for place in sorted(draws)] for name, draws in sorted(self.streams.items())
        }
        return json.dumps({"version": VERSION, "seed": self.seed, "streams": streams}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Tape:
        """Raises: ValueError naming what is wrong with ``text``."""
        try:
            content = json.loads(text)
        except ValueError as error:
            raise ValueError(f"Tape: this is no JSON ({error}); expected what Tape.save has written") from error
        version = content.get("version") if isinstance(content, dict) else None
        if version != VERSION:
            raise ValueError(f"Tape: got the version {version!r}, expected {VERSION}; record the run again")
        seed, streams = content.get("seed"), content.get("streams")
        if not isinstance(seed, int) or isinstance(seed, bool) or not isinstance(streams, dict):
            raise ValueError("Tape: expected an integer `seed` and an object `streams`; record the run again")
        return cls.of(seed, [(name, *_read(name, pair)) for name, pairs in streams.items() for pair in _list(pairs)])

    def save(self, path: str | Path) -> None:
        """Write it to the file ``path``, whose folder is made if need be."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.to_json() + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Tape:
        """Read it from the file ``path``. Raises: OSError, ValueError as from_json."""
        try:
            return cls.from_json(Path(path).read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error


def _list(pairs: Any) -> list[Any]:
    if not isinstance(pairs, list):
        raise ValueError(f"Tape: got {pairs!r} as the draws of a stream, expected a list of pairs")
    return pairs


def _read(name: str, pair: Any) -> tuple[int, int]:
    fits = isinstance(pair, list) and len(pair) == 2 and all(type(number) is int and number >= 0 for number in pair)
    if not fits:
        raise ValueError(f"Tape: got {pair!r} in the stream {name!r}, expected [number of the draw, what came out]")
    return pair[0], pair[1]
