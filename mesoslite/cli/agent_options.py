"""Options of an agent on the command line that say how it goes on after its end, under the names of Mesos's flags."""

# Who calls: agent.py. What is left out is None and takes the default of RecoveryOptions.

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from .failure import refuse_bytes
from .values import seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mesoslite.agent import RecoveryOptions

Recover: TypeAlias = Annotated[
    str,
    typer.Option(
        help="What to do with what an earlier agent has left here: reconnect, and go on; cleanup, end it and exit.",
        metavar="reconnect|cleanup",
    ),
]
Strict: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--strict/--no-strict", help="Whether to refuse to start over a file that cannot be read, or to leave it out."
    ),
]
ReconfigurationPolicy: TypeAlias = Annotated[
    str,
    typer.Option(
        help="What may be otherwise than it was: equal, nothing; additive, there may be more resources and attributes.",
        metavar="equal|additive",
    ),
]
ExecutorReregistrationTimeout: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Time that executors have to subscribe to an agent that was restarted; 2secs by default, at most 15secs.",
        metavar="DURATION",
    ),
]
RecoveryTimeout: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Time for which executors try to reach an agent that has gone; 15mins by default.", metavar="DURATION"
    ),
]


def recovery_options(given: "Mapping[str, Any]", boot_id: str) -> "RecoveryOptions":
    """The options that are given by name. The command ends for a duration that is none. Raises: InvalidRequest."""
    from mesoslite.agent import RecoveryOptions

    durations: dict[str, Any] = {}
    for flag, name in (
        ("executor_reregistration_timeout", "executor_reregistration_seconds"),
        ("recovery_timeout", "executor_recovery_seconds"),
    ):
        option, text = f"--{flag.replace('_', '-')}", given[flag]
        if text is not None:
            refuse_bytes(option, text)
            durations[name] = seconds(option, text)
    names = ("recover", "strict", "reconfiguration_policy")
    return RecoveryOptions(boot_id=boot_id, **{name: given[name] for name in names}, **durations)
