"""`mesoslite version`: which version this is."""

import typer


def version() -> None:
    """Print which version this is, and of which Mesos API."""
    from mesoslite.model.version import API_VERSION, software_version

    typer.echo(f"mesoslite {software_version()} (Mesos API {API_VERSION})")
