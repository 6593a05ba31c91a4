"""Layout: where each checkpoint is."""

# Who calls: checkpoints.py and reading.py.
#   meta/boot_id                                              text: the machine's, when the agent started last
#   meta/resources_and_operations.state
#   meta/containers/<name>                                    a standalone container: of no agent, but of the machine
#   meta/slaves/latest -> <agent>                             whose life is gone on with
#   meta/slaves/<agent>/slave.info
#     frameworks/<framework>/framework.info
#       executors/<executor>/runs/<container>/executor.info   not of a command's, which has none but its task
#         http.marker                                         it has subscribed
#         executor.verdict                                    it is to be killed, and what its tasks are told then
#         executor.sentinel                                   text: its exit status; it has ended, as its tasks know
#         tasks/<task>/task.info, task.updates
# What is over is removed at once, and not with the sandbox after a time: whoever recovers reads what lives.
# Texts, not Paths, as in sandbox.py. Source: Mesos src/slave/paths.cpp.

from mesoslite.model import AgentID, ContainerID, ExecutorID, FrameworkID, TaskID, validate_id

BOOT_ID, RESOURCES, LATEST = "boot_id", "resources_and_operations.state", "latest"
AGENT, FRAMEWORK, EXECUTOR, TASK, UPDATES = "slave.info", "framework.info", "executor.info", "task.info", "task.updates"
SUBSCRIBED, VERDICT, ENDED = "http.marker", "executor.verdict", "executor.sentinel"
FRAMEWORKS, EXECUTORS, RUNS, TASKS = "frameworks", "executors", "runs", "tasks"


def meta_path(work_directory: str) -> str:
    """Return where all of them are."""
    return f"{work_directory}/meta"


def standalone_path(meta: str) -> str:
    """Return where those of standalone containers are."""
    return f"{meta}/containers"


def agents_path(meta: str) -> str:
    """Return where those of each agent are that was here."""
    return f"{meta}/slaves"


def agent_path(meta: str, agent_id: AgentID) -> str:
    """Return where those of an agent are. Raises: InvalidRequest, if the id cannot be a file name."""
    validate_id("agent", agent_id)
    return f"{agents_path(meta)}/{agent_id}"


def framework_path(agent: str, framework_id: FrameworkID) -> str:
    """Return where those of a framework are. Raises: InvalidRequest."""
    validate_id("framework", framework_id)
    return f"{agent}/{FRAMEWORKS}/{framework_id}"


def run_path(framework: str, executor_id: ExecutorID | TaskID, container_id: ContainerID) -> str:
    """Return where those of one start of an executor, or of a command, are. Raises: InvalidRequest."""
    validate_id("executor", executor_id)
    return f"{framework}/{EXECUTORS}/{executor_id}/{RUNS}/{container_id}"


def task_path(run: str, task_id: TaskID) -> str:
    """Return where those of a task are. Raises: InvalidRequest."""
    validate_id("task", task_id)
    return f"{run}/{TASKS}/{task_id}"
