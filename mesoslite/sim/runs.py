"""Run: one seed, or one tape, from its beginning to what was found; and the tape of a failure made small."""

# Who calls: many.py for each seed, the command line, tests.
# Sandboxes are made in a temporary folder, whose name no actor is told but the agent whose it is.

from __future__ import annotations

import logging
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from libactor.testing import DeterministicRuntime, EventLog, Tape, shrink

from .checks import ALL
from .life import Life
from .violation import Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .checker import Checker

EVENTS_KEPT = 40
CLOSE_SECONDS = 60.0  # a registry takes 30 at most, and a run that fails may end amid that


class Outcome(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What became of a run.

    ``digest`` is the hash of all that its actors did: equal runs have equal ones. ``error`` is empty if every
    invariant holds. Of a failure, ``notes`` and ``events`` are the last things that happened in the cluster and in the
    runtime, and ``tape`` is that of its choices, as text.
    """

    seed: int
    options: str
    digest: str
    events_count: int
    virtual_seconds: float
    steps: int
    invariant: str = ""
    error: str = ""
    notes: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    tape: str = ""

    @property
    def failed(self) -> bool:
        """Whether an invariant does not hold, or the run ended with another error."""
        return bool(self.error)


def run(seed: int | None = None, tape: Tape | None = None, *, checkers: Sequence[type[Checker]] = ALL) -> Outcome:
    """Run a seed, or make the choices of a tape again."""
    return _Run(seed, tape, checkers).outcome()


def shrink_failure(
    tape: Tape,
    *,
    seconds: float,
    checkers: Sequence[type[Checker]] = ALL,
    progress: Callable[[str], object] | None = None,
) -> Tape:
    """The smallest tape found that fails as this one does, after so many seconds of real time.

    Whole kinds of choices are taken off first (all that the network did, who was served when, and so on), since a run
    takes long and most of them do not matter. Raises: ValueError, if it does not fail.
    """

    def fail(candidate: Tape) -> None:
        error = _Run(None, candidate, checkers).error
        if error is not None:
            raise error

    return shrink(fail, tape, seconds=seconds, progress=progress, kind=_kind)


def _kind(stream: str) -> str:
    """What sort of choices a stream is: its first word."""
    return stream.split()[0]


@contextmanager
def _quiet() -> Iterator[None]:
    """What actors log of what goes wrong is no news here; a checker looks at who is stopped by an error."""
    loggers = [logging.getLogger(name) for name in ("mesoslite", "libactor")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


class _Run:
    """A run that is over."""

    def __init__(self, seed: int | None, tape: Tape | None, checkers: Sequence[type[Checker]]) -> None:
        self._log = EventLog(keep=EVENTS_KEPT)
        self.error: Exception | None = None
        with _quiet(), tempfile.TemporaryDirectory(prefix="mesoslite-sim-") as folder:
            self._runtime = DeterministicRuntime(seed, tape, log=self._log)
            with self._runtime:
                self._life = Life(self._runtime, Path(folder), [kind() for kind in checkers])
                self._began = self._runtime.clock.now()
                try:
                    self._life.go()
                except Exception as error:  # an actor's or the simulator's own: that is a finding, too
                    self.error = error
                self._seconds = self._runtime.clock.now() - self._began
                self._tape = self._runtime.tape
                self._events = tuple(self._log)
                self._digest, self._count = self._log.digest(), self._log.count
                self._runtime.close(CLOSE_SECONDS)

    def outcome(self) -> Outcome:
        """What became of it."""
        error = self.error
        text = "" if error is None else str(error) if isinstance(error, Violation) else repr(error)
        return Outcome(
            seed=self._tape.seed,
            options=self._life.options.text,
            digest=self._digest,
            events_count=self._count,
            virtual_seconds=self._seconds,
            steps=self._life.steps,
            invariant=error.invariant if isinstance(error, Violation) else type(error).__name__ if error else "",
            error=text,
            notes=tuple(self._life.world.notes) if error else (),
            events=self._events if error else (),
            tape=self._tape.to_json() if error else "",
        )
