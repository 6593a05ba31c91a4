"""TokenContainerizer: executors are started with a token by which their agent knows them again."""

# Who calls: an agent, as its Containerizer; nodes.py makes one if there is a key to sign with.
# Source: Mesos src/slave/slave.cpp (generateSecret before an executor is launched), executor/executor.cpp.

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mesoslite.agent.executors import is_executor
from mesoslite.containment import RelayingContainerizer
from mesoslite.model import ExecutorID, FrameworkID
from mesoslite.model.executor_calls import ExecutorClaims

if TYPE_CHECKING:
    from mesoslite.api import ExecutorTokens
    from mesoslite.model import Container, ContainerConfig, Containerizer, ContainerNotices

VARIABLE = "MESOS_EXECUTOR_AUTHENTICATION_TOKEN"


class TokenContainerizer(RelayingContainerizer):
    """Has executors launched with a token of ``tokens``; those that live on after an agent have theirs."""

    def __init__(self, containerizer: Containerizer, tokens: ExecutorTokens) -> None:
        super().__init__(containerizer)
        self._tokens = tokens

    def launch(self, config: ContainerConfig, notices: ContainerNotices) -> Container:
        """See model.Containerizer.launch."""
        variables = dict(config.environment)
        if is_executor(variables):
            framework_id, executor_id = variables["MESOS_FRAMEWORK_ID"], variables["MESOS_EXECUTOR_ID"]
            claims = ExecutorClaims(FrameworkID(framework_id), ExecutorID(executor_id), config.container_id)
            signed = (*config.environment, (VARIABLE, self._tokens.issue(claims)))
            config = msgspec.structs.replace(config, environment=signed)
        return super().launch(config, notices)
