"""Report: what a person is told of a run that failed, so that it can be run again."""

# Who calls: the command line; tests put it into their failures.

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .runs import Outcome

EVENTS_SHOWN = 15


def report(outcome: Outcome, replay: str) -> str:
    """The lines about a failure; ``replay`` is the command that shows it again."""
    lines = [
        f"seed {outcome.seed} fails in step {outcome.steps}, {outcome.virtual_seconds:.3f} s after its beginning",
        f"  {outcome.error}",
        f"options: {outcome.options}",
        "last in the cluster:",
        *[f"  {note}" for note in outcome.notes],
        f"last in the runtime, of {outcome.events_count} events:",
        *[f"  {event}" for event in outcome.events[-EVENTS_SHOWN:]],
        f"replay: {replay}",
    ]
    return "\n".join(lines)
