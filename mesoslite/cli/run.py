"""`mesoslite run`: one command on a cluster, as if it ran here."""

from typing import Annotated

import typer

from .dev import MASTER_DEFAULT
from .failure import USAGE, fail


def run(
    command: Annotated[str, typer.Argument(help="What to run, by a shell.", show_default=False)],
    master: Annotated[str, typer.Option(help="URL of the master.", envvar="MESOSLITE_MASTER")] = MASTER_DEFAULT,
    cpus: Annotated[float, typer.Option(help="Cpus that it needs.")] = 0.5,
    mem: Annotated[float, typer.Option(help="Memory that it needs, in MiB.")] = 32.0,
    name: Annotated[str, typer.Option(help="Name of the task, for people.")] = "run",
    env: Annotated[
        list[str] | None, typer.Option(help="A variable of its environment; repeatable.", metavar="NAME=VALUE")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(help="Seconds, from now on, after which it is killed.", show_default=False)
    ] = None,
) -> None:
    """Run COMMAND on the cluster, show its output, and exit as it does.

    Exit status: that of the command, or 128+n if signal n ended it; 130 after Ctrl-C, which kills it; 2 for options
    that can never work; 120 if the master cannot be reached or is lost; 121 if no agent is large enough; 122 if the
    task was lost or could not be started; 124 if the time was over.
    """
    from mesoslite.model import CommandInfo, InvalidRequest, Resources

    from .run_session import RunSession

    if timeout is not None and not timeout > 0:
        fail(f"--timeout {timeout:g}: expected a number of seconds above zero", USAGE)
    try:
        needed = Resources.of(cpus=cpus, mem=mem)
        session = RunSession(master, name, needed, CommandInfo(value=command, environment=_environment(env or [])))
    except InvalidRequest as error:
        fail(str(error), USAGE)
    raise typer.Exit(session.execute(timeout))


def _environment(assignments: list[str]) -> tuple[tuple[str, str], ...]:
    variables = []
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not name or not equals:
            fail(f"--env {assignment}: expected NAME=VALUE", USAGE)
        variables.append((name, value))
    return tuple(variables)
