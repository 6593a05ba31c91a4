"""CommandInfo: what to execute."""

# Who calls: tasks, executors and checks have one; agents have it started.
# Values are only checked where somebody must be able to answer for them: see ``command_problem``.
# Source: Mesos include/mesos/v1/mesos.proto (CommandInfo), src/common/validation.cpp (validateCommandInfo),
#   src/slave/containerizer/fetcher.cpp (validateOutputFile).

import msgspec


class CommandURI(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A file to be fetched into the sandbox before the command starts.

    It bears its own name, or that of ``output_file``, a path in the sandbox. An archive, by that name, is unpacked if
    it is to ``extract``, and is not ``executable``. With ``cache`` its agent fetches it once.
    """

    value: str
    executable: bool = False
    extract: bool = True
    cache: bool = False
    output_file: str = ""


class CommandInfo(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What to execute: ``value`` in a shell, or the program ``value`` with ``arguments``, argv[0] first.

    Shapes: ``environment`` is ((name, value), ...), added to what the agent gives. ``user`` is whom it runs as, "" for
    that of its framework. ``unset`` are names of variables that have no value, or a secret, which nobody here resolves.
    """

    value: str
    shell: bool = True
    arguments: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    user: str = ""
    uris: tuple[CommandURI, ...] = ()
    unset: tuple[str, ...] = ()


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
    for name in command.unset:
        return f"says no value of the environment variable {name[:80]!r}; set one, for secrets are not known here"
    return _uris_problem(command.uris)


def _uris_problem(uris: tuple[CommandURI, ...]) -> str | None:
    named = set()
    for uri in uris:
        if not uri.value or "\0" in uri.value:
            return "has a URI that is empty, or holds a zero byte"
        name = uri.output_file
        if not name:
            continue
        if name.startswith("/") or "\0" in name or not {"", ".", ".."}.isdisjoint(name.split("/")):
            return f"has the output_file {name[:80]!r}; it is a path in the sandbox, without a slash at an end, and .."
        if name in named:
            return f"has the output_file {name[:80]!r} twice; give each URI one of its own"
        named.add(name)
    return None
