"""Executor records: executors as readers see them (records.Executor), made from what frameworks have said of them."""

# Who calls: the master.
# Source: Mesos include/mesos/v1/mesos.proto (ExecutorInfo).

from .agent_records import nanoseconds
from .commands import CommandInfo
from .executors import ExecutorInfo
from .ids import AgentID, FrameworkID
from .records import Command, Executor
from .resource_records import packed_resources
from .v1.commands import encode_command


def packed_executor(info: ExecutorInfo, framework_id: FrameworkID, agent_id: AgentID, role: str) -> Executor:
    """Return an executor as it is kept; ``role`` is the one whose resources it uses."""
    grace = info.shutdown_grace_seconds
    return Executor(
        executor_id=info.executor_id,
        framework_id=framework_id,
        agent_id=agent_id,
        command=_packed_command(info.command) if info.command is not None else None,
        name=info.name,
        resources=packed_resources(info.resources, role),
        role=role,
        labels=info.labels,
        type=info.type,
        source=info.source,
        data=info.data,
        shutdown_grace_period=nanoseconds(grace) if grace is not None else None,
        container=info.container.value if info.container is not None else None,
        discovery=info.discovery.value if info.discovery is not None else None,
    )


def _packed_command(command: CommandInfo) -> Command:
    return Command(
        value=command.value,
        shell=command.shell,
        arguments=command.arguments,
        environment=encode_command(command).get("environment"),
    )
