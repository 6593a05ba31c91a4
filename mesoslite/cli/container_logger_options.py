"""Options of an agent on the command line about the output of its containers, named as Mesos names them."""

# Who calls: agent.py. In Mesos all but the first are parameters of a module.

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from .failure import USAGE, fail

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mesoslite.containment.log_rotation import LogRotation, Rotation

SANDBOX, LOGROTATE = "sandbox", "logrotate"

ContainerLogger: TypeAlias = Annotated[
    str,
    typer.Option(
        help="Where the output of containers goes: sandbox, one file each; logrotate, files of a bounded size.",
        metavar=f"{SANDBOX}|{LOGROTATE}",
    ),
]
MaxStdoutSize: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="With logrotate: how large stdout gets before a new one begins; 10MB by default.", metavar="SIZE"
    ),
]
MaxStderrSize: TypeAlias = Annotated[str | None, typer.Option(help="Likewise stderr.", metavar="SIZE")]
LogrotateStdoutOptions: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="With logrotate: how many older files of stdout stay; 'rotate 9' by default.", metavar="'rotate N'"
    ),
]
LogrotateStderrOptions: TypeAlias = Annotated[
    str | None, typer.Option(help="Likewise of stderr.", metavar="'rotate N'")
]


def log_rotation(given: "Mapping[str, Any]") -> "LogRotation | None":
    """How output is rotated by the options ``given``, by name; None if it is not.

    The command ends for a logger that there is not. Raises: InvalidRequest.
    """
    from mesoslite.containment.log_rotation import LogRotation

    logger = given["container_logger"]
    if logger not in (SANDBOX, LOGROTATE):
        fail(f"--container-logger: got {logger!r}, expected {SANDBOX} or {LOGROTATE}", USAGE)
    rotation = LogRotation(_rotation(given, "stdout"), _rotation(given, "stderr"))
    if logger == LOGROTATE:
        return rotation
    for name in ("max_stdout_size", "max_stderr_size", "logrotate_stdout_options", "logrotate_stderr_options"):
        if given[name] is not None:
            flag = f"--{name.replace('_', '-')}"
            fail(f"{flag}: nothing is rotated without --container-logger={LOGROTATE}; add that, or leave it out", USAGE)
    return None


def _rotation(given: "Mapping[str, Any]", name: str) -> "Rotation":
    from mesoslite.containment.log_rotation import Rotation, checked_rotation, parse_options, parse_size

    flags = (f"--max-{name}-size", f"--logrotate-{name}-options")
    size, options = given[f"max_{name}_size"], given[f"logrotate_{name}_options"]
    default = Rotation()
    rotation = Rotation(
        default.bytes_max if size is None else parse_size(flags[0], size),
        default.files if options is None else parse_options(flags[1], options),
    )
    return checked_rotation(flags, rotation)
