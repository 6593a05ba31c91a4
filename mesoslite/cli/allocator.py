"""`mesoslite allocator`: what the allocator of a running cluster has decided, and why."""

from typing import Annotated, Any

import typer

from .dev import MASTER_DEFAULT
from .failure import USAGE, fail, refuse_bytes, say

allocator = typer.Typer(
    name="allocator",
    help="Ask the allocator of a running cluster.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@allocator.callback()
def group() -> None:
    """Ask the allocator of a running cluster."""


@allocator.command()
def explain(
    framework: Annotated[
        str, typer.Option(help="The framework: its id, the last part of it, or its name.", show_default=False)
    ],
    agent: Annotated[
        str | None,
        typer.Option(help="The agent: its id, the last part of it, or its host; left out, all are summed up."),
    ] = None,
    master: Annotated[str, typer.Option(help="URL of the master.", envvar="MESOSLITE_MASTER")] = MASTER_DEFAULT,
    as_json: Annotated[bool, typer.Option("--json", help="Print the master's answer as JSON.")] = False,
) -> None:
    """Say why a framework got, or did not get, offers.

    Of one agent: what the last runs decided about it, what stands in the way now, and what to do. Of all agents: how
    many of them each reason is about, with an example.

    Exit status: 0; 1 if the master cannot be reached, does not know the framework or the agent, or cannot say; 2 for
    options that can never work.
    """
    for option, text in (("--framework", framework), ("--agent", agent or ""), ("--master", master)):
        refuse_bytes(option, text)
    if not framework:
        fail("--framework is empty; give an id or a name", USAGE)
    if agent == "":
        fail("--agent is empty; give an id or a host, or leave it out to ask about all", USAGE)

    from .master_client import ask

    parameters = {"framework": framework} | ({} if agent is None else {"agent": agent})
    body, document = ask(master, "/mesoslite/allocator/explain", parameters)
    if as_json:
        say(body)
    else:
        show(document)


def show(document: dict[str, Any]) -> None:
    """Print the tables of an explanation, in whatever width the terminal has."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        for part in _parts(document):
            console.print(part, soft_wrap=isinstance(part, str))
    say(captured.get().rstrip("\n"))


def _parts(document: dict[str, Any]) -> list[Any]:
    from rich.table import Table
    from rich.text import Text

    framework, run = document["framework"], document["run"]
    who = f"Framework {framework['name']} ({framework['id']})"
    when = f"run {run} was the last that made offers" if run else "no run has made offers yet"
    if "agent" in document:
        agent = document["agent"]
        table = Table("role", "reason", "what", "what to do")
        for finding in document["findings"]:
            cells = (finding["role"] or "all", finding["reason"], finding["text"], finding["advice"])
            table.add_row(*map(Text, cells))
        return [f"{who} and agent {agent['hostname']} ({agent['id']}); {when}", table]
    if not document["agents"]:
        return [f"{who}; no agent is registered"]
    table = Table("role", "reason", "agents", "for example", "what to do")
    for entry in document["summary"]:
        example = f"{entry['example']['id'].rpartition('-')[2]}: {entry['text']}"
        row = (entry["role"] or "all", entry["reason"], str(entry["agents"]), example, entry["advice"])
        table.add_row(*map(Text, row))
    total = document["agents"]
    return [f"{who} and {total} agent{'s' * (total != 1)}; {when}", table]
