"""Failure: how a command ends when it cannot do what it was asked: one line, and a status."""

from typing import NoReturn

import typer

USAGE = 2  # what was asked for can never work; the command line itself uses it for unknown options
FAILED = 1


def fail(problem: str, status: int = FAILED) -> NoReturn:
    """Say what the problem is, in one line on the standard error output, and end the command with ``status``."""
    warn(problem)
    raise typer.Exit(status)


def warn(problem: str) -> None:
    """Say something in one line on the standard error output."""
    typer.echo(f"mesoslite: {' '.join(problem.split())}", err=True)
