"""The MESOS_* variables by which a task learns who and where it is."""

# Who calls: commands.py, for each launch; executors/environment.py. What else is inherited is up to the containerizer.
# A command has no executor of ours that must connect to the agent, so the variables of that protocol are left out.
# Source: Mesos src/slave/containerizer/containerizer.cpp (executorEnvironment), src/launcher/executor.cpp.

from mesoslite.model import AgentInfo, FrameworkInfo, TaskInfo


def task_environment(
    task: TaskInfo,
    role: str,
    framework: FrameworkInfo,
    agent: AgentInfo,
    agent_pid: str,
    sandbox: str,
    endpoint: str,
) -> dict[str, str]:
    """Return the variables for one run of a task of ``role``; the rest is as of ``place_environment``."""
    place = place_environment(framework, agent, agent_pid, sandbox, endpoint)
    executor_id = task.executor.executor_id if task.executor is not None else task.task_id
    return {"MESOS_TASK_ID": task.task_id, "MESOS_EXECUTOR_ID": executor_id, "MESOS_ALLOCATION_ROLE": role, **place}


def place_environment(
    framework: FrameworkInfo, agent: AgentInfo, agent_pid: str, sandbox: str, endpoint: str
) -> dict[str, str]:
    """Return the variables that say whose something is, and where it runs; both infos carry their ids.

    ``endpoint`` is where this machine reaches the agent's HTTP API; empty, it is by the agent's name.
    """
    host = f"[{agent.hostname}]" if ":" in agent.hostname else agent.hostname
    return {
        "MESOS_FRAMEWORK_ID": framework.id or "",
        "MESOS_SLAVE_ID": agent.id or "",
        "MESOS_AGENT_ID": agent.id or "",
        "MESOS_SLAVE_PID": agent_pid,
        "MESOS_AGENT_ENDPOINT": endpoint or f"{host}:{agent.port}",
        "MESOS_DIRECTORY": sandbox,
        "MESOS_SANDBOX": sandbox,
        "MESOS_CHECKPOINT": "1" if framework.checkpoint else "0",
    }
