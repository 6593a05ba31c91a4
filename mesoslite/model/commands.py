"""CommandInfo: what to execute."""

# Who calls: tasks, executors and checks have one; agents have it started.
# Values are only checked where somebody must be able to answer for them: see ``command_problem``.
# Source: Mesos include/mesos/v1/mesos.proto (CommandInfo), src/common/validation.cpp (validateCommandInfo).

import msgspec


class CommandURI(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A file to be fetched into the sandbox before the command starts."""

    value: str
    executable: bool = False
    extract: bool = True
    cache: bool = False
    output_file: str = ""


class CommandInfo(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What to execute: ``value`` in a shell, or the program ``value`` with ``arguments``, argv[0] first.

    Shapes: ``environment`` is ((name, value), ...), added to what the agent gives. ``user`` is whom it runs as, "" for
    that of its framework.
    """

    value: str
    shell: bool = True
    arguments: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    user: str = ""
    uris: tuple[CommandURI, ...] = ()


def command_problem(command: CommandInfo) -> str | None:
    """Return why a command can never be started, as the end of a sentence; None if it can."""
    if not command.value:
        return f"has no {'command' if command.shell else 'program'}; set the value of its command"
    texts = [command.value, *command.arguments, *[text for pair in command.environment for text in pair]]
    if "\0" in "".join(texts):
        return "has a zero byte in its command; no program can be given one"
    for name, _ in command.environment:
        if not name or "=" in name:
            return f"sets the environment variable {name[:80]!r}; a name is not empty and holds no equals sign"
    return None
