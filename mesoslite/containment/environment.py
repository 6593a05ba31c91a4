"""What a container has in its environment before anything is said of it: its agent's, or what operators say."""

# Who calls: program.py, for each launch, so that a change of the environment counts from then on; the command line, for
#   what operators say. Nothing else reads the environment of the agent.
# Source: Mesos src/slave/containerizer/containerizer.cpp (executorEnvironment).

import os

import msgspec

from mesoslite.model import InvalidRequest

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PRIVATE_PREFIXES = ("LIBPROCESS_", "MESOS_")  # they configure the agent, and would mislead a task


def inherited_environment() -> dict[str, str]:
    """The environment of this process without what is the agent's own; PATH is always set."""
    shared = {name: value for name, value in os.environ.items() if not name.startswith(PRIVATE_PREFIXES)}
    shared.setdefault("PATH", DEFAULT_PATH)
    return shared


def parse_environment(text: str) -> dict[str, str]:
    """The variables that a JSON object says, their values by their names; with a PATH. Raises: InvalidRequest."""
    try:
        variables = msgspec.json.decode(text, type=dict[str, str])
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidRequest(f'expected a JSON object such as {{"LANG": "C"}}, with texts: {error}') from error
    for name, value in variables.items():
        if not name or "=" in name or "\0" in name + value:
            raise InvalidRequest(f"got the variable {name[:80]!r}; a name has no equals sign, neither a zero byte")
    return {"PATH": DEFAULT_PATH, **variables}
