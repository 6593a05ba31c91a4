"""Options of an agent on the command line about what outlives it, and its tasks, under the names of Mesos's flags."""

# Who calls: agent.py. What is left out is None and takes the default of the objects of options that are made here.

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from .failure import USAGE, fail, refuse_bytes
from .values import seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mesoslite.agent import ExecutorOptions, GarbageOptions, RecoveryOptions

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
ExecutorRegistrationTimeout: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Time that executors have to subscribe from their start, else they are killed; 1mins by default.",
        metavar="DURATION",
    ),
]
ExecutorShutdownGracePeriod: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Time that executors have to end when they are asked to, unless they say how long; 5secs by default.",
        metavar="DURATION",
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
GcDelay: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Time after which the sandbox of what is over is removed; 1weeks by default, less on a full disk.",
        metavar="DURATION",
    ),
]
GcDiskHeadroom: TypeAlias = Annotated[
    float, typer.Option(help="Part of the disk of --work-dir that sandboxes are to leave free.", min=0.0, max=1.0)
]
DiskWatchInterval: TypeAlias = Annotated[
    str | None, typer.Option(help="Time between two looks at the disk; 1mins by default.", metavar="DURATION")
]
HttpHeartbeatInterval: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Time between two heartbeats of a stream of what a container prints; 30secs by default.",
        metavar="DURATION",
    ),
]


def heartbeat_options(given: "Mapping[str, Any]") -> dict[str, float]:
    """That of how often streams beat, if it is given. The command ends for a duration that is none, or no time."""
    found = _durations(given, http_heartbeat_interval="heartbeat_seconds")
    if found.get("heartbeat_seconds", 1.0) <= 0:
        fail("--http-heartbeat-interval: expected more than no time", USAGE)
    return found


def recovery_options(given: "Mapping[str, Any]", boot_id: str) -> "RecoveryOptions":
    """Those of how it goes on that are given by name.

    The command ends for a duration that is none. Raises: InvalidRequest.
    """
    from mesoslite.agent import RecoveryOptions

    durations = _durations(
        given,
        executor_reregistration_timeout="executor_reregistration_seconds",
        recovery_timeout="executor_recovery_seconds",
    )
    names = ("recover", "strict", "reconfiguration_policy")
    texts = {name: given[name] for name in names}
    return RecoveryOptions(boot_id=boot_id, has_any_port=given["port"] == 0, **texts, **durations)


def executor_options(given: "Mapping[str, Any]") -> "ExecutorOptions":
    """Likewise those of how long executors have. Raises: InvalidRequest."""
    from mesoslite.agent import ExecutorOptions

    durations = _durations(
        given,
        executor_registration_timeout="registration_seconds",
        executor_shutdown_grace_period="shutdown_grace_seconds",
    )
    return ExecutorOptions(**durations)


def garbage_options(given: "Mapping[str, Any]") -> "GarbageOptions":
    """Likewise those of when sandboxes go."""
    from mesoslite.agent import GarbageOptions

    durations = _durations(given, gc_delay="delay_seconds", disk_watch_interval="watch_seconds")
    return GarbageOptions(disk_headroom=given["gc_disk_headroom"], **durations)


def _durations(given: "Mapping[str, Any]", **names: str) -> dict[str, Any]:
    """The seconds of those that are given, under the ``names`` that they have in an object of options."""
    found = {}
    for flag, name in names.items():
        option, text = f"--{flag.replace('_', '-')}", given[flag]
        if text is not None:
            refuse_bytes(option, text)
            found[name] = seconds(option, text)
    return found
