"""Which seeds a test runs with: the decorator, and what stands on the command line."""

# Who calls: tests decorate; the pytest plugin reads both. Needs no pytest.

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, cast

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

MARK = "_libactor_seeds"
SEEDS_MAX = 1_000_000  # in one range of the command line


def seeds(which: int | Iterable[int]) -> Callable[[FunctionT], FunctionT]:
    """Run a test with each of these seeds, a number of them counted from 0, until one fails.

    The test takes the fixture ``deterministic``; it and what depends on it is made anew for each seed. ``--actor-seed``
    takes precedence. Raises: TypeError without the parentheses.
    """
    if callable(cast(object, which)):
        name = getattr(which, "__name__", which)
        raise TypeError(f"seeds: got the function {name}, expected a number of seeds; write @seeds(100) above it")
    chosen: Sequence[int] = range(which) if isinstance(which, int) else tuple(which)
    if not chosen or not all(type(seed) is int for seed in chosen):
        raise ValueError(f"seeds: got {which!r}, expected a number of seeds from 1 on, or the seeds themselves")

    def mark(function: FunctionT) -> FunctionT:
        setattr(function, MARK, chosen)
        return function

    return mark


def parse_seeds(text: str) -> Sequence[int]:
    """``7``, ``1,5,9``, ``0-199`` or a list of these. Raises: ValueError for anything else."""
    chosen: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        try:
            begin = int(first)
            end = int(last) if dash else begin
        except ValueError:
            begin, end = 1, 0
        if end - begin >= SEEDS_MAX:
            raise ValueError(f"got {text!r}, expected a range of at most {SEEDS_MAX} seeds")
        if end < begin:
            raise ValueError(f"got {text!r}, expected a seed, a list such as 1,5,9, or a range such as 0-199")
        chosen.extend(range(begin, end + 1))
    return chosen
