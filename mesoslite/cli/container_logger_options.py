"""Options of an agent on the command line about the output of its containers, named as Mesos names them."""

# Who calls: agent.py. In Mesos all but the first are parameters of a module.

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from .failure import USAGE, fail

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mesoslite.containment.log_rotation import LogRotation

SANDBOX, LOGROTATE = "sandbox", "logrotate"

ContainerLogger: TypeAlias = Annotated[
    str,
    typer.Option(
        help="Where the output of containers goes: sandbox, one file each; logrotate, files of a bounded size.",
        metavar=f"{SANDBOX}|{LOGROTATE}",
    ),
]
MaxStdoutSize: TypeAlias = Annotated[
    str, typer.Option(help="With logrotate: how large stdout gets before a new one begins.", metavar="SIZE")
]
MaxStderrSize: TypeAlias = Annotated[str, typer.Option(help="Likewise stderr.", metavar="SIZE")]
LogrotateStdoutOptions: TypeAlias = Annotated[
    str, typer.Option(help="With logrotate: how many older files of stdout stay.", metavar="'rotate N'")
]
LogrotateStderrOptions: TypeAlias = Annotated[str, typer.Option(help="Likewise of stderr.", metavar="'rotate N'")]


def log_rotation(given: "Mapping[str, Any]") -> "LogRotation | None":
    """How output is rotated by the options ``given``, by name; None if it is not.

    The command ends for a logger that there is not. Raises: InvalidRequest.
    """
    from mesoslite.containment.log_rotation import LogRotation, Rotation, parse_options, parse_size

    logger = given["container_logger"]
    if logger not in (SANDBOX, LOGROTATE):
        fail(f"--container-logger: got {logger!r}, expected {SANDBOX} or {LOGROTATE}", USAGE)
    stdout, stderr = [
        Rotation(
            parse_size(f"--max-{name}-size", given[f"max_{name}_size"]),
            parse_options(f"--logrotate-{name}-options", given[f"logrotate_{name}_options"]),
        )
        for name in ("stdout", "stderr")
    ]
    return LogRotation(stdout, stderr) if logger == LOGROTATE else None
