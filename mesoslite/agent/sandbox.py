"""Sandboxes: the directory in which a task runs, and which a person looks at afterwards."""

# Who calls: agent.py, for each launch.
# Layout: <work directory>/slaves/<agent>/frameworks/<framework>/executors/<task>/runs/<container>, and beside the
#   container's directory a symbolic link `latest` to the newest. A command's executor bears the id of its task.
# Invariant: no id, which a user may have chosen, leads out of the work directory (validate_id).
# Source: Mesos src/slave/paths.cpp.

import os
import stat
from pathlib import Path

from mesoslite.model import AgentID, ContainerID, FrameworkID, TaskID, validate_id

LATEST = "latest"
SEARCH = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


def sandbox_path(
    work_directory: Path, agent_id: AgentID, framework_id: FrameworkID, task_id: TaskID, container_id: ContainerID
) -> Path:
    """Return where the sandbox of that run is, or will be.

    Raises: InvalidRequest, if an id cannot be a file name.
    """
    for kind, text in (("agent", agent_id), ("framework", framework_id), ("task", task_id)):
        validate_id(kind, text)
    run = Path("slaves", agent_id, "frameworks", framework_id, "executors", task_id, "runs", container_id)
    return work_directory / run


def make_sandbox(sandbox: Path, work_directory: Path) -> None:
    """Make the directory ``sandbox`` and point ``latest`` at it, in one step for whoever looks.

    An agent of root runs tasks of others, who can then pass from the work directory to their sandbox, and see nothing
    else on the way that the mask of the agent does not let them see.
    Raises: OSError with the path in it.
    """
    sandbox.mkdir(parents=True)
    if os.geteuid() == 0:
        for directory in sandbox.parents:
            _let_pass(directory)
            if directory == work_directory:
                break
    link = sandbox.with_name(f"{LATEST}.{sandbox.name}")
    link.symlink_to(sandbox.name)
    os.replace(link, sandbox.with_name(LATEST))


def _let_pass(directory: Path) -> None:
    """Let everybody search ``directory``, without listing it."""
    mode = stat.S_IMODE(directory.stat().st_mode)
    if mode & SEARCH != SEARCH:
        directory.chmod(mode | SEARCH)
