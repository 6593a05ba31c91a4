"""Sites: how an agent and a framework look to the validation of an ACCEPT, at this moment."""

# Who calls: accept.py.

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mesoslite.model import AGENT_CAPABILITIES, NOTHING, ExecutorID, LaunchSite, OperationSite, RunningExecutor

if TYPE_CHECKING:
    from mesoslite.model import FrameworkID, Offer

    from .agent_entry import AgentEntry
    from .framework_entry import FrameworkEntry
    from .options import MasterOptions


class _Running(Mapping[ExecutorID, RunningExecutor]):
    """The executors of a framework on an agent, looked up when they are asked for: there may be many."""

    def __init__(self, agent: AgentEntry, framework_id: FrameworkID) -> None:
        self._entries = agent.executors
        self._framework_id = framework_id

    def __getitem__(self, executor_id: ExecutorID) -> RunningExecutor:
        entry = self._entries[self._framework_id, executor_id]
        return RunningExecutor(entry.info, entry.share_cgroups)

    def __bool__(self) -> bool:
        return bool(self._entries)

    def __iter__(self) -> Iterator[ExecutorID]:
        return (executor_id for owner, executor_id in self._entries if owner == self._framework_id)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def launch_site(framework: FrameworkEntry, agent: AgentEntry, offer: Offer, options: MasterOptions) -> LaunchSite:
    return LaunchSite(
        framework_id=framework.id,
        agent_id=agent.id,
        role=offer.role,
        capabilities=AGENT_CAPABILITIES,
        known=framework.tasks.keys(),
        unreachable=framework.unreachable,
        running=_Running(agent, framework.id),
        root_submissions=options.root_submissions,
        principal=framework.info.principal or None,
        user=framework.info.user,
        acls=options.acls,
    )


def sites(
    framework: FrameworkEntry, agent: AgentEntry, offer: Offer, options: MasterOptions
) -> tuple[LaunchSite, OperationSite]:
    """How both are at this moment."""
    has_shrunk = agent.resized > 0 and agent.is_short
    launches = launch_site(framework, agent, offer, options)
    return launches, operation_site(framework, agent, offer, options, has_shrunk=has_shrunk)


def operation_site(
    framework: FrameworkEntry, agent: AgentEntry, offer: Offer, options: MasterOptions, *, has_shrunk: bool
) -> OperationSite:
    """``has_shrunk``: the agent has less than is used and offered, so that nothing can be converted now."""
    return OperationSite(
        role=offer.role,
        total=NOTHING if has_shrunk else agent.total,
        used=agent.used,
        roles=framework.info.roles,
        framework_capabilities=framework.info.capabilities,
        principal=framework.info.principal or None,
        capabilities=AGENT_CAPABILITIES,
        named=framework.operation_uuids,
        acls=options.acls,
    )
