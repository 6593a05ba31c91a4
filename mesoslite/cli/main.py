"""main: the entry point of the command `mesoslite`."""

# Who calls: the console script of setup.cfg, and `python -m mesoslite`.
# The modules of the commands import at their top only what their options need; a command imports the rest when it
#   runs, so that --help answers at once.

from typing import Annotated

import typer

from .agent import agent
from .allocator import allocator
from .demo import demo
from .dev import dev
from .master import master
from .run import run
from .sim import sim
from .version import print_version, version
from .why import why

app = typer.Typer(
    name="mesoslite",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help comes twice as fast
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    version_wanted: Annotated[
        bool,
        typer.Option("--version", help="Show which version this is and exit.", callback=print_version, is_eager=True),
    ] = False,
) -> None:
    """A small cluster manager that speaks the HTTP API of Mesos."""


app.command()(dev)
app.command()(master)
app.command()(agent)
app.command()(run)
app.command()(why)
app.add_typer(allocator)
app.command()(sim)
app.command()(demo)
app.command()(version)


def main() -> None:
    """Run the command that the arguments of the process name, and exit with its status."""
    app()
