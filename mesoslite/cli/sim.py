"""`mesoslite sim`: clusters in simulation, with faults drawn from seeds, until an invariant does not hold."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .failure import FAILED, USAGE, fail, say
from .signals import ended_by_sigterm

if TYPE_CHECKING:
    from libactor.testing import Tape
    from mesoslite.sim import Outcome

INTERRUPTED = 130


def sim(
    seed: Annotated[int | None, typer.Option(help="Run this seed alone, and say how it went.", min=0)] = None,
    seeds: Annotated[int, typer.Option(help="How many seeds to run.", min=1)] = 100,
    first: Annotated[int, typer.Option(help="The first of them.", min=0)] = 0,
    jobs: Annotated[int | None, typer.Option(help="On so many processes; left out, one a CPU.", min=1)] = None,
    tape: Annotated[
        str | None, typer.Option(help="Make the choices of this file again, not those of a seed.", metavar="FILE")
    ] = None,
    tapes: Annotated[str, typer.Option(help="Where the tapes of failures go.", metavar="DIR")] = ".sim-tapes",
    shrink: Annotated[
        float, typer.Option(help="For so many seconds look for a smaller tape that fails the same way.", min=0)
    ] = 30.0,
    keep_going: Annotated[bool, typer.Option("--keep-going", help="Run the other seeds after a failure, too.")] = False,
    invariants: Annotated[bool, typer.Option("--invariants", help="List what is checked, and exit.")] = False,
) -> None:
    """Look for faults in simulated clusters, by seeds.

    Runs whole clusters on virtual time, the real master, allocator and agents. A seed decides everything: how large the
    cluster is, what its frameworks do, what is lost, repeated or cut, who crashes when, and in which order actors are
    served. The same seed is the same run. After each step, and when all is mended, it is checked that nothing is given
    twice, forgotten or contradicted; --invariants lists what.

    Of a seed that fails: its options, what does not hold, what happened last, a tape of its choices, made as small as
    it gets, and the command that runs it again.

    Exit status: 0; 1 if an invariant does not hold, 2 for options that can never work, 130 after Ctrl-C,
    143 after SIGTERM.
    """
    from mesoslite.sim import ALL, run

    if invariants:
        for checker in ALL:
            say(f"{checker.invariant:3} {checker.claim}")
        return
    try:
        with ended_by_sigterm():
            if tape is not None:
                _tell(run(tape=_load(tape)), None, 0)
            elif seed is not None:
                _tell(run(seed), Path(tapes), shrink)
            else:
                _run_many(range(first, first + seeds), jobs, Path(tapes), shrink, keep_going)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def _run_many(seeds: range, jobs: int | None, tapes: Path, shrink: float, keep_going: bool) -> None:
    from mesoslite.sim import run_many

    say(f"seeds {seeds[0]} to {seeds[-1]}")
    count = events = 0
    seconds = 0.0
    failed: list[int] = []
    for outcome in _with_progress(run_many(seeds, jobs), len(seeds)):
        count, events, seconds = count + 1, events + outcome.events_count, seconds + outcome.virtual_seconds
        if outcome.failed:
            failed.append(outcome.seed)
            if not keep_going:
                _tell(outcome, tapes, shrink)
            say(f"seed {outcome.seed}: {outcome.error}")
    say(f"{count} seeds, {events} events, {seconds / 3600:.1f} hours of clusters: {len(failed)} failed")
    if failed:
        say(f"failed: {', '.join(map(str, sorted(failed)))}; each is shown by mesoslite sim --seed N")
        raise typer.Exit(FAILED)


def _with_progress(outcomes: "Iterator[Outcome]", count: int) -> "Iterator[Outcome]":
    """The same, with a bar on the terminal, if there is one."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("seeds", total=count)
        for outcome in outcomes:
            progress.advance(bar)
            if outcome.failed:
                progress.stop()
            yield outcome


def _tell(outcome: "Outcome", tapes: Path | None, shrink: float) -> None:
    """Say how one run went; of a failure, with a smaller tape if there are ``tapes``, and end the command."""
    from mesoslite.sim import report

    if not outcome.failed:
        say(f"seed {outcome.seed}: {outcome.options}")
        say(f"{outcome.events_count} events, {outcome.virtual_seconds:.0f} s of a cluster, digest {outcome.digest}")
        say("every invariant holds")
        return
    if tapes is None:
        say(report(outcome, "the same command"))
        raise typer.Exit(FAILED)
    smaller, path = _save(outcome, tapes, shrink)
    say(report(smaller, f"mesoslite sim --tape {path}    (or, as it was drawn: mesoslite sim --seed {outcome.seed})"))
    raise typer.Exit(FAILED)


def _save(outcome: "Outcome", tapes: Path, shrink: float) -> "tuple[Outcome, Path]":
    """Write the smallest tape found, and run it once more for what is to be read."""
    from libactor.testing import Tape
    from mesoslite.sim import run, shrink_failure

    tape = Tape.from_json(outcome.tape)
    say(f"seed {outcome.seed}: {outcome.error}")
    smaller = shrink_failure(tape, seconds=shrink) if shrink else tape
    say(f"tape: {len(smaller)} choices differ from the plain run, of {len(tape)} as it was drawn")
    path = tapes / f"{outcome.seed}.json"
    try:
        smaller.save(path)
    except OSError as error:
        fail(f"--tapes {tapes}: {error.strerror}")
    return run(tape=smaller), path


def _load(path: str) -> "Tape":
    from libactor.testing import Tape

    try:
        return Tape.load(path)
    except OSError as error:
        fail(f"--tape {path}: {error.strerror}", USAGE)
    except ValueError as error:
        fail(f"--tape: {error}", USAGE)
