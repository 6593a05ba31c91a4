"""Options that say who is let in over HTTP, under the names of Mesos's flags."""

# Who calls: master.py and agent.py.

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from .failure import USAGE, fail

if TYPE_CHECKING:
    from mesoslite.api import Authentication, ExecutorTokens
    from mesoslite.model import Acls

KEY_OPTION = "--jwt-secret-key"

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

AuthenticateExecutors: TypeAlias = Annotated[
    bool, typer.Option("--authenticate-http-executors", help="Ask executors for the token they were started with.")
]
JwtSecretKey: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="File with the key, of 32 bytes or more, that executors' tokens are signed with; needs mesoslite[jwt].",
        metavar="PATH",
    ),
]

Rules: TypeAlias = Annotated[
    str | None,
    typer.Option(help="What principals may do, as Mesos's ACLs in JSON: a file, or the JSON itself.", metavar="PATH"),
]


def authentication(
    option: str,
    path: str | None,
    *,
    readonly: bool,
    readwrite: bool,
    frameworks: bool = False,
    executors: bool = False,
    key: str | None = None,
    acls: "Acls | None" = None,
) -> "Authentication":
    """Who is let in by what stands in the file of ``option``, and executors by the key in the file ``key``.

    ``acls`` say what they may do. The command ends if that cannot be.
    """
    from mesoslite.api import Authentication, parse_credentials
    from mesoslite.model import ALL_ALLOWED, InvalidRequest

    if path is None and (readonly or readwrite or frameworks):
        fail(f"{option} is missing; name the file with who is let in", USAGE)
    if key is None and executors:
        fail(f"{KEY_OPTION} is missing; name the file with the key of executors' tokens", USAGE)
    tokens = _tokens(key) if key is not None else None
    try:
        credentials = parse_credentials(_text(option, path)) if path is not None else {}
        return Authentication(
            credentials,
            readonly=readonly,
            readwrite=readwrite,
            frameworks=frameworks,
            executors=executors,
            executor_tokens=tokens,
            acls=acls or ALL_ALLOWED,
        )
    except InvalidRequest as error:
        fail(f"{option} {path}: {str(error).removeprefix('credentials: ')}", USAGE)


def rules(given: str | None) -> "Acls":
    """The ACLs that are given, or in the file of that name. The command ends if they are none."""
    from mesoslite.model import ALL_ALLOWED, InvalidRequest, parse_acls

    if given is None:
        return ALL_ALLOWED
    itself = given.lstrip()[:1] == "{"
    try:
        return parse_acls(given if itself else _text("--acls", given))
    except InvalidRequest as error:
        fail(f"--acls{'' if itself else f' {given}'}: {str(error).removeprefix('acls: ')}", USAGE)


def _tokens(path: str) -> "ExecutorTokens":
    from mesoslite.api import ExecutorTokens
    from mesoslite.model import InvalidRequest

    try:
        return ExecutorTokens(_content(KEY_OPTION, path))
    except InvalidRequest as error:
        fail(f"{KEY_OPTION} {path}: {str(error).removeprefix('key: ')}", USAGE)


def _text(option: str, path: str) -> str:
    try:
        return _content(option, path).decode()
    except UnicodeDecodeError:
        fail(f"{option} {path}: is no text in UTF-8")


def _content(option: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        fail(f"{option} {path}: {getattr(error, 'strerror', None) or error}")
