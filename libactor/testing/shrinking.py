"""Shrinking: a failing tape made as small as it gets, so that one can read what it takes to fail."""

# Who calls: the pytest plugin, after a test has failed; users with runs of their own.
# How: delta debugging over the deviations of the tape. Pieces are taken off, large ones first and from the end, because
#   what comes late depends on what came early; then what is left is made smaller. A candidate is kept if the run
#   fails in the same way, so that a tape does not slip from one fault to another.
# Rejected: shrinking by the meaning of choices; a tape that does not fit goes on as the plain run, so blind cuts do.

from __future__ import annotations

import os
import types
from collections.abc import Callable
from typing import TypeAlias

from libactor._core.clock import NANOSECONDS, monotonic_ns
from libactor.testing.collector import held
from libactor.testing.tape import Tape

Deviation: TypeAlias = tuple[str, int, int]  # stream, number of the draw, what came out

_OURS = os.path.dirname(os.path.dirname(__file__)) + os.sep


def shrink(
    run: Callable[[Tape], object],
    tape: Tape,
    *,
    attempts: int = 1000,
    seconds: float = 60.0,
    progress: Callable[[str], object] | None = None,
    kind: Callable[[str], object] | None = None,
) -> Tape:
    """The smallest tape found with which ``run(tape)`` still fails as it does with ``tape``: it raises.

    The same way: an exception of the same class from the same line, outside of libactor, of the first in its chain of
    causes. Bounded by ``attempts``, runs, and real ``seconds``, looked at between runs. ``progress`` is told of each
    smaller tape: how many deviations, after how many runs. ``kind`` says of the name of a stream what sort of choices
    it has: whole kinds are taken off first, which is much at once where there are many streams and runs take long.
    Raises: ValueError if ``run(tape)`` does not fail.
    """
    with held():
        failure = failure_of(run, tape)
        if failure is None:
            raise ValueError(f"shrink: the run does not fail with {tape!r}; expected the tape of a failing run")
        return _Search(run, tape.seed, signature(failure), attempts, seconds, progress).go(tape, kind)


def failure_of(run: Callable[[Tape], object], tape: Tape) -> BaseException | None:
    """What ``run(tape)`` raises, or None; Ctrl-C goes through."""
    try:
        run(tape)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # pytest's own failures are no Exception, nor is SystemExit
        return error
    return None


def signature(error: BaseException) -> tuple[type, str, int]:
    """In which way it failed: the class, and where the first cause was raised."""
    kind, seen = type(error), {id(error)}
    while error.__cause__ is not None and id(error.__cause__) not in seen:
        error = error.__cause__
        seen.add(id(error))
    place, line = "", 0
    trace: types.TracebackType | None = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if not name.startswith(_OURS):
            place, line = name, trace.tb_lineno
        trace = trace.tb_next
    return kind, place, line


class _Search:
    """One search; ``left`` attempts may still be made."""

    def __init__(
        self,
        run: Callable[[Tape], object],
        seed: int,
        wanted: tuple[type, str, int],
        attempts: int,
        seconds: float,
        progress: Callable[[str], object] | None,
    ) -> None:
        self._run = run
        self._seed = seed
        self._wanted = wanted
        self._attempts = self._left = attempts
        self._end_ns = monotonic_ns() + round(seconds * NANOSECONDS)
        self._progress = progress
        self._tried: set[tuple[Deviation, ...]] = set()

    def go(self, tape: Tape, kind: Callable[[str], object] | None) -> Tape:
        kept = list(tape.deviations())
        if kind is not None:
            kept = self._cut_kinds(kept, kind)
        before: list[Deviation] = []
        while kept != before and self._may_go_on():
            before = kept
            kept = self._lower(self._cut(kept))
        return Tape.of(self._seed, kept)

    def _cut_kinds(self, kept: list[Deviation], kind: Callable[[str], object]) -> list[Deviation]:
        """Take off all that is of one kind, each in turn."""
        for each in dict.fromkeys([kind(stream) for stream, _, _ in kept]):
            candidate = [one for one in kept if kind(one[0]) != each]
            if self._fails(candidate):
                kept = candidate
        return kept

    def _cut(self, kept: list[Deviation]) -> list[Deviation]:
        """Take off pieces: all of it, halves, quarters, down to single ones."""
        size = len(kept)
        while size >= 1 and self._may_go_on():
            end = len(kept)
            while end > 0:
                begin = max(0, end - size)
                candidate = kept[:begin] + kept[end:]
                if self._fails(candidate):
                    kept = candidate
                end = begin
            size = min(size // 2, len(kept))
        return kept

    def _lower(self, kept: list[Deviation]) -> list[Deviation]:
        """Make what is left as small as it goes, by 1 at last."""
        for index, (stream, place, value) in enumerate(kept):
            for smaller in dict.fromkeys((1, value // 2, value - 1)):
                if 0 < smaller < value:
                    candidate = [*kept[:index], (stream, place, smaller), *kept[index + 1 :]]
                    if self._fails(candidate):
                        kept = candidate
                        break
        return kept

    def _may_go_on(self) -> bool:
        return self._left > 0 and monotonic_ns() < self._end_ns

    def _fails(self, candidate: list[Deviation]) -> bool:
        """Whether the run still fails in the same way; False, and no run, once the bound is reached."""
        key = tuple(candidate)
        if key in self._tried or not self._may_go_on():
            return False
        self._tried.add(key)
        self._left -= 1
        error = failure_of(self._run, Tape.of(self._seed, candidate))
        fails = error is not None and signature(error) == self._wanted
        if fails and self._progress is not None:
            self._progress(f"{len(candidate)} after {self._attempts - self._left} runs")
        return fails
