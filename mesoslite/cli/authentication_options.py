"""Options that say who is let in over HTTP, under the names of Mesos's flags."""

# Who calls: master.py and agent.py.

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from .failure import USAGE, fail

if TYPE_CHECKING:
    from mesoslite.api import Authentication

Credentials: TypeAlias = Annotated[
    str | None,
    typer.Option(help="File with names and passwords: a line for each, or JSON as Mesos has it.", metavar="PATH"),
]
AuthenticateReadonly: TypeAlias = Annotated[
    bool, typer.Option("--authenticate-http-readonly", help="Ask for a name and its password where one can only read.")
]
AuthenticateReadwrite: TypeAlias = Annotated[
    bool, typer.Option("--authenticate-http-readwrite", help="Ask for a name and its password where one can change.")
]
AuthenticateFrameworks: TypeAlias = Annotated[
    bool, typer.Option("--authenticate-http-frameworks", help="Ask frameworks for a name and its password.")
]


def authentication(
    option: str, path: str | None, *, readonly: bool, readwrite: bool, frameworks: bool
) -> "Authentication":
    """Who is let in by what stands in the file of ``option``. The command ends if that cannot be."""
    from mesoslite.api import Authentication, parse_credentials
    from mesoslite.model import InvalidRequest

    if path is None and (readonly or readwrite or frameworks):
        fail(f"{option} is missing; name the file with who is let in", USAGE)
    try:
        credentials = parse_credentials(_text(option, path)) if path is not None else {}
        return Authentication(credentials, readonly=readonly, readwrite=readwrite, frameworks=frameworks)
    except InvalidRequest as error:
        fail(f"{option} {path}: {str(error).removeprefix('credentials: ')}", USAGE)


def _text(option: str, path: str) -> str:
    try:
        return Path(path).read_text()
    except UnicodeDecodeError:
        fail(f"{option} {path}: is no text in UTF-8")
    except (OSError, ValueError) as error:
        fail(f"{option} {path}: {getattr(error, 'strerror', None) or error}")
