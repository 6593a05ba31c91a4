"""Named: the frameworks that an agent names as it comes back."""

# Who calls: returns.py, inside the master actor, for one agent each. Most agents name what the master has already.
# A framework that nobody knew is entered, also if no task of it comes along. One that is over is not: the agent is told
#   to end it.
# Source: Mesos src/master/master.cpp (__reregisterSlave, recoverFramework, updateSlaveFrameworks).

from __future__ import annotations

from typing import TYPE_CHECKING

from mesoslite.model import ShutdownFramework, UpdateFrameworkInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mesoslite.model import FrameworkID, FrameworkInfo

    from .agent_entry import AgentEntry
    from .framework_entry import FrameworkEntry
    from .ledger import Ledger
    from .subscription import Subscriptions

IN_STEP = 16


class Named:
    """The frameworks of one message, over the books of one master."""

    def __init__(
        self, infos: Mapping[FrameworkID, FrameworkInfo], ledger: Ledger, subscriptions: Subscriptions
    ) -> None:
        self._infos = infos
        self._ledger = ledger
        self._subscriptions = subscriptions

    def enter(self) -> Iterator[None]:
        """Enter those that nobody knew, some in a step."""
        known = self._ledger.frameworks
        for number, framework_id in enumerate([one for one in self._infos if one not in known], 1):
            if number % IN_STEP == 0:
                yield
            self.find(framework_id)

    def find(self, framework_id: FrameworkID) -> FrameworkEntry | None:
        """One of them, entered if nobody knew it; None, if it is over."""
        framework = self._ledger.frameworks.get(framework_id)
        if framework is not None:
            return None if framework.is_ending else framework
        if self._ledger.is_completed(framework_id):
            return None
        return self._subscriptions.recover(self._infos[framework_id])

    def tell(self, agent: AgentEntry) -> Iterator[None]:
        """Tell the agent which are over, and what others have said of themselves meanwhile, some in a step."""
        for number, (framework_id, info) in enumerate(self._infos.items(), 1):
            if number % IN_STEP == 0:
                yield
            framework = self._ledger.frameworks.get(framework_id)
            if framework is None or framework.is_ending:
                if self._ledger.is_completed(framework_id):
                    agent.send(ShutdownFramework(framework_id))
            elif not framework.recovered and framework.info is not info and framework.info != info:
                agent.send(UpdateFrameworkInfo(framework.info))  # of one that is yet to come the agent knows best
