"""TokenContainerizer: executors are started with a token by which their agent knows them again."""

# Who calls: an agent, as its Containerizer; nodes.py makes one if there is a key to sign with.
# Source: Mesos src/slave/slave.cpp (generateSecret before an executor is launched), executor/executor.cpp.

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mesoslite.agent.executors import is_executor
from mesoslite.model import ExecutorID, FrameworkID
from mesoslite.model.executor_calls import ExecutorClaims

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mesoslite.api import ExecutorTokens
    from mesoslite.model import (
        Attachment,
        Container,
        ContainerConfig,
        ContainerID,
        Containerizer,
        ContainerNotices,
    )

VARIABLE = "MESOS_EXECUTOR_AUTHENTICATION_TOKEN"


class TokenContainerizer:
    """Has ``containerizer`` do everything, executors with a token of ``tokens``: see model.Containerizer."""

    def __init__(self, containerizer: Containerizer, tokens: ExecutorTokens) -> None:
        self._containerizer = containerizer
        self._tokens = tokens

    def recover(
        self, known: Sequence[ContainerConfig], notices: Callable[[ContainerID], ContainerNotices]
    ) -> Mapping[ContainerID, Container]:
        """See model.Containerizer.recover: what lives has its token, of the key that is the same."""
        return self._containerizer.recover(known, notices)

    def launch(self, config: ContainerConfig, notices: ContainerNotices) -> Container:
        """See model.Containerizer.launch."""
        variables = dict(config.environment)
        if is_executor(variables):
            framework_id, executor_id = variables["MESOS_FRAMEWORK_ID"], variables["MESOS_EXECUTOR_ID"]
            claims = ExecutorClaims(FrameworkID(framework_id), ExecutorID(executor_id), config.container_id)
            signed = (*config.environment, (VARIABLE, self._tokens.issue(claims)))
            config = msgspec.structs.replace(config, environment=signed)
        return self._containerizer.launch(config, notices)

    def remove(self, container_id: ContainerID) -> None:
        """See model.Containerizer.remove."""
        self._containerizer.remove(container_id)

    def attach(self, container_id: ContainerID) -> Attachment:
        """See model.Containerizer.attach."""
        return self._containerizer.attach(container_id)

    def update(self, config: ContainerConfig) -> None:
        """See model.Containerizer.update."""
        self._containerizer.update(config)

    def detach(self) -> None:
        """See model.Containerizer.detach."""
        self._containerizer.detach()

    def close(self) -> None:
        """See model.Containerizer.close."""
        self._containerizer.close()
