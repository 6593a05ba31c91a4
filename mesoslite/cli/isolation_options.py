"""Options of an agent on the command line about its containers, under the names of Mesos's flags where it has them."""

# Who calls: agent.py. What is left out is None and takes the default of ContainmentOptions.

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from .container_logger_options import log_rotation
from .failure import USAGE, fail, refuse_bytes
from .fetcher_options import fetcher_options
from .values import seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mesoslite.cluster.containerizers import ContainmentOptions

Launcher: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Who starts commands: supervisor, a program for each, or posix; by default supervisor if it was built.",
        show_default=False,
    ),
]
Isolation: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Isolators of containers, parted by commas, such as cgroups/cpu,cgroups/mem or cgroups/all; by default "
        "posix/cpu,posix/mem, which measure.",
        metavar="NAMES",
        show_default=False,
    ),
]
RuntimeDir: TypeAlias = Annotated[
    str | None, typer.Option(help="Where supervisors keep their files; by default in --work-dir.", metavar="PATH")
]
CgroupsRoot: TypeAlias = Annotated[
    str, typer.Option(help="Control group that those of containers are in; each agent of a machine has its own.")
]
CgroupsEnableCfs: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--cgroups-enable-cfs/--no-cgroups-enable-cfs",
        help="Whether containers get no more processors than they asked for, unless their tasks have limits.",
    ),
]
CgroupsLimitSwap: TypeAlias = Annotated[
    bool,
    typer.Option("--cgroups-limit-swap/--no-cgroups-limit-swap", help="Whether limits of memory are of swap as well."),
]
CgroupsCfsBurst: TypeAlias = Annotated[
    float, typer.Option(help="Part of its quota that a container may save up for later.", min=0.0, max=1.0)
]
CgroupsPidsMax: TypeAlias = Annotated[
    int | None,
    typer.Option(help="Processes and threads that a container may have, 4096 by default; 0 is any number.", min=0),
]
RevocableCpuLowPriority: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--revocable-cpu-low-priority/--no-revocable-cpu-low-priority",
        help="Whether containers with revocable processors give way to all others.",
    ),
]
ContainerDiskWatchInterval: TypeAlias = Annotated[
    str | None, typer.Option(help="Time between two looks at sandboxes; 15secs by default.", metavar="DURATION")
]
EnforceContainerDiskQuota: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--enforce-container-disk-quota/--no-enforce-container-disk-quota",
        help="Whether containers that take more disk than they have are ended.",
    ),
]
ImagesDir: TypeAlias = Annotated[
    str | None, typer.Option(help="Directory of root file systems, by name of image.", metavar="PATH")
]
EffectiveCapabilities: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Rights of root that containers have, such as NET_RAW,KILL; all by default.", metavar="NAMES"),
]
BoundingCapabilities: TypeAlias = Annotated[
    str | None, typer.Option(help="Those that containers can get; as they have by default.", metavar="NAMES")
]

ExecutorEnvironmentVariables: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="What tasks and executors have in their environment in place of the agent's own, as a JSON object of "
        "texts: a file, or the JSON itself.",
        metavar="PATH",
    ),
]


def containment_options(given: "Mapping[str, Any]") -> "ContainmentOptions":
    """What the options ``given``, by name, come to; the command ends for one that is malformed.

    Raises: InvalidRequest.
    """
    from mesoslite.cluster.containerizers import ContainmentOptions
    from mesoslite.containment.isolation import DEFAULT, IsolationOptions
    from mesoslite.containment.isolators.cgroups.cpu import CpuOptions
    from mesoslite.containment.isolators.cgroups.pids import PIDS_MAX
    from mesoslite.containment.isolators.disk import INTERVAL_SECONDS

    root, interval = given["cgroups_root"].strip("/"), given["container_disk_watch_interval"]
    if not root or ".." in root.split("/"):
        fail(f"--cgroups-root: got {root!r}, expected the name of a control group, such as mesos", USAGE)
    pids_max, images_dir = given["cgroups_pids_max"], given["images_dir"]
    if images_dir is not None and not Path(images_dir).is_dir():
        fail(f"--images-dir {images_dir}: there is no such directory; make it, or leave it out")
    cpu = CpuOptions(
        enable_cfs=given["cgroups_enable_cfs"],
        revocable_low_priority=given["revocable_cpu_low_priority"],
        burst=given["cgroups_cfs_burst"],
    )
    isolators = IsolationOptions(
        cgroups_root=root,
        cpu=cpu,
        limits_swap=given["cgroups_limit_swap"],
        pids_max=PIDS_MAX if pids_max is None else pids_max,
        disk_watch_seconds=seconds("--container-disk-watch-interval", interval) if interval else INTERVAL_SECONDS,
        enforces_disk_quota=given["enforce_container_disk_quota"],
        images=Path(images_dir).absolute() if images_dir is not None else None,
        effective_capabilities=_capabilities("--effective-capabilities", given["effective_capabilities"]),
        bounding_capabilities=_capabilities("--bounding-capabilities", given["bounding_capabilities"]),
    )
    isolation = given["isolation"]
    return ContainmentOptions(
        launcher=given["launcher"],
        isolation=",".join(DEFAULT) if isolation is None else isolation,
        runtime_dir=given["runtime_dir"],
        isolators=isolators,
        rotation=log_rotation(given),
        fetcher=fetcher_options(given),
        environment=_environment(given["executor_environment_variables"]),
    )


def _capabilities(flag: str, text: str | None) -> frozenset[int] | None:
    from mesoslite.containment.isolators.capabilities import parse_capabilities

    return None if text is None else parse_capabilities([name for name in text.split(",") if name], flag)


def _environment(given: str | None) -> dict[str, str] | None:
    """The variables that are given, or in the file of that name. The command ends if it is none."""
    from mesoslite.containment.environment import parse_environment
    from mesoslite.model import InvalidRequest

    if given is None:
        return None
    refuse_bytes("--executor-environment-variables", given)
    itself = given.lstrip()[:1] == "{"
    try:
        return parse_environment(given if itself else Path(given).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        problem = getattr(error, "strerror", None) or "is no text in UTF-8"
        fail(f"--executor-environment-variables {given}: {problem}")
    except InvalidRequest as error:
        fail(f"--executor-environment-variables{'' if itself else f' {given}'}: {error}", USAGE)
