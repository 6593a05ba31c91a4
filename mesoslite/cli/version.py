"""`mesoslite version`: which version this is."""

import typer

from .failure import say


def version() -> None:
    """Print which version this is, and of which Mesos API."""
    from mesoslite.model.version import API_VERSION, software_version

    say(f"mesoslite {software_version()} (Mesos API {API_VERSION})")


def print_version(wanted: bool) -> None:
    """The option `--version`: as the command, and that is all."""
    if wanted:
        version()
        raise typer.Exit
