"""RelayingContainerizer: has another containerizer do everything, for those that do one thing differently."""

# Who calls: what stands around another containerizer inherits from it, and overrides what it does by itself.
# Rejected: __getattr__, which would relay what the other one has beyond the port as well, unseen by a type checker.

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mesoslite.model import (
        Attachment,
        Container,
        ContainerConfig,
        ContainerID,
        Containerizer,
        ContainerNotices,
    )


class RelayingContainerizer:
    """Has ``containerizer`` do everything: see model.Containerizer for each."""

    def __init__(self, containerizer: Containerizer) -> None:
        self._containerizer = containerizer

    def recover(
        self, known: Sequence[ContainerConfig], notices: Callable[[ContainerID], ContainerNotices]
    ) -> Mapping[ContainerID, Container]:
        """See model.Containerizer.recover."""
        return self._containerizer.recover(known, notices)

    def launch(self, config: ContainerConfig, notices: ContainerNotices) -> Container:
        """See model.Containerizer.launch."""
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
