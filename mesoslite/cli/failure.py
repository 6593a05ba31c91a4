"""Failure: how a command ends when it cannot do what it was asked: one line, and a status."""

import os
import sys
from typing import NoReturn, TextIO

import typer

USAGE = 2  # what was asked for can never work; the command line itself uses it for unknown options
FAILED = 1


def fail(problem: str, status: int = FAILED) -> NoReturn:
    """Say what the problem is, in one line on the standard error output, and end the command with ``status``."""
    warn(problem)
    raise typer.Exit(status)


def warn(problem: str) -> None:
    """Say something in one line on the standard error output."""
    try:
        typer.echo(f"mesoslite: {' '.join(problem.split())}", err=True)
    except OSError:  # then nobody can be told, but the exit status still says it
        _forget_unwritten(sys.stderr)


def say(line: str) -> None:
    """Say a line on the standard output; the command ends if it cannot be written."""
    try:
        typer.echo(line)
    except OSError as error:
        _forget_unwritten(sys.stdout)
        fail(f"cannot write the output: {error.strerror}")


def refuse_bytes(option: str, text: str) -> None:
    """End the command if ``text`` was given in bytes that are no UTF-8; Python carries them as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        fail(f"{option} {text!r}: expected text in UTF-8", USAGE)


def _forget_unwritten(stream: TextIO) -> None:
    """Python writes what is left once more as it exits, and would change the exit status if that fails again."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
