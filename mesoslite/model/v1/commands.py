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
    if command.environment or command.unset:
        variables = [{"name": name, "type": "VALUE", "value": value} for name, value in command.environment]
        document["environment"] = {"variables": variables + [{"name": name} for name in command.unset]}
    return document


def decode_command(fields: Fields) -> CommandInfo:
    """Return a CommandInfo. Raises: InvalidRequest."""
    environment, unset = _environment(fields.message_or_empty("environment"))
    return CommandInfo(
        value=fields.text("value", ""),
        shell=fields.boolean("shell", True),
        arguments=fields.texts("arguments"),
        environment=environment,
        unset=unset,
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


def _environment(fields: Fields) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Return the variables that have a value, and the names of the others."""
    variables: list[tuple[str, str]] = []
    unset: list[str] = []
    for variable in fields.messages("variables"):
        name = variable.text("name")
        if variable.text("type", "VALUE") == "VALUE" and variable.has("value"):
            variables.append((name, variable.text("value")))
        else:
            unset.append(name)
    return tuple(variables), tuple(unset)
