"""`mesoslite demo`: a cluster, two frameworks and their tasks, in a few seconds."""

import importlib

import typer


def demo() -> None:
    """Show two frameworks that compete for a cluster, in seconds."""
    # By name, because the folder examples/ becomes part of the package only when it is installed.
    example = importlib.import_module("mesoslite.examples.embed_master")
    raise typer.Exit(example.main([]))
