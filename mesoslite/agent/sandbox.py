"""Sandboxes: the directory in which a task runs, and which a person looks at afterwards."""

# Who calls: running.py, commands.py and executors/, for each launch.
# Layout: <work directory>/slaves/<agent>/frameworks/<framework>/executors/<task>/runs/<container>, and beside the
#   container's directory a symbolic link `latest` to the newest. A command's executor bears the id of its task.
#   Tasks of an executor of type DEFAULT have <executor's sandbox>/containers/<container>, and tasks/<task> leads there.
#   Standalone containers have <work directory>/containers/<name>.
# Paths are texts here: to make a Path of so many parts takes longer than a directory in memory.
# Invariant: no id, which a user may have chosen, leads out of the work directory (validate_id).
# Source: Mesos src/slave/paths.cpp.

import functools
import os
import stat

from mesoslite.model import AgentID, ContainerID, FrameworkID, TaskID, validate_id

LATEST = "latest"
SEARCH = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


def sandbox_path(
    work_directory: str, agent_id: AgentID, framework_id: FrameworkID, executor_id: str, container_id: ContainerID
) -> str:
    """Return where the sandbox of that run is, or will be; ``work_directory`` is an absolute path.

    Raises: InvalidRequest, if an id cannot be a file name.
    """
    validate_id("task or executor", executor_id)
    return f"{_executors_path(work_directory, agent_id, framework_id)}/{executor_id}/runs/{container_id}"


@functools.lru_cache(4_096)
def _executors_path(work_directory: str, agent_id: AgentID, framework_id: FrameworkID) -> str:
    for kind, text in (("agent", agent_id), ("framework", framework_id)):
        validate_id(kind, text)
    return os.path.join(work_directory, "slaves", agent_id, "frameworks", framework_id, "executors")


def make_sandbox(sandbox: str, work_directory: str) -> None:
    """Make the directory ``sandbox`` and point ``latest`` at it, in one step for whoever looks.

    An agent of root runs tasks of others, who can then pass from the work directory to their sandbox, and see nothing
    else on the way that the mask of the agent does not let them see.
    Raises: OSError with the path in it.
    """
    runs, _, container = sandbox.rpartition("/")
    executor = runs.rpartition("/")[0]
    is_root = os.geteuid() == 0
    is_new = _make(executor)
    if not is_new:  # the first task of its framework, or of that name
        _open_way(os.path.dirname(executor), work_directory)
        is_new = _make(executor)
    is_first = _make(runs)
    if is_root and (let_pass(executor) if is_new else is_first):  # what lets pass from the one does from the other
        let_pass(runs)
    os.mkdir(sandbox)
    _point(f"{runs}/{LATEST}", container, container)


def standalone_sandbox_path(work_directory: str, name: ContainerID) -> str:
    """Return where the sandbox of a standalone container is, or will be; raises InvalidRequest as ``sandbox_path``."""
    validate_id("container", name)
    return f"{work_directory}/containers/{name}"


def make_standalone_sandbox(sandbox: str, work_directory: str) -> None:
    """Make the directory ``sandbox``; the way there as of ``make_sandbox``. Raises: OSError with the path in it."""
    _open_way(os.path.dirname(sandbox), work_directory)
    os.mkdir(sandbox)


def task_sandbox_path(executor_sandbox: str, task_id: TaskID, container_id: ContainerID) -> str:
    """Return where the sandbox of a task of a group is, or will be; raises InvalidRequest as ``sandbox_path``."""
    validate_id("task", task_id)
    return f"{executor_sandbox}/containers/{container_id}"


def make_task_sandbox(sandbox: str, task_id: TaskID) -> None:
    """Make the directory ``sandbox`` of a task below its executor's, and ``tasks/<task_id>`` beside lead to it.

    The way there is open as that to others' sandboxes is. Raises: OSError with the path in it.
    """
    containers, _, container = sandbox.rpartition("/")
    executor, is_root = containers.rpartition("/")[0], os.geteuid() == 0
    if is_root:
        let_pass(executor)
    for directory in (containers, f"{executor}/tasks"):
        if _make(directory) and is_root:
            let_pass(directory)
    os.mkdir(sandbox)
    _point(f"{executor}/tasks/{task_id}", f"../containers/{container}", container)


def _point(link: str, target: str, container: str) -> None:
    """Have a symbolic link lead to ``target``, which is of ``container``, in one step for whoever looks."""
    try:
        os.symlink(target, link)
    except FileExistsError:
        os.symlink(target, f"{link}.{container}")
        os.replace(f"{link}.{container}", link)


def _open_way(directory: str, work_directory: str) -> None:
    """Make a directory with those above it; if we are root, everybody may pass from the work directory to it."""
    os.makedirs(directory, exist_ok=True)
    while os.geteuid() == 0 and directory:
        let_pass(directory)
        if directory in (work_directory, "/"):
            break
        directory = os.path.dirname(directory)


def _make(directory: str) -> bool:
    """Make a directory on the way to a sandbox, unless it is there; whether it is new."""
    try:
        os.mkdir(directory)
    except (FileExistsError, FileNotFoundError):
        return False
    return True


def let_pass(directory: str) -> bool:
    """Let everybody search ``directory``, without listing it; whether not everybody was let."""
    mode = stat.S_IMODE(os.stat(directory).st_mode)
    if mode & SEARCH == SEARCH:
        return False
    os.chmod(directory, mode | SEARCH)
    return True
