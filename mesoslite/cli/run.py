"""`mesoslite run`: one command on a cluster, as if it ran here."""

import math
from typing import TYPE_CHECKING, Annotated

import typer

from .dev import MASTER_DEFAULT
from .failure import USAGE, fail, refuse, refuse_bytes

if TYPE_CHECKING:
    from mesoslite.model import Resources

SMALLEST = 0.001  # of a resource, which is counted in thousandths


def run(
    command: Annotated[str, typer.Argument(help="What to run, by a shell.", show_default=False)],
    master: Annotated[str, typer.Option(help="URL of the master.", envvar="MESOSLITE_MASTER")] = MASTER_DEFAULT,
    cpus: Annotated[float, typer.Option(help="Cpus that it needs.")] = 0.5,
    mem: Annotated[float, typer.Option(help="Memory that it needs, in MiB.")] = 32.0,
    name: Annotated[
        str | None,
        typer.Option(
            help="Name of the task and its framework, for people; left out, it is called after its program.",
            show_default=False,
        ),
    ] = None,
    env: Annotated[
        list[str] | None, typer.Option(help="A variable of its environment; repeatable.", metavar="NAME=VALUE")
    ] = None,
    uri: Annotated[
        list[str] | None,
        typer.Option(
            help="A file that is fetched into its sandbox first, an archive unpacked; repeatable.", metavar="URI"
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say the task's id, and where it runs.")] = False,
    timeout: Annotated[
        float | None, typer.Option(help="Seconds, from now on, after which it is killed.", show_default=False)
    ] = None,
) -> None:
    """Run COMMAND on the cluster, show its output, exit as it does.

    Exit status: that of the command, or 128+n if signal n ended it, or ended run itself, which kills the command: 130
    after Ctrl-C; 2 for options that can never work; 120 if the master cannot be reached or is lost; 121 if no agent is
    large enough; 122 if the task was lost or could not be started; 123 if the output cannot be written, which kills
    it; 124 if the time was over.
    """
    from mesoslite.model import CommandInfo, CommandURI, InvalidRequest

    from .run_session import RunSession

    uris = uri or []
    _check_texts(command, master, name, env or [], uris)
    if timeout is not None and not timeout > 0:
        fail(f"--timeout {timeout:g}: expected a number of seconds above zero", USAGE)
    try:
        session = RunSession(
            master,
            name,
            _needed(cpus, mem),
            CommandInfo(
                value=command, environment=_environment(env or []), uris=tuple([CommandURI(value=uri) for uri in uris])
            ),
            verbose=verbose,
        )
    except InvalidRequest as error:
        refuse(error)
    raise typer.Exit(session.execute(timeout))


def _check_texts(command: str, master: str, name: str | None, assignments: list[str], uris: list[str]) -> None:
    for option, text in (("COMMAND", command), ("--master", master), ("--name", name or "")):
        refuse_bytes(option, text)
    for option, texts in (("--env", assignments), ("--uri", uris)):
        for text in texts:
            refuse_bytes(option, text)
    if not command.strip():
        fail("COMMAND is empty; give something that a shell can run, such as 'echo hello'", USAGE)
    if "" in uris:
        fail("--uri is empty; give the URI of a file, such as http://host/job.tar.gz", USAGE)


def _needed(cpus: float, mem: float) -> "Resources":
    from mesoslite.model import Resources

    for option, units in (("--cpus", cpus), ("--mem", mem)):
        if units and not SMALLEST <= units < math.inf:
            fail(f"{option} {units:g}: expected 0, or at least {SMALLEST:g}", USAGE)
    return Resources.of(cpus=cpus, mem=mem)


def _environment(assignments: list[str]) -> tuple[tuple[str, str], ...]:
    variables = []
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not name or not equals:
            fail(f"--env {assignment}: expected NAME=VALUE", USAGE)
        variables.append((name, value))
    return tuple(variables)
