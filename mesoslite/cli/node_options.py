"""Options that masters and agents have in common on the command line: addresses, the secret, and what is logged."""

# Who calls: master.py and agent.py.

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from .failure import USAGE, fail, refuse_bytes

if TYPE_CHECKING:
    from libactor import Remote
    from mesoslite.model import FaultDomain

MASTER_ADDRESS = "127.0.0.1:5055"  # where agents find a master of this machine

Host: TypeAlias = Annotated[
    str, typer.Option(help="Address that the HTTP API listens on; 0.0.0.0 or :: for all, which anybody may use.")
]
Hostname: TypeAlias = Annotated[
    str, typer.Option(help="Name or address of this machine to tell others; left out, --host or its name.")
]
Advertise: TypeAlias = Annotated[
    str | None, typer.Option(help="What others are to call --address, if that is another one.", metavar="HOST:PORT")
]
SecretFile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="File with the secret that masters and agents of a cluster have in common: needed off loopback.",
        metavar="PATH",
        envvar="MESOSLITE_SECRET_FILE",
    ),
]
LoggingLevel: TypeAlias = Annotated[
    str, typer.Option(help="What is logged, to the standard error output: DEBUG, INFO, WARNING or ERROR.")
]
LogDir: TypeAlias = Annotated[
    str | None, typer.Option(help="Directory for a file with what is logged, which the HTTP API shows.", metavar="PATH")
]
Domain: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="The region and zone that it is in, as Mesos's DomainInfo in JSON: a file, or the JSON itself.",
        metavar="PATH",
    ),
]
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def begin_logging(level: str, process: str, log_dir: str | None) -> None:
    """Log from that level on, into that directory too. The command ends if there is no such level, or no such file.

    ``process`` is what the program is called in paths: ``master`` or ``slave``.
    """
    if level.upper() not in LEVELS:
        fail(f"--logging-level: got {level!r}, expected one of {', '.join(LEVELS)}", USAGE)
    console = logging.StreamHandler()
    if level.upper() != "DEBUG":
        console.addFilter(_is_news)
    handlers = [console, *([_into_file(process, log_dir)] if log_dir is not None else [])]
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(levelname)s %(message)s", handlers=handlers)


def _into_file(process: str, log_dir: str) -> logging.Handler:
    from mesoslite.api.log_files import log_file

    check_texts(log_dir=log_dir)
    try:
        Path(log_dir).mkdir(parents=True, exist_ok=True)
        return logging.FileHandler(log_file(process, log_dir))
    except OSError as error:
        fail(f"--log-dir {log_dir}: {error.strerror or error}")


def _is_news(record: logging.LogRecord) -> bool:
    """Whether the last line of the command will not say it: what was foreseen ends the program, for that reason.

    Unless it is only warned of, for then the program goes on.
    """
    from libactor import is_foreseen

    if record.levelno == logging.WARNING:
        return True
    told = record.args if isinstance(record.args, tuple) else ()
    return not any(isinstance(one, BaseException) and is_foreseen(one) for one in told)


def check_texts(**options: str | None) -> None:
    """End the command if one of these is empty, or no text."""
    for name, text in options.items():
        flag = f"--{name.replace('_', '-')}"
        if text is not None:
            refuse_bytes(flag, text)
        if text == "" and name != "hostname":
            fail(f"{flag} is empty; give a value, or leave it out", USAGE)


def read_domain(given: str | None) -> "FaultDomain | None":
    """The domain that is given, or in the file of that name. The command ends if it is none."""
    from mesoslite.model import InvalidRequest, parse_domain

    if given is None:
        return None
    itself = given.lstrip()[:1] == "{"
    try:
        return parse_domain(given if itself else Path(given).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        fail(f"--domain {given}: {getattr(error, 'strerror', None) or 'is no text in UTF-8'}")
    except InvalidRequest as error:
        fail(f"--domain{'' if itself else f' {given}'}: {error}", USAGE)


def remote(address: str, advertise: str | None, secret_file: str | None) -> "Remote":
    """How masters and agents reach one another, each in its own name. The command ends if that can never work."""
    from libactor import Remote

    try:
        return Remote(address, advertise=advertise, secret=_secret(secret_file), forwards=False)
    except ValueError as error:
        problem = str(error).removeprefix("Remote: ").replace("or tls=, ", "").replace("secret=", "--secret-file")
        if problem.startswith("secret: "):
            fail(f"--secret-file {secret_file}: {problem.removeprefix('secret: ')}", USAGE)
        fail(f"--address {address}: {problem.replace('advertise=', '--advertise')}", USAGE)


def _secret(path: str | None) -> bytes | None:
    if path is None:
        return None
    try:
        return Path(path).read_bytes().strip()
    except OSError as error:
        fail(f"--secret-file {path}: {error.strerror or error}")
