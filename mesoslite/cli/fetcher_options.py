"""Options of an agent on the command line about what it fetches for commands, named as Mesos names them."""

# Who calls: agent.py. What is left out is None and takes the default of FetcherOptions.

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from .failure import USAGE, fail, refuse_bytes
from .values import seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mesoslite.containment import FetcherOptions

FetcherCacheDir: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Where files are kept that commands want cached, this agent's alone; by default in --work-dir.",
        metavar="PATH",
    ),
]
FetcherCacheSize: TypeAlias = Annotated[
    str | None, typer.Option(help="How much is kept there; 2GB by default.", metavar="SIZE")
]
FetcherStallTimeout: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Time after which a server that sends nothing is given up; 1mins by default.", metavar="DURATION"
    ),
]
FrameworksHome: TypeAlias = Annotated[
    str | None, typer.Option(help="Directory below which the relative paths are that commands name.", metavar="PATH")
]


def fetcher_options(given: "Mapping[str, Any]") -> "FetcherOptions":
    """What the options ``given``, by name, come to; the command ends for a duration that is none, or no time.

    Raises: InvalidRequest.
    """
    from mesoslite.containment import FetcherOptions
    from mesoslite.containment.log_rotation import parse_size

    cache, size, stall, home = [
        given[name] for name in ("fetcher_cache_dir", "fetcher_cache_size", "fetcher_stall_timeout", "frameworks_home")
    ]
    for option, text in (
        ("--fetcher-cache-dir", cache),
        ("--frameworks-home", home),
        ("--fetcher-stall-timeout", stall),
    ):
        refuse_bytes(option, text or "")
    if home and not Path(home).is_dir():
        fail(f"--frameworks-home {home}: there is no such directory; make it, or leave it out")
    usual = FetcherOptions()
    stall_seconds = seconds("--fetcher-stall-timeout", stall) if stall else usual.stall_seconds
    if stall_seconds <= 0:
        fail("--fetcher-stall-timeout: expected more than no time", USAGE)
    return FetcherOptions(
        cache_directory=str(Path(cache).absolute()) if cache else None,
        cache_bytes=parse_size("--fetcher-cache-size", size) if size else usual.cache_bytes,
        stall_seconds=stall_seconds,
        frameworks_home=str(Path(home).absolute()) if home else "",
    )
