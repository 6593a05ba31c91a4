"""Commands as v1 JSON documents, written and read."""

# Who calls: tasks.py and checks.py of this package.
# Source: Mesos include/mesos/v1/mesos.proto (CommandInfo, Environment).

from ..commands import CommandInfo, CommandURI
from ..fields import Fields
from .parts import Document


def encode_command(command: CommandInfo) -> Document:
    """Return a CommandInfo."""
    document: Document = {"shell": command.shell, "value": command.value}
    if command.arguments:
        document["arguments"] = list(command.arguments)
    if command.user:
        document["user"] = command.user
    if command.uris:
        document["uris"] = [_encode_uri(uri) for uri in command.uris]
    if command.environment:
        variables = [{"name": name, "type": "VALUE", "value": value} for name, value in command.environment]
        document["environment"] = {"variables": variables}
    return document


def decode_command(fields: Fields, *, lenient: bool = False) -> CommandInfo:
    """Return a CommandInfo; with ``lenient`` without what a command cannot be given here. Raises: InvalidRequest."""
    return CommandInfo(
        value=fields.text("value", ""),
        shell=fields.boolean("shell", True),
        arguments=fields.texts("arguments"),
        environment=_environment(fields.message_or_empty("environment"), lenient),
        user=fields.text("user", ""),
        uris=tuple([_decode_uri(uri) for uri in fields.messages("uris")]),
    )


def _encode_uri(uri: CommandURI) -> Document:
    document: Document = {"value": uri.value, "executable": uri.executable, "extract": uri.extract, "cache": uri.cache}
    if uri.output_file:
        document["output_file"] = uri.output_file
    return document


def _decode_uri(fields: Fields) -> CommandURI:
    return CommandURI(
        value=fields.text("value"),
        executable=fields.boolean("executable", False),
        extract=fields.boolean("extract", True),
        cache=fields.boolean("cache", False),
        output_file=fields.text("output_file", ""),
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
