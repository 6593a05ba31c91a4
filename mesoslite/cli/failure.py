"""Failure: how a command ends when it cannot do what it was asked: one line, and a status."""

import os
import re
import sys
from collections.abc import Callable
from typing import NoReturn, TextIO

import typer

PARAMETERS: tuple[
    tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...
] = (  # how parts of the program name what was given to them, and how the command line does
    (
        re.compile(
            r"^((?:agent|executor|heartbeat|max|offer|reconfiguration|registry|recovery|require)_\w+|recover): "
        ),
        lambda found: f"--{found[1].replace('_', '-')}: ",
    ),
    (re.compile(r"^allocator: got an allocation interval of "), lambda found: "--allocation-interval: got "),
    (re.compile(r"^cluster: got (\S+) (agents|masters),"), lambda found: f"--{found[2]}: got {found[1]},"),
    (re.compile(r"^agent: master '([^']*)': (?:parse_pid: )?"), lambda found: f"--master {found[1]}: "),
    (re.compile(r"^master '([^']*)': (?=expected the URL)"), lambda found: f"--master {found[1]}: "),
    (re.compile(r"^Runtime: cannot listen on "), lambda found: "--address: cannot listen on "),
    (re.compile(r"^listen: cannot listen on "), lambda found: "--host, --port: cannot listen on "),
    (re.compile(r"^(?=resources? )"), lambda found: "--resources: "),
)
USAGE = 2  # what was asked for can never work; the command line itself uses it for unknown options
FAILED = 1


def fail(problem: str, status: int = FAILED) -> NoReturn:
    """Say what the problem is, in one line on the standard error output, and end the command with ``status``."""
    warn(problem)
    raise typer.Exit(status)


def refuse(error: Exception, status: int = USAGE) -> NoReturn:
    """End the command as ``fail`` does, for what was given by options, which ``error`` may know by other names."""
    problem = str(error)
    for pattern, flag in PARAMETERS:
        problem = pattern.sub(flag, problem, count=1)
    fail(problem, status)


def refuse_os(error: OSError) -> NoReturn:
    """End the command for a port, a file or a directory that cannot be used."""
    where = f"{error.filename}: " if error.filename else ""
    refuse(Exception(f"{where}{error.strerror or error}"), FAILED)


def warn(problem: str) -> None:
    """Say something in one line on the standard error output."""
    try:
        typer.echo(f"mesoslite: {' '.join(problem.split())}", err=True)
    except OSError:  # then nobody can be told, but the exit status still says it
        _forget_unwritten(sys.stderr)


def first_line(text: str) -> str:
    """What a message says first: some, as those of memory limits, go on with tables."""
    first, _, rest = text.partition("\n")
    return f"{first} [...]" if rest.strip() else first


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
