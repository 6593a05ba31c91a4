"""What a task inherits of the environment of its agent: the one place that reads it."""

# Who calls: program.py, for each launch, so that a change of the environment counts from then on.
# Source: Mesos src/slave/containerizer/containerizer.cpp (executorEnvironment).

import os

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PRIVATE_PREFIXES = ("LIBPROCESS_", "MESOS_")  # they configure the agent, and would mislead a task


def inherited_environment() -> dict[str, str]:
    """The environment of this process without what is the agent's own; PATH is always set."""
    shared = {name: value for name, value in os.environ.items() if not name.startswith(PRIVATE_PREFIXES)}
    shared.setdefault("PATH", DEFAULT_PATH)
    return shared
