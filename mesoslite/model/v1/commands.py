"""Commands as v1 JSON documents, written and read."""

# Who calls: tasks.py and checks.py of this package.
# Source: Mesos include/mesos/v1/mesos.proto (CommandInfo, Environment).

from ..commands import CommandInfo
from ..fields import Fields
from .parts import Document

_NOT_READ = ("uris", "user")


def encode_command(command: CommandInfo) -> Document:
    """Return a CommandInfo."""
    document: Document = {"shell": command.shell, "value": command.value}
    if command.arguments:
        document["arguments"] = list(command.arguments)
    if command.environment:
        variables = [{"name": name, "type": "VALUE", "value": value} for name, value in command.environment]
        document["environment"] = {"variables": variables}
    return document


def decode_command(fields: Fields, *, lenient: bool = False) -> CommandInfo:
    """Return a CommandInfo; with ``lenient`` without what a command cannot be given here. Raises: InvalidRequest."""
    for name in _NOT_READ:
        if fields.has(name) and not lenient:
            raise fields.invalid(name, "is set, and would not be honoured here; leave it out")
    return CommandInfo(
        value=fields.text("value", ""),
        shell=fields.boolean("shell", True),
        arguments=fields.texts("arguments"),
        environment=_environment(fields.message_or_empty("environment"), lenient),
    )


def _environment(fields: Fields, lenient: bool) -> tuple[tuple[str, str], ...]:
    variables = []
    for variable in fields.messages("variables"):
        if variable.text("type", "VALUE") != "VALUE":
            if lenient:
                continue
            raise variable.invalid("type", f"got {variable.text('type')[:80]!r}; only VALUE is known here")
        variables.append((variable.text("name"), variable.text("value")))
    return tuple(variables)
